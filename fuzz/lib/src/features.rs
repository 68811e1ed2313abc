//! What an execution showed that is worth going on from, as counters that libFuzzer reads.
//!
//! One region of [`COUNT`] bytes: libFuzzer keeps an input that lights one that none lit before.
//! Guest blocks, how near compares came to equal, abstract states and pairs of decisions have a
//! part each, so that none drowns another. Where there are more than a part has room for, they
//! share counters.
//! The counters are the only memory here; nothing is read back.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use sim::air::ReducerId;
use sim::host::Compared;

/// Counters in all; libFuzzer looks at each of them after each execution.
pub const COUNT: usize = 24 << 10;

const BLOCKS: Range<usize> = 0..12 << 10;
const COMPARES: Range<usize> = 12 << 10..14 << 10;
const STATES: Range<usize> = 14 << 10..23 << 10;
const PAIRS: Range<usize> = 23 << 10..COUNT;

const _: () = assert!(
    BLOCKS.start == 0
        && BLOCKS.end == COMPARES.start
        && COMPARES.end == STATES.start
        && STATES.end == PAIRS.start,
    "none drowns another"
);

/// Read and cleared by libFuzzer, which finds it by the name of its section. Elsewhere, as in
/// tests, it is memory like any other.
#[expect(unsafe_code, reason = "the section's name is libFuzzer's interface")]
#[cfg_attr(
    target_os = "linux",
    unsafe(link_section = "__libfuzzer_extra_counters")
)]
static COUNTERS: [AtomicU8; COUNT] = [const { AtomicU8::new(0) }; COUNT];

/// A hash that is the same everywhere: FNV-1a over words, finished as in MurmurHash3.
pub fn hash(words: impl IntoIterator<Item = u64>) -> u64 {
    let folded = words.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        (hash ^ word).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (folded ^ (folded >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

/// Once is enough: libFuzzer would take each order of magnitude of a count for a feature of its
/// own, and counts mostly tell how long texts and schedules are.
fn light(part: &Range<usize>, place: u64) {
    let index = part.start + (place % part.len() as u64) as usize;
    COUNTERS[index].store(1, Relaxed);
}

/// Where the blocks of a reducer begin, apart from those of the others.
pub fn first_block(reducer: ReducerId) -> usize {
    const APART: usize = 5_000;
    reducer.index() * APART
}

/// Counters for blocks.
pub const BLOCK_COUNT: usize = BLOCKS.end - BLOCKS.start;

/// Which of [`BLOCK_COUNT`] counters a block has.
pub fn block_of(index: usize) -> usize {
    index % BLOCK_COUNT
}

/// A block of the guest was entered.
pub fn block(counter: usize) {
    light(&BLOCKS, counter as u64);
}

/// The guest compared two numbers that differ: a feature for each site and number of bits that are
/// the same in both.
pub fn compare(site: u64, compared: &Compared) {
    let equal_bits = u32::from(compared.width) * 8 - (compared.a ^ compared.b).count_ones();
    light(&COMPARES, hash([site, equal_bits.into()]));
}

/// The world was in this abstract state.
pub fn state(abstract_state: u64) {
    light(&STATES, abstract_state);
}

/// One kind of decision came after another.
pub fn pair(first: u64, second: u64) {
    light(&PAIRS, hash([first, second]));
}

/// Forgets everything, as libFuzzer does before each execution.
pub fn clear() {
    COUNTERS
        .iter()
        .for_each(|counter| counter.store(0, Relaxed));
}

/// How many counters are above zero.
pub fn lit() -> usize {
    COUNTERS
        .iter()
        .filter(|counter| counter.load(Relaxed) > 0)
        .count()
}
