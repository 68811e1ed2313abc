//! A finding on its way from the first sight to its case file: kept, confirmed, shrunk, compared
//! with others, written. Whatever found it, campaign, explorer, fuzzer or a case, goes
//! this way.
//!
//! What was found is on disk before anything else is done with it. Nothing is judged here, and
//! nothing is printed: what there is to say goes to the readers of events.

#![warn(missing_docs)]

mod finding;
mod stored;
mod told;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use anyhow::Result;

use sim_cases::store::{self, Draft, WriteError};
use sim_host::StepError;
use sim_kernel::World;
use sim_model::Model;
use sim_model::Signature;
use sim_record::marks::Marks;
use sim_record::scenario::Scenario;
use sim_report::event::{
    Case, Event, Failed, Nondeterminism, Readers, Shrunk as ToldShrunk, ViolatedBy,
};
use sim_report::timeline::{Recorder, Timeline};
use sim_search::campaign::{Checked, Progress, Proof, Runner, Sighting, Summary};
use sim_search::shrink::{Budget, Refused, Shrunk};

pub use finding::Finding;
use stored::Stored;

/// What a session is to do.
pub struct Settings<'a> {
    /// Where cases are written.
    pub folder: PathBuf,
    /// What may be spent to shrink one finding; None leaves it as it was found.
    pub budget: Option<Budget>,
    /// Failures that were met while others were shrunk are reported as long as there are no more
    /// than so many in all.
    pub most_failures: usize,
    /// The command that replays a case file.
    pub replay: &'a dyn Fn(&Path) -> String,
    /// Gets how shrinking goes.
    pub progress: &'a dyn Fn(Work),
}

/// How shrinking goes.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// A candidate is run.
    Attempt {
        /// How many were, with this one.
        attempts: u64,
        /// How long the shortest scenario so far is.
        decisions: usize,
    },
    /// No more candidates are run.
    Done,
}

/// What was found so far in one world.
pub struct Session<'a> {
    world: &'a World,
    model: &'a dyn Model,
    /// Sees failures again, and shrinks them.
    runner: Runner<'a>,
    stored: Stored<'a>,
    budget: Option<Budget>,
    most_failures: usize,
    progress: &'a dyn Fn(Work),
}

/// A failure that fresh instances have shown.
pub struct Confirmed {
    proof: Proof,
    timeline: Timeline,
}

/// What came of shrinking.
pub struct Done {
    /// The shortest scenario, and what it took.
    pub shrunk: Shrunk,
    /// How it fails, and the scenario.
    pub sighting: Sighting,
    /// The fields of its values that do not matter to the failure.
    pub marks: Marks,
    /// Its run in words.
    pub timeline: Timeline,
    /// Other failures that were met on the way.
    pub others: Vec<Sighting>,
}

/// A failure that was met when another was shrunk, and its case.
pub struct Other {
    /// What tells it apart from others.
    pub signature: String,
    /// Where it is.
    pub case: Case,
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Settled {
    /// There was a failure.
    pub violated: bool,
    /// Something was not seen again on fresh instances.
    pub differed: bool,
}

impl<'a> Session<'a> {
    /// # Errors
    /// If an instance cannot be had.
    pub fn new(
        world: &'a World,
        model: &'a dyn Model,
        settings: Settings<'a>,
    ) -> Result<Session<'a>, StepError> {
        Ok(Session {
            world,
            model,
            runner: Runner::new(world, model)?,
            stored: Stored::new(settings.folder, settings.replay),
            budget: settings.budget,
            most_failures: settings.most_failures,
            progress: settings.progress,
        })
    }

    /// Writes a finding down as it is, before anything else is done with it.
    ///
    /// # Errors
    /// If that cannot be done. Nothing is lost yet: its case will be reported whole.
    pub fn keep(&mut self, finding: &Finding) -> Result<(), WriteError> {
        self.stored.keep(finding, &finding.case(self.world))
    }

    /// Confirms, shrinks, writes and reports findings, and those that are met on the way.
    ///
    /// # Errors
    /// If an instance cannot be had, or a reader cannot write what it makes of it. A case that
    /// cannot be written is reported whole instead.
    pub fn settle(
        &mut self,
        findings: impl IntoIterator<Item = Finding>,
        readers: &mut Readers<'_>,
    ) -> Result<Settled> {
        let mut settled = Settled::default();
        let mut findings: VecDeque<Finding> = findings.into_iter().collect();
        while let Some(finding) = findings.pop_front() {
            settled.violated = true;
            let (others, is_same) = self.settle_one(&finding, readers)?;
            settled.differed |= !is_same;
            for other in others {
                let mut waiting = findings.iter();
                let is_news = !self.stored.is_known(&other.signature)
                    && !waiting.any(|one| one.sighting.signature == other.signature);
                if is_news && self.stored.count() + findings.len() < self.most_failures {
                    let other = Finding {
                        found_by: finding.found_by.clone(),
                        runs: 0,
                        sighting: other,
                        marks: Marks::default(),
                    };
                    // If it cannot be kept it is reported whole.
                    drop(self.keep(&other));
                    findings.push_back(other);
                }
            }
        }
        Ok(settled)
    }

    /// The other failures that were met, and whether the finding was seen again.
    fn settle_one(
        &mut self,
        finding: &Finding,
        readers: &mut Readers<'_>,
    ) -> Result<(Vec<Sighting>, bool)> {
        let found_by = finding.found_by.to_string();
        let draft = &finding.sighting.signature;
        let Some(seen) = self.confirm(finding)? else {
            self.report_unrepeatable(finding, readers)?;
            return Ok((Vec::new(), false));
        };
        if self.stored.is_known(&seen.proof.sighting.signature) {
            // On fresh instances it is one that was reported already.
            self.stored.discard(draft);
            return Ok((Vec::new(), true));
        }
        let confirmed = finding.shown_by(seen.proof.sighting.clone());
        let done = match self.budget.clone() {
            None => None,
            Some(budget) => {
                let told = told::as_found(&confirmed, &found_by, &seen.timeline, None);
                readers.tell(&Event::Violation(told))?;
                // What cannot be shrunk stays as it was found.
                self.shrink(&confirmed, &seen, budget)?.ok()
            }
        };
        match done {
            None => {
                let case = self.write(&confirmed, draft);
                let told = told::as_found(&confirmed, &found_by, &seen.timeline, Some(&case));
                readers.tell(&Event::Violation(told))?;
                Ok((Vec::new(), true))
            }
            Some(done) => {
                let case = self.write(&confirmed.shrunk(&done), draft);
                readers.tell(&Event::Shrunk(ToldShrunk {
                    found_by: &found_by,
                    seed: finding.found_by.seed,
                    faults: told::faults(&confirmed.sighting.scenario),
                    ..done.told(finding.runs, confirmed.decisions(), &case)
                }))?;
                Ok((done.others, true))
            }
        }
    }

    /// The finding as it is seen on fresh instances, which is what can be shrunk and replayed:
    /// the same failure, or else one that violates something of the same. None if there is none.
    ///
    /// # Errors
    /// If an instance cannot be had.
    pub fn confirm(&mut self, finding: &Finding) -> Result<Option<Confirmed>> {
        let reported = &finding.sighting.signature;
        let choose = |seen: &[Sighting]| {
            let same = seen.iter().find(|seen| seen.signature == *reported);
            let is_alike = |seen: &&Sighting| {
                let mut violates = seen.signature.violates.iter();
                violates.any(|one| reported.violates.contains(one))
            };
            same.or_else(|| seen.iter().find(is_alike)).cloned()
        };
        let told = (&finding.sighting.scenario, &finding.marks);
        Ok(seen(&mut self.runner, self.world, told, choose)?)
    }

    /// A run that violated something after others and does not alone.
    fn report_unrepeatable(&mut self, finding: &Finding, readers: &mut Readers<'_>) -> Result<()> {
        let found_by = finding.found_by.to_string();
        readers.tell(&Event::Nondeterminism(Nondeterminism {
            of: &found_by,
            what: NOT_A_FUNCTION.to_owned(),
        }))?;
        let scenario = &finding.sighting.scenario;
        self.runner.renew()?;
        let marks = Marks::default();
        let (_, mut timeline) = watched(&mut self.runner, self.world, scenario, &marks, |_| {});
        timeline.violations = finding.sighting.violations.iter().map(Into::into).collect();
        let case = self.write(finding, &finding.sighting.signature);
        let told = told::as_found(finding, &found_by, &timeline, Some(&case));
        readers.tell(&Event::Violation(told))
    }

    /// Shrinks a finding that was confirmed. Much shorter ones are written down on the way.
    ///
    /// # Errors
    /// If an instance cannot be had.
    pub fn shrink(
        &mut self,
        finding: &Finding,
        confirmed: &Confirmed,
        budget: Budget,
    ) -> Result<Result<Done, Refused>> {
        let (world, progress) = (self.world, self.progress);
        let folder = self.stored.folder.clone();
        let mut keeper = Runner::new(world, self.model)?;
        let signature = &confirmed.proof.sighting.signature;
        let mut draft = self.stored.take_draft(&finding.sighting.signature);
        let (mut attempts, mut decisions) = (0, finding.decisions());
        let (unmarked, rest) = (Marks::default(), budget.clone());
        let (runner, proof) = (&mut self.runner, &confirmed.proof);
        let shrunk = runner.shrink_proven(proof, budget, |told| match told {
            Progress::Attempt => {
                attempts += 1;
                progress(Work::Attempt {
                    attempts,
                    decisions,
                });
            }
            Progress::Improved(best, _) => {
                decisions = best.schedule.len();
                let is_worth = match &draft {
                    Some(draft) => draft.is_worth(decisions),
                    None => store::is_worth(decisions, finding.decisions()),
                };
                if is_worth
                    && let Some(again) = same(&mut keeper, world, (best, &unmarked), signature)
                {
                    let better = finding.shown_by(again.proof.sighting).case(world);
                    // What was there stays, if this cannot be written.
                    match &mut draft {
                        Some(draft) => draft.improve(&better).unwrap_or_default(),
                        None => draft = Draft::create(&folder, finding.first(), &better).ok(),
                    }
                }
            }
        });
        if let Some(draft) = draft {
            let signature = finding.sighting.signature.clone();
            self.stored.put_draft(signature, draft);
        }
        progress(Work::Done);
        let (shrunk, others) = match shrunk {
            Err(refused) => return Ok(Err(refused)),
            Ok(shrunk) => shrunk,
        };
        let rest = rest.after(&shrunk);
        let marks = self.marks(confirmed, &shrunk.scenario, rest);
        let again = same(&mut keeper, world, (&shrunk.scenario, &marks), signature);
        let again = again.ok_or(Refused::DoesNotFail);
        Ok(again.map(|again| Done {
            // Its liveness phase is that of the shrunk one.
            sighting: Sighting {
                scenario: shrunk.scenario.clone(),
                ..again.proof.sighting
            },
            shrunk,
            marks,
            timeline: again.timeline,
            others,
        }))
    }

    /// The fields that do not matter to a failure in a scenario that shows it.
    pub fn marks(&mut self, confirmed: &Confirmed, scenario: &Scenario, budget: Budget) -> Marks {
        let (proof, progress) = (&confirmed.proof, self.progress);
        let decisions = scenario.schedule.len();
        let mut attempts = 0;
        let marks = self.runner.marks(proof, scenario, budget, || {
            attempts += 1;
            progress(Work::Attempt {
                attempts,
                decisions,
            });
        });
        progress(Work::Done);
        marks
    }

    /// What was shrunk of a finding, as a case.
    pub fn shrunk_case(&self, finding: &Finding, done: &Done) -> sim_cases::Case {
        finding.shrunk(done).case(self.world)
    }

    /// Writes what was shrunk of a finding.
    pub fn write_shrunk(&mut self, finding: &Finding, done: &Done) -> Case {
        self.write(&finding.shrunk(done), &finding.sighting.signature)
    }

    /// Writes the other failures that were met when a finding was shrunk, as they are.
    pub fn write_others(&mut self, finding: &Finding, done: &Done) -> Vec<Other> {
        let others = done.others.iter().map(|other| {
            let signature = &other.signature;
            Other {
                signature: signature.to_string(),
                case: self.write(&finding.shown_by(other.clone()), signature),
            }
        });
        others.collect()
    }

    /// The drafts of a finding are not needed any more.
    pub fn discard(&mut self, finding: &Finding) {
        self.stored.discard(&finding.sighting.signature);
    }

    /// Writes the case that stays of a finding; its draft is not needed then.
    pub fn write(&mut self, finding: &Finding, draft: &Signature) -> Case {
        self.stored.write(finding, &finding.case(self.world), draft)
    }

    /// The failures that have their cases, in order.
    pub fn failures(&self) -> Vec<Failed> {
        self.stored.failures()
    }

    /// Each property that some run violated, with its shortest case.
    pub fn violated(&self, summary: &Summary) -> Vec<ViolatedBy> {
        self.stored.violated(summary)
    }
}

/// What is said where the same wasm gives another result for the same input.
pub const NOT_A_FUNCTION: &str = "it failed after other runs and does not alone: \
    a step is not a function of its input";

/// Replays a scenario and tells it: how it went, and the run in words, with its fields marked.
/// `progress` is called after each turn, with how many there were.
pub fn watched(
    runner: &mut Runner<'_>,
    world: &World,
    scenario: &Scenario,
    marks: &Marks,
    mut progress: impl FnMut(usize),
) -> (Checked, Timeline) {
    let mut recorder = Recorder::new(world, scenario).with_marks(marks);
    let checked = runner.watch(scenario, |trace, flight| {
        recorder.observe(trace, flight);
        progress(trace.turns.len());
    });
    let timeline = recorder.finish(&runner.trace, &checked.violations);
    (checked, timeline)
}

/// A failure of a scenario on fresh instances, and the run in words.
fn seen(
    runner: &mut Runner<'_>,
    world: &World,
    (scenario, marks): (&Scenario, &Marks),
    choose: impl Fn(&[Sighting]) -> Option<Sighting>,
) -> Result<Option<Confirmed>, StepError> {
    let run = |runner: &mut Runner<'_>| {
        let (checked, timeline) = watched(runner, world, scenario, marks, |_| {});
        (runner.sightings(scenario, &checked), timeline)
    };
    let proven = runner.prove(run, scenario, choose)?;
    Ok(proven.map(|(proof, mut timeline)| {
        timeline.violations = proof.sighting.violations.iter().map(Into::into).collect();
        Confirmed { proof, timeline }
    }))
}

/// The same failure again.
fn same(
    runner: &mut Runner<'_>,
    world: &World,
    told: (&Scenario, &Marks),
    signature: &Signature,
) -> Option<Confirmed> {
    let choose = |seen: &[Sighting]| {
        let mut seen = seen.iter();
        seen.find(|seen| seen.signature == *signature).cloned()
    };
    seen(runner, world, told, choose).ok().flatten()
}
