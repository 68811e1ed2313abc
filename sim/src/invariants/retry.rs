//! The invariants of the retry machine, and the memory they share.
//!
//! [`Move`] is one step as the machine's own values; [`History`] is what happened before it to
//! the request under way. Each check is a function of the two. The history follows the rules of
//! the machine, not the state that the reducer reports: it cannot be talked into anything.

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
use crate::trace::{Record, Step, Trace, Turn};
use crate::workload::retry::Retry;
use crate::workload::retry::wire::{self, Event, Pc, Requested, StartWork, State};
use crate::world::TimerSet;

type Check = fn(&History, &Move<'_>) -> Finding;

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

    /// How many `WorkRequested` the step emitted.
    pub fn requested_count(&self) -> u64 {
        let schema = self.retry.requested;
        let emitted = self.trace.emitted_in(&self.step.emitted).iter();
        emitted.filter(|event| event.schema == schema).count() as u64
    }

    /// The timers that the step asked for.
    pub fn timers(&self) -> impl Iterator<Item = TimerSet<'a>> {
        let trace = self.trace;
        let intents = trace.intents_in(&self.step.intents).iter();
        intents.filter_map(|intent| TimerSet::parse(trace.bytes(intent.params)))
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
        if let Some(timer) = self.timers().next() {
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

/// The request under way, from its accepted start on.
#[derive(Clone, Default, Debug)]
pub(super) struct History {
    pub request: Option<Request>,
    /// Where the machine stood after the last step, and at which attempt.
    pub stands: Option<(Pc, u64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub req_id: String,
    pub payload: String,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
    pub anchor_ns: u64,
    /// `WorkRequested` events so far.
    pub requested: u64,
    pub timers: Vec<SetTimer>,
}

#[derive(Clone, Debug)]
pub(super) struct SetTimer {
    pub deliver_at_ns: u64,
    pub fired: bool,
}

impl Request {
    fn new(start: &StartWork<'_>) -> Request {
        Request {
            req_id: start.req_id.to_owned(),
            payload: start.payload.to_owned(),
            max_attempts: start.max_attempts,
            base_delay_ms: start.base_delay_ms,
            anchor_ns: start.now_ns,
            requested: 0,
            timers: Vec::new(),
        }
    }

    /// How many attempts it may have: 0 counts as 1.
    pub fn limit(&self) -> u64 {
        self.max_attempts.max(1)
    }

    /// The timer whose firing is waited for.
    pub fn awaited(&self) -> Option<&SetTimer> {
        self.timers.last().filter(|timer| !timer.fired)
    }

    /// Whether a timer event is the one waited for.
    pub fn is_awaited(&self, timer: &TimerSet<'_>) -> bool {
        timer.key == Some(&self.req_id)
            && self
                .awaited()
                .is_some_and(|awaited| awaited.deliver_at_ns == timer.deliver_at_ns)
    }

    /// How many of its timers have fired, this move's own included.
    pub fn fired(&self, step: &Move<'_>) -> u64 {
        let now = matches!(&step.event, Event::Timer(timer) if self.is_awaited(timer));
        self.timers.iter().filter(|timer| timer.fired).count() as u64 + u64::from(now)
    }
}

impl History {
    /// Before the checks: a start that is accepted begins a new request.
    fn begin(&mut self, step: &Move<'_>) {
        if let Event::Start(start) = &step.event
            && step.may_start(start)
            && !step.is_ignored()
        {
            self.request = Some(Request::new(start));
        }
    }

    pub fn write_key(&self, out: &mut Vec<u8>) {
        let Some(request) = &self.request else {
            return out.push(0);
        };
        out.push(1);
        for text in [&request.req_id, &request.payload] {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        let numbers = [
            request.max_attempts,
            request.base_delay_ms,
            request.anchor_ns,
            request.requested,
        ];
        for number in numbers {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for timer in &request.timers {
            out.extend_from_slice(&timer.deliver_at_ns.to_le_bytes());
            out.push(u8::from(timer.fired));
        }
    }

    pub fn size_bytes(&self) -> usize {
        let request = self.request.as_ref();
        request.map_or(0, |request| {
            request.req_id.len() + request.payload.len() + request.timers.len() * 16
        })
    }

    /// After the checks: what the move adds.
    fn record(&mut self, step: &Move<'_>) {
        if step.changed {
            self.stands = step.after.map(|state| (state.pc, state.attempt));
        }
        let Some(request) = &mut self.request else {
            return;
        };
        if let Event::Timer(timer) = &step.event
            && request.is_awaited(timer)
            && let Some(awaited) = request.timers.last_mut()
        {
            awaited.fired = true;
        }
        request.requested += step.requested_count();
        let set = step.timers().map(|timer| SetTimer {
            deliver_at_ns: timer.deliver_at_ns,
            fired: false,
        });
        request.timers.extend(set);
    }
}

/// Feeds the checks of one run.
pub(super) struct Observer {
    retry: Retry,
    history: History,
}

impl Observer {
    pub fn new(retry: Retry) -> Observer {
        Observer {
            retry,
            history: History::default(),
        }
    }

    pub fn reset(&mut self) {
        self.history = History::default();
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    pub fn go_on_from(&mut self, history: &History) {
        self.history.clone_from(history);
    }

    /// What can only be said of a run that has ended.
    pub fn finish(&self, trace: &Trace) -> Finding {
        converges::check(&self.history, &self.retry, trace)
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
        let state = |id: Option<_>| id.map(|id| wire::state(trace.bytes(id)));
        let changed = !step.is_unchanged();
        let before = state(step.before);
        let after = if changed { state(step.after) } else { before };
        let event = wire::event(trace.bytes(step.event));
        let (Some(event), None | Some(Some(_)), None | Some(Some(_))) = (event, before, after)
        else {
            let expected = "`pc` is Idle, Working, Backoff, Done or Failed".to_owned();
            return note(
                None,
                Finding::Violated {
                    expected,
                    found: "another word".to_owned(),
                },
            );
        };
        let (before, after) = (before.flatten(), after.flatten());
        let retry = &self.retry;
        let step = Move {
            before,
            event,
            after,
            changed,
            retry,
            trace,
            step,
        };
        self.history.begin(&step);
        for (index, check) in CHECKS.iter().enumerate() {
            note(Some(index), check(&self.history, &step));
        }
        goals::of_move(goals, &self.history, turn, &step);
        self.history.record(&step);
    }
}
