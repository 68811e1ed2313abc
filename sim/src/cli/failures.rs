//! What a campaign or the fuzzer found: replayed, shrunk, written as cases and told.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::input::{Loaded, WorldArguments};
use super::shrink::{Done, Shrinking};
use super::{Exit, replay};
use crate::campaign::{Effort, Runner, Summary};
use crate::corpus::{Case, CaseVerdict, Found, FoundBy, WorldHashes, store};
use crate::invariants::ALL;
use crate::report::{self, Finding};
use crate::scenario::Decision;
use crate::shrink::DEFAULT_ATTEMPTS;
use crate::trace::Trace;
use crate::workload::Workload;

/// Reports failures, one after the other.
pub struct Failures<'a> {
    pub loaded: &'a Loaded,
    pub workload: &'a dyn Workload,
    pub world: &'a WorldArguments,
    /// Where cases are written.
    pub folder: PathBuf,
    pub shrinks: bool,
    /// The invariants and the shrunk schedules that were told, and what found them.
    pub told: Vec<(usize, Vec<Decision>, FoundBy)>,
}

impl<'a> Failures<'a> {
    pub fn report(&mut self, out: &mut impl Write, summary: &Summary) -> Result<Exit> {
        let mut exit = Exit::Holds;
        if !summary.failures.is_empty() {
            std::fs::create_dir_all(&self.folder)
                .with_context(|| format!("cannot make the folder {}", self.folder.display()))?;
        }
        for failure in &summary.failures {
            let told = self.report_one(out, &Finding::from(failure))?;
            exit = exit.or(Exit::Violation).or(told);
        }
        if summary.cut_short {
            writeln!(
                out,
                "\nstopped: as many seeds have failed as were asked for ({})",
                summary.failures.len()
            )?;
        }
        Ok(exit)
    }

    /// Replays, shrinks, writes and tells one of them.
    pub fn report_one(&mut self, out: &mut impl Write, failure: &Finding) -> Result<Exit> {
        let mut exit = Exit::Violation;
        let found_by = &failure.found_by;
        let (failure, trace, is_same) = self.replay(failure)?;
        if !is_same {
            exit = Exit::Nondeterminism;
            writeln!(out, "\n{found_by}: its replay differs from its run")?;
        }
        match self.shrink(&failure)? {
            None => self.tell_as_found(out, &failure, &trace)?,
            Some((shrinking, done)) => self.tell_shrunk(out, &failure, &shrinking, &done)?,
        }
        Ok(exit)
    }

    /// The failure as it is seen on fresh instances, which is what can be shrunk and replayed, and
    /// whether it is the same there.
    fn replay(&self, failure: &Finding) -> Result<(Finding, Trace, bool)> {
        let mut runner = Runner::new(&self.loaded.world, self.workload)?;
        let again = runner.replay(&failure.scenario).digest;
        runner.set_effort(Effort::Thorough);
        runner.renew()?;
        let replayed = runner.replay(&failure.scenario);
        // What only a closer look finds ends a run earlier than another replay of it.
        let first = failure.violations.first().map(|found| found.invariant);
        let mut seen = replayed.violations.iter().map(|found| found.invariant);
        let is_same = again == failure.digest || seen.any(|found| Some(found) == first);
        let violations = match replayed.violations.is_empty() {
            true => failure.violations.clone(),
            false => replayed.violations,
        };
        let failure = Finding {
            violations,
            digest: replayed.digest,
            ..failure.clone()
        };
        Ok((failure, runner.trace, is_same))
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
            attempts: DEFAULT_ATTEMPTS,
            kept: self.folder.join(name),
        };
        let done = shrinking.run(&failure.scenario)?;
        Ok(done.map(|done| (shrinking, done)))
    }

    fn tell_as_found(&self, out: &mut impl Write, failure: &Finding, trace: &Trace) -> Result<()> {
        let path = self.write_as_found(failure)?;
        let replay = replay::command(&path, self.world);
        let text = report::finding(&self.loaded.world, failure, trace, &path, &replay);
        write!(out, "\n{text}")?;
        Ok(())
    }

    /// A failure that shrinks to the same schedule as another is one failure.
    fn tell_shrunk(
        &mut self,
        out: &mut impl Write,
        failure: &Finding,
        shrinking: &Shrinking<'_>,
        done: &Done,
    ) -> Result<()> {
        let schedule = &done.shrunk.scenario.schedule;
        let same = self
            .told
            .iter()
            .find(|(invariant, known, _)| *invariant == shrinking.invariant && known == schedule);
        if let Some((invariant, _, other)) = same {
            let name = ALL[*invariant].name;
            let told = format!("{name}, shrunk the same as {other}");
            writeln!(out, "\nviolation: {}\n  {told}", failure.found_by)?;
            return shrinking.discard(done);
        }
        let path = shrinking.write(done, &self.folder)?;
        let replay = replay::command(&path, self.world);
        let shrunk = Finding {
            scenario: done.shrunk.scenario.clone(),
            violations: done.checked.violations.clone(),
            ..failure.clone()
        };
        let text = report::finding(&self.loaded.world, &shrunk, &done.trace, &path, &replay);
        write!(out, "\n{text}")?;
        writeln!(out, "{}", done.told(failure.scenario.schedule.len()))?;
        let found_by = failure.found_by.clone();
        self.told
            .push((shrinking.invariant, schedule.clone(), found_by));
        Ok(())
    }

    /// Writes a failing run as a case, named by the invariant.
    fn write_as_found(&self, failure: &Finding) -> Result<PathBuf> {
        let first = failure.violations.first();
        let name = first.map_or("unknown", |violation| violation.name());
        let world = &self.loaded.world;
        let case = Case::new(
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
