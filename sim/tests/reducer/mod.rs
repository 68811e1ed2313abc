//! The retry reducer that ships, as wasm and at its ABI: which envelopes it reads, what it
//! refuses, what it writes, and how it keeps its memory.
//!
//! The simulator only ever hands over what its own kernel wrote: canonical, valid, from a host
//! that allocates as it should. Here is the rest. What an event does to the machine is judged by
//! the invariants, all but the end of the backoff formula, which hardly any run gets to.

mod cost;
mod forms;
mod inputs;
mod memory;
mod refusals;

use libtest_mimic::Trial;
use sim::host::{Instance, Output, StepError};

use crate::support::code;
use inputs::Node;

pub fn trials() -> Vec<Trial> {
    [
        cost::trials(),
        forms::trials(),
        refusals::trials(),
        memory::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A trial named `reducer::subject::test`; it fails by panicking.
fn trial(subject: &str, name: &str, test: fn()) -> Trial {
    crate::support::trial(format!("reducer::{subject}::{name}"), test)
}

/// The shipped reducer, one step after the other.
struct Shipped(Instance);

impl Shipped {
    fn new() -> Shipped {
        let instance = code(retry_world::WASM).instance();
        Shipped(instance.expect("there is room for an instance"))
    }

    /// The output for an input envelope; None if the reducer refuses it, and says why.
    fn step(&mut self, envelope: &[u8]) -> Option<Output> {
        let mut output = Output::default();
        match self.0.step_encoded(envelope, &mut output) {
            Ok(()) => Some(output),
            Err(StepError::Panic { said, .. }) => {
                assert!(said.starts_with("panicked: "), "{said}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn accepted(&mut self, input: &Node) -> Output {
        self.step(&input.encode()).expect("the input is valid")
    }
}
