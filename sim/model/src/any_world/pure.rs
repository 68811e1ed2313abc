//! `pure`: a step is a function of its input.
//!
//! Verifies that a step gives the same bytes on the instance that has taken all the steps before,
//! on a fresh one, and on one whose memory unrelated steps have dirtied. Only of the steps that
//! the kernel was asked to take again: a sample in campaigns, all in replays. Does not verify
//! anything of a mark in memory that shows after more rounds than are tried.

use crate::property::Finding;
use sim_record::trace::{Scrutiny, Step};

pub(super) fn check(step: &Step) -> Finding {
    match &step.scrutiny {
        Scrutiny::None => Finding::NotApplicable,
        Scrutiny::Passed | Scrutiny::Leaks(_) => Finding::Holds,
        Scrutiny::Differs(what) => {
            Finding::violated("the same bytes as from a fresh instance", what.to_string())
        }
    }
}
