//! The invariants of the retry machine, and the memory they share.
//!
//! [`Move`] is one step as the machine's own values; [`Past`] is what happened before it to the
//! request under way. Each check is a function of the two. The [`History`] that gives the past
//! follows the rules of the machine from events and states, not what a state says of its own past:
//! it cannot be talked into anything.

mod attempts_bounded;
mod backoff_exact;
mod converges;
mod intent_faithful;
mod one_timer;
mod outcome_justified;
mod retry_waits;
mod stale_ignored;
mod terminal_absorbing;

use super::Finding;
use super::goals::{self, GoalSet};
use crate::air::canonical::{Place, Text};
use crate::trace::{Key, Packer, Record, Step, Trace, Turn, Unpacker, ValueId};
use crate::workload::retry::Retry;
use crate::workload::retry::wire::{self, Event, Pc, Requested, StartWork};
use crate::world::TimerSet;

type State<'a> = wire::State<Text<'a>>;
type Check = fn(&Past<'_>, &Move<'_>) -> Finding;

/// In the order of `ALL`.
const CHECKS: [Check; 8] = [
    attempts_bounded::check,
    backoff_exact::check,
    retry_waits::check,
    terminal_absorbing::check,
    outcome_justified::check,
    one_timer::check,
    intent_faithful::check,
    stale_ignored::check,
];

/// One event through the retry reducer.
pub(super) struct Move<'a> {
    pub before: Option<State<'a>>,
    pub event: Event<'a>,
    pub after: Option<State<'a>>,
    /// The state's bytes changed.
    pub changed: bool,
    /// The timer that the step asked for: a step has one effect at most, or is refused.
    pub timer: Option<TimerSet<'a>>,
    /// How many `WorkRequested` it emitted.
    pub requested_count: u64,
    retry: &'a Retry,
    trace: &'a Trace,
    step: &'a Step,
}

impl<'a> Move<'a> {
    /// The `WorkRequested` events that the step emitted.
    pub fn requested(&self) -> impl Iterator<Item = Requested<'a>> {
        let (trace, schema) = (self.trace, self.retry.requested);
        let emitted = trace.emitted_in(&self.step.emitted).iter();
        emitted
            .filter(move |event| event.schema == schema)
            .filter_map(|event| wire::requested(trace.bytes(event.value)))
    }

    /// Nothing changed and nothing went out.
    pub fn is_ignored(&self) -> bool {
        !self.changed && self.step.emitted.is_empty() && self.step.intents.is_empty()
    }

    /// Faults have stopped.
    pub fn is_healing(&self) -> bool {
        self.trace.healing_from.is_some()
    }

    /// The journal holds a snapshot.
    pub fn has_snapshot(&self) -> bool {
        let journal = self.trace.journal.iter();
        journal
            .rev()
            .any(|record| matches!(record, Record::Snapshot { .. }))
    }

    pub fn pc(&self) -> Pc {
        self.before.map_or(Pc::Idle, |state| state.pc)
    }

    /// Whether a start is due to be accepted: from Idle, or after the end of another request.
    fn may_start(&self, start: &StartWork<'_>) -> bool {
        match self.before {
            None => true,
            Some(state) if state.pc == Pc::Idle => true,
            Some(state) => state.pc.is_end() && state.req_id != start.req_id,
        }
    }

    /// What happened, for a report: the first sign that the event was not ignored.
    pub fn effect_seen(&self) -> String {
        if let Some(requested) = self.requested().next() {
            return format!("WorkRequested for {:?}", requested.req_id);
        }
        if let Some(timer) = self.timer {
            return format!("timer.set for {} ns", timer.deliver_at_ns);
        }
        if !self.step.emitted.is_empty() {
            return "an event was emitted".to_owned();
        }
        let show = |state: Option<State<'_>>| match state {
            None => "no state".to_owned(),
            Some(state) => format!("{}, attempt {}", state.pc.name(), state.attempt),
        };
        format!(
            "the state changed from {} to {}",
            show(self.before),
            show(self.after)
        )
    }
}

/// What happened to the request under way, from its accepted start on. Small and without bytes of
/// its own, for the explorer keeps one with each state.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct History {
    request: Option<Recorded>,
    /// Where the machine stood after the last step, and at which attempt.
    stands: Option<(Pc, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Recorded {
    /// The event that began it, and what it says.
    start: ValueId,
    req_id: Place,
    payload: Place,
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
    pub request: Option<Request<'a>>,
    /// Where the machine stood after the last step, and at which attempt.
    pub stands: Option<(Pc, u64)>,
}

/// The request under way.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub req_id: Text<'a>,
    pub payload: Text<'a>,
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
    /// Before the checks: a start that is accepted begins a new request.
    fn begin(&mut self, step: &Move<'_>) {
        if let Event::Start(start) = &step.event
            && step.may_start(start)
            && !step.is_ignored()
        {
            self.request = Some(Recorded::of(step.trace, step.step.event, start));
        }
    }

    fn past<'a>(&self, trace: &'a Trace) -> Past<'a> {
        let request = self.request.as_ref().map(|recorded| {
            let bytes = trace.bytes(recorded.start);
            Request {
                req_id: Text::at(recorded.req_id, bytes),
                payload: Text::at(recorded.payload, bytes),
                max_attempts: recorded.max_attempts,
                base_delay_ms: recorded.base_delay_ms,
                anchor_ns: recorded.anchor_ns,
                requested: recorded.requested,
                timers: recorded.timers,
            }
        });
        Past {
            request,
            stands: self.stands,
        }
    }

    pub fn pack(&self, packer: &mut Packer<'_>) {
        match self.stands {
            None => packer.number(0),
            Some((pc, attempt)) => packer.number(pc as u64 + 1).number(attempt),
        };
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
        let pc = packed.count().checked_sub(1).map(|pc| Pc::ALL[pc]);
        let stands = pc.map(|pc| (pc, packed.number()));
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
        History { request, stands }
    }

    /// Writes all that decides what the checks will say.
    pub fn write_key(&self, trace: &Trace, key: &mut Key) {
        let Some(request) = &self.request else {
            key.word(0);
            return;
        };
        let timers = request.timers;
        let (due_ns, fired) = timers.last.unwrap_or_default();
        key.word(1 | u64::from(fired) << 1)
            .value(trace, request.start)
            .word(request.requested)
            .word(timers.set)
            .word(timers.fired)
            .word(due_ns);
    }

    /// After the checks: what the move adds.
    fn record(&mut self, past: &Past<'_>, step: &Move<'_>) {
        if step.changed {
            self.stands = step.after.map(|state| (state.pc, state.attempt));
        }
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

/// Feeds the checks of one run.
pub(super) struct Observer {
    retry: Retry,
    history: History,
    /// The last state that was read, which is mostly the next one to be asked for.
    last: Option<Read>,
}

/// A state as it was read.
struct Read {
    /// Of which table of values the id is: see [`Values::generation`].
    ///
    /// [`Values::generation`]: crate::trace::Values::generation
    generation: u64,
    id: ValueId,
    state: wire::State<Place>,
}

impl Observer {
    pub fn new(retry: Retry) -> Observer {
        Observer {
            retry,
            history: History::default(),
            last: None,
        }
    }

    /// A state of the machine; None if it is none.
    fn state<'a>(&mut self, trace: &'a Trace, id: ValueId) -> Option<State<'a>> {
        let generation = trace.values.generation();
        let bytes = trace.bytes(id);
        match &self.last {
            Some(last) if last.id == id && last.generation == generation => {
                Some(last.state.in_bytes(bytes))
            }
            _ => {
                let state = wire::state(bytes)?;
                self.last = Some(Read {
                    generation,
                    id,
                    state: state.places_in(bytes),
                });
                Some(state)
            }
        }
    }

    pub fn reset(&mut self) {
        self.history = History::default();
    }

    pub fn history(&self) -> History {
        self.history
    }

    pub fn go_on_from(&mut self, history: History) {
        self.history = history;
    }

    /// What can only be said of a run that has ended.
    pub fn finish(&self, trace: &Trace) -> Finding {
        converges::check(&self.history.past(trace), &self.retry, trace)
    }

    /// Runs every check on a step. `note` gets the index of the check, or None for a state that
    /// is none of the machine's.
    pub fn observe(
        &mut self,
        trace: &Trace,
        turn: &Turn,
        step: &Step,
        goals: &mut GoalSet,
        mut note: impl FnMut(Option<usize>, Finding),
    ) {
        if step.reducer != self.retry.reducer || step.fault.is_some() {
            return;
        }
        let mut state = |id: Option<_>| id.map(|id| self.state(trace, id));
        let changed = !step.is_unchanged();
        let before = state(step.before);
        let after = if changed { state(step.after) } else { before };
        let event = wire::event(trace.bytes(step.event));
        let (Some(event), None | Some(Some(_)), None | Some(Some(_))) = (event, before, after)
        else {
            let expected = "`pc` is Idle, Working, Backoff, Done or Failed".to_owned();
            return note(None, Finding::violated(expected, "another word"));
        };
        let (before, after) = (before.flatten(), after.flatten());
        let retry = &self.retry;
        let emitted = trace.emitted_in(&step.emitted).iter();
        let requested = emitted.filter(|event| event.schema == retry.requested);
        let mut intents = trace.intents_in(&step.intents).iter();
        let step = Move {
            before,
            event,
            after,
            changed,
            timer: intents.find_map(|intent| TimerSet::parse(trace.bytes(intent.params))),
            requested_count: requested.count() as u64,
            retry,
            trace,
            step,
        };
        self.history.begin(&step);
        let past = self.history.past(trace);
        for (index, check) in CHECKS.iter().enumerate() {
            note(Some(index), check(&past, &step));
        }
        goals::of_move(goals, &past, turn, &step);
        self.history.record(&past, &step);
    }
}
