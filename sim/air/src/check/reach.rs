//! What nothing ever reaches: a reducer that no event is routed to, a plan that no trigger starts.
//!
//! Nothing of it refuses a world, which runs as well without. A warning stands where the document
//! has its name.

use super::index::WorldDocuments;
use crate::air::Air;
use crate::problems::list::Problems;
use crate::problems::problem::Problem;
use crate::text::quote::quote;

pub fn check(world: &WorldDocuments, air: &Air, problems: &mut Problems) {
    let mut warn = |kind: &str, name: &str, message: String, hint: &str| {
        let document = world.of_kind(kind).iter();
        if let Some(document) = { document }.find(|document| document.name.it == name) {
            problems.push(Problem::warning(document.name.place, message).hint(hint));
        }
    };
    for (id, reducer) in air.reducer_ids().zip(&air.reducers) {
        if air.routes.iter().all(|route| route.reducer != id) {
            let message = format!(
                "no event is routed to {}: it never takes a step",
                quote(&reducer.name)
            );
            let hint = "add an entry to `routing.events` of the manifest";
            warn("defmodule", &reducer.name, message, hint);
        }
    }
    for (index, plan) in air.plans.iter().enumerate() {
        if air
            .triggers
            .iter()
            .all(|trigger| trigger.plan.index() != index)
        {
            let message = format!("no trigger starts {}: it never runs", quote(&plan.name));
            let hint = "add an entry to `triggers` of the manifest";
            warn("defplan", &plan.name, message, hint);
        }
    }
}
