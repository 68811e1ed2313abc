//! Puts what a target starts from where libFuzzer looks for it.
//!
//! cargo-fuzz keeps a target's corpus in `fuzz/corpus/TARGET`, which is not committed, and a run
//! adds to it; what the project keeps lives apart. So, before a run reads its corpus, the seeds
//! that it has not are written into it. A file's name says who put it there.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// An input to start from.
pub struct Sown {
    pub name: String,
    pub content: Vec<u8>,
}

impl Sown {
    pub fn new(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Sown {
        Sown {
            name: name.into(),
            content: content.into(),
        }
    }
}

/// Writes seeds into the corpus of a run with these arguments. They are asked for only then.
///
/// Nothing is written when libFuzzer is not to fuzz: when it reproduces or minimises one input, or
/// merges corpora, which `cargo fuzz cmin` does.
///
/// # Errors
/// If a file cannot be read or written.
pub fn sow(
    arguments: impl IntoIterator<Item = OsString>,
    seeds: impl FnOnce() -> Result<Vec<Sown>>,
) -> Result<()> {
    let Some(corpus) = corpus(arguments) else {
        return Ok(());
    };
    for Sown { name, content } in seeds()? {
        let path = corpus.join(format!("seed-{name}"));
        if !path.exists() {
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// The files of a folder, in order of their names; none if the folder is not there.
///
/// # Errors
/// If one cannot be read.
pub fn files(folder: &Path) -> Result<Vec<Sown>> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(cannot)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.with_context(cannot)?.path());
    }
    paths.sort();
    paths.retain(|path| path.is_file());
    paths
        .iter()
        .map(|path| {
            let content = fs::read(path).with_context(|| path.display().to_string())?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Ok(Sown::new(name, content))
        })
        .collect()
}

/// The first folder among the arguments, which is where libFuzzer writes.
fn corpus(arguments: impl IntoIterator<Item = OsString>) -> Option<PathBuf> {
    const NOT_FUZZING: [&str; 4] = ["-merge", "-minimize_crash", "-cleanse_crash", "-runs=0"];
    let mut corpus = None;
    for argument in arguments.into_iter().skip(1) {
        let text = argument.to_string_lossy();
        if NOT_FUZZING.iter().any(|flag| text.starts_with(flag)) {
            return None;
        }
        let is_folder = !text.starts_with('-') && Path::new(&argument).is_dir();
        if is_folder && corpus.is_none() {
            corpus = Some(PathBuf::from(argument));
        }
    }
    corpus
}
