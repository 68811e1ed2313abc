//! `sim check`: are the documents of a world right, and which wasm do they pin?

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::input::{built_in, check_pin, project_folder, sources};
use super::{Exit, terminal};
use crate::air::{self, Hash};
use crate::reducer::{Code, Limits, default_cache_dir};

/// Check a world's documents; with --pin, write the hash of the built reducer into them.
#[derive(Args)]
#[command(after_help = "Example: sim check air --pin")]
pub(super) struct Check {
    /// Folder with the AIR documents [default: air]
    folder: Option<PathBuf>,
    /// Write the hash of the wasm in use into its module document
    #[arg(long)]
    pin: bool,
    /// With --pin, this wasm instead of the built-in one; NAME=FILE where there are several
    #[arg(long, value_name = "[NAME=]FILE", requires = "pin")]
    wasm: Vec<String>,
}

impl Check {
    pub fn execute(self) -> Result<Exit> {
        let folder = self.folder.clone().unwrap_or_else(|| project_folder("air"));
        if self.pin {
            self.pin(&folder)?;
        }
        let air = air::load(&sources(&folder)?)?;
        for reducer in air.reducers.iter().filter(|_| !self.pin) {
            if let Some(wasm) = built_in(&reducer.name) {
                check_pin(&folder, reducer, Hash::of(wasm))?;
            }
        }
        let mut out = terminal::out();
        for document in &air.documents {
            let name = if document.name.is_empty() {
                "-"
            } else {
                &document.name
            };
            writeln!(out, "{:<12} {name:<28} {}", document.kind, document.hash)?;
        }
        for reducer in &air.reducers {
            match reducer.wasm_hash {
                None => writeln!(out, "{}: not pinned", reducer.name)?,
                Some(hash) => writeln!(out, "{}: pinned to {hash}", reducer.name)?,
            }
        }
        writeln!(out, "{} documents: all checks pass", air.documents.len())?;
        Ok(Exit::Holds)
    }

    /// Writes the hash of each reducer whose wasm is at hand.
    fn pin(&self, folder: &Path) -> Result<()> {
        let sources = sources(folder)?;
        let air = air::load(&sources)?;
        let mut pinned = 0;
        for reducer in &air.reducers {
            let Some(wasm) = self.wasm_of(&reducer.name, air.reducers.len())? else {
                continue;
            };
            let code = Code::load(&wasm, Limits::default(), default_cache_dir().as_deref())
                .with_context(|| format!("the wasm of `{}`", reducer.name))?;
            let source = sources.iter().find(|source| source.file == reducer.file);
            let source = source.context("the module's document is one of the sources")?;
            let text = air::pin(source, &reducer.name, code.hash())?;
            replace(Path::new(&source.file), &text)
                .with_context(|| format!("cannot write {}", source.file))?;
            pinned += 1;
        }
        if pinned == 0 {
            bail!("no wasm to pin: say which with `--wasm FILE`");
        }
        Ok(())
    }

    fn wasm_of(&self, name: &str, reducers: usize) -> Result<Option<Vec<u8>>> {
        for text in &self.wasm {
            let file = match text.split_once('=') {
                Some((of, file)) if of == name => file,
                _ if reducers == 1 => text,
                _ => continue,
            };
            return fs::read(file)
                .map(Some)
                .with_context(|| format!("cannot read {file}"));
        }
        Ok(built_in(name).map(<[u8]>::to_vec))
    }
}

/// Writes a file by atomic rename.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    let permissions = fs::metadata(path)?.permissions();
    fs::set_permissions(file.path(), permissions)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
