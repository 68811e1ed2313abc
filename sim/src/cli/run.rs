//! `sim run`: a campaign.

use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::Exit;
use super::errors::error_text;
use super::input::{Loaded, WorldArguments, jobs};
use super::reporting::{Clock, Reported, Reporting, Seeds};
use super::shard;
use super::terminal;
use crate::models;
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Mix, PlanMode};
use sim_report::event::Readers;
use sim_search::campaign::{self, CampaignOptions, Effort, Stop, Summary};
use sim_session::{Finding, Session};
use sim_shards::Shard;

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
    reporting: Reporting,
    /// Run part K of N of the seeds [default: as the scheduler says]
    #[arg(long, value_name = "K/N", requires = "out")]
    shard: Option<Shard>,
    /// Leave the results in this folder, for `sim merge`
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["seed", "html", "case_dir", "no_shrink", "attempts", "format"]
    )]
    out: Option<PathBuf>,
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

/// Reads `A..B`.
pub(super) fn seed_range(text: &str) -> Result<Range<u64>, String> {
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
        let campaign = Reported {
            loaded: &loaded,
            model: &*model,
            world: &self.world,
            options: &options,
        };
        match &self.out {
            Some(folder) => shard::run(campaign, folder, self.shard),
            None => self.reporting.tell(campaign, |session, readers| {
                let (mut summary, clock) = seeds(campaign, session, readers)?;
                if self.seed.is_some() {
                    compare(campaign, &mut summary)?;
                }
                Ok((summary, clock))
            }),
        }
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
}

/// Runs the seeds and tells each of them. What is found is written down at once. What depends on
/// time goes to standard error.
fn seeds(
    campaign: Reported<'_>,
    session: &mut Session<'_>,
    readers: &mut Readers<'_>,
) -> Result<(Summary, Clock)> {
    let Reported {
        loaded,
        model,
        options,
        ..
    } = campaign;
    let mut seeds = Seeds::of(options, readers);
    let summary = campaign::run(&loaded.world, model, options, |what| match what {
        campaign::Told::Found(failure) => {
            if let Err(error) = session.keep(&Finding::from(failure)) {
                // It is shown whole at the end.
                let error = anyhow::Error::from(error).context("what was found is not on disk");
                let _ = write!(terminal::err(), "{}", error_text(&error));
            }
        }
        campaign::Told::Ran(ran) => seeds.tell(ran),
    })
    .context("the reducer cannot be run")?;
    let clock = seeds.finish(true)?;
    if summary.interrupted {
        let asked = options.seeds.end - options.seeds.start;
        terminal::note(&format!("stopped after {} of {asked} seeds", summary.seeds));
    }
    Ok((summary, clock))
}

/// Whether the one seed of a campaign is the same after others, as it is in a larger one.
fn compare(campaign: Reported<'_>, summary: &mut Summary) -> Result<()> {
    let Reported {
        loaded,
        model,
        options,
        ..
    } = campaign;
    if summary.unequal.is_empty() {
        let seed = Seed(options.seeds.start);
        let difference = campaign::differs_after_others(&loaded.world, model, options, seed)?;
        let difference = difference.map(|found| (seed, found));
        summary.unequal.extend(difference);
    }
    Ok(())
}
