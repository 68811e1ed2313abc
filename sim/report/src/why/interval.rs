//! In which interval a share lies that was sampled: that of Wilson (Journal of the American
//! Statistical Association 22, 1927), at 95 %.
//!
//! With `x` of `n` and `z` = 1.96 its ends are `(2x + z² ∓ √(z⁴ + 4z²·x(n−x)/n)) / 2(n + z²)`. It
//! is taken in integers and rounded outwards, so that every machine comes to the same digits.

/// The ends of an interval, in hundredths of a percent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    /// Rounded down.
    pub low: u32,
    /// Rounded up.
    pub high: u32,
}

/// All of them, in hundredths of a percent.
pub const WHOLE: u32 = 10_000;

/// Numbers are taken in so many parts.
const SCALE: u128 = 1_000_000;
/// The square of 1.959964, in these parts.
const Z_SQUARE: u128 = 3_841_459;

impl Interval {
    /// Of so many, of so many in all. Where there are none at all, anything may be.
    pub fn of(some: u32, all: u32) -> Interval {
        let (some, all) = (u128::from(some.min(all)), u128::from(all));
        if all == 0 {
            return Interval {
                low: 0,
                high: WHOLE,
            };
        }
        let spread = 4 * Z_SQUARE * SCALE * (some * (all - some)) / all;
        let root = (Z_SQUARE * Z_SQUARE + spread).isqrt();
        let middle = 2 * some * SCALE + Z_SQUARE;
        let below = 2 * (all * SCALE + Z_SQUARE);
        let part = |of: u128| of * u128::from(WHOLE);
        Interval {
            low: (part(middle.saturating_sub(root)) / below) as u32,
            high: part(middle + root).div_ceil(below) as u32,
        }
    }
}

/// Hundredths of a percent, as a number of percent.
pub fn percent(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
