//! `attempts_bounded`: a request has no more attempts than it may have.
//!
//! Verifies that `attempt` in the state and the number of `WorkRequested` since the request's
//! accepted start stay within `max_attempts` (0 counts as 1), and that the two agree. Does not
//! verify when an attempt begins: see `retry_waits`.

use super::{Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let (Some(request), Some(state)) = (&past.request, step.after) else {
        return Finding::NotApplicable;
    };
    let limit = request.limit();
    let requested = request.requested + step.requested_count;
    if requested > limit || state.attempt > limit {
        return Finding::violated(
            format!("at most {limit} attempts of {:?}", request.req_id),
            format!(
                "{requested} requested, attempt {} in the state",
                state.attempt
            ),
        );
    }
    Finding::check(state.attempt == requested, || {
        let expected = format!("attempt {requested} in the state: so many were requested");
        (expected, format!("attempt {}", state.attempt))
    })
}
