//! `retry_waits`: no retry before its wait is over.
//!
//! Verifies that attempt k+1 is requested only after the k-th timer of the request has fired,
//! early or late. Does not verify that the retry comes: that is liveness.

use super::{Finding, History, Move};

pub(super) fn check(history: &History, step: &Move<'_>) -> Finding {
    let Some(request) = &history.request else {
        return Finding::NotApplicable;
    };
    let new = step.requested().count() as u64;
    let requested = request.requested + new;
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
