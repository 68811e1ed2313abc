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
    pub input: &'a Value,
    pub vars: &'a BTreeMap<String, Value>,
    pub steps: &'a BTreeMap<String, Value>,
    pub event: Option<&'a Value>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expr {
    Reference(Reference),
    Constant(Value),
    Record(Vec<(String, Expr)>),
    List(Vec<Expr>),
    Set(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Variant {
        tag: String,
        value: Option<Box<Expr>>,
    },
    Operation {
        operator: Operator,
        args: Vec<Expr>,
    },
}

/// `@plan.input`, `@var:name`, `@step:id` or `@event`, and a path of field names from there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    pub root: Root,
    pub path: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Root {
    Input,
    Var(String),
    Step(String),
    Event,
}

/// Where a format says "expression or value", the expression wins if the text reads as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExprOrValue {
    Expr(Expr),
    Value(Value),
}

/// Why an expression has no value. It ends the plan instance.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    #[error("`{0}` has no value here")]
    Missing(String),
    #[error("`{operator}` expects {expected}, found {found}")]
    Type {
        operator: &'static str,
        expected: &'static str,
        found: String,
    },
    #[error("`{0}` overflows 64 bits")]
    Overflow(&'static str),
    #[error("`{0}` by zero")]
    DivisionByZero(&'static str),
    #[error("`{operator}`: {what} is not there")]
    NotFound {
        operator: &'static str,
        what: String,
    },
    #[error("the same key twice in a map")]
    DuplicateKey,
    #[error("the expression needs more than {limit} {what}")]
    Limit { limit: usize, what: &'static str },
}
