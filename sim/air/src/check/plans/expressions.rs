//! The expressions of a plan: read, typed, and warned of.

use super::PlanChecker;
use crate::expr::known::constant_bool;
use crate::expr::operator_types::may_be_text_or_bytes;
use crate::expr::parse;
use crate::expr::references::NamesInScope;
use crate::expr::{Expr, ExprOrValue};
use crate::json::Later;
use crate::problems::problem::{Problem, SourcePlace};
use crate::types::Type;
use crate::types::schemas::SchemaId;

/// What an expression that is a bool decides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Guard,
    Where,
    Invariant,
}

impl Condition {
    /// What it means that it is always the same.
    fn constant(self, always: bool) -> &'static str {
        match (self, always) {
            (Condition::Guard, true) => "the guard is always true: the edge needs none",
            (Condition::Guard, false) => "the guard is always false: nothing passes this edge",
            (Condition::Where, true) => "`where` is always true: the first event ends the wait",
            (Condition::Where, false) => "`where` is always false: nothing ends the wait",
            (Condition::Invariant, true) => "the invariant is always true: it says nothing",
            (Condition::Invariant, false) => {
                "the invariant is always false: every instance ends with an error"
            }
        }
    }
}

impl PlanChecker<'_, '_> {
    /// An expression that must be a bool, and should not always be the same.
    pub(super) fn condition(&mut self, later: Later, what: Condition) -> Option<Expr> {
        let expr = self.expr(later, what == Condition::Where)?;
        if self.sound {
            let checked = self.types.check(&expr, &Type::Bool);
            self.keep(checked, later.place())?;
        }
        if let Some(always) = constant_bool(&expr) {
            let message = what.constant(always).to_owned();
            self.problems.push(Problem::warning(later.place(), message));
        }
        Some(expr)
    }

    /// An idempotency key: bytes or text.
    pub(super) fn key(&mut self, later: Later) -> Option<Expr> {
        let expr = self.expr(later, false)?;
        if self.sound {
            let checked = may_be_text_or_bytes(&self.types, &expr);
            let checked = checked.map_err(|why| format!("the idempotency key is {why}"));
            self.keep(checked, later.place())?;
        }
        Some(expr)
    }

    pub(super) fn expr(&mut self, later: Later, event: bool) -> Option<Expr> {
        let hints = self.problems.wants_hints();
        let names = NamesInScope {
            vars: &self.vars,
            steps: &self.valued,
            event,
            hints,
        };
        self.problems.keep(parse::expr(later, names))
    }

    /// An expression or value of a schema; of none, an expression.
    pub(super) fn typed_value(
        &mut self,
        later: Later,
        schema: Option<SchemaId>,
    ) -> Option<ExprOrValue> {
        let hints = self.problems.wants_hints();
        let names = NamesInScope {
            vars: &self.vars,
            steps: &self.valued,
            event: false,
            hints,
        };
        let schema = schema.filter(|_| self.sound);
        let read = parse::expr_or_value(later, schema, self.types.schemas, names);
        if !self.sound {
            return read.ok();
        }
        let value = self.problems.keep(read)?;
        if let Some(id) = schema {
            let checked = self.types.check_either(&value, &Type::Ref(id));
            self.keep(checked, later.place())?;
        }
        Some(value)
    }

    /// What was found out of the types of an expression, and what is to be warned of in it.
    pub(super) fn keep<T>(&mut self, result: Result<T, String>, place: SourcePlace) -> Option<T> {
        for note in self.types.notes.take() {
            if self.noted.insert((place, note.clone())) {
                self.problems.push(Problem::warning(place, note));
            }
        }
        self.problems
            .keep(result.map_err(|message| Problem::new(place, message)))
    }
}
