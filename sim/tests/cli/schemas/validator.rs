//! Whether a value fits a JSON Schema: of the draft 2020-12 what the schemas here use.
//!
//! A keyword or a pattern that it does not know panics, so that none is passed over. A pattern is
//! looked up among those that documents are read with.

use serde_json::{Map, Value};
use sim::air::{Hash, Pattern};

/// Keywords that say nothing of whether a value fits. A format tells of the size of a number.
const NOTES: [&str; 7] = [
    "$schema",
    "$defs",
    "title",
    "description",
    "default",
    "format",
    "$comment",
];

/// The patterns of names, and what the reader of documents knows them as.
const PATTERNS: [(&str, Pattern); 4] = [
    (
        "^[a-z][a-z0-9_.-]*/[A-Za-z][A-Za-z0-9_.-]*@[1-9][0-9]*$",
        Pattern::Name,
    ),
    ("^[a-z][a-z0-9_.-]*$", Pattern::Kind),
    ("^[A-Za-z_][A-Za-z0-9_.-]{0,63}$", Pattern::Identifier),
    ("^[A-Za-z_][A-Za-z0-9_-]{0,63}$", Pattern::Field),
];
/// That of hashes, which may also be empty, or the beginning of one.
const HASH: &str = "^(sha256:([0-9a-f]{64})?)?$";

/// A schema, whose references are to its own definitions.
pub struct Validator(pub Value);

impl Validator {
    pub fn fits(&self, value: &Value) -> bool {
        self.is(&self.0, value)
    }

    fn is(&self, schema: &Value, value: &Value) -> bool {
        match schema {
            Value::Bool(is) => *is,
            Value::Object(keywords) => {
                let mut keywords_of = keywords.iter();
                keywords_of.all(|(word, says)| self.says(keywords, word, says, value))
            }
            other => panic!("no schema: {other}"),
        }
    }

    /// What one keyword says. Most say nothing of values of another type.
    fn says(&self, all: &Map<String, Value>, word: &str, says: &Value, value: &Value) -> bool {
        let is = |schema: &Value, value: &Value| self.is(schema, value);
        let object = value.as_object();
        let items = value.as_array();
        let fitting = || list(says).iter().filter(|schema| is(schema, value)).count();
        match word {
            _ if NOTES.contains(&word) => true,
            "$ref" => {
                let pointer = text(says).strip_prefix('#').expect("it is of this schema");
                is(self.0.pointer(pointer).expect("it is defined"), value)
            }
            "type" => match says {
                Value::Array(types) => types.iter().any(|name| is_of(text(name), value)),
                name => is_of(text(name), value),
            },
            "const" => value == says,
            "enum" => list(says).contains(value),
            "oneOf" => fitting() == 1,
            "anyOf" => fitting() > 0,
            "required" => object
                .is_none_or(|object| list(says).iter().all(|key| object.contains_key(text(key)))),
            "dependentRequired" => object.is_none_or(|object| {
                let mut needs = map(says)
                    .iter()
                    .filter(|(key, _)| object.contains_key(*key));
                needs.all(|(_, keys)| list(keys).iter().all(|key| object.contains_key(text(key))))
            }),
            "properties" => object.is_none_or(|object| {
                let known = map(says).iter();
                let mut given = known.filter_map(|(key, of)| Some((of, object.get(key)?)));
                given.all(|(of, value)| is(of, value))
            }),
            "patternProperties" => object.is_none_or(|object| {
                let pairs = object
                    .iter()
                    .flat_map(|pair| map(says).iter().map(move |of| (pair, of)));
                let mut pairs = pairs.filter(|((key, _), (of, _))| matches(of, key));
                pairs.all(|((_, value), (_, of))| is(of, value))
            }),
            "additionalProperties" => object.is_none_or(|object| {
                let known = all.get("properties").and_then(Value::as_object);
                let patterns = all.get("patternProperties").and_then(Value::as_object);
                let is_known = |key: &str| {
                    let mut patterns = patterns.into_iter().flat_map(Map::keys);
                    known.is_some_and(|known| known.contains_key(key))
                        || patterns.any(|of| matches(of, key))
                };
                let mut others = object.iter().filter(|(key, _)| !is_known(key));
                others.all(|(_, value)| is(says, value))
            }),
            "minProperties" => object.is_none_or(|it| it.len() as u64 >= count(says)),
            "items" => items.is_none_or(|items| items.iter().all(|item| is(says, item))),
            "prefixItems" => items
                .is_none_or(|items| items.iter().zip(list(says)).all(|(item, of)| is(of, item))),
            "minItems" => items.is_none_or(|items| items.len() as u64 >= count(says)),
            "maxItems" => items.is_none_or(|items| items.len() as u64 <= count(says)),
            "uniqueItems" => items.is_none_or(|items| {
                let mut places = items.iter().enumerate();
                places.all(|(place, item)| !items[..place].contains(item))
            }),
            "minimum" => value
                .as_i64()
                .is_none_or(|number| number as u64 >= count(says)),
            "maximum" => value.as_u64().is_none_or(|number| number <= count(says)),
            "minLength" => value
                .as_str()
                .is_none_or(|it| it.chars().count() as u64 >= count(says)),
            "pattern" => value.as_str().is_none_or(|it| matches(text(says), it)),
            other => panic!("a keyword that is not known here: {other}"),
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("a type that is not known here: {other}"),
    }
}

fn matches(pattern: &str, value: &str) -> bool {
    if pattern == HASH {
        return matches!(value, "" | "sha256:") || value.parse::<Hash>().is_ok();
    }
    let known = PATTERNS.iter().find(|(regex, _)| *regex == pattern);
    known
        .expect("the pattern is one of documents")
        .1
        .matches(value)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is a text")
}

fn count(value: &Value) -> u64 {
    value.as_u64().expect("it is a count")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("it is a list")
}

fn map(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("it is a map")
}
