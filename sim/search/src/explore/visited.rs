//! Which states were met: keys in a table, and where memory is short on disk.
//!
//! As long as nothing is on disk the table has all keys, and one that is not in it is new. From
//! then on it has those that were met since it was last settled: of those that are not in it, which
//! are new, and which numbers the others have, is known only when they are settled, all at once,
//! against what is on disk.

use hashbrown::{HashTable, hash_table};

use super::disk::{Disk, DiskError, NONE, Runs, Sealed};

/// Keys of states and their numbers: 20 bytes each, and the room that a hash table needs.
#[derive(Default)]
pub(super) struct Visited {
    table: HashTable<Entry>,
    runs: Runs,
    /// Whether the table does not have all keys. Then there are none on disk too where all are
    /// those of other processes.
    is_on_disk: bool,
    /// Those in the table, in the order in which they came, once something is on disk.
    order: Vec<u128>,
}

/// What was found of the states that were not settled, in the order in which they came.
pub(super) struct Settled {
    /// Whether each is new.
    pub is_new: Vec<bool>,
    /// The number of each.
    pub numbers: Vec<u32>,
}

struct Entry {
    /// Bytes, for they need not be aligned.
    key: [u8; size_of::<u128>()],
    number: u32,
}

impl Entry {
    fn key(&self) -> u128 {
        u128::from_le_bytes(self.key)
    }
}

impl Visited {
    /// The number of the state, and whether the table has it. Otherwise it gets this one; but once
    /// keys are on disk, numbers are places among those that are not settled.
    pub fn insert(&mut self, key: u128, number: u32) -> (u32, bool) {
        let number = match self.is_on_disk() {
            true => self.order.len() as u32,
            false => number,
        };
        // A key is a hash, so that any part of it will do.
        let entry = self.table.entry(
            key as u64,
            |known| known.key() == key,
            |known| known.key() as u64,
        );
        let vacant = match entry {
            hash_table::Entry::Occupied(known) => return (known.get().number, true),
            hash_table::Entry::Vacant(vacant) => vacant,
        };
        vacant.insert(Entry {
            key: key.to_le_bytes(),
            number,
        });
        if self.is_on_disk() {
            self.order.push(key);
        }
        (number, false)
    }

    /// The number of the state, if the table has it: see [`Visited::insert`].
    pub fn find(&self, key: u128) -> Option<u32> {
        let found = self.table.find(key as u64, |known| known.key() == key);
        found.map(|found| found.number)
    }

    /// Whether the keys of before are on disk only.
    pub fn is_on_disk(&self) -> bool {
        self.is_on_disk
    }

    /// How many in the table may be on disk too.
    pub fn pending(&self) -> usize {
        self.order.len()
    }

    /// What is held, and will be while it grows if so many more come.
    pub fn size_bytes(&self, more: usize) -> usize {
        let grows = self.table.len() + more > self.table.capacity();
        let table = self.table.allocation_size() * if grows { 3 } else { 1 };
        table + self.order.len() * size_of::<u128>() + self.runs.size_bytes()
    }

    /// Puts all keys on disk. If there were some already, those in the table are settled: the first
    /// of the new ones gets the number `next`.
    pub fn settle(&mut self, disk: &mut Disk, next: u32) -> Result<Option<Settled>, DiskError> {
        let table = std::mem::take(&mut self.table);
        if !self.is_on_disk() {
            let keys = table.into_iter().map(|entry| (entry.key(), entry.number));
            let mut keys: Vec<(u128, u32)> = keys.collect();
            keys.sort_unstable();
            self.runs.add(disk, keys.into_iter())?;
            self.is_on_disk = true;
            return Ok(None);
        }
        drop(table);
        let order = std::mem::take(&mut self.order);
        let mut sorted: Vec<(u128, u32)> = order.into_iter().zip(0..).collect();
        sorted.sort_unstable();
        let mut numbers = self.runs.look_up(&sorted)?;
        let is_new: Vec<bool> = numbers.iter().map(|number| *number == NONE).collect();
        let new = numbers.iter_mut().filter(|number| **number == NONE);
        new.zip(next..).for_each(|(number, own)| *number = own);
        let new = sorted.iter().filter(|(_, place)| is_new[*place as usize]);
        let numbered = new.map(|(key, place)| (*key, numbers[*place as usize]));
        self.runs.add(disk, numbered)?;
        Ok(Some(Settled { is_new, numbers }))
    }

    /// Those of a checkpoint.
    pub fn open(disk: &Disk, sealed: &[Sealed], made: u64) -> Result<Visited, DiskError> {
        Ok(Visited {
            runs: Runs::open(disk, sealed, made)?,
            is_on_disk: true,
            ..Visited::default()
        })
    }

    /// Of those that were settled: writes them to the disk, to stay.
    pub fn seal(&mut self) -> Result<(Vec<Sealed>, u64), DiskError> {
        self.runs.seal()
    }
}
