//! `converges`: once faults stop, every started request ends.
//!
//! Verifies, at the end of a run that has nothing left in flight, dropped or silent, that the
//! request whose start was accepted is Done or Failed; and that a liveness phase comes to such an
//! end within its bound of turns, which grows with what is in flight when faults stop, unless the
//! request has attempts left to go on with or spent the bound on those it had. (A start that is
//! refused because another request is under way starts nothing.) Does not verify anything of a run
//! that was left with something in flight, or was ended by another bound, nor of how long it takes
//! before faults stop.

use super::{Finding, Past, Pc};
use crate::{Retry, wire};
use sim_air::cbor::canonical::CanonicalText;
use sim_record::trace::{End, Trace};

pub(super) fn check(past: &Past<'_>, retry: &Retry, trace: &Trace) -> Finding {
    let Some(request) = &past.request else {
        return Finding::NotApplicable;
    };
    let (phase, attempt) = (past.phase, request.requested);
    let is_ended = phase.is_end();
    // Work that fails each time, in plans as written, may take 2^64 attempts.
    let is_under_way = !is_ended && attempt < request.limit();
    if !trace.is_quiescent && (is_under_way || !liveness_in_vain(trace, retry)) {
        return Finding::NotApplicable;
    }
    Finding::check(is_ended && trace.is_quiescent, || {
        let expected = format!("{:?} ends once faults stop", request.req_id);
        let how_long = match trace.is_quiescent {
            true => "for ever".to_owned(),
            false => format!("after {} turns without faults", liveness_turns(trace)),
        };
        if is_ended {
            return (expected, format!("something is in flight {how_long}"));
        }
        let awaited = match phase {
            Pc::Backoff => match request.awaited_ns() {
                Some(due_ns) => format!("its timer for {due_ns} ns"),
                None => "a timer that it never set".to_owned(),
            },
            _ => format!("the answer to attempt {attempt}"),
        };
        let heard = last_heard(trace, retry, request.req_id);
        let found = format!(
            "{} {how_long}, waiting for {awaited}; {heard}",
            phase.name()
        );
        (expected, found)
    })
}

fn liveness_turns(trace: &Trace) -> usize {
    trace.turns.len() - trace.liveness_from.unwrap_or(trace.turns.len())
}

/// The liveness phase came to its bound, and it was not attempts that took it there: none was asked
/// for in its second half.
fn liveness_in_vain(trace: &Trace, retry: &Retry) -> bool {
    let second_half = trace.turns.len() - liveness_turns(trace) / 2;
    let mut emitted = trace.turns[second_half..]
        .iter()
        .flat_map(|turn| trace.emitted_in(&turn.emitted));
    trace.end == Some(End::LivenessBound) && !emitted.any(|event| event.schema == retry.requested)
}

/// What the request last heard, and what came of it.
fn last_heard(trace: &Trace, retry: &Retry, req_id: CanonicalText<'_>) -> String {
    for (index, turn) in trace.turns.iter().enumerate().rev() {
        for step in trace.steps_of(turn).iter().rev() {
            let event = wire::event(trace.bytes(step.event));
            let of = match &event {
                Some(wire::Event::Start(start)) => Some(start.req_id),
                Some(wire::Event::Ok { req_id } | wire::Event::Err { req_id, .. }) => Some(*req_id),
                Some(wire::Event::Timer(timer)) => timer.key,
                None => None,
            };
            if step.reducer == retry.reducer && of == Some(req_id) {
                let what = match event {
                    Some(wire::Event::Start(_)) => "a start",
                    Some(wire::Event::Ok { .. }) => "an ok",
                    Some(wire::Event::Err { .. }) => "an err",
                    _ => "a timer",
                };
                let came = if step.is_unchanged() {
                    "changed nothing"
                } else {
                    "was taken"
                };
                return format!("the last that it heard, {what} at turn {index}, {came}");
            }
        }
    }
    "it heard nothing".to_owned()
}
