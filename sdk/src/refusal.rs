//! Why a step is refused, in words that name the place.
//!
//! Owns the list of what can be wrong, and how it is said. Nothing is allocated: a name out of the
//! input is copied, and cut if it is long. Does without `core::fmt` in wasm, which is larger than a
//! small reducer.

use core::fmt;

/// How much of a name out of the input is repeated, in bytes.
const NAME_BYTES: usize = 24;
/// How many names a place has; what is further in is left out.
const DEPTH: usize = 4;

/// Why a step is refused: what was wrong, and where.
///
/// In wasm a refusal is a trap, and the host shows these words. In a test on the host it is an
/// error like any other.
///
/// ```
/// use sdk::Refusal;
///
/// let refusal = Refusal::because("the total is above its limit").within(&"state");
/// assert_eq!(refusal.to_string(), "state: the total is above its limit");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    problem: Problem,
    /// A reason, what was expected, or the name of a field.
    text: &'static str,
    /// What a value is that was found.
    found: &'static &'static str,
    /// A name out of the input, and how long it is; what is longer is cut.
    name: [u8; NAME_BYTES],
    name_bytes: u8,
    depth: u8,
    place: [&'static &'static str; DEPTH],
}

/// What was wrong. A refusal is handed on many times, so that it is kept small: it has the details
/// of all problems in the same fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Problem {
    /// A reason of the reducer's own, whose place need not be named.
    Because,
    Malformed,
    Expected,
    UnknownField,
    UnknownTag,
    Twice,
    Missing,
    OutputTooLong,
}

impl Refusal {
    /// For a reason of the reducer's own: a lower-case fragment.
    pub const fn because(reason: &'static str) -> Refusal {
        Refusal::of(Problem::Because, reason)
    }

    /// The bytes are not what the format allows.
    pub(crate) const fn malformed(reason: &'static str) -> Refusal {
        Refusal::of(Problem::Malformed, reason)
    }

    /// The input ends inside a value.
    pub const fn truncated() -> Refusal {
        Refusal::malformed("the input ends inside a value")
    }

    /// Another kind of value was expected than the one that begins with this byte, if there is one.
    #[cold]
    #[inline(never)]
    pub const fn expected(expected: &'static str, first: Option<u8>) -> Refusal {
        let mut refusal = Refusal::of(Problem::Expected, expected);
        refusal.found = kind_of(first);
        refusal
    }

    /// A record has a field that its schema lacks.
    #[cold]
    #[inline(never)]
    pub fn unknown_field(name: &[u8]) -> Refusal {
        Refusal::unknown(Problem::UnknownField, name)
    }

    /// A variant has a tag that its schema lacks.
    #[cold]
    #[inline(never)]
    pub fn unknown_tag(name: &[u8]) -> Refusal {
        Refusal::unknown(Problem::UnknownTag, name)
    }

    /// A record has a field twice.
    #[cold]
    #[inline(never)]
    pub const fn twice(name: &'static str) -> Refusal {
        Refusal::of(Problem::Twice, name)
    }

    /// A record lacks a field that its schema has.
    #[cold]
    #[inline(never)]
    pub const fn missing(name: &'static str) -> Refusal {
        Refusal::of(Problem::Missing, name)
    }

    /// The output does not fit in the space given for it: the step is taken again with more.
    pub const fn output_too_long() -> Refusal {
        Refusal::of(Problem::OutputTooLong, "")
    }

    /// Whether it is [`Refusal::output_too_long`].
    pub fn is_output_too_long(&self) -> bool {
        self.problem == Problem::OutputTooLong
    }

    /// The same, inside of what has this name.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn within(mut self, name: &'static &'static str) -> Refusal {
        self.depth = (self.depth + 1).min(DEPTH as u8);
        self.place.rotate_right(1);
        self.place[0] = name;
        self
    }

    const fn of(problem: Problem, text: &'static str) -> Refusal {
        Refusal {
            problem,
            text,
            found: &"",
            name: [0; NAME_BYTES],
            name_bytes: 0,
            depth: 0,
            place: [&""; DEPTH],
        }
    }

    fn unknown(problem: Problem, name: &[u8]) -> Refusal {
        let mut refusal = Refusal::of(problem, "");
        for (to, from) in refusal.name.iter_mut().zip(name) {
            *to = *from;
        }
        refusal.name_bytes = u8::try_from(name.len()).unwrap_or(u8::MAX);
        refusal
    }

    /// Its words, piece by piece.
    pub(crate) fn tell(&self, say: &mut dyn FnMut(&str)) {
        let place = self.place.get(..usize::from(self.depth));
        match place.unwrap_or_default() {
            [] if self.problem == Problem::Because => {}
            [] => say("envelope: "),
            [first, rest @ ..] => {
                say(first);
                for name in rest {
                    say(".");
                    say(name);
                }
                say(": ");
            }
        }
        let (name, cut) = self.name();
        let pieces: [&str; 5] = match self.problem {
            Problem::Because | Problem::Malformed => [self.text, "", "", "", ""],
            Problem::Expected => ["expected ", self.text, ", found ", self.found, ""],
            Problem::UnknownField => ["the field `", name, cut, "` is unknown", ""],
            Problem::UnknownTag => ["the tag `", name, cut, "` is unknown", ""],
            Problem::Twice => ["the field `", self.text, "` is there twice", "", ""],
            Problem::Missing => ["the field `", self.text, "` is missing", "", ""],
            Problem::OutputTooLong => ["the output does not fit in its space", "", "", "", ""],
        };
        pieces.into_iter().for_each(say);
    }

    /// The name as far as it can be printed, and what stands for the rest. A host that finds a NUL
    /// in a message may show none of it.
    fn name(&self) -> (&str, &'static str) {
        let bytes = self.name.get(..usize::from(self.name_bytes));
        let known = bytes.unwrap_or(&self.name);
        let valid = known.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let printable = valid.split(|char: char| char.is_control()).next();
        let printable = printable.unwrap_or_default();
        let is_whole = printable.len() == usize::from(self.name_bytes);
        (printable, if is_whole { "" } else { "…" })
    }
}

/// What a value is, by its first byte.
const fn kind_of(first: Option<u8>) -> &'static &'static str {
    let Some(first) = first else {
        return &"the end of the input";
    };
    match (first >> 5, first & 0x1f) {
        (2..6, 31) => &"a value of unknown length",
        (0..7, 28..) => &"a byte that begins no value",
        (0, _) => &"a number",
        (1, _) => &"a negative number",
        (2, _) => &"bytes",
        (3, _) => &"a text",
        (4, _) => &"a list",
        (5, _) => &"a record",
        (6, _) => &"a tagged value",
        (_, 20 | 21) => &"a bool",
        (_, 22) => &"null",
        _ => &"a float or simple value",
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.tell(&mut |piece| {
            if result.is_ok() {
                result = formatter.write_str(piece);
            }
        });
        result
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Refusal({self})")
    }
}

impl core::error::Error for Refusal {}

/// What a way to read says no with: a [`Refusal`], or something that costs less.
pub trait Refuse: From<Refusal> {
    /// The same, inside of what has this name.
    #[must_use]
    fn inside(self, name: &'static &'static str) -> Self;
}

impl Refuse for Refusal {
    fn inside(self, name: &'static &'static str) -> Self {
        self.within(name)
    }
}
