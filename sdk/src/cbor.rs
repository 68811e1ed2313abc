//! The small part of CBOR (RFC 8949) that the wire format uses.
//!
//! Owns heads, texts, byte strings, maps, booleans and null, read without copying and written in
//! the shortest form. Never knows what a field means. Indefinite lengths, floats, negative
//! numbers and tags other than the self-describing one are refused: canonical values of the
//! retry machine have none.
//!
//! What is read and written here may have any form and any length. The usual form has a reader and
//! a writer that are faster: see [`crate::straight`].

use core::fmt;

use crate::text::{self, Text};

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

pub(crate) const MAJOR_NAT: u8 = 0;
pub(crate) const MAJOR_BYTES: u8 = 2;
pub(crate) const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
pub(crate) const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;

pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;

/// The tag that canonical bytes begin with.
pub(crate) const SELF_DESCRIBED: &[u8] = &[0xd9, 0xd9, 0xf7];

/// What the wire form is read with: a [`Reader`], or something faster that takes less.
pub trait Read<'a>: Copy {
    type Refusal: From<Refusal>;
    /// Whether the keys of a record must come in canonical order; else the caller sorts them out.
    const IN_ORDER: bool;

    /// The number of pairs of a map, of which there are usually so many.
    fn pairs(&mut self, usual: usize) -> Result<u64, Self::Refusal>;

    /// Takes that key, of fewer than 24 bytes, and no other.
    fn key(&mut self, name: &[u8]) -> Result<(), Self::Refusal>;

    /// A number from 0 to `u64::MAX`.
    fn nat(&mut self) -> Result<u64, Self::Refusal>;

    fn bytes(&mut self) -> Result<&'a [u8], Self::Refusal>;

    fn text(&mut self) -> Result<Text<'a>, Self::Refusal>;

    /// A text that is checked and not kept.
    fn skip_text(&mut self) -> Result<(), Self::Refusal>;

    /// A text of so many bytes, from 24 to 255, not yet known to be UTF-8.
    fn text_of<const LENGTH: usize>(&mut self) -> Result<&'a [u8; LENGTH], Self::Refusal>;

    /// A text not yet known to be UTF-8, for comparison with texts that are.
    fn text_bytes(&mut self) -> Result<&'a [u8], Self::Refusal>;

    /// The same, as [`text::word`] has it.
    fn word(&mut self) -> Result<u64, Self::Refusal>;

    fn boolean(&mut self) -> Result<bool, Self::Refusal>;

    /// Takes a null, if one comes next.
    fn null(&mut self) -> bool;

    /// A document in a byte string, and what reads it.
    fn document(&mut self) -> Result<(&'a [u8], Self), Self::Refusal>;

    /// Refuses whatever is left over of such a document.
    fn end(&mut self, document: Self) -> Result<(), Self::Refusal>;

    /// Passes over one value, whatever it is.
    fn skip(&mut self) -> Result<(), Self::Refusal>;

    /// Refuses whatever is left over.
    fn finish(self) -> Result<(), Self::Refusal>;
}

/// Reads one value after the other; what it returns borrows from the input.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Read<'a> for Reader<'a> {
    type Refusal = Refusal;
    const IN_ORDER: bool = false;

    fn pairs(&mut self, _: usize) -> Result<u64, Refusal> {
        self.head_of(MAJOR_MAP)
    }

    fn key(&mut self, name: &[u8]) -> Result<(), Refusal> {
        if self.text_bytes()? == name {
            Ok(())
        } else {
            Err(Refusal::UnknownField)
        }
    }

    fn nat(&mut self) -> Result<u64, Refusal> {
        self.head_of(MAJOR_NAT)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.head_of(MAJOR_BYTES)?;
        self.take(length)
    }

    fn text(&mut self) -> Result<Text<'a>, Refusal> {
        let text = core::str::from_utf8(self.text_bytes()?);
        text.map(Text::new).map_err(|_| Refusal::InvalidUtf8)
    }

    fn skip_text(&mut self) -> Result<(), Refusal> {
        self.text().map(drop)
    }

    fn text_bytes(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.head_of(MAJOR_TEXT)?;
        self.take(length)
    }

    fn text_of<const LENGTH: usize>(&mut self) -> Result<&'a [u8; LENGTH], Refusal> {
        self.text_bytes()?.as_array().ok_or(Refusal::InvalidValue)
    }

    fn word(&mut self) -> Result<u64, Refusal> {
        self.text_bytes().map(text::word)
    }

    fn boolean(&mut self) -> Result<bool, Refusal> {
        match self.take_byte()? {
            FALSE => Ok(false),
            TRUE => Ok(true),
            _ => Err(Refusal::UnexpectedType),
        }
    }

    fn null(&mut self) -> bool {
        match self.rest {
            [NULL, rest @ ..] => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn document(&mut self) -> Result<(&'a [u8], Self), Refusal> {
        let bytes = self.bytes()?;
        Ok((bytes, Reader::new(bytes)))
    }

    fn end(&mut self, document: Self) -> Result<(), Refusal> {
        document.finish()
    }

    /// Each turn consumes a byte, so the input bounds it.
    fn skip(&mut self) -> Result<(), Refusal> {
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

    fn finish(self) -> Result<(), Refusal> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Refusal::TrailingBytes)
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader of a document, which may begin with the self-describing tag.
    pub fn new(document: &'a [u8]) -> Self {
        Reader {
            rest: document.strip_prefix(SELF_DESCRIBED).unwrap_or(document),
        }
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

    fn take(&mut self, length: u64) -> Result<&'a [u8], Refusal> {
        let length = usize::try_from(length).map_err(|_| Refusal::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Refusal::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

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

/// Where encoded bytes go. That something did not fit is remembered, and refused at the end.
pub trait Sink {
    /// Takes bytes that are already encoded.
    fn put(&mut self, bytes: &[u8]);

    /// The same, of a length that is known when this is compiled.
    #[inline(always)]
    fn literal<const LENGTH: usize>(&mut self, bytes: &[u8; LENGTH]) {
        self.put(bytes);
    }

    /// Takes the first `count` bytes of a word, lowest first.
    #[inline(always)]
    fn word(&mut self, word: u64, count: usize) {
        self.put(word.to_le_bytes().get(..count).unwrap_or_default());
    }

    /// Begins a byte string of what is put in until it is closed; returns where.
    fn open(&mut self) -> usize;

    fn close(&mut self, start: usize);

    /// How many bytes were written.
    fn finish(self) -> Result<usize, Refusal>;

    #[inline(always)]
    fn head(&mut self, major: u8, argument: u64) {
        let first = u64::from(major << 5);
        if argument < 24 {
            return self.word(first | argument, 1);
        }
        let code = u64::from(argument > 0xff)
            + u64::from(argument > 0xffff)
            + u64::from(argument > 0xffff_ffff);
        let width = 1 << code;
        self.word(first | 24 | code, 1);
        self.word((argument << (64 - 8 * width)).swap_bytes(), width);
    }

    /// The tag that canonical bytes begin with.
    fn self_described(&mut self) {
        self.put(SELF_DESCRIBED);
    }

    #[inline(always)]
    fn map(&mut self, pairs: u64) {
        self.head(MAJOR_MAP, pairs);
    }

    fn array(&mut self, items: u64) {
        self.head(MAJOR_ARRAY, items);
    }

    #[inline(always)]
    fn nat(&mut self, value: u64) {
        self.head(MAJOR_NAT, value);
    }

    #[inline(always)]
    fn text<'a>(&mut self, value: impl Into<Text<'a>>) {
        let value = value.into();
        if value.word() == 0 {
            self.head(MAJOR_TEXT, value.long().len() as u64);
            self.put(value.long());
        } else {
            self.word(value.word(), text::word_bytes(value.word()));
        }
    }

    #[inline(always)]
    fn bytes(&mut self, value: &[u8]) {
        self.head(MAJOR_BYTES, value.len() as u64);
        self.put(value);
    }

    #[inline(always)]
    fn null(&mut self) {
        self.word(u64::from(NULL), 1);
    }
}

/// Writes into a given space.
pub struct Buffer<'a> {
    space: &'a mut [u8],
    /// How many bytes were written, or should have been.
    length: usize,
}

impl<'a> Buffer<'a> {
    pub fn new(space: &'a mut [u8]) -> Self {
        Buffer { space, length: 0 }
    }
}

impl Sink for Buffer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let rest = self.space.get_mut(self.length..).unwrap_or_default();
        if let Some(slot) = rest.get_mut(..bytes.len()) {
            slot.copy_from_slice(bytes);
        }
        self.length = self.length.saturating_add(bytes.len());
    }

    fn open(&mut self) -> usize {
        self.length
    }

    /// The head comes after its bytes first, and is then turned to the front.
    fn close(&mut self, start: usize) {
        let length = self.length - start;
        self.head(MAJOR_BYTES, length as u64);
        if let Some(written) = self.space.get_mut(start..self.length) {
            written.rotate_left(length);
        }
    }

    fn finish(self) -> Result<usize, Refusal> {
        if self.length > self.space.len() {
            Err(Refusal::OutputTooLong)
        } else {
            Ok(self.length)
        }
    }
}
