//! `attempts_bounded`: a request has no more attempts than it may have.
//!
//! Verifies that the number of `WorkRequested` since the request's accepted start stays within
//! `max_attempts` (0 counts as 1), and that no timer is set for an attempt that it may not have;
//! where the state can be read and the request has not ended, that its `attempt` is that number.
//! Does not verify when an attempt begins: see `retry_waits`.

use super::{Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let Some(request) = &past.request else {
        return Finding::NotApplicable;
    };
    let limit = request.limit();
    let requested = request.requested + step.requested_count;
    let under_way = step.after.filter(|state| !state.pc.is_end());
    let in_state = under_way.map(|state| state.attempt);
    if requested > limit || in_state.is_some_and(|attempt| attempt > limit) {
        let in_state = in_state.map(|attempt| format!(", attempt {attempt} in the state"));
        return Finding::violated(
            format!("at most {limit} attempts of {:?}", request.req_id),
            format!("{requested} requested{}", in_state.unwrap_or_default()),
        );
    }
    if let Some(timer) = step.timer.filter(|_| requested == limit) {
        return Finding::violated(
            format!(
                "no wait after attempt {limit} of {:?}, its last",
                request.req_id
            ),
            format!("a timer for {} ns", timer.deliver_at_ns),
        );
    }
    Finding::check(in_state.is_none_or(|attempt| attempt == requested), || {
        let expected = format!("attempt {requested} in the state: so many were requested");
        (
            expected,
            format!("attempt {}", in_state.unwrap_or_default()),
        )
    })
}
