//! Every expression of a plan by both, on a scope that no run has made.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sim::air::{Air, EvalError, Expr, ExprOrValue, Op, Scope, Value};

use super::{Compared, differ};
use crate::plans::dice::Dice;
use crate::plans::evaluate::{self, Class, Evaluator};
use crate::plans::generate::{EFFECTS, EVENTS, World};
use crate::plans::interpret::either;
use crate::plans::types::{Ty, Types};
use crate::plans::value::Val;
use crate::plans::{Notes, Planted};

/// Every expression of a plan, on a scope whose values are only of the right types.
pub struct Probe<'a> {
    world: &'a World,
    planted: Planted,
    notes: &'a mut Notes,
    input: Val,
    vars: BTreeMap<String, Val>,
    steps: BTreeMap<String, Val>,
    event_bytes: Vec<u8>,
}

impl<'a> Probe<'a> {
    pub fn new(world: &'a World, planted: Planted, notes: &'a mut Notes) -> Probe<'a> {
        let mut dice = Dice::new(&world.scope);
        let mut some = |types: &BTreeMap<String, Ty>| {
            let mut scope = BTreeMap::new();
            for (name, ty) in types {
                let value = world.types.value(ty, &mut dice);
                if !dice.one_in(8) {
                    scope.insert(name.clone(), value);
                }
            }
            scope
        };
        let (vars, steps) = (some(&world.var_types), some(&world.step_types));
        let input = world.event(EVENTS[0], &world.scope);
        Probe {
            world,
            planted,
            notes,
            input,
            vars,
            steps,
            event_bytes: world.scope.clone(),
        }
    }

    pub fn expressions(&mut self, air: &Air) -> Compared<()> {
        let plan = &air.plans[0];
        let document = |id: &str| {
            let mut steps = self.world.plan["steps"].as_array().into_iter().flatten();
            steps
                .find(|step| step["id"] == id)
                .cloned()
                .unwrap_or_default()
        };
        for step in &plan.steps {
            let json = document(&step.id);
            let schema = |name: &str| Types::index(json[name].as_str().unwrap_or_default());
            match &step.op {
                Op::Assign { expr, var } => {
                    let local = plan.locals.get(var);
                    let local = local.and_then(|id| Types::index(air.schemas.name(*id)));
                    self.either(&json["expr"], expr, local)?;
                }
                Op::RaiseEvent { value, .. } => {
                    self.either(&json["value"], value, schema("event"))?;
                }
                Op::EmitEffect {
                    params,
                    idempotency_key,
                    ..
                } => {
                    let effect = EFFECTS.iter().find(|effect| json["kind"] == effect.0);
                    self.either(&json["params"], params, effect.map(|effect| effect.1))?;
                    if let Some(key) = idempotency_key {
                        self.expr(&json["idempotency_key"], key, None)?;
                    }
                }
                Op::AwaitEvent { condition, .. } => {
                    if let (Some(condition), Some(schema)) = (condition, schema("event")) {
                        let event = self.world.event(schema, &self.event_bytes);
                        self.expr(&json["where"], condition, Some(&event))?;
                    }
                }
                Op::End { result } => {
                    let output = self.world.plan["output"].as_str().and_then(Types::index);
                    if let Some(result) = result {
                        self.either(&json["result"], result, output)?;
                    }
                }
                Op::AwaitReceipt { .. } => {}
            }
        }
        for (edge, json) in plan.edges.iter().zip(array(&self.world.plan["edges"])) {
            if let Some(guard) = &edge.when {
                self.expr(&json["when"], guard, None)?;
            }
        }
        for (invariant, json) in plan
            .invariants
            .iter()
            .zip(array(&self.world.plan["invariants"]))
        {
            self.expr(json, invariant, None)?;
        }
        Ok(())
    }

    fn expr(&mut self, json: &Json, expr: &Expr, event: Option<&Val>) -> Compared<()> {
        self.value(json, &ExprOrValue::Expr(expr.clone()), None, event)
    }

    fn either(&mut self, json: &Json, found: &ExprOrValue, to: Option<usize>) -> Compared<()> {
        self.value(json, found, to, None)
    }

    fn value(
        &mut self,
        json: &Json,
        found: &ExprOrValue,
        schema: Option<usize>,
        event: Option<&Val>,
    ) -> Compared<()> {
        let (input, vars, steps) = (
            Value::from(&self.input),
            values(&self.vars),
            values(&self.steps),
        );
        let sim_event = event.map(Value::from);
        let sim = found.eval(&Scope {
            input: &input,
            vars: &vars,
            steps: &steps,
            event: sim_event.as_ref(),
        });
        let sim = sim
            .map(|value| Val::from(&value))
            .map_err(|error| class(&error));
        let mut evaluator = Evaluator {
            scope: evaluate::Scope {
                names: &self.world.names,
                input: &self.input,
                vars: &self.vars,
                steps: &self.steps,
                event,
            },
            planted: self.planted,
            notes: self.notes,
        };
        let reference = either(self.world, json, schema, &mut evaluator);
        if self.world.clean && sim == Err(Class::Type) {
            let what = format!("a well-typed expression is of a wrong type: {json}");
            return Err(differ(self.world, &what, sim, reference));
        }
        match sim == reference || sim == Err(Class::Limit) {
            true => Ok(()),
            false => {
                let scope = format!(
                    "input {:?}\nvars {:?}\nsteps {:?}\nevent {event:?}",
                    self.input, self.vars, self.steps
                );
                let what = format!("an expression differs: {json}\n{scope}");
                Err(differ(self.world, &what, sim, reference))
            }
        }
    }
}

fn array(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn values(of: &BTreeMap<String, Val>) -> BTreeMap<String, Value> {
    let pair = |(name, value): (&String, &Val)| (name.clone(), Value::from(value));
    of.iter().map(pair).collect()
}

fn class(error: &EvalError) -> Class {
    match error {
        EvalError::Missing(_) => Class::Missing,
        EvalError::Type { .. } => Class::Type,
        EvalError::Overflow(_) => Class::Overflow,
        EvalError::DivisionByZero(_) => Class::ByZero,
        EvalError::NotFound { .. } => Class::NotThere,
        EvalError::DuplicateKey => Class::SameKey,
        EvalError::Limit { .. } => Class::Limit,
    }
}
