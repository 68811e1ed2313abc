//! Reading expressions from JSON. Recursion is bounded by the depth of the JSON.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Expr, ExprOrValue, Operator, Reference, Root};
use crate::cbor::order;
use crate::json::{Json, Later, Node};
use crate::problems::problem::{Place, Problem};
use crate::problems::value_error::ValueError;
use crate::text::quote::quote;
use crate::text::suggest::suggest;
use crate::types::schemas::{SchemaId, Schemas};
use crate::value::Value;
use crate::value::forms;

/// The names an expression may use.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    pub vars: &'a BTreeSet<String>,
    /// The steps that give a value.
    pub steps: &'a BTreeSet<String>,
    /// Whether `@event` means anything here.
    pub event: bool,
    /// Whether to look for what was meant by a name that is not known.
    pub hints: bool,
}

const CONSTANTS: [&str; 11] = [
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
const BUILDERS: [&str; 5] = ["record", "list", "set", "map", "variant"];

/// An expression or, if it does not read as one, a value of the schema.
pub fn expr_or_value(
    later: Later,
    schema: Option<SchemaId>,
    schemas: &Schemas,
    names: Names,
) -> Result<ExprOrValue, Problem> {
    let as_expr = match expr(later, names) {
        Ok(expr) => return Ok(ExprOrValue::Expr(expr)),
        Err(problem) => problem,
    };
    let Some(schema) = schema else {
        return Err(as_expr.hint("a plain value needs a variable of `locals`, which has a schema"));
    };
    match schemas.value_from_json(schema, &later.node.to_plain()) {
        Ok(value) => Ok(ExprOrValue::Value(value)),
        Err(_) if looks_like_expr(later.node) => Err(as_expr),
        Err(error) => {
            let place = later.node.follow(&error.path).start;
            let message = format!(
                "neither an expression nor a value of {}: found {}",
                quote(schemas.name(schema)),
                error.found
            );
            Err(Problem::new(
                Place {
                    offset: place,
                    ..later.place()
                },
                message,
            )
            .expected(error.expected)
            .hint("a record with expressions in it is written {\"record\":{…}}"))
        }
    }
}

fn looks_like_expr(node: &Node) -> bool {
    let word = |key: &str| CONSTANTS.contains(&key) || BUILDERS.contains(&key) || key == "ref";
    match node.members() {
        [member] => word(&member.key),
        members => members.iter().any(|member| member.key == "op"),
    }
}

pub fn expr(later: Later, names: Names) -> Result<Expr, Problem> {
    let Later { node, file } = later;
    let Json::Object(members) = &node.json else {
        return Err(wrong(later, "an expression is an object").hint("for example {\"text\":\"a\"}"));
    };
    if node.member("op").is_some() {
        return operation(later, names);
    }
    let [member] = members.as_slice() else {
        return Err(wrong(later, "an expression is an object with one field"));
    };
    let inner = Later {
        node: &member.node,
        file,
    };
    match member.key.as_str() {
        "ref" => reference(inner, names).map(Expr::Reference),
        "record" => {
            let Json::Object(members) = &inner.node.json else {
                return Err(wrong(inner, "`record` takes an object"));
            };
            let mut fields = Vec::with_capacity(members.len());
            for member in members {
                let value = expr(
                    Later {
                        node: &member.node,
                        file,
                    },
                    names,
                )?;
                fields.push((member.key.clone(), value));
            }
            fields.sort_by(|left, right| order::text_key_order(&left.0, &right.0));
            Ok(Expr::Record(fields))
        }
        "list" => items(inner, names).map(Expr::List),
        "set" => items(inner, names).map(Expr::Set),
        "map" => {
            let Json::Array(nodes) = &inner.node.json else {
                return Err(wrong(inner, "`map` takes an array of keys and values"));
            };
            let entry = |node| entry(Later { node, file }, names);
            nodes
                .iter()
                .map(entry)
                .collect::<Result<_, _>>()
                .map(Expr::Map)
        }
        "variant" => variant(inner, names),
        word if CONSTANTS.contains(&word) => constant(word, inner).map(Expr::Constant),
        word => {
            let words = CONSTANTS
                .iter()
                .chain(&BUILDERS)
                .copied()
                .chain(["ref", "op"]);
            let place = Place {
                file,
                offset: member.start,
            };
            Err(
                Problem::new(place, format!("{} is not an expression", quote(word)))
                    .expected("`ref`, `op` with `args`, a constant such as `text`, or a builder")
                    .maybe_hint(suggest(word, words)),
            )
        }
    }
}

fn operation(later: Later, names: Names) -> Result<Expr, Problem> {
    let Later { node, file } = later;
    if let Some(other) = node
        .members()
        .iter()
        .find(|it| it.key != "op" && it.key != "args")
    {
        let place = Place {
            file,
            offset: other.start,
        };
        let message = format!("an operation has no field {}", quote(&other.key));
        return Err(Problem::new(place, message).expected("`op` and `args`"));
    }
    let (Some(op), Some(args)) = (node.member("op"), node.member("args")) else {
        return Err(wrong(later, "an operation has `op` and `args`"));
    };
    let word = op.as_text().unwrap_or_default();
    let Some(operator) = Operator::ALL
        .iter()
        .find(|operator| operator.name() == word)
    else {
        let known = Operator::ALL.iter().map(|operator| operator.name());
        let place = Place {
            file,
            offset: op.start,
        };
        return Err(
            Problem::new(place, format!("unknown operator: {}", op.describe()))
                .expected(format!(
                    "one of {}",
                    known.clone().collect::<Vec<_>>().join(" ")
                ))
                .maybe_hint(suggest(word, known)),
        );
    };
    let args_later = Later { node: args, file };
    let args = items(args_later, names)?;
    let (min, max) = operator.arity();
    if !(min..=max).contains(&args.len()) {
        let message = format!("`{word}` with {} arguments", args.len());
        let expected = if min == max {
            format!("{min}")
        } else {
            format!("{min} to {max}")
        };
        return Err(Problem::new(args_later.place(), message).expected(expected));
    }
    Ok(Expr::Operation {
        operator: *operator,
        args,
    })
}

fn items(later: Later, names: Names) -> Result<Vec<Expr>, Problem> {
    let Json::Array(nodes) = &later.node.json else {
        return Err(wrong(later, "an array of expressions belongs here"));
    };
    nodes
        .iter()
        .map(|node| {
            expr(
                Later {
                    node,
                    file: later.file,
                },
                names,
            )
        })
        .collect()
}

fn entry(later: Later, names: Names) -> Result<(Expr, Expr), Problem> {
    let Later { node, file } = later;
    match (
        node.members().len(),
        node.member("key"),
        node.member("value"),
    ) {
        (2, Some(key), Some(value)) => {
            let key = expr(Later { node: key, file }, names)?;
            Ok((key, expr(Later { node: value, file }, names)?))
        }
        _ => Err(wrong(later, "an entry of a map has `key` and `value`")),
    }
}

fn variant(later: Later, names: Names) -> Result<Expr, Problem> {
    let Later { node, file } = later;
    let value = node.member("value");
    let count = 1 + usize::from(value.is_some());
    match node.member("tag").and_then(Node::as_text) {
        Some(tag) if node.members().len() == count => {
            let value = value
                .map(|node| expr(Later { node, file }, names))
                .transpose()?;
            Ok(Expr::Variant {
                tag: tag.to_owned(),
                value: value.map(Box::new),
            })
        }
        _ => Err(wrong(later, "a variant has `tag` and perhaps `value`")),
    }
}

fn constant(word: &str, later: Later) -> Result<Value, Problem> {
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

fn reference(later: Later, names: Names) -> Result<Reference, Problem> {
    let text = later.node.as_text().unwrap_or_default();
    let forms = "`@plan.input`, `@var:name`, `@step:id` or `@event`, perhaps with `.field`";
    let found = if let Some(rest) = text.strip_prefix("@plan.input") {
        path(rest).map(|path| Reference {
            root: Root::Input,
            path,
        })
    } else if let Some(rest) = text.strip_prefix("@event") {
        if !names.event {
            let message = "`@event` means something in the `where` of `await_event` only";
            return Err(Problem::new(later.place(), message));
        }
        path(rest).map(|path| Reference {
            root: Root::Event,
            path,
        })
    } else if let Some(rest) = text.strip_prefix("@var:") {
        let (name, path) = declared(rest, names.vars, "variable", later, names.hints)?;
        path.map(|path| Reference {
            root: Root::Var(name),
            path,
        })
    } else if let Some(rest) = text.strip_prefix("@step:") {
        let (id, path) = declared(rest, names.steps, "step with a value", later, names.hints)?;
        path.map(|path| Reference {
            root: Root::Step(id),
            path,
        })
    } else {
        None
    };
    found.ok_or_else(|| {
        Problem::new(
            later.place(),
            format!("not a reference: {}", later.node.describe()),
        )
        .expected(forms)
    })
}

/// The longest declared name that the text begins with, since names may have dots too.
fn declared(
    text: &str,
    known: &BTreeSet<String>,
    what: &str,
    later: Later,
    hints: bool,
) -> Result<(String, Option<Vec<String>>), Problem> {
    let dots = text
        .char_indices()
        .filter(|(_, letter)| *letter == '.')
        .map(|(at, _)| at);
    let ends: Vec<usize> = dots.chain([text.len()]).collect();
    let end = ends
        .into_iter()
        .rev()
        .find(|end| known.contains(&text[..*end]));
    match end {
        Some(end) => Ok((text[..end].to_owned(), path(&text[end..]))),
        None => {
            let name = text.split('.').next().unwrap_or_default();
            let hint = hints
                .then(|| suggest(name, known.iter().map(String::as_str)))
                .flatten();
            let message = format!("unknown {what}: {}", quote(name));
            Err(Problem::new(later.place(), message).maybe_hint(hint))
        }
    }
}

/// `.a.b` or nothing.
fn path(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let steps: Vec<String> = text
        .strip_prefix('.')?
        .split('.')
        .map(str::to_owned)
        .collect();
    steps.iter().all(|step| !step.is_empty()).then_some(steps)
}

fn wrong(later: Later, message: &str) -> Problem {
    Problem::new(
        later.place(),
        format!("{message}, not {}", later.node.describe()),
    )
}
