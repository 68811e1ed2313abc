//! The small part of CBOR (RFC 8949) that the wire format uses.
//!
//! Owns heads, texts, byte strings, maps, booleans and null, read without copying and written in
//! the shortest form. Never knows what a field means. Indefinite lengths, floats, negative
//! numbers and tags other than the self-describing one are refused: canonical values of the
//! retry machine have none.

use core::fmt;

/// Why bytes were refused. In wasm any of these is a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The input ends inside a value.
    Truncated,
    /// Bytes follow the value.
    TrailingBytes,
    /// A value of another type, or in a form that is not read, was expected.
    UnexpectedType,
    /// A text is not UTF-8.
    InvalidUtf8,
    /// A record has a field that its schema lacks.
    UnknownField,
    /// A record has a field twice.
    DuplicateField,
    /// A record lacks a field that its schema has.
    MissingField,
    /// A variant tag, version, phase or hash is not one of those that its schema allows.
    InvalidValue,
    /// The output does not fit in the space given for it.
    OutputTooLong,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refusal::Truncated => "the input ends inside a value",
            Refusal::TrailingBytes => "bytes follow the value",
            Refusal::UnexpectedType => "a value of another type was expected",
            Refusal::InvalidUtf8 => "a text is not UTF-8",
            Refusal::UnknownField => "a field is unknown",
            Refusal::DuplicateField => "a field is there twice",
            Refusal::MissingField => "a field is missing",
            Refusal::InvalidValue => "a value is not one of those allowed",
            Refusal::OutputTooLong => "the output does not fit in its space",
        })
    }
}

impl core::error::Error for Refusal {}

const MAJOR_NAT: u8 = 0;
const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;

const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

/// The tag that canonical bytes begin with.
const SELF_DESCRIBED: &[u8] = &[0xd9, 0xd9, 0xf7];

/// Reads one value after the other; what it returns borrows from the input.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of a document, which may begin with the self-describing tag.
    pub fn new(document: &'a [u8]) -> Self {
        Reader {
            rest: document.strip_prefix(SELF_DESCRIBED).unwrap_or(document),
        }
    }

    /// Refuses whatever is left over.
    pub fn finish(&self) -> Result<(), Refusal> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Refusal::TrailingBytes)
        }
    }

    /// The number of pairs of a map.
    #[inline]
    pub fn map(&mut self) -> Result<u64, Refusal> {
        self.head_of(MAJOR_MAP)
    }

    /// A number from 0 to `u64::MAX`.
    #[inline]
    pub fn nat(&mut self) -> Result<u64, Refusal> {
        self.head_of(MAJOR_NAT)
    }

    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.head_of(MAJOR_BYTES)?;
        self.take(length)
    }

    #[inline]
    pub fn text(&mut self) -> Result<&'a str, Refusal> {
        core::str::from_utf8(self.text_bytes()?).map_err(|_| Refusal::InvalidUtf8)
    }

    /// A text not yet known to be UTF-8, for comparison with texts that are.
    #[inline]
    pub fn text_bytes(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.head_of(MAJOR_TEXT)?;
        self.take(length)
    }

    /// Takes `key`, of fewer than 24 bytes, if it comes next.
    #[inline]
    pub fn take_key(&mut self, key: &[u8]) -> bool {
        let head = (MAJOR_TEXT << 5) | key.len() as u8;
        match self
            .rest
            .strip_prefix(&[head])
            .and_then(|rest| rest.strip_prefix(key))
        {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    #[inline]
    pub fn boolean(&mut self) -> Result<bool, Refusal> {
        match self.take_byte()? {
            FALSE => Ok(false),
            TRUE => Ok(true),
            _ => Err(Refusal::UnexpectedType),
        }
    }

    /// What `read` reads, or `None` for null.
    #[inline]
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        match self.rest {
            [NULL, rest @ ..] => {
                self.rest = rest;
                Ok(None)
            }
            _ => read(self).map(Some),
        }
    }

    /// Passes over one value, whatever it is. Each turn consumes a byte, so the input bounds it.
    pub fn skip(&mut self) -> Result<(), Refusal> {
        let mut left: u64 = 1;
        while left > 0 {
            left -= 1;
            let (major, argument) = self.head()?;
            let inner = match major {
                MAJOR_BYTES | MAJOR_TEXT => self.take(argument).map(|_| 0)?,
                MAJOR_ARRAY => argument,
                MAJOR_MAP => argument.saturating_mul(2),
                MAJOR_TAG => 1,
                // Numbers, and simple values and floats, whose argument is the value.
                _ => 0,
            };
            left = left.saturating_add(inner);
        }
        Ok(())
    }

    #[inline]
    fn head_of(&mut self, expected: u8) -> Result<u64, Refusal> {
        // Nearly all heads are one byte long; the rest are read out of line.
        if let [first, rest @ ..] = self.rest {
            let short = first.wrapping_sub(expected << 5);
            if short < 24 {
                self.rest = rest;
                return Ok(u64::from(short));
            }
        }
        self.long_head_of(expected)
    }

    #[inline(never)]
    fn long_head_of(&mut self, expected: u8) -> Result<u64, Refusal> {
        let (major, argument) = self.head()?;
        if major == expected {
            Ok(argument)
        } else {
            Err(Refusal::UnexpectedType)
        }
    }

    /// The major type and the argument of what comes next.
    fn head(&mut self) -> Result<(u8, u64), Refusal> {
        let first = self.take_byte()?;
        let argument = match first & 0x1f {
            short @ 0..24 => u64::from(short),
            24 => u64::from(self.take_byte()?),
            25 => u64::from(u16::from_be_bytes(self.take_array()?)),
            26 => u64::from(u32::from_be_bytes(self.take_array()?)),
            27 => u64::from_be_bytes(self.take_array()?),
            _ => return Err(Refusal::UnexpectedType),
        };
        Ok((first >> 5, argument))
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Refusal> {
        let length = usize::try_from(length).map_err(|_| Refusal::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn take_byte(&mut self) -> Result<u8, Refusal> {
        let (byte, rest) = self.rest.split_first().ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn take_array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Refusal> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }
}

/// Where encoded bytes go: a buffer, or a count of them that tells a byte string's length
/// before it is written.
pub trait Sink {
    /// Takes bytes that are already encoded.
    fn put(&mut self, bytes: &[u8]);

    #[inline]
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        match argument {
            0..24 => self.put(&[major | argument as u8]),
            24..=0xff => self.put(&[major | 24, argument as u8]),
            _ => self.long_head(major, argument),
        }
    }

    #[inline(never)]
    fn long_head(&mut self, major: u8, argument: u64) {
        let mut encoded = [0; 9];
        let [first, rest @ ..] = &mut encoded;
        *rest = argument.to_be_bytes();
        let (code, length) = match argument {
            0..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        *first = major | code;
        self.put(&[*first]);
        self.put(&rest[8 - length..]);
    }

    /// The tag that canonical bytes begin with.
    #[inline]
    fn self_described(&mut self) {
        self.put(SELF_DESCRIBED);
    }

    #[inline]
    fn map(&mut self, pairs: u64) {
        self.head(MAJOR_MAP, pairs);
    }

    #[inline]
    fn array(&mut self, items: u64) {
        self.head(MAJOR_ARRAY, items);
    }

    #[inline]
    fn nat(&mut self, value: u64) {
        self.head(MAJOR_NAT, value);
    }

    #[inline]
    fn text(&mut self, value: &str) {
        self.head(MAJOR_TEXT, value.len() as u64);
        self.put(value.as_bytes());
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.head(MAJOR_BYTES, value.len() as u64);
        self.put(value);
    }

    /// The beginning of a byte string of that length; its bytes follow.
    #[inline]
    fn bytes_head(&mut self, length: u64) {
        self.head(MAJOR_BYTES, length);
    }

    #[inline]
    fn null(&mut self) {
        self.put(&[NULL]);
    }
}

/// Counts what would be written.
#[derive(Default)]
pub struct Counter {
    pub length: u64,
}

impl Sink for Counter {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
    }
}

/// Writes into a given space; that something did not fit is remembered, and refused at the end.
pub struct Buffer<'a> {
    rest: &'a mut [u8],
    /// How long the whole space is.
    length: usize,
    overflowed: bool,
}

impl<'a> Buffer<'a> {
    pub fn new(space: &'a mut [u8]) -> Self {
        Buffer {
            length: space.len(),
            rest: space,
            overflowed: false,
        }
    }

    /// How many bytes were written.
    pub fn finish(self) -> Result<usize, Refusal> {
        if self.overflowed {
            Err(Refusal::OutputTooLong)
        } else {
            Ok(self.length - self.rest.len())
        }
    }
}

impl Sink for Buffer<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        match core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            Some((slot, rest)) => {
                slot.copy_from_slice(bytes);
                self.rest = rest;
            }
            None => self.overflowed = true,
        }
    }
}
