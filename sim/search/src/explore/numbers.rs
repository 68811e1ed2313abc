//! Which numbers the states of this process have among those of all: four bytes a state, in order.
//! A process on its own has no others, and needs none of this.

use super::disk::{Disk, DiskError, Sealed};
use super::rows::Rows;

const NUMBER_BYTES: usize = size_of::<u32>();
const NAME: &str = "numbers";

#[derive(Default)]
pub(super) struct Numbers(Rows<NUMBER_BYTES>);

impl Numbers {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// What is held in memory.
    pub fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    /// Of a state that comes after all that have one, and whose number is larger.
    pub fn push(&mut self, number: u32) {
        self.0.push(number.to_le_bytes());
    }

    /// At most so many from a place on.
    pub fn some_from(&self, first: usize, most: usize) -> Result<Vec<u32>, DiskError> {
        let mut rows = vec![[0; NUMBER_BYTES]; most.min(self.count() - first)];
        self.0.read(first, &mut rows)?;
        Ok(rows.into_iter().map(u32::from_le_bytes).collect())
    }

    /// The place of the state with this number, if it is one of this process.
    pub fn place(&self, number: u32) -> Result<Option<usize>, DiskError> {
        let (mut from, mut to) = (0, self.count());
        while from < to {
            let middle = from.midpoint(to);
            let found = u32::from_le_bytes(self.0.get(middle)?);
            match found.cmp(&number) {
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Ok(None)
    }

    /// Writes those that are in memory to the disk.
    pub fn spill(&mut self, disk: &Disk) -> Result<(), DiskError> {
        self.0.spill(disk, NAME, None).map(|_| ())
    }

    /// Those of a checkpoint.
    pub fn open(disk: &Disk, sealed: &Sealed) -> Result<Numbers, DiskError> {
        Rows::open(disk, sealed).map(Numbers)
    }

    /// Writes all to the disk, to stay.
    pub fn seal(&mut self, disk: &Disk) -> Result<Sealed, DiskError> {
        self.0.seal(disk, NAME)
    }
}
