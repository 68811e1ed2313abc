//! All that one run needs, as plain data: requests, bounds, and, once run, the decisions taken.
//!
//! The seed is only a label: what is kept, shrunk and replayed is the scenario. Its decisions name
//! things by text, so that they still mean the same when others before them are gone. Reading and
//! writing files is the corpus's matter.

mod faults;

pub use crate::decision::{Decision, ItemName, Verb};
use crate::trace::{Answer, Choice, Name, Trace, ValueId};
pub use faults::{Depth, Faults, Knob, Mix, answer_of_weight};
use sim_air::SchemaId;

/// What a run starts from, and the decisions that make it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// What clients may ask for, at most [`Bounds::MOST_REQUESTS`].
    pub requests: Vec<Request>,
    /// Where answers come from.
    pub plans: PlanMode,
    /// Where the run ends if its schedule does not.
    pub bounds: Bounds,
    /// A liveness phase follows the schedule: faults stop, what was dropped is redelivered, timers
    /// fire, what was silent answers ok, until nothing is left to do.
    pub liveness: bool,
    /// The mix that a seeded run draws its faults by.
    pub faults: Option<Faults>,
    /// The decisions in order; empty where a chooser decides.
    pub schedule: Vec<Decision>,
}

/// A request that the environment may start, any number of times.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Request {
    /// What the schedule calls it; unique in the scenario.
    pub name: String,
    /// The schema of the event that starts it.
    pub schema: SchemaId,
    /// Canonical bytes.
    pub value: Vec<u8>,
}

/// Where the answers of plans that await nothing come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanMode {
    /// An answer is chosen, and stands in for the event that the plan would raise.
    Answered,
    /// Plans run to the letter.
    AsWritten,
}

/// Where a run ends if nothing else ends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Turns before the liveness phase, at most [`Bounds::MOST_TURNS`].
    pub turns: u32,
    /// Turns of the liveness phase: so many, or more where much is in flight when it begins.
    pub liveness_turns: u32,
    /// Bytes of trace: messages, states and journal together.
    pub trace_bytes: usize,
    /// Things in flight, those that were dropped or are silent among them.
    pub in_flight: usize,
    /// Bytes that go through steps, in recoveries too: see [`Trace::work_bytes`].
    pub work_bytes: u64,
}

impl Bounds {
    /// The most turns that anyone may ask for.
    pub const MOST_TURNS: u32 = 100_000;
    /// The most decisions of a schedule: those turns, and those of a liveness phase.
    pub const MOST_DECISIONS: usize = 200_000;
    /// The most requests of a scenario.
    pub const MOST_REQUESTS: usize = 1_000;
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            turns: 160,
            liveness_turns: 1_000,
            trace_bytes: 256 << 20,
            in_flight: 4_096,
            work_bytes: 1 << 30,
        }
    }
}

impl Scenario {
    /// The same scenario with other decisions.
    pub fn with_schedule(&self, schedule: Vec<Decision>) -> Scenario {
        Scenario {
            requests: self.requests.clone(),
            faults: self.faults.clone(),
            schedule,
            ..*self
        }
    }

    /// The same scenario with the decisions that a run of it took, up to its liveness phase.
    pub fn with_schedule_of(&self, trace: &Trace) -> Scenario {
        let end = trace.liveness_from.unwrap_or(trace.turns.len());
        Scenario {
            schedule: self.schedule_of(trace, end),
            ..self.clone()
        }
    }

    /// The same with the decisions up to a turn, and a liveness phase if the turn is in it.
    pub fn with_schedule_up_to(&self, trace: &Trace, turn: usize) -> Scenario {
        match trace.liveness_from {
            Some(from) if turn >= from => self.with_schedule_of(trace),
            _ => Scenario {
                liveness: false,
                schedule: self.schedule_of(trace, (turn + 1).min(trace.turns.len())),
                ..self.clone()
            },
        }
    }

    /// The same scenario with all decisions of a run of it, those of its liveness phase too, so
    /// that it needs none of its own.
    pub fn with_liveness_of(&self, trace: &Trace) -> Scenario {
        let turns = trace.turns.len() as u32;
        Scenario {
            liveness: false,
            bounds: Bounds {
                turns: self.bounds.turns.max(turns),
                ..self.bounds
            },
            schedule: self.schedule_of(trace, trace.turns.len()),
            ..self.clone()
        }
    }

    fn schedule_of(&self, trace: &Trace, end: usize) -> Vec<Decision> {
        trace.turns[..end]
            .iter()
            .map(|turn| self.decision(trace, &turn.choice))
            .collect()
    }

    /// A decision of a run of this scenario, with texts and bytes.
    pub fn decision(&self, trace: &Trace, choice: &Choice) -> Decision {
        let request = |_: &_, index: &u32| {
            let request = self.requests.get(*index as usize)?;
            Some(request.name.clone())
        };
        let text = |trace: &mut &Trace, name: &Name| trace.text(*name).to_owned();
        let bytes = |trace: &mut &Trace, id: &ValueId| trace.bytes(*id).to_vec();
        let reply = |trace: &&Trace, answer: &Answer| Some(trace.answers.name(*answer).to_owned());
        choice
            .try_map(&mut { trace }, &request, &text, &bytes, &reply)
            .expect("a run starts requests of its scenario")
    }

    /// A decision with the ids of a run; None if it names a request or an answer that there isn't.
    pub fn choice(&self, trace: &mut Trace, decision: &Decision) -> Option<Choice> {
        let request = |_: &_, name: &String| {
            let mut requests = self.requests.iter();
            let index = requests.position(|known| known.name == *name)?;
            Some(index as u32)
        };
        let text = |trace: &mut Trace, text: &String| trace.name(text);
        let bytes = |trace: &mut Trace, bytes: &Vec<u8>| trace.store(bytes);
        let reply = |trace: &Trace, name: &String| trace.answers.named(name);
        decision.try_map(trace, &request, &text, &bytes, &reply)
    }
}
