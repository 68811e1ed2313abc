//! The plan as its document has it, and expressions of it evaluated for an instance.

use serde_json::Value as Json;

use super::{Cause, Failure, Instance};
use crate::plans::evaluate::{Class, Evaluator, Scope};
use crate::plans::forms::is_expression;
use crate::plans::generate::World;
use crate::plans::types::Ty;
use crate::plans::value::Val;
use crate::plans::{Notes, Planted};

fn items(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

pub fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

/// The plan as its document has it.
pub struct Plan<'w> {
    pub world: &'w World,
    /// In order of their ids.
    pub steps: Vec<&'w Json>,
    pub edges: &'w [Json],
    pub invariants: &'w [Json],
}

impl<'w> Plan<'w> {
    pub fn of(world: &'w World) -> Plan<'w> {
        let mut steps: Vec<&Json> = items(&world.plan["steps"]).iter().collect();
        steps.sort_by_key(|step| text(&step["id"]).as_bytes());
        Plan {
            world,
            steps,
            edges: items(&world.plan["edges"]),
            invariants: items(&world.plan["invariants"]),
        }
    }

    pub fn id(&self, step: usize) -> &'w str {
        text(&self.steps[step]["id"])
    }

    pub fn number(&self, id: &Json) -> usize {
        let found = self.steps.iter().position(|step| step["id"] == *id);
        found.unwrap_or(usize::MAX)
    }

    pub fn step_failure(&self, step: usize, cause: Cause) -> Failure {
        Failure {
            place: vec!["step".to_owned(), self.id(step).to_owned()],
            cause,
        }
    }
}

/// Evaluates expressions for an instance.
pub struct Eyes<'a> {
    pub world: &'a World,
    pub planted: Planted,
    pub notes: &'a mut Notes,
}

impl Eyes<'_> {
    pub fn evaluate(
        &mut self,
        instance: &Instance,
        event: Option<&Val>,
        json: &Json,
    ) -> Result<Val, Cause> {
        let scope = Scope {
            names: &self.world.names,
            input: &instance.input,
            vars: &instance.vars,
            steps: &instance.results,
            event,
        };
        let mut evaluator = Evaluator {
            scope,
            planted: self.planted,
            notes: self.notes,
        };
        evaluator.evaluate(json).map_err(Cause::Expression)
    }

    /// An expression or a plain value, canonical, and its bytes.
    pub fn typed(
        &mut self,
        instance: &Instance,
        json: &Json,
        schema: usize,
    ) -> Result<(Val, Vec<u8>), Cause> {
        let (types, ty) = (&self.world.types, Ty::Ref(schema));
        let value = match is_expression(json, &self.world.names, false) {
            true => {
                let value = self.evaluate(instance, None, json)?;
                types.fit(&ty, &value)
            }
            false => types.read(&ty, json),
        };
        let value = value.map_err(|_| Cause::Misfit)?;
        let bytes = types.bytes(&ty, &value);
        Ok((value, bytes))
    }
}

/// What an expression or a plain value gives before it is judged: a plain one that does not read
/// is told as a mismatch, since the loader must not have accepted it.
pub fn either(
    world: &World,
    json: &Json,
    schema: Option<usize>,
    evaluator: &mut Evaluator<'_>,
) -> Result<Val, Class> {
    match (is_expression(json, &world.names, false), schema) {
        (false, Some(schema)) => {
            let value = world.types.read(&Ty::Ref(schema), json);
            value.map_err(|_| Class::Type)
        }
        _ => evaluator.evaluate(json),
    }
}
