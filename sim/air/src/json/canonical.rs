//! The canonical CBOR of untyped JSON, by which documents are hashed.

use serde_json::Value as Plain;

use crate::cbor::{self, order};

/// Canonical CBOR of JSON as it stands, with the leading tag: what documents are hashed by.
///
/// A number outside 64 bits, or a fraction, is written as a 64-bit float; the loader refuses
/// documents that hold one, and strips `$comment`, which this does not.
///
/// ```
/// let bytes = sim_air::canonical_cbor(&serde_json::json!({"b": 2, "a": 1}));
/// assert_eq!(bytes, b"\xd9\xd9\xf7\xa2\x61a\x01\x61b\x02");
/// ```
pub fn canonical_cbor(json: &Plain) -> Vec<u8> {
    let mut out = cbor::SELF_DESCRIBED.to_vec();
    write_plain(json, &mut out);
    out
}

fn write_plain(json: &Plain, out: &mut Vec<u8>) {
    match json {
        Plain::Null => out.push(cbor::NULL),
        Plain::Bool(flag) => out.push(cbor::boolean(*flag)),
        Plain::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => cbor::write_head(out, cbor::UNSIGNED, number),
            (_, Some(number)) => cbor::write_int(out, number),
            _ => {
                out.push(cbor::FLOAT_64);
                let bits = number.as_f64().map_or(0, f64::to_bits);
                out.extend_from_slice(&bits.to_be_bytes());
            }
        },
        Plain::String(text) => cbor::write_text(out, text),
        Plain::Array(items) => {
            cbor::write_head(out, cbor::ARRAY, items.len() as u64);
            items.iter().for_each(|item| write_plain(item, out));
        }
        Plain::Object(members) => {
            let members: Vec<_> = members.iter().collect();
            order::write_map(out, &members, |(key, value), out| {
                cbor::write_text(out, key);
                let key_end = out.len();
                write_plain(value, out);
                key_end
            });
        }
    }
}
