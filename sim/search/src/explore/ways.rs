//! How each state was reached first: eight bytes a state, in the order in which they were found,
//! on disk where memory is short.

use super::ExploreError;
use super::disk::{Disk, DiskError, Log, Sealed};

/// How a state was reached first.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// The number of the state before.
    pub parent: u32,
    /// Which of the parent's moves.
    pub choice: u32,
}

const WAY_BYTES: usize = 8;

/// The ways of all states, by number.
#[derive(Default)]
pub(super) struct Ways {
    on_disk: Option<Log>,
    tail: Vec<Way>,
}

impl Way {
    /// That of the first state, which is none.
    pub const ROOT: Way = Way {
        parent: 0,
        choice: 0,
    };

    fn bytes(self) -> [u8; WAY_BYTES] {
        let mut bytes = [0; WAY_BYTES];
        bytes[..4].copy_from_slice(&self.parent.to_le_bytes());
        bytes[4..].copy_from_slice(&self.choice.to_le_bytes());
        bytes
    }

    fn of(bytes: [u8; WAY_BYTES]) -> Way {
        let number = u64::from_le_bytes(bytes);
        Way {
            parent: number as u32,
            choice: (number >> 32) as u32,
        }
    }
}

impl Ways {
    /// How many states have theirs on disk.
    fn count_on_disk(&self) -> usize {
        let bytes = self.on_disk.as_ref().map_or(0, Log::len);
        bytes as usize / WAY_BYTES
    }

    /// The number of the first state that is not on disk.
    pub fn settled(&self) -> u32 {
        self.count_on_disk() as u32
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count_on_disk() + self.tail.len()
    }

    /// What is held in memory.
    pub fn size_bytes(&self) -> usize {
        self.tail.len() * WAY_BYTES
    }

    /// # Errors
    /// If there are more than can be numbered.
    pub fn push(&mut self, way: Way) -> Result<(), ExploreError> {
        if self.count() >= u32::MAX as usize {
            return Err(ExploreError::TooMany);
        }
        self.tail.push(way);
        Ok(())
    }

    pub fn get(&self, number: u32) -> Result<Way, DiskError> {
        let on_disk = self.count_on_disk();
        if let Some(place) = (number as usize).checked_sub(on_disk) {
            return Ok(self.tail[place]);
        }
        let mut bytes = [0; WAY_BYTES];
        if let Some(log) = &self.on_disk {
            log.read(u64::from(number) * WAY_BYTES as u64, &mut bytes)?;
        }
        Ok(Way::of(bytes))
    }

    /// Writes those that are in memory to the disk; of them only those that are to be kept.
    pub fn spill(&mut self, disk: &Disk, keep: Option<&[bool]>) -> Result<&mut Log, DiskError> {
        let log = match &mut self.on_disk {
            Some(log) => log,
            none => none.insert(Log::create(disk, "ways".to_owned())?),
        };
        for (place, way) in self.tail.iter().enumerate() {
            if keep.is_none_or(|keep| keep[place]) {
                log.append(&way.bytes())?;
            }
        }
        log.flush()?;
        self.tail = Vec::new();
        Ok(log)
    }

    /// Those of a checkpoint.
    pub fn open(disk: &Disk, sealed: &Sealed) -> Result<Ways, DiskError> {
        Ok(Ways {
            on_disk: Some(Log::open(disk, sealed, |_| {})?),
            tail: Vec::new(),
        })
    }

    /// Writes all to the disk, to stay.
    pub fn seal(&mut self, disk: &Disk) -> Result<Sealed, DiskError> {
        self.spill(disk, None)?.seal()
    }
}
