//! Steps that were taken before: the same input gives the same output, for a reducer is pure.
//!
//! Whether it is cannot be taken on trust, so that one recall in [`RECALLS_PER_CHECK`] takes the
//! step again; an answer that differs is told as one of an impure reducer.

use std::collections::BTreeMap;

use crate::air::ReducerId;
use crate::reducer::{Instance, Output, StepError, StepInput, encode_envelope};
use crate::trace::Scrutiny;

const RECALLS_PER_CHECK: u64 = 256;
/// Steps that are remembered; after that, new ones are taken each time.
const MOST_STEPS: usize = 1 << 16;

type Answer = (Result<(), StepError>, Output);

#[derive(Default)]
pub(super) struct Memo {
    steps: BTreeMap<(ReducerId, Vec<u8>), Answer>,
    recalls: u64,
    key: Vec<u8>,
}

impl Memo {
    /// The answer to an input, remembered or taken.
    pub fn step(
        &mut self,
        reducer: ReducerId,
        instance: &mut Instance,
        input: &StepInput<'_>,
        output: &mut Output,
    ) -> (Result<(), StepError>, Scrutiny) {
        let mut envelope = std::mem::take(&mut self.key);
        encode_envelope(input, &mut envelope);
        let key = (reducer, envelope);
        let Some((ran, known)) = self.steps.get(&key) else {
            let ran = instance.step_encoded(&key.1, output);
            if self.steps.len() < MOST_STEPS {
                self.steps.insert(key, (ran.clone(), output.clone()));
            }
            return (ran, Scrutiny::None);
        };
        self.recalls += 1;
        let mut scrutiny = Scrutiny::None;
        if self.recalls.is_multiple_of(RECALLS_PER_CHECK) {
            let again = instance.step_encoded(&key.1, output);
            scrutiny = match again == *ran && output == known {
                true => Scrutiny::Passed,
                false => Scrutiny::differs("the step taken again", "another answer"),
            };
        }
        output.clone_from(known);
        let ran = ran.clone();
        self.key = key.1;
        (ran, scrutiny)
    }
}
