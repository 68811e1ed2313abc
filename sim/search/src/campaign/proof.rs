//! A failure that was seen on fresh instances, and its shortest schedule.
//!
//! What a runner has run before may hide in a reducer's memory, so nothing is believed of a failure
//! before fresh instances have shown it, the candidates of the shrinker among them. Each of them is
//! run no more often, and looked at no closer, than it takes to see that.

use std::cell::RefCell;

use super::{Effort, Runner, Sighting};
use crate::marking;
use crate::shrink::{self, Budget, Refused, Shrunk, Subject};
use sim_model::Signature;
use sim_record::marks::Marks;
use sim_record::scenario::Scenario;

/// A failure that was seen on fresh instances.
#[derive(Clone, PartialEq, Debug)]
pub struct Proof {
    /// As it was seen there.
    pub sighting: Sighting,
    /// How closely one had to look.
    effort: Effort,
    /// The scenario with the decisions of its liveness phase, where it failed in that.
    spelled_out: Option<Scenario>,
}

/// What a shrinker tells on its way.
pub enum Progress<'a> {
    /// A candidate is run.
    Attempt,
    /// The best scenario so far, after so many attempts.
    Improved(&'a Scenario, u32),
}

impl Runner<'_> {
    /// Runs a scenario on fresh instances, by `run`, and looks at it no closer than it takes to
    /// find the failure that `choose` takes. None if there is none.
    ///
    /// # Errors
    /// If an instance cannot be had.
    pub fn prove<T>(
        &mut self,
        mut run: impl FnMut(&mut Self) -> (Vec<Sighting>, T),
        scenario: &Scenario,
        choose: impl Fn(&[Sighting]) -> Option<Sighting>,
    ) -> Result<Option<(Proof, T)>, sim_host::StepError> {
        for effort in [Effort::Plain, Effort::Thorough] {
            self.set_effort(effort);
            self.renew()?;
            let (sightings, shown) = run(self);
            if let Some(sighting) = choose(&sightings) {
                let is_late = sighting.scenario.liveness;
                let proof = Proof {
                    effort,
                    spelled_out: is_late.then(|| scenario.with_liveness_of(&self.trace)),
                    sighting,
                };
                return Ok(Some((proof, shown)));
            }
        }
        Ok(None)
    }

    /// The shortest scenario that fails in the same way, by way of [`shrink::shrink`], and the
    /// other failures that were met on the way, each with the shortest run of it.
    ///
    /// # Errors
    /// If it does not fail, or fails without a decision.
    pub fn shrink(
        &mut self,
        scenario: &Scenario,
        signature: &Signature,
        budget: impl Into<Budget>,
        progress: impl FnMut(Progress<'_>),
    ) -> Result<(Shrunk, Vec<Sighting>), Refused> {
        let run = |runner: &mut Self| {
            let checked = runner.replay(scenario);
            (runner.sightings(scenario, &checked), ())
        };
        let same = |seen: &[Sighting]| {
            let mut seen = seen.iter();
            seen.find(|seen| seen.signature == *signature).cloned()
        };
        let proof = self.prove(run, scenario, same);
        let (proof, ()) = proof.ok().flatten().ok_or(Refused::DoesNotFail)?;
        self.shrink_proven(&proof, budget, progress)
    }

    /// The same of a failure that was seen already. The runner makes no more effort than it took.
    ///
    /// # Errors
    /// If it fails without a decision.
    pub fn shrink_proven(
        &mut self,
        proof: &Proof,
        budget: impl Into<Budget>,
        progress: impl FnMut(Progress<'_>),
    ) -> Result<(Shrunk, Vec<Sighting>), Refused> {
        self.set_effort(proof.effort);
        let subject = Subject {
            air: &self.world.air,
            model: self.model,
        };
        // Both closures tell.
        let progress = RefCell::new(progress);
        let mut others = Vec::new();
        let signature = &proof.sighting.signature;
        let as_it_is = &proof.sighting.scenario;
        let spelled_out = proof.spelled_out.as_ref();
        let whole = spelled_out.and_then(|whole| self.shows(whole, signature, &mut others));
        let whole = whole.unwrap_or_else(|| as_it_is.clone());
        let budget = budget.into();
        let mut shrink = |start: &Scenario, budget: Budget| {
            let oracle = |candidate: &Scenario| {
                progress.borrow_mut()(Progress::Attempt);
                self.shows(candidate, signature, &mut others)
            };
            let improved = |best: &Scenario, attempts| {
                progress.borrow_mut()(Progress::Improved(best, attempts));
            };
            shrink::shrink_proven(start.clone(), subject, budget, oracle, improved)
        };
        let mut shrunk = shrink(&whole, budget.clone())?;
        if shrunk.scenario.schedule.len() > as_it_is.schedule.len() {
            // Spelled out, the liveness phase takes more decisions: it stays a phase.
            let rest = budget.after(&shrunk);
            let before = shrunk;
            shrunk = shrink(as_it_is, rest)?;
            shrunk.add_spent(&before);
        }
        // The liveness phase may have needed more turns than are left.
        let turns = shrunk.scenario.schedule.len() as u32;
        shrunk.scenario.bounds.turns = as_it_is.bounds.turns.max(turns);
        Ok((shrunk, others))
    }

    /// The fields of a scenario that do not matter to a failure, which it shows: see
    /// [`marking::marks`]. `progress` is called before each candidate.
    pub fn marks(
        &mut self,
        proof: &Proof,
        scenario: &Scenario,
        budget: Budget,
        mut progress: impl FnMut(),
    ) -> Marks {
        self.set_effort(proof.effort);
        let subject = Subject {
            air: &self.world.air,
            model: self.model,
        };
        marking::marks(scenario, subject, budget, |candidate| {
            progress();
            self.fails_alike(candidate, &proof.sighting.signature)
        })
    }

    /// Whether a scenario shows a failure, to fresh instances too.
    fn fails_alike(&mut self, scenario: &Scenario, signature: &Signature) -> bool {
        let shows = |runner: &mut Self| {
            let checked = runner.replay(scenario);
            let mut seen = runner.sightings(scenario, &checked).into_iter();
            seen.any(|seen| seen.signature == *signature)
        };
        shows(self) && self.renew().is_ok() && shows(self)
    }

    /// Whether a scenario fails in some way: if so, with the decisions that were taken up to there.
    /// This is what shrinking asks. Other failures that it shows are noted.
    fn shows(
        &mut self,
        scenario: &Scenario,
        signature: &Signature,
        others: &mut Vec<Sighting>,
    ) -> Option<Scenario> {
        let checked = self.replay(scenario);
        let shown = self.sightings(scenario, &checked);
        let is_news = |seen: &Sighting| seen.signature == *signature || is_simpler(seen, others);
        if !shown.iter().any(is_news) {
            return None;
        }
        // Few candidates fail. Those that do are believed only if fresh instances say so too, or
        // what a reducer remembers of the runs before could pass for a shorter schedule.
        self.renew().ok()?;
        let checked = self.replay(scenario);
        let mut found = None;
        for seen in self.sightings(scenario, &checked) {
            if seen.signature == *signature {
                found = Some(seen.scenario);
            } else if is_simpler(&seen, others) {
                others.retain(|other| other.signature != seen.signature);
                others.push(seen);
            }
        }
        found
    }
}

/// Whether a failure is new, or a run is the shortest that shows it.
fn is_simpler(seen: &Sighting, known: &[Sighting]) -> bool {
    let mut known = known.iter();
    let known = known.find(|other| other.signature == seen.signature);
    known.is_none_or(|other| seen.scenario.schedule.len() < other.scenario.schedule.len())
}
