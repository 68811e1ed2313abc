//! `backoff_exact`: every timer is set for the time that the formula gives.
//!
//! Verifies that the k-th `timer.set` of a request has
//! `deliver_at_ns = anchor_ns + base_delay_ms * 2^(k-1) * 1_000_000`, saturating at `u64::MAX` at
//! every step of the formula, with the anchor and the base of the request's accepted start.
//! Does not verify that a timer is set at all.

use super::{Finding, Move, Past, Request};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let (Some(request), Some(timer)) = (&past.request, step.timer) else {
        return Finding::NotApplicable;
    };
    let index = request.timers.set;
    let expected = request.deliver_at_ns(index);
    Finding::check(timer.deliver_at_ns == expected, || {
        let Request {
            req_id,
            anchor_ns,
            base_delay_ms,
            ..
        } = request;
        let number = index + 1;
        let expected = format!(
            "timer {number} of {req_id:?} at {expected} ns: \
             {anchor_ns} + {base_delay_ms} ms * 2^{index}"
        );
        (expected, format!("{} ns", timer.deliver_at_ns))
    })
}
