//! What an exploration holds: states that are to be expanded, and keys of those that were met.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use sim_kernel::PlanInstance;
use sim_record::trace::Packer;
use sim_simulator::Plans;

/// States in the order in which they were found, packed one after the other in one row of bytes.
#[derive(Default)]
pub(super) struct Level {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// Of the states in which plans hold values of their own, by place.
    plans: BTreeMap<usize, Box<[PlanInstance]>>,
    plans_bytes: usize,
}

impl Level {
    /// With room for so many states and bytes.
    pub fn with_capacity(states: usize, bytes: usize) -> Level {
        Level {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(states),
            plans: BTreeMap::new(),
            plans_bytes: 0,
        }
    }

    pub fn count(&self) -> usize {
        self.ends.len()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.plans.clear();
        self.plans_bytes = 0;
    }

    /// What is held.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>() + self.plans_bytes
    }

    /// Where the first `count` states end.
    fn end(&self, count: usize) -> usize {
        count.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    /// Adds the state that `pack` packs.
    pub fn push(&mut self, pack: impl FnOnce(&mut Packer<'_>) -> Plans) {
        let mut packer = Packer::new(&mut self.bytes);
        let plans = pack(&mut packer);
        self.add(plans);
    }

    /// What lies after the last state becomes one.
    fn add(&mut self, plans: Plans) {
        if let Some(plans) = plans {
            let bytes: usize = plans.iter().map(PlanInstance::size_bytes).sum();
            self.plans_bytes += bytes;
            self.plans.insert(self.count(), plans);
        }
        self.ends.push(self.bytes.len());
    }

    /// Adds a state of another level, which has no more use for it.
    pub fn take(&mut self, other: &mut Level, place: usize) {
        let plans = other.plans.remove(&place);
        let state = other.end(place)..other.end(place + 1);
        self.bytes.extend_from_slice(&other.bytes[state]);
        self.add(plans);
    }

    pub fn get(&self, place: usize) -> (&[u8], Option<&[PlanInstance]>) {
        let state = self.end(place)..self.end(place + 1);
        let plans = self.plans.get(&place).map(|plans| &**plans);
        (&self.bytes[state], plans)
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

    /// What is held, and will be while it grows if so many more come.
    pub fn size_bytes(&self, more: usize) -> usize {
        let grows = self.0.len() + more > self.0.capacity();
        self.0.allocation_size() * if grows { 3 } else { 1 }
    }
}
