//! `sim run`: a campaign.

use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::input::{Loaded, WorldArguments, project_folder};
use super::shrink::{Done, Shrinking};
use super::{Exit, replay};
use crate::campaign::{self, Effort, Failure, Runner, Summary};
use crate::corpus::{Case, CaseVerdict, Found, FoundBy, WorldHashes, store};
use crate::invariants::ALL;
use crate::random::Seed;
use crate::report;
use crate::scenario::{Bounds, Decision, Mix, PlanMode};
use crate::shrink::DEFAULT_ATTEMPTS;
use crate::workload::{self, Workload};

/// Run a campaign: many seeds, each a different ordering.
///
/// Example: sim run --seeds 0..100000 --jobs 2
#[derive(Args)]
pub(super) struct Run {
    /// Run one seed: a number, or a 40-digit commit id
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<Seed>,
    /// Run the seeds from A up to, not including, B
    #[arg(long, value_name = "A..B", default_value = "0..10000", value_parser = seed_range)]
    seeds: Range<u64>,
    /// Threads; the output is the same for any number [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    world: WorldArguments,
    /// Folder in which failing seeds are written as cases [default: corpus]
    #[arg(long, value_name = "DIR")]
    case_dir: Option<PathBuf>,
    /// Run plans to the letter instead of choosing how their work ends
    #[arg(long)]
    plans_as_written: bool,
    /// One fault mix for all seeds, instead of one that each seed draws
    #[arg(long)]
    fixed_mix: bool,
    /// Try every step on other instances, and a recovery after every turn, instead of a sample
    #[arg(long)]
    thorough: bool,
    /// Write and show failures as they were found, without shrinking them
    #[arg(long)]
    no_shrink: bool,
    /// Run every seed twice and compare: what differs is told by its first turn and field
    #[arg(long)]
    twice: bool,
    /// The most turns of one run, before it heals
    #[arg(long, default_value_t = Bounds::default().turns,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Bounds::MOST_TURNS)))]
    turns: u32,
    /// Stop once so many seeds have failed
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    most_failures: u32,
}

fn seed_range(text: &str) -> Result<Range<u64>, String> {
    let expected = "expected A..B, two numbers such as 0..1000";
    let (start, end) = text.split_once("..").ok_or(expected)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| expected.to_owned());
    let (start, end) = (number(start)?, number(end)?);
    if start > end {
        return Err(format!(
            "the range ends before it begins: {start} is above {end}"
        ));
    }
    Ok(start..end)
}

impl Run {
    #[expect(
        clippy::disallowed_methods,
        reason = "the rate of a campaign is told, on standard error"
    )]
    pub fn execute(self) -> Result<Exit> {
        let loaded = self.world.load()?;
        let workload = workload::of(&loaded.world.air);
        let options = self.options()?;
        if options.seeds.is_empty() {
            eprintln!("nothing ran: the range of seeds is empty");
            return Ok(Exit::NothingRan);
        }
        let started = Instant::now();
        let bar = Progress::new(options.seeds.end - options.seeds.start);
        let summary = campaign::run(&loaded.world, &*workload, &options, |seeds, steps| {
            bar.update(seeds, steps, started.elapsed());
        })
        .context("the reducer cannot be run")?;
        bar.finish();
        let took = started.elapsed();
        self.report(&loaded, &*workload, &summary, took)
    }

    fn options(&self) -> Result<campaign::Options> {
        let seeds = match self.seed {
            None => self.seeds.clone(),
            Some(Seed(u64::MAX)) => bail!("seed {} is the end of the range", u64::MAX),
            Some(Seed(seed)) => seed..seed + 1,
        };
        let jobs = self.jobs.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        );
        let plans = if self.plans_as_written {
            PlanMode::AsWritten
        } else {
            PlanMode::Answered
        };
        let bounds = Bounds {
            turns: self.turns,
            ..Bounds::default()
        };
        let mix = if self.fixed_mix {
            Mix::Fixed
        } else {
            Mix::Swarm
        };
        let effort = if self.thorough {
            Effort::Thorough
        } else {
            Effort::Sampled
        };
        let most_failures = self.most_failures as usize;
        Ok(campaign::Options {
            seeds,
            jobs,
            plans,
            bounds,
            mix,
            effort,
            twice: self.twice,
            most_failures,
        })
    }

    /// The summary on standard output; what depends on time on standard error.
    fn report(
        &self,
        loaded: &Loaded,
        workload: &dyn Workload,
        summary: &Summary,
        took: Duration,
    ) -> Result<Exit> {
        let mut out = std::io::stdout().lock();
        for note in &loaded.notes {
            writeln!(out, "{note}")?;
        }
        let is_retry = workload.name() == "retry";
        write!(out, "{}", report::summary(&loaded.world, is_retry, summary))?;
        let mut exit = self.report_failures(&mut out, loaded, workload, summary)?;
        for (seed, difference) in &summary.unequal {
            writeln!(out, "seed {seed}: its second run differs at {difference}")?;
            exit = exit.or(Exit::Nondeterminism);
        }
        let missed = if is_retry {
            summary.missed_goals()
        } else {
            Vec::new()
        };
        if !missed.is_empty() {
            writeln!(out, "missed goals: {}", missed.join(", "))?;
            exit = exit.or(Exit::MissedGoal);
        }
        let seconds = took.as_secs_f64();
        eprintln!(
            "{:.0} steps per second, {seconds:.1} s",
            summary.steps as f64 / seconds
        );
        Ok(exit)
    }

    fn report_failures(
        &self,
        out: &mut impl Write,
        loaded: &Loaded,
        workload: &dyn Workload,
        summary: &Summary,
    ) -> Result<Exit> {
        let folder = self
            .case_dir
            .clone()
            .unwrap_or_else(|| project_folder("corpus"));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut exit = Exit::Holds;
        let mut told: Vec<(usize, Vec<Decision>, Seed)> = Vec::new();
        for failure in &summary.failures {
            exit = exit.or(Exit::Violation);
            let mut runner = Runner::new(&loaded.world, workload)?;
            let again = runner.replay(&failure.scenario).digest;
            runner.set_effort(Effort::Thorough);
            runner.renew()?;
            let replayed = runner.replay(&failure.scenario);
            let seed = failure.seed;
            // What only a closer look finds ends a run earlier than another replay of it.
            let first = failure.violations.first().map(|found| found.invariant);
            let mut seen = replayed
                .violations
                .iter()
                .map(|found| Some(found.invariant));
            if again != failure.digest && !seen.any(|found| found == first) {
                exit = exit.or(Exit::Nondeterminism);
                writeln!(out, "\nseed {seed}: its replay differs from its run")?;
            }
            // What is seen on fresh instances is what can be shrunk and replayed.
            let violations = match replayed.violations.is_empty() {
                true => failure.violations.clone(),
                false => replayed.violations,
            };
            let failure = Failure {
                violations,
                digest: replayed.digest,
                ..failure.clone()
            };
            let done = self.shrink(loaded, workload, &folder, &failure)?;
            let Some((shrinking, done)) = done else {
                let path = write_case(&folder, loaded, &failure)?;
                let replay = replay::command(&path, &self.world);
                let trace = &runner.trace;
                let text = report::failure(&loaded.world, &failure, trace, &path, &replay);
                write!(out, "\n{text}")?;
                continue;
            };
            let schedule = &done.shrunk.scenario.schedule;
            let same = told.iter().find(|(invariant, known, _)| {
                *invariant == shrinking.invariant && known == schedule
            });
            if let Some((invariant, _, other)) = same {
                let name = ALL[*invariant].name;
                writeln!(
                    out,
                    "\nviolation: seed {seed}\n  {name}, shrunk the same as seed {other}"
                )?;
                shrinking.discard(&done)?;
                continue;
            }
            let path = shrinking.write(&done, &folder)?;
            let replay = replay::command(&path, &self.world);
            let shrunk = Failure {
                scenario: done.shrunk.scenario.clone(),
                violations: done.checked.violations.clone(),
                ..failure.clone()
            };
            let text = report::failure(&loaded.world, &shrunk, &done.trace, &path, &replay);
            write!(out, "\n{text}")?;
            writeln!(out, "{}", done.told(failure.scenario.schedule.len()))?;
            told.push((shrinking.invariant, schedule.clone(), seed));
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
}

impl Run {
    /// Shrinks a failure; None if that is not wanted, or it does not fail on fresh instances.
    fn shrink<'a>(
        &self,
        loaded: &'a Loaded,
        workload: &'a dyn Workload,
        folder: &Path,
        failure: &Failure,
    ) -> Result<Option<(Shrinking<'a>, Done)>> {
        let Some(first) = failure.violations.first().filter(|_| !self.no_shrink) else {
            return Ok(None);
        };
        let shrinking = Shrinking {
            loaded,
            workload,
            invariant: first.invariant,
            found_by: FoundBy::seed(failure.seed.0, &failure.scenario),
            attempts: DEFAULT_ATTEMPTS,
            kept: folder.join(format!(
                "{}-seed-{}.shrunk.json",
                first.name(),
                failure.seed
            )),
        };
        let done = shrinking.run(&failure.scenario)?;
        Ok(done.map(|done| (shrinking, done)))
    }
}

/// Writes a failing seed as a case, named by the invariant.
fn write_case(folder: &Path, loaded: &Loaded, failure: &Failure) -> Result<PathBuf> {
    let first = failure
        .violations
        .first()
        .map_or("unknown", |violation| violation.name());
    let case = Case::new(
        &loaded.world.air,
        &failure.scenario,
        Found {
            about: None,
            found_by: FoundBy::seed(failure.seed.0, &failure.scenario),
            world: WorldHashes::of(&loaded.world),
            verdict: CaseVerdict::Violated(first.to_owned()),
            digest: &failure.digest,
        },
    );
    store::write(folder, first, &case).with_context(|| {
        format!(
            "cannot write the case of seed {} in {}",
            failure.seed,
            folder.display()
        )
    })
}

/// Progress on standard error: a bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: ProgressBar,
    plain: bool,
    last_line: std::cell::Cell<Duration>,
    seeds: u64,
}

/// Time between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    fn new(seeds: u64) -> Progress {
        let bar = ProgressBar::new(seeds);
        let template = "{bar:40} {pos}/{len} seeds, {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let plain = !std::io::stderr().is_terminal();
        Progress {
            bar,
            plain,
            last_line: Duration::ZERO.into(),
            seeds,
        }
    }

    fn update(&self, seeds: u64, steps: u64, elapsed: Duration) {
        let rate = steps as f64 / elapsed.as_secs_f64().max(1e-9);
        if !self.plain {
            self.bar.set_position(seeds);
            self.bar.set_message(format!("{rate:.0} steps/s"));
        } else if elapsed.saturating_sub(self.last_line.get()) >= LINE_EVERY {
            self.last_line.set(elapsed);
            eprintln!("{seeds}/{} seeds, {rate:.0} steps/s", self.seeds);
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
