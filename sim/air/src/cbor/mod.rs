//! CBOR items: the heads, lengths and orders of RFC 8949, written canonically, read leniently.
//!
//! Writing follows section 4.2.1: shortest heads, definite lengths, map keys in bytewise order of
//! their encoding. Reading takes any well-formed item. Nothing here knows a schema.
//!
//! ```
//! use sim_air::cbor::{self, canonical::Canonical};
//!
//! let mut out = Vec::new();
//! cbor::write_text(&mut out, "ok");
//! cbor::write_nat(&mut out, 300);
//! let mut rest = Canonical::new(&out);
//! assert_eq!(rest.text().map(|text| text.as_str()), Some("ok"));
//! assert_eq!(rest.nat(), Some(300));
//! ```

pub mod canonical;
pub(crate) mod order;
pub(crate) mod reader;

/// The tag 55799, "this is CBOR", with which canonical bytes begin.
pub const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];
/// The item `false`.
pub const FALSE: u8 = 0xf4;
/// The item `true`.
pub const TRUE: u8 = 0xf5;
/// The item `null`.
pub const NULL: u8 = 0xf6;
/// Before the eight bytes of a double.
pub const FLOAT_64: u8 = 0xfb;
/// Ends an item of indefinite length.
pub const BREAK: u8 = 0xff;
/// The key `$tag` of a variant, as a text item.
pub const TAG_KEY: &[u8] = b"\x64$tag";
/// The key `$value` of a variant, as a text item.
pub const VALUE_KEY: &[u8] = b"\x66$value";

/// The major type of integers from 0 up.
pub const UNSIGNED: u8 = 0;
/// The major type of integers below 0.
pub const NEGATIVE: u8 = 1;
/// The major type of byte strings.
pub const BYTES: u8 = 2;
/// The major type of texts.
pub const TEXT: u8 = 3;
/// The major type of arrays.
pub const ARRAY: u8 = 4;
/// The major type of maps.
pub const MAP: u8 = 5;
/// The major type of tags.
pub const TAG: u8 = 6;

/// The item for a bool.
#[inline]
pub fn boolean(flag: bool) -> u8 {
    if flag { TRUE } else { FALSE }
}

/// Appends the head of an item of that major type, in its shortest form.
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

/// Appends an integer.
#[inline]
pub fn write_nat(out: &mut Vec<u8>, number: u64) {
    write_head(out, UNSIGNED, number);
}

/// Appends an integer with a sign.
#[inline]
pub fn write_int(out: &mut Vec<u8>, number: i64) {
    match u64::try_from(number) {
        Ok(number) => write_head(out, UNSIGNED, number),
        Err(_) => write_head(out, NEGATIVE, !(number as u64)),
    }
}

/// Appends a byte string.
#[inline]
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_head(out, BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a text.
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

/// As `write_text`, for bytes that are known to be text.
#[inline]
pub fn write_bytes_as_text(out: &mut Vec<u8>, text: &[u8]) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text);
}
