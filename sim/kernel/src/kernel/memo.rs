//! Steps that were taken before: the same input gives the same output, for a reducer is pure.
//!
//! Whether it is cannot be taken on trust, so that one recall in [`RECALLS_PER_CHECK`] has the step
//! taken again; an answer that differs is reported: the reducer is impure.

use hashbrown::HashTable;

use super::step::Reaction;
use sim_air::{ReducerId, SchemaId};
use sim_record::trace::{Step, ValueId, Values};

/// A prime, so that no period of the reducer falls in with it.
const RECALLS_PER_CHECK: u64 = 127;
/// Steps that are remembered; after that, new ones are taken each time.
const MOST_STEPS: usize = 1 << 16;

/// All that a reducer without a context is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    reducer: ReducerId,
    cell: Option<ValueId>,
    state: Option<ValueId>,
    schema: SchemaId,
    event: ValueId,
}

/// The memory of one kernel, of values of one table.
#[derive(Default)]
pub(super) struct Memo {
    table: HashTable<u32>,
    steps: Vec<(Key, Reaction)>,
    recalls: u64,
    generation: u64,
    /// Whatever is remembered is recalled: no step is taken again.
    pub trusts: bool,
}

impl Key {
    pub fn of(step: &Step) -> Key {
        Key {
            reducer: step.reducer,
            cell: step.key,
            state: step.before,
            schema: step.schema,
            event: step.event,
        }
    }

    /// Ids are small numbers, given out in order: a product spreads them.
    fn hash(&self) -> u64 {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let index = |id: Option<ValueId>| id.map_or(0, |id| id.index() as u64 + 1);
        let small = (self.reducer.index() as u64) << 16 ^ self.schema.index() as u64;
        let ids = index(Some(self.event)) << 32 | index(self.state);
        let mixed = (ids ^ small.rotate_left(24)).wrapping_mul(SPREAD);
        (mixed ^ mixed >> 29 ^ index(self.cell)).wrapping_mul(SPREAD)
    }
}

impl Memo {
    /// What is known of an input; now and then nothing, so that the step is taken again.
    pub fn recall(&mut self, values: &Values, key: &Key) -> Option<&Reaction> {
        // Ids of another table mean nothing here.
        if self.generation != values.generation() {
            self.generation = values.generation();
            self.table.clear();
            self.steps.clear();
            self.recalls = 0;
        }
        let found = self.find(key)?;
        self.recalls += 1;
        let is_check = !self.trusts && self.recalls.is_multiple_of(RECALLS_PER_CHECK);
        (!is_check).then(|| &self.steps[found].1)
    }

    /// What is held: the inputs and what came of each.
    pub fn held_bytes(&self) -> usize {
        self.steps.len() * size_of::<(Key, Reaction)>() + self.table.allocation_size()
    }

    /// A step was taken, of which nothing was recalled. Whether it is as remembered; if it is not
    /// remembered it is from here on.
    pub fn agrees(&mut self, key: Key, reaction: &Reaction) -> bool {
        if let Some(found) = self.find(&key) {
            return self.steps[found].1 == *reaction;
        }
        if self.steps.len() < MOST_STEPS {
            let steps = &self.steps;
            let hash = |index: &u32| steps[*index as usize].0.hash();
            let index = self.steps.len() as u32;
            self.table.insert_unique(key.hash(), index, hash);
            self.steps.push((key, reaction.clone()));
        }
        true
    }

    fn find(&self, key: &Key) -> Option<usize> {
        let is_it = |index: &u32| self.steps[*index as usize].0 == *key;
        let index = self.table.find(key.hash(), is_it)?;
        Some(*index as usize)
    }
}
