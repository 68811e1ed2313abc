//! What was found out before, by the fingerprint of what decides it.

use hashbrown::HashTable;

/// So many are young; when there are more, those that are old are forgotten.
const MOST_YOUNG: usize = 1 << 15;

/// A table by fingerprints of 128 bits. What is asked for now and then stays.
pub(crate) struct Known<T> {
    young: HashTable<(u128, T)>,
    old: HashTable<(u128, T)>,
}

impl<T> Default for Known<T> {
    fn default() -> Known<T> {
        Known {
            young: HashTable::new(),
            old: HashTable::new(),
        }
    }
}

impl<T: Clone> Known<T> {
    pub fn get(&mut self, print: u128) -> Option<&T> {
        let is_it = |known: &(u128, T)| known.0 == print;
        if self.young.find(print as u64, is_it).is_none() {
            let (_, again) = self.old.find(print as u64, is_it)?;
            self.insert(print, again.clone());
        }
        let found = self.young.find(print as u64, is_it);
        found.map(|(_, it)| it)
    }

    pub fn insert(&mut self, print: u128, it: T) {
        if self.young.len() >= MOST_YOUNG {
            self.old = std::mem::take(&mut self.young);
        }
        let hash = |(print, _): &(u128, T)| *print as u64;
        self.young.insert_unique(print as u64, (print, it), hash);
    }
}
