//! Byte strings, each kept once: two are equal exactly when their ids are.
//!
//! Events, states, parameters, keys and names recur from step to step and from run to run, so a
//! trace, and whatever remembers something of one, holds ids. Bytes are looked up by XXH3 (Yann
//! Collet, xxHash 0.8), which gives the same 128 bits on every machine, and compared: a guest that
//! forged two values of one fingerprint would gain nothing. Ids say in which order values were
//! met, and are never shown, hashed or compared for anything but equality.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;
use twox_hash::XxHash3_128;

use super::IntentHash;
use sim_air::Hash;

/// A byte string of a [`Values`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ValueId(NonZeroU32);

/// Byte strings by id.
pub struct Values {
    /// One after the other, in the order of their ids.
    bytes: Vec<u8>,
    /// Where each begins, and where the last one ends.
    starts: Vec<u32>,
    fingerprints: Vec<u128>,
    table: HashTable<ValueId>,
    generation: u64,
    pool: Option<Pool>,
    /// What hashes of intents were taken over, in tables of a pool.
    preimages: Vec<(ValueId, ValueId)>,
    by_hash: BTreeMap<ValueId, ValueId>,
}

/// Values that the tables of several threads have by the same ids.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Values>>);

impl Pool {
    /// The id of these bytes, which are added if they are new.
    pub fn intern(&self, bytes: &[u8]) -> ValueId {
        self.lock().intern(bytes)
    }

    /// The values from a place in the order of their ids on.
    pub fn values_from(&self, first: usize) -> Vec<Vec<u8>> {
        let values = self.lock();
        let ids = (first..values.count()).map(ValueId::new);
        ids.map(|id| values.bytes(id).to_vec()).collect()
    }

    /// What hashes of intents were taken over, from a place in the order in which that was learnt
    /// on: by numbers, the hash and then the other.
    pub fn preimages_from(&self, first: usize) -> Vec<[u32; 2]> {
        let values = self.lock();
        let preimages = values.preimages.iter().skip(first);
        let numbers =
            preimages.map(|(hash, preimage)| [hash, preimage].map(|id| id.index() as u32));
        numbers.collect()
    }

    /// Takes back what [`Pool::preimages_from`] gave, where values have the same ids.
    pub fn add_preimage(&self, [hash, preimage]: [u32; 2]) {
        let [hash, preimage] = [hash, preimage].map(|number| ValueId::new(number as usize));
        self.learn_preimage(hash, preimage);
    }

    /// What a hash was taken over, if that is not known yet.
    pub fn learn_preimage(&self, hash: ValueId, preimage: ValueId) {
        let mut values = self.lock();
        if !values.by_hash.contains_key(&hash) {
            values.add_preimage(hash, preimage);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ValueId {
    #[inline]
    pub(super) fn new(index: usize) -> ValueId {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        ValueId(number.expect("values end long before 4 GiB of bytes"))
    }

    /// Its place in the order in which values were first met, from 0.
    #[inline]
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Default for Values {
    fn default() -> Values {
        Values {
            bytes: Vec::new(),
            starts: vec![0],
            fingerprints: Vec::new(),
            table: HashTable::new(),
            generation: next_generation(),
            pool: None,
            preimages: Vec::new(),
            by_hash: BTreeMap::new(),
        }
    }
}

/// A table of its own: what is new in one of the two is not known to the other.
impl Clone for Values {
    fn clone(&self) -> Values {
        Values {
            bytes: self.bytes.clone(),
            starts: self.starts.clone(),
            fingerprints: self.fingerprints.clone(),
            table: self.table.clone(),
            generation: next_generation(),
            pool: None,
            preimages: self.preimages.clone(),
            by_hash: self.by_hash.clone(),
        }
    }
}

/// A number that no other table of this process has: ids of one mean nothing in another.
fn next_generation() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

impl Values {
    /// Forgets all values. Their ids mean nothing from here on.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.starts.truncate(1);
        self.fingerprints.clear();
        self.table.clear();
        self.preimages.clear();
        self.by_hash.clear();
        self.generation = next_generation();
    }

    /// Forgets all values if they are so many.
    #[inline]
    pub fn clear_if_above(&mut self, most_bytes: usize) {
        if self.size_bytes() > most_bytes {
            self.clear();
        }
    }

    /// Changes whenever ids lose their meaning; no two tables have the same.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.fingerprints.len()
    }

    /// The bytes of all of them.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// What is held: the bytes, and what finds them.
    #[inline]
    pub fn held_bytes(&self) -> usize {
        let each = size_of::<u32>() + size_of::<u128>();
        let preimages = self.preimages.len() * 2 * size_of::<(ValueId, ValueId)>();
        self.bytes.len() + self.count() * each + self.table.allocation_size() + preimages
    }

    /// The bytes of a value.
    #[inline]
    pub fn bytes(&self, id: ValueId) -> &[u8] {
        let index = id.index();
        &self.bytes[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// What tells values apart wherever they are: XXH3 of the bytes.
    #[inline]
    pub fn fingerprint(&self, id: ValueId) -> u128 {
        self.fingerprints[id.index()]
    }

    /// The hash of an intent, as it is kept.
    #[inline]
    pub fn intent(&mut self, hash: &Hash) -> IntentHash {
        IntentHash(self.intern(hash.as_bytes()))
    }

    /// The same. The tables of a pool keep what it was taken over, too: see [`Values::preimage`].
    pub fn intent_over(&mut self, hash: &Hash, preimage: &[u8]) -> IntentHash {
        let Some(pool) = self.pool.clone() else {
            return self.intent(hash);
        };
        let print = XxHash3_128::oneshot(hash.as_bytes());
        if let Some(known) = self.find(hash.as_bytes(), print)
            && self.by_hash.contains_key(&known)
        {
            return IntentHash(known);
        }
        // No table has the one without the other.
        let mut pool = pool.lock();
        let preimage = pool.intern(preimage);
        let id = pool.intern(hash.as_bytes());
        if !pool.by_hash.contains_key(&id) {
            pool.add_preimage(id, preimage);
        }
        self.take_new_of(&pool);
        IntentHash(id)
    }

    fn add_preimage(&mut self, hash: ValueId, preimage: ValueId) {
        self.preimages.push((hash, preimage));
        self.by_hash.insert(hash, preimage);
    }

    /// What the hash of an intent was taken over; None of another value, and in a table that is of
    /// no pool.
    #[inline]
    pub fn preimage(&self, id: ValueId) -> Option<ValueId> {
        self.by_hash.get(&id).copied()
    }

    /// The hash that names an intent.
    #[inline]
    pub fn intent_hash(&self, IntentHash(id): IntentHash) -> Hash {
        let bytes = self.bytes(id).try_into();
        Hash::from_bytes(bytes.expect("it was made of a hash"))
    }

    /// The id of these bytes, which are added if they are new.
    #[inline]
    pub fn intern(&mut self, bytes: &[u8]) -> ValueId {
        self.build(|out| out.extend_from_slice(bytes))
    }

    /// The id of what `write` appends.
    #[inline]
    pub fn build(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> ValueId {
        write(&mut self.bytes);
        self.keep_last()
    }

    /// The id of what `write` appends, unless it fails: then nothing is kept.
    #[inline]
    pub fn try_build<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<ValueId, E> {
        let start = self.bytes.len();
        match write(&mut self.bytes) {
            Ok(()) => Ok(self.keep_last()),
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// What lies after the last value becomes one, unless it is known.
    fn keep_last(&mut self) -> ValueId {
        let start = self.end();
        let fingerprint = XxHash3_128::oneshot(&self.bytes[start..]);
        if let Some(known) = self.find(&self.bytes[start..], fingerprint) {
            self.bytes.truncate(start);
            return known;
        }
        let Some(pool) = self.pool.clone() else {
            return self.add_last(fingerprint);
        };
        let mut pool = pool.lock();
        let id = pool.intern(&self.bytes[start..]);
        self.bytes.truncate(start);
        self.take_new_of(&pool);
        id
    }

    fn find(&self, bytes: &[u8], fingerprint: u128) -> Option<ValueId> {
        let is_it = |id: &ValueId| self.fingerprint(*id) == fingerprint && self.bytes(*id) == bytes;
        self.table.find(fingerprint as u64, is_it).copied()
    }

    /// What lies after the last value is a new one.
    fn add_last(&mut self, fingerprint: u128) -> ValueId {
        let id = ValueId::new(self.count());
        let end = u32::try_from(self.bytes.len());
        self.starts.push(end.expect("values end long before 4 GiB"));
        self.fingerprints.push(fingerprint);
        let fingerprints = &self.fingerprints;
        let hash = |id: &ValueId| fingerprints[id.index()] as u64;
        self.table.insert_unique(fingerprint as u64, id, hash);
        id
    }

    /// Where the last value ends.
    fn end(&self) -> usize {
        self.starts[self.count()] as usize
    }

    /// A table of those of a pool. What is new in it is so in the pool.
    #[inline]
    pub fn of(pool: &Pool) -> Values {
        let mut values = Values {
            pool: Some(pool.clone()),
            ..Values::default()
        };
        values.catch_up();
        values
    }

    /// Takes over what is new in the pool: the ids that other tables of it may have given out.
    #[inline]
    pub fn catch_up(&mut self) {
        if let Some(pool) = self.pool.clone() {
            self.take_new_of(&pool.lock());
        }
    }

    fn take_new_of(&mut self, pool: &Values) {
        for index in self.count()..pool.count() {
            let id = ValueId::new(index);
            self.bytes.extend_from_slice(pool.bytes(id));
            self.add_last(pool.fingerprint(id));
        }
        for (hash, preimage) in pool.preimages.iter().skip(self.preimages.len()) {
            self.add_preimage(*hash, *preimage);
        }
    }
}
