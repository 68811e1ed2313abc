//! One moment of a run, and the ids of the values that decide what is said of it.

use smallvec::SmallVec;
use twox_hash::XxHash3_128;

use crate::moments::Moment;
use sim_air::{EffectId, PlanId, ReducerId};
use sim_record::trace::{Asker, Emitted, Intent, Status, Step, Trace, ValueId};

/// The ids of the values that decide what is said.
pub(crate) type Ids = SmallVec<[u32; 16]>;

/// One moment of a run.
#[derive(Clone, Copy)]
pub(crate) enum At<'t> {
    Receipt {
        effect: EffectId,
        params: ValueId,
        plan: Option<(PlanId, ValueId)>,
        status: Status,
        value: ValueId,
    },
    Sent(&'t Emitted, By),
    Effect(&'t Intent),
    Step(&'t Step),
    Turn,
}

/// Who gave something out.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Reducer(ReducerId),
    Plan(Option<PlanId>),
}

/// An id as a number; 0 is none.
pub(crate) fn id(value: Option<ValueId>) -> u32 {
    value.map_or(0, |id| id.index() as u32 + 1)
}

impl At<'_> {
    pub fn moment(&self) -> Moment {
        match self {
            At::Receipt { .. } => Moment::Receipt,
            At::Sent(..) => Moment::Sent,
            At::Effect(_) => Moment::Effect,
            At::Step(_) => Moment::Step,
            At::Turn => Moment::Turn,
        }
    }

    pub fn reducer(&self) -> Option<ReducerId> {
        match self {
            At::Step(step) => Some(step.reducer),
            _ => None,
        }
    }

    /// What tells it from others with other values.
    pub fn ids(&self, group: usize, trace: &Trace) -> Ids {
        let mut ids: Ids = SmallVec::new();
        ids.push(group as u32);
        let of_intent = |ids: &mut Ids, intent: &Intent| {
            let asker = match intent.asker {
                Asker::Reducer { reducer, .. } => reducer.index() << 1,
                Asker::Plan { plan, .. } => plan.index() << 1 | 1,
            };
            ids.extend([intent.effect.index() as u32, id(Some(intent.params))]);
            ids.extend([asker as u32, id(intent.input), u32::from(intent.allowed)]);
        };
        match self {
            At::Receipt {
                effect,
                params,
                plan,
                status,
                value,
            } => {
                let of_plan = plan.map_or([0, 0], |(plan, input)| {
                    [plan.index() as u32 + 1, id(Some(input))]
                });
                ids.extend([effect.index() as u32, id(Some(*params))]);
                ids.extend(of_plan);
                ids.extend([*status as u32, id(Some(*value))]);
            }
            At::Sent(emitted, by) => {
                let by = match by {
                    By::Reducer(reducer) => reducer.index() << 1,
                    By::Plan(plan) => (plan.map_or(0, |plan| plan.index() + 1)) << 1 | 1,
                };
                ids.extend([emitted.schema.index() as u32, id(Some(emitted.value)), by as u32]);
            }
            At::Effect(intent) => of_intent(&mut ids, intent),
            At::Step(step) => {
                ids.extend([id(step.key), step.schema.index() as u32, id(Some(step.event))]);
                ids.extend([id(step.before), id(step.after)]);
                for emitted in trace.emitted_in(&step.emitted) {
                    ids.extend([emitted.schema.index() as u32, id(Some(emitted.value))]);
                }
                ids.push(u32::MAX);
                for intent in trace.intents_in(&step.intents) {
                    of_intent(&mut ids, intent);
                }
            }
            At::Turn => {}
        }
        ids
    }
}

/// For the tables of what is known.
pub(crate) fn hash(ids: &[u32]) -> u64 {
    let bytes: SmallVec<[u8; 128]> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    XxHash3_128::oneshot(&bytes) as u64
}

/// The plan that asks, and its input.
pub(crate) fn plan_of(intent: &Intent) -> Option<(PlanId, ValueId)> {
    match intent.asker {
        Asker::Plan { plan, .. } => Some((plan, intent.input?)),
        Asker::Reducer { .. } => None,
    }
}

/// Whether nothing came of a step.
pub(crate) fn is_still(at: &At<'_>) -> bool {
    match at {
        At::Step(step) => {
            step.is_unchanged() && step.emitted.is_empty() && step.intents.is_empty()
        }
        _ => true,
    }
}

