//! `sim selftest`: does the harness find what was planted?

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::errors::Hinted;
use super::input::{WorldArguments, jobs, read_wasm};
use super::layout::{Layout, SIM_TOML};
use super::planted::planted;
use super::{Exit, run, terminal};
use crate::models;
use crate::selftest::{
    self, HARNESS, MOST_SEEDS, PlantedBug, Searched, SelftestOptions, Sought, Subject,
};
use crate::worlds::{self, examples};
use sim_declared::{Bug, File};
use sim_model::{Properties, is_of_any_world};
use sim_record::interrupt::Interrupt;
use sim_record::scenario::Mix;

/// Test the harness itself: planted bugs must be found, shrunk and explored
#[derive(Args)]
#[command(after_help = examples::SELFTEST)]
pub(super) struct Selftest {
    /// World whose sim.toml plants bugs [default: this folder if it has one, or the built-in world]
    #[arg(long, value_name = "DIR")]
    world: Option<PathBuf>,
    /// Only write the reducer with this planted bug to standard output, for trying the other
    /// commands
    #[arg(long, value_name = "BUG")]
    emit: Option<String>,
    /// Starting seeds from which each bug is searched
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    starts: u32,
    /// How many of what is found is shrunk, of each bug [default: as many as starts; 1 of deep
    /// ones]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    shrinks: Option<u32>,
    /// One fault mix for all seeds, instead of one that each seed draws
    #[arg(long)]
    fixed_mix: bool,
    /// Threads; the output is the same for any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

impl Selftest {
    pub fn execute(self) -> Result<Exit> {
        // Documents alone plant nothing.
        match self.world.is_some() || Path::new(SIM_TOML).is_file() {
            true => self.declared(),
            false => self.built_in(),
        }
    }

    fn built_in(&self) -> Result<Exit> {
        let world = worlds::usual();
        let bugs = (world.bugs)();
        if let Some(name) = &self.emit {
            return emit(&named(bugs, name)?.wasm);
        }
        let subject = Subject {
            air: &sim_air::load(&world.sources())?,
            wasm: world.wasm,
            model: models::of,
            bugs,
        };
        let sought = bugs.iter().map(|bug| subject.sought(bug));
        let sought: Vec<Sought<'_>> = sought.collect::<Result<_, _>>()?;
        let results = self.search(&sought, MOST_SEEDS)?;
        let mut exit = Exit::Holds;
        let mut out = terminal::out();
        writeln!(out, "\nfaults of the harness")?;
        for sabotage in &HARNESS {
            let noticed = sabotage.is_noticed(&subject)?;
            let said = if noticed { "noticed by" } else { "MISSED by" };
            writeln!(out, "  {}: {said} {}", sabotage.name, sabotage.noticed_by)?;
            if !noticed {
                exit = exit.or(Exit::Violation);
            }
        }
        Ok(exit.or(told(&results, &subject.properties()?, |_| true)?))
    }

    /// The bugs that the `sim.toml` of a world plants.
    fn declared(&self) -> Result<Exit> {
        let arguments = WorldArguments {
            world: self.world.clone(),
            ..WorldArguments::default()
        };
        let shipped = arguments.load()?;
        let folder = arguments.folder();
        let layout = Layout::of(&folder)?;
        let bugs: Vec<Bug> = layout.declared.iter().flat_map(File::bugs).collect();
        if bugs.is_empty() {
            let what = format!("{} plants no bugs", folder.join(SIM_TOML).display());
            let way = "[bugs.NAME] says what is wrong, how it is built, and what must find it";
            return Err(Hinted::new(what, way));
        }
        if let Some(name) = &self.emit {
            return emit_declared(&layout, bugs, name);
        }
        let mut sought = Vec::new();
        for bug in &bugs {
            // A package is built once: its wasm is read before it is built with the next bug.
            let files = layout.planted(bug.clone())?.into_iter();
            let files = files.map(|(name, file)| format!("{name}={}", file.display()));
            let planted = WorldArguments {
                wasm: files.collect(),
                ..arguments.clone()
            };
            let mut loaded = planted.load()?;
            sought.push(Sought {
                name: &bug.name,
                model: models::surveyed(&mut loaded.world).context("a planted reducer")?,
                world: loaded.world,
                properties: bug.found_by.iter().map(String::as_str).collect(),
                shape: None,
                is_deep: false,
            });
        }
        let campaign = layout.declared.as_ref().map(File::campaign);
        let seeds = campaign.and_then(|campaign| campaign.seeds);
        let results = self.search(&sought, seeds.unwrap_or(run::SEEDS))?;
        let properties = Properties::of(&shipped.world, &*models::of(&shipped.world));
        told(&results, &properties, |name| !is_of_any_world(name))
    }

    /// Searches them, and tells of each.
    fn search(&self, sought: &[Sought<'_>], most_seeds: u64) -> Result<Vec<Searched>> {
        let options = SelftestOptions {
            first_seed: 0,
            starts: self.starts,
            most_seeds,
            shrinks: self.shrinks.unwrap_or(self.starts),
            mix: if self.fixed_mix {
                Mix::Fixed
            } else {
                Mix::Swarm
            },
            jobs: jobs(self.jobs),
        };
        let results = selftest::run(sought, &options, |result| {
            terminal::note(&result.name);
        })
        .context("a planted reducer cannot be run")?;
        write!(terminal::out(), "{}", planted(&results))?;
        Ok(results)
    }
}

/// Says what is wrong with the harness, or with properties, and which of these no bug has violated.
fn told(results: &[Searched], properties: &Properties, is_asked: fn(&str) -> bool) -> Result<Exit> {
    let mut out = terminal::out();
    let mut exit = Exit::Holds;
    for result in results {
        for fault in result.faults() {
            exit = exit.or(Exit::Violation);
            writeln!(out, "{}: {fault}", result.name)?;
        }
    }
    let fired = |name: &str| {
        let mut found = results.iter().flat_map(|result| &result.found);
        found.any(|found| found.property == name)
    };
    let names = properties.must_hold().map(|(_, property)| &*property.name);
    let silent: Vec<&str> = names
        .filter(|name| is_asked(name) && !fired(name))
        .collect();
    if !silent.is_empty() {
        writeln!(out, "no bug was found by: {}", silent.join(", "))?;
    }
    Ok(exit)
}

fn emit(wasm: &[u8]) -> Result<Exit> {
    terminal::raw_out_for(&Interrupt::default()).write_all(wasm)?;
    Ok(Exit::Holds)
}

/// Writes the wasm of a bug, if there is one.
fn emit_declared(layout: &Layout, bugs: Vec<Bug>, name: &str) -> Result<Exit> {
    let names: Vec<String> = bugs.iter().map(|bug| bug.name.clone()).collect();
    let Some(bug) = bugs.into_iter().find(|bug| bug.name == name) else {
        return Err(unknown(name, &names.join(", ")));
    };
    let files = layout.planted(bug)?;
    let wasm = files.iter().map(|(_, file)| read_wasm(file));
    let wasm: Vec<Vec<u8>> = wasm.collect::<Result<_>>()?;
    match wasm.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => emit(first),
        _ => bail!("`{name}` is several wasm files, and one is written"),
    }
}

fn unknown(name: &str, names: &str) -> anyhow::Error {
    anyhow::anyhow!("no planted bug is called `{name}`; there are {names}")
}

/// The planted bug of a name.
fn named<'a>(bugs: &'a [PlantedBug], name: &str) -> Result<&'a PlantedBug> {
    let Some(bug) = bugs.iter().find(|bug| bug.name == name) else {
        let names: Vec<&str> = bugs.iter().map(|bug| bug.name).collect();
        return Err(unknown(name, &names.join(", ")));
    };
    Ok(bug)
}
