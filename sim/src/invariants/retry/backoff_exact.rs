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
    let expected = deliver_at_ns(request.anchor_ns, request.base_delay_ms, index as u32);
    Finding::check(timer.deliver_at_ns == expected, || {
        let Request {
            req_id,
            anchor_ns,
            base_delay_ms,
            ..
        } = request;
        let number = index + 1;
        let expected = format!(
            "timer {number} of {req_id:?} at {expected} ns: {anchor_ns} + {base_delay_ms} ms * 2^{index}"
        );
        (expected, format!("{} ns", timer.deliver_at_ns))
    })
}

/// The formula, for the timer after `exponent` others.
fn deliver_at_ns(anchor_ns: u64, base_delay_ms: u64, exponent: u32) -> u64 {
    let factor = 1_u64.checked_shl(exponent).unwrap_or(u64::MAX);
    let delay_ns = base_delay_ms
        .saturating_mul(factor)
        .saturating_mul(1_000_000);
    anchor_ns.saturating_add(delay_ns)
}
