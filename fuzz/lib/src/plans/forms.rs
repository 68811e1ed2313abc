//! Which JSON reads as an expression, by the forms that the format has. Evaluates only constants.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::fit::{is_decimal, is_hash, is_uuid};
use super::value::{Kind, Val};

/// The names that a plan declares.
#[derive(Default, Debug)]
pub struct DeclaredNames {
    pub vars: BTreeSet<String>,
    pub steps: BTreeSet<String>,
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
pub fn parts<'t>(
    text: &'t str,
    names: &DeclaredNames,
) -> Option<(&'static str, &'t str, Vec<&'t str>)> {
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
pub fn is_expression(json: &Json, names: &DeclaredNames, event: bool) -> bool {
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

pub fn constant(word: &str, json: &Json) -> Option<Val> {
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
