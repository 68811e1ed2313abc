//! What reaches a plan instance from outside: intents that were sent, receipts, events.

use super::held::Sent;
use super::{PlanError, PlanInstance, PlanStatus};
use sim_air::{Hash, Op, Plan, SchemaId, Value};
use sim_record::trace::IntentHash;

impl PlanInstance {
    /// The kernel sent the effect that step `index` asked for.
    pub fn sent(&mut self, plan: &Plan, index: usize, (intent, hash): (IntentHash, &Hash)) {
        let step = &plan.steps[index];
        let Op::EmitEffect { handle, .. } = &step.op else {
            return;
        };
        let id = Value::text(hash.to_string());
        let held = self.hold();
        held.give(handle, &step.id, id);
        held.effects.push(Sent {
            handle: handle.clone(),
            intent,
            receipt: None,
        });
    }

    /// The receipt of an effect is there. The first one counts; false if none was awaited.
    pub fn receive(&mut self, intent: IntentHash, receipt: Value) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        let open = held
            .effects
            .iter_mut()
            .find(|sent| sent.intent == intent && sent.receipt.is_none());
        match open {
            Some(sent) => {
                sent.receipt = Some(receipt);
                true
            }
            None => false,
        }
    }

    /// Whether an await of this schema is waiting.
    pub fn awaits(&self, plan: &Plan, schema: SchemaId) -> bool {
        plan.steps.iter().zip(&self.status).any(|(step, status)| {
            matches!(&step.op, Op::AwaitEvent { event, .. } if *event == schema)
                && *status == PlanStatus::Waiting
        })
    }

    /// Shows an event to every await that waits for its schema; the first match stays. Whether any
    /// took it.
    pub fn observe(
        &mut self,
        plan: &Plan,
        schema: SchemaId,
        event: &Value,
    ) -> Result<bool, PlanError> {
        let mut is_taken = false;
        for (index, step) in plan.steps.iter().enumerate() {
            let Op::AwaitEvent {
                event: wanted,
                condition,
                ..
            } = &step.op
            else {
                continue;
            };
            if *wanted != schema || self.status[index] != PlanStatus::Waiting {
                continue;
            }
            let fits = match condition {
                None => true,
                Some(condition) => match condition.eval(&self.scope(Some(event))) {
                    Ok(Value::Bool(fits)) => fits,
                    Ok(_) => {
                        let what = "`where` is not a bool".to_owned();
                        return Err(PlanError::Refused {
                            step: step.id.clone(),
                            what,
                        });
                    }
                    Err(cause) => {
                        return Err(PlanError::Step {
                            step: step.id.clone(),
                            cause,
                        });
                    }
                },
            };
            if fits {
                self.status[index] = PlanStatus::Arrived;
                self.hold().arrived.insert(index, event.clone());
                is_taken = true;
            }
        }
        Ok(is_taken)
    }
}
