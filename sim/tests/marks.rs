//! Which fields of a shrunk case are marked as not mattering, by plain predicates in place of runs,
//! and how a case file holds the marks.

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};
use sim::air::{SchemaId, Source};
use sim::cases::{Case, Found, FoundBy, WorldHashes};
use sim::kernel::World;
use sim::marks::Marks;
use sim::model::Model;
use sim::model::generic::Generic;
use sim::models;
use sim::random::{Component, Seed, Stream};
use sim::scenario::{Bounds, Decision, Depth, PlanMode, Request, Scenario};
use sim::shrink::{Budget, Subject};

use crate::support::{code, documents, retry_world, root, trial};

pub fn trials() -> Vec<Trial> {
    let plain: [(&str, fn()); 8] = [
        ("what_does_not_matter", what_does_not_matter),
        ("one_value_that_matters", one_value_that_matters),
        ("attempts_are_bounded", attempts_are_bounded),
        ("ids_are_never_marked", ids_are_never_marked),
        ("only_what_clients_send", only_what_clients_send),
        ("fields_of_any_world", fields_of_any_world),
        ("no_part_of_what_a_case_is", no_part_of_what_a_case_is),
        ("refusals", refusals),
    ];
    let trials = plain.into_iter();
    trials
        .map(|(name, test)| trial(format!("marks::{name}"), test))
        .collect()
}

fn start(id: &str, max_attempts: u64) -> Request {
    let json = json!({"start": {"base_delay_ms": 10, "max_attempts": max_attempts, "now_ns": 0,
        "payload": "p", "req_id": id}});
    Request {
        name: id.to_owned(),
        schema: schema(),
        value: bytes(&json),
    }
}

fn schema() -> SchemaId {
    let schemas = &retry_world().air.schemas;
    schemas.find("demo/RetryEvent@1").expect("it is declared")
}

fn bytes(json: &Json) -> Vec<u8> {
    let schemas = &retry_world().air.schemas;
    let value = schemas.value_from_json(schema(), json).expect("it fits");
    schemas.encode(schema(), &value).expect("it fits")
}

fn read(bytes: &[u8]) -> Json {
    let schemas = &retry_world().air.schemas;
    let value = schemas.decode(schema(), bytes).expect("it fits");
    schemas.value_to_json(schema(), &value)
}

/// Two requests, a spurious error of the first, and a request that is not started.
fn scenario() -> Scenario {
    let error = json!({"err": {"req_id": "r1", "message": "m", "transient": true}});
    let requests = vec![start("r1", 9), start("r2", 3), start("r3", 3)];
    let mut schedule = starts(&requests[..2]);
    schedule.push(Decision::Inject {
        schema: schema(),
        value: bytes(&error),
        cell: None,
    });
    scenario_of(requests, schedule)
}

fn starts(requests: &[Request]) -> Vec<Decision> {
    let names = requests.iter().map(|request| request.name.clone());
    names.map(|request| Decision::Start { request }).collect()
}

fn scenario_of(requests: Vec<Request>, schedule: Vec<Decision>) -> Scenario {
    Scenario {
        requests,
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        liveness: false,
        faults: None,
        schedule,
    }
}

/// The marks of a scenario, as pointers. Nothing is run.
fn marks_by(
    (world, model): (&World, &dyn Model),
    scenario: &Scenario,
    budget: impl Into<Budget>,
    fails: impl FnMut(&Scenario) -> bool,
) -> Marks {
    let air = &world.air;
    sim::marking::marks(scenario, Subject { air, model }, budget.into(), fails)
}

fn retry_marks(budget: u32, fails: impl FnMut(&Scenario) -> bool) -> Vec<String> {
    let world = retry_world();
    let model = models::of(world);
    marks_by((world, &*model), &scenario(), budget, fails).pointers()
}

fn what_does_not_matter() {
    let marks = retry_marks(u32::MAX, |candidate| {
        let first = read(&candidate.requests[0].value);
        let Decision::Inject { value, .. } = &candidate.schedule[2] else {
            panic!("decisions stay");
        };
        first["start"]["max_attempts"] == 9 && read(value)["err"]["transient"] == true
    });
    let fields = |at: &str, names: &[&str]| -> Vec<String> {
        let names = names.iter();
        names.map(|name| format!("{at}/{name}")).collect()
    };
    let rest = ["now_ns", "payload", "base_delay_ms"];
    assert_eq!(
        marks,
        [
            fields("/requests/0/value/start", &rest),
            fields(
                "/requests/1/value/start",
                &["now_ns", "payload", "max_attempts", "base_delay_ms"]
            ),
            fields("/schedule/2/value/err", &["message"]),
        ]
        .concat()
    );
}

/// Another value makes no difference mostly, and one does: beside the number, far from it, a text
/// that something else has.
fn one_value_that_matters() {
    let holds: [(&str, Json); 5] = [
        ("max_attempts", json!(10)),
        ("max_attempts", json!(8)),
        ("max_attempts", json!(0)),
        ("payload", json!("")),
        ("payload", json!("q")),
    ];
    for (field, value) in holds {
        let mut scenario = scenario();
        // The text that the second has.
        let other = read(&scenario.requests[1].value).to_string();
        let other = other.replace("\"payload\":\"p\"", "\"payload\":\"q\"");
        scenario.requests[1].value = bytes(&serde_json::from_str(&other).expect("it is JSON"));
        let world = retry_world();
        let model = models::of(world);
        let marks = marks_by((world, &*model), &scenario, u32::MAX, |candidate| {
            read(&candidate.requests[0].value)["start"][field] != value
        });
        let first = &marks.requests[&0];
        assert!(
            !first.contains(&format!("/start/{field}")),
            "{field} {value}: {first:?}"
        );
        assert_eq!(first.len(), 3, "{field} {value}: {first:?}");
    }
}

fn attempts_are_bounded() {
    let world = retry_world();
    let model = models::of(world);
    let many = (0..60).map(|number| start(&format!("r{number}"), 3));
    let many: Vec<Request> = many.collect();
    let schedule = starts(&many);
    let many = scenario_of(many, schedule);
    let most = sim::marking::MOST_ATTEMPTS;
    for (budget, expected, whole) in [(0, 0, 0), (7, 7, 1), (u32::MAX, most, 20)] {
        let mut asked = 0;
        let marks = marks_by((world, &*model), &many, budget, |_| {
            asked += 1;
            true
        });
        assert_eq!(asked, expected);
        // What was left over is not marked, nor is what was tried in part.
        assert_eq!(marks.pointers().len(), whole, "{:?}", marks.pointers());
    }
    let mut asked = 0;
    let budget = Budget {
        decisions: 121,
        ..Budget::from(100)
    };
    marks_by((world, &*model), &many, budget, |_| {
        asked += 1;
        true
    });
    assert_eq!(asked, 3, "60 decisions each");
    let interrupted = Budget::default();
    interrupted.interrupt.ask();
    let none = marks_by((world, &*model), &many, interrupted, |_| panic!("asked"));
    assert_eq!(none, Marks::default());
}

/// Not even where nothing matters: each is in many places.
fn ids_are_never_marked() {
    let marks = retry_marks(u32::MAX, |candidate| {
        for request in &candidate.requests {
            assert_eq!(read(&request.value)["start"]["req_id"], *request.name);
        }
        true
    });
    assert!(marks.len() >= 10, "{marks:?}");
    assert!(!marks.iter().any(|place| place.ends_with("req_id")));
}

/// Of a world whose `sim.toml` says what clients send, nothing else is tried: what has no other
/// value that they send is not marked.
fn only_what_clients_send() {
    let world = world("lease");
    let model = models::of(&world);
    let mut asked = 0;
    for seed in 0..4 {
        let mut stream = Stream::new(Seed(seed), Component::Requests);
        let requests = model.requests(&mut stream, Depth::Usual);
        let schedule = starts(&requests);
        let scenario = scenario_of(requests, schedule);
        assert!(model.allows(&scenario));
        let marks = marks_by((&world, &*model), &scenario, u32::MAX, |candidate| {
            asked += 1;
            assert!(model.allows(candidate));
            true
        });
        let pointers = marks.pointers();
        assert!(!pointers.is_empty());
        // A time is told anew where the event is sent.
        let is_time = |pointer: &String| pointer.ends_with("/now_ns");
        assert!(!pointers.iter().any(is_time), "{pointers:?}");
    }
    assert!(asked > 20, "{asked}");
}

/// The world of an example with what is declared of it. Nothing runs: its reducers may be any.
fn world(name: &str) -> World {
    let air = documents(&format!("examples/{name}/air"));
    let codes = air.reducers.iter().map(|_| code(retry_world::WASM));
    let codes = codes.collect();
    let mut world = World::new(air, codes);
    let text = std::fs::read_to_string(root(&format!("examples/{name}/sim.toml")));
    world.declared = text.ok().map(|text| Source {
        file: "sim.toml".to_owned(),
        text,
    });
    world
}

/// In the place of a number, values of every shape.
const SHAPES: &str = r#""ttl_ms": {"record": {
    "of_list": {"list": {"nat": {}}},
    "of_texts": {"map": {"key": {"text": {}}, "value": {"bool": {}}}},
    "of_pairs": {"map": {"key": {"nat": {}}, "value": {"bytes": {}}}},
    "of_arms": {"variant": {"plain": {"unit": {}}, "full": {"option": {"int": {}}}}},
    "of_sets": {"set": {"uuid": {}}}}}"#;

fn world_of_shapes() -> World {
    let mut sources = sim::cli::sources(&root("examples/lease/air")).expect("they can be read");
    for source in &mut sources {
        let text = &source.text;
        source.text = text.replacen(r#""ttl_ms": {"nat": {}}"#, SHAPES, 1);
    }
    let air = sim::air::load(&sources).unwrap_or_else(|error| panic!("{error}"));
    World::new(air, vec![code(retry_world::WASM)])
}

/// What is marked in values of any shape is there for who reads the case, and the same again.
fn fields_of_any_world() {
    let mut marked = Vec::new();
    for world in [
        world("bank"),
        world("saga"),
        world("counter"),
        world_of_shapes(),
    ] {
        let model = Generic::of(&world);
        for seed in 0..40 {
            let mut stream = Stream::new(Seed(seed), Component::Requests);
            let requests = model.requests(&mut stream, Depth::Usual);
            let spurious = model.spurious(&requests, &mut stream);
            let mut schedule = starts(&requests);
            schedule.extend(spurious.map(|spurious| Decision::Inject {
                schema: spurious.schema,
                value: spurious.value,
                cell: spurious.cell,
            }));
            let scenario = scenario_of(requests, schedule);
            let marks = marks_by((&world, &model), &scenario, u32::MAX, |_| true);
            let found = Found {
                about: None,
                found_by: FoundBy::fuzzer(),
                world: WorldHashes::of(&world),
                judged: None,
            };
            let case = Case::new(&world.air, &scenario, found).with_marks(&marks);
            let text = case.to_text();
            let again = Case::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(again.marks(), marks);
            assert_eq!(again.to_text(), text);
            marked.extend(marks.pointers());
        }
    }
    // How many steps below the field something is marked.
    let is_marked = |name: &str, steps: usize| {
        let mut places = marked.iter().filter_map(|place| place.split_once(name));
        places.any(|(_, rest)| rest.matches('/').count() == steps)
    };
    for (name, steps) in [
        ("/of_list", 0),
        ("/of_list", 1),
        ("/of_texts", 1),
        ("/of_pairs", 2),
        ("/of_arms", 0),
        ("/of_arms", 1),
        ("/of_sets", 1),
    ] {
        assert!(is_marked(name, steps), "{name}, {steps} below");
    }
}

/// A retry case with a mark.
const CASE: &str = r#"{
  "format": "sim-case/1",
  "found_by": {"driver":"hand"},
  "world": {"manifest":"","reducers":{}},
  "requests": [
    {"name":"r1","schema":"demo/RetryEvent@1","value":{"start":{"base_delay_ms":0,"max_attempts":1,"now_ns":0,"payload":"","req_id":"r1"}},"any":["/start/payload"]}
  ],
  "schedule": [
    {"start":"r1"},
    {"inject":"demo/RetryEvent@1","value":{"err":{"message":"","req_id":"r1","transient":true}},"any":["/err/message"]}
  ]
}
"#;

fn no_part_of_what_a_case_is() {
    let case = Case::parse(CASE).expect("it is a case");
    assert_eq!(case.to_text(), CASE);
    let pointers = [
        "/requests/0/value/start/payload",
        "/schedule/1/value/err/message",
    ];
    assert_eq!(case.marks().pointers(), pointers);
    let plain = case.clone().with_marks(&Marks::default());
    assert!(!plain.to_text().contains("any"));
    assert_ne!(plain, case);
    assert!(plain.is_the_same(&case));
    assert_eq!(plain.identity(), case.identity());
    let air = &retry_world().air;
    assert_eq!(plain.bind(air).ok(), case.bind(air).ok());
}

fn refusals() {
    let refused = |from: &str, to: &str| {
        let text = CASE.replace(from, to);
        assert_ne!(text, CASE, "{from}");
        let error = Case::parse(&text).and_then(|case| case.bind(&retry_world().air));
        let error = error.expect_err(to);
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        format!("{error}{}", cause.unwrap_or_default())
    };
    let request = r#"["/start/payload"]"#;
    for (to, expected) in [
        (
            "[]",
            "at `/requests/0/any`: nothing is named: leave `any` out",
        ),
        (
            r#"["/start/payload","/start/payload"]"#,
            "at `/requests/0/any/1`: `/start/payload` is here twice",
        ),
        (
            r#"["/start/nothing"]"#,
            "at `/requests/0/any/0`: the value has no field `/start/nothing`",
        ),
        (
            r#"["/start"]"#,
            "at `/requests/0/any/0`: `/start` has fields of its own: name those",
        ),
    ] {
        assert_eq!(refused(request, to), expected);
    }
    let text = r#""/start/payload""#;
    assert!(refused(text, "7").contains("expected a string"));
    assert_eq!(
        refused(r#"{"start":"r1"}"#, r#"{"start":"r1","any":["/a"]}"#),
        "at `/schedule/0/any`: `any` without a `value`"
    );
}
