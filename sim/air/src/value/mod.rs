//! Values of a schema: as canonical bytes, as a tree, and as JSON.
//!
//! Bytes are what flows between world and reducer: `transcode` makes them canonical without a tree,
//! and `settled` copies those that are canonical already. A [`Value`] is a tree, for the places
//! where speed does not matter: plans, grants, reports. Nothing here reads a document or makes a
//! schema.

pub mod forms;
mod from_json;
mod keys;
mod settled;
mod spellings;
mod to_json;
mod transcode;
mod tree;

use crate::cbor::{self, order};

/// A value of some schema. What it means is the schema's matter: `time` is a `Nat`, `duration`
/// an `Int` (both ns), `hash`, `uuid` and `dec128` are `Text`, `unit` and a missing option `Null`.
///
/// ```
/// use sim_air::Value;
///
/// let value = Value::record([("name", Value::text("a")), ("at", Value::Nat(7))]);
/// assert_eq!(value.field("at").and_then(Value::as_nat), Some(7));
/// // Shorter keys come first.
/// assert_eq!(value.to_cbor(), b"\xd9\xd9\xf7\xa2\x62at\x07\x64name\x61a");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Value {
    /// Unit, or an option without a value.
    Null,
    /// A bool.
    Bool(bool),
    /// An integer with a sign; a duration, in ns.
    Int(i64),
    /// An integer without a sign; a time, in ns since 1970.
    Nat(u64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text; a hash, a uuid or a decimal in its canonical spelling.
    Text(String),
    /// A list, or a set in canonical order.
    List(Vec<Value>),
    /// A record or a map, in canonical order of the keys.
    Map(Vec<(Value, Value)>),
    /// A variant.
    Variant {
        /// The tag.
        tag: String,
        /// What is in it; [`Value::Null`] if it carries nothing.
        value: Box<Value>,
    },
}

impl Value {
    /// A record from its fields, put in canonical order.
    pub fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        let mut fields: Vec<(&str, Value)> = fields.into_iter().collect();
        fields.sort_by(|left, right| order::text_key_order(left.0, right.0));
        let entry = |(name, value): (&str, Value)| (Value::Text(name.to_owned()), value);
        Value::Map(fields.into_iter().map(entry).collect())
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// The field of a record, or the entry of a map with text keys.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let Value::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| key.as_text() == Some(name))
            .map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that is not negative, whichever way it is held.
    pub fn as_nat(&self) -> Option<u64> {
        match self {
            Value::Nat(number) => Some(*number),
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Canonical CBOR with the leading tag, without a schema: an `Int` and a `Nat` of the same
    /// number give the same bytes, and a variant whose value is null has no `$value`.
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut out = cbor::SELF_DESCRIBED.to_vec();
        self.write_cbor(&mut out);
        out
    }

    /// Appends what [`Value::to_cbor`] gives, without the leading tag.
    pub fn write_cbor(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.push(cbor::NULL),
            Value::Bool(flag) => out.push(cbor::boolean(*flag)),
            Value::Int(number) => cbor::write_int(out, *number),
            Value::Nat(number) => cbor::write_head(out, cbor::UNSIGNED, *number),
            Value::Bytes(bytes) => cbor::write_bytes(out, bytes),
            Value::Text(text) => cbor::write_text(out, text),
            Value::List(items) => {
                cbor::write_head(out, cbor::ARRAY, items.len() as u64);
                items.iter().for_each(|item| item.write_cbor(out));
            }
            Value::Map(entries) => order::write_map(out, entries, |entry, out| {
                entry.0.write_cbor(out);
                let key_end = out.len();
                entry.1.write_cbor(out);
                key_end
            }),
            Value::Variant { tag, value } => {
                let unit = **value == Value::Null;
                cbor::write_head(out, cbor::MAP, if unit { 1 } else { 2 });
                out.extend_from_slice(cbor::TAG_KEY);
                cbor::write_text(out, tag);
                if !unit {
                    out.extend_from_slice(cbor::VALUE_KEY);
                    value.write_cbor(out);
                }
            }
        }
    }
}
