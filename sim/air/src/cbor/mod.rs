//! CBOR items: the heads, lengths and orders of RFC 8949, written canonically, read leniently.
//!
//! Writing follows section 4.2.1: shortest heads, definite lengths, map keys in bytewise order of
//! their encoding. Reading takes any well-formed item. Nothing here knows a schema.

pub mod canonical;
pub(crate) mod order;
pub(crate) mod reader;

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

/// As `write_text`, for bytes that are known to be text.
#[inline]
pub fn write_bytes_as_text(out: &mut Vec<u8>, text: &[u8]) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text);
}
