//! What could be decided next where a run ended, the most fruitful thing to append; and a memory
//! of it, for inputs that are mutated again and again.

use std::rc::Rc;

use sim::scenario::{Decision, Scenario};
use sim::simulator::{Flight, item};
use sim::trace::{Answer, Choice, Status, Trace};

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
    let messages =
        (0..flight.messages.len()).map(|index| Choice::Deliver(item(&flight.messages, index)));
    let dropped =
        (0..flight.dropped.len()).map(|index| Choice::Redeliver(item(&flight.dropped, index)));
    let timers = (0..flight.timers.len()).map(|index| Choice::Fire {
        timer: item(&flight.timers, index),
        at_ns: None,
        status: Status::Ok,
        twice: false,
        value: None,
    });
    let pending = (0..flight.pending.len()).map(|index| Choice::Receipt {
        effect: item(&flight.pending, index),
        answer: Answer::Ok,
        value: None,
    });
    let plans = flight.plans.iter().enumerate();
    let plans = plans
        .filter(|(_, plan)| plan.body.next_step.is_some())
        .map(|(index, plan)| Choice::Step {
            plan: item(&flight.plans, index),
            answer: plan.body.answered.map(|_| Answer::Ok),
        });
    let is_new = |request: &u32| {
        let starts =
            |choice: &Choice| matches!(choice, Choice::Start { request: of } if of == request);
        !trace.turns.iter().any(|turn| starts(&turn.choice))
    };
    let requests = 0..scenario.requests.len() as u32;
    let starts = requests
        .filter(is_new)
        .map(|request| Choice::Start { request });
    let choices = messages
        .chain(dropped)
        .chain(timers)
        .chain(pending)
        .chain(plans)
        .chain(starts);
    choices
        .map(|choice| scenario.decision(trace, &choice))
        .collect()
}

/// The ids that a scenario's requests go by.
pub fn words(scenario: &Scenario) -> Vec<String> {
    scenario
        .requests
        .iter()
        .map(|request| request.name.clone())
        .collect()
}
