//! A crash loses nothing that the journal holds: states, plans, open intents.

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use sim::campaign::Runner;
use sim::kernel::{Divergence, Kernel, World};
use sim::model::{Crashes, Replays};
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};
use sim::trace::{Choice, Record, Recovery, Trace};

use super::{START, follow, journal, trial};
use crate::support::{http_world, planted_world, retry_world};

const SEEDS: u64 = 20;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let seeds = seed.map_or(0..SEEDS, |seed| seed.0..seed.0.saturating_add(1));
    let of_http = seeds.clone();
    vec![
        trial("recovery", "after_every_turn", move || {
            seeds
                .map(Seed)
                .for_each(|seed| recovers(retry_world(), seed));
        }),
        trial("recovery", "of_plans_that_wait", move || {
            let world = http_world();
            of_http.map(Seed).for_each(|seed| recovers(&world, seed));
        }),
        trial("recovery", "sees_a_record_that_is_missing", missing_record),
        trial(
            "recovery",
            "sees_a_state_that_is_not_in_the_journal",
            hidden,
        ),
        trial("recovery", "of_another_world", of_another_world),
        trial("recovery", "crash_points", crash_points),
        trial("recovery", "asks_again_for_a_timer", asks_again),
        trial("recovery", "ends_the_silence_of_an_adapter", ends_silence),
    ]
}

fn run(world: &World, seed: Seed) -> Trace {
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
    runner.seed(seed, &scenario);
    runner.trace
}

fn recovers(world: &World, seed: Seed) {
    let mut trace = run(world, seed);
    let mut replays = Replays::new(world).expect("the reducer can be run");
    assert_eq!(
        replays.check(&mut trace, &Crashes::Everywhere),
        None,
        "seed {seed}"
    );
}

/// Whichever record of a run is lost, some recovery shows it, unless nothing hung on it.
fn missing_record() {
    let world = retry_world();
    let trace = run(world, Seed(3));
    let mut replays = Replays::new(world).expect("the reducer can be run");
    let (mut seen, mut unseen) = (0, Vec::new());
    for index in 0..trace.journal.len() {
        let mut lacking = trace.clone();
        let lost = lacking.journal.remove(index);
        for turn in &mut lacking.turns {
            turn.journal.start -= u32::from(turn.journal.start as usize > index);
            turn.journal.end -= u32::from(turn.journal.end as usize > index);
        }
        match replays.check(&mut lacking, &Crashes::Everywhere) {
            Some(_) => seen += 1,
            None => unseen.push(lost.name()),
        }
    }
    unseen.sort_unstable();
    unseen.dedup();
    // An event that was ignored, a second receipt, the name of a world that is the right one.
    let idle = ["domain_event", "effect_receipt", "manifest"];
    assert_eq!(unseen, idle, "{seen} were seen");
    assert!(seen > 20, "{seen} were seen");
}

/// A reducer that counts its steps in memory answers otherwise after a recovery.
fn hidden() {
    let number = planted::BUGS
        .iter()
        .find(|(_, name)| *name == "hidden-state");
    let world = planted_world(number.expect("it is planted").0);
    let model = models::of(&world);
    let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
    let mut replays = Replays::new(&world).expect("the reducer can be run");
    let found = (0..50).map(Seed).any(|seed| {
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        runner.seed(seed, &scenario);
        let found = replays.check(&mut runner.trace, &Crashes::Everywhere);
        found.is_some()
    });
    assert!(found, "what is not in the journal is lost");
}

fn of_another_world() {
    let mut trace = run(retry_world(), Seed(0));
    let other = http_world();
    let mut kernel = Kernel::new(&other).expect("the reducer can be run");
    let error = kernel.recover(&mut trace, Recovery::Journal, false).err();
    assert_eq!(error, Some(Divergence::OtherWorld { index: 0 }));
}

/// The same story with a crash at each point: what is in the journal, and what can go on.
fn crash_points() {
    let world = retry_world();
    let check = |crashes: &[&str], expected: Expect| {
        for crash in crashes {
            let schedule = format!(
                r#"{{"start":"r1"}},{{"snapshot":"kernel"}},
                {{"inject":"demo/RetryEvent@1","crash":"{crash}","recover":"snapshot",
                  "value":{{"err":{{"req_id":"r1","message":"no","transient":true}}}}}}"#
            );
            let (trace, checked) = follow(world, START, &schedule);
            assert_eq!(checked.violations, []);
            expected.assert_eq(&journal(&world.air, &trace));
        }
    };
    check(
        &["before_append"],
        expect![[r#"
        manifest
        domain_event demo/RetryEvent@1 {"start":{"base_delay_ms":10,"max_attempts":3,"now_ns":0,"payload":"p","req_id":"r1"}} at 0
        snapshot
    "#]],
    );
    check(
        &["after_append", "before_dispatch"],
        expect![[r#"
        manifest
        domain_event demo/RetryEvent@1 {"start":{"base_delay_ms":10,"max_attempts":3,"now_ns":0,"payload":"p","req_id":"r1"}} at 0
        snapshot
        domain_event demo/RetryEvent@1 {"err":{"message":"no","req_id":"r1","transient":true}} at 0
        cap_decision allow
        policy_decision rule Some(0) allow true
        effect_intent timer.set
    "#]],
    );
    for crash in ["after_append", "before_dispatch"] {
        let schedule = format!(
            r#"{{"start":"r1"}},{{"inject":"demo/RetryEvent@1","crash":"{crash}",
              "value":{{"err":{{"req_id":"r1","message":"no","transient":true}}}}}},
            {{"fire":"timer","req_id":"r1"}}"#
        );
        let (trace, checked) = follow(world, START, &schedule);
        assert_eq!(checked.violations, []);
        let emitted = trace.emitted.len();
        assert_eq!(
            emitted, 2,
            "{crash}: the timer was there, and began an attempt"
        );
    }
}

/// An intent without a receipt is asked for again: its timer can fire twice.
fn asks_again() {
    let schedule = r#"{"start":"r1"},
        {"inject":"demo/RetryEvent@1",
         "value":{"err":{"req_id":"r1","message":"no","transient":true}}},
        {"deliver":"WorkRequested","req_id":"r1","crash":"before_append"},
        {"fire":"timer","req_id":"r1"},{"fire":"timer","req_id":"r1"},
        {"deliver":"WorkRequested","req_id":"r1"}"#;
    let (trace, checked) = follow(retry_world(), START, schedule);
    assert_eq!(checked.violations, []);
    let firings: Vec<bool> = trace
        .turns
        .iter()
        .filter(|turn| matches!(turn.choice, Choice::Fire { .. }))
        .map(|turn| turn.remark.repeated)
        .collect();
    assert_eq!(firings, [false, true]);
    assert_eq!(trace.emitted.len(), 2, "the second firing was ignored");
}

/// A plan's effect is asked for again too, and its instance is where it was.
fn ends_silence() {
    let schedule = r#"{"start":"r1"},{"deliver":"WorkRequested","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1"},
        {"receipt":"http.request","req_id":"r1","answer":"silence"},
        {"start":"r1","crash":"after_append"},
        {"receipt":"http.request","req_id":"r1","answer":"ok"},
        {"step":"WorkPlan","req_id":"r1"},{"step":"WorkPlan","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1"},{"deliver":"ok","req_id":"r1"}"#;
    let world = http_world();
    let (trace, checked) = follow(&world, START, schedule);
    assert_eq!(checked.violations, []);
    let intents = trace.journal.iter();
    let asked = intents.filter(|record| matches!(record, Record::EffectIntent { .. }));
    assert_eq!(asked.count(), 1, "it is in the journal once");
    assert!(journal(&world.air, &trace).contains("plan_ended well"));
}
