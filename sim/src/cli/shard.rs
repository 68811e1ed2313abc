//! `sim run --out`: the part of a campaign that one machine of many runs.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::Exit;
use super::errors::Hinted;
use super::input::Leaks;
use super::reporting::Reported;
use super::terminal::{self, Progress};
use sim_cases::WorldHashes;
use sim_model::Signature;
use sim_record::random::Seed;
use sim_report::words::counted;
use sim_search::campaign::{ChunkResults, Chunks, Runner, Stop, run_chunks};
use sim_shards::{Campaign, Folder, FolderError, Shard};

/// Runs what is not done yet of a shard: of all, if neither it nor the environment is asked for a
/// part. Its failures are told when results are merged.
pub(super) fn run(campaign: Reported<'_>, path: &Path, shard: Option<Shard>) -> Result<Exit> {
    let options = campaign.options;
    let shard = match shard {
        Some(shard) => shard,
        None => of_environment()?,
    };
    let folder = Folder::create(path, &identity(campaign)?)?;
    let chunks = Chunks::of(&options.seeds);
    let mut done = Done::new(&folder, shard.chunks(chunks.count).collect(), options.stop)?;
    let there = done.known.len();
    run_missing(campaign, &chunks, &folder, &mut done)?;
    let (known, mine) = (done.known.len(), counted(done.mine.len() as u64, "chunk"));
    let mut out = terminal::out();
    writeln!(
        out,
        "shard {shard}: {known} of {mine} done, {there} of them before"
    )?;
    if done.violated > 0 {
        let runs = counted(done.violated as u64, "run");
        writeln!(out, "{runs} violated something: sim merge tells what")?;
    }
    if done.is_enough() {
        let failures = done.signatures.len();
        writeln!(
            out,
            "stopped: as many failures were found as were asked for ({failures})"
        )?;
    } else if known < done.mine.len() {
        writeln!(out, "stopped: started again, it goes on")?;
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::Holds)
}

/// Runs the chunks that have no results yet, and writes those of each when it is done.
fn run_missing(
    campaign: Reported<'_>,
    chunks: &Chunks,
    folder: &Folder,
    done: &mut Done,
) -> Result<()> {
    let (world, model) = (&campaign.loaded.world, campaign.model);
    let mut missing = done.mine.clone();
    missing.retain(|chunk| !done.known.contains_key(chunk));
    if done.is_enough() {
        return Ok(());
    }
    let length = |chunk: u64| {
        let seeds = chunks.seeds(chunk);
        seeds.end - seeds.start
    };
    let all = missing.iter().map(|chunk| length(*chunk)).sum();
    let progress = Progress::new(Some(all), "seeds");
    let mut seeds = 0;
    let mut written = Ok(());
    run_chunks(world, model, campaign.options, missing, |results| {
        written = folder.write(&results);
        seeds += length(results.chunk);
        progress.update(seeds, |seconds| {
            format!("{:.0} seeds/s", seeds as f64 / seconds)
        });
        done.add(&results);
        written.is_ok() && !done.is_enough()
    })
    .context("the reducer cannot be run")?;
    progress.finish();
    Ok(written?)
}

/// What is done of a shard.
struct Done {
    /// Its chunks, in order.
    mine: Vec<u64>,
    /// The failures of those that are done.
    known: BTreeMap<u64, Vec<Signature>>,
    /// How many of its chunks are done without a gap.
    whole: usize,
    /// The failures of these.
    signatures: BTreeSet<Signature>,
    /// Runs that violated something.
    violated: usize,
    stop: Stop,
}

impl Done {
    /// What is in the folder already.
    fn new(folder: &Folder, mine: Vec<u64>, stop: Stop) -> Result<Done> {
        let mut done = Done {
            mine,
            known: BTreeMap::new(),
            whole: 0,
            signatures: BTreeSet::new(),
            violated: 0,
            stop,
        };
        for chunk in done.mine.clone() {
            if let Some(results) = folder.read(chunk)? {
                done.add(&results);
            }
        }
        Ok(done)
    }

    fn add(&mut self, results: &ChunkResults) {
        self.violated += results.violated();
        self.known
            .insert(results.chunk, results.signatures().collect());
        while let Some(signatures) = self.mine.get(self.whole).and_then(|it| self.known.get(it)) {
            self.signatures.extend(signatures.iter().cloned());
            self.whole += 1;
        }
    }

    /// Whether the campaign ends with what is done, whatever the other shards have: no chunk after
    /// these is wanted.
    fn is_enough(&self) -> bool {
        match self.stop {
            Stop::AfterFailures(most) => self.signatures.len() >= most,
            Stop::Never => false,
        }
    }
}

/// All that the results of a campaign depend on.
///
/// # Errors
/// If the reducer cannot be run.
pub(super) fn identity(campaign: Reported<'_>) -> Result<Campaign> {
    let Reported {
        loaded,
        model,
        world,
        options,
    } = campaign;
    let mut runner = Runner::new(&loaded.world, model).context("the reducer cannot be run")?;
    let first = Seed(options.seeds.start);
    let scenario = runner.scenario(first, options.plans, options.bounds, options.mix);
    let first_run = runner.seed(first, &scenario).digest;
    let mut expect = world.expect.clone();
    expect.sort();
    let leaks = match world.leaks {
        Leaks::Advise => "advise",
        Leaks::Deny => "deny",
    };
    Ok(Campaign {
        expect,
        leaks: leaks.to_owned(),
        ..Campaign::new(options, WorldHashes::of(&loaded.world), first_run)
    })
}

/// The part that the scheduler which started the process says, or all.
fn of_environment() -> Result<Shard> {
    let said = Shard::of_environment(|name| env::var(name).ok());
    let said = said.map_err(|error| Hinted::new(error.to_string(), "say which: --shard K/N"))?;
    Ok(match said {
        None => Shard::WHOLE,
        Some((shard, variable)) => {
            terminal::note(&format!("shard {shard}, as {variable} says"));
            shard
        }
    })
}

/// What to do about it.
pub(super) fn hint(error: &FolderError) -> Option<&'static str> {
    match error {
        FolderError::Io { .. } => None,
        FolderError::NoCampaign(_) => Some("`sim run --out DIR` leaves results in a folder"),
        FolderError::Another { .. } => Some(
            "give each campaign a folder of its own, and the same world, wasm and options to all \
             who work on it",
        ),
        FolderError::Damaged(_) | FolderError::Malformed { .. } => {
            Some("delete the file, and start its shard again")
        }
        FolderError::Contradiction(..) => {
            Some("one of two machines or builds is not like the other: run these seeds again")
        }
    }
}
