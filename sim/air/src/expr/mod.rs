//! Expressions of plans: what they are, and what they give.
//!
//! They are total: whatever the scope holds, evaluation ends with a value or an [`EvalError`],
//! the same every time, within bounds on work and on the size and depth of what is made. Nothing
//! here knows a plan, a document or a world.
//!
//! `parse` reads them, with `constants` and `references`. `infer` types them at load, with
//! `operator_types`; `forms` and `paths` answer it questions on types. `known` tells what is
//! constant in them. `eval` evaluates them, with `operators`, within a `budget`.

mod budget;
mod comparisons;
mod constants;
mod eval;
pub(crate) mod forms;
pub(crate) mod infer;
pub(crate) mod known;
pub(crate) mod operator_types;
mod operators;
pub(crate) mod parse;
pub(crate) mod paths;
pub(crate) mod references;

use std::collections::BTreeMap;

use crate::value::Value;
pub use operators::Operator;

/// What an expression may read.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// `@plan.input`.
    pub input: &'a Value,
    /// `@var:`, by name.
    pub vars: &'a BTreeMap<String, Value>,
    /// `@step:`, by id: what the steps that are done gave.
    pub steps: &'a BTreeMap<String, Value>,
    /// `@event`: the event that is looked at, in the `where` of an `await_event`.
    pub event: Option<&'a Value>,
}

/// An expression. The fields of [`Expr::Record`] are in canonical order of their names.
///
/// ```
/// use std::collections::BTreeMap;
/// use sim_air::{Expr, Operator, Reference, Root, Scope, Value};
///
/// // {"op": "add", "args": [{"ref": "@plan.input.count"}, {"nat": 1}]}
/// let count = Reference { root: Root::Input, path: vec!["count".to_owned()] };
/// let expr = Expr::Operation {
///     operator: Operator::Add,
///     args: vec![Expr::Reference(count), Expr::Constant(Value::Nat(1))],
/// };
/// let input = Value::record([("count", Value::Nat(2))]);
/// let nothing = BTreeMap::new();
/// let scope = Scope { input: &input, vars: &nothing, steps: &nothing, event: None };
/// assert_eq!(expr.eval(&scope), Ok(Value::Nat(3)));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expr {
    /// What a name stands for.
    Reference(Reference),
    /// A value.
    Constant(Value),
    /// A record of what its fields give.
    Record(Vec<(String, Expr)>),
    /// A list of what its items give.
    List(Vec<Expr>),
    /// A set: equal items count once.
    Set(Vec<Expr>),
    /// A map; equal keys are an error.
    Map(Vec<(Expr, Expr)>),
    /// A variant.
    Variant {
        /// The tag.
        tag: String,
        /// What is in it; without one, null.
        value: Option<Box<Expr>>,
    },
    /// An operator applied to arguments.
    Operation {
        /// Which.
        operator: Operator,
        /// As many as [`Operator::arity`] says.
        args: Vec<Expr>,
    },
}

/// `@plan.input`, `@var:name`, `@step:id` or `@event`, and a path of field names from there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    /// Where the path begins.
    pub root: Root,
    /// The fields that lead on from there; `$tag` and `$value` lead into a variant.
    pub path: Vec<String>,
}

/// Where a reference begins.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Root {
    /// `@plan.input`: the event that started the plan.
    Input,
    /// `@var:name`: a variable.
    Var(String),
    /// `@step:id`: what a step gave.
    Step(String),
    /// `@event`: the event that is looked at.
    Event,
}

/// Where a format says "expression or value", the expression wins if the text reads as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExprOrValue {
    /// An expression.
    Expr(Expr),
    /// A value, which fits its schema.
    Value(Value),
}

/// Why an expression has no value. It ends the plan instance.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    /// A reference leads to nothing.
    #[error("`{0}` has no value here")]
    Missing(String),
    /// A value of another kind than an operator takes.
    #[error("`{operator}` expects {expected}, found {found}")]
    Type {
        /// The word of the operator, or `ref`.
        operator: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What it was given.
        found: String,
    },
    /// A number that does not fit; the word of the operator.
    #[error("`{0}` overflows 64 bits")]
    Overflow(&'static str),
    /// The word of the operator.
    #[error("`{0}` by zero")]
    DivisionByZero(&'static str),
    /// A list or a map does not have what is asked for.
    #[error("`{operator}`: {what} is not there")]
    NotFound {
        /// The word of the operator.
        operator: &'static str,
        /// What was asked for.
        what: String,
    },
    /// A map would have the same key twice.
    #[error("the same key twice in a map")]
    DuplicateKey,
    /// The expression makes more than one evaluation may.
    #[error("the expression needs more than {limit} {what}")]
    Limit {
        /// How much there may be.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}
