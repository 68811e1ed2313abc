//! Whole runs on instrumented reducers, beside the same runs on the originals.

use libtest_mimic::Trial;
use retry_world::planted_wasm;
use sim::campaign::{Checked, Effort, Runner};
use sim::host::{Code, Coverage, Limits, default_cache_dir};
use sim::kernel::World;
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};
use sim::trace::{Fault, Trace};

use super::trial;
use crate::support::documents;

/// Seeds of one trial, unless one is given.
const SEEDS: u64 = 40;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let shipped = trial("same", "shipped", move || {
        compare(retry_world::WASM, seed, 5 * SEEDS)
    });
    let planted = planted::BUGS.iter().map(|(number, name)| {
        trial("same", name, move || {
            compare(&planted_wasm(*number), seed, SEEDS)
        })
    });
    [shipped].into_iter().chain(planted).collect()
}

/// Little fuel, for those that loop.
fn limits() -> Limits {
    Limits {
        fuel_per_step: 1_000_000,
        ..Limits::default()
    }
}

fn compare(wasm: &[u8], seed: Option<Seed>, seeds: u64) {
    let cache = default_cache_dir();
    let air = documents("air");
    let plain = Code::load(wasm, limits(), cache.as_deref()).expect("it is a reducer");
    let instrumented =
        Code::load_instrumented(wasm, limits(), cache.as_deref()).expect("it can be instrumented");
    assert_eq!(plain.hash(), instrumented.hash());
    assert_eq!(plain.sites(), None);
    let plain = World::new(air.clone(), vec![plain]);
    let instrumented = World::new(air, vec![instrumented]);
    let seeds: Vec<Seed> = match seed {
        Some(seed) => vec![seed],
        None => (0..seeds).map(Seed).collect(),
    };
    let (expected, nothing) = run(&plain, &seeds);
    let (found, coverage) = run(&instrumented, &seeds);
    for (seed, (expected, found)) in seeds.iter().zip(expected.iter().zip(&found)) {
        assert_eq!(expected, found, "seed {}", seed.0);
    }
    assert_eq!(nothing, Coverage::default());
    assert!(coverage.reached() > 100, "{} blocks", coverage.reached());
}

/// What each seed came to, and what was reached in all of them.
fn run(world: &World, seeds: &[Seed]) -> (Vec<(Checked, Vec<String>)>, Coverage) {
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("an instance can be made");
    runner.set_effort(Effort::Sampled);
    let mut coverage = Coverage::default();
    let runs = seeds.iter().map(|seed| {
        let scenario = runner.scenario(*seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        let checked = runner.seed(*seed, &scenario);
        let (reducer, _) = world.reducers().next().expect("there is one");
        runner.take_coverage(reducer, &mut coverage);
        (checked, errors(&runner.trace))
    });
    (runs.collect(), coverage)
}

/// Why steps failed, in order.
fn errors(trace: &Trace) -> Vec<String> {
    let faults = trace.steps.iter().filter_map(|step| step.fault.as_deref());
    let stopped = faults.filter_map(|fault| match fault {
        Fault::Stopped { what, .. } => Some(what.clone()),
        _ => None,
    });
    stopped.collect()
}
