//! What an exploration holds: states that are to be expanded, and keys of those that were met.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use crate::simulator::Plans;
use crate::trace::Packer;
use crate::world::PlanInstance;

/// States in the order in which they were found, packed one after the other in one row of bytes.
#[derive(Default)]
pub(super) struct Level {
    bytes: Vec<u8>,
    ends: Vec<End>,
    /// Of the states in which plans hold values of their own, by place.
    plans: BTreeMap<usize, Box<[PlanInstance]>>,
}

/// Where a state ends.
#[derive(Clone, Copy, Default)]
struct End {
    byte: usize,
    /// The same if ids took what they usually do: see [`Packer::usual_bytes`].
    usual_byte: usize,
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

    /// What is held, the room for more included, by estimate: the same whichever thread gave
    /// values their ids.
    pub fn size_bytes(&self) -> usize {
        let plans: usize = self.plans.values().map(|plans| size_of_val(&**plans)).sum();
        let states = self.end(self.count()).usual_byte;
        // As vectors grow.
        states.next_power_of_two() + self.ends.capacity() * size_of::<End>() + plans
    }

    /// Where the first `count` states end.
    fn end(&self, count: usize) -> End {
        let last = count.checked_sub(1).map(|last| self.ends[last]);
        last.unwrap_or_default()
    }

    /// Adds the state that `pack` packs.
    pub fn push(&mut self, pack: impl FnOnce(&mut Packer<'_>) -> Plans) {
        let mut packer = Packer::new(&mut self.bytes);
        let plans = pack(&mut packer);
        let usual_bytes = packer.usual_bytes();
        self.add(usual_bytes, plans);
    }

    /// What lies after the last state becomes one.
    fn add(&mut self, usual_bytes: usize, plans: Plans) {
        let place = self.count();
        self.plans.extend(plans.map(|plans| (place, plans)));
        self.ends.push(End {
            byte: self.bytes.len(),
            usual_byte: self.end(place).usual_byte + usual_bytes,
        });
    }

    /// Adds a state of another level, which has no more use for it.
    pub fn take(&mut self, other: &mut Level, place: usize) {
        let plans = other.plans.remove(&place);
        let (start, end) = (other.end(place), other.end(place + 1));
        self.bytes
            .extend_from_slice(&other.bytes[start.byte..end.byte]);
        self.add(end.usual_byte - start.usual_byte, plans);
    }

    pub fn get(&self, place: usize) -> (&[u8], Option<&[PlanInstance]>) {
        let state = self.end(place).byte..self.end(place + 1).byte;
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

    pub fn size_bytes(&self) -> usize {
        self.0.allocation_size()
    }
}
