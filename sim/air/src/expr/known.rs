//! What is known of an expression before anything runs: a text, or how it begins; a condition
//! that is the same every time.

use std::collections::{BTreeMap, BTreeSet};

use super::{EvalError, Expr, ExprOrValue, Operator, Reference, Root, Scope};
use crate::value::Value;

/// What may be looked at to find one text: parts of expressions, and bytes of what they give.
/// Variables that are made of one another can be worth much more than they are long.
const MOST_WORK: usize = 1 << 16;
/// Expressions in expressions and variables in variables, together; a variable may be its own.
const MAX_DEPTH: usize = 128;

/// The variables that one step alone sets, by an `assign`, and what that assigns.
pub type Assigned<'e> = BTreeMap<&'e str, &'e ExprOrValue>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KnownText {
    Whole(String),
    /// All that is known is how it begins.
    Beginning(String),
}

/// A part of an expression or of a value.
#[derive(Clone, Copy)]
enum Part<'e> {
    Expr(&'e Expr),
    Value(&'e Value),
}

/// What is known of the text in a field of a record.
pub fn field_text(record: &ExprOrValue, name: &str, assigned: &Assigned<'_>) -> Option<KnownText> {
    let mut finder = Finder {
        assigned,
        work: MOST_WORK,
        depth: 0,
    };
    let field = finder.field(part(record), name)?;
    finder.text(field)
}

struct Finder<'f, 'e> {
    assigned: &'f Assigned<'e>,
    work: usize,
    depth: usize,
}

fn part(either: &ExprOrValue) -> Part<'_> {
    match either {
        ExprOrValue::Expr(expr) => Part::Expr(expr),
        ExprOrValue::Value(value) => Part::Value(value),
    }
}

impl<'e> Finder<'_, 'e> {
    /// Pays for so much work, if it can.
    fn pay(&mut self, work: usize) -> Option<()> {
        self.work = self.work.checked_sub(work)?;
        Some(())
    }

    /// Goes one level down, if it may.
    fn deeper<T>(&mut self, find: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.pay(1)?;
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let found = find(self);
        self.depth -= 1;
        found
    }

    fn field(&mut self, part: Part<'e>, name: &str) -> Option<Part<'e>> {
        match part {
            Part::Expr(Expr::Record(fields)) => {
                let found = fields.iter().find(|(field, _)| field == name);
                found.map(|(_, expr)| Part::Expr(expr))
            }
            Part::Expr(Expr::Reference(reference)) => self.deeper(|finder| {
                let part = finder.follow(reference)?;
                finder.field(part, name)
            }),
            Part::Expr(_) => None,
            Part::Value(value) => value.field(name).map(Part::Value),
        }
    }

    /// What a reference to an assigned variable stands for.
    fn follow(&mut self, reference: &Reference) -> Option<Part<'e>> {
        let Root::Var(name) = &reference.root else {
            return None;
        };
        let whole = part(self.assigned.get(name.as_str())?);
        let mut path = reference.path.iter();
        path.try_fold(whole, |part, name| {
            self.deeper(|finder| finder.field(part, name))
        })
    }

    fn text(&mut self, part: Part<'e>) -> Option<KnownText> {
        match part {
            Part::Value(value) | Part::Expr(Expr::Constant(value)) => {
                let text = value.as_text()?;
                self.pay(text.len())?;
                Some(KnownText::Whole(text.to_owned()))
            }
            Part::Expr(Expr::Reference(reference)) => self.deeper(|finder| {
                let part = finder.follow(reference)?;
                finder.text(part)
            }),
            Part::Expr(Expr::Operation {
                operator: Operator::Concat,
                args,
            }) => {
                let mut known = String::new();
                for arg in args {
                    match self.deeper(|finder| finder.text(Part::Expr(arg))) {
                        Some(KnownText::Whole(part)) => known.push_str(&part),
                        Some(KnownText::Beginning(part)) => {
                            known.push_str(&part);
                            return Some(KnownText::Beginning(known));
                        }
                        None => return Some(KnownText::Beginning(known)),
                    }
                }
                Some(KnownText::Whole(known))
            }
            Part::Expr(_) => None,
        }
    }
}

/// What a condition always is, if it does not depend on anything. Conditions that fail, or are no
/// bool, are not this function's matter.
pub fn constant_bool(expr: &Expr) -> Option<bool> {
    let Expr::Operation { operator, args } = expr else {
        return constant(expr).and_then(|value| match value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        });
    };
    let decisive = match operator {
        Operator::And => false,
        Operator::Or => true,
        Operator::Not => {
            let inner = args.first().and_then(constant_bool)?;
            return Some(!inner);
        }
        _ => {
            if let Some(same) = of_the_same(*operator, args) {
                return Some(same);
            }
            return match constant(expr)? {
                Value::Bool(flag) => Some(flag),
                _ => None,
            };
        }
    };
    let parts: Vec<Option<bool>> = args.iter().map(constant_bool).collect();
    if parts.contains(&Some(decisive)) {
        return Some(decisive);
    }
    let all_known = parts.iter().all(Option::is_some);
    all_known.then_some(!decisive)
}

/// A comparison of an expression with itself.
fn of_the_same(operator: Operator, args: &[Expr]) -> Option<bool> {
    let [left, right] = args else { return None };
    if left != right {
        return None;
    }
    match operator {
        Operator::Eq | Operator::Le | Operator::Ge => Some(true),
        Operator::Ne | Operator::Lt | Operator::Gt => Some(false),
        _ => None,
    }
}

/// The value of an expression that refers to nothing; none if it fails.
fn constant(expr: &Expr) -> Option<Value> {
    evaluate(expr)?.ok()
}

/// Whether two keys of a map that refer to nothing are the same.
pub fn repeats_a_key(entries: &[(Expr, Expr)]) -> bool {
    let mut seen = BTreeSet::new();
    let keys = entries.iter().filter_map(|(key, _)| constant(key));
    { keys }.any(|key| !seen.insert(key.to_cbor()))
}

/// Whether the expression refers to nothing.
pub fn is_constant(expr: &Expr) -> bool {
    expr.references().is_empty()
}

/// What an expression that refers to nothing comes to.
pub fn evaluate(expr: &Expr) -> Option<Result<Value, EvalError>> {
    if !is_constant(expr) {
        return None;
    }
    let nothing = BTreeMap::new();
    let scope = Scope {
        input: &Value::Null,
        vars: &nothing,
        steps: &nothing,
        event: None,
    };
    Some(expr.eval(&scope))
}
