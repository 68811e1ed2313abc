//! What is made of a case beside its table: a page, a diagram for a pull request, a test in Rust.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::super::terminal;
use super::WorldArguments;
use super::regression::Regression;
use sim_cases::{Case, files};
use sim_kernel::World;
use sim_model::Properties;
use sim_report::event::CaseDone;
use sim_report::{mermaid, page};

/// Standard output, as an argument.
const STANDARD_OUTPUT: &str = "-";

#[derive(Args)]
pub(super) struct Written {
    /// Write a page that shows the run as a space-time diagram
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the run as a sequence diagram in Mermaid, for a pull request; to standard output if no
    /// file is named
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STANDARD_OUTPUT)]
    mermaid: Option<PathBuf>,
    /// Write a `#[test]` of the case, in which everything must hold; `-` for standard output
    #[arg(long, value_name = "FILE")]
    emit_regression: Option<PathBuf>,
}

/// A case that was replayed.
pub(super) struct Replayed<'a> {
    pub path: &'a Path,
    pub case: &'a Case,
    pub arguments: &'a WorldArguments,
    pub world: &'a World,
    pub properties: &'a Properties,
    pub done: &'a CaseDone<'a>,
}

impl Written {
    /// Whether anything is to be made: of one case, then.
    pub fn is_asked(&self) -> bool {
        self.html.is_some() || self.mermaid.is_some() || self.emit_regression.is_some()
    }

    /// Whether standard output is taken, and shows nothing else.
    pub fn takes_output(&self) -> bool {
        let asked = [&self.mermaid, &self.emit_regression];
        asked.into_iter().flatten().any(|path| is_output(path))
    }

    /// Whether all can be written, each to a place of its own: to be known before much is done for
    /// it.
    ///
    /// # Errors
    /// If something else is there, or nothing can be written.
    pub fn probe(&self) -> Result<()> {
        let paths = [&self.html, &self.mermaid, &self.emit_regression];
        let paths: Vec<&PathBuf> = paths.into_iter().flatten().collect();
        let twice = (1..paths.len()).find(|at| paths[..*at].contains(&paths[*at]));
        if let Some(path) = twice.map(|at| paths[at]) {
            bail!("only one thing can be written to {}", path.display());
        }
        if let Some(path) = &self.html {
            page::file::probe(path)?;
        }
        if let Some(path) = self.mermaid.as_deref().filter(|it| !is_output(it)) {
            probe_diagram(path)?;
        }
        if let Some(path) = self.emit_regression.as_deref().filter(|it| !is_output(it)) {
            if path.symlink_metadata().is_ok() {
                bail!(
                    "{} is there: a test is written as a new file",
                    path.display()
                );
            }
            files::probe(path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Writes it.
    ///
    /// # Errors
    /// As [`Written::probe`].
    pub fn write(&self, replayed: &Replayed<'_>) -> Result<()> {
        let Replayed { world, done, .. } = replayed;
        if let Some(path) = &self.html {
            page::file::write(path, &page::of_case(world, done)?)?;
            terminal::note(&format!("page: {}", path.display()));
        }
        if let Some(path) = &self.mermaid {
            put(path, "diagram", &mermaid::diagram(done.timeline))?;
        }
        if let Some(path) = &self.emit_regression {
            let regression = Regression {
                path: replayed.path,
                case: replayed.case,
                arguments: replayed.arguments,
                world,
                properties: replayed.properties,
                violations: done.violations,
            };
            put(path, "test", &regression.source()?)?;
        }
        Ok(())
    }
}

/// Whether a diagram may be written there: over another one, or where nothing is.
fn probe_diagram(path: &Path) -> Result<()> {
    let name = || format!("cannot write {}", path.display());
    match files::head(path, mermaid::BEGIN.len() as u64) {
        Ok(head) if head.is_empty() || head == mermaid::BEGIN.as_bytes() => {}
        Ok(_) => bail!(
            "{} is there and is no diagram: remove it, or choose another place",
            path.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(name),
    }
    files::probe(path).with_context(name)
}

fn is_output(path: &Path) -> bool {
    path == Path::new(STANDARD_OUTPUT)
}

/// Writes a text to a file, or to standard output.
fn put(path: &Path, what: &str, text: &str) -> Result<()> {
    if is_output(path) {
        return Ok(terminal::out().write_all(text.as_bytes())?);
    }
    files::replace(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    terminal::note(&format!("{what}: {}", path.display()));
    Ok(())
}
