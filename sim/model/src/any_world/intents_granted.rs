//! `intents_granted`: what a reducer or a plan asks for, it may have.
//!
//! Verifies that the effect gate lets every effect pass: its grant is there and not expired, its
//! parameters are covered, the policy allows it. Does not verify that it should have been asked
//! for, nor denials that the world's author expects.

use std::borrow::Cow;

use crate::property::Finding;
use sim_kernel::World;
use sim_record::trace::{Asker, Intent, Record, Trace, Turn};

pub(super) fn check(world: &World, trace: &Trace, turn: &Turn) -> Finding {
    let intents = trace.intents_in(&turn.intents);
    let is_wrong = |intent: &&Intent| {
        let kind = &world.air.effects[intent.effect.index()].kind;
        !intent.allowed && !world.expected.denied(kind)
    };
    let Some(intent) = intents.iter().find(is_wrong) else {
        return match intents.iter().any(|intent| intent.allowed) {
            true => Finding::Holds,
            false => Finding::NotApplicable,
        };
    };
    let air = &world.air;
    let by = match intent.asker {
        Asker::Reducer { reducer, .. } => &air.reducers[reducer.index()].name,
        Asker::Plan { plan, .. } => &air.plans[plan.index()].name,
    };
    let kind = &air.effects[intent.effect.index()].kind;
    let grant = &air.grants[intent.grant.index()].name;
    Finding::violated(
        format!("the effect gate lets `{kind}` of `{by}` pass, by the grant `{grant}`"),
        format!("it was denied: {}", why(trace, intent)),
    )
}

/// What the gate said, as the journal has it.
fn why<'a>(trace: &'a Trace, intent: &Intent) -> Cow<'a, str> {
    let denied = trace.journal.iter().rev().find_map(|record| match record {
        Record::CapDecision {
            intent: hash,
            denied_by,
        } if *hash == intent.hash => Some(denied_by.map(|rule| rule.says(trace))),
        _ => None,
    });
    denied
        .flatten()
        .unwrap_or(Cow::Borrowed("the policy says no"))
}
