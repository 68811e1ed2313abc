//! The memory that the checks of the retry machine share: what happened to the request under way.
//!
//! It follows the contract from the events that came in and what went out, and is small, for the
//! explorer keeps one with each state. Judges nothing.

use super::Move;
use crate::wire::{self, Event, Pc, StartWork};
use sim_air::cbor::canonical::{CanonicalText, TextRange};
use sim_kernel::TimerSet;
use sim_record::trace::{Key, Packer, Trace, Unpacker, ValueId};

/// What happened to the request under way, from its accepted start on. Small and without bytes of
/// its own, for the explorer keeps one with each state.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct History {
    request: Option<Recorded>,
    /// Where the request stands by the contract; Idle if there is none.
    phase: Pc,
    pub(super) reading: Reading,
}

/// Whether the states of a run are in the words of the model: `demo/RetryState@1` with the
/// five words of [`Pc`], and `attempt` as the number of `WorkRequested` so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Reading {
    /// No start was accepted yet.
    #[default]
    Unknown,
    /// After the first accepted start it said Working, at attempt 1.
    Words,
    /// It said something else, then or later: another reducer for the same contract, with a state
    /// of its own.
    Opaque,
}

impl Reading {
    const ALL: [Reading; 3] = [Reading::Unknown, Reading::Words, Reading::Opaque];
}

#[derive(Clone, Copy, Debug)]
struct Recorded {
    /// The event that began it, and what it says.
    start: ValueId,
    req_id: TextRange,
    payload: TextRange,
    max_attempts: u64,
    base_delay_ms: u64,
    anchor_ns: u64,
    /// `WorkRequested` events so far.
    requested: u64,
    timers: Timers,
}

impl Recorded {
    fn of(trace: &Trace, event: ValueId, start: &StartWork<'_>) -> Recorded {
        let bytes = trace.bytes(event);
        Recorded {
            start: event,
            req_id: start.req_id.place_in(bytes),
            payload: start.payload.place_in(bytes),
            max_attempts: start.max_attempts,
            base_delay_ms: start.base_delay_ms,
            anchor_ns: start.now_ns,
            requested: 0,
            timers: Timers::default(),
        }
    }
}

/// The timers of a request so far.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Timers {
    pub set: u64,
    pub fired: u64,
    /// When the last one is due, and whether it has fired.
    last: Option<(u64, bool)>,
}

/// The history as the checks see it.
pub(super) struct Past<'a> {
    /// The last request whose start was due and accepted.
    pub request: Option<Request<'a>>,
    /// Where the request stood before this step, by the contract.
    pub phase: Pc,
}

/// The request under way.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub req_id: CanonicalText<'a>,
    pub payload: CanonicalText<'a>,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
    pub anchor_ns: u64,
    /// `WorkRequested` events so far.
    pub requested: u64,
    pub timers: Timers,
}

impl Request<'_> {
    /// How many attempts it may have: 0 counts as 1.
    pub fn limit(&self) -> u64 {
        self.max_attempts.max(1)
    }

    /// When the timer is due whose firing is waited for.
    pub fn awaited_ns(&self) -> Option<u64> {
        let (due_ns, fired) = self.timers.last?;
        (!fired).then_some(due_ns)
    }

    /// Whether a timer event is the one waited for.
    pub fn is_awaited(&self, timer: &TimerSet<'_>) -> bool {
        self.awaited_ns() == Some(timer.deliver_at_ns) && timer.key == Some(self.req_id)
    }

    /// How many of its timers have fired, this move's own included.
    pub fn fired(&self, step: &Move<'_>) -> u64 {
        let now = matches!(&step.event, Event::Timer(timer) if self.is_awaited(timer));
        self.timers.fired + u64::from(now)
    }
}

impl History {
    /// Before the checks: a start that is due begins a new request, unless it was dropped.
    pub(super) fn begin(&mut self, step: &Move<'_>) {
        let is_dropped = step.step.is_unchanged() && step.is_ignored();
        if let (Event::Start(start), true) = (&step.event, step.due.begins() && !is_dropped) {
            self.request = Some(Recorded::of(step.trace, step.step.event, start));
        }
    }

    pub(super) fn past<'a>(&self, trace: &'a Trace) -> Past<'a> {
        let request = self.request.as_ref().map(|recorded| {
            let bytes = trace.bytes(recorded.start);
            Request {
                req_id: CanonicalText::at(recorded.req_id, bytes),
                payload: CanonicalText::at(recorded.payload, bytes),
                max_attempts: recorded.max_attempts,
                base_delay_ms: recorded.base_delay_ms,
                anchor_ns: recorded.anchor_ns,
                requested: recorded.requested,
                timers: recorded.timers,
            }
        });
        Past {
            request,
            phase: self.phase,
        }
    }

    pub fn pack(&self, packer: &mut Packer<'_>) {
        packer.number(self.stands());
        packer.optional_value(self.request.map(|request| request.start));
        if let Some(Recorded {
            requested, timers, ..
        }) = self.request
        {
            packer
                .number(requested)
                .number(timers.set)
                .number(timers.fired);
            if let Some((due_ns, fired)) = timers.last {
                packer.number(due_ns).flag(fired);
            }
        }
    }

    pub fn unpack(packed: &mut Unpacker<'_>, trace: &Trace) -> History {
        let stands = packed.count();
        let (phase, reading) = (Pc::ALL[stands / 3], Reading::ALL[stands % 3]);
        let request = packed.optional_value().and_then(|event| {
            let Some(Event::Start(start)) = wire::event(trace.bytes(event)) else {
                return None;
            };
            let mut request = Recorded::of(trace, event, &start);
            request.requested = packed.number();
            request.timers.set = packed.number();
            request.timers.fired = packed.number();
            let has_timer = request.timers.set > 0;
            request.timers.last = has_timer.then(|| (packed.number(), packed.flag()));
            Some(request)
        });
        History {
            request,
            phase,
            reading,
        }
    }

    /// Phase and reading as one number.
    fn stands(&self) -> u64 {
        self.phase as u64 * 3 + self.reading as u64
    }

    /// Writes all that decides what the checks will say.
    pub fn write_key(&self, trace: &Trace, key: &mut Key) {
        let Some(request) = &self.request else {
            key.word(self.stands() << 2);
            return;
        };
        let timers = request.timers;
        let (due_ns, fired) = timers.last.unwrap_or_default();
        key.word(1 | u64::from(fired) << 1 | self.stands() << 2)
            .value(trace, request.start)
            .word(request.requested)
            .word(timers.set)
            .word(timers.fired)
            .word(due_ns);
    }

    /// After the checks: what the move adds.
    pub(super) fn record(&mut self, past: &Past<'_>, step: &Move<'_>) {
        self.phase = step.due.phase;
        let (Some(recorded), Some(request)) = (&mut self.request, &past.request) else {
            return;
        };
        let timers = &mut recorded.timers;
        timers.fired = request.fired(step);
        if timers.fired > request.timers.fired {
            timers.last = timers.last.map(|(due_ns, _)| (due_ns, true));
        }
        recorded.requested += step.requested_count;
        if let Some(timer) = step.timer {
            timers.set += 1;
            timers.last = Some((timer.deliver_at_ns, false));
        }
    }
}
