//! Watches a run and tells it turn by turn.

use super::flight::{Seen, Tracker};
use super::held;
use super::journal;
use super::{Timeline, TimelineEvent, TimelineStep, TimelineTurn, Violated};
use crate::words;
use sim_kernel::{World, local_name};
use sim_model::Violation;
use sim_record::marks::Marks;
use sim_record::scenario::{Decision, Scenario};
use sim_record::trace::{self, Choice, Fault, Record, Trace, ValueId};
use sim_search::campaign;
use sim_simulator::Flight;

/// Makes a [`Timeline`] of a run that it watches from the beginning.
pub struct Recorder<'a> {
    world: &'a World,
    scenario: &'a Scenario,
    marks: Option<&'a Marks>,
    /// Decisions of the schedule before this one were taken, or skipped.
    schedule_from: usize,
    timeline: Timeline,
    tracker: Tracker,
    /// Of each turn that is kept in full, how much it takes, and from which on they are.
    sizes: Vec<usize>,
    full_from: usize,
    size_bytes: usize,
}

/// About how much the turns that are kept in full may take: then the oldest are kept in brief.
const MOST_BYTES: usize = 128 << 20;
/// A value takes so many times its canonical bytes as text, about.
const BYTES_PER_BYTE: usize = 8;
/// A text takes so much beside its characters.
const TEXT_BYTES: usize = 48;

impl<'a> Recorder<'a> {
    /// Watches a run of a scenario, from its beginning.
    pub fn new(world: &'a World, scenario: &'a Scenario) -> Recorder<'a> {
        let reducers = world.air.reducers.iter();
        let names = reducers.map(|reducer| local_name(&reducer.name).to_owned());
        Recorder {
            world,
            scenario,
            marks: None,
            schedule_from: 0,
            timeline: Timeline {
                reducers: names.collect(),
                ..Timeline::default()
            },
            tracker: Tracker::default(),
            sizes: Vec::new(),
            full_from: 0,
            size_bytes: 0,
        }
    }

    /// Says which fields of the scenario do not matter to its failure.
    pub fn with_marks(mut self, marks: &'a Marks) -> Recorder<'a> {
        self.marks = Some(marks);
        self.timeline.any = marks.pointers();
        self
    }

    /// To be called after each turn.
    pub fn observe(&mut self, trace: &Trace, flight: &Flight) {
        let Some(turn) = trace.turns.last() else {
            return;
        };
        let seen = Seen {
            index: trace.turns.len() - 1,
            trace,
            turn,
            flight,
        };
        let told = self.turn(&seen);
        let size = size_bytes(&seen, &told);
        self.timeline.turns.push(told);
        self.sizes.push(size);
        self.size_bytes += size;
        while self.size_bytes > MOST_BYTES && self.full_from + 1 < self.sizes.len() {
            self.size_bytes -= self.sizes[self.full_from];
            shorten(&mut self.timeline.turns[self.full_from]);
            self.full_from += 1;
        }
    }

    /// The run as a whole. A violation that was only found at its end counts as one of its last
    /// turn.
    pub fn finish(mut self, trace: &Trace, violations: &[Violation]) -> Timeline {
        self.timeline.liveness_from = trace.liveness_from;
        self.timeline.violations = violations.iter().map(Violated::from).collect();
        self.timeline.arrows = self.tracker.arrows;
        self.timeline.bars = self.tracker.bars;
        self.timeline
    }

    fn turn(&mut self, seen: &Seen<'_>) -> TimelineTurn {
        let (world, trace, turn) = (self.world, seen.trace, seen.turn);
        let decision = self.scenario.decision(trace, &turn.choice);
        let any = self.marked(&decision);
        let mut faults = Vec::new();
        campaign::faults_of(&trace.answers, &turn.choice, &turn.remark, &mut |index| {
            faults.extend(campaign::fault_names(&trace.answers).nth(index));
        });
        let gate = journal::gate(world, trace, turn);
        let mut out = self.tracker.turn(seen);
        let denied = gate.iter().filter(|gate| !gate.allowed);
        out.extend(denied.map(|gate| format!("{} denied: {}", gate.effect, gate.because)));
        TimelineTurn {
            time: words::time(turn.at_ns),
            kind: turn.choice.verb().name(),
            decision: words::decision(world, &decision, any),
            faults,
            event: self.event(seen, any),
            steps: trace
                .steps_of(turn)
                .iter()
                .map(|step| self.step(trace, step))
                .collect(),
            out,
            gate,
            journal: journal::records(world, trace, turn),
            flight: held::held(trace, seen.flight),
            divergence: turn.divergence.as_deref().map(str::to_owned),
        }
    }

    /// The fields that do not matter of the value that a decision brings. One that the schedule
    /// has is the first of those that are left in it: what was not possible was skipped.
    fn marked(&mut self, decision: &Decision) -> &'a [String] {
        let Some(marks) = self.marks else {
            return &[];
        };
        let found = match decision.without_crash() {
            Decision::Start { request } => {
                let mut requests = self.scenario.requests.iter();
                let place = requests.position(|known| known.name == *request);
                place.and_then(|place| marks.requests.get(&place))
            }
            Decision::Inject { .. } | Decision::Receipt { .. } | Decision::Fire { .. } => {
                let mut left = self.scenario.schedule.iter().skip(self.schedule_from);
                let is_same = |known: &Decision| known.without_crash() == decision.without_crash();
                let place = left.position(is_same).map(|at| self.schedule_from + at);
                self.schedule_from = place.map_or(self.schedule_from, |place| place + 1);
                place.and_then(|place| marks.schedule.get(&place))
            }
            _ => None,
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// The event that the kernel accepted in a turn.
    fn event(&self, seen: &Seen<'_>, any: &[String]) -> Option<TimelineEvent> {
        let journal = seen.trace.journal_in(&seen.turn.journal);
        let (schema, value) = journal.iter().find_map(|record| match record {
            Record::DomainEvent { schema, value, .. } => Some((*schema, *value)),
            _ => None,
        })?;
        let json = words::value_json(self.world, schema, seen.trace.bytes(value));
        let choice = match &seen.turn.choice {
            Choice::Crash { during, .. } => during,
            choice => choice,
        };
        let brief = match choice {
            // The decision has said it.
            Choice::Inject { .. } | Choice::Fire { .. } => String::new(),
            Choice::Deliver(item) | Choice::Redeliver(item) => {
                let correlation = item.correlation.map(|name| seen.trace.text(name));
                words::event_brief(self.world, schema, &json, (correlation, &[]))
            }
            _ => words::event_brief(self.world, schema, &json, (None, any)),
        };
        // A receipt's fields are not those of the event that tells of it.
        let is_brought = matches!(choice, Choice::Start { .. } | Choice::Inject { .. });
        Some(TimelineEvent {
            any: if is_brought { any.to_vec() } else { Vec::new() },
            schema: self.world.air.schemas.name(schema).to_owned(),
            value: json,
            brief,
        })
    }

    fn step(&self, trace: &Trace, step: &trace::Step) -> TimelineStep {
        let reducer = &self.world.air.reducers[step.reducer.index()];
        let json = |schema, id| words::value_json(self.world, schema, trace.bytes(id));
        let cell = reducer.key_schema.zip(step.key);
        TimelineStep {
            reducer: local_name(&reducer.name).to_owned(),
            cell: cell.map(|(schema, key)| json(schema, key).to_string()),
            before: step.before.map(|state| json(reducer.state, state)),
            after: step.after.map(|state| json(reducer.state, state)),
            refused: step.fault.as_deref().map(|fault| match fault {
                Fault::Stopped { what, .. } => what.clone(),
                Fault::Nonconforming { expected, found } => {
                    format!("expected {expected}, found {found}")
                }
            }),
        }
    }
}

/// How much a turn takes, about.
fn size_bytes(seen: &Seen<'_>, told: &TimelineTurn) -> usize {
    let trace = seen.trace;
    let size = |value: Option<ValueId>| value.map_or(0, |id| trace.bytes(id).len());
    let steps = trace.steps_of(seen.turn).iter();
    let values: usize = steps
        .map(|step| size(Some(step.event)) + size(step.before) + size(step.after))
        .sum();
    let text = |text: &String| text.len() + TEXT_BYTES;
    let texts: usize = told.out.iter().map(text).sum();
    let records: usize = told.journal.iter().map(|record| text(&record.text)).sum();
    let held: usize = told.flight.iter().map(|held| text(&held.text)).sum();
    size_of::<TimelineTurn>() + values * BYTES_PER_BYTE + texts + records + held
}

/// What is left of a turn of long ago: what was decided.
fn shorten(turn: &mut TimelineTurn) {
    *turn = TimelineTurn {
        time: std::mem::take(&mut turn.time),
        kind: turn.kind,
        decision: std::mem::take(&mut turn.decision),
        faults: std::mem::take(&mut turn.faults),
        out: vec!["what came of it is left out: the run is too large".to_owned()],
        divergence: turn.divergence.take(),
        ..TimelineTurn::default()
    };
}
