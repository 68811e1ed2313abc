//! The mutator of JSON texts: what a target reads is changed as a tree, whatever it means.
//!
//! A mutation is a few edits, each drawn from a seed: members and elements are deleted, doubled,
//! swapped and moved; values, names and whole parts are replaced by others. Names refer to each
//! other, so the others are mostly those that stand elsewhere in the same text or in what the run
//! started from, and a text may be renamed wherever it stands. One call in eight, and every text
//! that is not JSON, is left to libFuzzer, which changes bytes.

mod edits;
mod pool;

use arbitrary::Unstructured;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::json::{Layout, Tree};
use crate::seeds::Sown;
pub use pool::Pool;

/// Random bytes for one mutation; when they are used up, what is drawn is the least there is.
const DICE_BYTES: usize = 1 << 9;
/// The most edits of one mutation.
const MOST_EDITS: u32 = 4;
/// Which calls change bytes: one in so many.
const BYTES_IN: u32 = 8;
/// Which crossings take a part over: one in so many; the rest are mutations of the first text.
const CROSSED_IN: u32 = 2;

/// What new parts are made of.
pub struct Palette<'a> {
    pub pool: &'a Pool,
    /// Changes bytes in place, as libFuzzer does.
    pub bytes: &'a mut dyn FnMut(&mut Vec<u8>),
}

/// Makes other texts of texts.
pub struct Mutator {
    pool: Pool,
}

impl Mutator {
    /// A mutator that knows the words and parts of these.
    pub fn of(seeds: &[Sown]) -> Mutator {
        let texts = seeds
            .iter()
            .filter_map(|seed| std::str::from_utf8(&seed.content).ok());
        let trees: Vec<Tree> = texts.filter_map(|text| Tree::read(text).ok()).collect();
        Mutator {
            pool: Pool::of(&trees),
        }
    }

    /// Another text; None if the bytes are to be changed as bytes.
    pub fn mutate(
        &self,
        data: &[u8],
        seed: u32,
        bytes: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Option<String> {
        if seed.is_multiple_of(BYTES_IN) {
            return None;
        }
        let mut tree = read(data)?;
        let mut palette = Palette {
            pool: &self.pool,
            bytes,
        };
        Some(
            with_dice(seed, |dice| {
                let edits = 1 + dice.int_in_range(0..=MOST_EDITS)?.saturating_sub(1) / 2;
                let done = (0..edits).try_for_each(|_| edits::edit(&mut tree, &mut palette, dice));
                done.map(|()| tree.write(layout(dice)))
            })
            .unwrap_or_else(|_| tree.write(Layout::Compact)),
        )
    }

    /// One text of two; None as above.
    pub fn cross(
        &self,
        data: &[u8],
        other: &[u8],
        seed: u32,
        bytes: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Option<String> {
        let (tree, other) = (read(data), read(other));
        match (tree, other) {
            (Some(mut tree), Some(other)) if seed.is_multiple_of(CROSSED_IN) => {
                Some(with_dice(seed, |dice| {
                    // Running out of dice ends a splice early, and is no error.
                    let _ = edits::splice(&mut tree, &other, dice);
                    tree.write(layout(dice))
                }))
            }
            _ => self.mutate(data, seed, bytes),
        }
    }
}

fn read(data: &[u8]) -> Option<Tree> {
    Tree::read(std::str::from_utf8(data).ok()?).ok()
}

/// Mostly short: libFuzzer prefers short inputs, and places in one line are places too.
fn layout(dice: &mut Unstructured<'_>) -> Layout {
    match dice.ratio(1, 4) {
        Ok(true) => Layout::Lines,
        _ => Layout::Compact,
    }
}

fn with_dice<T>(seed: u32, edit: impl FnOnce(&mut Unstructured<'_>) -> T) -> T {
    let mut bytes = [0; DICE_BYTES];
    ChaCha8Rng::seed_from_u64(seed.into()).fill_bytes(&mut bytes);
    edit(&mut Unstructured::new(&bytes))
}
