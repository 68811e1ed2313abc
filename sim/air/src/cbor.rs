//! CBOR items: the heads, lengths and orders of RFC 8949, written canonically, read leniently.
//!
//! Writing follows section 4.2.1: shortest heads, definite lengths, map keys in bytewise order of
//! their encoding. Reading takes any well-formed item. Nothing here knows a schema.

use std::cmp::Ordering;

use crate::problems::value_error::{Fault, ValueError};
use crate::text::quote::quote;

/// The tag 55799, "this is CBOR", with which canonical bytes begin.
pub const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];
pub const FALSE: u8 = 0xf4;
pub const TRUE: u8 = 0xf5;
pub const NULL: u8 = 0xf6;
/// Before the eight bytes of a double.
pub const FLOAT_64: u8 = 0xfb;
/// Ends an item of indefinite length.
pub const BREAK: u8 = 0xff;
/// The keys of a variant, as text items.
pub const TAG_KEY: &[u8] = b"\x64$tag";
pub const VALUE_KEY: &[u8] = b"\x66$value";

/// Major types.
pub const UNSIGNED: u8 = 0;
pub const NEGATIVE: u8 = 1;
pub const BYTES: u8 = 2;
pub const TEXT: u8 = 3;
pub const ARRAY: u8 = 4;
pub const MAP: u8 = 5;
pub const TAG: u8 = 6;

#[inline]
pub fn boolean(flag: bool) -> u8 {
    if flag { TRUE } else { FALSE }
}

/// The head of an item in its shortest form.
#[inline]
pub fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..=0xffff => {
            let [high, low] = (argument as u16).to_be_bytes();
            out.extend_from_slice(&[major | 25, high, low]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

#[inline]
pub fn write_nat(out: &mut Vec<u8>, number: u64) {
    write_head(out, UNSIGNED, number);
}

#[inline]
pub fn write_int(out: &mut Vec<u8>, number: i64) {
    match u64::try_from(number) {
        Ok(number) => write_head(out, UNSIGNED, number),
        Err(_) => write_head(out, NEGATIVE, !(number as u64)),
    }
}

#[inline]
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_head(out, BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[inline]
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A text item on its own.
pub fn text_item(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    write_text(&mut out, text);
    out
}

/// The order of two text keys in a canonical map: shorter first, then bytewise.
pub fn text_key_order(left: &str, right: &str) -> Ordering {
    (left.len(), left).cmp(&(right.len(), right))
}

/// A map whose entries `write` appends one after the other, telling where the key ends. The
/// entries are put in canonical order; equal keys stay in the order given.
pub fn write_map<T>(
    out: &mut Vec<u8>,
    entries: &[T],
    mut write: impl FnMut(&T, &mut Vec<u8>) -> usize,
) {
    write_head(out, MAP, entries.len() as u64);
    let start = out.len();
    let mut spans = Vec::with_capacity(entries.len());
    for entry in entries {
        let from = out.len() - start;
        let key_end = write(entry, out) - start;
        spans.push(Span {
            from,
            key_end,
            to: out.len() - start,
        });
    }
    sort_spans(out, start, &mut spans);
}

/// One entry of a map, or one element of a set, within a buffer: its first byte, the end of what
/// it is ordered by, and its end.
#[derive(Clone, Copy)]
pub struct Span {
    pub from: usize,
    pub key_end: usize,
    pub to: usize,
}

/// Puts the spans of `out[start..]`, which cover it, in bytewise order of their keys.
pub fn sort_spans(out: &mut Vec<u8>, start: usize, spans: &mut [Span]) {
    let body = &out[start..];
    let key = |span: &Span| &body[span.from..span.key_end];
    if spans.is_sorted_by(|left, right| key(left) <= key(right)) {
        return;
    }
    let body = body.to_vec();
    let key = |span: &Span| &body[span.from..span.key_end];
    spans.sort_by(|left, right| key(left).cmp(key(right)));
    out.truncate(start);
    for span in spans {
        let from = out.len() - start;
        out.extend_from_slice(&body[span.from..span.to]);
        *span = Span {
            from,
            key_end: from + span.key_end - span.from,
            to: out.len() - start,
        };
    }
}

/// As `sort_spans`, and drops what has the same key as the entry before. Returns what is left.
pub fn sort_and_dedup_spans(out: &mut Vec<u8>, start: usize, spans: &mut Vec<Span>) -> usize {
    sort_spans(out, start, spans);
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    let mut end = start;
    for span in spans.iter() {
        let key = |span: &Span| start + span.from..start + span.key_end;
        if kept
            .last()
            .is_some_and(|last| out[key(last)] == out[key(span)])
        {
            continue;
        }
        out.copy_within(start + span.from..start + span.to, end);
        let from = end - start;
        end += span.to - span.from;
        kept.push(Span {
            from,
            key_end: from + span.key_end - span.from,
            to: end - start,
        });
    }
    out.truncate(end);
    *spans = kept;
    spans.len()
}

/// Puts a head before what was appended since `start`.
pub fn insert_head(out: &mut Vec<u8>, start: usize, major: u8, argument: u64) {
    let end = out.len();
    write_head(out, major, argument);
    let size = out.len() - end;
    out[start..].rotate_right(size);
}

/// As `write_text`, for bytes that are known to be text.
#[inline]
pub fn write_bytes_as_text(out: &mut Vec<u8>, text: &[u8]) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text);
}

/// How many entries are still to come.
#[derive(Clone, Copy, Debug)]
pub enum Head {
    Definite(u64),
    Indefinite,
}

/// Reads items from untrusted bytes.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader behind the leading tag, if there is one.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        let at = if bytes.starts_with(&SELF_DESCRIBED) {
            SELF_DESCRIBED.len()
        } else {
            0
        };
        Reader { bytes, at }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    /// Back or forth to a place that `position` gave.
    pub fn go_to(&mut self, position: usize) {
        self.at = position;
    }

    pub fn finish(&self) -> Result<(), Fault> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            count => Err(fault("the end of the value", format!("{count} more bytes"))),
        }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn next_byte(&mut self, expected: &str) -> Result<u8, Fault> {
        match self.bytes.get(self.at) {
            Some(byte) => {
                self.at += 1;
                Ok(*byte)
            }
            None => Err(fault(expected, "the end of the bytes")),
        }
    }

    pub fn expect_byte(&mut self, byte: u8, expected: &str) -> Result<(), Fault> {
        match self.next_byte(expected)? {
            found if found == byte => Ok(()),
            found => Err(unexpected(found, expected)),
        }
    }

    /// Goes past `item` if that is what comes next, byte for byte.
    pub fn take(&mut self, item: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(item);
        if found {
            self.at += item.len();
        }
        found
    }

    /// Goes past a map's key, given as an item, however it is spelled in the input.
    pub fn expect_key(&mut self, item: &[u8], expected: &str) -> Result<(), Fault> {
        if self.take(item) {
            return Ok(());
        }
        let mut other = None;
        self.string(TEXT, |key| {
            if key != &item[1..] {
                other = Some(String::from_utf8_lossy(key).into_owned());
            }
        })?;
        other.map_or(Ok(()), |key| {
            Err(fault(expected, format!("the key {}", quote(&key))))
        })
    }

    /// The argument of a head whose low bits are `info`; none for an indefinite length.
    fn argument(&mut self, info: u8, expected: &str) -> Result<Option<u64>, Fault> {
        let size = match info {
            0..=23 => return Ok(Some(u64::from(info))),
            24..=27 => 1 << (info - 24),
            31 => return Ok(None),
            _ => return Err(fault(expected, "a reserved length")),
        };
        let Some(bytes) = self.bytes.get(self.at..self.at + size) else {
            return Err(fault(expected, "the end of the bytes"));
        };
        self.at += size;
        Ok(Some(
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        ))
    }

    pub fn nat(&mut self) -> Result<u64, Fault> {
        const EXPECTED: &str = "a whole number up to 64 bits";
        let byte = self.next_byte(EXPECTED)?;
        if byte >> 5 != UNSIGNED {
            return Err(unexpected(byte, EXPECTED));
        }
        self.argument(byte & 31, EXPECTED)?
            .ok_or_else(|| unexpected(byte, EXPECTED))
    }

    pub fn int(&mut self) -> Result<i64, Fault> {
        const EXPECTED: &str = "a signed number of 64 bits";
        let byte = self.next_byte(EXPECTED)?;
        if byte >> 5 > NEGATIVE {
            return Err(unexpected(byte, EXPECTED));
        }
        let argument = self.argument(byte & 31, EXPECTED)?;
        let argument = argument.ok_or_else(|| unexpected(byte, EXPECTED))?;
        match i64::try_from(argument) {
            Ok(number) if byte >> 5 == NEGATIVE => Ok(!number),
            Ok(number) => Ok(number),
            Err(_) => Err(fault(EXPECTED, "a number out of range")),
        }
    }

    /// The head of an array or a map.
    pub fn head(&mut self, major: u8, expected: &str) -> Result<Head, Fault> {
        let byte = self.next_byte(expected)?;
        if byte >> 5 != major {
            return Err(unexpected(byte, expected));
        }
        Ok(self
            .argument(byte & 31, expected)?
            .map_or(Head::Indefinite, Head::Definite))
    }

    /// Whether the array or map goes on; counts the entry, or goes past the break.
    pub fn another(&mut self, entries: &mut Head) -> Result<bool, Fault> {
        match entries {
            Head::Definite(0) => Ok(false),
            Head::Definite(count) => {
                *count -= 1;
                Ok(true)
            }
            Head::Indefinite if self.peek() == Some(BREAK) => {
                self.at += 1;
                *entries = Head::Definite(0);
                Ok(false)
            }
            Head::Indefinite => Ok(true),
        }
    }

    /// Hands a text or byte string to `take`, as one piece even if it came in chunks.
    pub fn string(&mut self, major: u8, take: impl FnOnce(&[u8])) -> Result<(), Fault> {
        let expected = if major == TEXT { "text" } else { "bytes" };
        match self.chunk(major, expected)? {
            Some(bytes) => take(bytes),
            None => {
                let mut whole = Vec::new();
                while self.peek() != Some(BREAK) {
                    let chunk = self.chunk(major, expected)?;
                    whole.extend_from_slice(chunk.ok_or_else(|| fault(expected, "nested chunks"))?);
                }
                self.at += 1;
                take(&whole);
            }
        }
        Ok(())
    }

    /// One string of definite length; none if an indefinite one begins here.
    fn chunk(&mut self, major: u8, expected: &str) -> Result<Option<&'a [u8]>, Fault> {
        let byte = self.next_byte(expected)?;
        if byte >> 5 != major {
            return Err(unexpected(byte, expected));
        }
        let Some(length) = self.argument(byte & 31, expected)? else {
            return Ok(None);
        };
        let rest = &self.bytes[self.at..];
        let Some(bytes) = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
        else {
            return Err(fault(
                expected,
                format!("a length of {length}, past the end of the bytes"),
            ));
        };
        if major == TEXT && std::str::from_utf8(bytes).is_err() {
            return Err(fault("text", "bytes that are not UTF-8"));
        }
        self.at += bytes.len();
        Ok(Some(bytes))
    }

    /// Goes past one item of any kind. What is inside is well-formed at the level of heads.
    pub fn skip(&mut self) -> Result<(), Fault> {
        const EXPECTED: &str = "a value";
        let mut open: Vec<Head> = Vec::new();
        loop {
            let byte = self.next_byte(EXPECTED)?;
            let major = byte >> 5;
            if major == BYTES || major == TEXT {
                self.at -= 1;
                self.string(major, |_| ())?;
            } else {
                let argument = self.argument(byte & 31, EXPECTED)?;
                match (major, argument) {
                    (ARRAY, Some(count)) => open.push(Head::Definite(count)),
                    (MAP, Some(count)) => {
                        let count = count.checked_mul(2);
                        open.push(Head::Definite(
                            count.ok_or_else(|| unexpected(byte, EXPECTED))?,
                        ));
                    }
                    (ARRAY | MAP, None) => open.push(Head::Indefinite),
                    (TAG, Some(_)) => continue,
                    (_, None) => return Err(unexpected(byte, EXPECTED)),
                    _ => {}
                }
            }
            if open.len() > MAX_SKIP_DEPTH {
                return Err(fault(
                    EXPECTED,
                    format!("nesting deeper than {MAX_SKIP_DEPTH}"),
                ));
            }
            while let Some(last) = open.last_mut() {
                if self.another(last)? {
                    break;
                }
                open.pop();
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }
}

/// The deepest nesting of what is skipped: more than any type allows.
const MAX_SKIP_DEPTH: usize = 256;

pub fn fault(expected: impl Into<String>, found: impl Into<String>) -> Fault {
    Box::new(ValueError::new(expected, found))
}

/// The error for an item that begins with the wrong byte.
pub fn unexpected(byte: u8, expected: &str) -> Fault {
    let found = match (byte >> 5, byte) {
        (UNSIGNED, _) => "a number",
        (NEGATIVE, _) => "a negative number",
        (BYTES, _) => "bytes",
        (TEXT, _) => "text",
        (ARRAY, _) => "an array",
        (MAP, _) => "a map",
        (TAG, _) => "a tag",
        (_, FALSE | TRUE) => "a bool",
        (_, NULL) => "null",
        (_, 0xf9..=0xfb) => "a float",
        (_, BREAK) => "a break",
        _ => "a simple value",
    };
    fault(expected, found)
}
