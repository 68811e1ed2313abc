//! Folders of results on disk: `campaign.json`, and a file for each chunk, named by what is in it.
//!
//! What stands there is whole, and never written over. What is read back is untrusted.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

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
    /// The files of each chunk.
    files: BTreeMap<u64, Vec<PathBuf>>,
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
        fs::create_dir_all(path).map_err(io)?;
        files::remove_abandoned(path);
        let file = path.join(CAMPAIGN);
        place(path, &file, text_of(campaign).as_bytes())?;
        same(&file, campaign)?;
        Folder::list(path)
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
        let campaign = parsed(&file, &read(&file)?)?;
        Ok((Folder::list(path)?, campaign))
    }

    fn list(path: &Path) -> Result<Folder, FolderError> {
        let io = |error| FolderError::Io {
            path: path.to_owned(),
            error,
        };
        let is_chunk = |path: &Path| chunk_of(path).is_some();
        let names = files::list_at_most(path, MOST_FILES, is_chunk).map_err(io)?;
        let mut files: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
        for name in names {
            if let Some((chunk, _)) = chunk_of(&name) {
                files.entry(chunk).or_default().push(name);
            }
        }
        Ok(Folder {
            path: path.to_owned(),
            files,
        })
    }

    /// The results of a chunk, if they are there.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, or contradicts another.
    pub fn read(&self, chunk: u64) -> Result<Option<ChunkResults>, FolderError> {
        let Some(file) = only(self.files.get(&chunk).into_iter().flatten())? else {
            return Ok(None);
        };
        let bytes = read(file)?;
        if chunk_of(file) != Some((chunk, &*digits(&bytes))) {
            return Err(FolderError::Damaged(file.clone()));
        }
        let results: ChunkResults = parsed(file, &bytes)?;
        match results.chunk == chunk {
            true => Ok(Some(results)),
            false => Err(FolderError::Malformed {
                path: file.clone(),
                what: format!("it has chunk {}", results.chunk),
            }),
        }
    }

    /// Writes the results of a chunk.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn write(&self, results: &ChunkResults) -> Result<(), FolderError> {
        let text = text_of(results);
        let name = format!(
            "{CHUNK}{:08}-{}{END}",
            results.chunk,
            digits(text.as_bytes())
        );
        place(&self.path, &self.path.join(name), text.as_bytes())
    }
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
            same(&path.join(CAMPAIGN), &campaign)?;
            folders.push(Folder::open(path)?.0);
        }
        Ok(Folders { folders, campaign })
    }

    /// # Errors
    /// If they are not of this campaign.
    pub fn expect(&self, campaign: &Campaign) -> Result<(), FolderError> {
        let first = self.folders.first().map(|folder| folder.path.clone());
        match self.campaign.difference(campaign) {
            None => Ok(()),
            Some((name, there, here)) => Err(FolderError::Another {
                path: first.unwrap_or_default(),
                name,
                there,
                here,
            }),
        }
    }

    /// The results of a chunk, if one of them has them.
    ///
    /// # Errors
    /// As [`Folder::read`], and if one contradicts another.
    pub fn read(&self, chunk: u64) -> Result<Option<ChunkResults>, FolderError> {
        let all = self.folders.iter().filter_map(|one| one.files.get(&chunk));
        only(all.flatten())?;
        let mut having = self.folders.iter();
        let folder = having.find(|one| one.files.contains_key(&chunk));
        folder.map_or(Ok(None), |folder| folder.read(chunk))
    }
}

/// The first of some files of a chunk, if all have the same in them.
fn only<'f>(
    mut files: impl Iterator<Item = &'f PathBuf>,
) -> Result<Option<&'f PathBuf>, FolderError> {
    let Some(first) = files.next() else {
        return Ok(None);
    };
    match files.find(|other| other.file_name() != first.file_name()) {
        None => Ok(Some(first)),
        Some(other) => Err(FolderError::Contradiction(first.clone(), other.clone())),
    }
}

/// The chunk that a file is of by its name, and the digits of what is in it.
fn chunk_of(path: &Path) -> Option<(u64, &str)> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix(CHUNK)?.strip_suffix(END)?;
    let (chunk, digits) = name.split_once('-')?;
    let is_number = chunk.len() >= 8 && chunk.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_number && is_hex).then_some((chunk.parse().ok()?, digits))
}

fn digits(bytes: &[u8]) -> String {
    let hash = Hash::of(bytes).to_string();
    hash["sha256:".len()..][..DIGITS].to_owned()
}

/// # Errors
/// If the campaign of a folder is not this one.
fn same(file: &Path, campaign: &Campaign) -> Result<(), FolderError> {
    let there: Campaign = parsed(file, &read(file)?)?;
    match there.difference(campaign) {
        None => Ok(()),
        Some((name, there, here)) => Err(FolderError::Another {
            path: files::folder_of(file).to_owned(),
            name,
            there,
            here,
        }),
    }
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

fn parsed<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, FolderError> {
    serde_json::from_slice(bytes).map_err(|error| FolderError::Malformed {
        path: path.to_owned(),
        what: error.to_string(),
    })
}

/// Writes a file, unless it is there.
fn place(folder: &Path, path: &Path, content: &[u8]) -> Result<(), FolderError> {
    let io = |error| FolderError::Io {
        path: folder.to_owned(),
        error,
    };
    if path.exists() {
        return Ok(());
    }
    let file = files::temporary_with(folder, content).map_err(io)?;
    match file.persist_noclobber(path) {
        // Somebody was faster, with the same.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io(error.error)),
        Ok(_) => files::sync_folder(folder).map_err(io),
    }
}
