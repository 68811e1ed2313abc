//! What is started ends, by every fair schedule: the explorer finds where it never can, and seeds
//! find the same bugs.

use std::fs;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::declared::{Declared, File};
use sim::explore::{self, ExploreOptions, Limits, Store};
use sim::kernel::World;
use sim::model::Small;
use sim::models;

use crate::cli::Place;
use crate::examples::wasm_of;
use crate::support::{code, documents, root, trial};

pub fn trials() -> Vec<Trial> {
    let named = |name: &str, test: fn()| trial(format!("endless::{name}"), test);
    vec![
        named("of_seeds_and_explorer", of_seeds_and_explorer),
        named("on_disk", on_disk),
        named("of_plans_alone", of_plans_alone),
    ]
}

const DECLARED: &str = r#"
format = "sim/1"
[reducers."ring/Players@1"]
wasm = "ring.wasm"
[clients.serve]
event = "ring/Event@1"
arm = "serve"
fields.ball = { fresh = "ball" }
[properties.falls]
says = "every ball falls in the end"
eventually = "state == null || state.down"
"#;

/// The ball never falls.
const NEVER: [(&str, &str); 1] = [("FALLS: bool = true", "FALLS: bool = false")];
/// It does not if it was served twice.
const TWICE: [(&str, &str); 1] = [("TWICE: bool = true", "TWICE: bool = false")];

/// The reducer with something else in it.
fn changed(changes: &[(&str, &str)]) -> String {
    let source = fs::read_to_string(root("sim/tests/fixtures/ring.rs"));
    let mut source = source.expect("it is there");
    for (from, to) in changes {
        assert!(source.contains(from), "{from}");
        source = source.replace(from, to);
    }
    source
}

/// A world of the ring in which something else is so.
fn ring(changes: &[(&str, &str)]) -> Place {
    let source = changed(changes);
    let place = Place::new();
    let documents = fs::read(root("sim/tests/fixtures/worlds/ring/world.air.json"));
    place.write("w/world.air.json", documents.expect("they are there"));
    place.write("w/ring.wasm", wasm_of(&source));
    place.write("w/sim.toml", DECLARED);
    place
}

/// A circle that is entered and gone through by plans that start each other, which nothing else
/// looks at: decisions of which the explorer takes one order only.
fn of_plans_alone() {
    let place = Place::new();
    let documents = fs::read(root("sim/tests/fixtures/worlds/trap/world.air.json"));
    place.write("w/world.air.json", documents.expect("they are there"));
    let source = fs::read_to_string(root("sim/tests/fixtures/trap.rs"));
    place.write("w/trap.wasm", wasm_of(&source.expect("it is there")));
    place.write(
        "w/sim.toml",
        r#"
format = "sim/1"
[reducers."trap/R@1"]
wasm = "trap.wasm"
[clients.go]
event = "trap/Event@1"
arm = "go"
fields.id = { fresh = "id" }
fields.now_ns = { now = true }
[[answers."http.request"]]
name = "ok"
receipt = { status = 200 }
[[answers."http.request"]]
name = "bad"
receipt = { status = 500 }
[properties.done]
eventually = "state.log == 'd'"
"#,
    );
    let bounds = "--alike --requests 1 --duplicates 0 --spurious 0";
    let explore = format!("explore --world w --case-dir found {bounds}");
    for (more, expected) in [
        ("", "violation: after 4 decisions it never ends"),
        (
            " --no-reduction",
            "violation: after 4 decisions, and after no fewer, it never ends",
        ),
    ] {
        let said = place.sim(&format!("{explore}{more}"));
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(said.out.contains(expected), "{}", said.out);
    }
}

/// Worlds in which the ball falls, in which it never does, and in which it does not if it was
/// served twice.
pub fn rings() -> [World; 3] {
    let air = documents("sim/tests/fixtures/worlds/ring");
    let file = File::parse("sim.toml", DECLARED).expect("it is right");
    [&[][..], &NEVER, &TWICE].map(|changes| {
        let mut world = World::new(air.clone(), vec![code(&wasm_of(&changed(changes)))]);
        Declared::declare(&file, &mut world).expect("it is of this world");
        world
    })
}

/// Where states lead is known late if all are on disk, and what comes of it is the same.
fn on_disk() {
    let mut ended = Vec::new();
    for world in rings() {
        let model = models::of(&world);
        let small = Small {
            requests: 2,
            ..Small::default()
        };
        for reduce in [true, false] {
            let held = ExploreOptions {
                reduce,
                ..ExploreOptions::of(Limits {
                    scene: model.scenes(&small).remove(0),
                    duplicates: 1,
                    drops: 1,
                    spurious: 1,
                    crashes: 0,
                    depth: 1_000,
                })
            };
            let kept = ExploreOptions {
                store: Store {
                    spill_states: 0,
                    ..Store::default()
                },
                ..held.clone()
            };
            let [held, kept] = [held, kept].map(|options| {
                let explored = explore::run(&world, &*model, &options, |_| {});
                let explored = explored.expect("the world can be explored");
                format!("{:?}, {} states", explored.outcome, explored.states)
            });
            assert_eq!(kept, held);
            ended.push(held.starts_with("Violated"));
        }
    }
    assert_eq!(ended, [false, false, true, true, true, true]);
}

fn of_seeds_and_explorer() {
    let mut told = String::new();
    for (changes, code) in [(&[][..], 0), (&NEVER, 1), (&TWICE, 1)] {
        let place = ring(changes);
        let seeds = place.sim("run --world w --seeds 0..300 --case-dir found");
        assert_eq!(seeds.code, code, "{}{}", seeds.out, seeds.err);
        let explored = place.sim("explore --world w --case-dir found");
        assert_eq!(explored.code, code, "{}{}", explored.out, explored.err);
        let lines = explored.out.lines().filter(|line| {
            [
                "states, ",
                "violation",
                "falls at",
                "expected",
                "found ",
                "complete",
            ]
            .iter()
            .any(|part| line.contains(part))
        });
        told.extend(lines.map(|line| format!("{line}\n")));
    }
    expect![[r#"
        2455 states, 5808 transitions, depth 17
        complete: every schedule within these bounds holds: 2 requests, 1 duplicate, 1 spurious event
        1529 states, 4020 transitions, depth 14
        violation: after 1 decision it never ends
          falls at turn 1000: every ball falls in the end
            expected at rest: state == null || state.down
            found    state.down = false; state = {down: false, left: 3, twice: false}
        2503 states, 5896 transitions, depth 17
        violation: after 2 decisions it never ends
          falls at turn 1001: every ball falls in the end
            expected at rest: state == null || state.down
            found    state.down = false; state = {down: false, left: 3, twice: true}
    "#]].assert_eq(&told);
}
