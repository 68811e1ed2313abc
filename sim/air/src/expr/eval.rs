//! Evaluation: borrowed where it can be, bounded in what it makes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::budget::WorkBudget;
use super::operators::kind;
use super::{EvalError, Expr, ExprOrValue, Operator, Reference, Root, Scope};
use crate::value::Value;

/// The deepest value an evaluation may give. Plans can nest results of results.
const MAX_VALUE_DEPTH: usize = 128;

impl ExprOrValue {
    /// The value, or what the expression gives.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        match self {
            ExprOrValue::Expr(expr) => expr.eval(scope),
            ExprOrValue::Value(value) => Ok(value.clone()),
        }
    }
}

impl Expr {
    /// The value of the expression. The values in scope must be of bounded depth, as are all that
    /// come from a schema or from here.
    ///
    /// # Errors
    ///
    /// If a reference leads to nothing, an operator cannot take what it is given, or more is made
    /// than one evaluation may: 4 Mi nodes and bytes, 128 levels.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        let mut budget = WorkBudget::new();
        let value = evaluate(self, scope, &mut budget)?;
        let value = budget.own(value)?;
        match is_within(&value, MAX_VALUE_DEPTH) {
            true => Ok(value),
            false => Err(EvalError::Limit {
                limit: MAX_VALUE_DEPTH,
                what: "levels of nesting",
            }),
        }
    }

    /// Every reference in the expression.
    pub fn references(&self) -> Vec<&Reference> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(expr) = open.pop() {
            match expr {
                Expr::Reference(reference) => found.push(reference),
                Expr::Constant(_) | Expr::Variant { value: None, .. } => {}
                Expr::Record(fields) => open.extend(fields.iter().map(|(_, expr)| expr)),
                Expr::List(items) | Expr::Set(items) => open.extend(items),
                Expr::Map(entries) => open.extend(entries.iter().flat_map(|(k, v)| [k, v])),
                Expr::Variant {
                    value: Some(value), ..
                } => open.push(value),
                Expr::Operation { args, .. } => open.extend(args),
            }
        }
        found
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::Input => out.write_str("@plan.input")?,
            Root::Var(name) => write!(out, "@var:{name}")?,
            Root::Step(id) => write!(out, "@step:{id}")?,
            Root::Event => out.write_str("@event")?,
        }
        self.path.iter().try_for_each(|step| write!(out, ".{step}"))
    }
}

fn evaluate<'s>(
    expr: &'s Expr,
    scope: &Scope<'s>,
    budget: &mut WorkBudget,
) -> Result<Cow<'s, Value>, EvalError> {
    let owned = match expr {
        Expr::Reference(reference) => return look_up(reference, scope),
        Expr::Constant(value) => return Ok(Cow::Borrowed(value)),
        Expr::Operation { operator, args } => return operation(*operator, args, scope, budget),
        Expr::Record(fields) => {
            let mut entries = Vec::with_capacity(fields.len());
            for (name, expr) in fields {
                entries.push((Value::Text(name.clone()), own(expr, scope, budget)?));
            }
            Value::Map(entries)
        }
        Expr::List(items) => {
            let items = items.iter().map(|item| own(item, scope, budget));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        Expr::Set(items) => {
            let mut sorted = BTreeMap::new();
            for item in items {
                let value = own(item, scope, budget)?;
                sorted.insert(value.to_cbor(), value);
            }
            Value::List(sorted.into_values().collect())
        }
        Expr::Map(entries) => {
            let mut sorted = BTreeMap::new();
            for (key, value) in entries {
                let key = own(key, scope, budget)?;
                let value = own(value, scope, budget)?;
                if sorted.insert(key.to_cbor(), (key, value)).is_some() {
                    return Err(EvalError::DuplicateKey);
                }
            }
            Value::Map(sorted.into_values().collect())
        }
        Expr::Variant { tag, value } => {
            let value = match value {
                Some(value) => own(value, scope, budget)?,
                None => Value::Null,
            };
            Value::Variant {
                tag: tag.clone(),
                value: Box::new(value),
            }
        }
    };
    Ok(Cow::Owned(owned))
}

fn own(expr: &Expr, scope: &Scope<'_>, budget: &mut WorkBudget) -> Result<Value, EvalError> {
    let value = evaluate(expr, scope, budget)?;
    budget.own(value)
}

fn operation<'s>(
    operator: Operator,
    args: &'s [Expr],
    scope: &Scope<'s>,
    budget: &mut WorkBudget,
) -> Result<Cow<'s, Value>, EvalError> {
    let decisive = match operator {
        Operator::And => false,
        Operator::Or => true,
        _ => {
            let args = args.iter().map(|arg| evaluate(arg, scope, budget));
            return operator.apply(&args.collect::<Result<Vec<_>, _>>()?, budget);
        }
    };
    for arg in args {
        match *evaluate(arg, scope, budget)? {
            Value::Bool(flag) if flag == decisive => return Ok(Cow::Owned(Value::Bool(flag))),
            Value::Bool(_) => {}
            ref other => return Err(operator.mismatch("bools", other)),
        }
    }
    Ok(Cow::Owned(Value::Bool(!decisive)))
}

fn look_up<'s>(reference: &'s Reference, scope: &Scope<'s>) -> Result<Cow<'s, Value>, EvalError> {
    let root = match &reference.root {
        Root::Input => Some(scope.input),
        Root::Var(name) => scope.vars.get(name),
        Root::Step(id) => scope.steps.get(id),
        Root::Event => scope.event,
    };
    let missing = || EvalError::Missing(reference.to_string());
    let mut value = Cow::Borrowed(root.ok_or_else(missing)?);
    for step in &reference.path {
        let unfit = |value: &Value| EvalError::Type {
            operator: "ref",
            expected: "a record, a map or a variant",
            found: format!("{} before `.{step}` of `{reference}`", kind(value)),
        };
        // Only the text of a tag is not borrowed, and nothing leads further from there.
        let Cow::Borrowed(current) = value else {
            return Err(unfit(&value));
        };
        value = match current {
            Value::Map(_) => Cow::Borrowed(current.field(step).ok_or_else(missing)?),
            Value::Variant { value, .. } if step == "$value" => Cow::Borrowed(&**value),
            Value::Variant { tag, .. } if step == "$tag" => Cow::Owned(Value::Text(tag.clone())),
            other => return Err(unfit(other)),
        };
    }
    Ok(value)
}

/// Whether the value is at most so many levels deep. Recursion ends with the limit.
fn is_within(value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match value {
        Value::List(items) => items.iter().all(|item| is_within(item, depth)),
        Value::Map(entries) => entries
            .iter()
            .all(|(key, value)| is_within(key, depth) && is_within(value, depth)),
        Value::Variant { value, .. } => is_within(value, depth),
        _ => true,
    }
}
