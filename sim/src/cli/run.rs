//! `sim run`: a campaign.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::Exit;
use super::errors::{Hinted, error_text};
use super::input::{Loaded, WorldArguments, jobs};
use super::readers::{For, Output};
use super::replay;
use super::terminal::{self, Progress, ShrinkProgress};
use crate::models;
use sim_cases::store;
use sim_model::Model;
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Mix, PlanMode};
use sim_report::event::{
    self, Event, Failed, Finished, Nondeterminism, Readers, SeedDone, Started, ViolatedBy,
};
use sim_report::turns::Rows;
use sim_search::campaign::{self, CampaignOptions, Effort, Stop, Summary};
use sim_search::shrink::{self, Budget};
use sim_session::{Finding, Session, Settings};

/// Run a campaign: many seeds, each a different ordering
#[derive(Args)]
#[command(after_help = "\
What violates an invariant is shrunk, written as a case and told. Ctrl-C ends the campaign early,
with what was found until then.

Example: sim run --seeds 0..100000 --jobs 2 --html report")]
pub(super) struct Run {
    /// Run one seed: a number, or a 40-digit commit id
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<Seed>,
    /// Run the seeds from A up to, not including, B
    /// [default: as sim.toml says, or 0..10000]
    #[arg(long, value_name = "A..B", value_parser = seed_range)]
    seeds: Option<Range<u64>>,
    /// Threads; the output is the same for any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    world: WorldArguments,
    #[command(flatten)]
    output: Output,
    /// Folder for the campaign's page, and one of each failure
    #[arg(long, value_name = "DIR")]
    html: Option<PathBuf>,
    /// Folder for the cases of failures
    #[arg(long, value_name = "DIR", default_value = "corpus")]
    case_dir: PathBuf,
    /// Run plans to the letter: how their work ends is not chosen
    #[arg(long)]
    plans_as_written: bool,
    /// One fault mix for all seeds, not one that each draws
    #[arg(long)]
    fixed_mix: bool,
    /// Check every step and recovery closely, not a sample of them
    #[arg(long)]
    thorough: bool,
    /// Take every step, and remember none
    #[arg(long)]
    no_memo: bool,
    /// Leave failures as they were found
    #[arg(long)]
    no_shrink: bool,
    /// The most candidates that are run to shrink one failure [default: 20000, fewer of long ones]
    #[arg(long, value_name = "N", conflicts_with = "no_shrink",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(shrink::MOST_ATTEMPTS)))]
    attempts: Option<u32>,
    /// Run every seed twice and compare
    #[arg(long)]
    twice: bool,
    /// The most turns of one run, before its liveness phase
    #[arg(long, value_name = "N", default_value_t = Bounds::default().turns,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Bounds::MOST_TURNS)))]
    turns: u32,
    /// Stop once so many different failures were found
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    most_failures: u32,
    /// Run all seeds, however many fail
    #[arg(long, conflicts_with = "most_failures")]
    keep_going: bool,
}

/// So many seeds, if nobody says otherwise.
pub(super) const SEEDS: u64 = 10_000;

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
    pub fn execute(self) -> Result<Exit> {
        let mut loaded = self.world.load()?;
        loaded.note_warnings(&self.world.folder());
        let model = models::surveyed(&mut loaded.world).context("the reducer cannot be run")?;
        loaded.note_clients(&*model);
        let interrupt = terminal::interrupt();
        let options = self.options(&loaded, &interrupt)?;
        if options.seeds.is_empty() {
            terminal::note("nothing ran: the range of seeds is empty");
            return Ok(Exit::NothingRan);
        }
        probe(&self.case_dir)?;
        let mut readers = self.output.readers(&For {
            loaded: &loaded,
            interrupt: &interrupt,
            is_brief: false,
            rows: Rows::default(),
            pages: self.html.as_deref(),
        })?;
        readers.tell(&Event::Started(Started {
            seeds: Some([options.seeds.start, options.seeds.end]),
            ..event::Started::of(&loaded.world, "run", &loaded.notes)
        }))?;
        let command = |path: &Path| replay::command(path, &self.world);
        let shrinking = ShrinkProgress::default();
        let progress = |work| shrinking.show(work);
        let settings = Settings {
            folder: self.case_dir.clone(),
            budget: self.budget(&interrupt),
            most_failures: self.most(),
            replay: &command,
            progress: &progress,
        };
        let mut session = Session::new(&loaded.world, &*model, settings)?;
        let (mut summary, clock) = seeds(&loaded, &*model, &options, &mut session, &mut readers)?;
        if let Some(seed) = self.seed
            && summary.unequal.is_empty()
        {
            let difference =
                campaign::differs_after_others(&loaded.world, &*model, &options, seed)?;
            summary
                .unequal
                .extend(difference.map(|found| (seed, found)));
        }
        let found = summary.failures.iter().map(Finding::from);
        let settled = session.settle(found, &mut readers)?;
        let found = (session.violated(&summary), session.failures());
        let exit = Exit::of(settled);
        let exit = self.finish(&mut readers, &summary, found, exit)?;
        clock.tell(&summary);
        if let Some(folder) = &self.html {
            terminal::note(&format!("page: {}", folder.join("index.html").display()));
        }
        Ok(exit)
    }

    fn budget(&self, interrupt: &Interrupt) -> Option<Budget> {
        let budget = match self.attempts {
            None => Budget::default(),
            Some(attempts) => Budget::from(attempts),
        };
        (!self.no_shrink).then(|| Budget {
            interrupt: interrupt.clone(),
            ..budget
        })
    }

    fn most(&self) -> usize {
        match self.keep_going {
            true => usize::MAX,
            false => self.most_failures as usize,
        }
    }

    fn options(&self, loaded: &Loaded, interrupt: &Interrupt) -> Result<CampaignOptions> {
        let declared = loaded.declared.as_ref();
        let usual = || {
            declared
                .and_then(|file| file.campaign().seeds)
                .unwrap_or(SEEDS)
        };
        let seeds = match self.seed {
            None => self.seeds.clone().unwrap_or_else(|| 0..usual()),
            Some(Seed(u64::MAX)) => bail!("seed {} is the end of the range", u64::MAX),
            Some(Seed(seed)) => seed..seed + 1,
        };
        let plans = if self.plans_as_written {
            PlanMode::AsWritten
        } else {
            PlanMode::Answered
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
        Ok(CampaignOptions {
            seeds,
            jobs: jobs(self.jobs),
            plans,
            bounds: Bounds {
                turns: self.turns,
                ..Bounds::default()
            },
            mix,
            effort,
            remember: !self.no_memo,
            twice: self.twice,
            stop: match self.keep_going {
                true => Stop::Never,
                false => Stop::AfterFailures(self.most()),
            },
            interrupt: interrupt.clone(),
        })
    }

    /// Tells what is known of the campaign as a whole, and how it ends.
    fn finish(
        &self,
        readers: &mut Readers<'_>,
        summary: &Summary,
        (violated, failures): (Vec<ViolatedBy>, Vec<Failed>),
        mut exit: Exit,
    ) -> Result<Exit> {
        for (seed, difference) in &summary.unequal {
            let of = format!("seed {seed}");
            let told = Nondeterminism::between_runs(&of, difference);
            readers.tell(&Event::Nondeterminism(told))?;
            exit = exit.or(Exit::Nondeterminism);
        }
        if summary.interrupted && !terminal::is_closed() {
            exit = exit.or(Exit::Interrupted);
        } else if !summary.missed().is_empty() {
            exit = exit.or(Exit::NeverSeen);
        } else if summary.is_cut() {
            exit = exit.or(Exit::Incomplete);
        }
        readers.tell(&Event::Finished(Finished {
            exit_code: exit as u8,
            exit: exit.meaning(),
            summary: Some(summary),
            violated,
            failures,
        }))?;
        Ok(exit)
    }
}

/// Whether cases can be written, which is known before much is done for the sake of it.
pub(super) fn probe(folder: &Path) -> Result<()> {
    store::probe(folder).map_err(|error| {
        let cause = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        let what = format!("cases cannot be written in {}", folder.display());
        Hinted::new(cause, "name another folder with `--case-dir DIR`").context(what)
    })
}

/// Runs the seeds and tells each of them. What is found is written down at once. What depends on
/// time goes to standard error.
fn seeds(
    loaded: &Loaded,
    model: &dyn Model,
    options: &CampaignOptions,
    session: &mut Session<'_>,
    readers: &mut Readers<'_>,
) -> Result<(Summary, Clock)> {
    let asked = options.seeds.end - options.seeds.start;
    let progress = Progress::new(Some(asked), "seeds");
    let (mut seeds, mut steps) = (0, 0);
    let mut told = Ok(());
    let summary = campaign::run(&loaded.world, model, options, |what| match what {
        campaign::Told::Found(failure) => {
            if let Err(error) = session.keep(&Finding::from(failure)) {
                // It is shown whole at the end.
                let error = anyhow::Error::from(error).context("what was found is not on disk");
                let _ = write!(terminal::err(), "{}", error_text(&error));
            }
        }
        campaign::Told::Ran(ran) => {
            seeds += 1;
            steps += u64::from(ran.steps);
            progress.update(seeds, |seconds| {
                format!("{:.0} steps/s", steps as f64 / seconds)
            });
            if told.is_ok() {
                told = readers.tell(&Event::SeedDone(SeedDone::from(ran)));
                if told.is_err() {
                    options.interrupt.ask();
                }
            }
        }
    })
    .context("the reducer cannot be run")?;
    progress.finish();
    told?;
    if summary.interrupted {
        terminal::note(&format!("stopped after {} of {asked} seeds", summary.seeds));
    }
    let seeds = progress.elapsed();
    Ok((summary, Clock { progress, seeds }))
}

/// How long what took. Goes to standard error.
struct Clock {
    progress: Progress,
    seeds: Duration,
}

impl Clock {
    fn tell(&self, summary: &Summary) {
        let seconds = self.seeds.as_secs_f64();
        let rate = summary.steps as f64 / seconds;
        let mut text = format!("{rate:.0} steps per second, {seconds:.1} s");
        if !summary.failures.is_empty() {
            let rest = (self.progress.elapsed() - self.seeds).as_secs_f64();
            let _ = write!(text, ", and {rest:.1} s to confirm and shrink what failed");
        }
        terminal::note(&text);
    }
}
