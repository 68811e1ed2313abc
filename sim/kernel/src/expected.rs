//! What the author of a world declared to be meant, though it would otherwise be a violation, or
//! something that must be seen and never was.
//!
//! Names are checked against the documents when they are read. Judges nothing.

use std::collections::BTreeSet;

use super::{Arms, local_name};
use sim_air::Air;

/// The declarations for one world.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Expected {
    /// Plans, or `plan/step`, that may end in an error.
    plan_errors: BTreeSet<String>,
    /// Kinds of effects that the gate may deny.
    denied: BTreeSet<String>,
    /// Labels of events that no reducer need accept.
    unaccepted: BTreeSet<String>,
    /// Plans that need not be started.
    unstarted: BTreeSet<String>,
    /// The world never comes to rest, as one with a heartbeat.
    pub is_restless: bool,
    /// A reducer must not lose memory from step to step, though the host makes up for it.
    pub forbids_leaks: bool,
}

/// A declaration that cannot be read, or names what is not there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{text}`: {what}")]
pub struct ExpectError {
    text: String,
    what: String,
}

impl Expected {
    /// Adds what a text such as `plan-error=WorkPlan` declares.
    ///
    /// # Errors
    /// If it is no declaration, or what it names is not in the documents.
    pub fn add(&mut self, air: &Air, arms: &Arms, text: &str) -> Result<(), ExpectError> {
        let refuse = |what: String| ExpectError {
            text: text.to_owned(),
            what,
        };
        if text == "restless" {
            self.is_restless = true;
            return Ok(());
        }
        let (what, name) = text.split_once('=').ok_or_else(|| {
            refuse(
                "expected plan-error=PLAN, denied=KIND, unaccepted=EVENT, unstarted=PLAN or \
                 restless"
                    .to_owned(),
            )
        })?;
        let (known, into): (Vec<String>, _) = match what {
            "plan-error" => (plans_and_steps(air), &mut self.plan_errors),
            "denied" => {
                let kinds = air.effects.iter().map(|effect| effect.kind.clone());
                (kinds.collect(), &mut self.denied)
            }
            "unaccepted" => {
                let labels = arms.all().iter().map(|arm| arm.label(air).to_owned());
                (labels.collect(), &mut self.unaccepted)
            }
            "unstarted" => {
                let plans = air.plans.iter().map(|plan| local_name(&plan.name));
                (plans.map(str::to_owned).collect(), &mut self.unstarted)
            }
            _ => {
                let known = "plan-error, denied, unaccepted or unstarted";
                return Err(refuse(format!("`{what}` is not one of {known}")));
            }
        };
        // An event goes by its arm, or by the name of its schema, with or without namespace.
        let name = match what {
            "unaccepted" if !known.iter().any(|known| known == name) => local_name(name),
            _ => name,
        };
        if !known.iter().any(|known| known == name) {
            let mut known = known;
            known.sort();
            known.dedup();
            let known = known.join(", ");
            return Err(refuse(format!("the documents have no `{name}`: {known}")));
        }
        into.insert(name.to_owned());
        Ok(())
    }

    /// Whether a plan may end in an error, which `step` caused if it is known.
    pub fn plan_error(&self, plan: &str, step: Option<&str>) -> bool {
        if self.plan_errors.is_empty() {
            return false;
        }
        let plan = local_name(plan);
        let of_step = |step: &str| self.plan_errors.contains(&format!("{plan}/{step}"));
        self.plan_errors.contains(plan) || step.is_some_and(of_step)
    }

    /// Whether the gate may deny effects of a kind.
    pub fn denied(&self, kind: &str) -> bool {
        self.denied.contains(kind)
    }

    /// Whether an event of that label need not be accepted by any reducer.
    pub fn unaccepted(&self, label: &str) -> bool {
        self.unaccepted.contains(label)
    }

    /// Whether a plan need not be started.
    pub fn unstarted(&self, plan: &str) -> bool {
        self.unstarted.contains(local_name(plan))
    }
}

fn plans_and_steps(air: &Air) -> Vec<String> {
    let mut names = Vec::new();
    for plan in &air.plans {
        let name = local_name(&plan.name);
        let steps = plan.steps.iter().map(|step| format!("{name}/{}", step.id));
        names.extend(steps);
        names.push(name.to_owned());
    }
    names
}
