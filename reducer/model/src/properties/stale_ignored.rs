//! `stale_ignored`: what is not awaited changes nothing.
//!
//! Verifies that these emit nothing and, where the state can be read, change no byte of it: answers
//! and timers of another request, or of none; an err while no attempt is under way (its attempt has
//! been counted); a timer that is not the one awaited (key and time); a start while a request is
//! under way. A request's own events after its end are the matter of `terminal_absorbing`. An err
//! that is a copy of one counted in an earlier attempt looks the same as a new one: the event
//! says only whose it is.

use super::{Because, Finding, Move, Past};

pub(super) fn check(_past: &Past<'_>, step: &Move<'_>) -> Finding {
    let is_ignorable = step.due.is_nothing() && step.due.because != Because::EndedAlready;
    if !is_ignorable {
        return Finding::NotApplicable;
    }
    Finding::check(step.is_ignored(), || {
        let expected = format!("nothing: {}", step.due.because.says());
        (expected, step.effect_seen())
    })
}
