//! The retry machine: what each event does to the state, and what it asks for.
//!
//! Owns the transition and the backoff formula, as plain data in and out.
//! Never reads or writes CBOR, allocates, or looks at a clock; total: every event in every state
//! has an answer, and no arithmetic wraps.

use sdk::text::Text;

/// Nanoseconds in a millisecond: delays are given in the latter, instants in the former.
const NS_PER_MS: u64 = 1_000_000;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No request yet.
    Idle,
    /// An attempt was asked for; its answer is awaited.
    Working,
    /// The last attempt failed; the timer for the next is awaited.
    Backoff,
    /// The work is done.
    Done,
    /// The work was given up.
    Failed,
}

/// All that the machine remembers. Texts are borrowed from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<'a> {
    /// Called `pc` on the wire.
    pub phase: Phase,
    /// How many `WorkRequested` the request has had.
    pub attempt: u64,
    /// As given by `start`; 0 counts as 1.
    pub max_attempts: u64,
    /// The first wait; each later one is twice as long.
    pub base_delay_ms: u64,
    /// When the request started: waits are measured from here.
    pub anchor_ns: u64,
    /// What is to be done, opaque to the machine.
    pub payload: Text<'a>,
    /// Which request this is; an empty one is as good as any.
    pub req_id: Text<'a>,
}

/// What can happen to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A request begins.
    Start(Start<'a>),
    /// The work of a request is done.
    Ok { req_id: Text<'a> },
    /// An attempt failed; worth another if `transient`. Its message is not read.
    Err { req_id: Text<'a>, transient: bool },
    /// The receipt of a `timer.set`.
    Timer(Timer<'a>),
}

/// The request that `start` brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start<'a> {
    pub req_id: Text<'a>,
    pub payload: Text<'a>,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
    pub now_ns: u64,
}

/// The part of `sys/TimerFired@1` that says which timer it was, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer<'a> {
    /// What had been asked for.
    pub requested: TimerSet<'a>,
    /// `ok`, `error` or `timeout`: the machine does not mind which.
    pub status: Text<'a>,
}

/// The parameters of a `timer.set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerSet<'a> {
    pub deliver_at_ns: u64,
    /// The `req_id`, when the machine is the one that asks.
    pub key: Option<Text<'a>>,
}

/// The fields of `demo/WorkRequested@1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkRequested<'a> {
    pub req_id: Text<'a>,
    pub payload: Text<'a>,
}

/// What the machine asks of the world in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A domain event: do the work.
    Work(WorkRequested<'a>),
    /// An effect: wake me up.
    Timer(TimerSet<'a>),
}

/// The answer to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction<'a> {
    /// The state stays as it is, to the byte, and nothing is asked for.
    Ignored,
    /// The new state, and what is asked for.
    Moved(State<'a>, Option<Request<'a>>),
}

impl<'a> State<'a> {
    /// How many attempts the request may have: at least one.
    pub fn attempt_limit(&self) -> u64 {
        self.max_attempts.max(1)
    }

    /// When the wait after the present attempt ends:
    /// `anchor_ns + base_delay_ms · 2^(attempt-1) · 1_000_000`, saturating at every step.
    pub fn deliver_at_ns(&self) -> u64 {
        let exponent = self.attempt.saturating_sub(1);
        let delay_ms = match self.base_delay_ms {
            0 => 0,
            base_ms if exponent <= u64::from(base_ms.leading_zeros()) => base_ms << exponent,
            _ => u64::MAX,
        };
        // Not `saturating_mul`, which is a call in wasm.
        let delay_ns = if delay_ms > u64::MAX / NS_PER_MS {
            u64::MAX
        } else {
            delay_ms * NS_PER_MS
        };
        self.anchor_ns.saturating_add(delay_ns)
    }

    /// The timer that the machine sets after the present attempt, and then awaits.
    pub fn timer(&self) -> TimerSet<'a> {
        TimerSet {
            deliver_at_ns: self.deliver_at_ns(),
            key: Some(self.req_id),
        }
    }
}

/// What `event` does to the machine; `None` is the state before the very first step.
#[inline(always)]
pub fn react<'a>(state: Option<&State<'a>>, event: &Event<'a>) -> Reaction<'a> {
    match (event, state) {
        (Event::Start(start), None) => accept(start),
        (_, None) => Reaction::Ignored,
        (Event::Start(start), Some(state)) => on_start(state, start),
        (Event::Ok { req_id }, Some(state)) => on_ok(state, *req_id),
        (Event::Err { req_id, transient }, Some(state)) => on_err(state, *req_id, *transient),
        (Event::Timer(timer), Some(state)) => on_timer(state, timer),
    }
}

#[inline(always)]
fn on_start<'a>(state: &State<'a>, start: &Start<'a>) -> Reaction<'a> {
    match state.phase {
        Phase::Idle => accept(start),
        Phase::Done | Phase::Failed if start.req_id != state.req_id => accept(start),
        Phase::Working | Phase::Backoff | Phase::Done | Phase::Failed => Reaction::Ignored,
    }
}

/// In Backoff too: the work is done, whichever attempt answered.
#[inline(always)]
fn on_ok<'a>(state: &State<'a>, req_id: Text<'_>) -> Reaction<'a> {
    match state.phase {
        Phase::Working | Phase::Backoff if req_id == state.req_id => end(state, Phase::Done),
        _ => Reaction::Ignored,
    }
}

/// Only in Working: in Backoff the attempt has had its answer, so this one is late or twice.
#[inline(always)]
fn on_err<'a>(state: &State<'a>, req_id: Text<'_>, transient: bool) -> Reaction<'a> {
    if state.phase != Phase::Working || req_id != state.req_id {
        return Reaction::Ignored;
    }
    if !transient || state.attempt >= state.attempt_limit() {
        return end(state, Phase::Failed);
    }
    let waiting = State {
        phase: Phase::Backoff,
        ..*state
    };
    Reaction::Moved(waiting, Some(Request::Timer(waiting.timer())))
}

/// Whatever its status: a wait that can't be had must not strand the request.
#[inline(always)]
fn on_timer<'a>(state: &State<'a>, timer: &Timer<'a>) -> Reaction<'a> {
    if state.phase != Phase::Backoff || timer.requested != state.timer() {
        return Reaction::Ignored;
    }
    attempt(State {
        attempt: state.attempt.saturating_add(1),
        ..*state
    })
}

#[inline(always)]
fn accept<'a>(start: &Start<'a>) -> Reaction<'a> {
    attempt(State {
        phase: Phase::Working,
        attempt: 1,
        max_attempts: start.max_attempts,
        base_delay_ms: start.base_delay_ms,
        anchor_ns: start.now_ns,
        payload: start.payload,
        req_id: start.req_id,
    })
}

#[inline(always)]
fn attempt(state: State<'_>) -> Reaction<'_> {
    let state = State {
        phase: Phase::Working,
        ..state
    };
    let work = WorkRequested {
        req_id: state.req_id,
        payload: state.payload,
    };
    Reaction::Moved(state, Some(Request::Work(work)))
}

#[inline(always)]
fn end<'a>(state: &State<'a>, phase: Phase) -> Reaction<'a> {
    Reaction::Moved(State { phase, ..*state }, None)
}
