//! `stale_ignored`: what is not awaited changes nothing.
//!
//! Verifies that these change no byte and emit nothing: answers to another request, or to none;
//! an err while no attempt is under way (its attempt has been counted); a timer that is not the
//! one awaited (key and time); a start while a request is under way. A request's own events after
//! its end are the matter of `terminal_absorbing`. An err that is a copy of one counted in an
//! earlier attempt cannot be told from a new one: the event says only whose it is.

use super::{Event, Finding, Move, Past, Pc};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let Some(why) = stale(past, step) else {
        return Finding::NotApplicable;
    };
    Finding::check(step.is_ignored(), || {
        (format!("nothing: {why}"), step.effect_seen())
    })
}

/// Why the event is stale, if it is.
fn stale(past: &Past<'_>, step: &Move<'_>) -> Option<&'static str> {
    let under_way = matches!(step.pc(), Pc::Working | Pc::Backoff);
    let req_id = step.before.map(|state| state.req_id);
    match &step.event {
        Event::Start(_) if under_way => Some("a request is under way"),
        Event::Start(_) => None,
        Event::Ok { req_id: of } | Event::Err { req_id: of, .. }
            if step.pc() == Pc::Idle || req_id != Some(*of) =>
        {
            Some("it answers another request")
        }
        Event::Err { .. } if step.pc() == Pc::Backoff => Some("its attempt has been counted"),
        Event::Ok { .. } | Event::Err { .. } => None,
        Event::Timer(timer) => match (step.pc(), &past.request) {
            (Pc::Backoff, Some(request)) if request.is_awaited(timer) => None,
            (Pc::Done | Pc::Failed, _) if timer.key.is_some() && timer.key == req_id => None,
            _ => Some("this timer is not awaited"),
        },
    }
}
