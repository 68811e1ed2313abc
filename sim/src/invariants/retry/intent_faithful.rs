//! `intent_faithful`: what was asked for is what is worked on.
//!
//! Verifies that every `WorkRequested` carries the id and the payload of the accepted start, and,
//! where the state can be read, that it keeps these and the start's numbers unchanged for as long as
//! the request lasts.

use super::{Finding, Move, Past};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let Some(request) = &past.request else {
        return Finding::NotApplicable;
    };
    for requested in step.requested() {
        if requested.req_id != request.req_id || requested.payload != request.payload {
            return Finding::violated(
                format!("WorkRequested {:?} {:?}", request.req_id, request.payload),
                format!(
                    "WorkRequested {:?} {:?}",
                    requested.req_id, requested.payload
                ),
            );
        }
    }
    let Some(state) = step.after else {
        return match step.requested_count {
            0 => Finding::NotApplicable,
            _ => Finding::Holds,
        };
    };
    let kept = state.req_id == request.req_id
        && state.payload == request.payload
        && state.max_attempts == request.max_attempts
        && state.base_delay_ms == request.base_delay_ms
        && state.anchor_ns == request.anchor_ns;
    Finding::check(kept, || {
        (format!("the state keeps {request:?}"), format!("{state:?}"))
    })
}
