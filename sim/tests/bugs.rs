//! Planted bugs are found by the invariants that should find them, within so many seeds.
//!
//! The harness is tested here, not the reducer: a bug that is missed means that some ordering is
//! never tried, or that an invariant is blind. With `--seed N` the search begins at that seed.

use libtest_mimic::Trial;
use sim::campaign::{self, Effort, Options};
use sim::invariants::ALL;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};
use sim::workload;

use crate::support::{planted_world, trial};

/// Within so many seeds a bug must be found.
const SEEDS: u64 = 200;

/// What finds each bug: each of these must be violated by some seed.
const FOUND_BY: [(&str, &[&str]); 30] = [
    ("attempt-limit-off-by-one", &["attempts_bounded"]),
    ("exponent-off-by-one", &["backoff_exact"]),
    ("ok-after-failed", &["terminal_absorbing"]),
    ("err-counted-in-backoff", &["stale_ignored", "one_timer"]),
    ("any-timer-accepted", &["stale_ignored", "retry_waits"]),
    (
        "ok-of-another-request",
        &["outcome_justified", "stale_ignored"],
    ),
    ("backoff-wraps", &["backoff_exact"]),
    (
        "second-start-resets",
        &["stale_ignored", "attempts_bounded", "retry_waits"],
    ),
    ("timer-without-key", &["one_timer"]),
    ("restart-after-done", &["terminal_absorbing"]),
    ("payload-lost-on-retry", &["intent_faithful"]),
    ("attempt-counted-at-err", &["attempts_bounded"]),
    ("state-grows", &["intent_faithful"]),
    ("trap-in-backoff-stale", &["bounded"]),
    ("nat-truncated-to-32-bits", &["intent_faithful"]),
    ("two-timers", &["conforms"]),
    ("wrong-req-id-in-intent", &["intent_faithful"]),
    ("loops-for-ever-on-terminal-err", &["bounded"]),
    ("memory-hog", &["bounded"]),
    ("timer-status-error-ignored", &["retry_waits"]),
    (
        "timer-accepted-when-working",
        &["retry_waits", "stale_ignored"],
    ),
    ("undeclared-effect-kind", &["conforms"]),
    (
        "empty-req-id-matches-any",
        &["outcome_justified", "stale_ignored"],
    ),
    ("timer-timeout-ignored-at-last-wait", &["retry_waits"]),
    (
        "start-accepted-in-backoff",
        &[
            "attempts_bounded",
            "retry_waits",
            "intent_faithful",
            "stale_ignored",
        ],
    ),
    ("hidden-start", &["outcome_justified"]),
    ("hidden-state", &["pure"]),
    ("leaks", &["bounded"]),
    ("terminal-err-ignored", &["converges"]),
    ("ok-ignored-after-retry", &["converges"]),
];

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let start = seed.map_or(0, |seed| seed.0.min(u64::MAX - SEEDS));
    let mut trials: Vec<Trial> = planted::BUGS
        .iter()
        .map(|(number, name)| {
            trial(format!("bugs::{name}"), move || {
                is_found(*number, name, start)
            })
        })
        .collect();
    trials.push(trial(
        "bugs::table_is_complete".to_owned(),
        table_is_complete,
    ));
    trials
}

fn is_found(number: u8, name: &str, start: u64) {
    let world = planted_world(number);
    let workload = workload::of(&world.air);
    let options = Options {
        seeds: start..start + SEEDS,
        jobs: 1,
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        mix: Mix::Swarm,
        effort: Effort::Sampled,
        twice: false,
        most_failures: usize::MAX,
    };
    let summary = campaign::run(&world, &*workload, &options, |_, _| {});
    let summary = summary.expect("the reducer can be run");
    let violated: Vec<&str> = ALL
        .iter()
        .zip(summary.violated)
        .filter(|(_, count)| *count > 0)
        .map(|(invariant, _)| invariant.name)
        .collect();
    let (_, expected) = FOUND_BY
        .iter()
        .find(|(bug, _)| *bug == name)
        .expect("it is listed");
    for expected in *expected {
        assert!(
            violated.contains(expected),
            "the seeds {start}..{} violate {violated:?}, not {expected}",
            start + SEEDS
        );
    }
}

fn table_is_complete() {
    let listed = |name: &str| FOUND_BY.iter().any(|(bug, _)| *bug == name);
    for (_, name) in planted::BUGS {
        assert!(listed(name), "{name} is in the list");
    }
    assert_eq!(FOUND_BY.len(), planted::BUGS.len());
}
