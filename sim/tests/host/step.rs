//! The step: what goes in, what comes out, and that nothing depends on what came before.

use std::thread;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::host::{Code, Limits, Output, StepError, StepInput};

use super::{
    ECHO, INPUT, assemble, first_step, guest, guest_text, refusal, small, step_then_answer, trial,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("step", "both_forms", both_forms),
        trial("step", "input_envelope", input_envelope),
        trial("step", "pointers", pointers),
        trial("step", "trap", trap),
        trial("step", "nan_is_canonical", nan_is_canonical),
        trial("step", "leaking_guest", leaking_guest),
        trial("step", "guest_that_leaks_fast", guest_that_leaks_fast),
        trial("step", "error_of_a_used_instance", error_of_a_used_instance),
        trial("step", "failure_by_history", failure_by_history),
        trial("step", "start_runs_again", start_runs_again),
        trial("step", "renew", renew),
        trial("step", "output_after_an_error", output_after_an_error),
        trial("step", "threads", threads),
        trial("step", "instances_max", instances_max),
    ]
}

fn both_forms() {
    let area = guest(
        r#"(data (i32.const 64) "\a1\65state\41\01")
        (func (export "step") (param $ret i32) (param i32 i32)
            (i32.store (local.get $ret) (i32.const 64))
            (i32.store offset=4 (local.get $ret) (i32.const 9)))"#,
    );
    let values = guest(&step_then_answer(""));
    for code in [area, values] {
        assert_eq!(
            first_step(&code).expect("the step succeeds").state(),
            Some(&[1][..])
        );
    }
}

/// Answers its input as its state: what the host writes is seen through the guest's eyes.
fn mirror() -> Code {
    guest(
        r#"(data (i32.const 0) "\a1\65state\59")
        (func (export "step") (param $ptr i32) (param $len i32) (result i32 i32)
            (i32.store8 offset=8 (i32.const 0) (i32.shr_u (local.get $len) (i32.const 8)))
            (i32.store8 offset=9 (i32.const 0) (local.get $len))
            (memory.copy (i32.const 10) (local.get $ptr) (local.get $len))
            (i32.const 0) (i32.add (local.get $len) (i32.const 10)))"#,
    )
}

fn input_envelope() {
    let full = StepInput {
        key: Some(b"k"),
        ctx: Some(b"c"),
        ..INPUT
    };
    let first = StepInput {
        state: None,
        ..INPUT
    };
    let code = mirror();
    let (mut instance, mut output) = (code.instance().expect("fresh"), Output::default());
    let mut found = String::new();
    for input in [full, INPUT, first] {
        instance
            .step(&input, &mut output)
            .expect("the step succeeds");
        let envelope = output.state().expect("the mirror answers bytes");
        found += &format!("{}\n", envelope.escape_ascii());
    }
    expect![[r#"
        \xa4cctxAceevent\xa3ckeyAkevalueEvaluefschemahdemo/E@1estateEstategversion\x01
        \xa3eevent\xa2evalueEvaluefschemahdemo/E@1estateEstategversion\x01
        \xa3eevent\xa2evalueEvaluefschemahdemo/E@1estate\xf6gversion\x01
    "#]]
    .assert_eq(&found);
}

fn pointers() {
    let alloc = |answer: &str| {
        let text = format!(
            r#"(module (memory (export "memory") 1)
                (func (export "alloc") (param i32) (result i32) {answer})
                (func (export "step") (param i32 i32 i32) unreachable))"#
        );
        Code::load(&assemble(&text), small(), None).expect("the fixture is a reducer")
    };
    // Room for all of the input, but not for the return area.
    let second = "(if (result i32) (i32.eq (local.get 0) (i32.const 8)) \
                  (then (i32.const 65529)) (else (i32.const 0)))";
    let area = |pointer: &str, length: &str| {
        guest(&format!(
            r#"(func (export "step") (param $ret i32) (param i32 i32)
                (i32.store (local.get $ret) (i32.const {pointer}))
                (i32.store offset=4 (local.get $ret) (i32.const {length})))"#
        ))
    };
    let values = |pointer: &str, length: &str| {
        guest(&format!(
            r#"(func (export "step") (param i32 i32) (result i32 i32)
                (i32.const {pointer}) (i32.const {length}))"#
        ))
    };
    let found: String = [
        alloc("(i32.const -1)"),
        alloc("(i32.sub (i32.const 65537) (local.get 0))"),
        alloc(second),
        area("65536", "1"),
        area("-1", "-1"),
        area("0", "65537"),
        values("-1", "2"),
        values("65535", "2"),
        values("65536", "0"),
        values("65537", "0"),
        values("0", "4097"),
    ]
    .iter()
    .map(|code| refusal(code) + "\n")
    .collect();
    expect![[r#"
        input buffer at 0xffffffff, 57 bytes long, lies outside the memory of 65536 bytes
        input buffer at 0xffc8, 57 bytes long, lies outside the memory of 65536 bytes
        return area at 0xfff9, 8 bytes long, lies outside the memory of 65536 bytes
        output at 0x10000, 1 bytes long, lies outside the memory of 65536 bytes
        output at 0xffffffff, 4294967295 bytes long, lies outside the memory of 65536 bytes
        output at 0x0, 65537 bytes long, lies outside the memory of 65536 bytes
        output at 0xffffffff, 2 bytes long, lies outside the memory of 65536 bytes
        output at 0xffff, 2 bytes long, lies outside the memory of 65536 bytes
        output envelope, at its top (byte 0): expected a map, found the end of the envelope
        output at 0x10001, 0 bytes long, lies outside the memory of 65536 bytes
        output envelope of 4097 bytes, its limit is 4096
    "#]]
    .assert_eq(&found);
}

fn trap() {
    let bodies = [
        "unreachable",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i32.load (i32.const -4)))",
    ];
    let found: String = bodies
        .iter()
        .map(|body| refusal(&guest(&step_then_answer(body))) + "\n")
        .collect();
    expect![[r#"
        reducer trapped: wasm `unreachable` instruction executed; in step
        reducer trapped: integer divide by zero; in step
        reducer trapped: out of bounds memory access; in step
    "#]]
    .assert_eq(&found);
}

/// 0/0 has a sign bit of its own on some processors; a guest must not see it.
fn nan_is_canonical() {
    let code = guest(
        r#"(data (i32.const 64) "\a1\65state\44")
        (func (export "step") (param i32 i32) (result i32 i32)
            (f32.store (i32.const 72)
                (f32.div (f32.load (i32.const 0)) (f32.load (i32.const 0))))
            (i32.const 64) (i32.const 12))"#,
    );
    let output = first_step(&code).expect("the step succeeds");
    assert_eq!(output.state(), Some(&[0, 0, 0xc0, 0x7f][..]));
}

/// A bump allocator that never frees, and grows the memory when it must.
fn leaking(limits: Limits, leak_bytes: u32) -> Code {
    let text = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 64) "\a1\65state\41\01")
            (global $top (mut i32) (i32.const 1024))
            (func $alloc (export "alloc") (param $len i32) (result i32)
                (local $old i32)
                (local.set $old (global.get $top))
                (global.set $top (i32.add (local.get $old) (local.get $len)))
                (block $done
                    (br_if $done (i32.le_u (global.get $top)
                        (i32.shl (memory.size) (i32.const 16))))
                    (br_if $done (i32.ne (i32.const -1) (memory.grow (i32.add (i32.const 1)
                        (i32.shr_u (local.get $len) (i32.const 16))))))
                    unreachable)
                (local.get $old))
            (func (export "step") (param i32 i32) (result i32 i32)
                (memory.fill (call $alloc (i32.const {leak_bytes})) (i32.const 7)
                    (i32.const {leak_bytes}))
                (i32.const 64) (i32.const 9)))"#
    );
    Code::load(&assemble(&text), limits, None).expect("the fixture is a reducer")
}

/// Steps, and how many of them met a fresh instance; every output must be that of the first.
fn fresh_steps(code: &Code, steps: usize) -> usize {
    let expected = first_step(code).expect("the first step succeeds");
    let (mut instance, mut output) = (code.instance().expect("fresh"), Output::default());
    let mut fresh = 0;
    for index in 0..steps {
        instance
            .step(&INPUT, &mut output)
            .unwrap_or_else(|error| panic!("step {index}: {error}"));
        assert_eq!(output, expected, "step {index}");
        fresh += usize::from(instance.steps_since_renewal() == 1);
    }
    fresh
}

fn leaking_guest() {
    // Renewed once it has grown by more than half of a mebibyte: nine pages last some 990 steps.
    assert_eq!(fresh_steps(&leaking(small(), 540), 10_000), 11);
}

/// Two steps more than fill the memory, so that renewal in good time is not enough: the second
/// one fails on the used instance and must be run again on a fresh one.
fn guest_that_leaks_fast() {
    let limits = Limits {
        fuel_per_step: 2_000_000,
        ..small()
    };
    assert_eq!(fresh_steps(&leaking(limits.clone(), 400_000), 100), 50);
    assert_eq!(fresh_steps(&leaking(limits, 500_000), 100), 100);
}

/// A guest that answers a pointer which counts its steps.
fn error_of_a_used_instance() {
    let code = guest(
        r#"(global $steps (mut i32) (i32.const 0))
        (data (i32.const 64) "\a1\65state\41\01")
        (func (export "step") (param i32 i32) (result i32 i32)
            (global.set $steps (i32.add (global.get $steps) (i32.const 1)))
            (if (result i32) (i32.lt_u (local.get 1) (i32.const 100))
                (then (i32.const 64))
                (else (i32.add (i32.const 0x100000) (global.get $steps))))
            (i32.const 9))"#,
    );
    let long = StepInput {
        value: &[0; 100],
        ..INPUT
    };
    let mut output = Output::default();
    let fresh = code.instance().expect("fresh").step(&long, &mut output);
    let mut used = code.instance().expect("fresh");
    for _ in 0..5 {
        used.step(&INPUT, &mut output)
            .expect("a short event is answered");
    }
    assert_eq!(used.steps_since_renewal(), 5);
    for _ in 0..3 {
        assert_eq!(used.step(&long, &mut output), fresh);
    }
    let StepError::BadPointer { pointer, .. } = fresh.expect_err("a long event is not") else {
        panic!("the guest answers a bad pointer");
    };
    assert_eq!(pointer, 0x10_0001);
    used.step(&INPUT, &mut output)
        .expect("an error leaves no trace");
    assert_eq!(used.steps_since_renewal(), 1);
}

/// A guest that traps in every third step of its life is not seen to.
fn failure_by_history() {
    let code = guest(&format!(
        "(global $steps (mut i32) (i32.const 0)) {}",
        step_then_answer(
            "(global.set $steps (i32.add (global.get $steps) (i32.const 1)))
            (if (i32.eq (global.get $steps) (i32.const 3)) (then unreachable))"
        )
    ));
    assert_eq!(fresh_steps(&code, 10), 5);
}

/// A renewed instance is initialised like the first: data, globals and start function.
fn start_runs_again() {
    let code = guest(&format!(
        "(func $start (i32.store8 (i32.const 72) (i32.const 5))) (start $start) {}",
        step_then_answer(
            "(if (i32.ne (i32.load8_u (i32.const 72)) (i32.const 5)) (then unreachable))"
        )
    ));
    let (mut instance, mut output) = (code.instance().expect("fresh"), Output::default());
    for _ in 0..3 {
        instance
            .step(&INPUT, &mut output)
            .expect("the step succeeds");
        assert_eq!(output.state(), Some(&[5][..]));
        instance.renew().expect("it can be renewed");
    }
}

/// A guest that counts in its memory is seen through by a renewal.
fn renew() {
    let code = guest(&step_then_answer(
        "(i32.store8 (i32.const 72) (i32.add (i32.const 1) (i32.load8_u (i32.const 72))))",
    ));
    let (mut instance, mut output) = (code.instance().expect("fresh"), Output::default());
    let mut states = Vec::new();
    for renews in [false, false, true, false] {
        if renews {
            instance.renew().expect("it can be renewed");
            assert_eq!(instance.steps_since_renewal(), 0);
        }
        instance
            .step(&INPUT, &mut output)
            .expect("the step succeeds");
        states.extend(output.state().expect("a state").first().copied());
    }
    assert_eq!(states, [2, 3, 2, 3]);
}

fn output_after_an_error() {
    let code = guest(ECHO);
    let (mut instance, mut output) = (code.instance().expect("fresh"), Output::default());
    instance
        .step_encoded(b"\xa1\x65state\x41\x01", &mut output)
        .expect("the step succeeds");
    assert_eq!(output.state(), Some(&[1][..]));
    // The state is well-formed, what follows is not.
    instance
        .step_encoded(b"\xa1\x65state\x41\x01\0", &mut output)
        .expect_err("a byte too many");
    assert_eq!(output, Output::default());
}

fn threads() {
    let code = leaking(small(), 540);
    let fresh: Vec<usize> = thread::scope(|scope| {
        let started: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| fresh_steps(&code, 2_000)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    assert_eq!(fresh, [3; 8]);
}

fn instances_max() {
    let code = guest(ECHO);
    let mut instances: Vec<_> = (0..Code::instances_max())
        .map(|_| code.instance().expect("a slot is free"))
        .collect();
    let error = code.instance().err().expect("no slot is free");
    assert!(matches!(error, StepError::Host { .. }), "{error}");
    let last = instances.last_mut().expect("there are some");
    last.renew()
        .expect("an instance is renewed in its own slot");
    instances.pop();
    code.instance().expect("a slot is free again");
    Code::load(&assemble(&guest_text(ECHO)), small(), None).expect("each reducer has its own");
}
