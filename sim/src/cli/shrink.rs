//! `sim shrink`: a case made as short as it gets.

use std::cell::Cell;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::errors::Hinted;
use super::input::{Loaded, WorldArguments};
use super::terminal::{self, Progress};
use super::{Exit, replay};
use crate::campaign::{self, Checked, Effort, Runner};
use crate::corpus::{self, CaseVerdict, Found, FoundBy, WorldHashes, store};
use crate::invariants::ALL;
use crate::report::event::{Case, Shrunk as Told};
use crate::report::human;
use crate::report::text::Text;
use crate::report::timeline::Timeline;
use crate::report::turns::turns;
use crate::scenario::Scenario;
use crate::shrink::{self, Budget, Refused, Shrunk};
use crate::workload::{self, Workload};

/// Shrink a failing case to the shortest schedule that violates the same invariant
#[derive(Args)]
#[command(after_help = "\
Each improvement is written at once, so that nothing is lost when it is interrupted: to --out, or
else to a file `*.shrunk.json` beside CASE, which is named by its content at the end.

Example: sim shrink corpus/attempts_bounded-5b77a76b70a7.json")]
pub(super) struct Shrink {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    #[command(flatten)]
    world: WorldArguments,
    /// The most candidates that are run
    #[arg(long, value_name = "N", default_value_t = shrink::DEFAULT_ATTEMPTS,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(shrink::MOST_ATTEMPTS)))]
    attempts: u32,
    /// Where the shrunk case is written [default: beside CASE, named by invariant and content]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Shrink {
    pub fn execute(self) -> Result<Exit> {
        let loaded = self.world.load()?;
        let name = || self.case.display().to_string();
        let case = store::read(&self.case).with_context(name)?;
        let scenario = case.bind(&loaded.world.air).with_context(name)?;
        let workload = workload::of(&loaded.world);
        let mut runner = Runner::new(&loaded.world, &*workload)?;
        runner.set_effort(Effort::Thorough);
        let checked = runner.replay(&scenario);
        let Some(first) = checked.violations.first() else {
            let what = "it does not fail on this world: nothing to shrink";
            return Err(Hinted::new(what, self.hint(&case)).context(name()));
        };
        let kept = self.kept();
        let shrinking = Shrinking {
            loaded: &loaded,
            workload: &*workload,
            invariant: first.invariant,
            found_by: case.found_by.clone(),
            budget: Budget {
                attempts: self.attempts,
                interrupt: terminal::interrupt(),
            },
            kept: kept.clone(),
        };
        let Some(done) = shrinking.run(&scenario).with_context(name)? else {
            let told = "not deterministic: it failed once, and does not on fresh instances";
            writeln!(terminal::out(), "{told}")?;
            return Ok(Exit::Nondeterminism);
        };
        let path = match self.out {
            Some(_) => shrinking.overwrite(&done)?,
            None => shrinking.write(&done, store::folder_of(&kept))?,
        };
        let found = (shrinking.invariant, &done);
        self.show(&loaded, case.decision_count(), found, &path)?;
        Ok(Exit::Violation)
    }

    /// What to do about a case that does not fail.
    fn hint(&self, case: &corpus::Case) -> String {
        match &case.verdict {
            None => "it is an input of the fuzzer: shrink one that fails".to_owned(),
            Some(CaseVerdict::Holds) => {
                "it held when it was written, too: shrink one that fails".to_owned()
            }
            Some(CaseVerdict::Violated(name)) => format!(
                "it violated {name} on another reducer: give that one with `--wasm FILE`, \
                or replay it to see what changed"
            ),
        }
    }

    /// Where improvements are written as they come.
    fn kept(&self) -> PathBuf {
        match &self.out {
            Some(out) => out.clone(),
            None => self.case.with_extension("shrunk.json"),
        }
    }

    fn show(
        &self,
        loaded: &Loaded,
        from: usize,
        (invariant, done): (usize, &Done),
        path: &Path,
    ) -> Result<()> {
        let written = Case {
            file: path.display().to_string(),
            replay: replay::command(path, &self.world),
        };
        let mut text = Text::default();
        loaded.notes.iter().for_each(|note| text.line(note));
        text.append(turns(&done.timeline, 0, terminal::width()));
        text.append(human::violations(&done.timeline.violations));
        human::shrunk_line(&mut text, &done.told(invariant, from, &written));
        human::case_lines(&mut text, &written);
        write!(terminal::out(), "{text}")?;
        Ok(())
    }
}

/// A violation that is being shrunk, and the file to which each improvement is written.
pub(super) struct Shrinking<'a> {
    pub loaded: &'a Loaded,
    pub workload: &'a dyn Workload,
    /// An index into [`ALL`].
    pub invariant: usize,
    pub found_by: FoundBy,
    pub budget: Budget,
    pub kept: PathBuf,
}

/// What came of it.
pub(super) struct Done {
    pub shrunk: Shrunk,
    pub checked: Checked,
    pub timeline: Timeline,
}

impl Done {
    /// All that it violates: indices into [`ALL`].
    pub fn violates(&self) -> Vec<usize> {
        let violations = self.checked.violations.iter();
        violations.map(|found| found.invariant).collect()
    }

    /// What is told of it, if it was so many decisions before.
    pub fn told<'a>(&'a self, invariant: usize, from: usize, case: &'a Case) -> Told<'a> {
        Told {
            found_by: "",
            seed: None,
            invariant: ALL[invariant].name,
            violations: &self.timeline.violations,
            decisions: self.shrunk.scenario.schedule.len(),
            digest: self.checked.digest,
            faults: Vec::new(),
            decisions_before: from,
            attempts: self.shrunk.attempts,
            is_exhausted: self.shrunk.exhausted,
            same_as: None,
            case,
            timeline: &self.timeline,
        }
    }
}

impl Shrinking<'_> {
    /// Shrinks; None if the scenario does not fail on fresh instances.
    pub fn run(&self, scenario: &Scenario) -> Result<Option<Done>> {
        let cannot = || format!("cannot write {}", self.kept.display());
        store::probe(&self.kept).with_context(cannot)?;
        let mut runner = Runner::new(&self.loaded.world, self.workload)?;
        let mut keeper = Runner::new(&self.loaded.world, self.workload)?;
        keeper.set_effort(Effort::Thorough);
        let progress = Progress::new(None, "attempts");
        let mut unwritten = None;
        let (runs, decisions) = (Cell::new(0), Cell::new(scenario.schedule.len()));
        let budget = self.budget.clone();
        let shrunk = runner.shrink(scenario, self.invariant, budget, |told| match told {
            campaign::Progress::Attempt => {
                runs.set(runs.get() + 1);
                progress.update(runs.get(), |_| format!("{} decisions", decisions.get()));
            }
            campaign::Progress::Improved(best, _) => {
                decisions.set(best.schedule.len());
                let checked = keeper.replay(best);
                let written = store::overwrite(&self.kept, &self.case_of(best, &checked));
                unwritten = unwritten.take().or(written.err());
            }
        });
        progress.finish();
        if shrunk == Err(Refused::DoesNotFail) {
            return Ok(None);
        }
        let shrunk = shrunk?;
        if let Some(error) = unwritten {
            return Err(error).with_context(cannot);
        }
        keeper.renew()?;
        let world = &self.loaded.world;
        let (checked, timeline) = replay::watched(&mut keeper, world, &shrunk.scenario);
        Ok(Some(Done {
            shrunk,
            checked,
            timeline,
        }))
    }

    /// A scenario as a case that was found as the first one was.
    fn case_of(&self, scenario: &Scenario, checked: &Checked) -> corpus::Case {
        let name = ALL[self.invariant].name.to_owned();
        corpus::Case::new(
            &self.loaded.world.air,
            scenario,
            Found {
                // What a person said was about another schedule.
                about: None,
                found_by: self.found_by.clone(),
                world: WorldHashes::of(&self.loaded.world),
                judged: Some((CaseVerdict::Violated(name), checked.digest)),
            },
        )
    }

    /// Writes the result where the improvements were written.
    fn overwrite(&self, done: &Done) -> Result<PathBuf> {
        let case = self.case_of(&done.shrunk.scenario, &done.checked);
        store::overwrite(&self.kept, &case)
            .with_context(|| format!("cannot write {}", self.kept.display()))?;
        Ok(self.kept.clone())
    }

    /// Writes the result under the name that it keeps.
    pub fn write(&self, done: &Done, folder: &Path) -> Result<PathBuf> {
        let case = self.case_of(&done.shrunk.scenario, &done.checked);
        let path = store::write(folder, ALL[self.invariant].name, &case)
            .with_context(|| format!("cannot write the shrunk case in {}", folder.display()))?;
        self.discard(done)?;
        Ok(path)
    }

    /// The improvements are not needed any more.
    pub fn discard(&self, done: &Done) -> Result<()> {
        if done.shrunk.improvements > 0 {
            std::fs::remove_file(&self.kept)
                .with_context(|| format!("cannot remove {}", self.kept.display()))?;
        }
        Ok(())
    }
}
