//! Reading bytes that are known to be canonical and to fit their schema: no copy, no allocation.
//!
//! Keys come in a known order, so each is compared with the item that must be there. What is
//! found to be otherwise is answered by None: it never happens to bytes that `canonicalise` wrote.

use std::fmt;

use crate::cbor;

/// A text of canonical bytes. It was checked when they were made so, and is not again where it is
/// only compared, passed on or looked at by its length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CanonicalText<'a>(&'a [u8]);

impl<'a> CanonicalText<'a> {
    /// The text in UTF-8.
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text. Panics if the bytes were not made by `canonicalise`.
    #[inline]
    pub fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).expect("canonical texts are UTF-8")
    }
}

/// Where a text lies in the bytes that it was read from: what can be kept when they can't.
#[derive(Clone, Copy, Debug)]
pub struct TextRange {
    start: u32,
    length: u32,
}

impl<'a> CanonicalText<'a> {
    /// Its place in `bytes`, of which it is a part.
    #[inline]
    pub fn place_in(self, bytes: &[u8]) -> TextRange {
        let start = self.0.as_ptr().addr() - bytes.as_ptr().addr();
        TextRange {
            start: start as u32,
            length: self.0.len() as u32,
        }
    }

    /// The text at a place of `bytes`, where one was read.
    #[inline]
    pub fn at(place: TextRange, bytes: &'a [u8]) -> CanonicalText<'a> {
        CanonicalText(&bytes[place.start as usize..][..place.length as usize])
    }
}

impl<'a> From<&'a str> for CanonicalText<'a> {
    fn from(text: &'a str) -> CanonicalText<'a> {
        CanonicalText(text.as_bytes())
    }
}

impl fmt::Debug for CanonicalText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

/// What is left to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Canonical<'a> {
    rest: &'a [u8],
}

impl<'a> Canonical<'a> {
    /// A reader behind the leading tag, if there is one.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Canonical<'a> {
        let rest = bytes.strip_prefix(&cbor::SELF_DESCRIBED).unwrap_or(bytes);
        Canonical { rest }
    }

    /// Goes past these bytes: a key, or the head of a map.
    #[inline]
    pub fn take<const LENGTH: usize>(&mut self, item: &[u8; LENGTH]) -> Option<()> {
        let (first, rest) = self.rest.split_first_chunk::<LENGTH>()?;
        (first == item).then(|| self.rest = rest)
    }

    /// Goes past null, if that is next.
    #[inline]
    pub fn take_null(&mut self) -> bool {
        self.take(&[cbor::NULL]).is_some()
    }

    /// The bool that is next.
    #[inline]
    pub fn boolean(&mut self) -> Option<bool> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        match first {
            cbor::TRUE => Some(true),
            cbor::FALSE => Some(false),
            _ => None,
        }
    }

    /// The integer that is next, if it is not negative.
    #[inline]
    pub fn nat(&mut self) -> Option<u64> {
        self.head(cbor::UNSIGNED)
    }

    /// The integer that is next.
    #[inline]
    pub fn int(&mut self) -> Option<i128> {
        match self.head(cbor::UNSIGNED) {
            Some(number) => Some(number.into()),
            None => Some(-1 - i128::from(self.head(cbor::NEGATIVE)?)),
        }
    }

    /// The byte string that is next.
    #[inline]
    pub fn byte_string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.head(cbor::BYTES)?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Goes into the array that is next: how many items there are.
    #[inline]
    pub fn array(&mut self) -> Option<u64> {
        self.head(cbor::ARRAY)
    }

    /// Goes into the map that is next: how many entries there are.
    #[inline]
    pub fn map(&mut self) -> Option<u64> {
        self.head(cbor::MAP)
    }

    /// The bytes of the item that is next, which is gone past.
    #[inline]
    pub fn item(&mut self) -> Option<&'a [u8]> {
        let start = self.rest;
        self.skip(1)?;
        Some(&start[..start.len() - self.rest.len()])
    }

    /// Goes past so many items.
    #[inline]
    pub fn skip(&mut self, items: u64) -> Option<()> {
        let mut left = items;
        while left > 0 {
            let (&first, rest) = self.rest.split_first()?;
            let (major, argument) = match (first >> 5, first & 31) {
                (major, small @ 0..=23) => {
                    self.rest = rest;
                    (major, u64::from(small))
                }
                (major, _) => (major, self.head(major)?),
            };
            left -= 1;
            match major {
                cbor::BYTES | cbor::TEXT => {
                    self.rest = self.rest.get(usize::try_from(argument).ok()?..)?;
                }
                cbor::ARRAY => left = left.checked_add(argument)?,
                cbor::MAP => left = left.checked_add(argument.checked_mul(2)?)?,
                cbor::TAG => left += 1,
                _ => {}
            }
        }
        Some(())
    }

    /// The text that is next.
    #[inline]
    pub fn text(&mut self) -> Option<CanonicalText<'a>> {
        let length = usize::try_from(self.head(cbor::TEXT)?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(CanonicalText(text))
    }

    /// The argument of the head of an item of that major type.
    #[inline]
    fn head(&mut self, major: u8) -> Option<u64> {
        let (&first, rest) = self.rest.split_first()?;
        let size = match (first >> 5 == major, first & 31) {
            (true, small @ 0..=23) => {
                self.rest = rest;
                return Some(u64::from(small));
            }
            (true, info @ 24..=27) => 1 << (info - 24),
            _ => return None,
        };
        let (argument, rest) = rest.split_at_checked(size)?;
        self.rest = rest;
        Some(
            argument
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }
}
