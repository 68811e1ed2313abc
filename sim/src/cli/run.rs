//! `sim run`: a campaign.

use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use super::failures::Failures;
use super::input::{Loaded, WorldArguments, jobs, project_folder};
use crate::campaign::{self, Effort, Summary};
use crate::random::Seed;
use crate::report;
use crate::scenario::{Bounds, Mix, PlanMode};
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
    /// Take every step, rather than remember those that were met before in the same chunk of seeds
    #[arg(long)]
    no_memo: bool,
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
        let jobs = jobs(self.jobs);
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
            remember: !self.no_memo,
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
        let mut failures = Failures {
            loaded,
            workload,
            world: &self.world,
            folder: self
                .case_dir
                .clone()
                .unwrap_or_else(|| project_folder("corpus")),
            shrinks: !self.no_shrink,
            told: Vec::new(),
        };
        let mut exit = failures.report(&mut out, summary)?;
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
