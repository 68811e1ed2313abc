//! Which code of a reducer was reached, and what it compared: plain data, moved out of the memory
//! that instrumented code writes to.
//!
//! It is taken after every run, some thousand times a second, so that only what is not zero is
//! touched. [`Sites`] says what it means; nothing is judged here.

use super::Sites;
use super::instrument::{COMPARED_BYTES, COUNT_AT, LOG_AT, LOG_ENTRIES, Layout};

/// Compares that are kept, the first ones.
pub const MOST_COMPARED: usize = LOG_ENTRIES as usize;

/// What was reached since it was last cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How often each block was, up to 255; as in [`Sites::blocks`]. Empty before the first time.
    pub blocks: Vec<u8>,
    /// Operands that were compared, in order, [`MOST_COMPARED`] at most. Those below 256 and
    /// those of compares that were equal before are left out.
    pub compares: Vec<Compared>,
    /// Which compares were equal once, a 1 for each; as in [`Sites::compares`]. They stay so.
    pub solved: Vec<u8>,
}

/// The operands of a compare that were not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// An index into [`Sites::compares`].
    pub site: u32,
    /// Of an operand: 4 or 8.
    pub width: u8,
    /// The first operand; one of 4 bytes is zero-extended.
    pub a: u64,
    /// The second.
    pub b: u64,
}

impl Coverage {
    /// Forgets all but which compares were equal once.
    pub fn clear(&mut self) {
        self.blocks.fill(0);
        self.compares.clear();
    }

    /// Tells each block that was reached, an index into [`Sites::blocks`], and forgets it.
    pub fn drain_blocks(&mut self, mut reached: impl FnMut(usize)) {
        let mut drain = |first: usize, counters: &mut [u8]| {
            for (index, counter) in counters.iter_mut().enumerate() {
                if std::mem::take(counter) > 0 {
                    reached(first + index);
                }
            }
        };
        let (strides, rest) = self.blocks.as_chunks_mut::<STRIDE>();
        let rest_at = strides.len() * STRIDE;
        for (stride, counters) in strides.iter_mut().enumerate() {
            if !is_zero(counters) {
                drain(stride * STRIDE, counters);
            }
        }
        drain(rest_at, rest);
    }

    /// How many blocks were reached.
    pub fn reached(&self) -> usize {
        self.blocks.iter().filter(|count| **count > 0).count()
    }

    /// Adds what is here to another, and clears it.
    pub(super) fn move_into(&mut self, other: &mut Coverage) {
        add(&mut self.blocks, &mut other.blocks);
        unite(&self.solved, &mut other.solved);
        for compared in self.compares.drain(..) {
            other.note(compared);
        }
    }

    /// Adds what is in the memory for coverage, and zeroes there what was added.
    pub(super) fn take_from(&mut self, memory: &mut [u8], layout: &Layout, sites: &Sites) {
        let compares = sites.compares.len();
        let solved_at = layout.solved_at(0) as usize;
        unite(part(memory, solved_at, compares), &mut self.solved);
        self.take_log(memory, sites);
        let blocks_at = layout.block_at(0) as usize;
        add(
            part(memory, blocks_at, sites.blocks.len()),
            &mut self.blocks,
        );
    }

    fn take_log(&mut self, memory: &mut [u8], sites: &Sites) {
        let count = word(memory, COUNT_AT as usize).min(LOG_ENTRIES);
        if count == 0 {
            return;
        }
        for entry in 0..count {
            let at = (LOG_AT + entry * COMPARED_BYTES) as usize;
            let site = word(memory, at);
            let Some(compare) = sites.compares.get(site as usize) else {
                continue;
            };
            self.note(Compared {
                site,
                width: compare.width_bytes,
                a: long(memory, at + 8),
                b: long(memory, at + 16),
            });
        }
        part(memory, COUNT_AT as usize, 4).fill(0);
    }

    fn note(&mut self, compared: Compared) {
        if self.compares.len() < MOST_COMPARED {
            self.compares.push(compared);
        }
    }

    /// Tells the memory of a fresh instance which compares were equal before.
    pub(super) fn write_solved(&self, memory: &mut [u8], layout: &Layout) {
        let solved_at = layout.solved_at(0) as usize;
        let solved = part(memory, solved_at, self.solved.len());
        for (byte, solved) in solved.iter_mut().zip(&self.solved) {
            *byte = *solved;
        }
    }
}

/// Counters looked at together: most of so many are zero.
const STRIDE: usize = 32;

/// Adds counters to others, which stay at 255, and zeroes them.
fn add(from: &mut [u8], to: &mut Vec<u8>) {
    if to.len() < from.len() {
        to.resize(from.len(), 0);
    }
    let (to, _) = to.split_at_mut(from.len());
    // Pieces of a size that the compiler knows, or this takes five times as long.
    let (to_pieces, to_rest) = to.as_chunks_mut::<STRIDE>();
    let (pieces, rest) = from.as_chunks_mut::<STRIDE>();
    for (from, to) in pieces.iter_mut().zip(to_pieces) {
        if !is_zero(from) {
            add_each(from, to);
        }
    }
    add_each(rest, to_rest);
}

fn is_zero(counters: &[u8; STRIDE]) -> bool {
    let (words, _) = counters.as_chunks::<8>();
    let all = |all, word: &[u8; 8]| all | u64::from_le_bytes(*word);
    words.iter().fold(0, all) == 0
}

fn add_each(from: &mut [u8], to: &mut [u8]) {
    for (from, to) in from.iter_mut().zip(to) {
        *to = to.saturating_add(std::mem::take(from));
    }
}

fn unite(from: &[u8], to: &mut Vec<u8>) {
    if to.len() < from.len() {
        to.resize(from.len(), 0);
    }
    for (from, to) in from.iter().zip(to) {
        *to |= from;
    }
}

/// A part of the memory; empty if it does not lie inside, which it always does.
fn part(memory: &mut [u8], at: usize, length: usize) -> &mut [u8] {
    memory
        .get_mut(at..at.saturating_add(length))
        .unwrap_or_default()
}

fn word(memory: &[u8], at: usize) -> u32 {
    let bytes = memory.get(at..).and_then(|bytes| bytes.first_chunk());
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn long(memory: &[u8], at: usize) -> u64 {
    let bytes = memory.get(at..).and_then(|bytes| bytes.first_chunk());
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
