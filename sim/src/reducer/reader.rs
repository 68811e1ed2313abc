//! Strict reading of an untrusted CBOR envelope, with the place of whatever is wrong in it.
//!
//! Knows maps with named fields, arrays, byte strings and text, of definite or indefinite
//! length, and no more: a field it is not told of is refused, never skipped, so it can't be led
//! deeper than the caller's own calls. Counts and lengths claimed by the input reserve nothing.

use std::borrow::Cow;

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use super::StepError;
use super::error::excerpt;
use crate::air::cbor::SELF_DESCRIBED;

/// The head of a text of at most 23 bytes, but for its length.
const SHORT_TEXT: u8 = 0x60;

/// A field of a map.
pub(super) struct Field {
    /// At most 23 bytes long.
    pub(super) name: &'static str,
    pub(super) required: bool,
}

/// Where a value that was read lies in the buffer it was appended to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) const EMPTY: Span = Span { start: 0, end: 0 };
}

pub(super) struct Reader<'b> {
    decoder: Decoder<'b>,
    /// The array that is being read, and the index in it.
    element: Option<(&'static str, usize)>,
    /// The field that is being read, of the element or of the envelope itself.
    field: Option<&'static str>,
}

impl<'b> Reader<'b> {
    pub(super) fn new(envelope: &'b [u8]) -> Reader<'b> {
        let mut decoder = Decoder::new(envelope);
        // The tag may precede an envelope, and says nothing.
        if envelope.starts_with(&SELF_DESCRIBED) {
            decoder.set_position(SELF_DESCRIBED.len());
        }
        Reader {
            decoder,
            element: None,
            field: None,
        }
    }

    /// Refuses whatever follows the value that was read.
    pub(super) fn end(&self) -> Result<(), StepError> {
        match self.decoder.input().len() - self.decoder.position() {
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
        let mut left = match self.peek("a map")? {
            Type::Map | Type::MapIndef => self.decoder.map().map_err(|e| self.broken("a map", &e)),
            other => Err(self.error("a map", name_of(other))),
        }?;
        let mut seen = 0_u32;
        while self.more(&mut left) {
            let at = self.decoder.position();
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
        let mut left = match self.peek("an array")? {
            Type::Array | Type::ArrayIndef => self
                .decoder
                .array()
                .map_err(|e| self.broken("an array", &e)),
            other => Err(self.error("an array", name_of(other))),
        }?;
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

    /// Reads a byte string and appends it to `buffer`.
    pub(super) fn bytes(&mut self, buffer: &mut Vec<u8>) -> Result<Span, StepError> {
        self.bytes_as(buffer, "bytes")
    }

    /// Reads a byte string, or null, which is `None`.
    pub(super) fn bytes_or_null(
        &mut self,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Span>, StepError> {
        const EXPECTED: &str = "bytes or null";
        if self.peek(EXPECTED)? != Type::Null {
            return self.bytes_as(buffer, EXPECTED).map(Some);
        }
        self.decoder
            .null()
            .map_err(|error| self.broken(EXPECTED, &error))?;
        Ok(None)
    }

    fn bytes_as(&mut self, buffer: &mut Vec<u8>, expected: &str) -> Result<Span, StepError> {
        let start = buffer.len();
        match self.peek(expected)? {
            Type::Bytes => match self.decoder.bytes() {
                Ok(bytes) => buffer.extend_from_slice(bytes),
                Err(error) => return Err(self.broken(expected, &error)),
            },
            Type::BytesIndef => {
                let read = self.decoder.bytes_iter().and_then(|chunks| {
                    for chunk in chunks {
                        buffer.extend_from_slice(chunk?);
                    }
                    Ok(())
                });
                read.map_err(|error| self.broken(expected, &error))?;
            }
            other => return Err(self.error(expected, name_of(other))),
        }
        Ok(Span {
            start,
            end: buffer.len(),
        })
    }

    /// Reads text and appends it to `buffer`.
    pub(super) fn text(&mut self, buffer: &mut String) -> Result<Span, StepError> {
        let start = buffer.len();
        buffer.push_str(&self.string("text")?);
        Ok(Span {
            start,
            end: buffer.len(),
        })
    }

    /// Reads a key, which must be one of the names. Most come in the shortest form, and are found
    /// without being decoded.
    fn field_index(&mut self, fields: &[Field]) -> Result<usize, StepError> {
        let at = self.decoder.position();
        let rest = self.decoder.input().get(at..).unwrap_or_default();
        let in_short_form = |field: &Field| {
            rest.first() == Some(&(SHORT_TEXT | field.name.len() as u8))
                && rest[1..].starts_with(field.name.as_bytes())
        };
        if let Some(index) = fields.iter().position(in_short_form) {
            self.decoder.set_position(at + 1 + fields[index].name.len());
            return Ok(index);
        }
        let key = self.string("a field name, text")?;
        let index = fields.iter().position(|field| field.name == key);
        index.ok_or_else(|| self.error_at(at, one_of(fields), format!("`{}`", excerpt(&key))))
    }

    /// Text of indefinite length is rare enough to be joined on the heap.
    fn string(&mut self, expected: &str) -> Result<Cow<'b, str>, StepError> {
        let read = match self.peek(expected)? {
            Type::String => self.decoder.str().map(Cow::Borrowed),
            Type::StringIndef => self
                .decoder
                .str_iter()
                .and_then(|chunks| chunks.collect::<Result<String, Error>>())
                .map(Cow::Owned),
            other => return Err(self.error(expected, name_of(other))),
        };
        read.map_err(|error| self.broken(expected, &error))
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
            None if matches!(self.decoder.datatype(), Ok(Type::Break)) => {
                self.decoder.set_position(self.decoder.position() + 1);
                false
            }
            None => true,
        }
    }

    fn peek(&self, expected: &str) -> Result<Type, StepError> {
        self.decoder
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
        self.error_at(self.decoder.position(), expected, found)
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
