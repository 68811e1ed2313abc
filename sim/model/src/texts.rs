//! Texts that are nearly equal, and long ones: what ids are made of when they are to be mixed up.
//!
//! Owns the kinds of near-equality that real systems fall over: case, white space, Unicode forms,
//! prefixes, numbers, hashes, C strings, escapes, fixed lengths. Knows no schema.

use std::fmt::Write;
use std::sync::LazyLock;

use sim_record::random::Stream;

/// How two different texts are nearly equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Near {
    /// Equal but for upper and lower case.
    Case,
    /// One, which is not empty, begins the other.
    Prefix,
    /// Equal but for white space around them.
    Space,
    /// Equal once they are in one Unicode normal form.
    Form,
    /// Equal up to the first NUL, where a C string ends.
    Nul,
    /// Equal as numbers.
    Number,
    /// Equal under a 32-bit hash that is in wide use.
    Hash,
    /// Equal in their first [`LONG_BYTES`] bytes or more.
    Long,
    /// Equal once one of them is unescaped.
    Escape,
}

/// From here on a text counts as long: what a column, a key or a buffer is often cut to.
pub const LONG_BYTES: usize = 255;

/// Lengths of long ids, each one more than a size that buffers and columns tend to have.
const LENGTHS: [usize; 4] = [33, 65, 129, LONG_BYTES + 2];

/// Sizes at which heads, columns, keys, buffers and pages end.
const EDGES: [usize; 14] = [
    8, 12, 16, 24, 32, 64, 100, 128, 200, 256, 512, 1_024, 4_096, 8_192,
];

/// A length in bytes: one of [`EDGES`], one beside it, or any below it.
pub fn length(stream: &mut Stream) -> usize {
    length_within(EDGES[EDGES.len() - 1], stream)
}

/// The same of no more than so many bytes.
pub fn length_within(most: usize, stream: &mut Stream) -> usize {
    let edges = &EDGES[..EDGES.iter().filter(|edge| **edge <= most).count().max(1)];
    let edge = *stream.pick(edges).unwrap_or(&EDGES[0]);
    match stream.below(5) {
        0 => edge - 1,
        1 => edge,
        2 => edge + 1,
        _ => stream.below(edge as u32) as usize,
    }
}

/// Texts that are something else to one who looks inside: quotes, heads of other formats, words of
/// protocols.
pub const SPEAKING: [&str; 12] = [
    "timeout",
    "{\"a\": \"b\"}",
    "[1]",
    "\"quoted\"",
    "it's",
    "a:b;c,d",
    "back\\slash",
    "null",
    "0",
    "-1",
    "<a>&amp;</a>",
    "50%",
];

/// Texts of which each two are nearly equal, a family a line.
const FAMILIES: [(Near, [&str; 3]); 17] = [
    (Near::Case, ["r1", "R1", "R1"]),
    (Near::Case, ["order-a", "Order-A", "ORDER-A"]),
    (
        Near::Case,
        ["\u{e9}t\u{e9}", "\u{c9}t\u{e9}", "\u{c9}T\u{c9}"],
    ),
    (Near::Prefix, ["r1", "r1.", "r1.."]),
    (Near::Prefix, ["r", "r1", "r10"]),
    (Near::Space, ["r1", "r1 ", " r1"]),
    (Near::Space, ["r1", "r1\n", "\tr1"]),
    (Near::Form, ["caf\u{e9}", "cafe\u{301}", "cafe\u{301}"]),
    (Near::Form, ["\u{212b}1", "\u{c5}1", "A\u{30a}1"]),
    (Near::Nul, ["r1", "r1\0", "r1\0x"]),
    (Near::Number, ["1", "01", "1.0"]),
    (Near::Hash, ["AaAa", "BBBB", "AaBB"]),
    (Near::Hash, ["costarring", "liquid", "liquid"]),
    (Near::Escape, ["a b", "a%20b", "a+b"]),
    (Near::Escape, ["a/b", "a%2Fb", "a%2fb"]),
    (Near::Escape, ["a:b", "a%3Ab", "a"]),
    (Near::Escape, ["a\"b", "a\\\"b", "a&quot;b"]),
];

impl Near {
    /// In the order in which two texts are looked at: what begins another may be more than that.
    pub const ALL: [Near; 9] = [
        Near::Case,
        Near::Space,
        Near::Form,
        Near::Nul,
        Near::Number,
        Near::Hash,
        Near::Escape,
        Near::Long,
        Near::Prefix,
    ];

    /// How two texts are nearly equal; None if they are equal or quite different.
    pub fn of(one: &str, other: &str) -> Option<Near> {
        if one == other {
            return None;
        }
        Near::ALL.into_iter().find(|near| near.holds(one, other))
    }

    /// Whether two different texts are nearly equal in this way.
    fn holds(self, one: &str, other: &str) -> bool {
        let in_family = || {
            let mut families = FAMILIES.iter().filter(|(near, _)| *near == self);
            families.any(|(_, family)| family.contains(&one) && family.contains(&other))
        };
        match self {
            Near::Case => one.to_lowercase() == other.to_lowercase(),
            Near::Space => one.trim() == other.trim(),
            Near::Nul => {
                let until_nul = |text: &str| text.find('\0').unwrap_or(text.len());
                one[..until_nul(one)] == other[..until_nul(other)]
            }
            Near::Long => common_bytes(one, other) >= LENGTHS[0] - 1,
            Near::Prefix => {
                let begins = |one: &str, other: &str| !one.is_empty() && other.starts_with(one);
                begins(one, other) || begins(other, one)
            }
            Near::Form | Near::Number | Near::Hash | Near::Escape => in_family(),
        }
    }
}

/// How many bytes two texts begin with in common.
fn common_bytes(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(one, other)| one == other).count()
}

/// Three texts of which the first two at least differ, and each two are equal or nearly so.
pub fn family(stream: &mut Stream) -> [String; 3] {
    let kind = *stream.pick(&Near::ALL).unwrap_or(&Near::Case);
    let families = FAMILIES.iter().filter(|(near, _)| *near == kind);
    let families: Vec<_> = families.map(|(_, family)| family).collect();
    match stream.pick(&families) {
        Some(family) => family.map(str::to_owned),
        None => {
            let length = match stream.below(2) {
                0 => *stream.pick(&LENGTHS).unwrap_or(&LENGTHS[0]),
                _ => LENGTHS[0] + stream.below(LONG_BYTES as u32) as usize,
            };
            ["1", "2", "3"].map(|end| long(length - 1) + end)
        }
    }
}

/// A text that is nearly equal to this one, and is not it.
pub fn near(text: &str, stream: &mut Stream) -> String {
    let mut families = FAMILIES.iter().filter(|(_, family)| family.contains(&text));
    if let Some((_, family)) = families.next().filter(|_| stream.below(2) == 0)
        && let Some(other) = family.iter().find(|other| **other != text)
    {
        return (*other).to_owned();
    }
    let swapped = |char: char| match char.is_lowercase() {
        true => char.to_ascii_uppercase(),
        false => char.to_ascii_lowercase(),
    };
    let other = match stream.below(6) {
        0 | 1 => text.chars().map(swapped).collect(),
        2 => format!("{text} "),
        3 => format!("{text}\0"),
        4 => text
            .chars()
            .take(text.chars().count().saturating_sub(1))
            .collect(),
        _ => format!("{text}1"),
    };
    match other == text {
        true => format!("{text}."),
        false => other,
    }
}

/// A text of so many bytes, up to [`LONGEST_BYTES`]: `x`, and then numbers that count up, so that
/// no two parts of it are alike.
pub fn long(bytes: usize) -> String {
    LONGEST[..bytes.min(LONGEST_BYTES)].to_owned()
}

/// The longest text that there is.
pub const LONGEST_BYTES: usize = 70_000;

/// Made once: all others begin it.
static LONGEST: LazyLock<String> = LazyLock::new(|| {
    let mut text = "x".to_owned();
    let mut number = 0_u32;
    while text.len() < LONGEST_BYTES {
        // Writing to a text does not fail.
        let _ = write!(text, "{number}");
        number += 1;
    }
    text
});
