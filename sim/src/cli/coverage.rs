//! `sim coverage`: which code of the reducer do cases reach?

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::input::{WorldArguments, error_text, project_folder};
use super::{Exit, terminal};
use crate::air::ReducerId;
use crate::campaign::Runner;
use crate::corpus::store;
use crate::files;
use crate::reducer::Coverage;
use crate::report;
use crate::report::text::Text;
use crate::workload;
use crate::world::World;

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
        for note in &loaded.notes {
            writeln!(terminal::out(), "{note}")?;
        }
        let world = &loaded.world;
        let workload = workload::of(world);
        let mut runner = Runner::new(world, &*workload)?;
        let mut exit = Exit::Holds;
        let (mut cases, mut turns) = (0, 0);
        for path in self.files()? {
            // One bad file among many is told, and the others still count.
            match replay(&path, world, &mut runner) {
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
            writeln!(out, "nothing ran: {cases} cases, no decision was possible")?;
            return Ok(exit.or(Exit::NothingRan));
        }
        for (id, reducer) in world.reducers() {
            writeln!(
                out,
                "{} ({}), {cases} cases, {turns} turns",
                reducer.name,
                world.code(id).hash()
            )?;
            write!(out, "{}", self.told(world, id, &mut runner))?;
        }
        Ok(exit)
    }

    fn told(&self, world: &World, id: ReducerId, runner: &mut Runner<'_>) -> Text {
        let mut coverage = Coverage::default();
        runner.take_coverage(id, &mut coverage);
        let Some(sites) = world.code(id).sites() else {
            return Text::default();
        };
        let mut text = report::coverage::functions(sites, &coverage);
        if self.blocks {
            text.append(report::coverage::missed(sites, &coverage));
        }
        text
    }

    /// The files asked for, those of a folder in order of their names.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let asked = match self.cases.is_empty() {
            true => vec![project_folder("corpus")],
            false => self.cases.clone(),
        };
        let mut files = Vec::new();
        for path in asked {
            if path.is_dir() {
                files.extend(cases_of(&path).with_context(|| path.display().to_string())?);
            } else {
                files.push(path);
            }
        }
        Ok(files)
    }
}

/// The cases of a folder. Fuzzers keep theirs in files without extension.
fn cases_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    files::list(folder, |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match path.extension() {
            Some(extension) => extension == "json",
            None => !name.starts_with('.') && path.is_file(),
        }
    })
}

/// Replays a case on fresh instances; how many turns it took.
fn replay(path: &Path, world: &World, runner: &mut Runner<'_>) -> Result<usize> {
    let name = || path.display().to_string();
    let case = store::read(path).with_context(name)?;
    let scenario = case.bind(&world.air).with_context(name)?;
    runner.renew()?;
    runner.replay(&scenario);
    Ok(runner.trace.turns.len())
}
