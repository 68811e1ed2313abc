//! `bounded`: every step ends by itself, within its bounds.
//!
//! Verifies that no step traps, runs out of fuel, or goes past the memory, table or output bound,
//! and, where leaks are forbidden, that a step that is scrutinised (see `pure`) does not need more
//! memory the more often it is taken. Does not verify how close it came, nor a leak too slow for
//! that. A leak that is not forbidden is advice: the host renews an instance in time.

use crate::property::Finding;
use sim_record::trace::{Fault, Scrutiny, Step};

pub(super) fn check(step: &Step, forbids_leaks: bool) -> Finding {
    if let Some(Fault::Stopped { what, .. }) = step.fault.as_deref() {
        return Finding::violated("the step ends by itself, within its bounds", what.clone());
    }
    match &step.scrutiny {
        Scrutiny::Leaks(what) if forbids_leaks => Finding::violated(
            "the same memory however often the step is taken",
            what.to_string(),
        ),
        _ => Finding::Holds,
    }
}
