//! What can't be instrumented, and in which words.

use std::error::Error;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::host::{Code, Limits, LoadError, StepError};

use super::{give, guest, small, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("refusals", "as_without_coverage", as_without_coverage),
        trial("refusals", "of_coverage", of_coverage),
        trial("refusals", "of_the_rewriting", of_the_rewriting),
        trial(
            "refusals",
            "not_of_a_section_without_imports",
            not_of_a_section_without_imports,
        ),
        trial(
            "refusals",
            "small_limits_are_no_reason",
            small_limits_are_no_reason,
        ),
    ]
}

const RUN: &str = "(func $run (param i64) (result i64) (local.get 0))";

fn message(error: Option<LoadError>) -> String {
    match error {
        None => "accepted".to_owned(),
        Some(error) => match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

/// The original is judged first.
fn as_without_coverage() {
    let texts = [
        r#"(module (import "env" "now" (func (result i64))))"#.to_owned(),
        r#"(module (memory 1) (memory (export "memory") 1))"#.to_owned(),
        "(module)".to_owned(),
        r#"(module (memory (export "memory") 1) (func (export "alloc")))"#.to_owned(),
        r#"(module (memory (export "memory") i64 1))"#.to_owned(),
        r#"(module (memory (export "memory") 17))"#.to_owned(),
        r#"(module (tag) (func (throw 0)))"#.to_owned(),
    ];
    let mut modules: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| wat::parse_str(text).expect("it is valid somewhere"))
        .collect();
    for fields in [
        "(func $start unreachable) (start $start)",
        "(func $start (loop (br 0))) (start $start)",
    ] {
        modules.push(guest(&format!("{RUN} {fields}")));
    }
    modules.extend([vec![], b"\0asm".to_vec(), b"(module)".to_vec()]);
    for wasm in modules {
        let expected = message(Code::load(&wasm, small(), None).err());
        let found = message(Code::load_instrumented(&wasm, small(), None).err());
        assert_ne!(expected, "accepted");
        assert_eq!(expected, found);
    }
}

/// Reducers all the same.
fn of_coverage() {
    let locals = "i32 ".repeat(49_998);
    let found: String = [
        r#"(func (export "__sim_coverage"))"#.to_owned(),
        format!("(func (local {locals}))"),
    ]
    .iter()
    .map(|fields| {
        let wasm = guest(&format!("{RUN} {fields}"));
        Code::load(&wasm, small(), None).expect("it is a reducer");
        message(Code::load_instrumented(&wasm, small(), None).err()) + "\n"
    })
    .collect();
    expect![[r#"
        coverage can't be had of this module: an export named `__sim_coverage`, as coverage has it
        coverage can't be had of this module: a function with 49998 parameters and locals (5 more are needed)
    "#]].assert_eq(&found);
}

/// The rewriting trusts nobody to have judged the original.
fn of_the_rewriting() {
    let found: String = [
        "(module)",
        r#"(module (import "env" "now" (func (result i64))))"#,
        r#"(module (memory 1) (memory (export "memory") 1))"#,
        "(module (func) (func return_call 0) (memory 1) (export \"m\" (memory 0)))",
        "(module (tag) (func throw 0) (memory 1) (export \"m\" (memory 0)))",
        "(module (func (try_table)) (memory 1) (export \"m\" (memory 0)))",
        "(module (func (param anyref) (drop (block (result anyref)
            (br_on_cast 0 anyref i31ref (local.get 0)))))
            (memory 1) (export \"m\" (memory 0)))",
        "(module (func (param funcref) (drop (br_on_null 0 (local.get 0))))
            (memory 1) (export \"m\" (memory 0)))",
    ]
    .iter()
    .map(|text| {
        let wasm = wat::parse_str(text).expect("it is valid somewhere");
        message(sim::host::instrumented(&wasm).err()) + "\n"
    })
    .collect();
    expect![[r#"
        coverage can't be had of this module: a module without types, functions, a memory or exports
        coverage can't be had of this module: a module with imports
        coverage can't be had of this module: a module with 2 memories
        coverage can't be had of this module: tail calls (at offset 0x27)
        coverage can't be had of this module: exceptions (at offset 0x28)
        coverage can't be had of this module: exceptions (at offset 0x23)
        coverage can't be had of this module: branches on casts (at offset 0x28)
        coverage can't be had of this module: branches on null (at offset 0x26)
    "#]]
    .assert_eq(&found);
    let wasm = guest(RUN);
    for length in 0..wasm.len() {
        let _ = sim::host::instrumented(&wasm[..length]);
    }
}

/// A module may have a section of imports that lists none.
fn not_of_a_section_without_imports() {
    const HEADER_BYTES: usize = 8;
    let mut wasm = guest(RUN);
    // The first section holds types; its length takes a byte.
    let types_bytes = usize::from(wasm[HEADER_BYTES + 1]);
    let at = HEADER_BYTES + 2 + types_bytes;
    wasm.splice(at..at, [2, 1, 0]);
    for load in [Code::load, Code::load_instrumented] {
        let code = load(&wasm, small(), None).expect("it is a reducer");
        let mut instance = code.instance().expect("an instance can be made");
        assert_eq!(super::result(&mut instance, 7), 7);
    }
}

/// What coverage needs is no memory of the guest's, whose limit stays what it was.
fn small_limits_are_no_reason() {
    let text = r#"(module
        (memory (export "memory") 0 1)
        (func (export "alloc") (param i32) (result i32) (memory.grow (i32.const 1)))
        (func (export "step") (param i32 i32) (result i32 i32) (i32.const 0) (i32.const 0)))"#;
    let wasm = wat::parse_str(text).expect("it is valid");
    let limits = Limits {
        memory_bytes: 1000,
        ..small()
    };
    let plain = Code::load(&wasm, limits.clone(), None).expect("it is a reducer");
    let with = Code::load_instrumented(&wasm, limits, None).expect("it can be instrumented");
    for code in [plain, with] {
        let mut instance = code.instance().expect("an instance can be made");
        assert_eq!(instance.memory_bytes(), 0);
        let refused = give(&mut instance, 1).expect_err("a page is too much");
        let StepError::MemoryLimit {
            desired_bytes,
            limit_bytes,
            stack,
        } = refused
        else {
            panic!("{refused}");
        };
        assert_eq!((desired_bytes, limit_bytes), (1 << 16, 1000));
        assert_eq!(stack.functions(), ["alloc"]);
    }
}
