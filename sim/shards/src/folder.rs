//! Folders of results on disk: `campaign.json`, and a file for each chunk, named by what is in it.
//!
//! What stands there is whole, and never written over. What is read back is untrusted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Campaign;
use sim_air::Hash;
use sim_cases::files;
use sim_search::campaign::ChunkResults;

/// The file that says of which campaign the results are.
const CAMPAIGN: &str = "campaign.json";
/// How the name of a chunk's file begins: `chunk-00000017-3f0a….json`.
const CHUNK: &str = "chunk-";
const END: &str = ".json";
/// So many hex digits of the hash of what is in a file are in its name.
const DIGITS: usize = 16;
/// The largest file that is read.
const MOST_BYTES: u64 = 64 << 20;
/// The most names that are read of a folder: those of ten billion seeds.
const MOST_FILES: usize = 10_000_000;

/// Why a folder of results cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It, or a file in it, cannot be read or written.
    #[error("{}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It has no results.
    #[error("{} has no results of a campaign: there is no {CAMPAIGN}", .0.display())]
    NoCampaign(PathBuf),
    /// A file is not of the format.
    #[error("{}: {what}", .path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Its `campaign.json` is none that this version reads.
    #[error("{}: {what}", .path.display())]
    NoFormat {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It is no folder.
    #[error("{} is no folder", .0.display())]
    NoFolder(PathBuf),
    /// A file has results of another campaign than the folder.
    #[error("{} has results of another campaign than its folder", .0.display())]
    Foreign(PathBuf),
    /// It has results of another campaign.
    #[error(
        "{} has results of another campaign: {name} is {there} there, and {here} here",
        .path.display()
    )]
    Another {
        /// Which.
        path: PathBuf,
        /// What differs.
        name: String,
        /// What it says.
        there: String,
        /// What was expected.
        here: String,
    },
    /// A file is not what its name says.
    #[error("{} was cut short or changed: its content is not what its name says", .0.display())]
    Damaged(PathBuf),
    /// Two files have different results of the same seeds.
    #[error("{} and {} have different results of the same seeds", .0.display(), .1.display())]
    Contradiction(PathBuf, PathBuf),
}

/// A folder of results of one campaign.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The hash of the campaign: it is in each file.
    campaign: String,
    /// The files of each chunk.
    files: BTreeMap<u64, Vec<PathBuf>>,
}

/// What is in the file of a chunk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<R> {
    /// The hash of the campaign that the results are of.
    campaign: String,
    results: R,
}

impl Folder {
    /// Opens a folder to write results of a campaign, and makes it if it is not there. What killed
    /// processes left half written is removed.
    ///
    /// # Errors
    /// If it cannot be written, or has results of another campaign.
    pub fn create(path: &Path, campaign: &Campaign) -> Result<Folder, FolderError> {
        let io = |error| FolderError::Io {
            path: path.to_owned(),
            error,
        };
        if path.exists() && !path.is_dir() {
            return Err(FolderError::NoFolder(path.to_owned()));
        }
        fs::create_dir_all(path).map_err(io)?;
        files::remove_abandoned(path);
        place(path, &path.join(CAMPAIGN), text_of(campaign).as_bytes())?;
        let (folder, there) = Folder::open(path)?;
        same(path, &there, campaign)?;
        Ok(folder)
    }

    /// Opens a folder of results to read them.
    ///
    /// # Errors
    /// If there are none.
    pub fn open(path: &Path) -> Result<(Folder, Campaign), FolderError> {
        let file = path.join(CAMPAIGN);
        if !file.exists() {
            return Err(FolderError::NoCampaign(path.to_owned()));
        }
        let no_format = |what: String| FolderError::NoFormat {
            path: file.clone(),
            what,
        };
        let bytes = read(&file)?;
        let campaign: Campaign =
            serde_json::from_slice(&bytes).map_err(|error| no_format(error.to_string()))?;
        campaign
            .check()
            .map_err(|what| no_format(what.to_owned()))?;
        let folder = Folder {
            path: path.to_owned(),
            campaign: Hash::of(&bytes).to_string(),
            files: chunks_in(path, campaign.chunks())?,
        };
        Ok((folder, campaign))
    }

    /// The chunks that there are results of, in order.
    pub fn chunks(&self) -> impl Iterator<Item = u64> {
        self.files.keys().copied()
    }

    /// The results of a chunk, if they are there.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, is of another campaign, or contradicts another.
    pub fn read(&self, chunk: u64) -> Result<Option<ChunkResults>, FolderError> {
        let mut first: Option<(&Path, ChunkResults)> = None;
        for file in self.files.get(&chunk).into_iter().flatten() {
            let results = self.read_file(chunk, file)?;
            match &first {
                Some((other, known)) if *known != results => {
                    let other = other.to_path_buf();
                    return Err(FolderError::Contradiction(other, file.clone()));
                }
                Some(_) => {}
                None => first = Some((file, results)),
            }
        }
        Ok(first.map(|(_, results)| results))
    }

    fn read_file(&self, chunk: u64, file: &Path) -> Result<ChunkResults, FolderError> {
        let bytes = read(file)?;
        if chunk_of(file) != Some((chunk, &*digits(&bytes))) {
            return Err(FolderError::Damaged(file.to_owned()));
        }
        let malformed = |what: String| FolderError::Malformed {
            path: file.to_owned(),
            what,
        };
        let stored: Stored<ChunkResults> =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if stored.campaign != self.campaign {
            return Err(FolderError::Foreign(file.to_owned()));
        }
        match stored.results.chunk == chunk {
            true => Ok(stored.results),
            false => Err(malformed(format!("it has chunk {}", stored.results.chunk))),
        }
    }

    /// Writes the results of a chunk.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn write(&self, results: &ChunkResults) -> Result<(), FolderError> {
        let text = text_of(&Stored {
            campaign: self.campaign.clone(),
            results,
        });
        let name = format!(
            "{CHUNK}{:08}-{}{END}",
            results.chunk,
            digits(text.as_bytes())
        );
        place(&self.path, &self.path.join(name), text.as_bytes())
    }
}

/// The files of each chunk in a folder of so many.
fn chunks_in(path: &Path, count: u64) -> Result<BTreeMap<u64, Vec<PathBuf>>, FolderError> {
    let io = |error| FolderError::Io {
        path: path.to_owned(),
        error,
    };
    let is_chunk = |path: &Path| chunk_of(path).is_some();
    let names = files::list_at_most(path, MOST_FILES, is_chunk).map_err(io)?;
    let mut files: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
    for name in names {
        let Some((chunk, _)) = chunk_of(&name) else {
            continue;
        };
        if chunk >= count {
            return Err(FolderError::Foreign(name));
        }
        files.entry(chunk).or_default().push(name);
    }
    Ok(files)
}

/// Folders that have results of the same campaign.
#[derive(Debug)]
pub struct Folders {
    folders: Vec<Folder>,
    /// Of which campaign they are.
    pub campaign: Campaign,
}

impl Folders {
    /// Opens one folder or more.
    ///
    /// # Errors
    /// If one has no results, or those of another campaign than the first.
    pub fn open(first: &Path, rest: &[PathBuf]) -> Result<Folders, FolderError> {
        let (folder, campaign) = Folder::open(first)?;
        let mut folders = vec![folder];
        for path in rest {
            let (folder, there) = Folder::open(path)?;
            same(path, &there, &campaign)?;
            folders.push(folder);
        }
        Ok(Folders { folders, campaign })
    }

    /// # Errors
    /// If they are not of this campaign.
    pub fn expect(&self, campaign: &Campaign) -> Result<(), FolderError> {
        let mut paths = self.folders.iter().map(|folder| &*folder.path);
        let first = paths.next().unwrap_or(Path::new(""));
        same(first, &self.campaign, campaign)
    }

    /// The chunks that there are results of, in order.
    pub fn chunks(&self) -> BTreeSet<u64> {
        self.folders.iter().flat_map(Folder::chunks).collect()
    }

    /// The results of a chunk that one of them has.
    ///
    /// # Errors
    /// As [`Folder::read`], and if one contradicts another.
    pub fn read(&self, chunk: u64) -> Result<ChunkResults, FolderError> {
        let mut first: Option<(&Folder, ChunkResults)> = None;
        for folder in &self.folders {
            let Some(results) = folder.read(chunk)? else {
                continue;
            };
            match &first {
                Some((other, known)) if *known != results => {
                    let path = |of: &Folder| of.files.get(&chunk)?.first().cloned();
                    return Err(FolderError::Contradiction(
                        path(other).unwrap_or_default(),
                        path(folder).unwrap_or_default(),
                    ));
                }
                Some(_) => {}
                None => first = Some((folder, results)),
            }
        }
        let missing = || FolderError::Io {
            path: self
                .folders
                .first()
                .map_or_else(PathBuf::new, |one| one.path.clone()),
            error: io::ErrorKind::NotFound.into(),
        };
        first.map(|(_, results)| results).ok_or_else(missing)
    }
}

/// # Errors
/// If the campaign of a folder is not this one.
fn same(path: &Path, there: &Campaign, campaign: &Campaign) -> Result<(), FolderError> {
    match there.difference(campaign) {
        None => Ok(()),
        Some([name, there, here]) => Err(FolderError::Another {
            path: path.to_owned(),
            name,
            there,
            here,
        }),
    }
}

/// The chunk that a file is of by its name, and the digits of what is in it.
fn chunk_of(path: &Path) -> Option<(u64, &str)> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix(CHUNK)?.strip_suffix(END)?;
    let (chunk, digits) = name.split_once('-')?;
    let number: u64 = chunk.parse().ok()?;
    let is_hex = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && chunk == format!("{number:08}")).then_some((number, digits))
}

fn digits(bytes: &[u8]) -> String {
    let hash = Hash::of(bytes).to_string();
    hash["sha256:".len()..][..DIGITS].to_owned()
}

fn text_of(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("it has keys that are texts");
    text.push('\n');
    text
}

fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    files::read_at_most(path, MOST_BYTES).map_err(|error| FolderError::Io {
        path: path.to_owned(),
        error,
    })
}

/// So often a file is written again that went away before it had its name.
const ATTEMPTS: u32 = 3;

/// Writes a file, unless it is there.
fn place(folder: &Path, path: &Path, content: &[u8]) -> Result<(), FolderError> {
    let io = |error| FolderError::Io {
        path: path.to_owned(),
        error,
    };
    for attempt in 1.. {
        if path.exists() {
            break;
        }
        let file = files::temporary_with(folder, content).map_err(io)?;
        match file.persist_noclobber(path) {
            Ok(_) => break,
            Err(error) => match error.error.kind() {
                // Somebody was faster, with the same.
                io::ErrorKind::AlreadyExists => break,
                // Where locks are not seen by other machines, one of them took it for abandoned.
                io::ErrorKind::NotFound if attempt < ATTEMPTS => {}
                // Some mounts can only rename. What has this name is the same.
                _ => {
                    error.file.persist(path).map_err(|error| io(error.error))?;
                    break;
                }
            },
        }
    }
    files::sync_folder(folder).map_err(io)
}
