//! One moment of a run, and the values that decide what is said of it.

use crate::moments::Moment;
use crate::properties::Sees;
use sim_air::{EffectId, PlanId, ReducerId};
use sim_kernel::variant_tag;
use sim_record::trace::{Asker, Emitted, Intent, Key, Status, Step, Trace, ValueId};

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

/// Writes a value, or that there is none.
pub(crate) fn write_value(key: &mut Key, trace: &Trace, value: Option<ValueId>) {
    match value {
        None => key.word(0),
        Some(value) => key.word(1).value(trace, value),
    };
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

    /// Writes what conditions see of it.
    pub fn write(&self, trace: &Trace, sees: &Sees, key: &mut Key) {
        match self {
            At::Step(step) => write_step(trace, step, sees, key),
            _ if sees.whole => self.write_whole(trace, key),
            _ => {}
        }
    }

    /// Writes a moment that is no step.
    fn write_whole(&self, trace: &Trace, key: &mut Key) {
        let write = |key: &mut Key, value| write_value(key, trace, value);
        match self {
            At::Receipt {
                effect,
                params,
                plan,
                status,
                value,
            } => {
                key.word(effect.index() as u64).word(*status as u64);
                key.word(plan.map_or(0, |(plan, _)| plan.index() as u64 + 1));
                write(key, plan.map(|(_, input)| input));
                key.value(trace, *params).value(trace, *value);
            }
            At::Sent(emitted, by) => {
                key.word(match by {
                    By::Reducer(reducer) => (reducer.index() as u64) << 1,
                    By::Plan(plan) => plan.map_or(0, |plan| plan.index() as u64 + 1) << 1 | 1,
                });
                key.word(emitted.schema.index() as u64);
                key.value(trace, emitted.value);
            }
            At::Effect(intent) => write_intent(key, trace, intent),
            At::Step(_) => {}
            At::Turn => {}
        }
    }
}

fn write_step(trace: &Trace, step: &Step, sees: &Sees, key: &mut Key) {
    if sees.event {
        key.value(trace, step.event);
    } else if sees.tag {
        key.bytes(
            variant_tag(trace.bytes(step.event))
                .unwrap_or_default()
                .as_bytes(),
        );
    }
    if sees.before {
        write_value(key, trace, step.before);
    }
    if sees.state {
        write_value(key, trace, step.after);
    }
    if sees.key {
        write_value(key, trace, step.key);
    }
    if sees.emitted {
        for emitted in trace.emitted_in(&step.emitted) {
            key.word(emitted.schema.index() as u64)
                .value(trace, emitted.value);
        }
        key.word(u64::MAX);
    }
    if sees.effects {
        for intent in trace.intents_in(&step.intents) {
            write_intent(key, trace, intent);
        }
        key.word(u64::MAX);
    }
    if sees.changed {
        key.word(u64::from(!step.is_unchanged()));
    }
    if sees.still {
        key.word(u64::from(is_still(&At::Step(step))));
    }
    // What is not there excuses a condition that reads it.
    key.word(u64::from(step.before.is_none()) << 1 | u64::from(step.after.is_none()));
}

fn write_intent(key: &mut Key, trace: &Trace, intent: &Intent) {
    let asker = match intent.asker {
        Asker::Reducer { reducer, .. } => reducer.index() << 1,
        Asker::Plan { plan, .. } => plan.index() << 1 | 1,
    };
    key.word(intent.effect.index() as u64).word(asker as u64);
    key.word(u64::from(intent.allowed))
        .value(trace, intent.params);
    write_value(key, trace, intent.input);
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
        At::Step(step) => step.is_unchanged() && step.emitted.is_empty() && step.intents.is_empty(),
        _ => true,
    }
}
