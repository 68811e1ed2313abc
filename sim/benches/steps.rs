//! How fast steps are, each rate beside those that it should be judged by.
//!
//! All benchmarks take the same steps: those of a fixed range of seeds on the retry world. At the
//! end their rates are put side by side as ratios, which hold where absolute figures do not.
//!
//! - `guest`: the reducer alone: prepared envelopes in, outputs read, on one reused instance.
//! - `fresh`: the same with a store and an instance made for every step.
//! - `simulation`: whole runs: choices, kernel, journal, digest and every invariant.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput};
use sim::air;
use sim::campaign::Runner;
use sim::random::Seed;
use sim::reducer::{Code, Limits, Output, StepInput, default_cache_dir, encode_envelope};
use sim::scenario::{Bounds, Mix, PlanMode};
use sim::workload;
use sim::world::World;

const SEEDS: u64 = 256;

fn main() {
    let world = retry_world();
    let inputs = inputs(&world);
    let code = world.code(
        world
            .air
            .reducer_ids()
            .next()
            .expect("the world has a reducer"),
    );
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("steps");
    group.throughput(Throughput::Elements(inputs.len() as u64));
    let mut output = Output::default();
    let mut instance = code.instance().expect("there is room for an instance");
    group.bench_function("guest", |bencher| {
        bencher.iter(|| {
            for input in &inputs {
                instance
                    .step_encoded(input, &mut output)
                    .expect("the step succeeds");
                black_box(&output);
            }
        });
    });
    drop(instance);
    group.bench_function("fresh", |bencher| {
        bencher.iter(|| {
            for input in &inputs {
                let mut instance = code.instance().expect("there is room for an instance");
                instance
                    .step_encoded(input, &mut output)
                    .expect("the step succeeds");
                black_box(&output);
            }
        });
    });
    group.bench_function("simulation", |bencher| {
        let workload = workload::of(&world.air);
        let mut runner = Runner::new(&world, &*workload).expect("the reducer can be run");
        bencher.iter(|| run_seeds(&mut runner, |_| {}));
    });
    group.finish();
    criterion.final_summary();
    print_ratios(inputs.len());
}

/// The retry world with the reducer that ships.
fn retry_world() -> World {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../air");
    let sources = sim::cli::sources(&folder).expect("they can be read");
    let air = air::load(&sources).unwrap_or_else(|error| panic!("{error}"));
    let code = Code::load(
        sim::RETRY_SM,
        Limits::default(),
        default_cache_dir().as_deref(),
    );
    World::new(air, vec![code.expect("the wasm is a reducer")])
}

fn run_seeds(runner: &mut Runner<'_>, mut look: impl FnMut(&Runner<'_>)) {
    for seed in (0..SEEDS).map(Seed) {
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        runner.seed(seed, &scenario);
        look(runner);
    }
}

/// The input envelope of every step of the seeds.
fn inputs(world: &World) -> Vec<Vec<u8>> {
    let workload = workload::of(&world.air);
    let mut runner = Runner::new(world, &*workload).expect("the reducer can be run");
    let mut inputs = Vec::new();
    run_seeds(&mut runner, |runner| {
        for step in &runner.trace.steps {
            let input = StepInput {
                state: step.before.map(|span| runner.trace.bytes(span)),
                schema: world.air.schemas.name(step.schema),
                value: runner.trace.bytes(step.event),
                key: None,
                ctx: None,
            };
            let mut envelope = Vec::new();
            encode_envelope(&input, &mut envelope);
            inputs.push(envelope);
        }
    });
    inputs
}

/// Puts side by side what criterion measured; nothing if it was asked to measure only a part.
fn print_ratios(steps: usize) {
    let Some(rates) = ["guest", "fresh", "simulation"]
        .iter()
        .map(|name| rate(name, steps).map(|rate| (*name, rate)))
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    println!("\nsteps per second   of guest   of fresh");
    for (name, rate) in &rates {
        let (guest, fresh) = (rates[0].1, rates[1].1);
        println!(
            "{name:<11} {rate:>9.0}   {:>5.2}   {:>7.2}",
            rate / guest,
            rate / fresh
        );
    }
}

/// Steps per second by criterion's estimate of the median.
fn rate(name: &str, steps: usize) -> Option<f64> {
    let target = std::env::current_exe().ok()?;
    let target = target
        .ancestors()
        .find(|folder| folder.join("criterion").is_dir())?;
    let path = target
        .join("criterion/steps")
        .join(name)
        .join("new/estimates.json");
    let text = std::fs::read_to_string(path).ok()?;
    let estimates: serde_json::Value = serde_json::from_str(&text).ok()?;
    let median_ns = estimates["median"]["point_estimate"].as_f64()?;
    Some(steps as f64 * 1e9 / median_ns)
}
