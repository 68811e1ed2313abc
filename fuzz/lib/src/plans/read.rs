//! Plain values of documents, in both spellings of the format.
//!
//! The generator's names of fields, tags and keys are none of the words of the tagged spelling,
//! so that nothing can be read in two ways.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::fit::Misfit;
use super::types::{Ty, Types};
use super::value::{Kind, Val};

impl Types {
    /// A value of the type, in either spelling, canonical.
    pub fn read(&self, ty: &Ty, json: &Json) -> Result<Val, Misfit> {
        let value = self.read_any(ty, json).ok_or(Misfit)?;
        self.fit(ty, &value)
    }

    fn read_any(&self, ty: &Ty, json: &Json) -> Option<Val> {
        let ty = self.resolve(ty);
        if let Ty::Option(inner) = ty {
            return match json.is_null() || tagged(json, &["null"]).is_some() {
                true => Some(Val::Null),
                false => self.read_any(inner, json),
            };
        }
        let words: &[&str] = match ty {
            Ty::Bool => &["bool"],
            Ty::Int => &["int"],
            Ty::Nat => &["nat"],
            Ty::Dec => &["dec128"],
            Ty::Bytes => &["bytes", "bytes_b64"],
            Ty::Text => &["text"],
            Ty::Time => &["time", "time_ns"],
            Ty::Duration => &["duration", "duration_ns"],
            Ty::Hash => &["hash"],
            Ty::Uuid => &["uuid"],
            Ty::Unit => &["null", "unit"],
            Ty::Record(_) => &["record"],
            Ty::Variant(_) => &["variant"],
            Ty::List(_) => &["list"],
            Ty::Set(_) => &["set"],
            _ => &["map"],
        };
        let inner = tagged(json, words);
        match (ty, inner) {
            (Ty::Unit, Some(_)) => Some(Val::Null),
            (Ty::Variant(arms), Some(inner)) => {
                let value = inner.get("value").unwrap_or(&Json::Null);
                self.read_arm(arms, inner["tag"].as_str()?, value)
            }
            (ty, inner) => self.read_plain(ty, inner.unwrap_or(json)),
        }
    }

    fn read_plain(&self, ty: &Ty, json: &Json) -> Option<Val> {
        let number = || match json {
            Json::String(text) => text.parse().ok(),
            json => json
                .as_u64()
                .map(i128::from)
                .or(json.as_i64().map(i128::from)),
        };
        Some(match ty {
            Ty::Bool => Val::Bool(json.as_bool()?),
            Ty::Nat | Ty::Time => Val::Number(number()?, Kind::Nat),
            Ty::Int | Ty::Duration => Val::Number(number()?, Kind::Int),
            Ty::Bytes => Val::Bytes(STANDARD.decode(json.as_str()?).ok()?),
            Ty::Text | Ty::Hash | Ty::Uuid | Ty::Dec => Val::text(json.as_str()?),
            Ty::Unit => json.is_null().then_some(Val::Null)?,
            Ty::List(item) | Ty::Set(item) => {
                let items = json.as_array()?.iter();
                Val::List(
                    items
                        .map(|json| self.read_any(item, json))
                        .collect::<Option<_>>()?,
                )
            }
            Ty::Record(fields) => {
                let mut entries = Vec::new();
                for (name, json) in json.as_object()? {
                    let field = fields.iter().find(|field| field.0 == name)?;
                    entries.push((Val::text(name), self.read_any(&field.1, json)?));
                }
                Val::map(entries)
            }
            Ty::Variant(arms) => {
                let mut members = json.as_object()?.iter();
                let (tag, value) = members.next()?;
                self.read_arm(arms, tag, value)?
            }
            Ty::Map(key, value) => self.read_map(key, value, json)?,
            Ty::Option(_) | Ty::Ref(_) => self.read_any(ty, json)?,
        })
    }

    fn read_arm(&self, arms: &[(&str, Ty)], tag: &str, json: &Json) -> Option<Val> {
        let arm = arms.iter().find(|arm| arm.0 == tag)?;
        let value = self.read_any(&arm.1, json)?;
        Some(Val::Variant(tag.to_owned(), Box::new(value)))
    }

    /// An object; or pairs; or, where it is tagged, objects with `key` and `value`.
    fn read_map(&self, key: &Ty, value: &Ty, json: &Json) -> Option<Val> {
        let mut entries = Vec::new();
        if let Some(members) = json.as_object() {
            for (name, json) in members {
                entries.push((Val::text(name), self.read_any(value, json)?));
            }
            return Some(Val::map(entries));
        }
        for item in json.as_array()? {
            let (key_json, value_json) = match item.as_array().map(Vec::as_slice) {
                Some([key, value]) => (key, value),
                _ => (item.get("key")?, item.get("value")?),
            };
            entries.push((
                self.read_any(key, key_json)?,
                self.read_any(value, value_json)?,
            ));
        }
        Some(Val::map(entries))
    }
}

/// What is inside one of the words, if that is the only member.
fn tagged<'j>(json: &'j Json, words: &[&str]) -> Option<&'j Json> {
    let mut members = json.as_object()?.iter();
    let (word, inner) = members.next()?;
    (members.next().is_none() && words.contains(&word.as_str())).then_some(inner)
}
