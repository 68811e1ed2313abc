//! A look at a world before its campaign: which events do its reducers emit themselves, and with
//! which state do they begin?
//!
//! Documents do not say what a reducer emits. What it was seen to emit while clients sent only the
//! rest is no client's from then on. A few seeds, always the same; what they violate is left for
//! the campaign to find.

use std::collections::BTreeSet;

use super::Runner;
use sim_air::{Reducer, ReducerId, Type, Value};
use sim_host::{Output, StepError, StepInput};
use sim_kernel::{ArmIndex, EventSource, World, variant_tag};
use sim_model::Model;
use sim_model::generic::Generic;
use sim_model::sample;
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Faults, Knob, Mix, PlanMode, Scenario};
use sim_record::trace::{Often, Trace};

const SEEDS: u64 = 48;
/// Runs are short: what a reducer emits at all it mostly emits soon.
const TURNS: u32 = 60;
const LIVENESS_TURNS: u32 = 60;

/// Finds out which events come from within, and notes it in the world's arms: for a world whose
/// clients no model knows.
///
/// # Errors
/// If a reducer cannot be run.
pub fn survey(world: &mut World) -> Result<(), StepError> {
    world.initial_states = initial_states(world)?;
    let before = world.arms.clone();
    let suspects = emitted(world)?;
    let is_clients = |index: &ArmIndex| before.all()[*index].source == EventSource::Client;
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

/// The states to which two arms or more lead where there was none: no single arm leads there. One
/// event of each arm is tried, the plainest. A reducer with a context is not asked.
fn initial_states(world: &World) -> Result<Vec<(ReducerId, Vec<u8>)>, StepError> {
    let mut found = Vec::new();
    for (id, reducer) in world.reducers() {
        let mut states: Vec<Vec<u8>> = Vec::new();
        for event in plainest_events(world, reducer) {
            if let Some(state) = first_state(world, id, &event)? {
                states.push(state);
            }
        }
        states.sort();
        let again = states.windows(2).filter(|pair| pair[0] == pair[1]);
        let mut initial: Vec<_> = again.map(|pair| (id, pair[0].clone())).collect();
        initial.dedup();
        found.append(&mut initial);
    }
    Ok(found)
}

/// An event of each arm of the reducer's variant.
fn plainest_events(world: &World, reducer: &Reducer) -> Vec<Vec<u8>> {
    let schemas = &world.air.schemas;
    let Type::Variant(variant) = schemas.resolve(schemas.ty(reducer.event)) else {
        return Vec::new();
    };
    let events = variant.arms().iter().filter_map(|arm| {
        let event = Value::Variant {
            tag: arm.tag.clone(),
            value: Box::new(sample::plainest(schemas, &arm.ty)),
        };
        schemas.encode(reducer.event, &event).ok()
    });
    events.collect()
}

/// The state after an event that is the first one; None if it is refused or leaves none.
fn first_state(world: &World, id: ReducerId, event: &[u8]) -> Result<Option<Vec<u8>>, StepError> {
    let reducer = &world.air.reducers[id.index()];
    let schemas = &world.air.schemas;
    let key = match reducer.key_schema {
        Some(schema) => {
            let key = sample::plainest(schemas, schemas.ty(schema));
            schemas.encode(schema, &key).ok()
        }
        None => None,
    };
    if reducer.context.is_some() || reducer.key_schema.is_some() != key.is_some() {
        return Ok(None);
    }
    let input = StepInput {
        state: None,
        schema: schemas.name(reducer.event),
        value: event,
        key: key.as_deref(),
        ctx: None,
    };
    let mut output = Output::default();
    if world
        .code(id)
        .instance()?
        .step(&input, &mut output)
        .is_err()
    {
        return Ok(None);
    }
    let mut state = Vec::new();
    let canonical = output
        .state()
        .map(|bytes| schemas.canonicalise(reducer.state, bytes, &mut state));
    Ok(matches!(canonical, Some(Ok(()))).then_some(state))
}

/// The arms that reducers emit in a few runs.
fn emitted(world: &World) -> Result<BTreeSet<ArmIndex>, StepError> {
    let model = Generic::of(world);
    let mut runner = Runner::new(world, &model)?;
    runner.remember_steps();
    let bounds = Bounds {
        turns: TURNS,
        liveness_turns: LIVENESS_TURNS,
        ..Bounds::default()
    };
    // No spurious events: what comes of one proves nothing.
    let knobs = [
        (Knob::Duplicate, 5),
        (Knob::SecondStart, 5),
        (Knob::Reorder, 30),
        (Knob::StartEarly, 50),
    ];
    let answers = model.answers();
    let weights = answers.outcomes().iter();
    let weights = weights.map(|outcome| {
        let weight = if outcome.often == Often::RARELY {
            5
        } else {
            10
        };
        (outcome.name.clone(), weight)
    });
    let faults = Faults::of(knobs, weights);
    let mut found = BTreeSet::new();
    for seed in (0..SEEDS).map(Seed) {
        let scenario = Scenario {
            faults: faults.clone(),
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
