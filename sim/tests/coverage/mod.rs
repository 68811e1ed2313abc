//! Tests of guest coverage (`sim::host::Coverage`): that instrumented code answers as the
//! original does, and that what it counts and logs is right.
//!
//! Owns what is rewritten in a module. Never what a fuzzer makes of it.

mod compares;
mod constructs;
mod counts;
mod hostile;
mod refusals;
mod same;

use libtest_mimic::Trial;
use sim::host::{Code, Instance, Limits, Output, StepError, StepInput};
use sim::random::Seed;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    [
        compares::trials(),
        constructs::trials(),
        counts::trials(),
        hostile::trials(seed),
        refusals::trials(),
        same::trials(seed),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A trial named `coverage::subject::test`; it fails by panicking.
fn trial(subject: &str, name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    crate::support::trial(format!("coverage::{subject}::{name}"), test)
}

/// Limits small enough that running into them takes no time.
fn small() -> Limits {
    Limits {
        fuel_per_step: 100_000,
        memory_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// A reducer whose state is what `$run`, one of `fields`, makes of a number.
fn guest(fields: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 64) "\a1\65state\48")
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "step") (param i32 i32) (result i32 i32)
                (i64.store (i32.const 72)
                    (call $run (i64.load offset=6 (local.get 0))))
                (i32.const 64) (i32.const 16))
            {fields})"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The functions of a guest before those of its fields: `alloc` and `step`, a block each.
const FIRST: usize = 2;

fn instrumented(wasm: &[u8]) -> Code {
    Code::load_instrumented(wasm, small(), None).expect("it can be instrumented")
}

/// Has a guest make something of a number: the context, which comes first in the envelope.
fn give(instance: &mut Instance, number: u64) -> Result<Output, StepError> {
    let context = number.to_le_bytes();
    let input = StepInput {
        state: None,
        schema: "demo/E@1",
        value: b"value",
        key: None,
        ctx: Some(&context),
    };
    let mut output = Output::default();
    instance.step(&input, &mut output).map(|()| output)
}

/// What a guest made of a number.
fn result(instance: &mut Instance, number: u64) -> u64 {
    let output = give(instance, number).expect("the step succeeds");
    let state = output.state().expect("there is one");
    u64::from_le_bytes(state.try_into().expect("it is a number"))
}
