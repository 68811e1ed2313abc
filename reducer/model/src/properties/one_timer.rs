//! `one_timer`: a request waits for one timer at a time, and the timer says whose it is.
//!
//! Verifies that no timer is set while another of the request has not fired, and that its key is
//! the `req_id`. A timer that was lost counts as not fired.

use super::{Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let (Some(request), Some(timer)) = (&past.request, step.timer) else {
        return Finding::NotApplicable;
    };
    if timer.key != Some(request.req_id) {
        let found = timer.key.map(|key| format!("the key {key:?}"));
        return Finding::violated(
            format!("a timer with the key {:?}", request.req_id),
            found.unwrap_or_else(|| "no key".to_owned()),
        );
    }
    let is_waiting = request.awaited_ns().is_some() && request.fired(step) != request.timers.set;
    Finding::check(!is_waiting, || {
        let expected = format!("at most one outstanding timer of {:?}", request.req_id);
        (expected, "2 outstanding".to_owned())
    })
}
