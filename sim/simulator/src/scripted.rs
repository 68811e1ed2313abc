//! The chooser of a replay: the decisions of a schedule, one after the other.

use crate::{Chooser, Situation};
use sim_record::scenario::Scenario;
use sim_record::trace::{Choice, Trace};

/// Follows the schedule of a scenario. What it names and is not there is skipped.
pub struct Scripted<'a> {
    scenario: &'a Scenario,
    next: usize,
    /// Indices of the decisions that were not possible.
    pub skipped: Vec<usize>,
}

impl<'a> Scripted<'a> {
    /// Follows the schedule of a scenario.
    pub fn new(scenario: &'a Scenario) -> Scripted<'a> {
        Scripted {
            scenario,
            next: 0,
            skipped: Vec::new(),
        }
    }
}

impl Chooser for Scripted<'_> {
    fn choose(&mut self, _situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        loop {
            let decision = self.scenario.schedule.get(self.next)?;
            self.next += 1;
            match self.scenario.choice(trace, decision) {
                Some(choice) => return Some(choice),
                None => self.skipped.push(self.next - 1),
            }
        }
    }

    fn skipped(&mut self) {
        self.skipped.push(self.next - 1);
    }
}
