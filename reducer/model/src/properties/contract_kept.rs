//! `contract_kept`: every event brings about what the contract says, no more and no less.
//!
//! Verifies, for every event wherever the request stands, that what goes out is the one thing that
//! is due (one `WorkRequested`, one timer, or nothing) and nothing beside it; and, where the state
//! is in words that the model knows, that it is the one next state. It is asked where none of
//! the others found anything, for they say more about what they know of. Does not verify that an
//! event arrives: that is liveness.

use super::contract::{self, Asks, Due};
use super::{Event, Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    Finding::check(
        asks_for(&step.due, past, step) && stands(&step.due, step),
        || {
            let req_id = match &step.event {
                Event::Start(start) => Some(start.req_id),
                _ => past.request.as_ref().map(|request| request.req_id),
            };
            let expected = contract::sentence(&step.due, req_id, step.after.is_some());
            (expected, step.effect_seen())
        },
    )
}

/// Whether what went out is what is due.
fn asks_for(due: &Due, past: &Past<'_>, step: &Move<'_>) -> bool {
    let works = u64::from(due.asks == Asks::Work);
    if step.requested_count != works || step.other_count > 0 {
        return false;
    }
    let Some(request) = &past.request else {
        return step.timer.is_none() && works == 0;
    };
    let is_faithful = step
        .requested()
        .all(|asked| asked.req_id == request.req_id && asked.payload == request.payload);
    let timer = match due.asks {
        Asks::Timer { deliver_at_ns } => step.timer.is_some_and(|timer| {
            timer.deliver_at_ns == deliver_at_ns && timer.key == Some(request.req_id)
        }),
        _ => step.timer.is_none(),
    };
    is_faithful && timer
}

/// Whether the state is the one that is due, as far as it can be read.
fn stands(due: &Due, step: &Move<'_>) -> bool {
    if due.is_nothing() {
        return !step.changed;
    }
    // What is left of a request that has ended is the reducer's own matter.
    step.after.is_none_or(|state| {
        state.pc == due.phase && (due.phase.is_end() || state.attempt == due.attempt)
    })
}
