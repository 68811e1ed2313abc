//! The reference evaluator: expressions as they stand in JSON, evaluated without a tree of their
//! own, in the order in which the format's text names the rules.
//!
//! Where that text is silent, the documented choices of `sim::air` hold here too:
//! - `and` and `or` stop at the argument that decides; other operators evaluate all, left to right.
//! - The fields of a record are evaluated in canonical order of their names.
//! - Numbers compare and mix by value; two `nat` give a `nat`, else the result is an `int`; a
//!   division cuts towards zero.
//! - Only null equals null; values of unlike kinds cannot be compared.
//! - `len` counts characters; `has` is false of null, and of a field that is null; `get` of what
//!   is not there is an error of its own; of two equal items a set keeps the last.
//! - A reference takes the longest declared name; a step into what has no fields is a mismatch.

mod alone;
mod operators;

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sim::air::Hash;

use super::forms::{DeclaredNames, OPERATORS, constant, parts};
use super::value::{Val, described};
use super::{Notes, Planted};
use operators::{affix, concat, contains, equal, get, has, len, order};

pub use alone::{alone, fails_alone};

/// Why an expression has no value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    Missing,
    Type,
    Overflow,
    ByZero,
    NotThere,
    SameKey,
    Limit,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Class::Missing => "missing",
            Class::Type => "type",
            Class::Overflow => "overflow",
            Class::ByZero => "by zero",
            Class::NotThere => "not there",
            Class::SameKey => "same key",
            Class::Limit => "limit",
        }
    }
}

#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub names: &'a DeclaredNames,
    pub input: &'a Val,
    pub vars: &'a BTreeMap<String, Val>,
    pub steps: &'a BTreeMap<String, Val>,
    pub event: Option<&'a Val>,
}

/// An evaluation under way: the scope, a fault that a test has planted, what was seen.
pub struct Evaluator<'a> {
    pub scope: Scope<'a>,
    pub planted: Planted,
    pub notes: &'a mut Notes,
}

impl Evaluator<'_> {
    /// The value of JSON that [reads as an expression](super::forms::is_expression).
    pub fn evaluate(&mut self, json: &Json) -> Result<Val, Class> {
        let value = self.any(json);
        if let Err(class) = &value {
            self.notes.note(class.name());
        }
        value
    }

    fn any(&mut self, json: &Json) -> Result<Val, Class> {
        if let (Some(op), Some(args)) = (json["op"].as_str(), json["args"].as_array()) {
            return self.operation(op, args);
        }
        let Some((word, inner)) = json.as_object().and_then(|members| members.iter().next()) else {
            return Err(Class::Type);
        };
        let items = inner.as_array().map_or(&[][..], Vec::as_slice);
        Ok(match word.as_str() {
            "ref" => return self.look_up(inner.as_str().unwrap_or_default()),
            "record" => {
                let fields = inner.as_object().into_iter().flatten();
                let mut fields: Vec<_> = fields.collect();
                fields.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
                let mut entries = Vec::new();
                for (name, json) in fields {
                    entries.push((Val::text(name), self.any(json)?));
                }
                Val::Map(entries)
            }
            "list" => Val::List(self.all(items)?),
            "set" => self.set(items)?,
            "map" => {
                let mut entries: Vec<(Val, Val)> = Vec::new();
                let mut twice = false;
                for entry in items {
                    let key = self.any(&entry["key"])?;
                    let value = self.any(&entry["value"])?;
                    // An entry's own errors come before the error of having it twice.
                    twice |= entries.iter().any(|(known, _)| known.cbor() == key.cbor());
                    if twice {
                        return Err(Class::SameKey);
                    }
                    entries.push((key, value));
                }
                Val::map(entries)
            }
            "variant" => {
                let tag = inner["tag"].as_str().unwrap_or_default().to_owned();
                let value = inner
                    .get("value")
                    .map(|value| self.any(value))
                    .transpose()?;
                Val::Variant(tag, Box::new(value.unwrap_or(Val::Null)))
            }
            word => constant(word, inner).ok_or(Class::Type)?,
        })
    }

    fn all(&mut self, items: &[Json]) -> Result<Vec<Val>, Class> {
        items.iter().map(|item| self.any(item)).collect()
    }

    fn set(&mut self, items: &[Json]) -> Result<Val, Class> {
        let mut kept: Vec<Val> = Vec::new();
        for item in self.all(items)? {
            if self.planted != Planted::SetKeepsTwins {
                kept.retain(|known| known.cbor() != item.cbor());
            }
            kept.push(item);
        }
        kept.sort_by_key(Val::cbor);
        Ok(Val::List(kept))
    }

    fn look_up(&mut self, text: &str) -> Result<Val, Class> {
        let (root, name, path) = parts(text, self.scope.names).ok_or(Class::Missing)?;
        let mut value = match root {
            "input" => Some(self.scope.input),
            "event" => self.scope.event,
            "var" => self.scope.vars.get(name),
            _ => self.scope.steps.get(name),
        }
        .cloned()
        .ok_or(Class::Missing)?;
        for step in path {
            value = match (value, step) {
                (Val::Variant(_, value), "$value") => *value,
                (Val::Variant(tag, _), "$tag") => Val::Text(tag),
                (map @ Val::Map(_), step) => map.field(step).cloned().ok_or(Class::Missing)?,
                _ => return Err(Class::Type),
            };
        }
        Ok(value)
    }

    fn operation(&mut self, op: &str, args: &[Json]) -> Result<Val, Class> {
        if let Some((name, _, _)) = OPERATORS.iter().find(|(name, _, _)| *name == op) {
            self.notes.note(name);
        }
        if matches!(op, "and" | "or") {
            return self.connective(op == "or", args);
        }
        let args = self.all(args)?;
        let (first, second) = (&args[0], args.get(1).unwrap_or(&Val::Null));
        Ok(match op {
            "len" => Val::nat(len(first)?),
            "get" => get(first, second)?,
            "has" => Val::Bool(has(first, second)?),
            "eq" => Val::Bool(equal(first, second)?),
            "ne" => Val::Bool(!equal(first, second)?),
            "lt" => Val::Bool(order(first, second)?.is_lt()),
            "le" => Val::Bool(order(first, second)?.is_le()),
            "gt" => Val::Bool(order(first, second)?.is_gt()),
            "ge" => Val::Bool(order(first, second)?.is_ge()),
            "not" => match first {
                Val::Bool(flag) => Val::Bool(!flag),
                _ => return Err(Class::Type),
            },
            "concat" => concat(&args)?,
            "hash" => Val::text(Hash::of(&described(&first.cbor())).to_string()),
            "hash_bytes" => match first {
                Val::Bytes(bytes) => Val::text(Hash::of(bytes).to_string()),
                _ => return Err(Class::Type),
            },
            "starts_with" | "ends_with" => Val::Bool(affix(op, first, second)?),
            "contains" => Val::Bool(contains(first, second)?),
            _ => self.arithmetic(op, first, second)?,
        })
    }

    fn connective(&mut self, decisive: bool, args: &[Json]) -> Result<Val, Class> {
        let mut decided = false;
        for arg in args {
            match self.any(arg)? {
                Val::Bool(flag) if flag == decisive => decided = true,
                Val::Bool(_) => {}
                _ => return Err(Class::Type),
            }
            if decided && self.planted != Planted::NoShortCircuit {
                break;
            }
        }
        Ok(Val::Bool(decided == decisive))
    }
}
