//! The properties of the retry machine, and the memory they share.
//!
//! [`Move`] is one step as the machine's own values; [`Past`] is what happened before it to the
//! request under way. Each check is a function of the two. The [`History`] that gives the past
//! follows the [`contract`] from the events that came in and what went out, not what a state says:
//! it cannot be talked into anything.
//!
//! A state is private to its reducer. It is judged only where the model can read it, which the
//! first accepted start of a run shows: see [`Reading`]. What comes in and goes out is judged
//! always.

mod attempts_bounded;
mod backoff_exact;
mod contract;
mod contract_kept;
mod converges;
mod history;
mod intent_faithful;
mod one_timer;
mod outcome_justified;
mod retry_waits;
mod seen;
mod stale_ignored;
mod terminal_absorbing;

use crate::Retry;
use crate::wire::{self, Event, Pc, Requested};
use contract::Because;
use contract::Due;
use history::Reading;
use history::{History, Past, Request};
use sim_air::cbor::canonical::{CanonicalText, TextRange};
use sim_kernel::TimerSet;
use sim_model::{
    Asked, Finding, Looks, Observer, Property, SEEDS_FOR_SOMETIMES, Seen, Verdicts, Watch,
};
use sim_record::trace::{Key, Packer, Record, Step, Trace, Unpacker, ValueId};

type State<'a> = wire::State<CanonicalText<'a>>;
type Check = fn(&Past<'_>, &Move<'_>) -> Finding;

/// What must hold, in the order of reports.
const MUST_HOLD: [Property; 10] = [
    Property::always(
        "attempts_bounded",
        "attempts never exceed max_attempts (0 counts as 1)",
    ),
    Property::always(
        "backoff_exact",
        "the k-th timer is set for anchor + base * 2^(k-1), saturating",
    ),
    Property::always(
        "retry_waits",
        "attempt k+1 is requested when the k-th timer fires, and not before",
    ),
    Property::always(
        "terminal_absorbing",
        "after Done or Failed the request's events change nothing",
    ),
    Property::always(
        "outcome_justified",
        "Done only on an ok; Failed only on an err that ends it",
    ),
    Property::always(
        "one_timer",
        "at most one timer of a request is outstanding, keyed by its id",
    ),
    Property::always(
        "intent_faithful",
        "WorkRequested and the state carry the request's own data",
    ),
    Property::always(
        "stale_ignored",
        "events that are not awaited change nothing",
    ),
    Property::always(
        "contract_kept",
        "every event brings about the one state, work, timer or nothing that is due",
    ),
    Property::eventually(
        "converges",
        "once faults stop, every started request ends as Done or Failed",
    ),
];

/// The checks of a step, in the order of their properties. `contract_kept` follows.
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
const CONTRACT_KEPT: usize = CHECKS.len();
const CONVERGES: usize = CONTRACT_KEPT + 1;
/// What must happen sometimes follows what must hold.
const FIRST_SOMETIMES: usize = CONVERGES + 1;

/// Watches runs of a world for all of them.
pub(super) fn watch<'w>(retry: Retry) -> Watch<'w> {
    let asked = Asked::From(SEEDS_FOR_SOMETIMES);
    let sometimes = seen::LIST.map(|(name, says)| Property::sometimes(name, says, asked));
    let properties = MUST_HOLD.into_iter().chain(sometimes);
    let properties = properties.map(Property::of_model).collect();
    Watch::new(properties, Judge { retry, last: None })
}

/// One event through the retry reducer.
struct Move<'a> {
    pub event: Event<'a>,
    /// What the contract says of it.
    pub due: Due,
    /// The state afterwards, where it can be read.
    pub after: Option<State<'a>>,
    /// The state before, where it can be read.
    pub before: Option<State<'a>>,
    /// The state changed in a way that can be judged.
    pub changed: bool,
    /// The timer that the step asked for: a step has one effect at most, or is refused.
    pub timer: Option<TimerSet<'a>>,
    /// How many `WorkRequested` it emitted.
    pub requested_count: u64,
    /// How many other events and effects went out.
    pub other_count: u64,
    retry: &'a Retry,
    trace: &'a Trace,
    step: &'a Step,
}

impl<'a> Move<'a> {
    fn of(
        retry: &'a Retry,
        trace: &'a Trace,
        step: &'a Step,
        (event, due): (Event<'a>, Due),
        states: States<'a>,
    ) -> Move<'a> {
        let emitted = trace.emitted_in(&step.emitted);
        let requested = emitted
            .iter()
            .filter(|event| event.schema == retry.requested);
        let requested_count = requested.count();
        let mut timer = None;
        let mut others = emitted.len() - requested_count;
        for intent in trace.intents_in(&step.intents) {
            match TimerSet::parse(trace.bytes(intent.params)) {
                Some(set) if Some(intent.effect) == retry.timer => timer = Some(set),
                _ => others += 1,
            }
        }
        Move {
            event,
            due,
            before: states.before,
            after: states.after,
            changed: states.changed,
            timer,
            requested_count: requested_count as u64,
            other_count: others as u64,
            retry,
            trace,
            step,
        }
    }

    /// The `WorkRequested` events that the step emitted.
    pub fn requested(&self) -> impl Iterator<Item = Requested<'a>> {
        let (trace, schema) = (self.trace, self.retry.requested);
        let emitted = trace.emitted_in(&self.step.emitted).iter();
        emitted
            .filter(move |event| event.schema == schema)
            .filter_map(|event| wire::requested(trace.bytes(event.value)))
    }

    /// Nothing changed that can be judged, and nothing went out.
    pub fn is_ignored(&self) -> bool {
        !self.changed && self.step.emitted.is_empty() && self.step.intents.is_empty()
    }

    /// The run is in its liveness phase: faults have stopped.
    pub fn is_liveness(&self) -> bool {
        self.trace.liveness_from.is_some()
    }

    /// The journal holds a snapshot.
    pub fn has_snapshot(&self) -> bool {
        let journal = self.trace.journal.iter();
        journal
            .rev()
            .any(|record| matches!(record, Record::Snapshot { .. }))
    }

    /// What happened, for a report.
    pub fn effect_seen(&self) -> String {
        let mut seen = Vec::new();
        for requested in self.requested() {
            seen.push(format!("WorkRequested of {:?}", requested.req_id));
        }
        if let Some(timer) = self.timer {
            let key = match timer.key {
                Some(key) => format!("of {key:?}"),
                None => "without a key".to_owned(),
            };
            seen.push(format!("a timer {key} for {} ns", timer.deliver_at_ns));
        }
        if self.other_count > 0 {
            seen.push(format!("{} other events or effects", self.other_count));
        }
        if seen.is_empty() {
            seen.push("nothing is asked for".to_owned());
        }
        let asked = seen.join(" and ");
        let show = |state: State<'_>| format!("{} at attempt {}", state.pc.name(), state.attempt);
        match (self.before, self.after) {
            (_, None) => asked,
            (Some(before), Some(_)) if !self.changed => {
                format!("{asked}, and the state stays {}", show(before))
            }
            (Some(before), Some(after)) if show(before) != show(after) => {
                format!(
                    "{asked}, and the state goes from {} to {}",
                    show(before),
                    show(after)
                )
            }
            (Some(_), Some(after)) => {
                format!(
                    "{asked}, and other fields of the state change, which is {}",
                    show(after)
                )
            }
            (None, Some(after)) => format!("{asked}, and the state is {}", show(after)),
        }
    }
}

/// Feeds the checks of one run.
struct Judge {
    retry: Retry,
    /// The last state that was read, which is mostly the next one to be asked for.
    last: Option<Read>,
}

/// A state as it was read.
struct Read {
    /// Of which table of values the id is: see [`Values::generation`].
    ///
    /// [`Values::generation`]: sim_record::trace::Values::generation
    generation: u64,
    id: ValueId,
    state: wire::State<TextRange>,
}

impl Observer for Judge {
    type Memory = History;

    fn looks(&self) -> Looks {
        Looks::STEPS
    }

    fn step(&mut self, history: &mut History, seen: &Seen<'_>, step: &Step, to: &mut Verdicts<'_>) {
        if step.reducer != self.retry.reducer || step.fault.is_some() {
            return;
        }
        let trace = seen.trace;
        let Some(event) = wire::event(trace.bytes(step.event)) else {
            return;
        };
        let due = contract::due(&history.past(trace), &event);
        let states = self.states(&mut history.reading, trace, step, &due);
        let step = Move::of(&self.retry, trace, step, (event, due), states);
        history.begin(&step);
        let past = history.past(trace);
        let mut is_violated = false;
        for (index, check) in CHECKS.iter().enumerate() {
            let finding = check(&past, &step);
            is_violated |= matches!(finding, Finding::Violated(_));
            to.note(index, finding);
        }
        // The narrower ones say more about what they know of.
        if !is_violated {
            to.note(CONTRACT_KEPT, contract_kept::check(&past, &step));
        }
        seen::of_move(to, &past, seen.turn, &step);
        history.record(&past, &step);
    }

    fn end_turn(&mut self, _: &mut History, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        seen::of_turn(to, seen.turn);
    }

    fn finish(&mut self, history: &History, trace: &Trace, to: &mut Verdicts<'_>) {
        to.note(
            CONVERGES,
            converges::check(&history.past(trace), &self.retry, trace),
        );
    }

    fn pack(history: &History, packer: &mut Packer<'_>) {
        history.pack(packer);
    }

    fn unpack(packed: &mut Unpacker<'_>, trace: &Trace) -> History {
        History::unpack(packed, trace)
    }

    fn write_key(history: &History, trace: &Trace, key: &mut Key) {
        history.write_key(trace, key);
    }
}

impl Judge {
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

    /// The states of a step where they can be read.
    fn states<'a>(
        &mut self,
        reading: &mut Reading,
        trace: &'a Trace,
        step: &Step,
        due: &Due,
    ) -> States<'a> {
        if *reading == Reading::Opaque {
            return States::default();
        }
        let changed = !step.is_unchanged();
        let before = step.before.map(|id| self.state(trace, id));
        let after = match changed {
            true => step.after.map(|id| self.state(trace, id)),
            false => before,
        };
        let states = States {
            before: before.flatten(),
            after: after.flatten(),
            changed,
        };
        if *reading == Reading::Words {
            // A word of its own after all: some of a machine's words may be those of the model.
            if before == Some(None) || after == Some(None) {
                *reading = Reading::Opaque;
                return States::default();
            }
            return states;
        }
        if due.begins() && (changed || !step.emitted.is_empty()) {
            let begins = |state: State<'_>| state.pc == Pc::Working && state.attempt == 1;
            *reading = match states.after.is_some_and(begins) {
                true => Reading::Words,
                false => Reading::Opaque,
            };
        }
        // Before the first start a state may be written that says no more than that.
        let stands = |state: State<'_>| state.pc != Pc::Idle;
        match *reading {
            Reading::Opaque => States::default(),
            Reading::Words => states,
            Reading::Unknown if states.after.is_some_and(stands) => states,
            Reading::Unknown => States::default(),
        }
    }
}

/// The states of a step as far as they can be read, and whether they differ.
#[derive(Clone, Copy, Default)]
struct States<'a> {
    before: Option<State<'a>>,
    after: Option<State<'a>>,
    changed: bool,
}
