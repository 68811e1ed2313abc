//! `sim merge`: the report of a campaign that many machines have run.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::Exit;
use super::input::{WorldArguments, jobs};
use super::reporting::{Clock, Reported, Reporting, Seeds};
use super::shard::identity;
use super::terminal;
use crate::models;
use sim_report::event::Readers;
use sim_search::campaign::{MergeError, Summary, merge};
use sim_shards::Folders;

/// Report a campaign that many machines have run
#[derive(Args)]
#[command(after_help = "\
The report is that of one machine with the same seeds. Failures are shrunk and written here. What
is missing is told, and the shards that are started again run it.

Example: sim merge results --html report")]
pub(super) struct Merge {
    /// Folders of results, from `sim run --out`
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Threads; the output is the same for any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    world: WorldArguments,
    #[command(flatten)]
    reporting: Reporting,
}

impl Merge {
    pub fn execute(self) -> Result<Exit> {
        let (first, rest) = self.folders.split_first().context("no folder")?;
        let folders = Folders::open(first, rest)?;
        let mut loaded = self.world.load()?;
        loaded.note_warnings(&self.world.folder());
        let model = models::surveyed(&mut loaded.world).context("the reducer cannot be run")?;
        loaded.note_clients(&*model);
        let interrupt = terminal::interrupt();
        let options = folders.campaign.options(jobs(self.jobs), interrupt);
        let campaign = Reported {
            loaded: &loaded,
            model: &*model,
            world: &self.world,
            options: &options,
        };
        folders.expect(&identity(campaign)?)?;
        self.reporting
            .tell(campaign, |_, readers| gathered(campaign, &folders, readers))
    }
}

/// The results of all seeds, each told.
fn gathered(
    campaign: Reported<'_>,
    folders: &Folders,
    readers: &mut Readers<'_>,
) -> Result<(Summary, Clock)> {
    let options = campaign.options;
    let (world, model) = (&campaign.loaded.world, campaign.model);
    let mut seeds = Seeds::of(options, readers);
    let (there, read) = (folders.chunks(), |chunk| folders.read(chunk));
    let merged = merge(world, model, options, there, read, |ran| seeds.tell(ran));
    let clock = seeds.finish(false)?;
    let summary = merged.map_err(|error| match error {
        MergeError::Results(error) => anyhow::Error::from(error),
        error => error.into(),
    });
    Ok((summary?, clock))
}
