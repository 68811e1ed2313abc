//! Which blocks there are, and how often each was reached: derived by hand.

use libtest_mimic::Trial;
use sim::host::{BlockKind, Code, Coverage, Limits, Sites, default_cache_dir};

use super::constructs::offsets_are_those_of_the_file;
use super::{FIRST, give, guest, instrumented, result, small, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("counts", "by_hand", by_hand),
        trial("counts", "dead_code_has_no_blocks", dead_code_has_no_blocks),
        trial("counts", "they_stay_at_255", they_stay_at_255),
        trial("counts", "taken_once", taken_once),
        trial("counts", "what_a_trap_ends_counts", what_a_trap_ends_counts),
        trial("counts", "renewal_loses_nothing", renewal_loses_nothing),
        trial("counts", "start_function_counts", start_function_counts),
        trial("counts", "names", names),
        trial("counts", "offsets_of_the_shipped", offsets_of_the_shipped),
    ]
}

/// The blocks of the functions after the first ones, with what was counted.
fn counted(sites: &Sites, coverage: &Coverage) -> Vec<(BlockKind, u8)> {
    assert_eq!(sites.blocks.len(), coverage.blocks.len());
    let blocks = sites.blocks.iter().zip(&coverage.blocks);
    let blocks = blocks.filter(|(block, _)| block.function as usize >= FIRST);
    blocks.map(|(block, count)| (block.kind, *count)).collect()
}

/// What was counted when a guest was given these numbers, one after the other.
fn reached(wasm: &[u8], numbers: &[u64]) -> Vec<(BlockKind, u8)> {
    let code = instrumented(wasm);
    let mut instance = code.instance().expect("an instance can be made");
    let mut coverage = Coverage::default();
    for number in numbers {
        let _ = give(&mut instance, *number);
    }
    instance.take_coverage(&mut coverage);
    counted(code.sites().expect("it is instrumented"), &coverage)
}

/// For 0: the block's branch is taken; the loop runs once; the `if` is not taken.
/// For 3: it is not taken; the loop runs three times; the `if` is taken, and the select's first.
fn by_hand() {
    use BlockKind::*;
    let wasm = guest(
        "(func $run (param $x i64) (result i64)
            (block $not_reached_by_branches (nop))
            (block $out
                (br_if $out (i64.eqz (local.get $x)))
                (nop))
            (if (i64.gt_u (local.get $x) (i64.const 2)) (then (nop)))
            (if (i64.gt_u (local.get $x) (i64.const 2)) (then (nop)) (else (nop)))
            (if (i64.gt_u (local.get $x) (i64.const 9)) (then (return (i64.const 1))))
            (loop $again
                (br_if $again (i32.eqz (i64.le_s
                    (local.tee $x (i64.sub (local.get $x) (i64.const 1)))
                    (i64.const 0)))))
            (select (i64.const 1) (i64.const 2) (i64.eqz (local.get $x))))",
    );
    let found = reached(&wasm, &[0, 3]);
    let expected = vec![
        (Function, 2),
        (Fallthrough, 1),
        (Join, 2),
        (Then, 1),
        (Else, 1),
        (Join, 2),
        (Then, 1),
        (Else, 1),
        (Join, 2),
        (Then, 0),
        // Nothing joins behind it: the other arm has returned.
        (Else, 2),
        (Loop, 4),
        (Fallthrough, 2),
        // Of -1 and 0.
        (SelectFirst, 1),
        (SelectSecond, 1),
    ];
    assert_eq!(found, expected);
}

fn dead_code_has_no_blocks() {
    use BlockKind::*;
    let wasm = guest(
        "(func $run (param $x i64) (result i64)
            (block $a
                (if (i64.eqz (local.get $x))
                    (then (br $a) (loop (br_if 0 (i32.const 1)) (br_if $a (i32.eq (i32.const 1) (i32.const 2)))))
                    (else (return (i64.const 2)) (block (br 0)) (select) (drop)))
                (if (i32.const 1) (then) (else))
                (block (br 0)))
            (i64.const 3))",
    );
    let expected = vec![(Function, 2), (Then, 1), (Else, 1), (Join, 1)];
    assert_eq!(reached(&wasm, &[0, 1]), expected);
}

const LOOP: &str = "(func $run (param $x i64) (result i64)
    (loop $l
        (local.set $x (i64.sub (local.get $x) (i64.const 1)))
        (br_if $l (i64.gt_s (local.get $x) (i64.const 0))))
    (local.get $x))";

/// In the guest, in the sum over several steps, and in the sum over several times.
fn they_stay_at_255() {
    use BlockKind::*;
    let wasm = guest(LOOP);
    for (numbers, expected) in [
        (&[254][..], 254),
        (&[255], 255),
        (&[256], 255),
        (&[257], 255),
        (&[512], 255),
        (&[200, 55], 255),
        (&[200, 56], 255),
    ] {
        let steps = numbers.len() as u8;
        let expected = vec![(Function, steps), (Loop, expected), (Fallthrough, steps)];
        assert_eq!(reached(&wasm, numbers), expected, "{numbers:?}");
    }
    let code = instrumented(&wasm);
    let mut instance = code.instance().expect("an instance can be made");
    let mut coverage = Coverage::default();
    for _ in 0..3 {
        result(&mut instance, 100);
        instance.take_coverage(&mut coverage);
    }
    let sites = code.sites().expect("it is instrumented");
    assert_eq!(counted(sites, &coverage)[1], (Loop, 255));
}

/// What was taken is zero afterwards, and is not taken again.
fn taken_once() {
    let code = instrumented(&guest(LOOP));
    let mut instance = code.instance().expect("an instance can be made");
    let mut first = Coverage::default();
    result(&mut instance, 7);
    instance.take_coverage(&mut first);
    assert_eq!(first.reached(), first.blocks.len());
    let mut second = Coverage::default();
    instance.take_coverage(&mut second);
    assert_eq!(
        (second.blocks.len(), second.reached()),
        (first.blocks.len(), 0)
    );
    first.clear();
    assert_eq!(first, second);
    result(&mut instance, 1);
    instance.take_coverage(&mut second);
    assert_eq!(second.blocks, vec![1; second.blocks.len()]);
}

/// The step is taken twice when the instance was used: on it and on a fresh one.
fn what_a_trap_ends_counts() {
    use BlockKind::*;
    let wasm = guest(
        "(func $run (param $x i64) (result i64)
            (if (i64.eqz (local.get $x)) (then (unreachable)))
            (local.get $x))",
    );
    assert_eq!(reached(&wasm, &[0]), [(Function, 1), (Then, 1), (Else, 0)]);
    assert_eq!(
        reached(&wasm, &[0, 1, 0, 1]),
        [(Function, 5), (Then, 3), (Else, 2)]
    );
}

fn renewal_loses_nothing() {
    let code = instrumented(&guest(LOOP));
    let mut instance = code.instance().expect("an instance can be made");
    let mut coverage = Coverage::default();
    for _ in 0..3 {
        result(&mut instance, 1);
        instance.renew().expect("an instance can be made");
    }
    instance.take_coverage(&mut coverage);
    assert_eq!(coverage.blocks, vec![3; coverage.blocks.len()]);
    let mut rest = Coverage::default();
    instance.take_coverage(&mut rest);
    assert_eq!(rest.reached(), 0);
}

fn start_function_counts() {
    use BlockKind::*;
    let wasm =
        guest("(func $start) (start $start) (func $run (param i64) (result i64) (i64.const 1))");
    assert_eq!(reached(&wasm, &[]), [(Function, 1), (Function, 0)]);
}

/// Of the name section, else of an export, else by number.
fn names() {
    let text = |name: &str| {
        format!(
            r#"(module (memory (export "memory") 1)
            (func {name} (export "alloc") (param i32) (result i32) (i32.const 0))
            (func)
            (func (export "step") (export "walk") (param i32 i32) (result i32 i32)
                (local.get 0) (local.get 1)))"#
        )
    };
    let of = |wasm: &[u8]| {
        let code = Code::load_instrumented(wasm, small(), None).expect("it is a reducer");
        code.sites().expect("it is instrumented").functions.clone()
    };
    let wasm = wat::parse_str(text("")).expect("it is valid");
    assert_eq!(of(&wasm), ["alloc", "func[1]", "step"]);
    let mut wasm = wat::parse_str(text("$give")).expect("it is valid");
    assert_eq!(of(&wasm), ["give", "func[1]", "step"]);
    // The name section comes last, and its last byte is that of the name.
    let last = wasm.len() - 1;
    wasm[last] = 7;
    assert_eq!(of(&wasm), ["giv\\u{7}", "func[1]", "step"]);
    // Malformed, it names nothing.
    wasm[last] = 0xff;
    assert_eq!(of(&wasm), ["alloc", "func[1]", "step"]);
}

fn offsets_of_the_shipped() {
    let cache = default_cache_dir();
    let code = Code::load_instrumented(retry_world::WASM, Limits::default(), cache.as_deref());
    let code = code.expect("it is a reducer");
    let sites = code.sites().expect("it is instrumented");
    assert!(sites.blocks.len() > 500, "{} blocks", sites.blocks.len());
    assert!(
        sites.compares.len() > 50,
        "{} compares",
        sites.compares.len()
    );
    offsets_are_those_of_the_file(retry_world::WASM, &code);
    let places = sites
        .blocks
        .iter()
        .map(|block| (block.function, block.offset));
    assert!(places.is_sorted());
}
