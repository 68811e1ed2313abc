//! `sim selftest`: does the harness find what was planted?

use std::io::Write;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::input::jobs;
use super::planted::planted;
use super::{Exit, terminal};
use crate::models;
use crate::selftest::{self, HARNESS, PlantedBug, SelftestOptions, Subject};
use crate::worlds::{self, examples};
use sim_record::interrupt::Interrupt;
use sim_record::scenario::Mix;

/// Test the harness itself: planted bugs must be found, shrunk and explored.
#[derive(Args)]
#[command(after_help = examples::SELFTEST)]
pub(super) struct Selftest {
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
        let world = worlds::usual();
        let bugs = (world.bugs)();
        if let Some(name) = &self.emit {
            let wasm = &named(bugs, name)?.wasm;
            terminal::raw_out_for(&Interrupt::default()).write_all(wasm)?;
            return Ok(Exit::Holds);
        }
        let subject = Subject {
            air: &sim_air::load(&world.sources())?,
            wasm: world.wasm,
            model: models::of,
            bugs,
        };
        let options = SelftestOptions {
            first_seed: 0,
            starts: self.starts,
            shrinks: self.shrinks.unwrap_or(self.starts),
            mix: if self.fixed_mix {
                Mix::Fixed
            } else {
                Mix::Swarm
            },
            jobs: jobs(self.jobs),
        };
        let results = selftest::run(&subject, &options, |result| {
            terminal::note(result.name);
        })
        .context("a planted reducer cannot be run")?;
        let mut out = terminal::out();
        write!(out, "{}", planted(&results))?;
        let mut exit = Exit::Holds;
        writeln!(out, "\nfaults of the harness")?;
        for sabotage in &HARNESS {
            let noticed = sabotage.is_noticed(&subject)?;
            let said = if noticed { "noticed by" } else { "MISSED by" };
            writeln!(out, "  {}: {said} {}", sabotage.name, sabotage.noticed_by)?;
            if !noticed {
                exit = exit.or(Exit::Violation);
            }
        }
        for result in &results {
            for fault in result.faults() {
                exit = exit.or(Exit::Violation);
                writeln!(out, "{}: {fault}", result.name)?;
            }
        }
        let fired = |name: &str| {
            let mut found = results.iter().flat_map(|result| &result.found);
            found.any(|found| found.property == name)
        };
        let properties = subject.properties()?;
        let names = properties.must_hold().map(|(_, property)| &*property.name);
        let silent: Vec<&str> = names.filter(|name| !fired(name)).collect();
        if !silent.is_empty() {
            writeln!(out, "of no planted bug here: {}", silent.join(", "))?;
        }
        Ok(exit)
    }
}

/// The planted bug of a name.
fn named<'a>(bugs: &'a [PlantedBug], name: &str) -> Result<&'a PlantedBug> {
    let Some(bug) = bugs.iter().find(|bug| bug.name == name) else {
        let names: Vec<&str> = bugs.iter().map(|bug| bug.name).collect();
        bail!(
            "no planted bug is called `{name}`; there are {}",
            names.join(", ")
        );
    };
    Ok(bug)
}
