//! Values in JSON, in the plain spelling (`42`), which is the only one that is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::Value;
use crate::types::Type;
use crate::types::schemas::{SchemaId, Schemas};

/// Integers up to here are numbers in JSON; greater ones are text, since many readers of JSON
/// keep numbers as doubles.
const MAX_SAFE_INTEGER: u64 = 1 << 53;

impl Schemas {
    /// Writes a value in the plain spelling. What does not fit the schema is written as it is.
    pub fn value_to_json(&self, id: SchemaId, value: &Value) -> Json {
        self.write_json(self.ty(id), value)
    }

    fn write_json(&self, ty: &Type, value: &Value) -> Json {
        let ty = self.resolve(ty);
        match (ty, value) {
            (Type::Option(inner), Value::Null) if !matches!(**inner, Type::Option(_)) => Json::Null,
            (Type::Option(inner), _) => self.write_json(inner, value),
            (Type::List(item) | Type::Set(item), Value::List(items)) => items
                .iter()
                .map(|value| self.write_json(item, value))
                .collect(),
            (Type::Variant(variant), Value::Variant { tag, value }) => match variant.arm(tag) {
                Some(arm) => json!({ tag: self.write_json(&arm.ty, value) }),
                None => untyped(value),
            },
            (Type::Record(record), Value::Map(entries)) => {
                let member = |(key, value): &(Value, Value)| {
                    let name = key.as_text().unwrap_or_default();
                    let json = match record.field(name) {
                        Some(field) => self.write_json(&field.ty, value),
                        None => untyped(value),
                    };
                    (name.to_owned(), json)
                };
                Json::Object(entries.iter().map(member).collect())
            }
            (Type::Map(map), Value::Map(entries)) => match self.resolve(&map.key) {
                Type::Text => {
                    let member = |(key, value): &(Value, Value)| {
                        let name = key.as_text().unwrap_or_default();
                        (name.to_owned(), self.write_json(&map.value, value))
                    };
                    Json::Object(entries.iter().map(member).collect())
                }
                _ => {
                    let pair = |(key, value): &(Value, Value)| {
                        json!([
                            self.write_json(&map.key, key),
                            self.write_json(&map.value, value)
                        ])
                    };
                    entries.iter().map(pair).collect()
                }
            },
            _ => untyped(value),
        }
    }
}

/// A value without its schema: as close to the plain spelling as can be.
fn untyped(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) if number.unsigned_abs() > MAX_SAFE_INTEGER => {
            Json::String(number.to_string())
        }
        Value::Int(number) => json!(number),
        Value::Nat(number) if *number > MAX_SAFE_INTEGER => Json::String(number.to_string()),
        Value::Nat(number) => json!(number),
        Value::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => items.iter().map(untyped).collect(),
        Value::Map(entries) if entries.iter().all(|(key, _)| key.as_text().is_some()) => {
            let member = |(key, value): &(Value, Value)| {
                (key.as_text().unwrap_or_default().to_owned(), untyped(value))
            };
            Json::Object(entries.iter().map(member).collect())
        }
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| json!([untyped(key), untyped(value)]))
            .collect(),
        Value::Variant { tag, value } => json!({ tag: untyped(value) }),
    }
}
