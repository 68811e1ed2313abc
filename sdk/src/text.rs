//! Texts, of which the short ones are numbers.
//!
//! Owns how texts are kept, compared and checked. Ids, payloads and words are nearly always of at
//! most seven bytes: with their head in CBOR they are eight, which are compared, and copied, as
//! one number. Never knows where in the input a text was.

use core::fmt;

/// The longest text that is short.
pub const SHORT_BYTES: usize = 7;
/// What the head of an empty text in CBOR is; that of a short one is larger by its length.
const HEAD: u64 = 0x60;

/// UTF-8 that was checked.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// What [`word`] makes of the text.
    word: u64,
    /// The text if it is not short, else nothing.
    long: &'a [u8],
}

/// Head and bytes of a short text, the first lowest; 0 for one that is not short.
#[inline(always)]
pub const fn word(text: &[u8]) -> u64 {
    if text.len() > SHORT_BYTES {
        return 0;
    }
    let mut word = HEAD | text.len() as u64;
    let mut index = 0;
    while index < text.len() {
        word |= (text[index] as u64) << (8 * (index + 1));
        index += 1;
    }
    word
}

/// How many bytes a word has, its head included.
#[inline(always)]
pub const fn word_bytes(word: u64) -> usize {
    (word as usize & SHORT_BYTES) + 1
}

impl<'a> Text<'a> {
    /// A text of the reducer's own.
    #[inline(always)]
    pub const fn new(text: &'a str) -> Text<'a> {
        match word(text.as_bytes()) {
            0 => Text::of_long(text.as_bytes()),
            word => Text::of_word(word),
        }
    }

    /// A short text, which is known to be UTF-8.
    #[inline(always)]
    pub(crate) const fn of_word(word: u64) -> Text<'a> {
        Text { word, long: &[] }
    }

    /// A text that is not short, and is known to be UTF-8.
    #[inline(always)]
    pub(crate) const fn of_long(long: &'a [u8]) -> Text<'a> {
        Text { word: 0, long }
    }

    /// Head and bytes of a short text; 0 if it is long.
    #[inline(always)]
    pub const fn word(&self) -> u64 {
        self.word
    }

    /// The bytes of a text that is not short.
    #[inline(always)]
    pub const fn long(&self) -> &'a [u8] {
        self.long
    }

    /// The bytes, for which a short text needs room.
    pub fn bytes<'b>(&self, room: &'b mut [u8; 8]) -> &'b [u8]
    where
        'a: 'b,
    {
        if self.word == 0 {
            return self.long;
        }
        *room = self.word.to_le_bytes();
        room.get(1..word_bytes(self.word)).unwrap_or_default()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    #[inline(always)]
    fn from(text: &'a str) -> Self {
        Text::new(text)
    }
}

impl PartialEq for Text<'_> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word && (self.word != 0 || self.long == other.long)
    }
}

impl Eq for Text<'_> {}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = [0; 8];
        let text = core::str::from_utf8(self.bytes(&mut room));
        fmt::Debug::fmt(text.unwrap_or_default(), formatter)
    }
}

/// The highest bit of each byte: no byte of ASCII has it.
pub(crate) const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Whether the bytes are UTF-8, fast if they are ASCII.
#[cold]
#[inline(never)]
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    is_ascii(bytes) || core::str::from_utf8(bytes).is_ok()
}

#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            (u64::from_le_bytes(*first) | u64::from_le_bytes(*last)) & NOT_ASCII == 0
        }
        _ => is_long_ascii(bytes),
    }
}

/// Without a way out of the loop, so that it is made of vectors.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn is_long_ascii(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |all, byte| all | byte) < 0x80
}

/// Whether it is a hash: `sha256:` and 64 lower-case hexadecimal digits.
#[inline(always)]
pub fn is_hash(text: &[u8; 71]) -> bool {
    let (name, digits) = text.split_at(7);
    match digits.as_array() {
        Some(digits) => name == b"sha256:" && is_hexadecimal(digits),
        None => false,
    }
}

/// Whether all are lower-case hexadecimal digits. Made of vectors too.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn is_hexadecimal(digits: &[u8; 64]) -> bool {
    digits.iter().fold(true, |all, digit| {
        all & matches!(digit, b'0'..=b'9' | b'a'..=b'f')
    })
}
