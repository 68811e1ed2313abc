//! Numbers that the guest has compared and found to differ: what a value might have to be.

use arbitrary::{Result, Unstructured};

/// Pairs that are remembered; the oldest go first.
const CAPACITY: usize = 256;

/// The latest pairs, each once.
#[derive(Default)]
pub struct Dictionary {
    pairs: Vec<(u64, u64)>,
    next: usize,
}

impl Dictionary {
    pub fn note(&mut self, left: u64, right: u64) {
        if self.pairs.contains(&(left, right)) {
            return;
        }
        if self.pairs.len() < CAPACITY {
            self.pairs.push((left, right));
        } else {
            self.pairs[self.next] = (left, right);
            self.next = (self.next + 1) % CAPACITY;
        }
    }

    /// What a number was compared with, the latest first.
    pub fn other_of(&self, number: u64) -> Option<u64> {
        let (older, newer) = self.pairs.split_at(self.next.min(self.pairs.len()));
        let latest_first = older.iter().rev().chain(newer.iter().rev());
        latest_first
            .filter_map(|&(left, right)| match number {
                _ if number == left => Some(right),
                _ if number == right => Some(left),
                _ => None,
            })
            .next()
    }

    /// Any number of any pair.
    pub fn any(&self, dice: &mut Unstructured<'_>) -> Result<Option<u64>> {
        if self.pairs.is_empty() {
            return Ok(None);
        }
        let (left, right) = *dice.choose(&self.pairs)?;
        Ok(Some(if dice.arbitrary()? { left } else { right }))
    }
}
