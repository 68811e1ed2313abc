//! What a session reports of its findings, as events.

use sim_record::scenario::Scenario;
use sim_report::event::{Case, Shrunk, Violation};
use sim_report::timeline::Timeline;

use crate::{Done, Finding};

/// A failure as it was found: with its case, if that is all there will be of it.
pub(crate) fn as_found<'t>(
    finding: &Finding,
    found_by: &'t str,
    timeline: &'t Timeline,
    case: Option<&'t Case>,
) -> Violation<'t> {
    Violation {
        found_by,
        seed: finding.found_by.seed,
        signature: finding.sighting.signature.to_string(),
        runs: finding.runs,
        violations: &timeline.violations,
        decisions: finding.decisions(),
        digest: finding.sighting.digest,
        faults: faults(&finding.sighting.scenario),
        case,
        timeline,
    }
}

impl Done {
    /// What is reported of it, if it was so many decisions before.
    pub fn told<'t>(&'t self, runs: u64, from: usize, case: &'t Case) -> Shrunk<'t> {
        let first = self.sighting.violations.first();
        Shrunk {
            found_by: "",
            seed: None,
            signature: self.sighting.signature.to_string(),
            runs,
            invariant: first.map_or_else(String::new, |found| found.name().to_owned()),
            violations: &self.timeline.violations,
            decisions: self.shrunk.scenario.schedule.len(),
            digest: self.sighting.digest,
            faults: Vec::new(),
            decisions_before: from,
            attempts: self.shrunk.attempts,
            is_exhausted: self.shrunk.exhausted,
            any: &self.timeline.any,
            case,
            timeline: &self.timeline,
        }
    }
}

/// The mix that a seed drew: what was on.
pub(crate) fn faults(scenario: &Scenario) -> Vec<(String, u32)> {
    let on = scenario.faults.iter().flat_map(|faults| faults.on());
    on.collect()
}
