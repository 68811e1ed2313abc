//! `conforms`: what a reducer gives out is what its documents allow.
//!
//! Verifies that the output is a proper envelope, that state, events and parameters fit their
//! schemas, and that there is at most one effect, of a declared kind, through a bound slot. Does
//! not verify that any of it is the right answer, nor that it may be had: see `intents_granted`.

use crate::property::Finding;
use sim_record::trace::{Fault, Step};

pub(super) fn check(step: &Step) -> Finding {
    match step.fault.as_deref() {
        None => Finding::Holds,
        Some(Fault::Stopped { .. }) => Finding::NotApplicable,
        Some(Fault::Nonconforming { expected, found }) => {
            Finding::violated(expected.clone(), found.clone())
        }
    }
}
