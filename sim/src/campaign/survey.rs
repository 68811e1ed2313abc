//! A look at a world before its campaign: which events do its reducers emit themselves?
//!
//! Documents do not say what a reducer emits. What it was seen to emit while clients sent only the
//! rest is no client's from then on. A few seeds, always the same; what they violate is left for the
//! campaign to find.

use std::collections::BTreeSet;

use super::Runner;
use crate::random::Seed;
use crate::reducer::StepError;
use crate::scenario::{Bounds, Faults, Knob, Mix, PlanMode, Scenario};
use crate::trace::Trace;
use crate::workload::generic::Generic;
use crate::workload::retry::Retry;
use crate::world::{ArmIndex, Source, World, variant_tag};

const SEEDS: u64 = 48;
/// Runs are short: what a reducer emits at all it mostly emits soon.
const TURNS: u32 = 60;
const HEALING_TURNS: u32 = 60;

/// Finds out which events come from within, and notes it in the world's arms. Nothing is done in a
/// world whose clients are known.
///
/// # Errors
/// If a reducer cannot be run.
pub fn survey(world: &mut World) -> Result<(), StepError> {
    if Retry::of(&world.air).is_some() {
        return Ok(());
    }
    let before = world.arms.clone();
    let suspects = emitted(world)?;
    let is_clients = |index: &ArmIndex| before.all()[*index].source == Source::Client;
    let suspects: Vec<ArmIndex> = suspects.into_iter().filter(is_clients).collect();
    if suspects.is_empty() {
        return Ok(());
    }
    world.arms.emitted_within(&suspects);
    // What is not emitted once clients leave it alone was theirs after all.
    let again = emitted(world)?;
    let proven: Vec<ArmIndex> = suspects
        .into_iter()
        .filter(|index| again.contains(index))
        .collect();
    world.arms = before;
    world.arms.emitted_within(&proven);
    Ok(())
}

/// The arms that reducers emit in a few runs.
fn emitted(world: &World) -> Result<BTreeSet<ArmIndex>, StepError> {
    let workload = Generic::of(world);
    let mut runner = Runner::new(world, &workload)?;
    runner.remember_steps();
    let bounds = Bounds {
        turns: TURNS,
        healing_turns: HEALING_TURNS,
        ..Bounds::default()
    };
    // No strays: what comes of an event that nobody sent proves nothing.
    let faults = Faults::of([
        (Knob::Ok, 10),
        (Knob::Transient, 10),
        (Knob::Terminal, 5),
        (Knob::Duplicate, 5),
        (Knob::SecondStart, 5),
        (Knob::Reorder, 30),
        (Knob::StartEarly, 50),
    ]);
    let mut found = BTreeSet::new();
    for seed in (0..SEEDS).map(Seed) {
        let scenario = Scenario {
            faults,
            ..runner.scenario(seed, PlanMode::AsWritten, bounds, Mix::Swarm)
        };
        let checked = runner.seed(seed, &scenario);
        add_emitted(world, &runner.trace, &mut found);
        if !checked.violations.is_empty() {
            break;
        }
    }
    Ok(found)
}

fn add_emitted(world: &World, trace: &Trace, found: &mut BTreeSet<ArmIndex>) {
    for step in &trace.steps {
        for event in trace.emitted_in(&step.emitted) {
            let tag = variant_tag(trace.bytes(event.value));
            found.extend(world.arms.find(event.schema, tag));
        }
    }
}
