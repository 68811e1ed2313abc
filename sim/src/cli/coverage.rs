//! `sim coverage`: which code of the reducer do cases reach?

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::errors::error_text;
use super::input::WorldArguments;
use super::{Exit, cases, terminal};
use crate::models;
use sim_air::ReducerId;
use sim_host::Coverage;
use sim_kernel::World;
use sim_report::text::Text;
use sim_report::words::counted;
use sim_search::campaign::Runner;

/// Replay cases and tell which functions and blocks of the reducer they reach
#[derive(Args)]
#[command(after_help = "\
The reducer is rewritten to count its blocks; nothing is judged. Of a folder, files named `*.json`
and those without extension are cases.

Example: sim coverage corpus --blocks")]
pub(super) struct CoverageOf {
    /// Case files, and folders of them [default: corpus]
    #[arg(value_name = "CASE|FOLDER")]
    cases: Vec<PathBuf>,
    #[command(flatten)]
    world: WorldArguments,
    /// Also list the blocks that are never reached
    #[arg(long)]
    blocks: bool,
}

impl CoverageOf {
    pub fn execute(self) -> Result<Exit> {
        let loaded = self.world.load_instrumented()?;
        let mut text = Text::default();
        loaded.notes.iter().for_each(|note| text.line(note));
        write!(terminal::out(), "{text}")?;
        let world = &loaded.world;
        let model = models::of(world);
        let mut runner = Runner::new(world, &*model)?;
        let mut exit = Exit::Holds;
        let (mut cases, mut turns) = (0_u64, 0);
        for path in self.files()? {
            // One bad file among many is reported, and the others still count.
            match self.replay(&path, world, &mut runner) {
                Ok(more) => {
                    cases += 1;
                    turns += more;
                }
                Err(error) => {
                    write!(terminal::err(), "{}", error_text(&error))?;
                    exit = Exit::BadInput;
                }
            }
        }
        let mut out = terminal::out();
        if turns == 0 {
            let cases = counted(cases, "case");
            writeln!(out, "nothing ran: {cases}, no decision was possible")?;
            return Ok(exit.or(Exit::NothingRan));
        }
        for (id, reducer) in world.reducers() {
            let mut text = Text::default();
            let (cases, turns) = (counted(cases, "case"), counted(turns as u64, "turn"));
            let (name, hash) = (&reducer.name, world.code(id).hash());
            text.line(format!("{name} ({hash}), {cases}, {turns}"));
            text.append(self.told(world, id, &mut runner));
            write!(out, "{text}")?;
        }
        Ok(exit)
    }

    /// Replays a case on fresh instances; how many turns it took.
    fn replay(&self, path: &Path, world: &World, runner: &mut Runner<'_>) -> Result<usize> {
        let folder = self.world.world.as_deref();
        let (_, scenario) = cases::read(path, world, runner.answers(), folder)?;
        runner.renew()?;
        runner.replay(&scenario);
        Ok(runner.trace.turns.len())
    }

    fn told(&self, world: &World, id: ReducerId, runner: &mut Runner<'_>) -> Text {
        let mut coverage = Coverage::default();
        runner.take_coverage(id, &mut coverage);
        let Some(sites) = world.code(id).sites() else {
            return Text::default();
        };
        let mut text = sim_report::coverage::functions(sites, &coverage);
        if self.blocks {
            text.append(sim_report::coverage::missed(sites, &coverage));
        }
        text
    }

    /// The files asked for, those of a folder in order of their names.
    fn files(&self) -> Result<Vec<PathBuf>> {
        match self.cases.is_empty() {
            true => cases::expanded(&[cases::corpus()?], is_case),
            false => cases::expanded(&self.cases, is_case),
        }
    }
}

/// Fuzzers keep cases in files without extension.
fn is_case(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_bare = path.extension().is_none() && !name.starts_with('.');
    cases::is_json(path) || is_bare && path.is_file()
}
