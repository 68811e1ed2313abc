//! `conforms`: what a reducer gives out is what its documents allow.
//!
//! Verifies that the output is a proper envelope, that state, events and parameters fit their
//! schemas, that there is at most one effect, of a declared kind, through a bound slot, and that
//! the effect gate lets it pass. Does not verify that any of it is the right answer.

use super::Finding;
use crate::air::Air;
use crate::trace::{Fault, GateRule, Record, Step, Trace};

pub(super) fn check(air: &Air, trace: &Trace, step: &Step) -> Finding {
    if let Some(fault) = &step.fault {
        return match &**fault {
            Fault::Stopped { .. } => Finding::NotApplicable,
            Fault::Nonconforming { expected, found } => {
                Finding::violated(expected.clone(), found.clone())
            }
        };
    }
    for intent in trace.intents_in(&step.intents) {
        if !intent.allowed {
            let denied = trace.journal.iter().rev().find_map(|record| match record {
                Record::CapDecision {
                    intent: hash,
                    denied_by,
                } if *hash == intent.hash => {
                    Some(denied_by.map_or("the policy says no", GateRule::name))
                }
                _ => None,
            });
            let kind = &air.effects[intent.effect.index()].kind;
            return Finding::violated(
                format!("the effect gate lets `{kind}` pass"),
                denied.unwrap_or("it was denied").to_owned(),
            );
        }
    }
    Finding::Holds
}
