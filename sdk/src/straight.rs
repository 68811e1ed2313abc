//! The usual form, read and written in a straight line.
//!
//! Owns the fast way through a step: envelope, state and event as our host writes them, with the
//! keys of each record in canonical order. What is found is compared with what is expected, and
//! whether all of it was the same is asked at the end, once: a branch costs more than the
//! comparison. For the same reason no access is checked: a window is longer than any place that
//! can be reached, so that the compiler drops the remainder that would keep a place inside. (To
//! see it: of its `i32.const 32767` only those are left where `skip_text` looks back.)
//!
//! Of records the fields must be written down in canonical order; see [`fields!`](crate::fields). A
//! reducer that is read this way is an [`Answer`].
//!
//! Never refuses an input: anything unusual is left to [`crate::cbor::Reader`], which decides.

use crate::Envelope;
use crate::cbor::{
    Buffer, FALSE, MAJOR_BYTES, MAJOR_MAP, MAJOR_NAT, MAJOR_TEXT, NULL, Read, Reader,
    SELF_DESCRIBED, Sink, TRUE,
};
use crate::refusal::{Refusal, Refuse};
use crate::text::{self, NOT_ASCII, SHORT_BYTES, Text};

/// In the usual form no text and no byte string is that long.
const PIECE_BYTES: usize = 1 << 10;
/// More than all pieces of an input, and what is between them. No place beyond is reached, whatever
/// the input.
const INPUT_BYTES: usize = 1 << 15;
/// The same of an output.
const OUTPUT_BYTES: usize = 1 << 14;
/// No more is read or written at once.
const SLACK_BYTES: usize = 128;

/// An input and what happens to follow it in memory, which is read but makes no difference.
pub type Window = [u8; INPUT_BYTES + SLACK_BYTES];
/// The space for an output.
pub type Page = [u8; OUTPUT_BYTES + SLACK_BYTES];

/// A reducer that is read and written in either form. A trait, as a function that is handed over is
/// not inlined.
pub trait Answer {
    /// Reads the input envelope and writes the output envelope; returns its length. If all that it
    /// calls is inlined, the usual step is one function, and what was read is in registers.
    fn answer<'a, R: Read<'a>>(reader: R, out: impl Sink) -> Result<usize, R::Refusal>;
}

/// One step: in a straight line, or, if that won't do, in any form.
#[inline(always)]
pub fn step<A: Answer>(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
    if let Some((reader, out)) = envelope.straight(space)
        && let Ok(length) = A::answer(reader, out)
    {
        return Ok(length);
    }
    step_in_any_form::<A>(envelope.bytes(), space)
}

/// The same by the general reader and writer alone.
#[cold]
#[inline(never)]
pub fn step_in_any_form<A: Answer>(envelope: &[u8], space: &mut [u8]) -> Result<usize, Refusal> {
    A::answer(Reader::new(envelope), Buffer::new(space))
}

/// A sign that the input is in another form, or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual;

impl From<Refusal> for Unusual {
    #[inline(always)]
    fn from(_: Refusal) -> Self {
        Unusual
    }
}

impl Refuse for Unusual {
    #[inline(always)]
    fn inside(self, _: &'static &'static str) -> Self {
        self
    }
}

/// Reads an input in the usual form. What it returns is worth nothing until [`Read::finish`] says
/// that all was as expected.
#[derive(Clone, Copy)]
pub struct Straight<'a> {
    window: &'a Window,
    at: usize,
    end: usize,
    /// Literals that are expected next. The first comes lowest.
    due: u64,
    due_bytes: usize,
    /// 0 as long as all is as expected.
    wrong: u64,
}

impl<'a> Straight<'a> {
    /// A reader of the first `length` bytes.
    #[inline(always)]
    pub fn new(window: &'a Window, length: usize) -> Self {
        Straight {
            window,
            at: 0,
            end: length,
            due: 0,
            due_bytes: 0,
            wrong: 0,
        }
    }

    /// The eight bytes that come so many after the present place.
    #[inline(always)]
    fn load(&self, offset: usize) -> u64 {
        let start = self.at.wrapping_add(offset) % INPUT_BYTES;
        word_at(self.window, start)
    }

    #[inline(always)]
    fn pass(&mut self, count: usize) {
        self.at = self.at.wrapping_add(count);
    }

    #[inline(always)]
    fn expect_that(&mut self, condition: bool) {
        self.wrong |= u64::from(!condition);
    }

    /// Expects a literal. All about it is known when this is compiled, and literals that follow
    /// one another are compared eight bytes at a time.
    #[inline(always)]
    fn expect(&mut self, literal: &[u8]) {
        let (words, rest) = literal.as_chunks::<8>();
        for word in words {
            self.expect_word(u64::from_le_bytes(*word), 8);
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.expect_word(u64::from_le_bytes(last), rest.len());
        }
    }

    #[inline(always)]
    fn expect_word(&mut self, word: u64, count: usize) {
        let (due, room) = (self.due_bytes, 8 - self.due_bytes);
        self.due |= word << (8 * due);
        self.due_bytes += count;
        if count >= room {
            self.due_bytes = 8;
            self.settle();
            self.due_bytes = count - room;
            self.due = if count > room { word >> (8 * room) } else { 0 };
        }
    }

    /// Compares what is due.
    #[inline(always)]
    fn settle(&mut self) {
        if self.due_bytes > 0 {
            self.wrong |= (self.load(0) ^ self.due) << (64 - 8 * self.due_bytes);
            self.pass(self.due_bytes);
            (self.due, self.due_bytes) = (0, 0);
        }
    }

    /// The first byte of what comes next, less that of a head of this major type, and all eight.
    #[inline(always)]
    fn head(&mut self, major: u8) -> (u8, u64) {
        self.settle();
        let word = self.load(0);
        ((word as u8).wrapping_sub(major << 5), word)
    }

    #[inline(always)]
    fn argument(&mut self, major: u8) -> u64 {
        let (short, _) = self.head(major);
        if short < 24 {
            self.pass(1);
            return u64::from(short);
        }
        let code = short - 24;
        self.expect_that(code < 4);
        let width = 1 << (code & 3);
        let argument = self.load(1).swap_bytes() >> (64 - 8 * width);
        self.pass(1 + width);
        argument
    }

    /// The length of a piece.
    #[inline(always)]
    fn length(&mut self, major: u8) -> usize {
        let length = self.argument(major);
        self.expect_that(length < PIECE_BYTES as u64);
        length as usize % PIECE_BYTES
    }

    #[inline(always)]
    fn take(&mut self, count: usize) -> &'a [u8] {
        let start = self.at;
        self.pass(count);
        self.window.get(start..self.at).unwrap_or_default()
    }
}

impl<'a> Read<'a> for Straight<'a> {
    type Refusal = Unusual;
    const IN_ORDER: bool = true;

    #[inline(always)]
    fn finish(mut self) -> Result<(), Unusual> {
        self.settle();
        if self.wrong == 0 && self.at == self.end {
            Ok(())
        } else {
            Err(Unusual)
        }
    }

    #[inline(always)]
    fn pairs(&mut self, usual: usize) -> Result<u64, Unusual> {
        self.expect(&[(MAJOR_MAP << 5) | usual as u8]);
        Ok(usual as u64)
    }

    #[inline(always)]
    fn key(&mut self, name: &[u8]) -> Result<(), Unusual> {
        self.expect(&[(MAJOR_TEXT << 5) | name.len() as u8]);
        self.expect(name);
        Ok(())
    }

    #[inline(always)]
    fn nat(&mut self) -> Result<u64, Unusual> {
        Ok(self.argument(MAJOR_NAT))
    }

    #[inline(always)]
    fn bytes(&mut self) -> Result<&'a [u8], Unusual> {
        let length = self.length(MAJOR_BYTES);
        Ok(self.take(length))
    }

    /// All eight bytes of a short text are at hand once its head is.
    #[inline(always)]
    fn text(&mut self) -> Result<Text<'a>, Unusual> {
        let (length, word) = self.head(MAJOR_TEXT);
        let is_short = length <= SHORT_BYTES as u8;
        let word = word & (u64::MAX >> (56_u32.wrapping_sub(8 * u32::from(length)) % 64));
        if is_short && (word >> 8) & NOT_ASCII == 0 {
            self.pass(text::word_bytes(word));
            return Ok(Text::of_word(word));
        }
        let bytes = self.text_bytes()?;
        self.expect_that(text::is_utf8(bytes));
        if is_short {
            return Ok(Text::of_word(word));
        }
        self.expect_that(bytes.len() > SHORT_BYTES);
        Ok(Text::of_long(bytes))
    }

    /// Three words cover what a head of one byte may announce. A shorter text is looked at with
    /// what is around it: heads of texts, and names of fields, are ASCII too.
    #[inline(always)]
    fn skip_text(&mut self) -> Result<(), Unusual> {
        let (length, _) = self.head(MAJOR_TEXT);
        let count = usize::from(length);
        let all = self.load(1)
            | self.load((count / 2).wrapping_sub(3))
            | self.load(count.wrapping_sub(7));
        if length < 24 && all & NOT_ASCII == 0 {
            self.pass(1 + count);
        } else {
            let bytes = self.text_bytes()?;
            self.expect_that(text::is_utf8(bytes));
        }
        Ok(())
    }

    #[inline(always)]
    fn text_bytes(&mut self) -> Result<&'a [u8], Unusual> {
        let length = self.length(MAJOR_TEXT);
        Ok(self.take(length))
    }

    #[inline(always)]
    fn text_of<const LENGTH: usize>(&mut self) -> Result<&'a [u8; LENGTH], Unusual> {
        const { assert!(LENGTH >= 24 && LENGTH <= 0xff) };
        self.expect(&[(MAJOR_TEXT << 5) | 24, LENGTH as u8]);
        self.settle();
        let rest = self.window.get(self.at % INPUT_BYTES..);
        self.pass(LENGTH);
        rest.and_then(|rest| rest.first_chunk()).ok_or(Unusual)
    }

    #[inline(always)]
    fn word(&mut self) -> Result<u64, Unusual> {
        let (length, word) = self.head(MAJOR_TEXT);
        self.expect_that(length <= SHORT_BYTES as u8);
        let length = length & SHORT_BYTES as u8;
        self.pass(1 + usize::from(length));
        Ok(word & (u64::MAX >> (56 - 8 * length)))
    }

    #[inline(always)]
    fn boolean(&mut self) -> Result<bool, Unusual> {
        self.settle();
        let byte = self.load(0) as u8;
        self.pass(1);
        self.expect_that(byte == TRUE || byte == FALSE);
        Ok(byte == TRUE)
    }

    #[inline(always)]
    fn null(&mut self) -> bool {
        self.settle();
        let is_null = self.load(0) as u8 == NULL;
        if is_null {
            self.pass(1);
        }
        is_null
    }

    /// The document is read on from here, and what follows it from its end, which its head tells:
    /// neither waits for the other.
    #[inline(always)]
    fn document(&mut self) -> Result<(&'a [u8], Self), Unusual> {
        let length = self.length(MAJOR_BYTES);
        let mut document = *self;
        let bytes = self.take(length);
        document.end = self.at;
        document.wrong = 0;
        document.expect(SELF_DESCRIBED);
        Ok((bytes, document))
    }

    #[inline(always)]
    fn end(&mut self, mut document: Self) -> Result<(), Unusual> {
        document.settle();
        self.wrong |= document.wrong;
        self.expect_that(document.at == document.end);
        Ok(())
    }

    /// Never asked for: with its keys in order, nothing is passed over.
    fn skip(&mut self) -> Result<(), Unusual> {
        Err(Unusual)
    }
}

/// Writes into a page. A place beyond it comes around to its beginning, which is found out at the
/// end.
pub struct Writer<'a> {
    page: &'a mut Page,
    at: usize,
    overflowed: bool,
}

impl<'a> Writer<'a> {
    /// A writer at the beginning of a page.
    #[inline(always)]
    pub fn new(page: &'a mut Page) -> Self {
        Writer {
            page,
            at: 0,
            overflowed: false,
        }
    }

    /// Writes so many bytes from a place on.
    #[inline(always)]
    fn write<const LENGTH: usize>(&mut self, start: usize, bytes: [u8; LENGTH]) {
        const { assert!(LENGTH <= SLACK_BYTES) };
        if let Some(slot) = self.page[start % OUTPUT_BYTES..].first_chunk_mut() {
            *slot = bytes;
        }
    }
}

impl Sink for Writer<'_> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        if bytes.len() >= PIECE_BYTES {
            self.overflowed = true;
            return;
        }
        let rest = &mut self.page[self.at % OUTPUT_BYTES..];
        if let Some(slot) = rest.get_mut(..bytes.len()) {
            copy(slot, bytes);
        }
        self.at = self.at.wrapping_add(bytes.len());
    }

    #[inline(always)]
    fn literal<const LENGTH: usize>(&mut self, bytes: &[u8; LENGTH]) {
        self.write(self.at, *bytes);
        self.at = self.at.wrapping_add(LENGTH);
    }

    #[inline(always)]
    fn word(&mut self, word: u64, count: usize) {
        self.write(self.at, word.to_le_bytes());
        self.at = self.at.wrapping_add(count);
    }

    /// Leaves two bytes for a head, which nearly all have.
    #[inline(always)]
    fn open(&mut self) -> usize {
        let start = self.at;
        self.at = self.at.wrapping_add(2);
        start
    }

    #[inline(always)]
    fn close(&mut self, start: usize) {
        let length = self.at.wrapping_sub(start).wrapping_sub(2);
        match length {
            24..=0xff => self.write(start, [(MAJOR_BYTES << 5) | 24, length as u8]),
            0..24 => {
                let written: Option<&[u8; 26]> = self.page[start % OUTPUT_BYTES..].first_chunk();
                if let Some([_, _, value @ ..]) = written.copied() {
                    self.write(start + 1, value);
                }
                self.write(start, [(MAJOR_BYTES << 5) | length as u8]);
                self.at = self.at.wrapping_sub(1);
            }
            _ => {
                close_long(self.page, start, length);
                self.at = self.at.wrapping_add(1);
            }
        }
    }

    #[inline(always)]
    fn finish(self) -> Result<usize, Refusal> {
        // Less the slack, as a byte string that is closed may have become shorter.
        if self.overflowed || self.at > OUTPUT_BYTES - SLACK_BYTES {
            Err(Refusal::output_too_long())
        } else {
            Ok(self.at)
        }
    }
}

/// Puts the head before a byte string that is too long for the two bytes left for it.
#[cold]
#[inline(never)]
fn close_long(page: &mut Page, start: usize, length: usize) {
    let [high, low] = (length as u16).to_be_bytes();
    if let Some([first, second, value @ ..]) = page.get_mut(start..start + 3 + length) {
        value.rotate_right(1);
        (*first, *second, value[0]) = ((MAJOR_BYTES << 5) | 25, high, low);
    }
}

/// Copies between slices of the same length: by two overlapping pieces if they are neither long
/// nor very short, as `memory.copy` is a call.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        64..=128 => copy_ends::<64>(to, from),
        16..=32 => copy_ends::<16>(to, from),
        8..16 => copy_ends::<8>(to, from),
        _ => to.copy_from_slice(from),
    }
}

#[inline(always)]
fn copy_ends<const LENGTH: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<LENGTH>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<LENGTH>(), from.last_chunk()) {
        *to = *from;
    }
}

#[inline(always)]
fn word_at(bytes: &[u8], start: usize) -> u64 {
    let chunk = bytes.get(start..).and_then(|rest| rest.first_chunk());
    u64::from_le_bytes(*chunk.unwrap_or(&[0; 8]))
}
