//! Reading bytes that are known to be canonical and to fit their schema: no copy, no allocation.
//!
//! Keys come in a known order, so each is compared with the item that must be there. What is
//! found to be otherwise is answered by None: it never happens to bytes that `canonicalise` wrote.

use super::cbor;

/// What is left to read.
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

    #[inline]
    pub fn nat(&mut self) -> Option<u64> {
        self.head(cbor::UNSIGNED)
    }

    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.text_bytes()?).ok()
    }

    /// A text that is only compared or passed over.
    #[inline]
    pub fn text_bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.head(cbor::TEXT)?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text)
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
