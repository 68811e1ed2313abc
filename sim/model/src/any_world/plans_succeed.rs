//! `plans_succeed`: a plan that was started ends as it was written to end.
//!
//! Verifies that no plan instance ends in an error: a false invariant, an expression without a
//! value, a guard that is no bool, a value that its schema refuses. An effect that the gate denies
//! ends its plan as well; `intents_granted` alone reports that. Does not verify that a plan ends
//! at all, nor errors that the world's author expects.

use crate::property::Finding;
use sim_kernel::World;
use sim_record::trace::{Asker, Record, Trace, Turn};

pub(super) fn check(world: &World, trace: &Trace, turn: &Turn) -> Finding {
    let journal = trace.journal_in(&turn.journal);
    let mut finding = Finding::NotApplicable;
    for record in journal {
        let Record::PlanEnded {
            plan,
            instance,
            error,
        } = record
        else {
            continue;
        };
        let Some(error) = error else {
            finding = Finding::Holds;
            continue;
        };
        let definition = &world.air.plans[plan.index()];
        let last_step = journal.iter().rev().find_map(|record| match record {
            Record::PlanStep {
                instance: of, step, ..
            } if of == instance => Some(definition.steps[*step as usize].id.as_str()),
            _ => None,
        });
        let was_denied = trace.intents_in(&turn.intents).iter().any(|intent| {
            let by_it = matches!(intent.asker, Asker::Plan { instance: of, .. } if of == *instance);
            by_it && !intent.allowed
        });
        if was_denied || world.expected.plan_error(&definition.name, last_step) {
            continue;
        }
        return Finding::violated(
            format!("an instance of `{}` ends without error", definition.name),
            error.to_string(),
        );
    }
    finding
}
