//! Case files on disk: the only I/O of this crate beside `files`.
//!
//! A case is whole and synced before it is reported, under a name that nothing else had: what
//! stands in a folder is never written over and never removed, but for what the same [`Draft`]
//! wrote there. Any number of processes may write into one folder. What a killed one left half
//! written is removed by the next.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Case, CaseError, MOST_BYTES};
use crate::files;

/// Why a case could not be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read it")]
    Io(#[from] io::Error),
    /// It can be read, and is no case.
    #[error(transparent)]
    Case(#[from] CaseError),
}

/// Why a case could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder does not take it.
    #[error("cannot write in {}", .folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It would be larger than what is read.
    #[error(
        "the case takes {bytes} bytes, and at most {MOST_BYTES} are read: \
         shorter runs make smaller cases"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// What would be written could not be read back.
    #[error("the case could not be read back")]
    Unreadable(#[source] CaseError),
    /// All names for it are taken.
    #[error(
        "{} names like {} are taken in {}",
        MOST_NAMES,
        .name,
        .folder.display()
    )]
    NoName {
        /// The folder.
        folder: PathBuf,
        /// The first of the names.
        name: String,
    },
}

/// How many names are tried where others are taken by something else.
const MOST_NAMES: u32 = 1_000;

/// Reads a case file.
pub fn read(path: &Path) -> Result<Case, ReadError> {
    let text = files::read_text_at_most(path, MOST_BYTES)?;
    Ok(Case::parse(&text)?)
}

/// A case in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// It was there before: the same run was found by somebody else, or earlier.
    pub was_known: bool,
}

/// Writes a case into a folder, which is made if it is not there. The file is named by `stem` (the
/// invariant, for a failure) and by what was found: see [`Case::identity`]. If the same was found
/// before, that file stays as it is.
///
/// # Errors
/// If the file cannot be written, or could not be read back.
pub fn write(folder: &Path, stem: &str, case: &Case) -> Result<Written, WriteError> {
    let text = checked_text(case)?;
    let name = named(stem, case);
    let names = (1..=MOST_NAMES).map(|place| match place {
        1 => format!("{name}.json"),
        _ => format!("{name}-{place}.json"),
    });
    let is_same = |path: &Path| read(path).is_ok_and(|other| other.is_the_same(case));
    place(folder, &name, names, &text, is_same)
}

/// A case that may yet become better, in a file of its own: whoever else writes into the folder, no
/// other draft has its name.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    /// How many decisions it holds.
    decisions: usize,
}

impl Draft {
    /// Writes the first version: `STEM-DIGITS.draft-N.json`.
    ///
    /// # Errors
    /// As [`write()`].
    pub fn create(folder: &Path, stem: &str, case: &Case) -> Result<Draft, WriteError> {
        let text = checked_text(case)?;
        let name = named(stem, case);
        let names = (1..=MOST_NAMES).map(|place| format!("{name}.draft-{place}.json"));
        let written = place(folder, &name, names, &text, |_| false)?;
        Ok(Draft {
            path: written.path,
            decisions: case.decision_count(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// See [`is_worth`].
    pub fn is_worth(&self, decisions: usize) -> bool {
        is_worth(decisions, self.decisions)
    }

    /// Takes a version that is better.
    ///
    /// # Errors
    /// As [`write()`]; then the version before is still there.
    pub fn improve(&mut self, case: &Case) -> Result<(), WriteError> {
        replace(&self.path, &checked_text(case)?)?;
        self.decisions = case.decision_count();
        Ok(())
    }

    /// Nothing more comes, and what was found is kept elsewhere. A draft that cannot be removed is
    /// one file too many, and no loss.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether so many decisions are much fewer than others, and worth the time that it takes to sync a
/// file.
pub fn is_worth(decisions: usize, before: usize) -> bool {
    decisions * 4 <= before * 3
}

/// Writes a case to a file of this name, unless a case of the same verdict that is as short stands
/// there: false if so. If it is of the same run, it is given the marks.
///
/// # Errors
/// As [`write()`], and if what stands there is no case.
pub fn write_if_better(path: &Path, case: &Case) -> Result<bool, WriteOverError> {
    let text = checked_text(case)?;
    let folder = files::folder_of(path);
    fs::create_dir_all(folder).map_err(|error| WriteError::io(folder, error))?;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(WriteError::io(folder, error).into()),
        Ok(_) => {
            let other = read(path).map_err(WriteOverError::NoCase)?;
            if other.is_the_same(case) && other.marks() != case.marks() {
                replace(path, &checked_text(&other.with_marks(&case.marks()))?)?;
                return Ok(true);
            }
            let is_better = case.decision_count() < other.decision_count();
            if other.verdict == case.verdict && !is_better {
                return Ok(false);
            }
        }
    }
    replace(path, &text)?;
    Ok(true)
}

/// Why a case could not be written over what was there.
#[derive(Debug, thiserror::Error)]
pub enum WriteOverError {
    /// What is there is no case.
    #[error("what stands there is no case, and is not written over")]
    NoCase(#[source] ReadError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl WriteError {
    fn io(folder: &Path, error: io::Error) -> WriteError {
        WriteError::Io {
            folder: folder.to_owned(),
            error,
        }
    }
}

/// The text of a case that can be read back.
fn checked_text(case: &Case) -> Result<String, WriteError> {
    let text = case.to_text();
    if text.len() as u64 > MOST_BYTES {
        return Err(WriteError::TooLarge { bytes: text.len() });
    }
    Case::parse(&text).map_err(WriteError::Unreadable)?;
    Ok(text)
}

/// The name of a case's file, without its end: a property may be called as a folder is, or by a
/// sentence, and its file stays in the folder of cases.
fn named(stem: &str, case: &Case) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => letter,
        _ => '-',
    };
    let stem: String = stem.chars().take(STEM_LETTERS).map(plain).collect();
    format!("{stem}-{}", digits(case))
}

/// So much of a property's name is in that of a case.
const STEM_LETTERS: usize = 64;

/// How many hex digits of a case's identity its file is named by.
const NAME_DIGITS: usize = 12;

fn digits(case: &Case) -> String {
    let hash = case.identity().to_string();
    hash["sha256:".len()..][..NAME_DIGITS].to_owned()
}

/// Whether a file that was named by what is in it now has something else in it: it was edited.
pub fn is_edited(path: &Path, case: &Case) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let last = stem.and_then(|stem| stem.rsplit_once('-'));
    last.is_some_and(|(_, last)| {
        let is_digits = last.len() == NAME_DIGITS && last.bytes().all(|it| it.is_ascii_hexdigit());
        is_digits && last != digits(case)
    })
}

/// Writes a text under the first of some names that is free, or at which the same stands already.
/// What stands at a name is looked at: an empty file, a link or a folder is not what was found.
fn place(
    folder: &Path,
    name: &str,
    names: impl Iterator<Item = String>,
    text: &str,
    is_same: impl Fn(&Path) -> bool,
) -> Result<Written, WriteError> {
    let io = |error| WriteError::io(folder, error);
    fs::create_dir_all(folder).map_err(io)?;
    let mut temporary = None;
    for name in names {
        let path = folder.join(name);
        if let Ok(known) = fs::symlink_metadata(&path) {
            if known.is_file() && is_same(&path) {
                return Ok(Written {
                    path,
                    was_known: true,
                });
            }
            continue;
        }
        let file = match temporary.take() {
            Some(file) => file,
            None => files::temporary_with(folder, text.as_bytes()).map_err(io)?,
        };
        match file.persist_noclobber(&path) {
            Ok(_) => {
                files::sync_folder(folder).map_err(io)?;
                return Ok(Written {
                    path,
                    was_known: false,
                });
            }
            // Somebody was faster. What that is will be looked at under the next name, which is
            // one name more than needed at the worst.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                if is_same(&path) {
                    return Ok(Written {
                        path,
                        was_known: true,
                    });
                }
                temporary = Some(error.file);
            }
            Err(error) => return Err(io(error.error)),
        }
    }
    Err(WriteError::NoName {
        folder: folder.to_owned(),
        name: name.to_owned(),
    })
}

/// Writes a text over a file: a reader finds the one or the other, whole.
fn replace(path: &Path, text: &str) -> Result<(), WriteError> {
    let folder = files::folder_of(path);
    let io = |error| WriteError::io(folder, error);
    let file = files::temporary_with(folder, text.as_bytes()).map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    files::sync_folder(folder).map_err(io)
}

/// Whether cases can be written into a folder, which need not be there yet: known before much is
/// done for the sake of it. What killed processes left half written is removed.
///
/// # Errors
/// If they cannot.
pub fn probe(folder: &Path) -> Result<(), WriteError> {
    /// About as much as a case takes, so that a full disk is noticed.
    const ROOM_BYTES: usize = 16 << 10;
    let mut there = folder;
    while !there.exists() {
        there = files::folder_of(there);
        if there == Path::new(".") {
            break;
        }
    }
    if there == folder {
        files::remove_abandoned(folder);
    }
    let probed = files::temporary_with(there, &[b' '; ROOM_BYTES]);
    probed
        .map(drop)
        .map_err(|error| WriteError::io(folder, error))
}

/// The case files of a folder, in order of their names.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    files::list(folder, |path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    })
}
