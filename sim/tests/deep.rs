//! The deep bugs, which guided fuzzing must find: that they are there, and how deep they lie.
//!
//! Each has a case in `fuzz/deep/cases` that opens its lock. Nothing is searched here. With
//! `UPDATE_EXPECT=1` a case is written anew, as those of the corpus are.

use libtest_mimic::Trial;
use sim::campaign::{Effort, Runner};
use sim::cases::{Case, CaseVerdict, WorldHashes, store};
use sim::kernel::World;
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Decision, Mix, PlanMode, Scenario};

use crate::support::{documents, root, trial};

/// The deep machine without a bug.
const NO_BUG: u8 = 100;
/// Seeds that are tried when none is given.
const SEEDS: u64 = 300;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let bugs = planted::DEEP
        .iter()
        .map(|(number, name)| trial(format!("deep::{name}"), || is_caught(*number, name)));
    let needed = planted::DEEP.iter().map(|(number, name)| {
        let test = || each_decision_is_needed(*number, name);
        trial(format!("deep::{name}_needs_every_decision"), test)
    });
    let mut trials: Vec<Trial> = bugs.chain(needed).collect();
    trials.push(trial("deep::no_bug_holds".to_owned(), no_bug_holds));
    trials.push(trial("deep::no_bug_holds_on_seeds".to_owned(), move || {
        let seeds = seed.map_or(0..SEEDS, |seed| seed.0..seed.0.saturating_add(1));
        no_bug_holds_on(seeds);
    }));
    trials
}

fn world(number: u8) -> World {
    let air = documents("fuzz/deep/air");
    sim::selftest::planted_world(&air, &retry_world::planted_wasm(number))
        .expect("the wasm is a reducer")
}

fn case(name: &str) -> Case {
    let path = root("fuzz/deep/cases").join(format!("{name}.json"));
    store::read(&path).expect("it is a case")
}

fn scenario(world: &World, name: &str) -> Scenario {
    let bound = case(name).bind(&world.air);
    bound.expect("it is a case of this world")
}

/// The invariant that is violated first, if any, on instances that nothing else has used.
fn violated(world: &World, scenario: &Scenario, effort: Effort) -> Option<String> {
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    runner.set_effort(effort);
    let checked = runner.replay(scenario);
    assert!(checked.skipped.is_empty(), "every decision is possible");
    let first = checked.violations.first();
    first.map(|found| found.name().to_owned())
}

fn is_caught(number: u8, name: &str) {
    let (world, mut case) = (world(number), case(name));
    let scenario = scenario(&world, name);
    let model = models::of(&world);
    let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
    let digest = runner.replay(&scenario).digest.to_string();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        case.world = WorldHashes::of(&world);
        case.digest = Some(digest.clone());
        let path = root("fuzz/deep/cases").join(format!("{name}.json"));
        std::fs::write(path, case.to_text()).expect("it can be written");
    }
    let Some(CaseVerdict::Violated(expected)) = &case.verdict else {
        panic!("the case says that it holds");
    };
    for effort in [Effort::Plain, Effort::Thorough] {
        let found = violated(&world, &scenario, effort);
        assert_eq!(found.as_deref(), Some(expected.as_str()), "{effort:?}");
    }
    assert_eq!(Some(digest), case.digest, "the trace is another");
}

/// Without any one of its decisions, or without its crash, the case holds.
fn each_decision_is_needed(number: u8, name: &str) {
    let world = world(number);
    let whole = scenario(&world, name);
    for index in 0..whole.schedule.len() {
        let mut fewer = whole.clone();
        let removed = fewer.schedule.remove(index);
        let found = violated(&world, &fewer, Effort::Plain);
        assert_eq!(found, None, "without decision {index}");
        if let Decision::Crash { during, .. } = removed {
            fewer.schedule.insert(index, *during);
            let found = violated(&world, &fewer, Effort::Plain);
            assert_eq!(found, None, "without the crash");
        }
    }
}

fn no_bug_holds() {
    let world = world(NO_BUG);
    for (_, name) in planted::DEEP {
        let scenario = scenario(&world, name);
        assert_eq!(
            violated(&world, &scenario, Effort::Thorough),
            None,
            "{name}"
        );
    }
}

fn no_bug_holds_on(seeds: std::ops::Range<u64>) {
    let world = world(NO_BUG);
    let model = models::of(&world);
    let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
    runner.set_effort(Effort::Sampled);
    for seed in seeds.map(Seed) {
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        assert_eq!(runner.seed(seed, &scenario).violations, [], "seed {seed}");
    }
}
