//! A run that violated something, whatever found it, and what it is as a case.

use sim_cases::{CaseVerdict, Found, FoundBy, WorldHashes};
use sim_kernel::World;
use sim_model::Violation;
use sim_record::marks::Marks;
use sim_search::campaign::{self, Sighting};

use crate::Done;

/// A run that violated something, whatever found it.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What found it.
    pub found_by: FoundBy,
    /// How many runs failed in the same way.
    pub runs: u64,
    /// How it fails, and the scenario.
    pub sighting: Sighting,
    /// The fields of the scenario that do not matter to it; none before it is shrunk.
    pub marks: Marks,
}

impl From<&campaign::Failure> for Finding {
    fn from(failure: &campaign::Failure) -> Finding {
        Finding {
            found_by: FoundBy::seed(failure.seed.0, &failure.sighting.scenario),
            runs: failure.runs,
            sighting: failure.sighting.clone(),
            marks: Marks::default(),
        }
    }
}

impl Finding {
    /// The invariant that stands for all that it violates.
    pub(crate) fn first(&self) -> &str {
        let first = self.sighting.violations.first();
        first.map_or("unknown", Violation::name)
    }

    pub(crate) fn decisions(&self) -> usize {
        self.sighting.scenario.schedule.len()
    }

    /// Another run, found in the same way.
    pub(crate) fn shown_by(&self, sighting: Sighting) -> Finding {
        Finding {
            sighting,
            marks: Marks::default(),
            ..self.clone()
        }
    }

    /// What was shrunk of it.
    pub(crate) fn shrunk(&self, done: &Done) -> Finding {
        Finding {
            marks: done.marks.clone(),
            ..self.shown_by(done.sighting.clone())
        }
    }

    /// What it is as a case, judged as it was seen.
    pub(crate) fn case(&self, world: &World) -> sim_cases::Case {
        let verdict = CaseVerdict::Violated(self.first().to_owned());
        let found = Found {
            // What a person said was about another schedule.
            about: None,
            found_by: self.found_by.clone(),
            world: WorldHashes::of(world),
            judged: Some((verdict, self.sighting.digest)),
        };
        let case = sim_cases::Case::new(&world.air, &self.sighting.scenario, found);
        case.with_marks(&self.marks)
    }
}
