//! What simpler means: a tuple of natural numbers that only ever goes down.

use super::{Context, decisions};
use sim_record::scenario::Scenario;

/// How far a scenario is from the simplest, compared field by field in this order. Every field is
/// a natural number, so that there is no endless descent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Measure {
    /// Decisions, where a spurious event counts as many as it takes at most for an answer to come
    /// about in this world: to deliver the request, step the plan, deliver the answer. Any event
    /// could be thrown in instead, and the shortest schedule would be a row of them that no
    /// client ever sees; so the natural way is simpler, unless it is longer than that.
    pub cost: u64,
    /// Spurious events.
    pub spurious: u64,
    /// How many requests there are.
    pub requests: u64,
    /// Sum of the places that the requests had at first, doubled, and one more for each empty id:
    /// `r1` is simpler than `r2`, and than no name.
    pub names: u64,
    /// What is out of the ordinary about the decisions.
    pub oddity: u64,
    /// Sum of how far numbers are from the plainest.
    pub numbers: u128,
    /// Texts, lists and options in values.
    pub size: u64,
}

impl Context<'_> {
    pub(super) fn measure(&self, scenario: &Scenario) -> Measure {
        let schedule = &scenario.schedule;
        let spurious = schedule
            .iter()
            .filter(|decision| decision.is_spurious())
            .count() as u64;
        let place = |name: &str| {
            let known = self.identities.iter().position(|known| known.name == name);
            known.unwrap_or(self.identities.len()) as u64
        };
        let names = scenario.requests.iter().map(|request| {
            let empty = self
                .identity(request)
                .correlation
                .is_some_and(|id| id.is_empty());
            place(&request.name) * 2 + u64::from(empty)
        });
        let (size, numbers) = self.weigh_values(scenario);
        Measure {
            cost: schedule.len() as u64 + spurious * (self.spurious_cost - 1),
            spurious,
            requests: scenario.requests.len() as u64,
            names: names.sum(),
            oddity: schedule
                .iter()
                .map(|decision| decisions::oddity(&self.answers, decision))
                .sum(),
            numbers,
            size,
        }
    }
}
