//! What could be decided next where a run ended, the most fruitful thing to append; and a memory
//! of it, for inputs that are mutated again and again.

use std::rc::Rc;

use sim::model::Model;
use sim::scenario::{Decision, Scenario};
use sim::simulator::{Flight, enabled};
use sim::trace::{Choice, SILENCE, Trace};

/// Inputs that are remembered; a later one takes the place of an earlier.
const REMEMBERED: usize = 1 << 12;

/// What is remembered of an input.
pub struct Known {
    pub scenario: Scenario,
    /// What could be decided when its schedule had ended, once somebody has asked.
    pub possible: Option<Rc<[Decision]>>,
}

/// By the hash of an input's text.
pub struct Remembered {
    slots: Vec<Option<(u64, Known)>>,
}

impl Default for Remembered {
    fn default() -> Remembered {
        let mut slots = Vec::new();
        slots.resize_with(REMEMBERED, || None);
        Remembered { slots }
    }
}

impl Remembered {
    pub fn get_mut(&mut self, hash: u64) -> Option<&mut Known> {
        match &mut self.slots[hash as usize % REMEMBERED] {
            Some((of, known)) if *of == hash => Some(known),
            _ => None,
        }
    }

    pub fn put(&mut self, hash: u64, scenario: Scenario) {
        let known = Known {
            scenario,
            possible: None,
        };
        self.slots[hash as usize % REMEMBERED] = Some((hash, known));
    }
}

/// One decision for each thing in flight, and one for each request that was not started. Names are
/// those of the trace.
pub fn decisions(scenario: &Scenario, flight: &Flight, trace: &Trace) -> Vec<Decision> {
    let mut started = vec![0; scenario.requests.len()];
    for turn in &trace.turns {
        if let Choice::Start { request } = turn.choice {
            started[request as usize] += 1;
        }
    }
    enabled::messages(flight)
        .chain(enabled::dropped(flight))
        .chain(enabled::timers(flight))
        .chain(enabled::effects(flight))
        .chain(enabled::plans(flight))
        .chain(enabled::starts(&started))
        .map(|enabled| scenario.decision(trace, &enabled.plain(flight)))
        .collect()
}

/// The answers that work may get, by name, silence among them.
pub fn answers(model: &dyn Model) -> Vec<String> {
    let answers = model.answers();
    let names = answers
        .outcomes()
        .iter()
        .map(|outcome| outcome.name.to_string());
    names.chain([SILENCE.to_owned()]).collect()
}

/// The ids that a scenario's requests go by.
pub fn words(scenario: &Scenario) -> Vec<String> {
    scenario
        .requests
        .iter()
        .map(|request| request.name.clone())
        .collect()
}
