//! `terminal_absorbing`: a request that has ended stays as it ended.
//!
//! Verifies that after Done or Failed that request's own events (a start of the same id, ok, err,
//! a timer with its key) emit nothing and, where the state can be read, change no byte of it.
//! Events of others are the matter of `stale_ignored`.

use super::{Because, Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let (Because::EndedAlready, Some(request)) = (step.due.because, &past.request) else {
        return Finding::NotApplicable;
    };
    Finding::check(step.is_ignored(), || {
        let phase = past.phase.name();
        let expected = format!("nothing: {:?} has ended as {phase}", request.req_id);
        (expected, step.effect_seen())
    })
}
