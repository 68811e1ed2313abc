//! `intent_faithful`: what was asked for is what is worked on.
//!
//! Verifies that every `WorkRequested` carries the id and the payload of the accepted start, and,
//! where the state can be read, that it keeps these and the start's numbers unchanged for as long
//! as the request lasts. What is left of them in the state after its end is the reducer's own
//! matter.

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
    if state.pc.is_end() {
        return Finding::Holds;
    }
    let texts = [
        ("req_id", state.req_id, request.req_id),
        ("payload", state.payload, request.payload),
    ];
    // 0 counts as 1, and may be kept as either.
    let attempts = (state.max_attempts.max(1), request.limit());
    let numbers = [
        ("max_attempts", attempts.0, attempts.1),
        ("base_delay_ms", state.base_delay_ms, request.base_delay_ms),
        ("anchor_ns", state.anchor_ns, request.anchor_ns),
    ];
    let text = texts.iter().find(|(_, found, kept)| found != kept);
    if let Some((name, found, kept)) = text {
        return Finding::violated(
            format!("the state keeps {name} {kept:?}"),
            format!("{name} {found:?}"),
        );
    }
    let number = numbers.iter().find(|(_, found, kept)| found != kept);
    match number {
        None => Finding::Holds,
        Some((name, found, kept)) => Finding::violated(
            format!("the state keeps {name} {kept}"),
            format!("{name} {found}"),
        ),
    }
}
