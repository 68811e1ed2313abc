//! Values in JSON, in the two spellings of AIR: plain (`42`) and tagged (`{"nat":42}`).
//!
//! Both may be mixed at any level. Where an object could be read either way, as `{"record":…}` for
//! a record that has a field `record`, the plain reading is meant; there is no trying of one after
//! the other. What is written is always plain. Errors point into the JSON. Recursion follows the
//! type, which is of bounded depth.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use crate::json::{COMMENT, describe};
use crate::problems::value_error::{Fault, ValueError};
use crate::text::quote::one_of;
use crate::types::{MapType, Record, SchemaId, Schemas, Type, Variant};
use crate::value::Value;
use crate::value_text;

/// Integers up to here are numbers in JSON; greater ones are text, since many readers of JSON
/// keep numbers as doubles.
const MAX_SAFE_INTEGER: u64 = 1 << 53;

impl Schemas {
    /// Reads a value of the schema, in either spelling.
    pub fn value_from_json(&self, id: SchemaId, json: &Json) -> Result<Value, ValueError> {
        let value = self.read_json(self.ty(id), json).map_err(|fault| *fault)?;
        self.encode(id, &value)
            .and_then(|bytes| self.decode(id, &bytes))
    }

    /// Writes a value in the plain spelling. What does not fit the schema is written as it is.
    pub fn value_to_json(&self, id: SchemaId, value: &Value) -> Json {
        self.write_json(self.ty(id), value)
    }

    fn read_json(&self, ty: &Type, json: &Json) -> Result<Value, Fault> {
        let ty = self.resolve(ty);
        if let Type::Option(inner) = ty {
            return match json {
                Json::Null => Ok(Value::Null),
                _ if tagged(json, &["null"]).is_some() => Ok(Value::Null),
                _ => self.read_json(inner, json),
            };
        }
        match tagged(json, spellings(ty)) {
            Some((tag, inner)) if !self.is_plain(ty, tag, inner) => self
                .tagged(ty, inner)
                .map_err(|fault| Box::new(fault.within(tag))),
            _ => self.plain(ty, json),
        }
    }

    /// Whether what looks like a tag is a field, an arm or a key of the schema's own.
    fn is_plain(&self, ty: &Type, tag: &str, inner: &Json) -> bool {
        match ty {
            Type::Record(record) => record.field(tag).is_some(),
            Type::Variant(variant) => variant.arm(tag).is_some(),
            Type::Map(map) if *self.resolve(&map.key) == Type::Text => {
                let Json::Array(items) = inner else {
                    return true;
                };
                let is_entry =
                    |item: &Json| item.get("key").is_some() && item.get("value").is_some();
                let value = match self.resolve(&map.value) {
                    Type::Option(value) => self.resolve(value),
                    value => value,
                };
                match value {
                    Type::List(item) | Type::Set(item) => {
                        let item = self.resolve(item);
                        let of_objects = matches!(item, Type::Record(_) | Type::Map(_));
                        items.is_empty() || of_objects || !items.iter().all(is_entry)
                    }
                    Type::Map(_) => items.is_empty() || !items.iter().all(is_entry),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// What is inside the tag is written as the plain spelling is, except variants and maps.
    fn tagged(&self, ty: &Type, json: &Json) -> Result<Value, Fault> {
        match (ty, json) {
            (Type::Variant(variant), Json::Object(members)) => {
                let tag = members.get("tag").and_then(Json::as_str);
                let tag = tag.ok_or_else(|| wrong("`tag` and perhaps `value`", json))?;
                if let Some(key) = members
                    .keys()
                    .find(|key| !is_one_of(key, &["tag", "value"]))
                {
                    let found = format!("the unknown field `{key}`");
                    return Err(Box::new(ValueError::new(
                        "`tag` and perhaps `value`",
                        found,
                    )));
                }
                let value = members.get("value").unwrap_or(&Json::Null);
                self.arm_json(variant, tag, value, "value")
            }
            (Type::Map(map), Json::Array(items)) => {
                let entry = |(index, item): (usize, &Json)| {
                    let within = |fault: Fault| Box::new(fault.within(index));
                    let (Some(key), Some(value), Some(2)) = (
                        item.get("key"),
                        item.get("value"),
                        item.as_object().map(Map::len),
                    ) else {
                        return self.pair_json(map, item).map_err(within);
                    };
                    let key = self.read_json(&map.key, key).map_err(within)?;
                    Ok((key, self.read_json(&map.value, value).map_err(within)?))
                };
                items
                    .iter()
                    .enumerate()
                    .map(entry)
                    .collect::<Result<_, _>>()
                    .map(Value::Map)
            }
            (Type::Unit, Json::Object(members)) if members.is_empty() => Ok(Value::Null),
            _ => self.plain(ty, json),
        }
    }

    fn plain(&self, ty: &Type, json: &Json) -> Result<Value, Fault> {
        match (ty, json) {
            (Type::Record(record), Json::Object(members)) => self.record_json(record, members),
            (Type::Variant(variant), Json::Object(members)) => {
                let mut members = members.iter().filter(|(key, _)| *key != COMMENT);
                match (members.next(), members.next()) {
                    (Some((tag, value)), None) => self.arm_json(variant, tag, value, tag),
                    _ => Err(wrong("an object with the tag as its only field", json)),
                }
            }
            (Type::List(item) | Type::Set(item), Json::Array(items)) => {
                let read = |(index, json): (usize, &Json)| {
                    let value = self.read_json(item, json);
                    value.map_err(|fault| Box::new(fault.within(index)))
                };
                items
                    .iter()
                    .enumerate()
                    .map(read)
                    .collect::<Result<_, _>>()
                    .map(Value::List)
            }
            (Type::Map(map), Json::Object(members)) if *self.resolve(&map.key) == Type::Text => {
                let members = members.iter().filter(|(key, _)| *key != COMMENT);
                let entry = |(key, value): (&String, &Json)| {
                    let value = self.read_json(&map.value, value);
                    let value = value.map_err(|fault| Box::new(fault.within(key)))?;
                    Ok((Value::Text(key.clone()), value))
                };
                members.map(entry).collect::<Result<_, _>>().map(Value::Map)
            }
            (Type::Map(map), Json::Array(items)) => {
                let entry = |(index, item): (usize, &Json)| {
                    self.pair_json(map, item)
                        .map_err(|fault| Box::new(fault.within(index)))
                };
                items
                    .iter()
                    .enumerate()
                    .map(entry)
                    .collect::<Result<_, _>>()
                    .map(Value::Map)
            }
            (Type::Option(_) | Type::Ref(_), _) => self.read_json(ty, json),
            _ => scalar(ty, json).ok_or_else(|| wrong(&expectation(ty), json)),
        }
    }

    fn record_json(&self, record: &Record, members: &Map<String, Json>) -> Result<Value, Fault> {
        let mut entries = Vec::with_capacity(record.fields().len());
        for (name, json) in members.iter().filter(|(name, _)| *name != COMMENT) {
            let Some(field) = record.field(name) else {
                let expected = one_of(record.fields().iter().map(|field| &field.name));
                let error = ValueError::new(expected, "an unknown field");
                return Err(Box::new(error.within(name)));
            };
            let value = self.read_json(&field.ty, json);
            let value = value.map_err(|fault| Box::new(fault.within(name)))?;
            entries.push((Value::Text(name.clone()), value));
        }
        let absent = |name: &str| !members.contains_key(name);
        match record
            .fields()
            .iter()
            .find(|field| !field.optional && absent(&field.name))
        {
            None => Ok(Value::Map(entries)),
            Some(field) => {
                let expected = self.describe(&field.ty);
                let error = ValueError::new(expected, "no such field").within(&field.name);
                Err(Box::new(error))
            }
        }
    }

    fn arm_json(
        &self,
        variant: &Variant,
        tag: &str,
        json: &Json,
        step: &str,
    ) -> Result<Value, Fault> {
        let Some(arm) = variant.arm(tag) else {
            let expected = one_of(variant.arms().iter().map(|arm| &arm.tag));
            return Err(Box::new(ValueError::new(
                expected,
                format!("the tag `{tag}`"),
            )));
        };
        let value = self.read_json(&arm.ty, json);
        let value = value.map_err(|fault| Box::new(fault.within(step)))?;
        Ok(Value::Variant {
            tag: tag.to_owned(),
            value: Box::new(value),
        })
    }

    fn pair_json(&self, map: &MapType, json: &Json) -> Result<(Value, Value), Fault> {
        let [key, value] = json.as_array().map_or(&[][..], Vec::as_slice) else {
            return Err(wrong("a pair `[key, value]`", json));
        };
        let key = self.read_json(&map.key, key);
        let value = self.read_json(&map.value, value);
        Ok((
            key.map_err(|fault| Box::new(fault.within(0)))?,
            value.map_err(|fault| Box::new(fault.within(1)))?,
        ))
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

/// A value without parts, from the plain spelling.
fn scalar(ty: &Type, json: &Json) -> Option<Value> {
    Some(match (ty, json) {
        (Type::Bool, Json::Bool(flag)) => Value::Bool(*flag),
        (Type::Unit, Json::Null) => Value::Null,
        (Type::Nat | Type::Time, Json::Number(number)) => Value::Nat(number.as_u64()?),
        (Type::Int | Type::Duration, Json::Number(number)) => Value::Int(number.as_i64()?),
        (Type::Nat, Json::String(text)) => Value::Nat(integer(text)?),
        (Type::Int, Json::String(text)) => Value::Int(integer(text)?),
        (Type::Time, Json::String(text)) => {
            Value::Nat(integer(text).or_else(|| value_text::time_ns(text))?)
        }
        (Type::Duration, Json::String(text)) => {
            Value::Int(integer(text).or_else(|| value_text::duration_ns(text))?)
        }
        (Type::Bytes, Json::String(text)) => Value::Bytes(STANDARD.decode(text).ok()?),
        (Type::Text, Json::String(text)) => Value::Text(text.clone()),
        (Type::Hash, Json::String(text)) => Value::Text(value_text::hash(text).ok()?),
        (Type::Uuid, Json::String(text)) => Value::Text(value_text::uuid(text).ok()?),
        (Type::Dec128, Json::String(text)) => Value::Text(value_text::dec128(text).ok()?),
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
fn tagged<'a>(json: &'a Json, tags: &[&'static str]) -> Option<(&'static str, &'a Json)> {
    let members = json.as_object()?;
    let mut members = members.iter().filter(|(key, _)| *key != COMMENT);
    let (key, inner) = members.next()?;
    let tag = tags.iter().find(|tag| *tag == key)?;
    members.next().is_none().then_some((*tag, inner))
}

/// The tags of the tagged spelling. Constants of expressions use longer ones for some types.
fn spellings(ty: &Type) -> &'static [&'static str] {
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

fn expectation(ty: &Type) -> String {
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

fn is_one_of(key: &str, names: &[&str]) -> bool {
    key == COMMENT || names.contains(&key)
}

fn wrong(expected: &str, found: &Json) -> Fault {
    Box::new(ValueError::new(expected, describe(found)))
}
