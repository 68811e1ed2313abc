//! How values without parts are spelled in JSON, and the tags of the tagged spelling.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::{Value, forms};
use crate::json::COMMENT;
use crate::types::Type;

/// A value without parts, from the plain spelling.
pub fn scalar(ty: &Type, json: &Json) -> Option<Value> {
    Some(match (ty, json) {
        (Type::Bool, Json::Bool(flag)) => Value::Bool(*flag),
        (Type::Unit, Json::Null) => Value::Null,
        (Type::Nat | Type::Time, Json::Number(number)) => Value::Nat(number.as_u64()?),
        (Type::Int | Type::Duration, Json::Number(number)) => Value::Int(number.as_i64()?),
        (Type::Nat, Json::String(text)) => Value::Nat(integer(text)?),
        (Type::Int, Json::String(text)) => Value::Int(integer(text)?),
        (Type::Time, Json::String(text)) => {
            Value::Nat(integer(text).or_else(|| forms::time_ns(text))?)
        }
        (Type::Duration, Json::String(text)) => {
            Value::Int(integer(text).or_else(|| forms::duration_ns(text))?)
        }
        (Type::Bytes, Json::String(text)) => Value::Bytes(STANDARD.decode(text).ok()?),
        (Type::Text, Json::String(text)) => Value::Text(text.clone()),
        (Type::Hash, Json::String(text)) => Value::Text(forms::hash(text).ok()?),
        (Type::Uuid, Json::String(text)) => Value::Text(forms::uuid(text).ok()?),
        (Type::Dec128, Json::String(text)) => Value::Text(forms::dec128(text).ok()?),
        _ => return None,
    })
}

/// A decimal integer written the one way that a number of JSON is.
fn integer<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse()
        .ok()
        .filter(|number: &T| number.to_string() == text)
}

/// The only member of an object, if its name is one of the tags.
pub fn tagged<'a>(json: &'a Json, tags: &[&'static str]) -> Option<(&'static str, &'a Json)> {
    let members = json.as_object()?;
    let mut members = members.iter().filter(|(key, _)| *key != COMMENT);
    let (key, inner) = members.next()?;
    let tag = tags.iter().find(|tag| *tag == key)?;
    members.next().is_none().then_some((*tag, inner))
}

/// The tags of the tagged spelling. Constants of expressions use longer ones for some types.
pub fn spellings(ty: &Type) -> &'static [&'static str] {
    match ty {
        Type::Bool => &["bool"],
        Type::Int => &["int"],
        Type::Nat => &["nat"],
        Type::Dec128 => &["dec128"],
        Type::Bytes => &["bytes", "bytes_b64"],
        Type::Text => &["text"],
        Type::Time => &["time", "time_ns"],
        Type::Duration => &["duration", "duration_ns"],
        Type::Hash => &["hash"],
        Type::Uuid => &["uuid"],
        Type::Unit => &["null", "unit"],
        Type::Record(_) => &["record"],
        Type::Variant(_) => &["variant"],
        Type::List(_) => &["list"],
        Type::Set(_) => &["set"],
        Type::Map(_) => &["map"],
        Type::Option(_) | Type::Ref(_) => &[],
    }
}

pub fn expectation(ty: &Type) -> String {
    let text = match ty {
        Type::Bool => "`true` or `false`",
        Type::Int => "a signed number of 64 bits (a great one as text)",
        Type::Nat => "a whole number up to 64 bits (a great one as text)",
        Type::Dec128 => "a decimal as text, such as \"-12.50\"",
        Type::Bytes => "base64 as text, with its padding",
        Type::Text => "text",
        Type::Time => "ns since 1970, or a time of RFC 3339",
        Type::Duration => "ns, or a duration such as \"PT1.5S\"",
        Type::Hash => "`sha256:` and 64 lowercase hex digits",
        Type::Uuid => "a uuid as text",
        Type::Unit => "null",
        Type::Record(_) => "an object with the record's fields",
        Type::Variant(_) => "an object with the tag as its only field",
        Type::List(_) | Type::Set(_) => "an array",
        Type::Map(_) => "an object, or an array of pairs",
        Type::Option(_) | Type::Ref(_) => "a value",
    };
    text.to_owned()
}
