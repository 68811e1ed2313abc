//! What a campaign found: replayed, shrunk, written as cases and told.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::input::{Loaded, WorldArguments};
use super::shrink::{Done, Shrinking};
use super::{Exit, replay};
use crate::campaign::{Effort, Failure, Runner, Summary};
use crate::corpus::{Case, CaseVerdict, Found, FoundBy, WorldHashes, store};
use crate::invariants::ALL;
use crate::random::Seed;
use crate::report;
use crate::scenario::Decision;
use crate::shrink::DEFAULT_ATTEMPTS;
use crate::trace::Trace;
use crate::workload::Workload;

/// Reports the failures of a campaign, one after the other.
pub(super) struct Failures<'a> {
    pub loaded: &'a Loaded,
    pub workload: &'a dyn Workload,
    pub world: &'a WorldArguments,
    /// Where cases are written.
    pub folder: PathBuf,
    pub shrinks: bool,
    /// The invariants and the shrunk schedules that were told, and the seeds that they were of.
    pub told: Vec<(usize, Vec<Decision>, Seed)>,
}

impl<'a> Failures<'a> {
    pub fn report(&mut self, out: &mut impl Write, summary: &Summary) -> Result<Exit> {
        let mut exit = Exit::Holds;
        if !summary.failures.is_empty() {
            std::fs::create_dir_all(&self.folder)
                .with_context(|| format!("cannot make the folder {}", self.folder.display()))?;
        }
        for failure in &summary.failures {
            exit = exit.or(Exit::Violation).or(self.report_one(out, failure)?);
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

    fn report_one(&mut self, out: &mut impl Write, failure: &Failure) -> Result<Exit> {
        let mut exit = Exit::Violation;
        let seed = failure.seed;
        let (failure, trace, is_same) = self.replay(failure)?;
        if !is_same {
            exit = Exit::Nondeterminism;
            writeln!(out, "\nseed {seed}: its replay differs from its run")?;
        }
        match self.shrink(&failure)? {
            None => self.tell_as_found(out, &failure, &trace)?,
            Some((shrinking, done)) => self.tell_shrunk(out, &failure, &shrinking, &done)?,
        }
        Ok(exit)
    }

    /// The failure as it is seen on fresh instances, which is what can be shrunk and replayed, and
    /// whether it is the same there.
    fn replay(&self, failure: &Failure) -> Result<(Failure, Trace, bool)> {
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
        let failure = Failure {
            violations,
            digest: replayed.digest,
            ..failure.clone()
        };
        Ok((failure, runner.trace, is_same))
    }

    /// Shrinks a failure; None if that is not wanted, or it does not fail on fresh instances.
    fn shrink(&self, failure: &Failure) -> Result<Option<(Shrinking<'a>, Done)>> {
        let Some(first) = failure.violations.first().filter(|_| self.shrinks) else {
            return Ok(None);
        };
        let name = format!("{}-seed-{}.shrunk.json", first.name(), failure.seed);
        let shrinking = Shrinking {
            loaded: self.loaded,
            workload: self.workload,
            invariant: first.invariant,
            found_by: FoundBy::seed(failure.seed.0, &failure.scenario),
            attempts: DEFAULT_ATTEMPTS,
            kept: self.folder.join(name),
        };
        let done = shrinking.run(&failure.scenario)?;
        Ok(done.map(|done| (shrinking, done)))
    }

    fn tell_as_found(&self, out: &mut impl Write, failure: &Failure, trace: &Trace) -> Result<()> {
        let path = self.write_as_found(failure)?;
        let replay = replay::command(&path, self.world);
        let text = report::failure(&self.loaded.world, failure, trace, &path, &replay);
        write!(out, "\n{text}")?;
        Ok(())
    }

    /// A failure that shrinks to the same schedule as another is one failure.
    fn tell_shrunk(
        &mut self,
        out: &mut impl Write,
        failure: &Failure,
        shrinking: &Shrinking<'_>,
        done: &Done,
    ) -> Result<()> {
        let seed = failure.seed;
        let schedule = &done.shrunk.scenario.schedule;
        let same = self
            .told
            .iter()
            .find(|(invariant, known, _)| *invariant == shrinking.invariant && known == schedule);
        if let Some((invariant, _, other)) = same {
            let name = ALL[*invariant].name;
            let told = format!("{name}, shrunk the same as seed {other}");
            writeln!(out, "\nviolation: seed {seed}\n  {told}")?;
            return shrinking.discard(done);
        }
        let path = shrinking.write(done, &self.folder)?;
        let replay = replay::command(&path, self.world);
        let shrunk = Failure {
            scenario: done.shrunk.scenario.clone(),
            violations: done.checked.violations.clone(),
            ..failure.clone()
        };
        let text = report::failure(&self.loaded.world, &shrunk, &done.trace, &path, &replay);
        write!(out, "\n{text}")?;
        writeln!(out, "{}", done.told(failure.scenario.schedule.len()))?;
        self.told
            .push((shrinking.invariant, schedule.clone(), seed));
        Ok(())
    }

    /// Writes a failing seed as a case, named by the invariant.
    fn write_as_found(&self, failure: &Failure) -> Result<PathBuf> {
        let first = failure.violations.first();
        let name = first.map_or("unknown", |violation| violation.name());
        let world = &self.loaded.world;
        let case = Case::new(
            &world.air,
            &failure.scenario,
            Found {
                about: None,
                found_by: FoundBy::seed(failure.seed.0, &failure.scenario),
                world: WorldHashes::of(world),
                verdict: CaseVerdict::Violated(name.to_owned()),
                digest: &failure.digest,
            },
        );
        store::write(&self.folder, name, &case).with_context(|| {
            format!(
                "cannot write the case of seed {} in {}",
                failure.seed,
                self.folder.display()
            )
        })
    }
}
