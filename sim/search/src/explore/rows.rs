//! Rows of as many bytes each, by place: they are only appended, and on disk where memory is short.

use super::disk::{Disk, DiskError, Log, Sealed};

pub(super) struct Rows<const BYTES: usize> {
    on_disk: Option<Log>,
    tail: Vec<[u8; BYTES]>,
}

impl<const BYTES: usize> Default for Rows<BYTES> {
    fn default() -> Self {
        Rows {
            on_disk: None,
            tail: Vec::new(),
        }
    }
}

impl<const BYTES: usize> Rows<BYTES> {
    /// How many are on disk.
    pub fn count_on_disk(&self) -> usize {
        let bytes = self.on_disk.as_ref().map_or(0, Log::len);
        bytes as usize / BYTES
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count_on_disk() + self.tail.len()
    }

    /// What is held in memory.
    pub fn size_bytes(&self) -> usize {
        self.tail.len() * BYTES
    }

    pub fn push(&mut self, row: [u8; BYTES]) {
        self.tail.push(row);
    }

    pub fn get(&self, place: usize) -> Result<[u8; BYTES], DiskError> {
        let mut row = [[0; BYTES]];
        self.read(place, &mut row)?;
        Ok(row[0])
    }

    /// Fills `out` with those from a place on, which there are.
    pub fn read(&self, first: usize, out: &mut [[u8; BYTES]]) -> Result<(), DiskError> {
        let count = self.count_on_disk();
        let on_disk = count.saturating_sub(first).min(out.len());
        let (before, after) = out.split_at_mut(on_disk);
        if let (Some(log), false) = (&self.on_disk, before.is_empty()) {
            log.read((first * BYTES) as u64, before.as_flattened_mut())?;
        }
        if !after.is_empty() {
            let start = first + on_disk - count;
            after.copy_from_slice(&self.tail[start..start + after.len()]);
        }
        Ok(())
    }

    /// Writes those that are in memory to the disk; of them only those that are to be kept. `name`
    /// names the file if there is none yet.
    pub fn spill(
        &mut self,
        disk: &Disk,
        name: &str,
        keep: Option<&[bool]>,
    ) -> Result<&mut Log, DiskError> {
        let log = match &mut self.on_disk {
            Some(log) => log,
            none => none.insert(Log::create(disk, name.to_owned())?),
        };
        for (place, row) in self.tail.iter().enumerate() {
            if keep.is_none_or(|keep| keep[place]) {
                log.append(row)?;
            }
        }
        log.flush()?;
        self.tail = Vec::new();
        Ok(log)
    }

    /// Those of a checkpoint.
    pub fn open(disk: &Disk, sealed: &Sealed) -> Result<Rows<BYTES>, DiskError> {
        Ok(Rows {
            on_disk: Some(Log::open(disk, sealed, |_| {})?),
            tail: Vec::new(),
        })
    }

    /// Writes all to the disk, to stay.
    pub fn seal(&mut self, disk: &Disk, name: &str) -> Result<Sealed, DiskError> {
        self.spill(disk, name, None)?.seal()
    }
}
