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

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sim::air::Hash;

use super::value::{Kind, Val, described, is_decimal, is_hash, is_uuid};
use super::{Notes, Planted};

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

/// The names that a plan declares.
#[derive(Default, Debug)]
pub struct Names {
    pub vars: BTreeSet<String>,
    pub steps: BTreeSet<String>,
}

#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub names: &'a Names,
    pub input: &'a Val,
    pub vars: &'a BTreeMap<String, Val>,
    pub steps: &'a BTreeMap<String, Val>,
    pub event: Option<&'a Val>,
}

/// The operators, each with its least and greatest number of arguments. The format says which
/// there are; how many arguments the variadic ones take is `sim`'s choice.
pub const OPERATORS: [(&str, usize, usize); 23] = [
    ("len", 1, 1),
    ("get", 2, 2),
    ("has", 2, 2),
    ("eq", 2, 2),
    ("ne", 2, 2),
    ("lt", 2, 2),
    ("le", 2, 2),
    ("gt", 2, 2),
    ("ge", 2, 2),
    ("and", 1, 64),
    ("or", 1, 64),
    ("not", 1, 1),
    ("concat", 1, 64),
    ("hash", 1, 1),
    ("hash_bytes", 1, 1),
    ("add", 2, 2),
    ("sub", 2, 2),
    ("mul", 2, 2),
    ("div", 2, 2),
    ("mod", 2, 2),
    ("starts_with", 2, 2),
    ("ends_with", 2, 2),
    ("contains", 2, 2),
];

/// The parts of a reference: what it begins with, the name, the path.
fn parts<'t>(text: &'t str, names: &Names) -> Option<(&'static str, &'t str, Vec<&'t str>)> {
    let longest = |rest: &'t str, known: &BTreeSet<String>| {
        let fits = |name: &&String| {
            rest.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let name = known.iter().filter(fits).max_by_key(|name| name.len())?;
        Some(rest.split_at(name.len()))
    };
    let (root, (name, rest)) = if let Some(rest) = text.strip_prefix("@plan.input") {
        ("input", ("", rest))
    } else if let Some(rest) = text.strip_prefix("@event") {
        ("event", ("", rest))
    } else if let Some(rest) = text.strip_prefix("@var:") {
        ("var", longest(rest, &names.vars)?)
    } else {
        ("step", longest(text.strip_prefix("@step:")?, &names.steps)?)
    };
    if rest.is_empty() {
        return Some((root, name, Vec::new()));
    }
    let path: Vec<&str> = rest.strip_prefix('.')?.split('.').collect();
    path.iter()
        .all(|step| !step.is_empty())
        .then_some((root, name, path))
}

/// Whether JSON reads as an expression.
pub fn is_expression(json: &Json, names: &Names, event: bool) -> bool {
    let Some(members) = json.as_object() else {
        return false;
    };
    let again = |json: &Json| is_expression(json, names, event);
    let all = |json: &Json| json.as_array().is_some_and(|items| items.iter().all(again));
    if let (Some(op), Some(args), 2) = (json["op"].as_str(), members.get("args"), members.len()) {
        let count = args.as_array().map_or(0, Vec::len);
        let known = |(name, least, most): &(&str, usize, usize)| {
            *name == op && (*least..=*most).contains(&count)
        };
        return OPERATORS.iter().any(known) && all(args);
    }
    let (Some((word, inner)), 1) = (members.iter().next(), members.len()) else {
        return false;
    };
    match word.as_str() {
        "ref" => inner
            .as_str()
            .and_then(|text| parts(text, names))
            .is_some_and(|(root, _, _)| event || root != "event"),
        "record" => inner
            .as_object()
            .is_some_and(|fields| fields.values().all(again)),
        "list" | "set" => all(inner),
        "map" => inner.as_array().is_some_and(|entries| {
            entries.iter().all(|entry| {
                entry.as_object().is_some_and(|members| members.len() == 2)
                    && entry.get("key").is_some_and(again)
                    && entry.get("value").is_some_and(again)
            })
        }),
        "variant" => {
            let value = inner.get("value");
            let count = inner.as_object().map_or(0, serde_json::Map::len);
            inner["tag"].is_string()
                && count == 1 + usize::from(value.is_some())
                && value.is_none_or(again)
        }
        word => constant(word, inner).is_some(),
    }
}

fn constant(word: &str, json: &Json) -> Option<Val> {
    let number = match json {
        Json::String(text) => text.parse().ok(),
        json => json
            .as_u64()
            .map(i128::from)
            .or(json.as_i64().map(i128::from)),
    };
    let nat = || number.filter(|number| u64::try_from(*number).is_ok());
    let int = || number.filter(|number| i64::try_from(*number).is_ok());
    let text = || json.as_str().map(str::to_owned);
    Some(match word {
        "null" if json.as_object()?.is_empty() => Val::Null,
        "bool" => Val::Bool(json.as_bool()?),
        "nat" | "time_ns" => Val::Number(nat()?, Kind::Nat),
        "int" | "duration_ns" => Val::Number(int()?, Kind::Int),
        "text" => Val::Text(text()?),
        "bytes_b64" => Val::Bytes(STANDARD.decode(json.as_str()?).ok()?),
        "dec128" => Val::Text(text().filter(|text| is_decimal(text))?),
        "hash" => Val::Text(text().filter(|text| is_hash(text))?),
        "uuid" => Val::Text(text().filter(|text| is_uuid(text))?.to_lowercase()),
        _ => return None,
    })
}

/// What an expression comes to that refers to nothing that is there.
pub fn alone(expression: &Json) -> Result<Val, Class> {
    let (names, none) = (Names::default(), BTreeMap::new());
    let mut evaluator = Evaluator {
        scope: Scope {
            names: &names,
            input: &Val::Null,
            vars: &none,
            steps: &none,
            event: None,
        },
        planted: Planted::Nothing,
        notes: &mut Notes::default(),
    };
    evaluator.evaluate(expression)
}

/// Whether an expression fails whenever it is reached, whatever it refers to, as far as constants
/// alone tell.
pub fn fails_alone(expression: &Json) -> bool {
    if !refers(expression) {
        let is_one = is_expression(expression, &Names::default(), false);
        return is_one && alone(expression).is_err();
    }
    if let Some(entries) = expression["map"].as_array() {
        let keys = entries.iter().map(|entry| &entry["key"]);
        let keys: Vec<Val> = keys.filter_map(constant_value).collect();
        let is_again = |index: usize, key: &Val| {
            let before = keys[..index].iter();
            { before }.any(|it| it.cbor() == key.cbor())
        };
        let again = |(index, key): (usize, &Val)| is_again(index, key);
        return keys.iter().enumerate().any(again);
    }
    let divides = matches!(expression["op"].as_str(), Some("div" | "mod"));
    let by = &expression["args"][1];
    divides && matches!(constant_value(by), Some(Val::Number(0, _)))
}

/// What an expression comes to that refers to nothing at all.
fn constant_value(expression: &Json) -> Option<Val> {
    let is_constant = !refers(expression) && is_expression(expression, &Names::default(), false);
    is_constant.then(|| alone(expression).ok())?
}

fn refers(expression: &Json) -> bool {
    match expression {
        Json::Object(members) => members
            .iter()
            .any(|(word, inner)| word == "ref" || refers(inner)),
        Json::Array(items) => items.iter().any(refers),
        _ => false,
    }
}

/// An evaluation under way: the scope, a fault that a test has planted, what was seen.
pub struct Evaluator<'a> {
    pub scope: Scope<'a>,
    pub planted: Planted,
    pub notes: &'a mut Notes,
}

impl Evaluator<'_> {
    /// The value of JSON that [`is_expression`].
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

    fn arithmetic(&self, op: &str, left: &Val, right: &Val) -> Result<Val, Class> {
        let (Val::Number(a, left), Val::Number(b, right)) = (left, right) else {
            return Err(Class::Type);
        };
        if *b == 0 && matches!(op, "div" | "mod") {
            return Err(Class::ByZero);
        }
        let floors = self.planted == Planted::DivisionFloors;
        // A product of two numbers of 64 bits has at most 128, and a sign.
        let result = match op {
            "add" => Some(a + b),
            "sub" => Some(a - b),
            "mul" => a.checked_mul(*b),
            "div" if floors => Some(a.div_euclid(*b)),
            "div" => Some(a / b),
            _ => Some(a % b),
        };
        let result = result.ok_or(Class::Overflow)?;
        let both_nat = (*left, *right) == (Kind::Nat, Kind::Nat);
        let (kind, fits) = match both_nat && self.planted != Planted::AllInts {
            true => (Kind::Nat, u64::try_from(result).is_ok()),
            false => (Kind::Int, i64::try_from(result).is_ok()),
        };
        match fits {
            true => Ok(Val::Number(result, kind)),
            false => Err(Class::Overflow),
        }
    }
}

fn len(value: &Val) -> Result<u64, Class> {
    match value {
        Val::Text(text) => Ok(text.chars().count() as u64),
        Val::Bytes(bytes) => Ok(bytes.len() as u64),
        Val::List(items) => Ok(items.len() as u64),
        Val::Map(entries) => Ok(entries.len() as u64),
        _ => Err(Class::Type),
    }
}

fn get(value: &Val, key: &Val) -> Result<Val, Class> {
    let found = match (value, key) {
        (Val::List(items), Val::Number(index, _)) => usize::try_from(*index)
            .ok()
            .and_then(|index| items.get(index)),
        (Val::List(_), _) => None,
        (Val::Map(entries), key) => {
            let entry = entries.iter().find(|(known, _)| alike(known, key));
            entry.map(|(_, value)| value)
        }
        _ => return Err(Class::Type),
    };
    found.cloned().ok_or(Class::NotThere)
}

fn has(value: &Val, key: &Val) -> Result<bool, Class> {
    match (value, key) {
        (Val::Null, _) => Ok(false),
        (Val::List(items), Val::Number(index, _)) => {
            Ok(*index >= 0 && *index < items.len() as i128)
        }
        (Val::Map(entries), key) => {
            let mut found = entries.iter().filter(|(known, _)| alike(known, key));
            Ok(found.any(|(_, value)| *value != Val::Null))
        }
        _ => Err(Class::Type),
    }
}

fn equal(left: &Val, right: &Val) -> Result<bool, Class> {
    let comparable = *left == Val::Null
        || *right == Val::Null
        || std::mem::discriminant(left) == std::mem::discriminant(right);
    match comparable {
        true => Ok(alike(left, right)),
        false => Err(Class::Type),
    }
}

/// Equal by value, whatever kind the numbers inside are. A variant is no map.
fn alike(left: &Val, right: &Val) -> bool {
    match (left, right) {
        (Val::Number(left, _), Val::Number(right, _)) => left == right,
        (Val::List(left), Val::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| alike(l, r))
        }
        (Val::Map(left), Val::Map(right)) => {
            let same = |(l, r): (&(Val, Val), &(Val, Val))| alike(&l.0, &r.0) && alike(&l.1, &r.1);
            left.len() == right.len() && left.iter().zip(right).all(same)
        }
        (Val::Variant(left, l), Val::Variant(right, r)) => left == right && alike(l, r),
        _ => left == right,
    }
}

fn order(left: &Val, right: &Val) -> Result<Ordering, Class> {
    match (left, right) {
        (Val::Number(left, _), Val::Number(right, _)) => Ok(left.cmp(right)),
        (Val::Text(left), Val::Text(right)) => Ok(left.as_bytes().cmp(right.as_bytes())),
        (Val::Bytes(left), Val::Bytes(right)) => Ok(left.cmp(right)),
        _ => Err(Class::Type),
    }
}

fn concat(args: &[Val]) -> Result<Val, Class> {
    let mut whole = match &args[0] {
        first @ (Val::Text(_) | Val::Bytes(_) | Val::List(_)) => first.clone(),
        _ => return Err(Class::Type),
    };
    for arg in &args[1..] {
        match (&mut whole, arg) {
            (Val::Text(whole), Val::Text(part)) => whole.push_str(part),
            (Val::Bytes(whole), Val::Bytes(part)) => whole.extend(part),
            (Val::List(whole), Val::List(part)) => whole.extend(part.iter().cloned()),
            _ => return Err(Class::Type),
        }
    }
    Ok(whole)
}

fn affix(op: &str, whole: &Val, part: &Val) -> Result<bool, Class> {
    let (whole, part) = match (whole, part) {
        (Val::Text(whole), Val::Text(part)) => (whole.as_bytes(), part.as_bytes()),
        (Val::Bytes(whole), Val::Bytes(part)) => (whole.as_slice(), part.as_slice()),
        _ => return Err(Class::Type),
    };
    Ok(match op {
        "starts_with" => whole.starts_with(part),
        _ => whole.ends_with(part),
    })
}

fn contains(whole: &Val, part: &Val) -> Result<bool, Class> {
    match (whole, part) {
        (Val::Text(whole), Val::Text(part)) => Ok(whole.contains(part.as_str())),
        (Val::List(items), part) => Ok(items.iter().any(|item| alike(item, part))),
        (Val::Map(entries), part) => Ok(entries.iter().any(|(key, _)| alike(key, part))),
        _ => Err(Class::Type),
    }
}
