//! The shrinker: what it refuses, that it is bounded and deterministic, and how short it gets.
//!
//! With plain predicates in place of runs first, then with planted bugs.

use std::fmt::Write;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::air::Hash;
use sim::campaign::{Effort, Runner};
use sim::kernel::World;
use sim::model::Model;
use sim::models;
use sim::random::Seed;
use sim::report;
use sim::scenario::{Bounds, Decision, ItemName, Mix, PlanMode, Request, Scenario};
use sim::shrink::{self, Budget, DEFAULT_ATTEMPTS, Refused, Shrunk, Subject};
use sim::trace::Status;

use crate::support::{code, documents, planted_world, retry_world, trial};

/// Seeds among which failing ones are looked for.
const SEEDS: u64 = 400;
/// Failing seeds that are shrunk, of each bug; `sim selftest` shrinks more.
const SHRUNK: usize = 1;

pub fn trials() -> Vec<Trial> {
    let plain: [(&str, fn()); 10] = [
        ("long_ones_in_few_attempts", long_ones_in_few_attempts),
        ("keeps_what_matters", keeps_what_matters),
        ("cancelling_decisions", cancelling_decisions),
        ("refuses_what_does_not_fail", refuses_what_does_not_fail),
        ("refuses_what_fails_empty", refuses_what_fails_empty),
        ("attempts_are_bounded", attempts_are_bounded),
        ("tries_nothing_twice", tries_nothing_twice),
        ("passes_add_up", passes_add_up),
        ("lowers_numbers", lowers_numbers),
        ("merges_requests", merges_requests),
    ];
    let mut trials: Vec<Trial> = plain
        .into_iter()
        .map(|(name, test)| trial(format!("shrink::{name}"), test))
        .collect();
    trials.push(trial(
        "shrink::signatures_have_no_values".to_owned(),
        signatures_have_no_values,
    ));
    trials.push(trial("shrink::bugs".to_owned(), bugs));
    trials.push(trial("shrink::copies_later".to_owned(), copies_later));
    trials.push(trial("shrink::another_world".to_owned(), another_world));
    trials
}

/// Numbers and quoted texts are left out, places stay.
fn signatures_have_no_values() {
    for (text, kept) in [
        (
            "the len is 3 but the index is 17",
            "the len is # but the index is #",
        ),
        (
            "panicked at src/lib.rs:45:9: no \"r1\"",
            "panicked at src/lib.rs:45:9: no …",
        ),
        ("in func[12] at 0x71d < step", "in func[12] at 0x71d < step"),
        ("attempt \"a\\\"b\" of w/State@1", "attempt … of w/State@1"),
    ] {
        assert_eq!(sim::model::without_values(text), kept);
    }
}

/// Shrinks a scenario of the retry world, of which nothing is run. What is told on the way must
/// get shorter, and the last of it be the result.
fn shrink_by(
    scenario: &Scenario,
    attempts: u32,
    oracle: impl FnMut(&Scenario) -> Option<Scenario>,
) -> Result<Shrunk, Refused> {
    let world = retry_world();
    let model = models::of(world);
    let subject = Subject {
        air: &world.air,
        model: &*model,
    };
    let mut told: Vec<(Scenario, u32)> = Vec::new();
    let shrunk = shrink::shrink(scenario, subject, attempts, oracle, |best, attempts| {
        told.push((best.clone(), attempts));
    })?;
    for pair in told.windows(2) {
        let [(before, spent_before), (after, spent_after)] = pair else {
            continue;
        };
        assert!(after.schedule.len() <= before.schedule.len());
        assert!(spent_after > spent_before);
    }
    assert_eq!(told.len(), shrunk.improvements as usize);
    if let Some((last, _)) = told.last() {
        assert_eq!(*last, shrunk.scenario);
    }
    Ok(shrunk)
}

/// The oracle of a plain predicate: all decisions of a scenario are possible.
fn when(fails: impl Fn(&Scenario) -> bool) -> impl FnMut(&Scenario) -> Option<Scenario> {
    move |scenario| fails(scenario).then(|| scenario.clone())
}

/// The requests of a seed, and a long schedule that names ever other messages.
fn long(length: u32) -> Scenario {
    let world = retry_world();
    let model = models::of(world);
    let runner = Runner::new(world, &*model).expect("the reducer can be run");
    let of = |seed| runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
    // More than one request, and each has its name as its id.
    let is_plain = |scenario: &Scenario| {
        scenario.requests.len() > 1
            && scenario.requests.iter().all(|request| {
                let correlation = model.correlation(request.schema, &request.value);
                correlation.as_deref() == Some(request.name.as_str())
            })
    };
    let mut scenarios = (0..).map(Seed).map(of);
    let scenario = scenarios.find(is_plain).expect("most are");
    let schedule = (0..length).map(|index| match index % 4 {
        0 => Decision::Deliver(message(index)),
        1 => Decision::Step {
            plan: message(index),
            answer: Some(["ok", "transient", "terminal"][index as usize % 3].to_owned()),
        },
        2 => Decision::Duplicate(message(index)),
        _ => Decision::Fire {
            timer: message(index),
            at_ns: Some(u64::from(index)),
            status: Status::Timeout,
            twice: true,
            value: None,
        },
    });
    Scenario {
        schedule: schedule.collect(),
        ..scenario
    }
}

fn message(index: u32) -> ItemName {
    ItemName {
        label: format!("m{index}"),
        correlation: None,
        nth: 1,
    }
}

fn place(scenario: &Scenario, decision: &Decision) -> Option<usize> {
    scenario.schedule.iter().position(|other| other == decision)
}

/// Fails if one decision comes before another: those two are left, as they were, in their order.
fn keeps_what_matters() {
    let scenario = long(100);
    let needed = [&scenario.schedule[8], &scenario.schedule[71]];
    let oracle = || {
        when(|candidate| {
            let places = needed.map(|decision| place(candidate, decision));
            matches!(places, [Some(first), Some(second)] if first < second)
        })
    };
    let shrunk = shrink_by(&scenario, DEFAULT_ATTEMPTS, oracle()).expect("it fails");
    assert_eq!(shrunk.scenario.schedule, needed.map(Clone::clone));
    assert_eq!(shrunk.scenario.requests, []);
    assert!(!shrunk.exhausted);
    assert!(shrunk.attempts < 500, "{} attempts", shrunk.attempts);
    let again = shrink_by(&scenario, DEFAULT_ATTEMPTS, oracle()).expect("it fails");
    assert_eq!(again, shrunk, "the same every time");
}

/// Of a long schedule of which a part is needed throughout all else goes, within what is spent on a
/// failure where nobody says more: what is not needed has something in common, a kind or a request.
fn long_ones_in_few_attempts() {
    let scenario = long(5_000);
    let is_needed = |decision: &&Decision| matches!(decision, Decision::Fire { .. });
    let needed = scenario.schedule.iter().filter(is_needed).count();
    let oracle = when(|candidate| candidate.schedule.iter().filter(is_needed).count() == needed);
    let world = retry_world();
    let model = models::of(world);
    let subject = Subject {
        air: &world.air,
        model: &*model,
    };
    let mut attempts_until_short = 0;
    let budget = Budget::default();
    let most_decisions = budget.decisions + scenario.schedule.len() as u64;
    let shrunk = shrink::shrink(&scenario, subject, budget, oracle, |best, attempts| {
        if attempts_until_short == 0 && best.schedule.len() == needed {
            attempts_until_short = attempts;
        }
    });
    let shrunk = shrunk.expect("it fails");
    assert_eq!(shrunk.scenario.schedule.len(), needed);
    assert!(
        (1..50).contains(&attempts_until_short),
        "{attempts_until_short}"
    );
    assert!(shrunk.decisions < most_decisions, "{}", shrunk.decisions);
}

/// Fails only while the number of decisions is odd, or a multiple of three: single deletions
/// find nothing.
fn cancelling_decisions() {
    for (step, left) in [(2, 1), (3, 3)] {
        let scenario = long(if step == 2 { 13 } else { 12 });
        let first = scenario.schedule[0].clone();
        let oracle = when(|candidate| {
            place(candidate, &first) == Some(0) && candidate.schedule.len() % step == left % step
        });
        let shrunk = shrink_by(&scenario, DEFAULT_ATTEMPTS, oracle).expect("it fails");
        assert_eq!(shrunk.scenario.schedule.len(), left, "by {step}");
    }
}

fn refuses_what_does_not_fail() {
    let refused = shrink_by(&long(10), 100, |_| None);
    assert_eq!(refused, Err(Refused::DoesNotFail));
    assert_eq!(Refused::DoesNotFail.to_string(), "it does not fail");
}

fn refuses_what_fails_empty() {
    let refused = shrink_by(&long(10), 100, when(|_| true));
    assert_eq!(refused, Err(Refused::EmptyFails));
}

/// The oracle is asked as often as was said, and twice for the proof; what was found is kept.
fn attempts_are_bounded() {
    let scenario = long(100);
    let needed = scenario.schedule[50].clone();
    for most in [0, 1, 5, 9] {
        let mut asked = 0;
        let mut fails = when(|candidate| place(candidate, &needed).is_some());
        let shrunk = shrink_by(&scenario, most, |candidate| {
            asked += 1;
            fails(candidate)
        });
        let shrunk = shrunk.expect("it fails");
        assert_eq!((shrunk.attempts, asked), (most, most + 2));
        assert!(shrunk.exhausted);
        assert!(place(&shrunk.scenario, &needed).is_some());
        assert_eq!(
            shrunk.improvements > 0,
            shrunk.scenario.schedule.len() < 100,
            "{most} attempts"
        );
    }
}

fn tries_nothing_twice() {
    let scenario = long(30);
    let needed = [3, 11, 12, 29].map(|index| scenario.schedule[index].clone());
    let mut tried = std::collections::BTreeSet::new();
    let shrunk = shrink_by(&scenario, DEFAULT_ATTEMPTS, |candidate| {
        let key = Hash::of(format!("{candidate:?}").as_bytes());
        assert!(tried.insert(key), "a candidate is tried again");
        let fails = needed
            .iter()
            .all(|decision| place(candidate, decision).is_some());
        fails.then(|| candidate.clone())
    });
    assert_eq!(shrunk.expect("it fails").scenario.schedule, needed);
}

/// What the passes did is what was done in all, whether all attempts are used up or not.
fn passes_add_up() {
    let scenario = long(60);
    let needed = [&scenario.schedule[7], &scenario.schedule[40]];
    for most in [40, DEFAULT_ATTEMPTS] {
        let oracle = when(|candidate| {
            let is_there = |decision| place(candidate, decision).is_some();
            needed.into_iter().all(is_there) && candidate.schedule.len() % 2 == 0
        });
        let shrunk = shrink_by(&scenario, most, oracle).expect("it fails");
        let passes = shrunk.passes.iter();
        let attempts: u32 = passes.clone().map(|pass| pass.attempts).sum();
        let improvements: u32 = passes.clone().map(|pass| pass.improvements).sum();
        let removed: i64 = passes.map(|pass| pass.decisions_removed).sum();
        assert_eq!(attempts, shrunk.attempts);
        assert_eq!(improvements, shrunk.improvements);
        assert_eq!(removed, 60 - shrunk.scenario.schedule.len() as i64);
        assert!(improvements > 0 && removed > 0);
    }
}

/// A number is lowered to the least with which it fails; all else becomes plain.
fn lowers_numbers() {
    let mut scenario = long(0);
    let air = &retry_world().air;
    let schema = scenario.requests[0].schema;
    let start = |delay_ms: u64| {
        let json = serde_json::json!({"start": {"base_delay_ms": delay_ms, "max_attempts": 9,
            "now_ns": 77, "payload": "long and winding", "req_id": "r1"}});
        let value = air.schemas.value_from_json(schema, &json).expect("it fits");
        Request {
            name: "r1".to_owned(),
            schema,
            value: air.schemas.encode(schema, &value).expect("it fits"),
        }
    };
    scenario.requests = vec![start(u64::MAX - 5)];
    scenario.schedule = vec![Decision::Start {
        request: "r1".to_owned(),
    }];
    let json = |request: &Request| {
        let value = air.schemas.decode(schema, &request.value).expect("it fits");
        air.schemas.value_to_json(schema, &value)
    };
    let delay_ms = |request: &Request| {
        let delay = json(request)["start"]["base_delay_ms"].clone();
        let text = delay.as_str().map(str::to_owned);
        let text = text.unwrap_or_else(|| delay.to_string());
        text.parse::<u64>().expect("it is a number")
    };
    let oracle = when(|candidate| {
        let delays_ms = candidate.requests.iter().map(delay_ms);
        !candidate.schedule.is_empty() && delays_ms.max() >= Some(123_456_789_012)
    });
    let shrunk = shrink_by(&scenario, DEFAULT_ATTEMPTS, oracle).expect("it fails");
    expect![[r#"{"start":{"base_delay_ms":123456789012,"max_attempts":1,"now_ns":0,"payload":"","req_id":"r1"}}"#]]
        .assert_eq(&json(&shrunk.scenario.requests[0]).to_string());
}

/// Needs two starts and an error of the same request, whichever: the first can stand for both.
fn merges_requests() {
    let mut scenario = long(0);
    assert!(scenario.requests.len() > 1);
    let start = |name: &str| Decision::Start {
        request: name.to_owned(),
    };
    let err = |req_id: &str| {
        Decision::Deliver(ItemName {
            label: "err".to_owned(),
            correlation: Some(req_id.to_owned()),
            nth: 1,
        })
    };
    scenario.schedule = vec![start("r1"), err("r1"), start("r2"), err("r2"), start("r2")];
    let oracle = when(|candidate| {
        let of = |name: &str| {
            let count = |decision| {
                candidate
                    .schedule
                    .iter()
                    .filter(|d| **d == decision)
                    .count()
            };
            candidate
                .requests
                .iter()
                .any(|request| request.name == name)
                && count(start(name)) >= 2
                && count(err(name)) >= 1
        };
        of("r1") || of("r2")
    });
    let shrunk = shrink_by(&scenario, DEFAULT_ATTEMPTS, oracle).expect("it fails");
    let names = shrunk
        .scenario
        .requests
        .iter()
        .map(|request| request.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["r1"]);
    assert_eq!(
        shrunk.scenario.schedule,
        [start("r1"), err("r1"), start("r1")]
    );
}

/// The shortest story of some bugs. That others are as short as can be, from many seeds, is for
/// the self-test to say.
fn bugs() {
    let told = [
        "attempt-limit-off-by-one",
        "err-counted-in-backoff",
        "any-timer-accepted",
        "start-accepted-in-backoff",
        "ok-ignored-after-retry",
    ];
    let found: String = told
        .iter()
        .map(|name| {
            let bug = planted::BUGS.iter().find(|(_, known)| known == name);
            shrunk_alike(&planted_world(bug.expect("it is planted").0), name)
        })
        .collect();
    expect![[r#"
        attempt-limit-off-by-one, attempts_bounded: 4
          start r1; deliver WorkRequested of "r1"; step WorkPlan of "r1": transient; deliver err of "r1"
        err-counted-in-backoff, backoff_exact: 6
          start r1; deliver WorkRequested of "r1"; step WorkPlan of "r1": transient; duplicate err of "r1"; deliver err of "r1"; deliver err of "r1"
        any-timer-accepted, retry_waits: 5
          start r1; deliver WorkRequested of "r1"; step WorkPlan of "r1": transient; deliver err of "r1"; inject timer delivered_at_ns 0, deliver_at_ns 0
        start-accepted-in-backoff, attempts_bounded: 5
          start r1; deliver WorkRequested of "r1"; step WorkPlan of "r1": transient; deliver err of "r1"; start r2
        ok-ignored-after-retry, contract_kept: 8
          start r1; deliver WorkRequested of "r1"; step WorkPlan of "r1": transient; deliver err of "r1"; fire timer of "r1"; deliver WorkRequested of "r1"; step WorkPlan of "r1" (number 2): ok; deliver ok of "r1"
    "#]].assert_eq(&found);
}

/// A request for work that is copied leads to two errors; to copy the error is shorter.
fn copies_later() {
    let mut bugs = planted::BUGS.iter();
    let bug = bugs.find(|(_, name)| *name == "ok-refused-in-later-wait");
    let world = planted_world(bug.expect("it is planted").0);
    let item = |label: &str, nth| ItemName {
        label: label.to_owned(),
        correlation: Some("r1".to_owned()),
        nth,
    };
    let deliver = |label: &str| Decision::Deliver(item(label, 1));
    let step = |nth, answer: &str| Decision::Step {
        plan: item("WorkPlan", nth),
        answer: Some(answer.to_owned()),
    };
    let air = &world.air;
    let schema = air.schemas.find("demo/RetryEvent@1").expect("it is there");
    let json = serde_json::json!({"start": {"base_delay_ms": 0, "max_attempts": 3,
        "now_ns": 0, "payload": "", "req_id": "r1"}});
    let value = air.schemas.value_from_json(schema, &json).expect("it fits");
    let scenario = Scenario {
        requests: vec![Request {
            name: "r1".to_owned(),
            schema,
            value: air.schemas.encode(schema, &value).expect("it fits"),
        }],
        schedule: vec![
            Decision::Start {
                request: "r1".to_owned(),
            },
            Decision::Duplicate(item("WorkRequested", 1)),
            deliver("WorkRequested"),
            deliver("WorkRequested"),
            step(1, "transient"),
            step(2, "transient"),
            deliver("err"),
            Decision::Fire {
                timer: item("timer", 1),
                at_ns: None,
                status: Status::Ok,
                twice: false,
                value: None,
            },
            deliver("err"),
            deliver("WorkRequested"),
            step(3, "ok"),
            deliver("ok"),
        ],
        ..long(0)
    };
    let model = models::of(&world);
    let shrunk = shrink_violation(&world, &*model, &scenario, "contract_kept");
    expect![[r#"start r1; deliver WorkRequested of "r1"; step WorkPlan of "r1": transient; duplicate err of "r1"; deliver err of "r1"; fire timer of "r1"; deliver err of "r1"; deliver WorkRequested of "r1"; step WorkPlan of "r1" (number 2): ok; deliver ok of "r1""#]].assert_eq(&story(&world, &shrunk.scenario.schedule));
}

/// Where an answer takes longer to come about, a spurious event counts for more.
fn another_world() {
    let air = documents("sim/tests/fixtures/worlds/http");
    let world = World::new(air, vec![code(&retry_world::planted_wasm(1))]);
    expect![[r#"
        attempt-limit-off-by-one, attempts_bounded: 7
          start r1; deliver WorkRequested of "r1"; step WorkPlan of "r1"; receipt http.request of "r1": transient; step WorkPlan of "r1"; step WorkPlan of "r1"; deliver err of "r1"
    "#]].assert_eq(&shrunk_alike(&world, "attempt-limit-off-by-one"));
}

fn shrunk_alike(world: &World, name: &str) -> String {
    let model = models::of(world);
    let mut lines: Vec<(String, Scenario)> = Vec::new();
    for (invariant, scenario) in failing(world, &*model) {
        let shrunk = shrink_violation(world, &*model, &scenario, &invariant).scenario;
        match lines.iter().find(|(other, _)| *other == invariant) {
            None => lines.push((invariant, shrunk)),
            Some((_, first)) => assert_eq!(
                shrunk.schedule.len(),
                first.schedule.len(),
                "{name}, {}:\n{}\n{}",
                invariant,
                story(world, &first.schedule),
                story(world, &shrunk.schedule),
            ),
        }
    }
    let mut found = String::new();
    for (invariant, shrunk) in lines {
        let length = shrunk.schedule.len();
        let story = story(world, &shrunk.schedule);
        let _ = writeln!(found, "{name}, {invariant}: {length}\n  {story}");
    }
    found
}

/// The first failing seeds of a world, each with the invariant that it violates.
fn failing(world: &World, model: &dyn Model) -> Vec<(String, Scenario)> {
    let mut runner = Runner::new(world, model).expect("the reducer can be run");
    let mut failing = Vec::new();
    for seed in (0..SEEDS).map(Seed) {
        // Bugs that only show from one run to another have nothing to shrink.
        runner.renew().expect("there is room for an instance");
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        let checked = runner.seed(seed, &scenario);
        if let Some(first) = checked.violations.first() {
            let scenario = scenario.with_schedule_of(&runner.trace);
            failing.push((first.name().to_owned(), scenario));
        }
        if failing.len() == SHRUNK {
            break;
        }
    }
    failing
}

fn shrink_violation(
    world: &World,
    model: &dyn Model,
    scenario: &Scenario,
    invariant: &str,
) -> Shrunk {
    let mut runner = Runner::new(world, model).expect("the reducer can be run");
    runner.set_effort(Effort::Thorough);
    let checked = runner.replay(scenario);
    let mut sightings = runner.sightings(scenario, &checked).into_iter();
    let signature = sightings
        .find(|seen| seen.signature.violates.iter().any(|name| name == invariant))
        .expect("it fails")
        .signature;
    let shrunk = runner.shrink(scenario, &signature, DEFAULT_ATTEMPTS, |_| {});
    let (shrunk, _) = shrunk.expect("it fails");
    assert!(!shrunk.exhausted);
    assert!(shrunk.scenario.schedule.len() <= scenario.schedule.len());
    let checked = runner.replay(&shrunk.scenario);
    let mut violated = checked.violations.iter().map(|found| found.name());
    assert!(violated.any(|violated| violated == invariant));
    assert!(checked.skipped.is_empty(), "every decision is possible");
    shrunk
}

fn story(world: &World, schedule: &[Decision]) -> String {
    let told = schedule
        .iter()
        .map(|decision| report::words::decision(world, decision, &[]));
    told.collect::<Vec<_>>().join("; ")
}
