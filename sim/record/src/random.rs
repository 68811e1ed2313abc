//! Seeds and the streams of random numbers drawn from them.
//!
//! Every choice of a run comes from a [`Stream`] that is passed as an argument; each component
//! draws from a stream of its own, so that a change in one does not shift the others.
//! The sampling is written here, in integers, because the distributions of general crates may
//! change their values between releases and a seed is kept for years.

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a run's random choices start from.
///
/// Written as a decimal `u64`. A 40-digit hex commit id is a seed too: its first 16 digits,
/// so that a build can be tested with a seed of its own.
///
/// ```
/// use sim_record::random::Seed;
///
/// let of_commit: Seed = "00000000000000ff1234567890abcdef12345678".parse()?;
/// assert_eq!(of_commit, "255".parse()?);
/// assert!("seven".parse::<Seed>().is_err());
/// # Ok::<(), sim_record::random::ParseSeedError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The text is neither a `u64` nor a commit id.
#[derive(Debug, thiserror::Error)]
#[error("expected a seed: a number from 0 to 18446744073709551615, or 40 hex digits of a commit")]
pub struct ParseSeedError;

impl FromStr for Seed {
    type Err = ParseSeedError;

    fn from_str(text: &str) -> Result<Seed, ParseSeedError> {
        if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return u64::from_str_radix(&text[..16], 16)
                .map(Seed)
                .map_err(|_| ParseSeedError);
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseSeedError);
        }
        text.parse().map(Seed).map_err(|_| ParseSeedError)
    }
}

/// The components that draw; each has a ChaCha stream number of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Component {
    /// Which requests a run may start, and their values.
    Requests = 1,
    /// The mix of faults of a run.
    Faults = 2,
    /// The decisions of a run.
    Chooser = 3,
    /// Which runs are looked at more closely.
    Samples = 4,
    /// The values that a shrinker tries.
    Shrinker = 5,
    /// Whether a run goes deep.
    Depth = 6,
    /// Values in the small worlds that are explored.
    SmallWorlds = 7,
}

/// How often something happens: `numerator` times in `denominator`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ratio {
    /// How many times it happens.
    pub numerator: u32,
    /// Of so many; above 0.
    pub denominator: u32,
}

impl Ratio {
    /// The ratio as given: it is not reduced.
    ///
    /// # Panics
    /// If the denominator is 0, or smaller than the numerator.
    pub const fn new(numerator: u32, denominator: u32) -> Ratio {
        assert!(denominator > 0 && numerator <= denominator);
        Ratio {
            numerator,
            denominator,
        }
    }
}

/// A stream of random numbers: ChaCha with 8 rounds, keyed by the seed.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of a component: the same for the same seed, whatever others draw.
    ///
    /// ```
    /// use sim_record::random::{Component, Seed, Stream};
    ///
    /// let mut stream = Stream::new(Seed(7), Component::Faults);
    /// let drawn: Vec<u32> = (0..4).map(|_| stream.below(100)).collect();
    /// let mut again = Stream::new(Seed(7), Component::Faults);
    /// assert!(drawn.iter().all(|number| *number == again.below(100)));
    /// ```
    pub fn new(seed: Seed, component: Component) -> Stream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.0.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(component as u64);
        Stream(generator)
    }

    /// What is drawn for small worlds, always the same.
    pub fn of_a_small_world() -> Stream {
        Stream::new(Seed(0), Component::SmallWorlds)
    }

    /// Any of the 2^64 numbers, each as likely as the others.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `bound - 1`, without bias worth naming: a 32-bit draw scaled by
    /// multiplication, off by less than `bound` in 2^32.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 0, "nothing is below 0");
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Whether something happens, this time, that happens so often. Draws nothing if it never does.
    #[inline]
    pub fn chance(&mut self, ratio: Ratio) -> bool {
        ratio.numerator > 0 && self.below(ratio.denominator) < ratio.numerator
    }

    /// One of `items`, each as likely as the others; `None` if there are none.
    #[inline]
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        items.get(self.below(items.len() as u32) as usize)
    }

    /// The index of one of `weights`, as likely as its share of their sum; `None` if that is 0.
    #[inline]
    pub fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let total: u32 = weights.iter().sum();
        if total == 0 {
            return None;
        }
        let mut drawn = self.below(total);
        weights.iter().position(|&weight| {
            let hit = drawn < weight;
            drawn = drawn.wrapping_sub(if hit { 0 } else { weight });
            hit
        })
    }
}
