//! `sim shrink`: a case made as short as it gets.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::input::{Loaded, WorldArguments};
use super::{Exit, replay};
use crate::campaign::{Checked, Effort, Progress as Told, Runner};
use crate::corpus::{Case, CaseVerdict, Found, FoundBy, WorldHashes, store};
use crate::invariants::ALL;
use crate::report;
use crate::scenario::Scenario;
use crate::shrink::{self, Refused, Shrunk};
use crate::trace::Trace;
use crate::workload::{self, Workload};

/// Shrink a failing case to the shortest schedule that violates the same invariant.
///
/// Each improvement is written at once, so that nothing is lost when it is interrupted: to --out,
/// or else to a file `*.shrunk.json` beside CASE, which is named by its content at the end.
///
/// Example: sim shrink corpus/late-timer.json
#[derive(Args)]
pub(super) struct Shrink {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    #[command(flatten)]
    world: WorldArguments,
    /// The most candidates that are run
    #[arg(long, default_value_t = shrink::DEFAULT_ATTEMPTS,
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
        let workload = workload::of(&loaded.world.air);
        let mut runner = Runner::new(&loaded.world, &*workload)?;
        runner.set_effort(Effort::Thorough);
        let checked = runner.replay(&scenario);
        let Some(first) = checked.violations.first() else {
            bail!(
                "{} does not fail on this world: nothing to shrink\nhint: {}",
                self.case.display(),
                self.hint(&case)
            );
        };
        let kept = self.kept();
        let shrinking = Shrinking {
            loaded: &loaded,
            workload: &*workload,
            invariant: first.invariant,
            found_by: case.found_by.clone(),
            attempts: self.attempts,
            kept: kept.clone(),
        };
        let Some(done) = shrinking.run(&scenario).with_context(name)? else {
            println!("not deterministic: it failed once, and does not on fresh instances");
            return Ok(Exit::Nondeterminism);
        };
        let path = match self.out {
            Some(_) => shrinking.overwrite(&done)?,
            None => shrinking.write(&done, store::folder_of(&kept))?,
        };
        self.show(&loaded, &case, &done, &path)?;
        Ok(Exit::Violation)
    }

    /// What to do about a case that does not fail.
    fn hint(&self, case: &Case) -> String {
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

    fn show(&self, loaded: &Loaded, case: &Case, done: &Done, path: &Path) -> Result<()> {
        let mut out = std::io::stdout().lock();
        for note in &loaded.notes {
            writeln!(out, "{note}")?;
        }
        let (scenario, violations) = (&done.shrunk.scenario, &done.checked.violations);
        let turns = report::turns(&loaded.world, scenario, &done.trace, 0, violations);
        write!(out, "{turns}{}", report::violations(violations))?;
        writeln!(out, "{}", done.told(case.decision_count()))?;
        if done.shrunk.exhausted {
            writeln!(
                out,
                "stopped: all {} attempts are used up; more may shrink it further \
                (`--attempts`)",
                done.shrunk.attempts
            )?;
        }
        writeln!(out, "case:   {}", path.display())?;
        writeln!(out, "replay: {}", replay::command(path, &self.world))?;
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
    pub attempts: u32,
    pub kept: PathBuf,
}

/// What came of it.
pub(super) struct Done {
    pub shrunk: Shrunk,
    pub checked: Checked,
    pub trace: Trace,
}

impl Done {
    pub fn told(&self, from: usize) -> String {
        let (to, attempts) = (self.shrunk.scenario.schedule.len(), self.shrunk.attempts);
        format!("shrunk from {from} decisions to {to} in {attempts} attempts")
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
        let progress = Progress::new();
        let mut unwritten = None;
        let shrunk = runner.shrink(scenario, self.invariant, self.attempts, |told| match told {
            Told::Attempt => progress.attempt(),
            Told::Improved(best, attempts) => {
                progress.improved(best.schedule.len(), attempts);
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
        let checked = keeper.replay(&shrunk.scenario);
        Ok(Some(Done {
            shrunk,
            checked,
            trace: keeper.trace,
        }))
    }

    /// A scenario as a case that was found as the first one was.
    fn case_of(&self, scenario: &Scenario, checked: &Checked) -> Case {
        let name = ALL[self.invariant].name.to_owned();
        Case::new(
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

/// Progress on standard error: a spinner on a terminal, a line now and then elsewhere.
struct Progress {
    spinner: Option<ProgressBar>,
    started: Instant,
    last_line: std::cell::Cell<Duration>,
}

/// Time between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    #[expect(
        clippy::disallowed_methods,
        reason = "progress is told now and then, on standard error"
    )]
    fn new() -> Progress {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} attempts{msg}") {
                spinner.set_style(style);
            }
            spinner
        });
        Progress {
            spinner,
            started: Instant::now(),
            last_line: Duration::ZERO.into(),
        }
    }

    fn attempt(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.inc(1);
        }
    }

    fn improved(&self, decisions: usize, attempts: u32) {
        let elapsed = self.started.elapsed();
        if let Some(spinner) = &self.spinner {
            spinner.set_message(format!(", {decisions} decisions"));
        } else if elapsed.saturating_sub(self.last_line.get()) >= LINE_EVERY {
            self.last_line.set(elapsed);
            eprintln!("{attempts} attempts, {decisions} decisions");
        }
    }

    fn finish(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
