//! A file that only grows, and its checksum: XXH3 with 128 bits of all that is in it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use twox_hash::xxhash3_128::Hasher;

use super::{Disk, DiskError};

/// So much is put together before it is written.
const BUFFER_BYTES: usize = 1 << 18;

/// A file that only grows.
pub(in super::super) struct Log {
    name: String,
    path: PathBuf,
    file: File,
    /// What is not written yet.
    buffer: Vec<u8>,
    written: u64,
    hasher: Hasher,
}

/// A log as it was at some time: what it had then can be told from anything else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Sealed {
    /// The name of the file.
    pub name: String,
    /// How many bytes it had.
    pub bytes: u64,
    /// XXH3 of them, in hex.
    pub sum: String,
}

impl Log {
    pub fn create(disk: &Disk, name: String) -> Result<Log, DiskError> {
        Ok(Log {
            file: disk.create(&name)?,
            path: disk.path(&name),
            name,
            buffer: Vec::new(),
            written: 0,
            hasher: Hasher::new(),
        })
    }

    /// Opens a log of a folder as it was: what came after is cut off. `look` gets all that it has,
    /// part by part.
    pub fn open(
        disk: &Disk,
        sealed: &Sealed,
        mut look: impl FnMut(&[u8]),
    ) -> Result<Log, DiskError> {
        let path = disk.path(&sealed.name);
        let failed = |error| DiskError {
            path: disk.path(&sealed.name),
            error,
        };
        let damaged = || {
            let what = "it was cut short or changed since it was written";
            failed(io::Error::new(io::ErrorKind::InvalidData, what))
        };
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(failed)?;
        if file.metadata().map_err(failed)?.len() < sealed.bytes {
            return Err(damaged());
        }
        let mut log = Log {
            name: sealed.name.clone(),
            file,
            path,
            buffer: Vec::new(),
            written: sealed.bytes,
            hasher: Hasher::new(),
        };
        let mut part = vec![0; BUFFER_BYTES];
        let mut at = 0;
        while at < sealed.bytes {
            let count = (sealed.bytes - at).min(part.len() as u64) as usize;
            log.read(at, &mut part[..count])?;
            log.hasher.write(&part[..count]);
            look(&part[..count]);
            at += count as u64;
        }
        if log.sum() != sealed.sum {
            return Err(damaged());
        }
        log.file.set_len(sealed.bytes).map_err(failed)?;
        Ok(log)
    }

    fn failed(&self, error: io::Error) -> DiskError {
        DiskError {
            path: self.path.clone(),
            error,
        }
    }

    /// The name of its file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn sum(&self) -> String {
        format!("{:032x}", self.hasher.finish_128())
    }

    /// Appends.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.buffer.extend_from_slice(bytes);
        match self.buffer.len() >= BUFFER_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes what is not written yet.
    pub fn flush(&mut self) -> Result<(), DiskError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut file = &self.file;
        let written = file
            .seek(SeekFrom::Start(self.written))
            .and_then(|_| file.write_all(&self.buffer));
        written.map_err(|error| self.failed(error))?;
        self.hasher.write(&self.buffer);
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes all of it to the disk, to stay there should the machine lose power.
    pub fn seal(&mut self) -> Result<Sealed, DiskError> {
        self.flush()?;
        self.file.sync_data().map_err(|error| self.failed(error))?;
        Ok(Sealed {
            name: self.name.clone(),
            bytes: self.written,
            sum: self.sum(),
        })
    }

    /// Fills `out` with the bytes from `at` on, which were written.
    pub fn read(&self, at: u64, out: &mut [u8]) -> Result<(), DiskError> {
        let mut file = &self.file;
        let read = file
            .seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(out));
        read.map_err(|error| self.failed(error))
    }
}
