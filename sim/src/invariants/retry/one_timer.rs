//! `one_timer`: a request waits for one timer at a time, and the timer says whose it is.
//!
//! Verifies that no timer is set while another of the request has not fired, and that its key is
//! the `req_id`. A timer that was lost counts as not fired.

use super::{Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let Some(request) = &past.request else {
        return Finding::NotApplicable;
    };
    let mut outstanding = match request.awaited_ns() {
        Some(_) if request.fired(step) == request.timers.set => 0,
        Some(_) => 1,
        None => 0,
    };
    let mut finding = Finding::NotApplicable;
    for timer in step.timers() {
        outstanding += 1;
        if timer.key != Some(request.req_id) {
            return Finding::violated(
                format!("a timer with the key {:?}", request.req_id),
                timer
                    .key
                    .map_or("no key".to_owned(), |key| format!("the key {key:?}")),
            );
        }
        if outstanding > 1 {
            return Finding::violated(
                format!("at most one outstanding timer of {:?}", request.req_id),
                format!("{outstanding} outstanding"),
            );
        }
        finding = Finding::Holds;
    }
    finding
}
