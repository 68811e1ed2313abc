//! Reading expressions from JSON. Recursion is bounded by the depth of the JSON.

use super::constants::{CONSTANTS, constant};
use super::references::{NamesInScope, reference};
use super::{Expr, ExprOrValue, Operator};
use crate::cbor::order;
use crate::json::{Json, Later, Node};
use crate::problems::problem::{Problem, SourcePlace};
use crate::text::quote::quote;
use crate::text::suggest::suggest;
use crate::types::schemas::{SchemaId, Schemas};

const BUILDERS: [&str; 5] = ["record", "list", "set", "map", "variant"];

/// An expression or, if it does not read as one, a value of the schema.
pub fn expr_or_value(
    later: Later,
    schema: Option<SchemaId>,
    schemas: &Schemas,
    names: NamesInScope,
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
                SourcePlace {
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

pub fn expr(later: Later, names: NamesInScope) -> Result<Expr, Problem> {
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
            let place = SourcePlace {
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

fn operation(later: Later, names: NamesInScope) -> Result<Expr, Problem> {
    let Later { node, file } = later;
    if let Some(other) = node
        .members()
        .iter()
        .find(|it| it.key != "op" && it.key != "args")
    {
        let place = SourcePlace {
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
        let place = SourcePlace {
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

fn items(later: Later, names: NamesInScope) -> Result<Vec<Expr>, Problem> {
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

fn entry(later: Later, names: NamesInScope) -> Result<(Expr, Expr), Problem> {
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

fn variant(later: Later, names: NamesInScope) -> Result<Expr, Problem> {
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

fn wrong(later: Later, message: &str) -> Problem {
    Problem::new(
        later.place(),
        format!("{message}, not {}", later.node.describe()),
    )
}
