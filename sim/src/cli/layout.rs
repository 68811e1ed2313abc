//! What lies in the folder of a world: documents, `sim.toml`, and the wasm that this names.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::errors::Hinted;
use super::package;
use sim_cases::files;
use sim_declared::{Bug, File, Wasm};

/// The file in which a world's author declares what it is for.
pub(super) const SIM_TOML: &str = "sim.toml";

/// The most that is read of it.
const MOST_BYTES: u64 = 1 << 20;

/// The folder of a world.
pub(super) struct Layout {
    /// The folder itself.
    folder: PathBuf,
    /// What is declared, if something is.
    pub declared: Option<File>,
}

impl Layout {
    /// Looks into a folder.
    ///
    /// # Errors
    /// If its `sim.toml` cannot be read, or is none.
    pub fn of(folder: &Path) -> Result<Layout> {
        let path = folder.join(SIM_TOML);
        let declared = match path.exists() {
            false => None,
            true => {
                let text = files::read_text_at_most(&path, MOST_BYTES)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Some(File::parse(&path.display().to_string(), &text)?)
            }
        };
        Ok(Layout {
            folder: folder.to_owned(),
            declared,
        })
    }

    /// The folder of the documents.
    pub fn documents(&self) -> PathBuf {
        let within = self.declared.as_ref().and_then(File::documents);
        within.map_or_else(|| self.folder.clone(), |within| self.folder.join(within))
    }

    /// The wasm file of a module, built if that is to be done; None if nothing is said of it.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn wasm(&self, module: &str) -> Result<Option<PathBuf>> {
        let Some(file) = &self.declared else {
            return Ok(None);
        };
        let found = file.wasm().find(|(name, _)| *name == module);
        found
            .map(|(name, wasm)| self.made(file, name, wasm))
            .transpose()
    }

    /// The wasm file of each reducer that has a planted bug, by its name, built if that is to be
    /// done.
    ///
    /// # Errors
    /// If one cannot be built.
    pub fn planted(&self, bug: Bug) -> Result<Vec<(String, PathBuf)>> {
        let Some(file) = &self.declared else {
            return Ok(Vec::new());
        };
        let made = bug.reducers.into_iter().map(|(name, wasm)| {
            let path = self.made(file, &name, wasm)?;
            Ok((name, path))
        });
        made.collect()
    }

    /// The wasm file of each monitor, by its name, built if that is to be done.
    ///
    /// # Errors
    /// If one cannot be built.
    pub fn monitors(&self) -> Result<Vec<(String, PathBuf)>> {
        let Some(file) = &self.declared else {
            return Ok(Vec::new());
        };
        let monitors = file.monitors();
        let made = monitors.map(|(name, wasm)| Ok((name.to_owned(), self.made(file, name, wasm)?)));
        made.collect()
    }

    fn made(&self, file: &File, name: &str, wasm: Wasm) -> Result<PathBuf> {
        match wasm {
            Wasm::File(path) => {
                let path = self.folder.join(path);
                if !path.is_file() {
                    let shown = path.display();
                    let what = format!("no {shown}: {} says that `{name}` is there", file.name);
                    let way = "build it first, as the README of the world says";
                    return Err(Hinted::new(what, way));
                }
                Ok(path)
            }
            Wasm::Package { folder, features } => {
                package::build(&self.folder.join(folder), &features)
                    .with_context(|| format!("`{name}` cannot be built"))
            }
        }
    }
}
