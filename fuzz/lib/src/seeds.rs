//! Puts the committed cases where libFuzzer looks for what to start from.
//!
//! cargo-fuzz keeps a target's corpus in `fuzz/corpus/TARGET`, which is not committed, and a run
//! adds to it; the cases of the project live apart. So, before a run reads its corpus, the files
//! of a folder are copied into it that it has not. A file's name says who put it there.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sim::corpus::store;

use crate::input;

/// Copies the cases of `folder`, and one with nothing in it, into the corpus of a run with these
/// arguments.
///
/// Nothing is copied when libFuzzer is not to fuzz: when it reproduces or minimises one input, or
/// merges corpora, which `cargo fuzz cmin` does. No world is loaded for it: a case of another
/// world is rejected when it is run.
///
/// # Errors
/// If a file cannot be read or written.
pub fn sow(arguments: impl IntoIterator<Item = OsString>, folder: &Path) -> Result<()> {
    let Some(corpus) = corpus(arguments) else {
        return Ok(());
    };
    put(&corpus, "empty.json", input::EMPTY.as_bytes())?;
    let cannot = || format!("cannot read the cases of {}", folder.display());
    for path in store::list(folder).with_context(cannot)? {
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        put(&corpus, &name, &text)?;
    }
    Ok(())
}

fn put(corpus: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = corpus.join(format!("seed-{name}"));
    if !path.exists() {
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
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
