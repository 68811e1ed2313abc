//! `one_timer`: a request waits for one timer at a time, and the timer says whose it is.
//!
//! Verifies that no timer is set while another of the request has not fired, and that its key is
//! the `req_id`. A timer that was lost counts as not fired.

use super::{Finding, History, Move};

pub(super) fn check(history: &History, step: &Move<'_>) -> Finding {
    let Some(request) = &history.request else {
        return Finding::NotApplicable;
    };
    let mut outstanding = match request.awaited() {
        Some(_) if request.fired(step) == request.timers.len() as u64 => 0,
        Some(_) => 1,
        None => 0,
    };
    let mut finding = Finding::NotApplicable;
    for timer in step.timers() {
        outstanding += 1;
        if timer.key != Some(&request.req_id) {
            return Finding::Violated {
                expected: format!("a timer with the key {:?}", request.req_id),
                found: timer
                    .key
                    .map_or("no key".to_owned(), |key| format!("the key {key:?}")),
            };
        }
        if outstanding > 1 {
            return Finding::Violated {
                expected: format!("at most one outstanding timer of {:?}", request.req_id),
                found: format!("{outstanding} outstanding"),
            };
        }
        finding = Finding::Holds;
    }
    finding
}
