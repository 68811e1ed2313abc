//! The journal alone rebuilds the state, at the end of every turn.

use libtest_mimic::Trial;
use sim::campaign::Runner;
use sim::random::Seed;
use sim::scenario::{Bounds, PlanMode};
use sim::trace::{Record, Trace};
use sim::workload;
use sim::world::{Kernel, ReplayError, replay};

use super::trial;
use crate::support::{http_world, retry_world};

const SEEDS: u64 = 20;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let seeds = seed.map_or(0..SEEDS, |seed| seed.0..seed.0.saturating_add(1));
    vec![
        trial("journal", "rebuilds_the_state", move || {
            seeds.map(Seed).for_each(rebuilds)
        }),
        trial("journal", "snapshot_stands_for_what_came_before", snapshot),
        trial("journal", "of_another_world", of_another_world),
    ]
}

fn run(seed: Seed) -> Trace {
    let world = retry_world();
    let workload = workload::of(&world.air);
    let mut runner = Runner::new(world, &*workload).expect("the reducer can be run");
    let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default());
    runner.seed(seed, &scenario);
    runner.trace
}

fn rebuilds(seed: Seed) {
    let trace = run(seed);
    let reducer = retry_world()
        .air
        .reducer_ids()
        .next()
        .expect("the world has a reducer");
    let mut expected = None;
    for turn in &trace.turns {
        if let Some(step) = trace.steps_of(turn).last() {
            expected = step.after.map(|span| trace.bytes(span));
        }
        let records = turn.journal.end as usize;
        let (kernel, rebuilt) = replay(retry_world(), &trace, records).expect("it can be replayed");
        let found = kernel.state(reducer, None).map(|span| rebuilt.bytes(span));
        assert_eq!(found, expected, "seed {seed}, after {records} records");
    }
}

/// A journal in which only the snapshot is left of the past gives the same state.
fn snapshot() {
    let world = retry_world();
    let reducer = world
        .air
        .reducer_ids()
        .next()
        .expect("the world has a reducer");
    let mut long = run(Seed(0));
    let (kernel, mut source): (Kernel<'_>, Trace) =
        replay(world, &long, long.journal.len()).expect("it can be replayed");
    let state = kernel
        .state(reducer, None)
        .map(|span| source.bytes(span).to_vec());
    assert!(state.is_some(), "the run leaves a state");
    kernel.snapshot(&mut source);
    source
        .journal
        .retain(|record| !matches!(record, Record::DomainEvent { .. }));
    let (rebuilt, trace) = replay(world, &source, source.journal.len()).expect("it can be");
    assert_eq!(
        rebuilt
            .state(reducer, None)
            .map(|span| trace.bytes(span).to_vec()),
        state
    );
    assert_eq!(trace.steps, [], "nothing was stepped again");
    long.journal.clear();
    let (empty, _) = replay(world, &long, 0).expect("it can be replayed");
    assert_eq!(
        empty.state(reducer, None),
        None,
        "the state came from the snapshot"
    );
}

fn of_another_world() {
    let trace = run(Seed(0));
    let other = http_world();
    let error = replay(&other, &trace, trace.journal.len()).err();
    assert_eq!(error, Some(ReplayError::OtherWorld { index: 0 }));
}
