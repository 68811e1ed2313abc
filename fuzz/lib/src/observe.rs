//! A chooser that follows a schedule and notes, before each decision, the abstract state of the
//! world and the pair that the last two decisions make.
//!
//! It decides nothing itself. A state is abstract: what the model says matters of each cell's
//! state, and whether there is one or more of each kind in flight.

use sim::air::ReducerId;
use sim::simulator::{Chooser, Flight, Scripted, Situation};
use sim::trace::{Choice, Trace};

use crate::features::{self, hash};

/// Cells of which the state is looked at.
const MOST_CELLS: usize = 16;

/// Follows the schedule of a scenario.
pub struct Observed<'a> {
    script: Scripted<'a>,
    /// The abstract state of each cell that has taken a step, by its reducer and key.
    cells: Vec<(ReducerId, u64, u64)>,
    /// Their states when the kernel wrote down all that it knows, which a recovery may go back to.
    at_snapshot: Option<u64>,
    turns: usize,
    last: u64,
    is_noting: bool,
    /// What was in flight when the schedule had ended.
    flight: Option<Flight>,
}

impl<'a> Observed<'a> {
    /// With `is_noting` false it is the script alone.
    pub fn new(script: Scripted<'a>, is_noting: bool) -> Observed<'a> {
        Observed {
            script,
            cells: Vec::new(),
            at_snapshot: None,
            turns: 0,
            last: 0,
            is_noting,
            flight: None,
        }
    }

    /// What was in flight when the schedule had ended; None if the run ended before.
    pub fn into_flight(self) -> Option<Flight> {
        self.flight
    }

    fn note(&mut self, situation: &Situation<'_>, trace: &Trace) {
        for turn in &trace.turns[self.turns..] {
            let kind = kind(&turn.choice);
            features::pair(self.last, kind);
            self.last = kind;
            for step in &trace.steps[turn.steps.start as usize..turn.steps.end as usize] {
                let key = step.key.map_or(0, |key| bytes_hash(trace.bytes(key)));
                let state = step.after.map_or(0, |after| {
                    let scenario = situation.scenario;
                    situation
                        .model
                        .abstract_state(&scenario.requests, trace.bytes(after))
                });
                self.put(step.reducer, key, state);
            }
            if matches!(turn.choice, Choice::Snapshot) {
                self.at_snapshot = Some(self.state());
            }
        }
        self.turns = trace.turns.len();
        let counts = counts(situation.flight);
        let state = self.state();
        features::state(hash([state].into_iter().chain(counts)));
        if let Some(at_snapshot) = self.at_snapshot {
            features::state(hash([at_snapshot, u64::from(state == at_snapshot)]));
        }
    }

    /// The abstract states of all cells.
    fn state(&self) -> u64 {
        hash(
            self.cells
                .iter()
                .flat_map(|(reducer, key, state)| [reducer.index() as u64, *key, *state]),
        )
    }

    fn put(&mut self, reducer: ReducerId, key: u64, state: u64) {
        let is_its = |cell: &(ReducerId, u64, u64)| (cell.0, cell.1) == (reducer, key);
        match self.cells.iter().position(is_its) {
            Some(index) => self.cells[index].2 = state,
            None if self.cells.len() < MOST_CELLS => self.cells.push((reducer, key, state)),
            None => {}
        }
    }
}

impl Chooser for Observed<'_> {
    fn choose(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        if self.is_noting {
            self.note(situation, trace);
        }
        let choice = self.script.choose(situation, trace);
        if choice.is_none() {
            self.flight = Some(situation.flight.clone());
        }
        choice
    }

    fn skipped(&mut self) {
        self.script.skipped();
    }
}

fn bytes_hash(bytes: &[u8]) -> u64 {
    hash(bytes.iter().map(|byte| u64::from(*byte)))
}

/// How many of each kind: none, one or more, and of messages and timers also whether it is one.
fn counts(flight: &Flight) -> [u64; 5] {
    [
        (flight.messages.len(), 2),
        (flight.dropped.len(), 1),
        (flight.timers.len(), 2),
        (flight.pending.len(), 1),
        (flight.plans.len(), 1),
    ]
    .map(|(count, many)| count.min(many) as u64)
}

/// What of a decision makes it another kind: the verb, and how it ends.
fn kind(choice: &Choice) -> u64 {
    let detail = match choice {
        Choice::Step { answer, .. } => answer.map_or(0, |answer| answer.place() as u64 + 1),
        Choice::Receipt { answer, .. } => answer.place() as u64,
        Choice::Fire { status, .. } => *status as u64,
        Choice::Crash {
            point, recovery, ..
        } => (*point as u64) << 1 | *recovery as u64,
        _ => 0,
    };
    detail << 4 | choice.verb() as u64
}
