//! What a campaign or the fuzzer found: replayed, shrunk, written as cases and told.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::input::{Loaded, WorldArguments};
use super::shrink::{Done, Shrinking};
use super::{Exit, replay};
use crate::campaign::{self, Effort, Runner, Summary};
use crate::corpus::{self, CaseVerdict, Found, FoundBy, WorldHashes, store};
use crate::interrupt::Interrupt;
use crate::invariants::{ALL, Violation};
use crate::report::event::{
    Case, Event, Nondeterminism, Readers, Shrunk, ViolatedBy, Violation as Told,
};
use crate::report::timeline::Timeline;
use crate::scenario::{Decision, Scenario};
use crate::shrink::{self, Budget};
use crate::trace::Digest;
use crate::workload::Workload;

/// A run that violated something, whatever found it.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    pub found_by: FoundBy,
    /// The violations of the first bad turn.
    pub violations: Vec<Violation>,
    pub digest: Digest,
    /// The scenario with the decisions of the run.
    pub scenario: Scenario,
}

impl From<&campaign::Failure> for Finding {
    fn from(failure: &campaign::Failure) -> Finding {
        Finding {
            found_by: FoundBy::seed(failure.seed.0, &failure.scenario),
            violations: failure.violations.clone(),
            digest: failure.digest,
            scenario: failure.scenario.clone(),
        }
    }
}

/// Reports failures, one after the other.
pub struct Failures<'a> {
    pub loaded: &'a Loaded,
    pub workload: &'a dyn Workload,
    pub world: &'a WorldArguments,
    /// Where cases are written.
    pub folder: PathBuf,
    pub shrinks: bool,
    /// Once asked, failures are written as short as they are.
    pub interrupt: Interrupt,
    /// What was told of shrunk violations.
    pub told: Vec<Known>,
}

/// A shrunk violation that was told: another that shrinks to the same is the same one.
pub struct Known {
    /// An index into [`ALL`].
    invariant: usize,
    /// All that it violates in its last turn.
    violates: Vec<usize>,
    schedule: Vec<Decision>,
    found_by: String,
    case: Case,
}

impl<'a> Failures<'a> {
    /// # Errors
    /// If a case cannot be written, or a reader cannot write what it makes of it.
    pub fn report(&mut self, readers: &mut Readers<'_>, summary: &Summary) -> Result<Exit> {
        let mut exit = Exit::Holds;
        if !summary.failures.is_empty() {
            std::fs::create_dir_all(&self.folder)
                .with_context(|| format!("cannot make the folder {}", self.folder.display()))?;
        }
        for failure in &summary.failures {
            let told = self.report_one(readers, &Finding::from(failure))?;
            exit = exit.or(Exit::Violation).or(told);
        }
        Ok(exit)
    }

    /// Replays, shrinks, writes and tells one of them.
    ///
    /// # Errors
    /// As [`Failures::report`].
    pub fn report_one(&mut self, readers: &mut Readers<'_>, failure: &Finding) -> Result<Exit> {
        let mut exit = Exit::Violation;
        let found_by = failure.found_by.to_string();
        let (failure, timeline, is_same) = self.replay(failure)?;
        if !is_same {
            exit = Exit::Nondeterminism;
            readers.tell(&Event::Nondeterminism(Nondeterminism {
                of: &found_by,
                what: "its replay differs from its run".to_owned(),
            }))?;
        }
        if self.shrinks {
            self.tell_as_found(readers, &failure, &timeline, None)?;
        }
        match self.shrink(&failure)? {
            Some((shrinking, done)) => self.tell_shrunk(readers, &failure, &shrinking, &done)?,
            None => {
                let path = self.write_as_found(&failure)?;
                let case = self.case(&path);
                self.told.push(Known {
                    invariant: failure
                        .violations
                        .first()
                        .map_or(0, |first| first.invariant),
                    violates: failure.violations.iter().map(|it| it.invariant).collect(),
                    schedule: failure.scenario.schedule.clone(),
                    found_by: found_by.clone(),
                    case: self.case(&path),
                });
                self.tell_as_found(readers, &failure, &timeline, Some(&case))?;
            }
        }
        Ok(exit)
    }

    /// The failure as it is seen on fresh instances, which is what can be shrunk and replayed, and
    /// whether it is the same there. Looked at no closer than it takes to see what it was reported
    /// for, and what else a closer look finds does not take its place.
    fn replay(&self, failure: &Finding) -> Result<(Finding, Timeline, bool)> {
        let world = &self.loaded.world;
        let mut runner = Runner::new(world, self.workload)?;
        let was_reported = |found: &Violation| {
            let mut reported = failure.violations.iter();
            reported.any(|known| known.invariant == found.invariant)
        };
        let mut seen = None;
        for effort in [Effort::Plain, Effort::Thorough] {
            runner.set_effort(effort);
            runner.renew()?;
            let (mut replayed, timeline) = replay::watched(&mut runner, world, &failure.scenario);
            replayed.violations.retain(was_reported);
            let is_seen = !replayed.violations.is_empty();
            seen = Some((replayed, timeline));
            if is_seen {
                break;
            }
        }
        let (replayed, mut timeline) = seen.context("a failure is replayed at least once")?;
        let is_same = !replayed.violations.is_empty();
        let violations = match is_same {
            true => replayed.violations,
            false => failure.violations.clone(),
        };
        timeline.violations = violations.iter().map(Into::into).collect();
        let failure = Finding {
            violations,
            digest: replayed.digest,
            ..failure.clone()
        };
        Ok((failure, timeline, is_same))
    }

    /// Each invariant that some run violated, with the shortest case that was told of it.
    pub fn violated(&self, summary: &Summary) -> Vec<ViolatedBy> {
        let by = summary
            .judged_by
            .iter()
            .filter(|index| summary.violated[**index] > 0);
        let told = by.map(|&index| {
            let cases = self
                .told
                .iter()
                .filter(|known| known.violates.contains(&index));
            let shortest = cases.min_by_key(|known| known.schedule.len());
            ViolatedBy {
                invariant: ALL[index].name,
                runs: summary.violated[index],
                decisions: shortest.map(|known| known.schedule.len()),
                case: shortest.map(|known| known.case.file.clone()),
            }
        });
        told.collect()
    }

    /// Shrinks a failure; None if that is not wanted, or it does not fail on fresh instances.
    fn shrink(&self, failure: &Finding) -> Result<Option<(Shrinking<'a>, Done)>> {
        let Some(first) = failure.violations.first().filter(|_| self.shrinks) else {
            return Ok(None);
        };
        let name = format!("{}-{}.shrunk.json", first.name(), failure.found_by.stem());
        let shrinking = Shrinking {
            loaded: self.loaded,
            workload: self.workload,
            invariant: first.invariant,
            found_by: failure.found_by.clone(),
            budget: Budget {
                attempts: shrink::worthwhile_attempts(&failure.scenario),
                interrupt: self.interrupt.clone(),
            },
            kept: self.folder.join(name),
        };
        let done = shrinking.run(&failure.scenario)?;
        Ok(done.map(|done| (shrinking, done)))
    }

    /// Tells a failure as it was found: with its case, if that is all that will be told of it.
    fn tell_as_found(
        &self,
        readers: &mut Readers<'_>,
        failure: &Finding,
        timeline: &Timeline,
        case: Option<&Case>,
    ) -> Result<()> {
        readers.tell(&Event::Violation(Told {
            found_by: &failure.found_by.to_string(),
            seed: failure.found_by.seed,
            violations: &timeline.violations,
            decisions: failure.scenario.schedule.len(),
            digest: failure.digest,
            faults: faults(&failure.scenario),
            case,
            timeline,
        }))
    }

    /// A failure that shrinks to the same schedule as another is one failure.
    fn tell_shrunk(
        &mut self,
        readers: &mut Readers<'_>,
        failure: &Finding,
        shrinking: &Shrinking<'_>,
        done: &Done,
    ) -> Result<()> {
        let scenario = &done.shrunk.scenario;
        let (invariant, found_by) = (shrinking.invariant, failure.found_by.to_string());
        let is_same =
            |known: &Known| known.invariant == invariant && known.schedule == scenario.schedule;
        let known = self.told.iter().position(is_same);
        let place = match known {
            Some(place) => {
                shrinking.discard(done)?;
                place
            }
            None => {
                let path = shrinking.write(done, &self.folder)?;
                self.told.push(Known {
                    invariant,
                    violates: done.violates(),
                    schedule: scenario.schedule.clone(),
                    found_by: found_by.clone(),
                    case: self.case(&path),
                });
                self.told.len() - 1
            }
        };
        let other = &self.told[place];
        readers.tell(&Event::Shrunk(Shrunk {
            found_by: &found_by,
            seed: failure.found_by.seed,
            faults: faults(&failure.scenario),
            same_as: known.is_some().then_some(other.found_by.as_str()),
            case: &other.case,
            ..done.told(invariant, failure.scenario.schedule.len(), &other.case)
        }))
    }

    fn case(&self, path: &Path) -> Case {
        Case {
            file: path.display().to_string(),
            replay: replay::command(path, self.world),
        }
    }

    /// Writes a failing run as a case, named by the invariant.
    fn write_as_found(&self, failure: &Finding) -> Result<PathBuf> {
        let first = failure.violations.first();
        let name = first.map_or("unknown", |violation| ALL[violation.invariant].name);
        let world = &self.loaded.world;
        let case = corpus::Case::new(
            &world.air,
            &failure.scenario,
            Found {
                about: None,
                found_by: failure.found_by.clone(),
                world: WorldHashes::of(world),
                judged: Some((CaseVerdict::Violated(name.to_owned()), failure.digest)),
            },
        );
        store::write(&self.folder, name, &case).with_context(|| {
            format!(
                "cannot write the case of {} in {}",
                failure.found_by,
                self.folder.display()
            )
        })
    }
}

/// The mix that a seed drew: what was on.
fn faults(scenario: &Scenario) -> Vec<(&'static str, u32)> {
    let on = scenario.faults.iter().flat_map(|faults| faults.on());
    on.map(|(knob, number)| (knob.name(), number)).collect()
}
