//! One step of a plan instance: what it evaluates, and what it asks of the kernel. Sends nothing.

use super::{PlanError, PlanInstance, PlanStatus};
use sim_air::{EffectId, EvalError, Expr, GrantId, Op, Plan, SchemaId, Schemas, Value, ValueError};

/// What a tick asks of the kernel. The step is complete once the kernel has done it.
#[derive(Debug)]
pub enum Action {
    Raise {
        event: SchemaId,
        value: Value,
    },
    Emit {
        step: usize,
        effect: EffectId,
        params: Value,
        grant: GrantId,
        key: Option<Vec<u8>>,
    },
    End {
        result: Option<Value>,
    },
    /// The step is complete, or waits; nothing goes out.
    Nothing,
}

impl PlanInstance {
    /// Runs step `index`, which [`PlanInstance::next`] gave. With `replaced`, a raise is not
    /// evaluated: another event takes its place.
    pub fn tick(
        &mut self,
        schemas: &Schemas,
        plan: &Plan,
        index: usize,
        replaced: bool,
    ) -> Result<Action, PlanError> {
        let step = &plan.steps[index];
        let failed = |cause| PlanError::Step {
            step: step.id.clone(),
            cause,
        };
        let action = match &step.op {
            Op::RaiseEvent { .. } if replaced => Action::Nothing,
            Op::RaiseEvent { event, value } => {
                let value = value.eval(&self.scope(None)).map_err(failed)?;
                self.hold().results.insert(step.id.clone(), value.clone());
                Action::Raise {
                    event: *event,
                    value,
                }
            }
            Op::EmitEffect {
                effect,
                params,
                grant,
                idempotency_key,
                ..
            } => {
                let params = params.eval(&self.scope(None)).map_err(failed)?;
                let key = self.idempotency_key(idempotency_key.as_ref(), &step.id)?;
                Action::Emit {
                    step: index,
                    effect: *effect,
                    params,
                    grant: *grant,
                    key,
                }
            }
            Op::AwaitReceipt { var, .. } | Op::AwaitEvent { var, .. } => {
                if let Op::AwaitReceipt { receipt_for, .. } = &step.op {
                    // An effect that was not asked for has no receipt: nothing would end the wait.
                    receipt_for.eval(&self.scope(None)).map_err(failed)?;
                }
                let Some(value) = self.awaited(plan, index).cloned() else {
                    self.status[index] = PlanStatus::Waiting;
                    return Ok(Action::Nothing);
                };
                let held = self.hold();
                held.arrived.remove(&index);
                held.give(var, &step.id, value);
                Action::Nothing
            }
            Op::Assign { expr, var } => {
                let value = expr.eval(&self.scope(None)).map_err(failed)?;
                let value = of_local(schemas, plan, var, value).map_err(|error| {
                    let what = error.to_string();
                    let step = step.id.clone();
                    PlanError::Refused { step, what }
                })?;
                self.hold().give(var, &step.id, value);
                Action::Nothing
            }
            Op::End { result } => {
                let result = result.as_ref().map(|result| result.eval(&self.scope(None)));
                Action::End {
                    result: result.transpose().map_err(failed)?,
                }
            }
        };
        self.status[index] = PlanStatus::Completed;
        // What goes out does so before the step is complete; an end is recorded if they hold.
        if !matches!(action, Action::Emit { .. } | Action::Raise { .. }) {
            self.check_invariants(plan, index)?;
        }
        Ok(action)
    }

    fn idempotency_key(
        &self,
        key: Option<&Expr>,
        step: &str,
    ) -> Result<Option<Vec<u8>>, PlanError> {
        let Some(key) = key else { return Ok(None) };
        match key.eval(&self.scope(None)) {
            Ok(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Ok(Value::Text(text)) => Ok(Some(text.into_bytes())),
            Ok(_) => Err(PlanError::Key {
                step: step.to_owned(),
            }),
            Err(cause) => Err(PlanError::Step {
                step: step.to_owned(),
                cause,
            }),
        }
    }

    /// Plan invariants hold after each step and at the end. The kernel checks them where it had
    /// to do something to complete the step.
    #[inline]
    pub fn check_invariants(&self, plan: &Plan, index: usize) -> Result<(), PlanError> {
        if plan.invariants.is_empty() {
            return Ok(());
        }
        self.check_each(plan, index)
    }

    fn check_each(&self, plan: &Plan, index: usize) -> Result<(), PlanError> {
        let step = || plan.steps[index].id.clone();
        for (index, invariant) in plan.invariants.iter().enumerate() {
            match invariant.eval(&self.scope(None)) {
                Ok(Value::Bool(true)) => {}
                // An invariant over what is not there yet has nothing to say yet.
                Err(EvalError::Missing(_)) => {}
                Ok(_) => {
                    return Err(PlanError::Invariant {
                        index,
                        step: step(),
                    });
                }
                Err(cause) => {
                    return Err(PlanError::InvariantFailed {
                        index,
                        step: step(),
                        cause,
                    });
                }
            }
        }
        Ok(())
    }
}

/// The value as the variable is declared, for what reads the variable relies on its schema.
fn of_local(schemas: &Schemas, plan: &Plan, var: &str, value: Value) -> Result<Value, ValueError> {
    let Some(local) = plan.locals.get(var) else {
        return Ok(value);
    };
    let bytes = schemas.encode(*local, &value)?;
    schemas.decode(*local, &bytes)
}
