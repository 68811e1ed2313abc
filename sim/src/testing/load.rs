//! Where the world of a test comes from: the folder, the wasm, and what is meant. It is loaded as
//! every command loads it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow};

use crate::cli::{Leaks, Loaded, WorldArguments};
use sim_cases::files;

/// What a test says of its world.
pub(super) struct Source {
    folder: Option<PathBuf>,
    wasm: Vec<Wasm>,
    pub expect: Vec<String>,
    pub denies_leaks: bool,
}

enum Wasm {
    File(Option<String>, PathBuf),
    Bytes(String, Vec<u8>),
}

impl Source {
    pub fn of(folder: Option<PathBuf>) -> Source {
        Source {
            folder,
            wasm: Vec::new(),
            expect: Vec::new(),
            denies_leaks: false,
        }
    }

    pub fn add_file(&mut self, name: Option<&str>, file: PathBuf) {
        self.wasm.push(Wasm::File(name.map(str::to_owned), file));
    }

    pub fn add_bytes(&mut self, name: &str, wasm: &[u8]) {
        self.wasm.push(Wasm::Bytes(name.to_owned(), wasm.to_vec()));
    }

    /// The world as a command would be given it, in words of its arguments: for who replays a
    /// case. Bytes are taken for a file that is named by their module.
    pub fn arguments(&self) -> WorldArguments {
        let wasm = self.wasm.iter().map(|wasm| match wasm {
            Wasm::File(None, file) => file.display().to_string(),
            Wasm::File(Some(name), file) => format!("{name}={}", file.display()),
            Wasm::Bytes(name, _) => format!("{name}={}.wasm", sim_kernel::local_name(name)),
        });
        WorldArguments {
            world: self.folder.clone(),
            wasm: wasm.collect(),
            expect: self.expect.clone(),
            leaks: match self.denies_leaks {
                true => Leaks::Deny,
                false => Leaks::Advise,
            },
        }
    }

    /// # Errors
    /// If documents or wasm cannot be read, or are not what they should be.
    pub fn load(&self) -> Result<Loaded> {
        let mut arguments = self.arguments();
        let mut kept = Vec::new();
        for (argument, wasm) in arguments.wasm.iter_mut().zip(&self.wasm) {
            match wasm {
                Wasm::File(_, file) => check_is_built(file)?,
                Wasm::Bytes(name, bytes) => {
                    let file = files::temporary_with(&env::temp_dir(), bytes)
                        .with_context(|| format!("no room for the wasm of {name}"))?;
                    *argument = format!("{name}={}", file.path().display());
                    kept.push((file.path().display().to_string(), name, file));
                }
            }
        }
        let here = env::current_dir().unwrap_or_default();
        arguments.load().map_err(|error| {
            let files = kept.iter();
            let error = files.fold(error, |error, (path, name, _)| {
                instead(error, path, &format!("the bytes of {name}"))
            });
            error.context(format!("the world of this test, from {}", here.display()))
        })
    }
}

/// An error that speaks of a file by another name.
fn instead(error: Error, path: &str, name: &str) -> Error {
    let texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    match texts.iter().any(|text| text.contains(path)) {
        false => error,
        true => {
            let texts = texts.iter().map(|text| text.replace(path, name));
            let again = texts.map(Error::msg).rev();
            again
                .reduce(|cause, error| cause.context(error))
                .unwrap_or(error)
        }
    }
}

/// A file that is not there was mostly not built.
fn check_is_built(file: &Path) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    let here = env::current_dir().unwrap_or_default();
    Err(
        anyhow!("build it before the test: cargo build --release --target wasm32-unknown-unknown")
            .context(format!("no {} in {}", file.display(), here.display())),
    )
}
