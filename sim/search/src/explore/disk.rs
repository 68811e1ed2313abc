//! Where an exploration keeps what it does not hold in memory: files of a folder, which stay and
//! can be gone on from, or files without a name, which go with the process.

mod log;
mod runs;

use std::fs::File;
use std::io;
use std::path::PathBuf;

pub(super) use log::{Log, Sealed};
pub(super) use runs::{NONE, Runs};

/// A file of the exploration cannot be read or written: the disk may be full.
#[derive(Debug, thiserror::Error)]
#[error("{}", .path.display())]
pub struct DiskError {
    /// Which file, or the folder of those without a name.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub error: io::Error,
}

/// Where files are.
#[derive(Default, Debug)]
pub(super) struct Disk {
    /// None for files without a name, in the folder that the system has for them.
    pub folder: Option<PathBuf>,
    /// Files that only the last checkpoint still needs.
    retired: Vec<String>,
}

impl Disk {
    pub fn new(folder: Option<PathBuf>) -> Disk {
        let retired = Vec::new();
        Disk { folder, retired }
    }

    /// Where the file of a name is, or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(name),
            None => std::env::temp_dir(),
        }
    }

    /// A new file, empty; where one of that name is, it is of a time that is not gone on from.
    fn create(&self, name: &str) -> Result<File, DiskError> {
        let path = self.path(name);
        let file = match &self.folder {
            Some(_) => File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path),
            None => tempfile::tempfile(),
        };
        file.map_err(|error| DiskError { path, error })
    }

    /// A log is of no more use, but to what goes on from the last checkpoint.
    pub fn retire(&mut self, log: &Log) {
        self.retired.push(log.name().to_owned());
    }

    /// There is a new checkpoint: what only the last one needed is removed. Where that cannot be
    /// done it lies there, until the exploration is gone on from.
    pub fn forget_retired(&mut self) {
        for name in std::mem::take(&mut self.retired) {
            if self.folder.is_some() {
                let _ = std::fs::remove_file(self.path(&name));
            }
        }
    }
}
