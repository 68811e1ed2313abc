//! Everything that instructions can do to the flow of control, and what else there is in a module:
//! with and without coverage the answers are the same.

use libtest_mimic::Trial;
use sim::host::{BlockKind, Code, Coverage};

use super::{give, guest, instrumented, small, trial};

pub fn trials() -> Vec<Trial> {
    CONSTRUCTS
        .iter()
        .map(|(name, fields)| trial("constructs", name, || answers_alike(&guest(fields))))
        .collect()
}

/// Each with a `$run`, which takes a number and gives one.
pub const CONSTRUCTS: &[(&str, &str)] = &[
    ("blocks", BLOCKS),
    ("if", IF),
    ("loops", LOOPS),
    ("tables_of_branches", TABLES),
    ("several_values", SEVERAL_VALUES),
    ("dead_code", DEAD_CODE),
    ("returns", RETURNS),
    ("calls", CALLS),
    ("selects", SELECTS),
    ("compares", COMPARES),
    ("memory", MEMORY),
    ("references", REFERENCES),
    ("vectors", VECTORS),
    ("globals_and_start", GLOBALS),
    ("traps", TRAPS),
];

const BLOCKS: &str = "(func $run (param $x i64) (result i64)
    (block)
    (block $a
        (block $b
            (block $c
                (br_if $b (i64.lt_u (local.get $x) (i64.const 10)))
                (br_if $c (i64.lt_u (local.get $x) (i64.const 30)))
                (br_if $a (i64.lt_u (local.get $x) (i64.const 50)))
                (local.set $x (i64.add (local.get $x) (i64.const 7))))
            (local.set $x (i64.mul (local.get $x) (i64.const 3))))
        (local.set $x (i64.xor (local.get $x) (i64.const 5)))
        (block (block (br $a)))
        (local.set $x (i64.const 0)))
    (block (result i64)
        (br_if 0 (i64.const 1) (i64.eqz (local.get $x)))
        (drop)
        (block (result i64) (local.get $x))))";

const IF: &str = "(func $run (param $x i64) (result i64)
    (if (i64.lt_u (local.get $x) (i64.const 9)) (then))
    (if (i64.lt_u (local.get $x) (i64.const 9)) (then (local.set $x (i64.const 77))))
    (if (i64.lt_u (local.get $x) (i64.const 20)) (then)
        (else (local.set $x (i64.add (local.get $x) (i64.const 1)))))
    (if $out (i64.gt_u (local.get $x) (i64.const 40))
        (then (br_if $out (i64.gt_u (local.get $x) (i64.const 60)))
            (if (i64.gt_u (local.get $x) (i64.const 50)) (then (br $out)))
            (local.set $x (i64.const 5)))
        (else (br $out)))
    (if (i64.eqz (local.get $x)) (then (return (i64.const 4))))
    (local.get $x)
    (if (param i64) (result i64) (i64.lt_u (local.get $x) (i64.const 30))
        (then (i64.mul (i64.const 3))))
    (if (result i64) (i64.gt_u (local.get $x) (i64.const 90))
        (then (i64.const 1))
        (else (if (result i64) (i64.gt_u (local.get $x) (i64.const 80))
            (then (unreachable)) (else (i64.const 2)))))
    (i64.add))";

const LOOPS: &str = "(func $run (param $x i64) (result i64) (local $sum i64)
    (local.set $x (i64.and (local.get $x) (i64.const 63)))
    (loop)
    (loop $again
        (local.set $sum (i64.add (local.get $sum) (local.get $x)))
        (block $odd
            (br_if $odd (i32.wrap_i64 (local.get $x)))
            (loop $inner
                (local.set $sum (i64.add (local.get $sum) (i64.const 100)))
                (br_if $inner (i64.ne (i64.rem_u (local.get $sum) (i64.const 7)) (i64.const 0)))))
        (br_if $again (i64.ne (i64.const 0)
            (local.tee $x (i64.sub (local.get $x) (i64.gt_u (local.get $x) (i64.const 0))
                (i64.extend_i32_u))))))
    (local.get $sum) (i64.const 3)
    (loop $with (param i64 i64) (result i64)
        (local.set $x)
        (i64.add (local.get $x))
        (local.get $x) (i64.const 1) (i64.sub) (local.tee $x)
        (local.get $x) (i64.eqz) (i32.eqz)
        (br_if $with)
        (drop))
    (loop $never (result i64)
        (block $stop (br $stop (br $stop)))
        (i64.const 9))
    (i64.xor))";

const TABLES: &str = "(func $run (param $x i64) (result i64)
    (block $d (block $c (block $b (block $a
        (br_table $a $b $c $a $d (i32.wrap_i64 (i64.rem_u (local.get $x) (i64.const 6)))))
        (return (i64.const 1)))
        (local.set $x (i64.const 2))
        (br $d))
        (local.set $x (i64.add (local.get $x) (i64.const 3))))
    (block $v (result i64) (block $w (result i64)
        (br_table $w $v $v (i64.const 8) (i32.wrap_i64 (i64.rem_u (local.get $x) (i64.const 3)))))
        (i64.add (i64.const 50)))
    (block (block (br_table 0 1 (i32.wrap_i64 (local.get $x)))) (nop))
    (loop $l (param i64) (result i64)
        (i64.add (i64.const 1))
        (block $out (param i64) (result i64)
            (br_table $l $out (i64.gt_u (local.get $x) (i64.const 1000)) (i32.eqz)
                (local.set $x (i64.const 0)))))
    (br_table 0 0 (i32.const 1)))";

const SEVERAL_VALUES: &str = "(func $pair (param i64) (result i64 i32)
        (local.get 0) (i32.wrap_i64 (local.get 0)))
    (func $run (param $x i64) (result i64)
        (call $pair (local.get $x))
        (block (param i64 i32) (result i32 i64)
            (local.set $x (i64.extend_i32_u)) (drop)
            (i32.const 3) (local.get $x)
            (br_if 0 (i64.lt_u (local.get $x) (i64.const 12)))
            (drop) (drop) (i32.const 4) (i64.const 40))
        (if (param i32 i64) (result i64 i64 i32) (i64.gt_u (local.get $x) (i64.const 20))
            (then (local.set $x) (i64.extend_i32_s) (local.get $x) (i32.const 1))
            (else (drop) (drop) (i64.const 5) (i64.const 6) (i32.const 0)))
        (if (param i64 i64) (result i64 i64)
            (then (i64.const 1) (i64.add)))
        (loop (param i64 i64) (result i64) (i64.add)))";

const DEAD_CODE: &str = "(func $run (param $x i64) (result i64)
    (block $a
        (br_if $a (i64.lt_u (local.get $x) (i64.const 10)))
        (block $b
            (br $b)
            (block (loop (br_if 0 (i32.const 1)) (if (i32.const 0) (then) (else (br $a)))))
            (i32.eq) (drop) (i64.ne (i64.const 1000)) (select) (br_if $a) (drop)
            (br_table $a $b) (unreachable))
        (br_if $a (i64.lt_u (local.get $x) (i64.const 20)))
        (if (i64.lt_u (local.get $x) (i64.const 30))
            (then (return (i64.const 1)) (if (then (unreachable) (i32.add) (drop))))
            (else (return (i64.const 2)) (i32.eq) (br_if $a) (select) (drop)))
        (block (block (block)) (loop))
        (drop (i64.eq (i64.const 1000) (i64.const 2000))))
    (if (i64.eqz (local.get $x)) (then (unreachable) (loop (block (br 1)))))
    (block (result i64)
        (block (result i32) (br 1 (local.get $x)) (i64.eq) (if (then (br 2 (local.get $x)))))
        (i64.extend_i32_u))
    (loop (result i64) (return (i64.add (i64.const 5) (i64.const 6))) (select) (select (result i64)))
    (i64.add))";

const RETURNS: &str = "(func $run (param $x i64) (result i64)
    (if (i64.lt_u (local.get $x) (i64.const 10)) (then (return (i64.const 3))))
    (if (i64.lt_u (local.get $x) (i64.const 20)) (then (br 1 (i64.const 4))))
    (br_if 0 (local.get $x) (i64.lt_u (local.get $x) (i64.const 30)))
    (drop)
    (block $a (br_table $a $a (i64.lt_u (local.get $x) (i64.const 40))))
    (br_table 0 0 (local.get $x) (i64.gt_u (local.get $x) (i64.const 40)))
    (return (return (local.get $x))))";

const CALLS: &str = "(type $one (func (param i64) (result i64)))
    (table $t 4 funcref)
    (elem (i32.const 0) $double $odd $depth)
    (func $double (type $one) (i64.add (local.get 0) (local.get 0)))
    (func $odd (type $one)
        (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 0))
            (else (call $even (i64.sub (local.get 0) (i64.const 1))))))
    (func $even (type $one)
        (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))
            (else (call_indirect (type $one) (i64.sub (local.get 0) (i64.const 1)) (i32.const 1)))))
    (func $depth (type $one)
        (i64.add (call $double (call $odd (i64.and (local.get 0) (i64.const 63)))) (i64.const 5)))
    (func $run (type $one)
        (call_indirect (type $one) (i64.and (local.get 0) (i64.const 127))
            (i32.wrap_i64 (i64.rem_u (local.get 0) (i64.const 5)))))";

const SELECTS: &str = "(func $run (param $x i64) (result i64)
    (select (i64.const 5) (local.get $x) (i64.lt_u (local.get $x) (i64.const 5)))
    (select (result i64) (i64.const 6) (local.get $x) (i32.wrap_i64 (local.get $x)))
    (i64.add)
    (i64.extend_i32_u (select (i32.const 1) (i32.const 2) (select (i32.const 0) (i32.const 8)
        (i64.gt_u (local.get $x) (i64.const 33)))))
    (i64.trunc_sat_f64_u (select (f64.const 1.5) (f64.const 40.5) (i64.eqz (local.get $x))))
    (i64.extend_i32_u (ref.is_null (select (result funcref) (ref.null func) (ref.null func)
        (i32.wrap_i64 (local.get $x)))))
    (i64.add) (i64.mul) (i64.add))";

const COMPARES: &str = "(func $run (param $x i64) (result i64) (local $y i32) (local $sum i64)
    (local.set $y (i32.wrap_i64 (local.get $x)))
    (if (i32.eq (local.get $y) (i32.const 300)) (then (local.set $sum (i64.const 1))))
    (if (i32.ne (i32.const 70000) (local.get $y)) (then
        (local.set $sum (i64.add (local.get $sum) (i64.const 2)))))
    (block (br_if 0 (i64.eq (i64.const 5000000000) (local.get $x)))
        (br_if 0 (i64.ne (local.get $x) (i64.const -1)))
        (local.set $sum (i64.add (local.get $sum) (i64.const 4))))
    (select (i64.const 8) (i64.const 16) (i32.eq (i32.eq (local.get $y) (i32.const 1000))
        (i32.ne (local.get $y) (local.get $y))))
    (i64.extend_i32_u (i64.eq (local.get $x) (i64.const 7)))
    (i64.extend_i32_u (i32.eq (i32.eqz (local.get $y)) (i32.const 1)))
    (i64.add) (i64.add) (i64.add (local.get $sum)))";

const MEMORY: &str = r#"(data $passive "wasm\01\02\03\04\05\06\07\08\09\0a")
    (data (i32.const 512) "active")
    (func $run (param $x i64) (result i64)
        (memory.fill (i32.const 2048) (i32.wrap_i64 (local.get $x)) (i32.const 64))
        (memory.init $passive (i32.const 2050) (i32.const 1)
            (i32.wrap_i64 (i64.and (local.get $x) (i64.const 7))))
        (memory.copy (i32.const 2060) (i32.const 512) (i32.const 6))
        (i64.store16 offset=2070 (i32.const 4) (local.get $x))
        (if (i64.eq (local.get $x) (i64.const 1000)) (then
            (drop (memory.grow (i32.const 2)))))
        (if (i64.eq (local.get $x) (i64.const 1001)) (then (data.drop $passive)))
        (if (i64.eq (local.get $x) (i64.const 1002)) (then
            (drop (memory.grow (i32.const 100)))))
        (i64.load (i32.const 2050)) (i64.load (i32.const 2060)) (i64.load (i32.const 2070))
        (i64.extend_i32_u (memory.size))
        (i64.add) (i64.xor) (i64.add))"#;

const REFERENCES: &str = "(type $one (func (param i64) (result i64)))
    (table $t 3 10 funcref)
    (elem $passive func $a $b)
    (elem declare func $c)
    (elem (table $t) (offset (i32.const 1)) funcref (ref.func $a) (ref.null func))
    (func $a (type $one) (i64.const 10))
    (func $b (type $one) (i64.add (local.get 0) (i64.const 1)))
    (func $c (type $one) (i64.mul (local.get 0) (i64.const 3)))
    (func $run (type $one)
        (table.init $t $passive (i32.const 0) (i32.const 0)
            (i32.wrap_i64 (i64.and (local.get 0) (i64.const 1))))
        (if (i64.gt_u (local.get 0) (i64.const 30))
            (then (table.set $t (i32.const 2) (ref.func $c))))
        (if (i64.eq (local.get 0) (i64.const 40)) (then (elem.drop $passive)))
        (if (i64.eq (local.get 0) (i64.const 20)) (then
            (drop (table.grow $t (ref.func $b) (i32.const 2)))))
        (table.copy (i32.const 0) (i32.const 2) (i32.const 1))
        (table.fill $t (i32.const 1) (ref.func $b) (i32.const 1))
        (if (result i64) (ref.is_null (table.get $t (i32.const 0)))
            (then (i64.extend_i32_u (table.size $t)))
            (else (call_indirect (type $one) (local.get 0) (i32.const 0)))))";

const VECTORS: &str = "(func $run (param $x i64) (result i64) (local $v v128)
    (local.set $v (i64x2.splat (local.get $x)))
    (v128.store (i32.const 4096) (i8x16.add (local.get $v)
        (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)))
    (if (v128.any_true (i32x4.eq (local.get $v) (v128.const i32x4 7 8 9 10)))
        (then (return (i64.const 99))))
    (local.set $v (i8x16.shuffle 0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30
        (local.get $v) (v128.load (i32.const 4096))))
    (local.set $v (v128.load16_lane 3 (i32.const 4098) (local.get $v)))
    (local.set $v (select (local.get $v) (v128.const i64x2 1 2) (i64.eqz (local.get $x))))
    (f64.store (i32.const 4112) (f64.div (f64.convert_i64_u (local.get $x)) (f64.const 0)))
    (i64.add (i64x2.extract_lane 1 (f64x2.sqrt (local.get $v)))
        (i64.xor (i64x2.extract_lane 0 (local.get $v)) (i64.load (i32.const 4112)))))";

const GLOBALS: &str = r#"(global $g (mut i64) (i64.const 5))
    (global $h i32 (i32.add (i32.const 3) (i32.const 4)))
    (global $seen (export "seen") (mut i32) (i32.const 0))
    (func $start (loop $l
        (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
        (br_if $l (i32.ne (global.get $seen) (i32.const 300)))))
    (start $start)
    (func $run (param $x i64) (result i64)
        (if (i64.gt_u (local.get $x) (global.get $g)) (then
            (global.set $g (local.get $x))))
        (i64.add (global.get $g) (i64.extend_i32_u (i32.add (global.get $h) (global.get $seen)))))"#;

const TRAPS: &str = "(type $one (func (param i64) (result i64)))
    (table 2 funcref)
    (func $over (param i64) (result i64) (i64.add (call $over (local.get 0)) (i64.const 1)))
    (func $run (param $x i64) (result i64)
        (block $d (block $c (block $b (block $a
            (br_table $a $b $c $d (i32.wrap_i64 (i64.and (local.get $x) (i64.const 15)))))
            (unreachable))
            (return (i64.div_u (i64.const 1) (i64.sub (local.get $x) (local.get $x)))))
            (return (i64.load (i32.const -8))))
        (if (i64.eq (local.get $x) (i64.const 19)) (then
            (return (call_indirect (type $one) (local.get $x) (i32.const 1)))))
        (if (i64.eq (local.get $x) (i64.const 20)) (then (return (call $over (local.get $x)))))
        (if (i64.eq (local.get $x) (i64.const 21)) (then (loop (br 0))))
        (local.get $x))";

/// Numbers that the constructs tell apart, and others.
fn numbers() -> impl Iterator<Item = u64> {
    let powers = (0..64).map(|bit| 1 << bit);
    let random = (0..200u64).map(|index| index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let marked = [300, 1000, 1001, 1002, 70_000, 5_000_000_000, u64::MAX];
    (0..110).chain(powers).chain(random).chain(marked)
}

fn answers_alike(wasm: &[u8]) {
    let plain = Code::load(wasm, small(), None).expect("the construct is a reducer");
    let code = instrumented(wasm);
    let mut plain = plain.instance().expect("an instance can be made");
    let mut used = code.instance().expect("an instance can be made");
    let mut coverage = Coverage::default();
    for number in numbers() {
        let (expected, found) = (give(&mut plain, number), give(&mut used, number));
        assert_eq!(expected, found, "{number}");
        used.take_coverage(&mut coverage);
    }
    assert_eq!(plain.memory_bytes(), used.memory_bytes());
    let sites = code.sites().expect("it is instrumented");
    assert_eq!(coverage.blocks.len(), sites.blocks.len());
    offsets_are_those_of_the_file(wasm, &code);
}

/// Each block begins behind what opens it, in the original file.
pub fn offsets_are_those_of_the_file(wasm: &[u8], code: &Code) {
    for block in &code.sites().expect("it is instrumented").blocks {
        let offset = block.offset as usize;
        let (before, at) = (&wasm[..offset], wasm[offset]);
        let fits = match block.kind {
            BlockKind::Function => true,
            // The types of blocks are one byte, or an index that is as short.
            BlockKind::Loop => before[offset - 2] == 0x03,
            BlockKind::Then => before[offset - 2] == 0x04,
            BlockKind::Else => before[offset - 1] == 0x05 || at == 0x0b,
            BlockKind::Join => before[offset - 1] == 0x0b,
            BlockKind::Fallthrough => before[offset - 2] == 0x0d,
            BlockKind::SelectFirst | BlockKind::SelectSecond => [0x1b, 0x1c].contains(&at),
        };
        assert!(fits, "{block:?}");
    }
    for compare in &code.sites().expect("it is instrumented").compares {
        let expected = [[0x46, 0x47], [0x51, 0x52]][usize::from(compare.width_bytes == 8)];
        assert!(
            expected.contains(&wasm[compare.offset as usize]),
            "{compare:?}"
        );
    }
}
