//! The self-test, in a reduced form: every planted bug is found, shrunk and explored once, and
//! every fault of the harness is noticed.
//!
//! The harness is tested here, not the reducer: a bug that is missed means that some ordering is
//! never tried, or that an invariant is blind. With `--seed N` the search begins at that seed.

use libtest_mimic::Trial;
use sim::random::Seed;
use sim::scenario::Mix;
use sim::selftest::{self, BUGS, Bug, HARNESS, MOST_SEEDS, Options};

use crate::support::{retry_world, trial};

/// Within so many seeds a bug must be found: some need a spurious timer that happens to fit.
const SEEDS: u64 = 400;

/// What no reducer can violate, or not before another invariant is violated: these have trials of
/// their own, on documents with something wrong.
const BEYOND_REDUCERS: [&str; 3] = ["intents_granted", "plans_succeed", "converges"];

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let first = seed.map_or(0, |seed| seed.0.min(u64::MAX - MOST_SEEDS));
    let bugs = BUGS
        .iter()
        .map(|bug| trial(format!("bugs::{}", bug.name), move || is_found(bug, first)));
    let harness = HARNESS.iter().map(|sabotage| {
        let name = sabotage.name.replace(' ', "_");
        trial(format!("harness::{name}"), move || {
            let noticed = sabotage.is_noticed(&retry_world().air);
            assert!(
                noticed.expect("it can be run"),
                "{} is missed",
                sabotage.name
            );
        })
    });
    let mut trials: Vec<Trial> = bugs.chain(harness).collect();
    trials.push(trial(
        "bugs::tables_are_complete".to_owned(),
        tables_are_complete,
    ));
    trials
}

fn is_found(bug: &Bug, first_seed: u64) {
    let options = Options {
        first_seed,
        starts: 1,
        shrinks: 1,
        mix: Mix::Swarm,
        jobs: 1,
    };
    let found = selftest::search(&retry_world().air, bug, &options);
    let found = found.expect("the reducer can be run");
    assert_eq!(found.faults(), Vec::<String>::new());
    let seeds = found.median().expect("it is found");
    assert!(seeds <= SEEDS, "{seeds} seeds until it was found");
    assert!(
        found.found.iter().any(|found| !found.shrunk.is_empty()),
        "it is shrunk"
    );
}

fn tables_are_complete() {
    let planted: Vec<&str> = planted::BUGS.iter().map(|(_, name)| *name).collect();
    let listed: Vec<&str> = BUGS.iter().map(|bug| bug.name).collect();
    assert_eq!(listed, planted);
    let properties = selftest::properties(&retry_world().air).expect("they are reducers");
    for (_, property) in properties.must_hold() {
        let name = &*property.name;
        assert!(
            BUGS.iter().any(|bug| bug.is_about(name)) || BEYOND_REDUCERS.contains(&name),
            "no bug is planted that {name} should find"
        );
    }
    for name in BUGS.iter().flat_map(|bug| bug.invariants) {
        assert!(properties.find(name).is_some(), "{name} is none");
    }
}
