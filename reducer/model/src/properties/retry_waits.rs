//! `retry_waits`: no retry before its wait is over, and none that the end of its wait leaves out.
//!
//! Verifies that attempt k+1 is requested only after the k-th timer of the request has fired,
//! early or late, and that it is requested in the very step in which that timer ends the wait,
//! whatever the status of its receipt. Does not verify that the timer fires: that is liveness.

use super::{Because, Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let Some(request) = &past.request else {
        return Finding::NotApplicable;
    };
    let new = step.requested_count;
    let requested = request.requested + new;
    if step.due.because == Because::TimerAwaited && new == 0 {
        let expected = format!(
            "attempt {} of {:?}, for the timer that ends its wait has fired",
            requested + 1,
            request.req_id
        );
        return Finding::violated(expected, "no WorkRequested");
    }
    if new == 0 || requested < 2 {
        return Finding::NotApplicable;
    }
    let fired = request.fired(step);
    Finding::check(fired >= requested - 1, || {
        let expected = format!(
            "attempt {requested} of {:?} only after {} of its timers fired",
            request.req_id,
            requested - 1
        );
        (expected, format!("requested after {fired}"))
    })
}
