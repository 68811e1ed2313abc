//! Journal records and the gate's decisions in words.

use super::{Gate, TimelineRecord};
use crate::words;
use sim_kernel::{World, local_name};
use sim_record::trace::{self, Asker, Intent, IntentHash, Trace, Turn, ValueId};

/// How much is shown of a recorded event, in characters.
const EVENT_CHARS: usize = 80;

pub(super) fn asker(world: &World, asker: Asker) -> String {
    match asker {
        Asker::Reducer { reducer, .. } => world.air.reducers[reducer.index()].name.clone(),
        Asker::Plan { plan, instance } => {
            let name = &world.air.plans[plan.index()].name;
            format!("{name} #{instance}")
        }
    }
}

/// What the gate said of each effect that a turn asked for.
pub(super) fn gate(world: &World, trace: &Trace, turn: &Turn) -> Vec<Gate> {
    let records = trace.journal_in(&turn.journal);
    let intents = trace.intents_in(&turn.intents).iter();
    let told = intents.map(|intent| {
        let effect = &world.air.effects[intent.effect.index()];
        Gate {
            effect: effect.kind.clone(),
            params: words::value_json(world, effect.params, trace.bytes(intent.params)),
            grant: world.air.grants[intent.grant.index()].name.clone(),
            asker: asker(world, intent.asker),
            allowed: intent.allowed,
            because: because(trace, records, intent),
        }
    });
    told.collect()
}

fn because(trace: &Trace, records: &[trace::Record], intent: &Intent) -> String {
    let mut said = Vec::new();
    for record in records {
        match record {
            trace::Record::CapDecision {
                intent: of,
                denied_by,
            } if *of == intent.hash => said.push(match denied_by {
                None => "the grant covers it".to_owned(),
                Some(rule) => rule.says(trace).into_owned(),
            }),
            trace::Record::PolicyDecision {
                intent: of,
                rule,
                allowed,
            } if *of == intent.hash => said.push(policy(*rule, *allowed)),
            _ => {}
        }
    }
    said.dedup();
    said.join("; ")
}

fn policy(rule: Option<u32>, allowed: bool) -> String {
    match (rule, allowed) {
        (Some(rule), true) => format!("policy rule {rule} allows it"),
        (Some(rule), false) => format!("policy rule {rule} denies it"),
        (None, _) => "no policy rule matches, which denies it".to_owned(),
    }
}

/// The records of a turn.
pub(super) fn records(world: &World, trace: &Trace, turn: &Turn) -> Vec<TimelineRecord> {
    let records = trace.journal_in(&turn.journal).iter();
    let told = records.map(|record| TimelineRecord {
        kind: record.name(),
        text: text(world, trace, record),
    });
    told.collect()
}

/// What a record holds. Intents go by the first digits of their hashes.
fn text(world: &World, trace: &Trace, record: &trace::Record) -> String {
    use trace::Record::*;
    let air = &world.air;
    let short = |intent: &IntentHash| {
        let bytes = trace.bytes(intent.id()).iter().take(4);
        bytes.map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let plan = |plan: &sim_air::PlanId, instance: &u32| {
        format!("{} #{instance}", local_name(&air.plans[plan.index()].name))
    };
    let value = |schema, id: ValueId| words::value_json(world, schema, trace.bytes(id));
    match record {
        Manifest { hash } => hash.to_string(),
        DomainEvent {
            schema,
            value: event,
            at_ns,
            cell: _,
        } => {
            let event = words::event(world, *schema, &value(*schema, *event));
            // The turn tells the whole of it.
            let event = words::clip(&event, EVENT_CHARS);
            format!("{event}, at {}", words::time(*at_ns))
        }
        EffectIntent {
            effect,
            params,
            hash,
            asker: by,
        } => {
            let effect = &air.effects[effect.index()];
            let params = words::fields(&value(effect.params, *params));
            let by = asker(world, *by);
            format!("{} {}: {params}, by {by}", short(hash), effect.kind)
        }
        CapDecision { intent, denied_by } => match denied_by {
            None => format!("{} allowed", short(intent)),
            Some(rule) => format!("{} denied: {}", short(intent), rule.says(trace)),
        },
        PolicyDecision {
            intent,
            rule,
            allowed,
        } => format!("{} {}", short(intent), policy(*rule, *allowed)),
        EffectReceipt {
            effect,
            intent,
            status,
            receipt,
            params: _,
            plan: _,
            cell: _,
        } => {
            let schema = air.effects[effect.index()].receipt;
            let receipt = words::fields(&value(schema, *receipt));
            format!("{} {}: {receipt}", short(intent), status.name())
        }
        PlanStep {
            plan: of,
            instance,
            step,
            replaced,
            at_ns,
        } => {
            let id = &air.plans[of.index()].steps[*step as usize].id;
            let stands_in = if *replaced {
                ", an answer stands in"
            } else {
                ""
            };
            let at = words::time(*at_ns);
            format!("{} {id}{stands_in}, at {at}", plan(of, instance))
        }
        PlanResult {
            plan: of,
            instance,
            result,
        } => {
            let name = plan(of, instance);
            match air.plans[of.index()].output {
                Some(schema) => format!("{name} {}", words::fields(&value(schema, *result))),
                None => name,
            }
        }
        PlanEnded {
            plan: of,
            instance,
            error,
        } => match error {
            None => plan(of, instance),
            Some(error) => format!("{} failed: {error}", plan(of, instance)),
        },
        Snapshot { reducer, state, .. } => {
            let reducer = &air.reducers[reducer.index()];
            let state = match state {
                Some(state) => words::fields(&value(reducer.state, *state)),
                None => "no state".to_owned(),
            };
            format!("{}: {state}", reducer.name)
        }
    }
}
