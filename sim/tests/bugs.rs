//! The self-test, in a reduced form: every planted bug is found, shrunk and explored once, and
//! every fault of the harness is noticed.
//!
//! The harness is tested here, not the reducer: a bug that is missed means that some ordering is
//! never tried, or that an invariant is blind. With `--seed N` the search begins at that seed.

use libtest_mimic::Trial;
use sim::random::Seed;
use sim::scenario::Mix;
use sim::selftest::{self, HARNESS, MOST_SEEDS, PlantedBug, SelftestOptions};

use crate::support::{subject, trial};

/// Within so many seeds a bug must be found: some need a spurious timer that happens to fit.
const SEEDS: u64 = 400;

/// What no reducer can violate, or not before another invariant is violated: these have trials of
/// their own, on documents with something wrong.
const BEYOND_REDUCERS: [&str; 4] = [
    "intents_granted",
    "plans_succeed",
    "assertions",
    "converges",
];

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let first = seed.map_or(0, |seed| seed.0.min(u64::MAX - MOST_SEEDS));
    let bugs = retry_world::bugs()
        .iter()
        .map(|bug| trial(format!("bugs::{}", bug.name), move || is_found(bug, first)));
    let harness = HARNESS.iter().map(|sabotage| {
        let name = sabotage.name.replace(' ', "_");
        trial(format!("harness::{name}"), move || {
            let noticed = sabotage.is_noticed(&subject());
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

fn is_found(bug: &PlantedBug, first_seed: u64) {
    let options = SelftestOptions {
        first_seed,
        starts: 1,
        most_seeds: MOST_SEEDS,
        shrinks: 1,
        mix: Mix::Swarm,
        jobs: 1,
    };
    let subject = subject();
    let sought = subject.sought(bug).expect("it is a reducer");
    let found = selftest::search(&sought, &options);
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
    let bugs = retry_world::bugs();
    assert_eq!(bugs.len(), planted::BUGS.len());
    let properties = subject().properties().expect("it is a reducer");
    for (_, property) in properties.must_hold() {
        let name = &*property.name;
        assert!(
            bugs.iter().any(|bug| bug.is_about(name)) || BEYOND_REDUCERS.contains(&name),
            "no bug is planted that {name} should find"
        );
    }
    for bug in bugs {
        let name = bug.name;
        assert!(bug.says.ends_with('.'), "what {name} is is no sentence");
        for property in bug.properties {
            assert!(properties.find(property).is_some(), "{property} is none");
        }
    }
}
