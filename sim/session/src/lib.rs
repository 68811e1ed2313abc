//! A finding on its way from the first sight to the file that is told: kept, confirmed, shrunk,
//! told apart from others, written. Whatever found it, campaign, explorer, fuzzer or a case, goes
//! this way.
//!
//! What was found is on disk before anything else is done with it. Nothing is judged here, and
//! nothing is printed: what there is to say goes to the readers of events.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use anyhow::Result;

use sim_cases::store::{self, Draft, WriteError};
use sim_cases::{CaseVerdict, Found, FoundBy, WorldHashes};
use sim_kernel::World;
use sim_model::Model;
use sim_model::{Signature, Violation};
use sim_record::scenario::Scenario;
use sim_report::event::{
    Case, Event, Failed, Nondeterminism, Readers, Shrunk as ToldShrunk, Unwritten, ViolatedBy,
    Violation as Told,
};
use sim_report::timeline::{Recorder, Timeline};
use sim_search::campaign::{self, Effort, Progress, Runner, Sighting, Summary};
use sim_search::shrink::{Budget, Refused, Shrunk};

/// A run that violated something, whatever found it.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    pub found_by: FoundBy,
    /// How many runs failed in the same way.
    pub runs: u64,
    pub sighting: Sighting,
}

impl From<&campaign::Failure> for Finding {
    fn from(failure: &campaign::Failure) -> Finding {
        Finding {
            found_by: FoundBy::seed(failure.seed.0, &failure.sighting.scenario),
            runs: failure.runs,
            sighting: failure.sighting.clone(),
        }
    }
}

impl Finding {
    /// The invariant that stands for all that it violates.
    fn first(&self) -> &str {
        let first = self.sighting.violations.first();
        first.map_or("unknown", Violation::name)
    }

    fn decisions(&self) -> usize {
        self.sighting.scenario.schedule.len()
    }

    /// Another run, found in the same way.
    fn shown_by(&self, sighting: Sighting) -> Finding {
        Finding {
            sighting,
            ..self.clone()
        }
    }

    /// What it is as a case, judged as it was seen.
    fn case(&self, world: &World) -> sim_cases::Case {
        let verdict = CaseVerdict::Violated(self.first().to_owned());
        let found = Found {
            // What a person said was about another schedule.
            about: None,
            found_by: self.found_by.clone(),
            world: WorldHashes::of(world),
            judged: Some((verdict, self.sighting.digest)),
        };
        sim_cases::Case::new(&world.air, &self.sighting.scenario, found)
    }
}

/// What a session is to do.
pub struct Settings<'a> {
    /// Where cases are written.
    pub folder: PathBuf,
    /// What may be spent to shrink one finding; None leaves it as it was found.
    pub budget: Option<Budget>,
    /// Failures that were met while others were shrunk are told as long as there are no more than
    /// so many in all.
    pub most_failures: usize,
    /// The command that replays a case file.
    pub replay: &'a dyn Fn(&Path) -> String,
    /// Told how shrinking goes.
    pub progress: &'a dyn Fn(Work),
}

/// How shrinking goes.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    Attempt { attempts: u64, decisions: usize },
    Done,
}

/// What was found so far in one world.
pub struct Session<'a> {
    world: &'a World,
    model: &'a dyn Model,
    settings: Settings<'a>,
    /// What is on disk of failures that are not told yet.
    drafts: Vec<(Signature, Draft)>,
    known: Vec<Known>,
}

/// A failure that was told.
struct Known {
    signature: Signature,
    runs: u64,
    decisions: usize,
    case: Case,
}

/// A finding as it is seen again on fresh instances.
struct Seen {
    sighting: Sighting,
    timeline: Timeline,
}

/// What came of shrinking.
pub struct Done {
    pub shrunk: Shrunk,
    pub sighting: Sighting,
    pub timeline: Timeline,
    /// Other failures that were met on the way.
    pub others: Vec<Sighting>,
}

/// A failure that was met when another was shrunk, and its case.
pub struct Other {
    pub signature: String,
    pub case: Case,
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Settled {
    pub violated: bool,
    /// Something was not seen again on fresh instances.
    pub differed: bool,
}

impl<'a> Session<'a> {
    pub fn new(world: &'a World, model: &'a dyn Model, settings: Settings<'a>) -> Session<'a> {
        Session {
            world,
            model,
            settings,
            drafts: Vec::new(),
            known: Vec::new(),
        }
    }

    /// Writes a finding down as it is, before anything else is done with it.
    ///
    /// # Errors
    /// If that cannot be done. Nothing is lost yet: it will be told with its case.
    pub fn keep(&mut self, finding: &Finding) -> Result<(), WriteError> {
        let case = finding.case(self.world);
        let draft = Draft::create(&self.settings.folder, finding.first(), &case)?;
        self.drafts
            .push((finding.sighting.signature.clone(), draft));
        Ok(())
    }

    /// Confirms, shrinks, writes and tells findings, and those that are met on the way.
    ///
    /// # Errors
    /// If an instance cannot be had, or a reader cannot write what it makes of it. A case that
    /// cannot be written is told whole instead.
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
                let is_known = |known: &Signature| *known == other.signature;
                let all = self.known.len() + findings.len();
                let is_news = !self.known.iter().any(|known| is_known(&known.signature))
                    && !findings.iter().any(|one| is_known(&one.sighting.signature));
                if is_news && all < self.settings.most_failures {
                    let other = Finding {
                        found_by: finding.found_by.clone(),
                        runs: 0,
                        sighting: other,
                    };
                    // If it cannot be kept it is told whole.
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
        let Some(seen) = self.confirm(finding)? else {
            self.tell_unrepeatable(finding, readers)?;
            return Ok((Vec::new(), false));
        };
        let is_known = |known: &Known| known.signature == seen.sighting.signature;
        if self.known.iter().any(is_known) {
            // On fresh instances it is one that was told already.
            self.discard_drafts(&finding.sighting.signature);
            return Ok((Vec::new(), true));
        }
        let confirmed = finding.shown_by(seen.sighting);
        let done = match self.settings.budget.clone() {
            None => None,
            Some(budget) => {
                let told = told_as_found(&confirmed, &found_by, &seen.timeline, None);
                readers.tell(&Event::Violation(told))?;
                // What cannot be shrunk stays as it was found.
                self.shrink(&confirmed, budget)?.ok()
            }
        };
        match done {
            None => {
                let case = self.write(&confirmed, &finding.sighting.signature);
                let told = told_as_found(&confirmed, &found_by, &seen.timeline, Some(&case));
                readers.tell(&Event::Violation(told))?;
                Ok((Vec::new(), true))
            }
            Some(done) => {
                let shrunk = confirmed.shown_by(done.sighting.clone());
                let case = self.write(&shrunk, &finding.sighting.signature);
                readers.tell(&Event::Shrunk(ToldShrunk {
                    found_by: &found_by,
                    seed: finding.found_by.seed,
                    faults: faults(&confirmed.sighting.scenario),
                    ..done.told(finding.runs, confirmed.decisions(), &case)
                }))?;
                Ok((done.others, true))
            }
        }
    }

    /// The finding as it is seen on fresh instances, which is what can be shrunk and replayed.
    /// Looked at no closer than it takes to see what it was reported for: the same failure, or else
    /// one that violates something of the same. None if there is none.
    fn confirm(&self, finding: &Finding) -> Result<Option<Seen>> {
        let reported = &finding.sighting;
        let is_reported = |seen: &Sighting| {
            let mut violates = seen.signature.violates.iter();
            violates.any(|one| reported.signature.violates.contains(one))
        };
        let mut runner = Runner::new(self.world, self.model)?;
        for effort in [Effort::Plain, Effort::Thorough] {
            runner.set_effort(effort);
            runner.renew()?;
            let scenario = &reported.scenario;
            let (sightings, mut timeline) = watched(&mut runner, self.world, scenario);
            let mut same = sightings.iter();
            let same = same.find(|seen| seen.signature == reported.signature);
            let seen = same.or_else(|| sightings.iter().find(|seen| is_reported(seen)));
            if let Some(seen) = seen {
                timeline.violations = seen.violations.iter().map(Into::into).collect();
                let sighting = seen.clone();
                return Ok(Some(Seen { sighting, timeline }));
            }
        }
        Ok(None)
    }

    /// A run that violated something after others and does not alone.
    fn tell_unrepeatable(&mut self, finding: &Finding, readers: &mut Readers<'_>) -> Result<()> {
        let found_by = finding.found_by.to_string();
        readers.tell(&Event::Nondeterminism(Nondeterminism {
            of: &found_by,
            what: NOT_A_FUNCTION.to_owned(),
        }))?;
        let mut runner = Runner::new(self.world, self.model)?;
        let scenario = &finding.sighting.scenario;
        let (_, mut timeline) = watched(&mut runner, self.world, scenario);
        timeline.violations = finding.sighting.violations.iter().map(Into::into).collect();
        let case = self.write(finding, &finding.sighting.signature);
        let told = told_as_found(finding, &found_by, &timeline, Some(&case));
        readers.tell(&Event::Violation(told))
    }

    /// Shrinks a finding that fails on fresh instances. Much shorter ones are written down on the
    /// way.
    ///
    /// # Errors
    /// If an instance cannot be had.
    pub fn shrink(&mut self, finding: &Finding, budget: Budget) -> Result<Result<Done, Refused>> {
        let (world, progress) = (self.world, self.settings.progress);
        let folder = self.settings.folder.clone();
        let folder = &folder;
        let mut runner = Runner::new(world, self.model)?;
        let mut keeper = Runner::new(world, self.model)?;
        let signature = &finding.sighting.signature;
        let mut draft = self.take_draft(signature);
        let (mut attempts, mut decisions) = (0, finding.decisions());
        let scenario = &finding.sighting.scenario;
        let shrunk = runner.shrink(scenario, signature, budget, |told| match told {
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
                if is_worth && let Some((sighting, _)) = again(&mut keeper, world, best, signature)
                {
                    let better = finding.shown_by(sighting).case(world);
                    // What was there stays, if this cannot be written.
                    match &mut draft {
                        Some(draft) => draft.improve(&better).unwrap_or_default(),
                        None => draft = Draft::create(folder, finding.first(), &better).ok(),
                    }
                }
            }
        });
        if let Some(draft) = draft {
            self.drafts.push((signature.clone(), draft));
        }
        progress(Work::Done);
        let (shrunk, others) = match shrunk {
            Err(refused) => return Ok(Err(refused)),
            Ok(shrunk) => shrunk,
        };
        let seen = again(&mut keeper, world, &shrunk.scenario, signature);
        let seen = seen.ok_or(Refused::DoesNotFail);
        Ok(seen.map(|(sighting, timeline)| Done {
            // Its schedule heals as the shrunk one does.
            sighting: Sighting {
                scenario: shrunk.scenario.clone(),
                ..sighting
            },
            shrunk,
            timeline,
            others,
        }))
    }

    /// What was shrunk of a finding, as a case.
    pub fn shrunk_case(&self, finding: &Finding, done: &Done) -> sim_cases::Case {
        finding.shown_by(done.sighting.clone()).case(self.world)
    }

    /// Writes what was shrunk of a finding.
    pub fn write_shrunk(&mut self, finding: &Finding, done: &Done) -> Case {
        let shrunk = finding.shown_by(done.sighting.clone());
        self.write(&shrunk, &finding.sighting.signature)
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
        self.discard_drafts(&finding.sighting.signature);
    }

    /// Writes the case that stays of a finding, whose draft is not needed then.
    pub fn write(&mut self, finding: &Finding, draft: &Signature) -> Case {
        let stored = finding.case(self.world);
        let written = store::write(&self.settings.folder, finding.first(), &stored);
        let case = match written {
            Ok(written) => {
                self.discard_drafts(draft);
                Case {
                    file: written.path.display().to_string(),
                    replay: (self.settings.replay)(&written.path),
                    was_known: written.was_known,
                    unwritten: None,
                }
            }
            Err(error) => unwritten(&self.settings, finding, &stored, &error),
        };
        self.known.push(Known {
            signature: finding.sighting.signature.clone(),
            runs: finding.runs,
            decisions: finding.decisions(),
            case: case.clone(),
        });
        case
    }

    fn take_draft(&mut self, signature: &Signature) -> Option<Draft> {
        let place = self.drafts.iter().position(|(of, _)| of == signature)?;
        Some(self.drafts.swap_remove(place).1)
    }

    fn discard_drafts(&mut self, signature: &Signature) {
        while let Some(draft) = self.take_draft(signature) {
            draft.discard();
        }
    }

    /// The failures that were told, in order.
    pub fn failures(&self) -> Vec<Failed> {
        let failures = self.known.iter().map(|known| Failed {
            signature: known.signature.to_string(),
            runs: known.runs,
            decisions: known.decisions,
            case: known.case.file.clone(),
        });
        failures.collect()
    }

    /// Each invariant that some run violated, with the shortest case that was told of it.
    pub fn violated(&self, summary: &Summary) -> Vec<ViolatedBy> {
        let by = summary.judged.iter().filter(|one| one.violated > 0);
        let told = by.map(|one| {
            let name = &one.property.name;
            let mut cases: Vec<&Known> = self.known.iter().collect();
            cases.retain(|known| known.signature.violates.contains(name));
            let shortest = cases.into_iter().min_by_key(|known| known.decisions);
            ViolatedBy {
                invariant: name.to_string(),
                runs: one.violated,
                decisions: shortest.map(|known| known.decisions),
                case: shortest.map(|known| known.case.file.clone()),
            }
        });
        told.collect()
    }
}

/// What is told where the same wasm gives another result for the same input.
pub const NOT_A_FUNCTION: &str = "it failed after other runs and does not alone: \
    a step is not a function of its input";

/// Replays a scenario and tells it: the failures that it shows, and the run in words.
pub fn watched(
    runner: &mut Runner<'_>,
    world: &World,
    scenario: &Scenario,
) -> (Vec<Sighting>, Timeline) {
    let mut recorder = Recorder::new(world, scenario);
    let checked = runner.watch(scenario, |trace, flight| recorder.observe(trace, flight));
    let timeline = recorder.finish(&runner.trace, &checked.violations);
    (runner.sightings(scenario, &checked), timeline)
}

/// A failure on fresh instances, looked at no closer than it takes to see it.
fn again(
    runner: &mut Runner<'_>,
    world: &World,
    scenario: &Scenario,
    signature: &Signature,
) -> Option<(Sighting, Timeline)> {
    for effort in [Effort::Plain, Effort::Thorough] {
        runner.set_effort(effort);
        runner.renew().ok()?;
        let (sightings, mut timeline) = watched(runner, world, scenario);
        let seen = sightings
            .into_iter()
            .find(|seen| seen.signature == *signature);
        if let Some(seen) = seen {
            timeline.violations = seen.violations.iter().map(Into::into).collect();
            return Some((seen, timeline));
        }
    }
    None
}

/// A case that could not be written is told whole, if it could be read back.
fn unwritten(
    settings: &Settings<'_>,
    finding: &Finding,
    case: &sim_cases::Case,
    error: &WriteError,
) -> Case {
    let name = format!("{}.json", finding.first());
    let path = settings.folder.join(name);
    Case {
        file: path.display().to_string(),
        replay: (settings.replay)(&path),
        was_known: false,
        unwritten: Some(Unwritten {
            because: causes(error),
            text: match error {
                WriteError::TooLarge { .. } => String::new(),
                _ => case.to_text(),
            },
        }),
    }
}

/// An error and its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

/// A failure as it was found: with its case, if that is all that will be told of it.
fn told_as_found<'t>(
    finding: &Finding,
    found_by: &'t str,
    timeline: &'t Timeline,
    case: Option<&'t Case>,
) -> Told<'t> {
    Told {
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
    /// What is told of it, if it was so many decisions before.
    pub fn told<'t>(&'t self, runs: u64, from: usize, case: &'t Case) -> ToldShrunk<'t> {
        let first = self.sighting.violations.first();
        ToldShrunk {
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
            case,
            timeline: &self.timeline,
        }
    }
}

/// The mix that a seed drew: what was on.
fn faults(scenario: &Scenario) -> Vec<(&'static str, u32)> {
    let on = scenario.faults.iter().flat_map(|faults| faults.on());
    on.map(|(knob, number)| (knob.name(), number)).collect()
}
