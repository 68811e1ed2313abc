//! The small part of CBOR (RFC 8949) that the wire format uses.
//!
//! Owns heads, numbers, texts, byte strings, lists, maps, booleans and null, read without copying
//! and written in the shortest form. Never knows what a field means. Indefinite lengths, floats and
//! tags other than the self-describing one are refused: canonical values have none.
//!
//! Written by hand, after measuring: with cbor4ii 1.2 a step of the reducer in `reducer/` took 1.5
//! times as long, with minicbor 2.3 1.7 times.
//!
//! What is read and written here may have any form and any length. The usual form has a reader and
//! a writer that are faster: see [`crate::straight`].

use crate::refusal::{Refusal, Refuse};
use crate::text::{self, Text};

pub(crate) const MAJOR_NAT: u8 = 0;
const MAJOR_NEGATIVE: u8 = 1;
pub(crate) const MAJOR_BYTES: u8 = 2;
pub(crate) const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
pub(crate) const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;

pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;

const TRUNCATED: Refusal = Refusal::truncated();
const NOT_UTF8: Refusal = Refusal::malformed("a text is not UTF-8");
const TRAILING_BYTES: Refusal = Refusal::malformed("bytes follow the value");

/// The tag that canonical bytes begin with.
pub(crate) const SELF_DESCRIBED: &[u8] = &[0xd9, 0xd9, 0xf7];

/// What the wire form is read with: a [`Reader`], or something faster that takes less.
pub trait Read<'a>: Copy {
    /// What it says no with.
    type Refusal: Refuse;
    /// Whether the keys of a record must come in canonical order; else the caller sorts them out.
    const IN_ORDER: bool;

    /// The number of pairs of a map, of which there are usually so many.
    fn pairs(&mut self, usual: usize) -> Result<u64, Self::Refusal>;

    /// Takes that key, of fewer than 24 bytes, and no other.
    fn key(&mut self, name: &[u8]) -> Result<(), Self::Refusal>;

    /// A number from 0 to `u64::MAX`.
    fn nat(&mut self) -> Result<u64, Self::Refusal>;

    /// A byte string.
    fn bytes(&mut self) -> Result<&'a [u8], Self::Refusal>;

    /// A text.
    fn text(&mut self) -> Result<Text<'a>, Self::Refusal>;

    /// A text that is checked and not kept.
    fn skip_text(&mut self) -> Result<(), Self::Refusal>;

    /// A text of so many bytes, from 24 to 255, not yet known to be UTF-8.
    fn text_of<const LENGTH: usize>(&mut self) -> Result<&'a [u8; LENGTH], Self::Refusal>;

    /// A text not yet known to be UTF-8, for comparison with texts that are.
    fn text_bytes(&mut self) -> Result<&'a [u8], Self::Refusal>;

    /// The same, as [`text::word`] has it.
    fn word(&mut self) -> Result<u64, Self::Refusal>;

    /// True or false.
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
        match self.text_bytes()? {
            key if key == name => Ok(()),
            key => Err(Refusal::unknown_field(key)),
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
        text.map(Text::new).map_err(|_| NOT_UTF8)
    }

    fn skip_text(&mut self) -> Result<(), Refusal> {
        self.text().map(drop)
    }

    fn text_bytes(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.head_of(MAJOR_TEXT)?;
        self.take(length)
    }

    fn text_of<const LENGTH: usize>(&mut self) -> Result<&'a [u8; LENGTH], Refusal> {
        self.text_bytes()?
            .as_array()
            .ok_or(const { Refusal::malformed("the text has another length than is allowed") })
    }

    fn word(&mut self) -> Result<u64, Refusal> {
        self.text_bytes().map(text::word)
    }

    fn boolean(&mut self) -> Result<bool, Refusal> {
        match self.take_byte()? {
            FALSE => Ok(false),
            TRUE => Ok(true),
            first => Err(Refusal::expected("a bool", Some(first))),
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
            Err(TRAILING_BYTES)
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

    /// A text as it is.
    pub fn str(&mut self) -> Result<&'a str, Refusal> {
        core::str::from_utf8(self.text_bytes()?).map_err(|_| NOT_UTF8)
    }

    /// A number from `i64::MIN` to `i64::MAX`.
    pub fn int(&mut self) -> Result<i64, Refusal> {
        let first = self.first();
        let (major, argument) = self.head()?;
        let magnitude = i64::try_from(argument)
            .map_err(|_| Refusal::malformed("the number does not fit in an int"))?;
        match major {
            MAJOR_NAT => Ok(magnitude),
            MAJOR_NEGATIVE => Ok(!magnitude),
            _ => Err(Refusal::expected("an int", first)),
        }
    }

    /// The number of items of a list.
    pub fn items(&mut self) -> Result<u64, Refusal> {
        self.head_of(MAJOR_ARRAY)
    }

    /// The byte that the next value begins with.
    pub fn first(&self) -> Option<u8> {
        self.rest.first().copied()
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
        let first = self.first();
        let refusal = || Refusal::expected(kind(expected), first);
        match self.head() {
            Ok((major, argument)) if major == expected => Ok(argument),
            Ok(_) => Err(refusal()),
            // One of the right kind that is cut short says so.
            Err(error) if first.is_some_and(|first| first >> 5 == expected) => Err(error),
            Err(_) => Err(refusal()),
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
            _ => return Err(Refusal::expected("a value", Some(first))),
        };
        Ok((first >> 5, argument))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Refusal> {
        let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(taken)
    }

    fn take_byte(&mut self) -> Result<u8, Refusal> {
        let (byte, rest) = self.rest.split_first().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn take_array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Refusal> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(*array)
    }
}

/// What a value of a major type is called.
fn kind(major: u8) -> &'static str {
    match major {
        MAJOR_NAT => "a nat",
        MAJOR_BYTES => "bytes",
        MAJOR_TEXT => "a text",
        MAJOR_ARRAY => "a list",
        MAJOR_MAP => "a record",
        _ => "a value",
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

    /// Ends the byte string that was opened there.
    fn close(&mut self, start: usize);

    /// How many bytes were written.
    fn finish(self) -> Result<usize, Refusal>;

    /// The head of a value, as short as it can be.
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

    /// The head of a map of so many pairs.
    #[inline(always)]
    fn map(&mut self, pairs: u64) {
        self.head(MAJOR_MAP, pairs);
    }

    /// The head of a list of so many items.
    fn array(&mut self, items: u64) {
        self.head(MAJOR_ARRAY, items);
    }

    /// A number that is not negative.
    #[inline(always)]
    fn nat(&mut self, value: u64) {
        self.head(MAJOR_NAT, value);
    }

    /// A number.
    fn int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(MAJOR_NAT, value),
            Err(_) => self.head(MAJOR_NEGATIVE, !value as u64),
        }
    }

    /// True or false.
    fn boolean(&mut self, value: bool) {
        self.word(u64::from(if value { TRUE } else { FALSE }), 1);
    }

    /// A text.
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

    /// A byte string.
    #[inline(always)]
    fn bytes(&mut self, value: &[u8]) {
        self.head(MAJOR_BYTES, value.len() as u64);
        self.put(value);
    }

    /// Null.
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
    /// A writer at the beginning of a space.
    pub fn new(space: &'a mut [u8]) -> Self {
        Buffer { space, length: 0 }
    }

    /// How many bytes were written, or should have been.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Turns what was written from `start` on before what was written from `at` on.
    pub(crate) fn turn(&mut self, at: usize, start: usize) {
        if let Some(written) = self.space.get_mut(at..self.length) {
            written.rotate_left(start - at);
        }
    }

    /// Takes back the first bytes.
    pub(crate) fn remove_first(&mut self, count: usize) {
        if let Some(written) = self.space.get_mut(..self.length) {
            written.rotate_left(count);
        }
        self.length -= count;
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
            Err(Refusal::output_too_long())
        } else {
            Ok(self.length)
        }
    }
}
