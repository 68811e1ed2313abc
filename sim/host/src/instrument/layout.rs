//! Where things lie in the memory that is added: the log of compares, then a byte for each compare
//! that says whether it was equal once, then a counter for each block.
//!
//! All offsets are bytes, all numbers little-endian.

use wasm_encoder::{Encode, MemoryType};

use super::{Refused, refuse};

/// The index of the memory that is added: the guest has one of its own.
pub(super) const MEMORY: u32 = 1;

/// How many entries the log has, 32 bits.
pub(in super::super) const COUNT_AT: u32 = 0;
pub(in super::super) const LOG_AT: u32 = 16;
/// When so many have been logged, no more are.
pub(in super::super) const LOG_ENTRIES: u32 = 512;
/// Site (32 bits), nothing (32 bits), both operands (64 bits each).
pub(in super::super) const COMPARED_BYTES: u32 = 24;

const SOLVED_AT: u32 = LOG_AT + LOG_ENTRIES * COMPARED_BYTES;
const PAGE_BYTES: u32 = 1 << 16;
/// Far more than a binary of the largest size needs.
const MOST_BYTES: u32 = 1 << 30;

/// Where the parts lie whose sizes differ.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Layout {
    blocks_at: u32,
    blocks: u32,
}

impl Layout {
    /// Room for so many compares, and for no block yet.
    pub fn new(compares: u32) -> Result<Layout, Refused> {
        let blocks_at = SOLVED_AT.checked_add(compares);
        let blocks_at = blocks_at.and_then(|end| end.checked_next_multiple_of(8));
        match blocks_at.filter(|at| *at <= MOST_BYTES) {
            Some(blocks_at) => Ok(Layout {
                blocks_at,
                blocks: 0,
            }),
            None => refuse(format!("a module with {compares} compares")),
        }
    }

    /// Makes room for all blocks, the last thing that is known.
    pub fn set_blocks(&mut self, blocks: usize) -> Result<(), Refused> {
        match u32::try_from(blocks)
            .ok()
            .filter(|count| *count <= MOST_BYTES)
        {
            Some(blocks) => {
                self.blocks = blocks;
                Ok(())
            }
            None => refuse(format!("a module with {blocks} blocks")),
        }
    }

    /// Of the byte that says whether a compare was equal once.
    pub fn solved_at(&self, compare: u32) -> u32 {
        SOLVED_AT.saturating_add(compare)
    }

    pub fn block_at(&self, block: u32) -> u32 {
        self.blocks_at.saturating_add(block)
    }

    fn pages(&self) -> u32 {
        self.block_at(self.blocks).div_ceil(PAGE_BYTES)
    }

    pub fn memory_bytes(&self) -> usize {
        self.pages() as usize * PAGE_BYTES as usize
    }

    /// The type of the memory, encoded: it never grows.
    pub(super) fn memory_type(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        MemoryType {
            minimum: u64::from(self.pages()),
            maximum: Some(u64::from(self.pages())),
            memory64: false,
            shared: false,
            page_size_log2: None,
        }
        .encode(&mut bytes);
        bytes
    }
}
