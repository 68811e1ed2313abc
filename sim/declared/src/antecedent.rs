//! When a condition speaks of what happens at all.
//!
//! `never = "event.tag == 'pay' && state.paid"` holds wherever nothing is paid, and in a campaign
//! in which nobody pays it has said nothing. One part of it tells which kind of event or effect it
//! is about, and nothing else. That part counts as its `when`, or beside it: the property is judged
//! where it is so. The parts of `never` are joined by `&&`; those of `always` by `||`, by
//! `? : true`, or negated, as implications are written. (Beer, Ben-David, Eisner, Rodeh: Efficient
//! Detection of Vacuity in Temporal Model Checking, 2001.)

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use crate::looks::{self, paths_of};

/// What tells one kind of moment from another.
const KINDS: [&str; 6] = [
    "event.tag",
    "sent.schema",
    "sent.value.tag",
    "effect.kind",
    "receipt.kind",
    "receipt.status",
];

/// The part that says what a condition which must never be true is about.
pub(crate) fn of_never(condition: &Expression) -> Option<Expression> {
    let mut parts = Vec::new();
    conjuncts(condition, &mut parts);
    kinds(parts)
}

/// The part that says what a condition which must always be true is about.
pub(crate) fn of_always(condition: &Expression) -> Option<Expression> {
    let mut parts = Vec::new();
    negated(condition, &mut parts);
    kinds(parts)
}

/// Those that tell the kind, joined; None if there are none, or no others.
fn kinds(parts: Vec<Expression>) -> Option<Expression> {
    let count = parts.len();
    let of_kind: Vec<Expression> = parts.into_iter().filter(is_of_kind).collect();
    if of_kind.len() == count {
        return None;
    }
    joined(of_kind)
}

/// All of them, by `&&`; None if there are none.
pub(crate) fn joined(parts: impl IntoIterator<Item = Expression>) -> Option<Expression> {
    let both = |one, other| call(operators::LOGICAL_AND, vec![one, other]);
    parts.into_iter().reduce(both)
}

fn is_of_kind(part: &Expression) -> bool {
    let paths = paths_of(part);
    !paths.is_empty() && paths.iter().all(|path| KINDS.contains(&path.as_str()))
}

/// What must all be true for it to be true.
pub(crate) fn conjuncts(expression: &Expression, found: &mut Vec<Expression>) {
    match &expression.expr {
        Expr::Call(it) if it.func_name == operators::LOGICAL_AND => {
            it.args.iter().for_each(|arg| conjuncts(arg, found));
        }
        Expr::Call(it) if it.func_name == operators::LOGICAL_NOT => {
            it.args.iter().for_each(|arg| negated(arg, found));
        }
        _ => found.push(expression.clone()),
    }
}

/// The texts that a conjunct compares what stands at a path with: `path == 'text'`, or `path in
/// ['one', 'other']`.
pub(crate) fn texts(expression: &Expression, path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    conjuncts(expression, &mut parts);
    let of_part = |part: &Expression| {
        let Expr::Call(it) = &part.expr else {
            return Vec::new();
        };
        let is_at_path = |arg: &Expression| looks::path(arg).is_some_and(|known| known == path);
        match it.func_name.as_str() {
            operators::EQUALS if it.args.iter().any(is_at_path) => {
                it.args.iter().filter_map(text).collect()
            }
            operators::IN if it.args.first().is_some_and(is_at_path) => match &it.args[1].expr {
                Expr::List(list) => list.elements.iter().filter_map(text).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    };
    let found = parts.iter().map(of_part);
    found
        .into_iter()
        .find(|texts| !texts.is_empty())
        .unwrap_or_default()
}

fn text(expression: &Expression) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_string()),
        _ => None,
    }
}

/// What must all be true for it to be false.
fn negated(expression: &Expression, found: &mut Vec<Expression>) {
    match &expression.expr {
        Expr::Call(it) if it.func_name == operators::LOGICAL_OR => {
            it.args.iter().for_each(|arg| negated(arg, found));
        }
        Expr::Call(it) if it.func_name == operators::LOGICAL_NOT => {
            it.args.iter().for_each(|arg| conjuncts(arg, found));
        }
        Expr::Call(it) if it.func_name == operators::CONDITIONAL && is_true(&it.args[2]) => {
            conjuncts(&it.args[0], found);
            negated(&it.args[1], found);
        }
        Expr::Call(it) if it.func_name == operators::CONDITIONAL && is_true(&it.args[1]) => {
            negated(&it.args[0], found);
            negated(&it.args[2], found);
        }
        _ => found.push(call(operators::LOGICAL_NOT, vec![expression.clone()])),
    }
}

fn is_true(expression: &Expression) -> bool {
    matches!(&expression.expr, Expr::Literal(LiteralValue::Boolean(flag)) if *flag.inner())
}

fn call(function: &str, args: Vec<Expression>) -> Expression {
    Expression {
        id: 0,
        expr: Expr::Call(CallExpr {
            func_name: function.to_owned(),
            target: None,
            args,
        }),
    }
}
