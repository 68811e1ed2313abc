//! The steps of a plan: what each needs and gives, and what they promise each other.

use super::expressions::Condition;
use super::{CORRELATION, PlanChecker};
use crate::air::ids::{EffectId, GrantId};
use crate::air::plans::Op;
use crate::check::schemas::find_schema;
use crate::documents::{Origin, RawOperation, RawStep};
use crate::expr::{Expr, ExprOrValue, Reference, Root};
use crate::json::Later;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::quote::quote;
use crate::types::Type;
use crate::types::schemas::SchemaId;

impl<'c, 'a> PlanChecker<'c, 'a> {
    pub(super) fn operation(&mut self, step: &RawStep, output: Option<SchemaId>) -> Option<Op> {
        let schemas = self.types.schemas;
        match &step.operation {
            RawOperation::RaiseEvent { event, value } => {
                let event = find_schema(event, schemas, self.problems);
                let value = self.typed_value(*value, event);
                Some(Op::RaiseEvent {
                    event: event?,
                    value: value?,
                })
            }
            RawOperation::EmitEffect { .. } => self.emit(&step.operation),
            RawOperation::AwaitReceipt { receipt_for, var } => {
                self.await_receipt(step, *receipt_for, var)
            }
            RawOperation::AwaitEvent { .. } => self.await_event(step),
            RawOperation::Assign { expr, var } => self.assign(step, *expr, var),
            RawOperation::End { place, result } => self.end(*place, *result, output),
        }
    }

    fn await_receipt(
        &mut self,
        step: &RawStep,
        receipt_for: Later,
        var: &At<String>,
    ) -> Option<Op> {
        let expr = self.expr(receipt_for, false)?;
        let handle = self.handle_of(&expr, receipt_for.place())?;
        let kind = self.handles.get(&handle)?;
        let effects = self.capabilities.effects.iter();
        let receipt = { effects }
            .find(|it| it.kind == kind.it)
            .map(|it| it.receipt);
        self.bind(step, var, receipt.map(Type::Ref));
        Some(Op::AwaitReceipt {
            receipt_for: expr,
            handle,
            var: var.it.clone(),
        })
    }

    fn await_event(&mut self, step: &RawStep) -> Option<Op> {
        let RawOperation::AwaitEvent {
            place,
            event,
            condition,
            var,
        } = &step.operation
        else {
            return None;
        };
        let event = find_schema(event, self.types.schemas, self.problems);
        self.types.event = event.map(Type::Ref);
        let read = condition.map(|it| self.condition(it, Condition::Where));
        self.types.event = None;
        let place = condition.map_or(*place, |condition| condition.place());
        // Of what could not be read nothing more is said.
        match &read {
            Some(None) => {}
            read => self.correlates(read.as_ref().and_then(Option::as_ref), place),
        }
        self.bind(step, var, event.map(Type::Ref));
        let condition = match read {
            Some(condition) => Some(condition?),
            None => None,
        };
        Some(Op::AwaitEvent {
            event: event?,
            condition,
            var: var.it.clone(),
        })
    }

    fn assign(&mut self, step: &RawStep, later: Later, var: &At<String>) -> Option<Op> {
        let local = self.locals.get(&var.it).copied();
        let value = self.typed_value(later, local)?;
        let inferred = match &value {
            ExprOrValue::Expr(expr) if self.sound => {
                let inferred = self
                    .types
                    .infer(expr)
                    .map(|ty| ty.map(|ty| ty.into_owned()));
                self.keep(inferred, later.place()).flatten()
            }
            _ => None,
        };
        self.bind(step, var, local.map(Type::Ref).or(inferred));
        Some(Op::Assign {
            expr: value,
            var: var.it.clone(),
        })
    }

    fn emit(&mut self, operation: &RawOperation) -> Option<Op> {
        let RawOperation::EmitEffect {
            kind,
            params,
            cap,
            idempotency_key,
            handle,
        } = operation
        else {
            return None;
        };
        let effect: Option<EffectId> = self.capabilities.effect(kind, self.problems);
        let grant: Option<GrantId> = self.capabilities.grant(cap, self.problems);
        let known = effect.map(|id| &self.capabilities.effects[id.index()]);
        if known.is_some_and(|effect| effect.origin == Origin::Reducer) {
            let message = format!("{} is an effect of reducers only", quote(&kind.it));
            self.problems.push(Problem::new(kind.place, message));
        }
        if let (Some(effect), Some(grant)) = (known, grant) {
            let found = &self.capabilities.grants[grant.index()].cap_type;
            if *found != effect.cap_type {
                let message = format!("{} grants {}", quote(&cap.it), quote(found));
                let expected = format!("a grant of {}", quote(&effect.cap_type));
                self.problems
                    .push(Problem::new(cap.place, message).expected(expected));
            }
        }
        let schema = known.map(|effect| effect.params);
        let params = self.typed_value(*params, schema);
        let key = idempotency_key.map(|key| self.key(key));
        Some(Op::EmitEffect {
            effect: effect?,
            params: params?,
            grant: grant?,
            idempotency_key: match key {
                Some(key) => Some(key?),
                None => None,
            },
            handle: handle.it.clone(),
        })
    }

    fn end(
        &mut self,
        place: SourcePlace,
        result: Option<Later>,
        output: Option<SchemaId>,
    ) -> Option<Op> {
        let wanted = self.raw.output.is_some();
        match result {
            None if wanted => {
                let message = "the plan has an `output`, so that `end` needs a `result`";
                self.problems.push(Problem::new(place, message));
                None
            }
            Some(result) if !wanted => {
                let message = "`end` has a `result`, but the plan has no `output`";
                self.problems.push(Problem::new(result.place(), message));
                None
            }
            Some(result) => Some(Op::End {
                result: Some(self.typed_value(result, output)?),
            }),
            None => Some(Op::End { result: None }),
        }
    }

    /// The handle that the `for` of an `await_receipt` names: its variable, or its step.
    fn handle_of(&mut self, expr: &Expr, place: SourcePlace) -> Option<String> {
        let handle = match expr {
            Expr::Reference(reference) if reference.path.is_empty() => match &reference.root {
                Root::Var(name) => self
                    .handles
                    .get_key_value(name)
                    .map(|(name, _)| name.clone()),
                Root::Step(id) => self
                    .raw
                    .steps
                    .iter()
                    .find_map(|step| match &step.operation {
                        RawOperation::EmitEffect { handle, .. } if step.id.it == *id => {
                            Some(handle.it.clone())
                        }
                        _ => None,
                    }),
                _ => None,
            },
            _ => None,
        };
        if handle.is_none() {
            let message = "`for` does not name the handle of an effect of this plan";
            let expected = "{\"ref\":\"@var:…\"}, with the `effect_id_as` of an `emit_effect`";
            self.problems
                .push(Problem::new(place, message).expected(expected));
        }
        handle
    }

    /// Notes what a step gives, as its variable and as the step. A variable that several steps set
    /// has a type once all of them gave it the same.
    fn bind(&mut self, step: &RawStep, var: &At<String>, ty: Option<Type>) {
        let Some(ty) = ty else {
            if !self.locals.contains_key(&var.it) {
                self.types.vars.remove(&var.it);
                self.given.entry(var.it.clone()).or_default().push(None);
            }
            return;
        };
        if let Some(local) = self.locals.get(&var.it)
            && self.sound
            && !self.types.schemas.same(&ty, &Type::Ref(*local))
        {
            let schemas = self.types.schemas;
            let message = format!("{} gets {}", quote(&var.it), schemas.describe(&ty));
            let expected = format!("{}, as in `locals`", schemas.name(*local));
            self.problems
                .push(Problem::new(var.place, message).expected(expected));
        }
        self.types.steps.insert(step.id.it.clone(), ty.clone());
        let binds = |other: &RawStep| match &other.operation {
            RawOperation::AwaitReceipt { var: other, .. }
            | RawOperation::AwaitEvent { var: other, .. }
            | RawOperation::Assign { var: other, .. } => other.it == var.it,
            _ => false,
        };
        let binders = self.raw.steps.iter().filter(|step| binds(step)).count();
        let given = self.given.entry(var.it.clone()).or_default();
        given.push(Some(ty));
        let all: Option<Vec<&Type>> = given.iter().map(Option::as_ref).collect();
        let all = all.filter(|all| all.len() == binders);
        if let Some((first, rest)) = all.as_deref().and_then(<[_]>::split_first)
            && rest.iter().all(|ty| self.types.schemas.same(first, ty))
        {
            let ty = (*first).clone();
            self.types.vars.entry(var.it.clone()).or_insert(ty);
        }
    }

    /// In a plan with a correlation, an awaited event must be one of the same correlation. AgentOS
    /// also takes a `where` on the event's own key; with nothing of the instance in it, each
    /// instance awaits the same.
    fn correlates(&mut self, condition: Option<&Expr>, place: SourcePlace) {
        let Some(correlation) = self.correlation else {
            return;
        };
        let references = condition.map_or_else(Vec::new, Expr::references);
        let is_var = |root: &Root| matches!(root, Root::Var(name) if name == CORRELATION);
        if references.iter().any(|it| is_var(&it.root)) {
            return;
        }
        let key = correlation.path.iter().filter(|step| *step != "$value");
        let key: Vec<&String> = key.collect();
        let is_key = |reference: &&Reference| {
            let path = reference.path.iter().filter(|step| *step != "$value");
            reference.root == Root::Event && path.eq(key.iter().copied())
        };
        if !references.iter().any(is_key) {
            let message = "the plan is started with `correlate_by`, so that each `await_event` \
                           needs a `where` on `@var:correlation_id`";
            self.problems.push(Problem::new(place, message));
        } else if references.iter().all(|it| it.root == Root::Event) {
            let message = "`where` has nothing of the instance in it: each instance awaits the \
                           same event";
            let problem = Problem::warning(place, message);
            let hint = "compare with `@var:correlation_id`, which `correlate_by` sets";
            self.problems.push(problem.hint(hint));
        }
    }
}
