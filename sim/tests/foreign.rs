//! Worlds that no model knows, and machines that a model knows in other words: nothing that was not
//! tested may be told as holding.
//!
//! The retry world under other names is the first of them: what the documents alone give must reach
//! all of it, and find every bug that is one of any world.

use libtest_mimic::Trial;
use sim::air::{self, Air};
use sim::campaign::{self, CampaignOptions, Effort, Stop, Summary};
use sim::explore::{self, ExploreOptions, Limits, Outcome};
use sim::interrupt::Interrupt;
use sim::kernel::{EventSource, World};
use sim::model::Properties;
use sim::model::texts::Near;
use sim::models;
use sim::scenario::{Bounds, Mix, PlanMode};

use crate::support::{code, planted_world, root, trial};

/// Bugs that show in any world: they break what the kernel promises, not what a model expects.
const OF_ANY_WORLD: [&str; 9] = [
    "trap-in-backoff-stale",
    "two-timers",
    "loops-for-ever-on-terminal-err",
    "memory-hog",
    "undeclared-effect-kind",
    "hidden-state",
    "leaks",
    "hidden-start",
    "trap-at-attempt-28",
];

/// Bugs that show in a state alone, as the model reads it.
const OF_THE_STATE: [&str; 3] = ["ok-after-failed", "attempt-counted-at-err", "state-grows"];

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = [
        ("renamed_world_is_reached", renamed_world_is_reached as fn()),
        ("renamed_world_is_explored", renamed_world_is_explored),
        (
            "clients_send_what_nothing_within_sends",
            clients_send_what_nothing_within_sends,
        ),
        (
            "a_survey_tells_who_sends_what",
            a_survey_tells_who_sends_what,
        ),
        ("other_words_hold", other_words_hold),
        ("other_words_are_explored", other_words_are_explored),
        ("near_texts_are_what_they_say", near_texts_are_what_they_say),
    ]
    .into_iter()
    .map(|(name, test)| trial(format!("foreign::{name}"), test))
    .collect();
    trials.extend(OF_ANY_WORLD.iter().map(|bug| {
        trial(format!("foreign::renamed::{bug}"), move || {
            let found = first_violation(&renamed(bug));
            assert!(found.is_some(), "{bug} is not found by documents alone");
        })
    }));
    let visible = retry_world::bugs()
        .iter()
        .filter(|bug| !OF_THE_STATE.contains(&bug.name));
    trials.extend(visible.map(|bug| {
        trial(format!("foreign::other_words::{}", bug.name), move || {
            let world = planted_world(number_of(bug.name) | planted::OTHER_WORDS);
            let found = first_violation(&world);
            assert!(found.is_some(), "{} is not seen from outside", bug.name);
        })
    }));
    trials
}

fn number_of(bug: &str) -> u8 {
    let mut bugs = planted::BUGS.iter();
    let found = bugs.find(|(_, name)| *name == bug);
    found.expect("it is a bug").0
}

/// The documents of the retry world under other names, so that no model knows it.
pub fn renamed_air() -> Air {
    let mut sources = sim::cli::sources(&root("air")).expect("they can be read");
    for source in &mut sources {
        source.text = source.text.replace("demo/Retry", "my/Retry");
    }
    air::load(&sources).unwrap_or_else(|error| panic!("{error}"))
}

fn renamed(bug: &str) -> World {
    let number = number_of(bug);
    let mut world = World::new(renamed_air(), vec![planted_code(number)]);
    world.expected.forbids_leaks = true;
    world
}

fn planted_code(number: u8) -> sim::host::Code {
    // Loops end soon.
    let limits = sim::host::Limits {
        fuel_per_step: 5_000_000,
        ..sim::host::Limits::default()
    };
    let wasm = retry_world::planted_wasm(number);
    let cache = sim::host::default_cache_dir();
    sim::host::Code::load(&wasm, limits, cache.as_deref()).expect("it is a reducer")
}

fn campaign(world: &World, seeds: std::ops::Range<u64>, stop: Stop) -> Summary {
    let options = CampaignOptions {
        seeds,
        jobs: 1,
        plans: PlanMode::Answered,
        bounds: Bounds {
            liveness_turns: 200,
            ..Bounds::default()
        },
        mix: Mix::Swarm,
        effort: Effort::Sampled,
        remember: true,
        twice: false,
        stop,
        interrupt: Interrupt::default(),
    };
    let model = models::of(world);
    campaign::run(world, &*model, &options, |_| {}).expect("the reducer can be run")
}

fn violated(summary: &Summary) -> Vec<&str> {
    let all = summary
        .failures
        .iter()
        .flat_map(|failure| &failure.sighting.violations);
    all.map(|found| found.name()).collect()
}

/// What a campaign of some hundred seeds violates first.
fn first_violation(world: &World) -> Option<String> {
    let mut start = 0;
    while start < 2_048 {
        let summary = campaign(world, start..start + 64, Stop::AfterFailures(1));
        if let Some(failure) = summary.failures.first() {
            let first = failure.sighting.violations.first();
            return first.map(|found| found.name().to_owned());
        }
        start += 64;
    }
    None
}

fn renamed_world_is_reached() {
    let mut world = World::new(renamed_air(), vec![code(retry_world::WASM)]);
    models::surveyed(&mut world).expect("the reducer can be run");
    let summary = campaign(&world, 0..400, Stop::Never);
    assert_eq!(violated(&summary), Vec::<&str>::new());
    let never = summary.sometimes.iter().filter(|one| one.runs == 0);
    let never: Vec<&str> = never.map(|one| &*one.property.name).collect();
    assert_eq!(never, Vec::<&str>::new(), "all of the world is reached");
    assert!(summary.sometimes.len() >= 18, "{:?}", summary.sometimes);
    let judged = summary.judged.iter().map(|one| &*one.property.name);
    assert!(judged.clone().all(|name| name != "contract_kept"));
    assert!(judged.clone().any(|name| name == "plans_succeed"));
}

fn renamed_world_is_explored() {
    let world = World::new(renamed_air(), vec![code(retry_world::WASM)]);
    let explored = explored(&world, 1, 0);
    assert_eq!(explored.outcome, Outcome::Complete);
    let properties = Properties::of(&world, &*models::of(&world));
    let missed = properties.sometimes();
    let missed = missed.filter(|(rank, ..)| !explored.sometimes.contains(*rank));
    let missed: Vec<&str> = missed.map(|(_, property, _)| &*property.name).collect();
    assert_eq!(missed, Vec::<&str>::new());
}

fn explored(world: &World, duplicates: u8, spurious: u8) -> explore::Explored {
    let model = models::of(world);
    let small = retry_world::small(2, 2, 10);
    let options = ExploreOptions::of(Limits {
        scene: model.scene(&small),
        duplicates,
        drops: 0,
        spurious,
        crashes: 0,
        depth: 1_000,
    });
    explore::run(world, &*model, &options, |_| {}).expect("it can be explored")
}

fn clients_send_what_nothing_within_sends() {
    let world = World::new(renamed_air(), vec![code(retry_world::WASM)]);
    let of = |source: EventSource| -> Vec<&str> {
        let arms = world.arms.all().iter().filter(|arm| arm.source == source);
        arms.map(|arm| arm.label(&world.air)).collect()
    };
    assert_eq!(of(EventSource::Client), ["ok", "start"]);
    assert_eq!(of(EventSource::Plan), ["err"]);
    assert_eq!(of(EventSource::Receipt), ["timer"]);
    assert_eq!(
        of(EventSource::Reducer),
        ["WorkRequested"],
        "its code knows the name"
    );
}

/// Another implementation of the same contract, whose state no model can read.
fn other_words_hold() {
    let world = planted_world(planted::OTHER_WORDS);
    let summary = campaign(&world, 0..2_000, Stop::Never);
    assert_eq!(violated(&summary), Vec::<&str>::new());
    assert_eq!(summary.missed(), Vec::<&sim::model::Property>::new());
    let held = |name: &str| {
        let mut judged = summary.judged.iter();
        let judged = judged.find(|one| one.property.name == name);
        judged.expect("it is a property").holds
    };
    assert!(held("contract_kept") > 1_900);
    assert!(held("backoff_exact") > 1_000);
    assert_eq!(held("outcome_justified"), 0, "it reads the state alone");
}

fn other_words_are_explored() {
    let (foreign, shipped) = (planted_world(planted::OTHER_WORDS), planted_world(0));
    let (foreign, shipped) = (explored(&foreign, 1, 1), explored(&shipped, 1, 1));
    assert_eq!(foreign.outcome, Outcome::Complete);
    assert_eq!(foreign.states, shipped.states, "words change no behaviour");
}

/// Each kind is told from its examples, also those that only a table knows.
fn near_texts_are_what_they_say() {
    for (one, other, near) in [
        ("r1", "R1", Some(Near::Case)),
        ("r1", "r1.", Some(Near::Prefix)),
        ("r1", " r1", Some(Near::Space)),
        ("caf\u{e9}", "cafe\u{301}", Some(Near::Form)),
        ("r1", "r1\0x", Some(Near::Nul)),
        ("1", "01", Some(Near::Number)),
        ("AaAa", "BBBB", Some(Near::Hash)),
        ("a b", "a%20b", Some(Near::Escape)),
        ("r1", "r2", None),
        ("r1", "r1", None),
        ("", "r1", None),
    ] {
        assert_eq!(Near::of(one, other), near, "{one:?} and {other:?}");
    }
    let long = |end: &str| "x".repeat(300) + end;
    assert_eq!(Near::of(&long("1"), &long("2")), Some(Near::Long));
    let by_31 = |text: &str| {
        text.bytes().fold(0_u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(byte.into())
        })
    };
    assert_eq!(by_31("AaAa"), by_31("BBBB"));
    assert_eq!(by_31("AaAa"), by_31("AaBB"));
    let fnv_1a = |text: &str| {
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    };
    assert_eq!(fnv_1a("costarring"), fnv_1a("liquid"));
}

/// Two reducers: `w/First@1` hears `w/In@1`, and `w/Second@1` hears `w/Inner@1`. Each emits, at
/// every event, what it is given here.
fn pair(first: Option<&str>, second: Option<&str>) -> World {
    let text = r#"[
      {"$kind": "defschema", "name": "w/In@1", "type": {"record": {"id": {"text": {}}}}},
      {"$kind": "defschema", "name": "w/Inner@1", "type": {"record": {"id": {"text": {}}}}},
      {"$kind": "defschema", "name": "w/State@1", "type": {"record": {"n": {"nat": {}}}}},
      {"$kind": "defmodule", "name": "w/First@1", "module_kind": "reducer",
        "abi": {"reducer": {"state": "w/State@1", "event": "w/In@1"}}},
      {"$kind": "defmodule", "name": "w/Second@1", "module_kind": "reducer",
        "abi": {"reducer": {"state": "w/State@1", "event": "w/Inner@1"}}},
      {"$kind": "manifest", "air_version": "1",
        "schemas": [{"name": "w/In@1"}, {"name": "w/Inner@1"}, {"name": "w/State@1"}],
        "modules": [{"name": "w/First@1"}, {"name": "w/Second@1"}],
        "plans": [], "effects": [], "caps": [], "policies": [],
        "routing": {"events": [{"event": "w/In@1", "reducer": "w/First@1"},
          {"event": "w/Inner@1", "reducer": "w/Second@1"}]}}]"#;
    let source = air::Source {
        file: "world.air.json".to_owned(),
        text: text.to_owned(),
    };
    let air = air::load(&[source]).unwrap_or_else(|error| panic!("{error}"));
    World::new(air, vec![code(&emitting(first)), code(&emitting(second))])
}

/// A reducer that answers with one state, and emits an event of this schema.
fn emitting(schema: Option<&str>) -> Vec<u8> {
    let mut output = b"\xa1\x65state\x44\xa1\x61n\x01".to_vec();
    if let Some(schema) = schema {
        output[0] = 0xa2;
        output.extend_from_slice(b"\x6ddomain_events\x81\xa2\x66schema");
        output.push(0x60 + schema.len() as u8);
        output.extend_from_slice(schema.as_bytes());
        output.extend_from_slice(b"\x65value\x45\xa1\x62id\x60");
    }
    let data: String = output.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let length = output.len();
    let text = format!(
        r#"(module (memory (export "memory") 1) (data (i32.const 64) "{data}")
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "step") (param i32 i32) (result i32 i32)
                (i32.const 64) (i32.const {length})))"#
    );
    wat::parse_str(text).expect("the fixture is well-formed")
}

/// What a reducer is seen to emit is no client's, unless nothing else makes it come about.
fn a_survey_tells_who_sends_what() {
    let sources = |first, second| {
        let mut world = pair(first, second);
        campaign::survey(&mut world).expect("the reducers can be run");
        let arms = world.arms.all().iter();
        arms.map(|arm| arm.source).collect::<Vec<_>>()
    };
    let (client, reducer) = (EventSource::Client, EventSource::Reducer);
    assert_eq!(sources(None, None), [client, client]);
    assert_eq!(sources(Some("w/Inner@1"), None), [client, reducer]);
    assert_eq!(sources(None, Some("w/In@1")), [reducer, client]);
    assert_eq!(
        sources(Some("w/In@1"), None),
        [client, client],
        "it is emitted at itself alone: somebody must begin"
    );
}
