//! `defschema`, and types as they are written.

use super::fields::{self, Fields};
use crate::json::{Json, Later};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::patterns::Pattern;
use crate::text::quote::quote;
use crate::types::Type;

pub const FIELDS: &[&str] = &["name", "type"];
/// The most fields of a record, or arms of a variant.
const MAX_MEMBERS: usize = 1024;

pub struct Schema {
    pub ty: RawType,
}

/// A type whose refs are names. `place` is where the type itself is written.
pub struct RawType {
    pub place: SourcePlace,
    pub form: RawForm,
}

pub enum RawForm {
    Plain(Type),
    Record(Vec<(String, RawType)>),
    Variant(Vec<(String, RawType)>),
    List(Box<RawType>),
    Set(Box<RawType>),
    Map(Box<(RawType, RawType)>),
    Option(Box<RawType>),
    Ref(At<String>),
}

const WORDS: [&str; 18] = [
    "bool", "int", "nat", "dec128", "bytes", "text", "time", "duration", "hash", "uuid", "unit",
    "record", "variant", "list", "set", "map", "option", "ref",
];

impl Schema {
    pub fn read(fields: &Fields, problems: &mut Problems) -> Option<Schema> {
        let ty = RawType::read(fields.required("type", problems)?, problems)?;
        Some(Schema { ty })
    }
}

impl RawType {
    /// Recursion is bounded by the depth of the JSON.
    pub fn read(later: Later, problems: &mut Problems) -> Option<RawType> {
        let place = later.place();
        let [member] = later.node.members() else {
            let message = format!(
                "a type is an object with one field, not {}",
                later.node.describe()
            );
            problems.push(Problem::new(place, message).hint("for example {\"text\":{}}"));
            return None;
        };
        let inner = Later {
            node: &member.node,
            file: later.file,
        };
        let form = match member.key.as_str() {
            "record" => RawForm::Record(members(inner, Pattern::Field, problems)?),
            "variant" => {
                let arms = members(inner, Pattern::Identifier, problems)?;
                if arms.is_empty() {
                    problems.push(Problem::new(place, "a variant without arms has no values"));
                    return None;
                }
                RawForm::Variant(arms)
            }
            "list" => RawForm::List(Box::new(RawType::read(inner, problems)?)),
            "set" => RawForm::Set(Box::new(RawType::read(inner, problems)?)),
            "option" => RawForm::Option(Box::new(RawType::read(inner, problems)?)),
            "map" => {
                let fields = Fields::of(inner, "map", &["key", "value"], problems)?;
                let key = fields.required("key", problems);
                let value = fields.required("value", problems);
                let key = RawType::read(key?, problems);
                let value = RawType::read(value?, problems);
                RawForm::Map(Box::new((key?, value?)))
            }
            "ref" => RawForm::Ref(fields::text(inner, Pattern::Name, problems)?),
            word => RawForm::Plain(plain(word, inner, member.start, problems)?),
        };
        Some(RawType { place, form })
    }
}

fn plain(word: &str, inner: Later, start: usize, problems: &mut Problems) -> Option<Type> {
    let ty = match word {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "nat" => Type::Nat,
        "dec128" => Type::Dec128,
        "bytes" => Type::Bytes,
        "text" => Type::Text,
        "time" => Type::Time,
        "duration" => Type::Duration,
        "hash" => Type::Hash,
        "uuid" => Type::Uuid,
        "unit" => Type::Unit,
        _ => {
            let place = SourcePlace {
                file: inner.file,
                offset: start,
            };
            let problem = Problem::new(place, format!("unknown type {}", quote(word)))
                .expected(format!("one of {}", WORDS.join(", ")))
                .maybe_hint(problems.suggest(word, WORDS));
            problems.push(problem);
            return None;
        }
    };
    if !matches!(&inner.node.json, Json::Object(members) if members.is_empty()) {
        let message = format!(
            "`{word}` takes an empty object, not {}",
            inner.node.describe()
        );
        problems.push(Problem::new(inner.place(), message));
    }
    Some(ty)
}

fn members(
    later: Later,
    pattern: Pattern,
    problems: &mut Problems,
) -> Option<Vec<(String, RawType)>> {
    let named = fields::named(later, pattern, problems);
    if named.len() > MAX_MEMBERS {
        let message = format!("more than {MAX_MEMBERS} fields or arms");
        problems.push(Problem::new(later.place(), message));
        return None;
    }
    let count = named.len();
    let read = named
        .into_iter()
        .filter_map(|(name, later)| RawType::read(later, problems).map(|ty| (name.it, ty)));
    let members: Vec<_> = read.collect();
    (members.len() == count).then_some(members)
}
