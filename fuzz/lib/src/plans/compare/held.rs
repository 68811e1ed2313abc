//! What a plan instance holds, as either side tells it.

use std::collections::BTreeMap;

use sim::air::Value;
use sim::kernel::{PlanInstance, PlanStatus};

use crate::plans::forms::DeclaredNames;
use crate::plans::interpret::{Instance, Status};
use crate::plans::value::Val;

/// What an instance holds, as either side tells it.
#[derive(PartialEq, Debug)]
pub struct Held {
    id: u32,
    status: Vec<Status>,
    vars: BTreeMap<String, Val>,
    steps: BTreeMap<String, Val>,
}

impl Held {
    pub fn by_sim(instance: &PlanInstance, names: &DeclaredNames) -> Held {
        let vals = |of: &BTreeMap<String, Value>| -> BTreeMap<String, Val> {
            of.iter()
                .map(|(name, value)| (name.clone(), value.into()))
                .collect()
        };
        let status = |(step, status): (usize, &PlanStatus)| match status {
            PlanStatus::Pending => Status::Pending,
            PlanStatus::Waiting => Status::Waiting(None),
            PlanStatus::Arrived => Status::Waiting(instance.arrived(step).map(Val::from)),
            PlanStatus::Completed => Status::Completed,
            PlanStatus::Skipped => Status::Skipped,
        };
        let mut steps = vals(instance.results());
        // It keeps what a step raised too, which nothing can refer to.
        steps.retain(|id, _| names.steps.contains(id));
        Held {
            id: instance.id,
            status: instance.statuses().iter().enumerate().map(status).collect(),
            vars: vals(instance.vars()),
            steps,
        }
    }

    pub fn by_reference(instance: &Instance) -> Held {
        Held {
            id: instance.id,
            status: instance.status.clone(),
            vars: instance.vars.clone(),
            steps: instance.results.clone(),
        }
    }
}
