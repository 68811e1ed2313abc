//! Strict reading of an untrusted CBOR envelope, with the place of whatever is wrong in it.
//!
//! Knows maps with named fields, arrays, byte strings and text, of definite or indefinite
//! length, and no more: a field that it does not know is refused, never skipped, so it can't be led
//! deeper than the caller's own calls. Counts and lengths claimed by the input reserve nothing.
//!
//! Nearly every head is of definite length and short, and is read here; all others, and whatever
//! is wrong, are left to minicbor.

use std::borrow::Cow;

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use super::StepError;
use super::excerpt::excerpt;
use sim_air::cbor::{BREAK, NULL, SELF_DESCRIBED};

/// A field of a map.
pub(super) struct Field {
    /// At most 23 bytes long.
    pub(super) name: &'static str,
    pub(super) required: bool,
}

/// Where a string that was read lies: in the envelope or, behind it, among those that came in
/// chunks and were joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) const EMPTY: Span = Span { start: 0, end: 0 };
}

/// The major types of CBOR that are read here.
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

pub(super) struct Reader<'b> {
    envelope: &'b [u8],
    at: usize,
    /// Strings that came in chunks.
    joined: &'b mut Vec<u8>,
    /// The array that is being read, and the index in it.
    element: Option<(&'static str, usize)>,
    /// The field that is being read, of the element or of the envelope itself.
    field: Option<&'static str>,
}

impl<'b> Reader<'b> {
    /// Reads `envelope`; what is joined is appended to `joined`.
    pub(super) fn new(envelope: &'b [u8], joined: &'b mut Vec<u8>) -> Reader<'b> {
        // The tag may precede an envelope, and says nothing.
        let tagged = envelope.starts_with(&SELF_DESCRIBED);
        Reader {
            envelope,
            at: if tagged { SELF_DESCRIBED.len() } else { 0 },
            joined,
            element: None,
            field: None,
        }
    }

    /// The argument of a head of that major type, which is then behind; None, and nothing is, if
    /// the head is another or a long one.
    #[inline]
    fn short_head(&mut self, major: u8) -> Option<usize> {
        let rest = self.envelope.get(self.at..)?;
        let first = *rest.first()?;
        if first >> 5 != major {
            return None;
        }
        let (size, argument) = match first & 31 {
            small @ 0..24 => (1, usize::from(small)),
            24 => (2, usize::from(*rest.get(1)?)),
            25 => (
                3,
                usize::from(u16::from_be_bytes([*rest.get(1)?, *rest.get(2)?])),
            ),
            _ => return None,
        };
        self.at += size;
        Some(argument)
    }

    /// A string of that major type, if its head is a short one and all of it is there.
    #[inline]
    fn short_string(&mut self, major: u8) -> Option<Span> {
        let before = self.at;
        let length = self.short_head(major)?;
        let (start, end) = (self.at, self.at + length);
        if end > self.envelope.len() {
            self.at = before;
            return None;
        }
        self.at = end;
        Some(Span { start, end })
    }

    /// What is read by minicbor, from here on.
    fn decode<T>(
        &mut self,
        expected: &str,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, Error>,
    ) -> Result<T, StepError> {
        let mut decoder = Decoder::new(self.envelope);
        decoder.set_position(self.at);
        let read = read(&mut decoder);
        self.at = decoder.position();
        read.map_err(|error| self.broken(expected, &error))
    }

    /// Refuses whatever follows the value that was read.
    pub(super) fn end(&self) -> Result<(), StepError> {
        match self.envelope.len() - self.at {
            0 => Ok(()),
            rest => Err(self.error("the end", format!("{rest} more bytes"))),
        }
    }

    /// Reads a map of `fields`, each at most once, in any order; `each` reads the value.
    pub(super) fn map(
        &mut self,
        fields: &[Field],
        mut each: impl FnMut(&mut Self, &'static str) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let mut left = match self.short_head(MAP) {
            Some(count) => Some(count as u64),
            None => match self.peek("a map")? {
                Type::Map | Type::MapIndef => self.decode("a map", |decoder| decoder.map()),
                other => Err(self.error("a map", name_of(other))),
            }?,
        };
        let mut seen = 0_u32;
        while self.more(&mut left) {
            let at = self.at;
            let index = self.field_index(fields)?;
            let name = fields[index].name;
            if seen & 1 << index != 0 {
                return Err(self.error_at(at, "each field once", format!("`{name}` again")));
            }
            seen |= 1 << index;
            self.field = Some(name);
            each(self, name)?;
            self.field = None;
        }
        let missing = |(index, field): &(usize, &Field)| field.required && seen & 1 << index == 0;
        match fields.iter().enumerate().find(missing) {
            Some((_, field)) => Err(self.error(format!("field `{}`", field.name), "none")),
            None => Ok(()),
        }
    }

    /// Reads an array, the value of the field that is being read; `each` reads an element.
    pub(super) fn array(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let mut left = match self.short_head(ARRAY) {
            Some(count) => Some(count as u64),
            None => match self.peek("an array")? {
                Type::Array | Type::ArrayIndef => {
                    self.decode("an array", |decoder| decoder.array())
                }
                other => Err(self.error("an array", name_of(other))),
            }?,
        };
        let name = self.field.take().unwrap_or_default();
        let mut index = 0;
        while self.more(&mut left) {
            self.element = Some((name, index));
            each(self)?;
            index += 1;
        }
        self.element = None;
        Ok(())
    }

    /// Reads a byte string.
    pub(super) fn bytes(&mut self) -> Result<Span, StepError> {
        self.bytes_as("bytes")
    }

    /// Reads a byte string, or null, which is `None`.
    pub(super) fn bytes_or_null(&mut self) -> Result<Option<Span>, StepError> {
        if self.envelope.get(self.at) == Some(&NULL) {
            self.at += 1;
            return Ok(None);
        }
        self.bytes_as("bytes or null").map(Some)
    }

    fn bytes_as(&mut self, expected: &str) -> Result<Span, StepError> {
        if let Some(span) = self.short_string(BYTES) {
            return Ok(span);
        }
        let found = self.peek(expected)?;
        if !matches!(found, Type::Bytes | Type::BytesIndef) {
            return Err(self.error(expected, name_of(found)));
        }
        let bytes = self.decode(expected, |decoder| match found {
            Type::Bytes => decoder.bytes().map(Cow::Borrowed),
            _ => {
                let chunks = decoder.bytes_iter()?.collect::<Result<Vec<_>, Error>>()?;
                Ok(Cow::Owned(chunks.concat()))
            }
        })?;
        Ok(self.join(&bytes))
    }

    /// Reads text.
    pub(super) fn text(&mut self) -> Result<Span, StepError> {
        let before = self.at;
        if let Some(span) = self.short_string(TEXT)
            && std::str::from_utf8(&self.envelope[span.start..span.end]).is_ok()
        {
            return Ok(span);
        }
        self.at = before;
        let text = self.string("text")?;
        Ok(self.join(text.as_bytes()))
    }

    fn join(&mut self, bytes: &[u8]) -> Span {
        let start = self.envelope.len() + self.joined.len();
        self.joined.extend_from_slice(bytes);
        Span {
            start,
            end: start + bytes.len(),
        }
    }

    /// Reads a key, which must be one of the names. Most come in the shortest form, and are found
    /// without being decoded.
    #[inline]
    fn field_index(&mut self, fields: &[Field]) -> Result<usize, StepError> {
        let at = self.at;
        if let Some(key) = self.short_string(TEXT) {
            let key = &self.envelope[key.start..key.end];
            if let Some(index) = fields.iter().position(|field| field.name.as_bytes() == key) {
                return Ok(index);
            }
        }
        self.at = at;
        let key = self.string("a field name, text")?;
        let index = fields.iter().position(|field| field.name == key);
        index.ok_or_else(|| self.error_at(at, one_of(fields), format!("`{}`", excerpt(&key))))
    }

    /// Text of indefinite length is rare enough to be joined on the heap.
    fn string(&mut self, expected: &str) -> Result<Cow<'b, str>, StepError> {
        match self.peek(expected)? {
            Type::String => self.decode(expected, |decoder| decoder.str().map(Cow::Borrowed)),
            Type::StringIndef => self.decode(expected, |decoder| {
                let chunks = decoder.str_iter()?.collect::<Result<String, Error>>()?;
                Ok(Cow::Owned(chunks))
            }),
            other => Err(self.error(expected, name_of(other))),
        }
    }

    /// Whether the map or array has another entry. `left` counts those of a definite length;
    /// one of indefinite length goes on to its break, which is consumed here.
    fn more(&mut self, left: &mut Option<u64>) -> bool {
        match left {
            Some(0) => false,
            Some(count) => {
                *count -= 1;
                true
            }
            None if self.envelope.get(self.at) == Some(&BREAK) => {
                self.at += 1;
                false
            }
            None => true,
        }
    }

    fn peek(&self, expected: &str) -> Result<Type, StepError> {
        let mut decoder = Decoder::new(self.envelope);
        decoder.set_position(self.at);
        decoder
            .datatype()
            .map_err(|_| self.error(expected, "the end of the envelope"))
    }

    /// An error inside a value whose type was as expected.
    fn broken(&self, expected: &str, error: &Error) -> StepError {
        if error.is_end_of_input() {
            return self.error(expected, "the end of the envelope");
        }
        self.error(expected, format!("a malformed one ({error})"))
    }

    fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> StepError {
        self.error_at(self.at, expected, found)
    }

    fn error_at(
        &self,
        offset: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> StepError {
        let mut place = String::new();
        if let Some((array, index)) = self.element {
            place = format!("/{array}/{index}");
        }
        if let Some(field) = self.field {
            place = format!("{place}/{field}");
        }
        StepError::BadEnvelope {
            place,
            offset,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

fn one_of(fields: &[Field]) -> String {
    let names: Vec<String> = fields
        .iter()
        .map(|field| format!("`{}`", field.name))
        .collect();
    format!("one of {}", names.join(", "))
}

fn name_of(found: Type) -> &'static str {
    match found {
        Type::Bool => "a boolean",
        Type::Null => "null",
        Type::Undefined => "undefined",
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => "an unsigned integer",
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => "a negative integer",
        Type::F16 | Type::F32 | Type::F64 => "a float",
        Type::Simple => "a simple value",
        Type::Bytes | Type::BytesIndef => "bytes",
        Type::String | Type::StringIndef => "text",
        Type::Array | Type::ArrayIndef => "an array",
        Type::Map | Type::MapIndef => "a map",
        Type::Tag => "a tag",
        Type::Break => "a break",
        Type::Unknown(_) => "a byte that begins no CBOR value",
    }
}
