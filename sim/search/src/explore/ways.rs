//! How each state was reached first: eight bytes a state, in the order in which they were found.

use super::ExploreError;
use super::disk::{Disk, DiskError, Sealed};
use super::rows::Rows;

/// How a state was reached first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Way {
    /// The number of the state before.
    pub parent: u32,
    /// Which of the parent's moves.
    pub choice: u32,
}

/// In the number of a move: it violates something once the run has come to rest after it.
pub(super) const AT_REST: u32 = 1 << 31;

pub(super) const WAY_BYTES: usize = 8;
const NAME: &str = "ways";

/// The ways of all states, by place.
#[derive(Default)]
pub(super) struct Ways(Rows<WAY_BYTES>);

impl Way {
    /// That of the first state, which is none.
    pub const ROOT: Way = Way {
        parent: 0,
        choice: 0,
    };

    /// Which of two ways is found first.
    pub fn order(self) -> (u32, u32) {
        (self.parent, self.choice & !AT_REST)
    }

    pub fn bytes(self) -> [u8; WAY_BYTES] {
        let mut bytes = [0; WAY_BYTES];
        bytes[..4].copy_from_slice(&self.parent.to_le_bytes());
        bytes[4..].copy_from_slice(&self.choice.to_le_bytes());
        bytes
    }

    pub fn of(bytes: [u8; WAY_BYTES]) -> Way {
        let number = u64::from_le_bytes(bytes);
        Way {
            parent: number as u32,
            choice: (number >> 32) as u32,
        }
    }
}

impl Ways {
    /// The place of the first state that is not on disk.
    pub fn settled(&self) -> u32 {
        self.0.count_on_disk() as u32
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// What is held in memory.
    pub fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    /// # Errors
    /// If there are more than can be numbered.
    pub fn push(&mut self, way: Way) -> Result<(), ExploreError> {
        if self.count() >= u32::MAX as usize {
            return Err(ExploreError::TooMany);
        }
        self.0.push(way.bytes());
        Ok(())
    }

    pub fn get(&self, place: usize) -> Result<Way, DiskError> {
        Ok(Way::of(self.0.get(place)?))
    }

    /// At most so many from a place on.
    pub fn some_from(&self, first: usize, most: usize) -> Result<Vec<Way>, DiskError> {
        let mut rows = vec![[0; WAY_BYTES]; most.min(self.count() - first)];
        self.0.read(first, &mut rows)?;
        Ok(rows.into_iter().map(Way::of).collect())
    }

    /// Writes those that are in memory to the disk; of them only those that are to be kept.
    pub fn spill(&mut self, disk: &Disk, keep: Option<&[bool]>) -> Result<(), DiskError> {
        self.0.spill(disk, NAME, keep).map(|_| ())
    }

    /// Those of a checkpoint.
    pub fn open(disk: &Disk, sealed: &Sealed) -> Result<Ways, DiskError> {
        Rows::open(disk, sealed).map(Ways)
    }

    /// Writes all to the disk, to stay.
    pub fn seal(&mut self, disk: &Disk) -> Result<Sealed, DiskError> {
        self.0.seal(disk, NAME)
    }
}
