//! `bounded`: every step ends by itself, within its bounds.
//!
//! Verifies that no step traps, runs out of fuel, or goes past the memory, table or output
//! bound. Does not verify how close it came.

use super::Finding;
use crate::trace::{Fault, Step};

pub(super) fn check(step: &Step) -> Finding {
    match step.fault.as_deref() {
        Some(Fault::Stopped { what }) => Finding::Violated {
            expected: "the step ends by itself, within its bounds".to_owned(),
            found: what.clone(),
        },
        _ => Finding::Holds,
    }
}
