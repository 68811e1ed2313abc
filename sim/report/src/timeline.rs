//! A run turn by turn: what tables, pages and the stepper show, so that they cannot disagree.
//!
//! [`Recorder`] watches a run, [`Timeline`] is what it noted, in words. Everything is text or plain
//! numbers here; nothing is judged and nothing is laid out.

mod flight;
mod held;
mod journal;
mod recorder;

use std::borrow::Cow;

use serde_json::Value as Json;

use super::marked;
use super::paths::{self, Change};
use sim_model::Violation;

pub use recorder::Recorder;

/// A run in words.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Timeline {
    /// The local names of the reducers, by their ids.
    pub reducers: Vec<String>,
    /// In order.
    pub turns: Vec<TimelineTurn>,
    /// What went from where to where.
    pub arrows: Vec<Arrow>,
    /// What was in flight for a while.
    pub bars: Vec<Bar>,
    /// What was violated.
    pub violations: Vec<Violated>,
    /// The first turn after faults stopped.
    pub liveness_from: Option<usize>,
    /// The fields of its values that do not matter to the failure, as JSON pointers into its case.
    pub any: Vec<String>,
}

/// A decision and what came of it.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct TimelineTurn {
    /// Virtual time.
    pub time: String,
    /// The name of its `Verb`.
    pub kind: &'static str,
    /// In words.
    pub decision: String,
    /// The kinds of fault that the decision is, of `campaign::fault_names`.
    pub faults: Vec<Cow<'static, str>>,
    /// The event that the kernel accepted.
    pub event: Option<TimelineEvent>,
    /// Reducers that were given the event.
    pub steps: Vec<TimelineStep>,
    /// What was sent, asked for and begun, by the names that later decisions use.
    pub out: Vec<String>,
    /// Effects that were asked for.
    pub gate: Vec<Gate>,
    /// What was written down.
    pub journal: Vec<TimelineRecord>,
    /// What is in flight after the turn.
    pub flight: Vec<Held>,
    /// Where a recovery did not come to what the journal says.
    pub divergence: Option<String>,
}

/// An event that was accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct TimelineEvent {
    /// The name of its schema.
    pub schema: String,
    /// In the plain spelling.
    pub value: Json,
    /// What it says beside its name and its request.
    pub brief: String,
    /// The fields of the value that do not matter to the failure, as JSON pointers.
    pub any: Vec<String>,
}

/// An event through a reducer.
#[derive(Clone, PartialEq, Debug)]
pub struct TimelineStep {
    /// Its local name.
    pub reducer: String,
    /// The key of the cell, in JSON.
    pub cell: Option<String>,
    /// The state before; None is none.
    pub before: Option<Json>,
    /// The state after.
    pub after: Option<Json>,
    /// Why its output was refused.
    pub refused: Option<String>,
}

/// An effect at the gate.
#[derive(Clone, PartialEq, Debug)]
pub struct Gate {
    /// Its kind.
    pub effect: String,
    /// In the plain spelling.
    pub params: Json,
    /// The grant that it uses.
    pub grant: String,
    /// Who asks for it.
    pub asker: String,
    /// Whether it may go out.
    pub allowed: bool,
    /// What the grant and the policy said.
    pub because: String,
}

/// A journal record: the word of AIR for its kind, and what it holds.
#[derive(Clone, PartialEq, Debug)]
pub struct TimelineRecord {
    /// The kind of record.
    pub kind: &'static str,
    /// In words.
    pub text: String,
}

/// Something in flight.
#[derive(Clone, PartialEq, Debug)]
pub struct Held {
    /// `message`, `dropped`, `timer`, `effect` or `plan`.
    pub kind: &'static str,
    /// In words.
    pub text: String,
}

/// Where something comes from or goes to: a lane of a diagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Who sends requests.
    Client,
    /// By its id.
    Reducer(usize),
    /// The slot that a plan instance has while it lives.
    Plan(usize),
    /// The slot of a timer, or of another effect that awaits its receipt.
    Timer(usize),
    /// The kernel's journal.
    Journal,
    /// Nowhere: dropped.
    Lost,
}

/// Something that went from a place to another.
#[derive(Clone, PartialEq, Debug)]
pub struct Arrow {
    /// Where it begins.
    pub from: Place,
    /// The turn in which it begins.
    pub from_turn: usize,
    /// Where it ends.
    pub to: Place,
    /// The turn in which it ends.
    pub to_turn: usize,
    /// In words.
    pub text: String,
    /// It is a second copy, was dropped before, or is spurious.
    pub is_fault: bool,
}

/// Something that lived for a while in a slot: a plan instance or a timer.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// Where it is.
    pub place: Place,
    /// The turn in which it begins.
    pub from_turn: usize,
    /// The turn in which it ended; None if it was there at the end.
    pub to_turn: Option<usize>,
    /// In words.
    pub text: String,
    /// Turns in which it moved, and how.
    pub moves: Vec<(usize, String)>,
}

/// An invariant that did not hold.
#[derive(Clone, PartialEq, serde::Serialize, schemars::JsonSchema, Debug)]
pub struct Violated {
    /// The name of the property.
    pub invariant: String,
    /// What it asks, in a sentence.
    pub says: String,
    /// The turn that violated it.
    pub turn: usize,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub found: String,
}

impl From<&Violation> for Violated {
    fn from(violation: &Violation) -> Violated {
        Violated {
            invariant: violation.name().to_owned(),
            says: violation.property.says.to_string(),
            turn: violation.turn,
            expected: violation.expected.clone(),
            found: violation.found.clone(),
        }
    }
}

impl Timeline {
    /// The invariants that a turn violates.
    pub fn violated_at(&self, turn: usize) -> impl Iterator<Item = &Violated> {
        let violations = self.violations.iter();
        violations.filter(move |violated| violated.turn == turn)
    }
}

impl TimelineStep {
    /// Where the state changed; of a new one, its fields.
    pub fn changes(&self) -> Vec<Change> {
        match (&self.before, &self.after) {
            (before, after) if before == after => Vec::new(),
            (Some(before), Some(after)) => paths::changes(before, after),
            (None, Some(after)) => paths::fields(after),
            (before, None) => vec![Change {
                path: String::new(),
                from: before.clone(),
                to: None,
            }],
        }
    }
}

impl TimelineEvent {
    /// In full: its schema and its value, each field marked that does not matter.
    pub fn text(&self) -> String {
        format!(
            "{} {}",
            self.schema,
            marked::json(&self.value, "", &self.any)
        )
    }

    /// Whether it has a field of this name and value, itself or in its arm.
    pub fn says(&self, field: &str, value: &Json) -> bool {
        let arms = self
            .value
            .as_object()
            .into_iter()
            .flat_map(|arms| arms.values());
        let mut all = arms.chain([&self.value]);
        all.any(|fields| fields.get(field) == Some(value))
    }
}

impl TimelineTurn {
    /// What is odd about the decision and not in its own words, without its subject: `late`.
    pub fn oddities(&self) -> impl Iterator<Item = &str> {
        const ODD: [&str; 6] = [
            "message reordered",
            "second start",
            "timer early",
            "timer late",
            "timer twice",
            "timer out of order",
        ];
        let odd = self.faults.iter().filter(|fault| ODD.contains(&&***fault));
        odd.map(|fault| short(fault))
    }
}

/// A kind of fault without its subject: `late` for `timer late`.
pub fn short(fault: &str) -> &str {
    let subjects = ["message ", "timer "];
    let stripped = subjects
        .iter()
        .find_map(|subject| fault.strip_prefix(subject));
    stripped.unwrap_or(fault)
}
