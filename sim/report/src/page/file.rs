//! Pages as files: written whole or not at all, and never over what is no page of ours.

use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};

use sim_cases::files;

/// By this, in the head of each, pages are recognised.
const GENERATOR: &[u8] = b"<meta name=\"generator\" content=\"sim ";
/// It is within so many bytes.
const HEAD_BYTES: u64 = 512;

/// Whether a page may be written there, and can be: to be known before much is done for it.
///
/// # Errors
/// If something else is there, or nothing can be written.
pub fn probe(path: &Path) -> Result<()> {
    let name = || format!("cannot write {}", path.display());
    match files::head(path, HEAD_BYTES) {
        Ok(head) if head.is_empty() || is_own(&head) => {}
        Ok(_) => bail!(
            "{} is there and is no page of sim: remove it, or choose another place",
            path.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(name),
    }
    files::probe(path).with_context(name)
}

/// Writes a page, over an older one if there is one.
///
/// # Errors
/// As [`probe`].
pub fn write(path: &Path, text: &str) -> Result<()> {
    probe(path)?;
    files::replace(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn is_own(head: &[u8]) -> bool {
    head.windows(GENERATOR.len()).any(|part| part == GENERATOR)
}
