//! The values that states have by id, as far as they are on disk: a checkpoint needs them, in the
//! order of their ids. Each has the number of its bytes before it, four bytes, little endian.

use super::disk::{Disk, DiskError, Log, Sealed};
use sim_record::trace::Pool;

/// What of a pool is on disk.
#[derive(Default)]
pub(super) struct Kept {
    log: Option<Log>,
    count: usize,
}

impl Kept {
    /// Writes what is new to the disk, and all to stay.
    pub fn seal(&mut self, disk: &Disk, pool: &Pool) -> Result<Sealed, DiskError> {
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(Log::create(disk, "values".to_owned())?),
        };
        for value in pool.values_from(self.count) {
            log.append(&(value.len() as u32).to_le_bytes())?;
            log.append(&value)?;
            self.count += 1;
        }
        log.seal()
    }

    /// Fills a pool that is empty with those of a checkpoint, by the same ids.
    pub fn open(disk: &Disk, sealed: &Sealed, pool: &Pool) -> Result<Kept, DiskError> {
        let mut bytes = Vec::new();
        let log = Log::open(disk, sealed, |part| bytes.extend_from_slice(part))?;
        let mut rest = &bytes[..];
        let mut count = 0;
        while let Some((head, tail)) = rest.split_first_chunk() {
            let length = (u32::from_le_bytes(*head) as usize).min(tail.len());
            let (value, after) = tail.split_at(length);
            pool.intern(value);
            count += 1;
            rest = after;
        }
        Ok(Kept {
            log: Some(log),
            count,
        })
    }
}
