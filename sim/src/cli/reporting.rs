//! The report of a campaign, wherever its seeds were run: what it is to be, and how it is told.

use std::error::Error as _;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::Exit;
use super::errors::Hinted;
use super::input::{Loaded, WorldArguments};
use super::readers::{For, Output};
use super::replay;
use super::terminal::{self, Progress, ShrinkProgress};
use sim_cases::store;
use sim_model::Model;
use sim_record::interrupt::Interrupt;
use sim_report::event::{
    self, Event, Failed, Finished, Nondeterminism, Readers, SeedDone, Started, ViolatedBy,
};
use sim_report::turns::Rows;
use sim_search::campaign::{CampaignOptions, Ran, Stop, Summary};
use sim_search::shrink::{self, Budget};
use sim_session::{Finding, Session, Settings};

/// What is made of a campaign.
#[derive(Args)]
pub(super) struct Reporting {
    #[command(flatten)]
    output: Output,
    /// Folder for the campaign's page, and one of each failure
    #[arg(long, value_name = "DIR")]
    html: Option<PathBuf>,
    /// Folder for the cases of failures
    #[arg(long, value_name = "DIR", default_value = "corpus")]
    case_dir: PathBuf,
    /// Leave failures as they were found
    #[arg(long)]
    no_shrink: bool,
    /// The most candidates that are run to shrink one failure [default: 20000, fewer of long ones]
    #[arg(long, value_name = "N", conflicts_with = "no_shrink",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(shrink::MOST_ATTEMPTS)))]
    attempts: Option<u32>,
}

/// The campaign that is reported.
#[derive(Clone, Copy)]
pub(super) struct Reported<'a> {
    pub loaded: &'a Loaded,
    pub model: &'a dyn Model,
    pub world: &'a WorldArguments,
    pub options: &'a CampaignOptions,
}

impl Reporting {
    /// Reports a campaign. `seeds` has them run, or gathers their results, and tells each; it is
    /// asked once it is known that cases can be written.
    pub fn tell<'a>(
        &self,
        campaign: Reported<'a>,
        seeds: impl FnOnce(&mut Session<'_>, &mut Readers<'_>) -> Result<(Summary, Clock)>,
    ) -> Result<Exit> {
        let Reported {
            loaded,
            model,
            world,
            options,
        } = campaign;
        probe(&self.case_dir)?;
        let mut readers = self.output.readers(&For {
            loaded,
            interrupt: &options.interrupt,
            is_brief: false,
            rows: Rows::default(),
            pages: self.html.as_deref(),
        })?;
        readers.tell(&Event::Started(Started {
            seeds: Some([options.seeds.start, options.seeds.end]),
            ..event::Started::of(&loaded.world, "run", &loaded.notes)
        }))?;
        let command = |path: &Path| replay::command(path, world);
        let shrinking = ShrinkProgress::default();
        let progress = |work| shrinking.show(work);
        let settings = Settings {
            folder: self.case_dir.clone(),
            budget: self.budget(&options.interrupt),
            most_failures: match options.stop {
                Stop::AfterFailures(most) => most,
                Stop::Never => usize::MAX,
            },
            replay: &command,
            progress: &progress,
        };
        let mut session = Session::new(&loaded.world, model, settings)?;
        let (summary, clock) = seeds(&mut session, &mut readers)?;
        let found = summary.failures.iter().map(Finding::from);
        let settled = session.settle(found, &mut readers)?;
        let found = (session.violated(&summary), session.failures());
        let exit = finish(&mut readers, &summary, found, Exit::of(settled))?;
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
}

/// Tells what is known of the campaign as a whole, and how it ends.
fn finish(
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
    } else if !summary.missing.is_empty() {
        exit = exit.or(Exit::Missing);
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

/// Tells the seeds of a campaign one by one, and how far it is.
pub(super) struct Seeds<'a, 'r> {
    readers: &'a mut Readers<'r>,
    interrupt: &'a Interrupt,
    progress: Progress,
    seeds: u64,
    steps: u64,
    /// Whether all of them could be told.
    told: Result<()>,
}

impl<'a, 'r> Seeds<'a, 'r> {
    pub fn of(options: &'a CampaignOptions, readers: &'a mut Readers<'r>) -> Seeds<'a, 'r> {
        let asked = options.seeds.end - options.seeds.start;
        Seeds {
            readers,
            interrupt: &options.interrupt,
            progress: Progress::new(Some(asked), "seeds"),
            seeds: 0,
            steps: 0,
            told: Ok(()),
        }
    }

    /// A seed is done. Where it cannot be told, the campaign is asked to end.
    pub fn tell(&mut self, ran: &Ran) {
        self.seeds += 1;
        self.steps += u64::from(ran.steps);
        self.progress.update(self.seeds, |seconds| {
            format!("{:.0} steps/s", self.steps as f64 / seconds)
        });
        if self.told.is_ok() {
            self.told = self.readers.tell(&Event::SeedDone(SeedDone::from(ran)));
            if self.told.is_err() {
                self.interrupt.ask();
            }
        }
    }

    /// All are done: they were run, or only read.
    pub fn finish(self, has_run: bool) -> Result<Clock> {
        self.progress.finish();
        self.told?;
        let seeds = self.progress.elapsed();
        Ok(Clock {
            progress: self.progress,
            seeds,
            has_run,
        })
    }
}

/// How long what took. Goes to standard error.
pub(super) struct Clock {
    progress: Progress,
    seeds: Duration,
    /// They were run, and not only read.
    has_run: bool,
}

impl Clock {
    fn tell(&self, summary: &Summary) {
        let seconds = self.seeds.as_secs_f64();
        let rate = summary.steps as f64 / seconds;
        let mut text = match self.has_run {
            true => format!("{rate:.0} steps per second, {seconds:.1} s"),
            false => format!("merged in {seconds:.1} s"),
        };
        if !summary.failures.is_empty() {
            let rest = (self.progress.elapsed() - self.seeds).as_secs_f64();
            let _ = write!(text, ", and {rest:.1} s to confirm and shrink what failed");
        }
        terminal::note(&text);
    }
}
