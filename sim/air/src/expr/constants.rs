//! Reading the constants of expressions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::json::{Json, Later};
use crate::problems::problem::Problem;
use crate::problems::value_error::ValueError;
use crate::value::{Value, forms};

/// The words that constants begin with, one for each kind.
pub(super) const CONSTANTS: [&str; 11] = [
    "null",
    "bool",
    "int",
    "nat",
    "text",
    "bytes_b64",
    "time_ns",
    "duration_ns",
    "dec128",
    "hash",
    "uuid",
];

/// The constant that stands under one of [`CONSTANTS`].
pub(super) fn constant(word: &str, later: Later) -> Result<Value, Problem> {
    let nat = |json: &Json| match json {
        Json::Number(number) => number.as_u64(),
        Json::Text(text) => text.parse().ok(),
        _ => None,
    };
    let int = |json: &Json| match json {
        Json::Number(number) => number.as_i64(),
        Json::Text(text) => text.parse().ok(),
        _ => None,
    };
    let checked = |text: &String, check: fn(&str) -> Result<String, _>| {
        check(text)
            .map(Value::Text)
            .map_err(|error: ValueError| error.expected)
    };
    let unfit = |expected: &str| Err(expected.to_owned());
    let value = match (word, &later.node.json) {
        ("null", Json::Object(members)) if members.is_empty() => Ok(Value::Null),
        ("null", _) => unfit("`{}`"),
        ("bool", Json::Bool(flag)) => Ok(Value::Bool(*flag)),
        ("bool", _) => unfit("`true` or `false`"),
        ("int" | "duration_ns", json) => int(json)
            .map(Value::Int)
            .ok_or_else(|| "a signed number of 64 bits".to_owned()),
        ("nat" | "time_ns", json) => nat(json)
            .map(Value::Nat)
            .ok_or_else(|| "a whole number up to 64 bits".to_owned()),
        ("text", Json::Text(text)) => Ok(Value::Text(text.clone())),
        ("bytes_b64", Json::Text(text)) => STANDARD
            .decode(text)
            .map(Value::Bytes)
            .map_err(|_| "base64".to_owned()),
        ("dec128", Json::Text(text)) => checked(text, forms::dec128),
        ("hash", Json::Text(text)) => checked(text, forms::hash),
        ("uuid", Json::Text(text)) => checked(text, forms::uuid),
        _ => unfit("text"),
    };
    value.map_err(|expected| {
        let message = format!("`{word}` with {}", later.node.describe());
        Problem::new(later.place(), message).expected(expected)
    })
}
