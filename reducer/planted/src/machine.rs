//! The machine with a bug: asks the shipped machine, and bends question or answer.
//!
//! Owns what is wrong in a transition. With no bug it returns what the shipped machine does.

use retry_sm::machine::{self as shipped, Event, Phase, Request, Start, State, TimerSet};
use retry_sm::machine::{Timer, WorkRequested};
use retry_sm::wire::{Input, TIMER_SET};
use sdk::text::Text;

use crate::{Bug, ids};

/// As the shipped reaction, with room for what it would never ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction<'a> {
    /// The new state; `None` leaves it as it came.
    pub state: Option<State<'a>>,
    pub work: Option<WorkRequested<'a>>,
    pub timer: Option<TimerSet<'a>>,
    pub timer_count: u64,
    /// The effect kind of the timer.
    pub kind: &'static str,
}

const IGNORED: Reaction<'static> = Reaction {
    state: None,
    work: None,
    timer: None,
    timer_count: 1,
    kind: TIMER_SET,
};

impl<'a> From<shipped::Reaction<'a>> for Reaction<'a> {
    fn from(reaction: shipped::Reaction<'a>) -> Self {
        let (state, request) = match reaction {
            shipped::Reaction::Ignored => return IGNORED,
            shipped::Reaction::Moved(state, request) => (Some(state), request),
        };
        match request {
            None => Reaction { state, ..IGNORED },
            Some(Request::Work(work)) => Reaction {
                state,
                work: Some(work),
                ..IGNORED
            },
            Some(Request::Timer(timer)) => Reaction {
                state,
                timer: Some(timer),
                ..IGNORED
            },
        }
    }
}

/// What `event` does to the machine with `bug`.
pub fn react<'a>(bug: Bug, state: Option<&State<'a>>, event: &Event<'a>) -> Reaction<'a> {
    let usual = || Reaction::from(shipped::react(state, event));
    let Some(present) = state else {
        return bend(bug, on_first(bug, event));
    };
    let reaction = match event {
        Event::Start(start) => on_start(bug, present, start),
        Event::Ok { req_id } => on_ok(bug, present, heard(bug, present, *req_id)),
        Event::Err { req_id, transient } => {
            on_err(bug, present, heard(bug, present, *req_id), *transient)
        }
        Event::Timer(timer) => on_timer(bug, present, timer),
    };
    bend(bug, reaction.unwrap_or_else(usual))
}

/// What the trap of `trap-at-attempt-28` is about.
pub fn is_err_of_attempt_28(input: &Input<'_>) -> bool {
    let at_28 = |state: &State<'_>| state.phase == Phase::Working && state.attempt == 28;
    matches!(input.event, Event::Err { .. }) && input.state.as_ref().is_some_and(at_28)
}

/// A late or second answer: what the trap of `trap-in-backoff-stale` is about.
pub fn is_err_in_backoff(input: &Input<'_>) -> bool {
    matches!(input.event, Event::Err { .. })
        && input
            .state
            .is_some_and(|state| state.phase == Phase::Backoff)
}

/// Bugs in what is asked for, whatever led to it.
fn bend(bug: Bug, mut reaction: Reaction<'_>) -> Reaction<'_> {
    match bug {
        Bug::TwoTimers => reaction.timer_count = 2,
        Bug::UndeclaredEffectKind => reaction.kind = "blob.put",
        Bug::WrongReqIdInIntent => {
            reaction.work = reaction.work.map(|work| WorkRequested {
                req_id: work.payload,
                ..work
            });
        }
        _ => {}
    }
    reaction
}

fn on_first<'a>(bug: Bug, event: &Event<'a>) -> Reaction<'a> {
    match event {
        Event::Start(start) if bug == Bug::NatTruncated => accept(&truncated(start)),
        Event::Start(start)
            if bug == Bug::StartWithoutPayloadDropped && start.payload == Text::new("") =>
        {
            IGNORED
        }
        Event::Start(start)
            if bug == Bug::StartAboveI64Dropped && start.now_ns > i64::MAX as u64 =>
        {
            IGNORED
        }
        _ => shipped::react(None, event).into(),
    }
}

/// The id that an answer is taken to have.
fn heard<'a>(bug: Bug, state: &State<'a>, req_id: Text<'a>) -> Text<'a> {
    let empty = Text::new("");
    let matches_any = req_id == empty || state.req_id == empty;
    let is_taken = bug == Bug::EmptyReqIdMatchesAny && matches_any;
    match is_taken || ids::are_same(bug, req_id, state.req_id) {
        true => state.req_id,
        false => req_id,
    }
}

/// The payload with so many bytes at most.
fn cut(payload: Text<'_>) -> Text<'_> {
    const MOST_BYTES: usize = 4_096;
    let long = core::str::from_utf8(payload.long()).unwrap_or_default();
    match long.get(..long.floor_char_boundary(MOST_BYTES)) {
        Some(kept) if kept.len() < long.len() => Text::new(kept),
        _ => payload,
    }
}

/// Each of these returns `None` where the shipped machine may answer.
fn on_start<'a>(bug: Bug, state: &State<'a>, start: &Start<'a>) -> Option<Reaction<'a>> {
    let same_request = start.req_id == state.req_id;
    match (bug, state.phase) {
        (Bug::StartAfterFailedDropped, Phase::Failed) => Some(IGNORED),
        (Bug::StartWithoutPayloadDropped, _) if start.payload == Text::new("") => Some(IGNORED),
        (Bug::StartAboveI64Dropped, _) if start.now_ns > i64::MAX as u64 => Some(IGNORED),
        (Bug::NextKeepsDelay, Phase::Done | Phase::Failed) if !same_request => {
            Some(accept(&Start {
                base_delay_ms: state.base_delay_ms,
                ..*start
            }))
        }
        _ if !same_request && heard(bug, state, start.req_id) == state.req_id => Some(IGNORED),
        (Bug::SecondStartResets, Phase::Working | Phase::Backoff) if same_request => {
            Some(accept(start))
        }
        (Bug::RestartAfterDone, Phase::Done) if same_request => Some(accept(start)),
        (Bug::StartAcceptedInBackoff, Phase::Backoff) if !same_request => Some(accept(start)),
        (Bug::NatTruncated, _) => {
            Some(shipped::react(Some(state), &Event::Start(truncated(start))).into())
        }
        _ => None,
    }
}

fn on_ok<'a>(bug: Bug, state: &State<'a>, req_id: Text<'_>) -> Option<Reaction<'a>> {
    let same_request = req_id == state.req_id;
    let done = Reaction {
        state: Some(State {
            phase: Phase::Done,
            ..*state
        }),
        ..IGNORED
    };
    match (bug, state.phase) {
        (Bug::OkAfterFailed, Phase::Failed) if same_request => Some(done),
        (Bug::OkOfAnotherRequest, Phase::Working | Phase::Backoff) => Some(done),
        (Bug::EmptyReqIdMatchesAny, Phase::Working | Phase::Backoff) if same_request => Some(done),
        (Bug::OkIgnoredAfterRetry, Phase::Working) if state.attempt > 1 => Some(IGNORED),
        (Bug::OkRefusedInLaterWait, Phase::Backoff) if state.attempt > 1 => Some(IGNORED),
        (Bug::WorkAfterTheEnd, Phase::Working | Phase::Backoff) if same_request => Some(Reaction {
            work: Some(WorkRequested {
                req_id: state.req_id,
                payload: state.payload,
            }),
            ..done
        }),
        (_, Phase::Working | Phase::Backoff) if same_request => Some(done),
        _ => None,
    }
}

fn on_err<'a>(
    bug: Bug,
    state: &State<'a>,
    req_id: Text<'_>,
    transient: bool,
) -> Option<Reaction<'a>> {
    let counts = state.phase == Phase::Working
        || (bug == Bug::ErrCountedInBackoff && state.phase == Phase::Backoff);
    if !counts || req_id != state.req_id {
        return None;
    }
    if bug == Bug::TerminalErrIgnored && !transient {
        return Some(IGNORED);
    }
    let transient = transient || bug == Bug::TerminalErrRetried;
    let limit = match bug {
        Bug::AttemptLimitOffByOne => state.attempt_limit().saturating_add(1),
        _ => state.attempt_limit(),
    };
    if !transient || state.attempt >= limit {
        let failed = State {
            phase: Phase::Failed,
            ..*state
        };
        let is_last = bug == Bug::TimerAfterTheEnd && transient;
        return Some(Reaction {
            state: Some(failed),
            timer: is_last.then(|| awaited(bug, &failed)),
            ..IGNORED
        });
    }
    let attempt = match bug {
        Bug::AttemptCountedAtErr => state.attempt.saturating_add(1),
        _ => state.attempt,
    };
    let waiting = State {
        phase: Phase::Backoff,
        attempt,
        ..*state
    };
    Some(Reaction {
        state: Some(waiting),
        timer: Some(awaited(bug, &waiting)),
        ..IGNORED
    })
}

fn on_timer<'a>(bug: Bug, state: &State<'a>, timer: &Timer<'a>) -> Option<Reaction<'a>> {
    let is_awaited = timer.requested == awaited(bug, state);
    match (bug, state.phase) {
        (Bug::AnyTimerAccepted, Phase::Backoff) => Some(attempt_again(bug, state)),
        (Bug::TimerStatusErrorIgnored, Phase::Backoff) if timer.status == Text::new("error") => {
            Some(IGNORED)
        }
        (Bug::TimerTimeoutIgnoredAtLastWait, Phase::Backoff)
            if timer.status == Text::new("timeout") && is_before_the_last(state) =>
        {
            Some(IGNORED)
        }
        (Bug::TimerAcceptedWhenWorking, Phase::Working) if is_awaited => {
            Some(attempt_again(bug, state))
        }
        (_, Phase::Backoff) if is_awaited => Some(attempt_again(bug, state)),
        (_, Phase::Backoff) => Some(IGNORED),
        _ => None,
    }
}

/// Whether the next attempt is the last one that the request may have.
fn is_before_the_last(state: &State<'_>) -> bool {
    state.attempt.saturating_add(1) >= state.attempt_limit()
}

/// The timer that the machine with `bug` sets after the present attempt, and then awaits.
fn awaited<'a>(bug: Bug, state: &State<'a>) -> TimerSet<'a> {
    let usual = state.timer();
    match bug {
        Bug::ExponentOffByOne => State {
            attempt: state.attempt.saturating_add(1),
            ..*state
        }
        .timer(),
        Bug::BackoffWraps => TimerSet {
            deliver_at_ns: wrapped_deliver_at_ns(state),
            ..usual
        },
        Bug::ShiftWrapsAt32 | Bug::ShiftWrapsAt64 => {
            let width = if bug == Bug::ShiftWrapsAt32 { 32 } else { 64 };
            let attempt = (state.attempt.saturating_sub(1) % width) + 1;
            State { attempt, ..*state }.timer()
        }
        Bug::TimerWithoutKey => TimerSet { key: None, ..usual },
        _ => usual,
    }
}

fn wrapped_deliver_at_ns(state: &State<'_>) -> u64 {
    let factor = 1_u64.wrapping_shl(state.attempt.wrapping_sub(1) as u32);
    let delay_ns = state
        .base_delay_ms
        .wrapping_mul(factor)
        .wrapping_mul(1_000_000);
    state.anchor_ns.wrapping_add(delay_ns)
}

fn attempt_again<'a>(bug: Bug, state: &State<'a>) -> Reaction<'a> {
    let attempt = match bug {
        Bug::AttemptCountedAtErr => state.attempt,
        _ => state.attempt.saturating_add(1),
    };
    let payload = match bug {
        Bug::PayloadLostOnRetry => Text::new(""),
        Bug::PayloadCutOnRetry => cut(state.payload),
        _ => state.payload,
    };
    let state = State {
        phase: Phase::Working,
        attempt,
        payload,
        ..*state
    };
    let work = WorkRequested {
        req_id: state.req_id,
        payload,
    };
    Reaction {
        state: Some(state),
        work: Some(work),
        ..IGNORED
    }
}

fn accept<'a>(start: &Start<'a>) -> Reaction<'a> {
    shipped::react(None, &Event::Start(*start)).into()
}

fn truncated<'a>(start: &Start<'a>) -> Start<'a> {
    let cut = |nat: u64| nat & u64::from(u32::MAX);
    Start {
        max_attempts: cut(start.max_attempts),
        base_delay_ms: cut(start.base_delay_ms),
        now_ns: cut(start.now_ns),
        ..*start
    }
}
