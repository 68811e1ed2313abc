//! A key: what decides how a run goes on, written down so that equal situations give equal bytes.
//!
//! A row of words, fingerprints of values, and multisets. Of a multiset it holds the sum of the
//! fingerprints of its elements, so nothing has to be put in order. Two situations are taken for
//! one when XXH3 over their rows agrees in 128 bits.

use twox_hash::XxHash3_128;

use super::{Trace, ValueId};

/// A row of bytes that is written part by part, and its fingerprint.
#[derive(Default)]
pub struct Key(Vec<u8>);

impl Key {
    /// Begins anew, and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends a number.
    #[inline]
    pub fn word(&mut self, word: u64) -> &mut Key {
        self.0.extend_from_slice(&word.to_le_bytes());
        self
    }

    /// Appends the fingerprint of a value, whatever its id is.
    #[inline]
    pub fn value(&mut self, trace: &Trace, id: ValueId) -> &mut Key {
        self.print(trace.values.fingerprint(id))
    }

    /// Appends bytes with their length, so that no two rows run into each other.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Key {
        self.word(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// Elements in any order, each of a number and a fingerprint.
    #[inline]
    pub fn multiset(&mut self, elements: impl Iterator<Item = (u64, u128)>) -> &mut Key {
        let (mut count, mut sum) = (0, 0_u128);
        for (number, print) in elements {
            let mut element = [0; 24];
            element[..8].copy_from_slice(&number.to_le_bytes());
            element[8..].copy_from_slice(&print.to_le_bytes());
            sum = sum.wrapping_add(XxHash3_128::oneshot(&element));
            count += 1;
        }
        self.word(count).print(sum)
    }

    #[inline]
    fn print(&mut self, print: u128) -> &mut Key {
        self.0.extend_from_slice(&print.to_le_bytes());
        self
    }

    /// The fingerprint of all that was written.
    #[inline]
    pub fn fingerprint(&self) -> u128 {
        XxHash3_128::oneshot(&self.0)
    }
}
