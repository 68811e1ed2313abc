//! Which operands are logged: of `eq` and `ne` alone, none below 256, none of a compare that was
//! equal before, and no more than there is room for.

use libtest_mimic::Trial;
use sim::host::{Compared, Coverage, Instance, MOST_COMPARED};

use super::{give, guest, instrumented, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("compares", "operands", operands),
        trial("compares", "small_operands", small_operands),
        trial("compares", "equal_once", equal_once),
        trial("compares", "fresh_instances_know", fresh_instances_know),
        trial("compares", "bounded", bounded),
        trial("compares", "kept_when_it_traps", kept_when_it_traps),
    ]
}

fn instance(run: &str) -> Instance {
    let code = instrumented(&guest(&format!(
        "(func $run (param $x i64) (result i64) {run})"
    )));
    code.instance().expect("an instance can be made")
}

fn logged(instance: &mut Instance, number: u64) -> Vec<Compared> {
    let mut coverage = Coverage::default();
    let _ = give(instance, number);
    instance.take_coverage(&mut coverage);
    coverage.compares
}

fn compared(site: u32, width: u8, a: u64, b: u64) -> Compared {
    Compared { site, width, a, b }
}

/// In order of occurrence, each as wide as it is. What is less than or greater is not logged.
fn operands() {
    let mut instance = instance(
        "(drop (i32.lt_u (i32.wrap_i64 (local.get $x)) (i32.const 5000)))
        (drop (i64.ge_s (local.get $x) (i64.const 5000)))
        (drop (i64.eqz (local.get $x)))
        (drop (i64.eq (local.get $x) (i64.const -2)))
        (drop (i32.eq (i32.wrap_i64 (local.get $x)) (i32.const -3)))
        (drop (i64.ne (i64.const 0x123456789a) (local.get $x)))
        (i64.extend_i32_u (i32.ne (i32.const 400) (i32.wrap_i64 (local.get $x))))",
    );
    let number = 0x7_0000_0100;
    assert_eq!(
        logged(&mut instance, number),
        [
            compared(0, 8, number, (-2i64).cast_unsigned()),
            compared(1, 4, 256, u64::from((-3i32).cast_unsigned())),
            compared(2, 8, 0x12_3456_789a, number),
            compared(3, 4, 400, 256),
        ]
    );
    assert_eq!(logged(&mut instance, 255), []);
}

/// 256 is the first that is logged, on either side. A constant below it makes no site.
fn small_operands() {
    let mut instance = instance(
        "(drop (i64.eq (local.get $x) (i64.const 255)))
        (drop (i32.ne (i32.wrap_i64 (local.get $x)) (i32.const 0)))
        (drop (i64.eq (i64.const 255) (local.get $x)))
        (drop (i64.eq (local.get $x) (i64.const 256)))
        (i64.extend_i32_u (i32.eq (i32.wrap_i64 (local.get $x)) (i32.wrap_i64
            (i64.shr_u (local.get $x) (i64.const 1)))))",
    );
    assert_eq!(logged(&mut instance, 0), []);
    assert_eq!(logged(&mut instance, 255), []);
    assert_eq!(
        logged(&mut instance, 257),
        [compared(1, 8, 257, 256)],
        "the half is 128"
    );
    assert_eq!(logged(&mut instance, 511), [compared(1, 8, 511, 256)]);
    assert_eq!(
        logged(&mut instance, 512),
        [compared(1, 8, 512, 256), compared(2, 4, 512, 256)]
    );
}

const TWO: &str = "(drop (i64.eq (local.get $x) (i64.const 1000)))
    (i64.extend_i32_u (i64.ne (local.get $x) (i64.const 2000)))";

fn equal_once() {
    let mut instance = instance(TWO);
    let mut coverage = Coverage::default();
    let mut sites = |number| {
        let _ = give(&mut instance, number);
        instance.take_coverage(&mut coverage);
        let sites: Vec<u32> = coverage
            .compares
            .drain(..)
            .map(|entry| entry.site)
            .collect();
        (sites, coverage.solved.clone())
    };
    assert_eq!(sites(3000), (vec![0, 1], vec![0, 0]));
    assert_eq!(sites(1000), (vec![1], vec![1, 0]));
    assert_eq!(sites(3000), (vec![1], vec![1, 0]));
    assert_eq!(sites(2000), (vec![], vec![1, 1]));
    assert_eq!(sites(3000), (vec![], vec![1, 1]));
}

fn fresh_instances_know() {
    let mut instance = instance(TWO);
    assert_eq!(logged(&mut instance, 1000), [compared(1, 8, 1000, 2000)]);
    instance.renew().expect("an instance can be made");
    assert_eq!(logged(&mut instance, 3000), [compared(1, 8, 3000, 2000)]);
    assert_eq!(logged(&mut instance, 2000), []);
    instance.renew().expect("an instance can be made");
    instance.renew().expect("an instance can be made");
    let mut coverage = Coverage::default();
    let _ = give(&mut instance, 3000);
    instance.take_coverage(&mut coverage);
    assert_eq!((coverage.compares, coverage.solved), (vec![], vec![1, 1]));
}

/// The first ones are kept. When they have been taken there is room again.
fn bounded() {
    let mut instance = instance(
        "(loop $l
            (drop (i64.eq (local.get $x) (i64.const 0x7fffffffffff)))
            (local.set $x (i64.sub (local.get $x) (i64.const 1)))
            (br_if $l (i64.gt_u (local.get $x) (i64.const 1000))))
        (local.get $x)",
    );
    for _ in 0..2 {
        let mut coverage = Coverage::default();
        let _ = give(&mut instance, 1000 + 600);
        instance.take_coverage(&mut coverage);
        // Nothing was written behind the log: those of `alloc`, `step`, `$run` and its loop.
        assert_eq!(coverage.blocks, [1, 1, 1, 255, 1]);
        let all = coverage.compares;
        assert_eq!(all.len(), MOST_COMPARED);
        assert_eq!(all[0].a, 1600);
        assert_eq!(all[MOST_COMPARED - 1].a, 1601 - MOST_COMPARED as u64);
    }
    let mut coverage = Coverage::default();
    for _ in 0..3 {
        let _ = give(&mut instance, 1000 + 300);
        instance.renew().expect("an instance can be made");
    }
    instance.take_coverage(&mut coverage);
    assert_eq!(coverage.compares.len(), MOST_COMPARED);
}

fn kept_when_it_traps() {
    let mut instance = instance(
        "(drop (i64.eq (local.get $x) (i64.const 1000)))
        (if (i64.eq (local.get $x) (i64.const 2000)) (then (unreachable)))
        (local.get $x)",
    );
    assert_eq!(
        logged(&mut instance, 2000),
        [compared(0, 8, 2000, 1000)],
        "the step was taken on a fresh instance, once"
    );
    let found = logged(&mut instance, 3000);
    assert_eq!(found, [compared(0, 8, 3000, 1000)], "the other was equal");
}
