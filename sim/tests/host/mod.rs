//! Tests of the reducer host (`sim::host`), with small guests written in the text format.
//!
//! Owns what a hostile or clumsy guest can do to the host. Never the real reducer: that has
//! tests of its own.

#[cfg(unix)]
mod budget;
mod cache;
mod constants;
mod envelope;
mod leaks;
mod limits;
mod load;
mod panics;
mod shapes;
mod step;
mod stops;

use libtest_mimic::{Failed, Trial};
use sim::host::{Code, Limits, LoadError, Output, StepError, StepInput};

/// All trials of this folder. They take no seed: nothing here is random.
pub fn trials() -> Vec<Trial> {
    [
        load::trials(),
        shapes::trials(),
        panics::trials(),
        step::trials(),
        stops::trials(),
        leaks::trials(),
        limits::trials(),
        constants::trials(),
        envelope::trials(),
        cache::trials(),
        #[cfg(unix)]
        budget::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A trial named `host::subject::test`; it fails by panicking.
fn trial(subject: &str, name: &str, test: fn()) -> Trial {
    Trial::test(format!("host::{subject}::{name}"), move || {
        test();
        Ok::<(), Failed>(())
    })
}

/// Limits small enough that running into them takes no time.
fn small() -> Limits {
    Limits {
        fuel_per_step: 100_000,
        memory_bytes: 1 << 20,
        output_bytes: 4096,
        ..Limits::default()
    }
}

fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the fixture is valid text format")
}

fn load(text: &str) -> Result<Code, LoadError> {
    Code::load(&assemble(text), small(), None)
}

/// A guest with one page of memory, an `alloc` that always answers 1024, and `fields`.
fn guest(fields: &str) -> Code {
    load(&guest_text(fields)).expect("the fixture is a reducer")
}

fn guest_text(fields: &str) -> String {
    format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            {fields})"#
    )
}

/// A `step` of the multi-value form that runs `body` and then answers `{state: h'01'}`, which
/// lies at 64.
fn step_then_answer(body: &str) -> String {
    format!(
        r#"(data (i32.const 64) "\a1\65state\41\01")
        (func (export "step") (param i32 i32) (result i32 i32)
            {body}
            (i32.const 64) (i32.const 9))"#
    )
}

/// A `step` of the multi-value form whose output is its input.
const ECHO: &str = r#"(func (export "step") (param i32 i32) (result i32 i32)
    (local.get 0) (local.get 1))"#;

const INPUT: StepInput<'_> = StepInput {
    state: Some(b"state"),
    schema: "demo/E@1",
    value: b"value",
    key: None,
    ctx: None,
};

/// One step of `INPUT` on a fresh instance.
fn first_step(code: &Code) -> Result<Output, StepError> {
    let mut output = Output::default();
    code.instance()?.step(&INPUT, &mut output).map(|()| output)
}

fn refusal(code: &Code) -> String {
    first_step(code)
        .expect_err("the step must fail")
        .to_string()
}
