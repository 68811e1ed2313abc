//! Fuel, memory, table and stack: a guest that wants more than its share.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::host::{Code, Limits, StepError};

use super::{assemble, first_step, guest, guest_text, refusal, small, step_then_answer, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("limits", "endless_loops", endless_loops),
        trial("limits", "fuel_is_per_step", fuel_is_per_step),
        trial("limits", "memory", memory),
        trial("limits", "memory_to_the_byte", memory_to_the_byte),
        trial("limits", "own_maximum", own_maximum),
        trial("limits", "table", table),
        trial("limits", "growth_costs", growth_costs),
        trial("limits", "stack", stack),
        trial("limits", "defaults", defaults),
    ]
}

fn endless_loops() {
    let alloc = r#"(module (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (loop (br 0)) unreachable)
        (func (export "step") (param i32 i32 i32)))"#;
    let alloc = Code::load(&assemble(alloc), small(), None).expect("the fixture is a reducer");
    // Few instructions, much work: it is paid by the byte.
    let fill = "(loop (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)) (br 0))";
    for code in [
        alloc,
        guest(&step_then_answer("(loop (br 0))")),
        guest(&step_then_answer(fill)),
    ] {
        let error = first_step(&code).expect_err("it has no end");
        let StepError::OutOfFuel { limit, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(limit, 100_000);
    }
}

/// Each step has all the fuel, whatever the ones before it used.
fn fuel_is_per_step() {
    let code = guest(&step_then_answer(
        "(local $left i32) (local.set $left (i32.const 10000))
        (loop (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))",
    ));
    let mut instance = code.instance().expect("fresh");
    let mut output = sim::host::Output::default();
    for _ in 0..50 {
        instance
            .step(&super::INPUT, &mut output)
            .expect("the step succeeds");
    }
    assert_eq!(instance.steps_since_renewal(), 50);
}

fn memory() {
    let bodies = [
        // Page by page, never looking at the answer.
        "(loop (drop (memory.grow (i32.const 1))) (br 0))",
        "(drop (memory.grow (i32.const 16)))",
        // Beyond what 32 bits can address.
        "(drop (memory.grow (i32.const 65535)))",
        "(drop (memory.grow (i32.const -1)))",
    ];
    let found: String = bodies
        .iter()
        .map(|body| refusal(&guest(&step_then_answer(body))) + "\n")
        .collect();
    expect![[r#"
        reducer asked for 1114112 bytes of memory, its limit is 1048576; in step
        reducer asked for 1114112 bytes of memory, its limit is 1048576; in step
        reducer asked for 4294967296 bytes of memory, its limit is 1048576; in step
        reducer asked for 281474976710656 bytes of memory, its limit is 1048576; in step
    "#]]
    .assert_eq(&found);
    first_step(&guest(&step_then_answer(
        "(drop (memory.grow (i32.const 15)))",
    )))
    .expect("exactly the limit is fine");
}

/// A limit that is no whole number of pages.
fn memory_to_the_byte() {
    let grow = step_then_answer("(drop (memory.grow (i32.const 1)))");
    let wasm = assemble(&guest_text(&grow));
    for (memory_bytes, fits) in [(131_071, false), (131_072, true), (131_073, true)] {
        let limits = Limits {
            memory_bytes,
            ..small()
        };
        let code = Code::load(&wasm, limits, None).expect("the fixture is a reducer");
        assert_eq!(first_step(&code).is_ok(), fits, "{memory_bytes} bytes");
    }
}

/// What a module declares itself is not our limit: there it sees -1, as in any engine.
fn own_maximum() {
    let text = format!(
        r#"(module (memory (export "memory") 1 2) (table $t 1 2 funcref)
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            {})"#,
        step_then_answer(
            "(if (i32.ne (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))
            (if (i32.ne (table.grow $t (ref.null func) (i32.const 2)) (i32.const -1))
                (then unreachable))"
        )
    );
    let code = Code::load(&assemble(&text), small(), None).expect("the fixture is a reducer");
    first_step(&code).expect("the step succeeds");
}

fn table() {
    let grow = |elements: u32| {
        let body = format!("(drop (table.grow $t (ref.null func) (i32.const {elements})))");
        guest(&format!("(table $t 1 funcref) {}", step_then_answer(&body)))
    };
    first_step(&grow(65_535)).expect("exactly the limit is fine");
    expect!["reducer asked for 65537 table elements, its limit is 65536; in step"]
        .assert_eq(&refusal(&grow(65_536)));
}

/// What the engine calls the host for takes longer than other instructions, and costs more fuel: a
/// loop is out of it after so many.
fn growth_costs() {
    let fuel_of = |body: &str| {
        let again = "(br_if 0 (i32.lt_u (i32.load (i32.const 0)) (i32.const 500)))";
        let count = "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))";
        let fields = format!(
            "(table $t 1 funcref) (elem $e funcref (ref.null func)) (elem declare func 0) {}",
            step_then_answer(&format!("(loop {body} {count} {again})"))
        );
        let wasm = assemble(&guest_text(&fields));
        // The least fuel with which it comes to its end.
        let (mut too_little, mut enough) = (0, 1_000_000);
        while too_little + 1 < enough {
            let fuel_per_step = (too_little + enough) / 2;
            let limits = Limits {
                fuel_per_step,
                ..small()
            };
            let code = Code::load(&wasm, limits, None).expect("the fixture is a reducer");
            match first_step(&code) {
                Ok(_) => enough = fuel_per_step,
                Err(_) => too_little = fuel_per_step,
            }
        }
        enough / 500
    };
    let found: String = [
        "",
        "(drop (memory.grow (i32.const 0)))",
        "(drop (table.grow $t (ref.null func) (i32.const 0)))",
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))",
        "(memory.fill (i32.const 4096) (i32.const 0) (i32.const 1000))",
        "(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))",
        "(drop (ref.func 0))",
    ]
    .iter()
    .map(|body| format!("{} {body}\n", fuel_of(body)))
    .collect();
    expect![[r#"
        10 
        111 (drop (memory.grow (i32.const 0)))
        112 (drop (table.grow $t (ref.null func) (i32.const 0)))
        21 (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
        1021 (memory.fill (i32.const 4096) (i32.const 0) (i32.const 1000))
        30 (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))
        50 (drop (ref.func 0))
    "#]]
    .assert_eq(&found);
}

fn stack() {
    let code = guest(&format!(
        "(func $deep (param i64) (result i64)
            (i64.mul (local.get 0) (call $deep (i64.add (local.get 0) (i64.const 3)))))
        {}",
        step_then_answer("(drop (call $deep (i64.const 1)))")
    ));
    let limits = Limits {
        fuel_per_step: 10_000_000,
        ..small()
    };
    assert_eq!(code.limits().memory_bytes, limits.memory_bytes);
    expect!["reducer trapped: call stack exhausted by the recursion of deep"]
        .assert_eq(&refusal(&code));
}

/// The limits of ordinary use can be had.
fn defaults() {
    let wasm = assemble(&guest_text(&step_then_answer("")));
    let code = Code::load(&wasm, Limits::default(), None).expect("the fixture is a reducer");
    first_step(&code).expect("the step succeeds");
}
