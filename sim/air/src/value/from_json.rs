//! Values in JSON, in the two spellings of AIR: plain (`42`) and tagged (`{"nat":42}`).
//!
//! Both may be mixed at any level. Where an object could be read either way, as `{"record":…}` for
//! a record that has a field `record`, the plain reading is meant; there is no trying of one after
//! the other. Errors point into the JSON. Recursion follows the type, which is of bounded depth.

use serde_json::{Map, Value as Json};

use super::spellings::{expectation, scalar, spellings, tagged};
use crate::json::{COMMENT, describe};
use crate::problems::value_error::{Fault, ValueError};
use crate::text::quote::one_of;
use crate::types::schemas::{SchemaId, Schemas};
use crate::types::{MapType, RecordType, Type, VariantType};
use crate::value::Value;

impl Schemas {
    /// Reads a value of the schema, in either spelling.
    ///
    /// # Errors
    ///
    /// If the JSON is none; the path leads into the JSON.
    pub fn value_from_json(&self, id: SchemaId, json: &Json) -> Result<Value, ValueError> {
        let value = self.read_json(self.ty(id), json).map_err(|fault| *fault)?;
        self.encode(id, &value)
            .and_then(|bytes| self.decode(id, &bytes))
    }

    /// The same, of a type: what stands within a value of a schema.
    ///
    /// # Errors
    /// If it is no value of the type.
    pub fn value_of_type_from_json(&self, ty: &Type, json: &Json) -> Result<Value, ValueError> {
        self.read_json(ty, json).map_err(|fault| *fault)
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

    fn record_json(
        &self,
        record: &RecordType,
        members: &Map<String, Json>,
    ) -> Result<Value, Fault> {
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
        variant: &VariantType,
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
}

fn is_one_of(key: &str, names: &[&str]) -> bool {
    key == COMMENT || names.contains(&key)
}

fn wrong(expected: &str, found: &Json) -> Fault {
    Box::new(ValueError::new(expected, describe(found)))
}
