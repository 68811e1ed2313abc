//! An input where it lies in memory, and how much space its output is given.
//!
//! Owns the first look at an input: whether the fast way may read it. Never reads what is in it.

use crate::straight::{Page, Straight, Window, Writer};

/// An input envelope, and what follows it in memory: of no meaning, but what may be read without
/// harm is read faster.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    memory: &'a [u8],
    length: usize,
}

impl<'a> Envelope<'a> {
    /// The first `length` bytes of `memory`, or all there are.
    #[inline(always)]
    pub fn within(memory: &'a [u8], length: usize) -> Self {
        Envelope {
            memory,
            length: length.min(memory.len()),
        }
    }

    /// The input alone.
    pub fn bytes(&self) -> &'a [u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }

    /// What reads it if it is in the usual form, and what writes the output; `None` if too little
    /// is known to follow it, or if the space is too small.
    #[inline(always)]
    pub fn straight<'s>(&self, space: &'s mut [u8]) -> Option<(Straight<'a>, Writer<'s>)> {
        let window: &Window = self.memory.first_chunk()?;
        let page: &mut Page = space.first_chunk_mut()?;
        Some((Straight::new(window, self.length), Writer::new(page)))
    }
}

/// What most outputs have beside the texts that they carry: names, heads and numbers.
const OUTPUT_OVERHEAD_BYTES: usize = 512;

/// The space that an output is given at first, for an input of that length: each text of the input
/// may be written twice, once in the state and once in what is asked for. A step that needs more is
/// taken again with more.
#[inline]
pub const fn first_space_bytes(input_length: usize) -> usize {
    input_length
        .saturating_mul(2)
        .saturating_add(OUTPUT_OVERHEAD_BYTES)
}
