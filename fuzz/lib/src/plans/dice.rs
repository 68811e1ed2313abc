//! Choices from the bytes of an input.
//!
//! A choice takes one byte, whatever it chooses among, and each part of a world has bytes of its
//! own: so a byte that changes changes one thing, and leaves what comes after it as it was. When
//! the bytes are used up, every choice is the first, which must be the plainest.

use arbitrary::Unstructured;

pub struct Dice<'d>(Unstructured<'d>);

impl<'d> Dice<'d> {
    pub fn new(bytes: &'d [u8]) -> Dice<'d> {
        Dice(Unstructured::new(bytes))
    }

    /// The next bytes, at most so many, as dice of their own.
    pub fn part(&mut self, size: usize) -> Dice<'d> {
        let size = size.min(self.0.len());
        Dice::new(self.0.bytes(size).unwrap_or_default())
    }

    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or_default()
    }

    /// A number below `count`, which is from 1 to 256.
    pub fn of(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }

    /// Yes with one of so many bytes; no when they are used up.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.of(count) == count - 1
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.of(items.len()))
    }
}
