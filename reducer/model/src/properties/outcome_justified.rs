//! `outcome_justified`: a request ends as its events say.
//!
//! Verifies that it becomes Done only on a `WorkOk` of its own, and Failed only on a `WorkErr` of
//! its own that is terminal, or transient at the last attempt. Does not verify that such an event
//! ends it: see `contract_kept`. An end shows in the state alone, so that nothing is said of one
//! that cannot be read.

use super::{Event, Finding, Move, Past, Pc};

pub(super) fn check(past: &Past<'_>, step: &Move<'_>) -> Finding {
    let (Some(request), Some(state)) = (&past.request, step.after) else {
        return Finding::NotApplicable;
    };
    if !state.pc.is_end() || past.phase == state.pc {
        return Finding::NotApplicable;
    }
    let last = request.requested >= request.limit();
    let justified = match (&step.event, state.pc) {
        (Event::Ok { req_id }, Pc::Done) => *req_id == request.req_id,
        (Event::Err { req_id, transient }, Pc::Failed) => {
            *req_id == request.req_id && (!transient || last)
        }
        _ => false,
    };
    Finding::check(justified, || {
        let expected = match state.pc {
            Pc::Done => format!("Done only on a WorkOk of {:?}", request.req_id),
            _ => format!(
                "Failed only on a terminal WorkErr of {:?}, or a transient one at attempt {}",
                request.req_id,
                request.limit()
            ),
        };
        let attempt = request.requested;
        (
            expected,
            format!(
                "{} at attempt {attempt} on {:?}",
                state.pc.name(),
                step.event
            ),
        )
    })
}
