//! What an exploration holds: states that are to be expanded, and keys of those that were met.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use crate::simulator::Plans;
use crate::world::PlanInstance;

/// States in the order in which they were found, packed one after the other in one row of bytes.
#[derive(Default)]
pub(super) struct Level {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// Of the states in which plans hold values of their own, by place.
    plans: BTreeMap<usize, Box<[PlanInstance]>>,
}

impl Level {
    /// With room for so many states and bytes.
    pub fn with_capacity(states: usize, bytes: usize) -> Level {
        Level {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(states),
            plans: BTreeMap::new(),
        }
    }

    pub fn count(&self) -> usize {
        self.ends.len()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.plans.clear();
    }

    /// What is held, the room for more included.
    pub fn size_bytes(&self) -> usize {
        let plans: usize = self.plans.values().map(|plans| size_of_val(&**plans)).sum();
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>() + plans
    }

    /// Adds the state that `pack` packs.
    pub fn push(&mut self, pack: impl FnOnce(&mut Vec<u8>) -> Plans) {
        let plans = pack(&mut self.bytes);
        self.plans
            .extend(plans.map(|plans| (self.ends.len(), plans)));
        self.ends.push(self.bytes.len());
    }

    /// Adds a state of another level, which has no more use for it.
    pub fn take(&mut self, other: &mut Level, place: usize) {
        let plans = other.plans.remove(&place);
        let (state, _) = other.get(place);
        self.push(|bytes| {
            bytes.extend_from_slice(state);
            plans
        });
    }

    pub fn get(&self, place: usize) -> (&[u8], Option<&[PlanInstance]>) {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        let plans = self.plans.get(&place).map(|plans| &**plans);
        (&self.bytes[start..self.ends[place]], plans)
    }
}

/// Keys of states: 16 bytes each, and the room that a hash table needs.
#[derive(Default)]
pub(super) struct Visited(HashTable<u128>);

impl Visited {
    /// Whether it was not there.
    pub fn insert(&mut self, key: u128) -> bool {
        // A key is a hash, so that any part of it will do.
        let entry = self
            .0
            .entry(key as u64, |known| *known == key, |known| *known as u64);
        let is_new = matches!(entry, hashbrown::hash_table::Entry::Vacant(_));
        entry.or_insert(key);
        is_new
    }

    pub fn contains(&self, key: u128) -> bool {
        self.0.find(key as u64, |known| *known == key).is_some()
    }

    pub fn size_bytes(&self) -> usize {
        self.0.allocation_size()
    }
}
