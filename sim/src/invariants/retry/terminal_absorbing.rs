//! `terminal_absorbing`: a request that has ended stays as it ended.
//!
//! Verifies that after Done or Failed that request's own events (a start of the same id, ok, err,
//! a timer with its key) change no byte of the state and emit nothing. Events of others are the
//! matter of `stale_ignored`.

use super::{Event, Finding, Move, Past};

pub(super) fn check(_past: &Past<'_>, step: &Move<'_>) -> Finding {
    let Some(state) = step.before.filter(|state| state.pc.is_end()) else {
        return Finding::NotApplicable;
    };
    let own = match &step.event {
        Event::Start(start) => start.req_id == state.req_id,
        Event::Ok { req_id } | Event::Err { req_id, .. } => *req_id == state.req_id,
        Event::Timer(timer) => timer.key == Some(state.req_id),
    };
    if !own {
        return Finding::NotApplicable;
    }
    Finding::check(step.is_ignored(), || {
        let expected = format!(
            "nothing: {:?} has ended as {}",
            state.req_id,
            state.pc.name()
        );
        (expected, step.effect_seen())
    })
}
