//! The contract of the retry machine: for every event, wherever the request stands, the one next
//! state and the one thing that is due.
//!
//! Owns the contract as the documentation states it, written without a look at `reducer/`, which
//! is judged by it: two readings that disagree show that one of them is wrong. The history of a run
//! follows it too, so that where a request stands is never taken from what a reducer says. Judges
//! nothing itself: see `contract_kept`.

use super::{Event, Past, Pc, Request};
use crate::wire::StartWork;
use sim_air::cbor::canonical::CanonicalText;

/// What an event is due to bring about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Due {
    /// Where the request stands afterwards.
    pub phase: Pc,
    /// Which attempt it is at afterwards: how often work was asked for.
    pub attempt: u64,
    pub asks: Asks,
    pub because: Because,
}

/// What goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asks {
    Nothing,
    /// One `WorkRequested`, with the id and the payload of the request.
    Work,
    /// One `timer.set` for that instant, its key the id of the request.
    Timer {
        deliver_at_ns: u64,
    },
}

/// Why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Because {
    NothingUnderWay,
    OtherEnded,
    UnderWay,
    EndedAlready,
    NoRequest,
    AnotherRequest,
    WorkDone,
    Terminal,
    LastAttempt,
    AttemptsLeft,
    AttemptCounted,
    TimerAwaited,
    TimerNotAwaited,
}

impl Because {
    /// As the end of a sentence that begins with what is due.
    pub fn says(self) -> &'static str {
        match self {
            Because::NothingUnderWay => "no request is under way",
            Because::OtherEnded => "the request before it has ended",
            Because::UnderWay => "a request is under way",
            Because::EndedAlready => "the request has ended",
            Because::NoRequest => "there is no request yet",
            Because::AnotherRequest => "it is about another request",
            Because::WorkDone => "its work is done",
            Because::Terminal => "a terminal error ends it",
            Because::LastAttempt => "its last attempt failed",
            Because::AttemptsLeft => "the error is transient and attempts are left",
            Because::AttemptCounted => "this attempt has failed already",
            Because::TimerAwaited => "the timer that it awaits has fired",
            Because::TimerNotAwaited => "no such timer is awaited",
        }
    }
}

impl Due {
    /// Whether the event begins a request.
    pub fn begins(&self) -> bool {
        matches!(self.because, Because::NothingUnderWay | Because::OtherEnded)
    }

    /// Whether the event is to change nothing.
    pub fn is_nothing(&self) -> bool {
        matches!(
            self.because,
            Because::UnderWay
                | Because::EndedAlready
                | Because::NoRequest
                | Because::AnotherRequest
                | Because::AttemptCounted
                | Because::TimerNotAwaited
        )
    }
}

/// What is due of an event, after all that has happened before.
pub(super) fn due(past: &Past<'_>, event: &Event<'_>) -> Due {
    let Some(request) = &past.request else {
        return match event {
            Event::Start(_) => begin(Because::NothingUnderWay),
            _ => nothing(past, Because::NoRequest),
        };
    };
    match event {
        Event::Start(start) => on_start(past, request, start),
        Event::Ok { req_id } | Event::Err { req_id, .. } if *req_id != request.req_id => {
            nothing(past, Because::AnotherRequest)
        }
        _ if past.phase.is_end() => nothing(past, Because::EndedAlready),
        Event::Ok { .. } => end(request, Pc::Done, Because::WorkDone),
        Event::Err { .. } if past.phase == Pc::Backoff => nothing(past, Because::AttemptCounted),
        Event::Err { transient, .. } => on_err(request, *transient),
        Event::Timer(timer) if past.phase == Pc::Backoff && request.is_awaited(timer) => Due {
            phase: Pc::Working,
            attempt: request.requested.saturating_add(1),
            asks: Asks::Work,
            because: Because::TimerAwaited,
        },
        Event::Timer(_) => nothing(past, Because::TimerNotAwaited),
    }
}

fn nothing(past: &Past<'_>, because: Because) -> Due {
    Due {
        phase: past.phase,
        attempt: past.request.as_ref().map_or(0, |it| it.requested),
        asks: Asks::Nothing,
        because,
    }
}

fn begin(because: Because) -> Due {
    Due {
        phase: Pc::Working,
        attempt: 1,
        asks: Asks::Work,
        because,
    }
}

fn end(request: &Request<'_>, phase: Pc, because: Because) -> Due {
    Due {
        phase,
        attempt: request.requested,
        asks: Asks::Nothing,
        because,
    }
}

fn on_start(past: &Past<'_>, request: &Request<'_>, start: &StartWork<'_>) -> Due {
    if !past.phase.is_end() {
        return nothing(past, Because::UnderWay);
    }
    match start.req_id == request.req_id {
        true => nothing(past, Because::EndedAlready),
        false => begin(Because::OtherEnded),
    }
}

fn on_err(request: &Request<'_>, transient: bool) -> Due {
    if !transient {
        return end(request, Pc::Failed, Because::Terminal);
    }
    if request.requested >= request.limit() {
        return end(request, Pc::Failed, Because::LastAttempt);
    }
    Due {
        phase: Pc::Backoff,
        attempt: request.requested,
        asks: Asks::Timer {
            deliver_at_ns: request.deliver_at_ns(request.requested.saturating_sub(1)),
        },
        because: Because::AttemptsLeft,
    }
}

impl Request<'_> {
    /// When the wait ends that `exponent` others came before:
    /// `anchor_ns + base_delay_ms * 2^exponent * 1_000_000`, saturating at every step.
    pub fn deliver_at_ns(&self, exponent: u64) -> u64 {
        let factor = u32::try_from(exponent)
            .ok()
            .and_then(|exponent| 1_u64.checked_shl(exponent))
            .unwrap_or(u64::MAX);
        let delay_ns = self
            .base_delay_ms
            .saturating_mul(factor)
            .saturating_mul(1_000_000);
        self.anchor_ns.saturating_add(delay_ns)
    }
}

/// What is due as a sentence, such as `"r1" is Failed, and nothing is asked for: …`.
pub(super) fn sentence(due: &Due, req_id: Option<CanonicalText<'_>>, with_state: bool) -> String {
    let because = due.because.says();
    let Some(req_id) = req_id.filter(|_| !due.is_nothing()) else {
        return format!("nothing changes and nothing is asked for: {because}");
    };
    let asks = match due.asks {
        Asks::Nothing => "nothing is asked for".to_owned(),
        Asks::Work => format!("attempt {} is asked for", due.attempt),
        Asks::Timer { deliver_at_ns } => format!("a timer for {deliver_at_ns} ns is asked for"),
    };
    match with_state {
        true => format!("{req_id:?} is {}, and {asks}: {because}", due.phase.name()),
        false => format!("of {req_id:?} {asks}: {because}"),
    }
}
