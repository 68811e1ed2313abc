//! Reading items from bytes that may hold anything.

use super::{
    ARRAY, BREAK, BYTES, FALSE, MAP, NEGATIVE, NULL, SELF_DESCRIBED, TAG, TEXT, TRUE, UNSIGNED,
};
use crate::problems::value_error::{Fault, ValueError};
use crate::text::quote::quote;

/// How many entries are still to come.
#[derive(Clone, Copy, Debug)]
pub enum EntriesLeft {
    Known(u64),
    UpToBreak,
}

/// Reads items from untrusted bytes.
pub struct ItemReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> ItemReader<'a> {
    /// A reader behind the leading tag, if there is one.
    pub fn new(bytes: &'a [u8]) -> ItemReader<'a> {
        let at = if bytes.starts_with(&SELF_DESCRIBED) {
            SELF_DESCRIBED.len()
        } else {
            0
        };
        ItemReader { bytes, at }
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
    pub fn head(&mut self, major: u8, expected: &str) -> Result<EntriesLeft, Fault> {
        let byte = self.next_byte(expected)?;
        if byte >> 5 != major {
            return Err(unexpected(byte, expected));
        }
        Ok(self
            .argument(byte & 31, expected)?
            .map_or(EntriesLeft::UpToBreak, EntriesLeft::Known))
    }

    /// Whether the array or map goes on; counts the entry, or goes past the break.
    pub fn another(&mut self, entries: &mut EntriesLeft) -> Result<bool, Fault> {
        match entries {
            EntriesLeft::Known(0) => Ok(false),
            EntriesLeft::Known(count) => {
                *count -= 1;
                Ok(true)
            }
            EntriesLeft::UpToBreak if self.peek() == Some(BREAK) => {
                self.at += 1;
                *entries = EntriesLeft::Known(0);
                Ok(false)
            }
            EntriesLeft::UpToBreak => Ok(true),
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
        let mut open: Vec<EntriesLeft> = Vec::new();
        loop {
            let byte = self.next_byte(EXPECTED)?;
            let major = byte >> 5;
            if major == BYTES || major == TEXT {
                self.at -= 1;
                self.string(major, |_| ())?;
            } else {
                let argument = self.argument(byte & 31, EXPECTED)?;
                match (major, argument) {
                    (ARRAY, Some(count)) => open.push(EntriesLeft::Known(count)),
                    (MAP, Some(count)) => {
                        let count = count.checked_mul(2);
                        open.push(EntriesLeft::Known(
                            count.ok_or_else(|| unexpected(byte, EXPECTED))?,
                        ));
                    }
                    (ARRAY | MAP, None) => open.push(EntriesLeft::UpToBreak),
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
