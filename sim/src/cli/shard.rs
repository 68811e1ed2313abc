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
    let mut done = Done::new(&folder, (shard, chunks.count), options.stop)?;
    let there = done.count;
    run_missing(campaign, &chunks, &folder, &mut done)?;
    let (count, all) = (done.count, shard.count(chunks.count));
    let mut out = terminal::out();
    let mine = counted(all, "chunk");
    writeln!(
        out,
        "shard {shard}: {count} of {mine} done, {there} of them before"
    )?;
    let mut tell = |count: u64, what: &str| match count {
        0 => Ok(()),
        _ => writeln!(
            out,
            "{} {what}: sim merge tells what",
            counted(count, "run")
        ),
    };
    tell(done.violated, "violated something")?;
    tell(done.unequal, "differed the second time")?;
    if done.is_enough() {
        let failures = done.signatures.len();
        writeln!(
            out,
            "stopped: as many failures were found as were asked for ({failures})"
        )?;
    } else if count < all {
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
    if done.is_enough() {
        return Ok(());
    }
    let (world, model) = (&campaign.loaded.world, campaign.model);
    let length = |chunk: u64| {
        let seeds = chunks.seeds(chunk);
        seeds.end - seeds.start
    };
    let (shard, count) = done.of;
    let there: BTreeSet<u64> = folder.chunks().collect();
    let missing = shard.chunks(count).filter(|chunk| !there.contains(chunk));
    let all = (shard.count(count) - done.count).saturating_mul(length(0));
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
    /// Which, of so many chunks.
    of: (Shard, u64),
    /// How many of its chunks are done.
    count: u64,
    /// The first of its chunks that is not.
    next: u64,
    /// The failures of those that are done after that one.
    waiting: BTreeMap<u64, Vec<Signature>>,
    /// The failures of those before it.
    signatures: BTreeSet<Signature>,
    /// Runs that violated something.
    violated: u64,
    /// Runs that were not the same a second time.
    unequal: u64,
    stop: Stop,
}

impl Done {
    /// What is in the folder already.
    fn new(folder: &Folder, (shard, count): (Shard, u64), stop: Stop) -> Result<Done> {
        let mut done = Done {
            of: (shard, count),
            count: 0,
            next: shard.chunks(count).next().unwrap_or(count),
            waiting: BTreeMap::new(),
            signatures: BTreeSet::new(),
            violated: 0,
            unequal: 0,
            stop,
        };
        for chunk in folder.chunks().filter(|chunk| shard.has(*chunk)) {
            if let Some(results) = folder.read(chunk)? {
                done.add(&results);
            }
        }
        Ok(done)
    }

    fn add(&mut self, results: &ChunkResults) {
        self.count += 1;
        self.violated += results.violated() as u64;
        self.unequal += results.unequal() as u64;
        self.waiting
            .insert(results.chunk, results.signatures().collect());
        while let Some(signatures) = self.waiting.remove(&self.next) {
            self.signatures.extend(signatures);
            self.next = self.of.0.after(self.next);
        }
    }

    /// Whether the campaign ends with what is done without a gap, whatever the other shards have:
    /// no chunk after these is wanted.
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
    expect.dedup();
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
        FolderError::NoFolder(_) | FolderError::NoFormat { .. } => {
            Some("name another folder, or a new one")
        }
        FolderError::Foreign(_) => Some(
            "give each campaign a folder of its own: delete the file, and start its shard again",
        ),
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
