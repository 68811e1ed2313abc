//! Case files on disk: the only I/O of the library beside the cache of compiled code.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{Case, CaseError, MOST_BYTES};
use crate::air::Hash;

/// Why a case could not be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read it")]
    Io(#[from] io::Error),
    #[error("it is larger than {} MiB, the most that is read", MOST_BYTES >> 20)]
    TooLarge,
    #[error(transparent)]
    Case(#[from] CaseError),
}

/// Reads a case file.
pub fn read(path: &Path) -> Result<Case, ReadError> {
    let file = fs::File::open(path)?;
    let mut text = String::new();
    // One byte more than allowed tells a file that is too large from one that just fits,
    // without trusting what the file system says its size is.
    file.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(ReadError::TooLarge);
    }
    Ok(Case::parse(&text)?)
}

/// Writes a case into a folder, which is made if it is not there, by atomic rename. The file is
/// named by `stem` (the invariant, for a failure) and the content, and another is never written
/// over: if a file of that name is there it holds the same case.
pub fn write(folder: &Path, stem: &str, case: &Case) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let text = case.to_text();
    let digits = Hash::of(text.as_bytes()).to_string();
    let path = folder.join(format!("{stem}-{}.json", &digits["sha256:".len()..][..12]));
    let mut file = file_in(folder)?;
    file.write_all(text.as_bytes())?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(path),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(path),
        Err(error) => Err(error.error),
    }
}

/// Writes a case to a file by atomic rename, over what was there: a reader finds the one or the
/// other, whole.
pub fn overwrite(path: &Path, case: &Case) -> io::Result<()> {
    let mut file = file_in(folder_of(path))?;
    file.write_all(case.to_text().as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A new file that others may read as well, unlike what is temporary.
fn file_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the user's mask takes away is taken away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Whether [`overwrite`] could write there: known before much is done for the sake of it.
pub fn probe(path: &Path) -> io::Result<()> {
    tempfile::NamedTempFile::new_in(folder_of(path)).map(drop)
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The case files of a folder, in order of their names.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
