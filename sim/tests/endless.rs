//! What is started ends, by every fair schedule: the explorer finds where it never can, and seeds
//! find the same bugs.

use std::fs;

use expect_test::expect;
use libtest_mimic::Trial;

use crate::cli::Place;
use crate::examples::wasm_of;
use crate::support::{root, trial};

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

/// A world of the ring in which something else is so.
fn ring(changes: &[(&str, &str)]) -> Place {
    let source = fs::read_to_string(root("sim/tests/fixtures/ring.rs"));
    let mut source = source.expect("it is there");
    for (from, to) in changes {
        assert!(source.contains(from), "{from}");
        source = source.replace(from, to);
    }
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

/// So many states that some are on disk.
fn on_disk() {
    let twice = [("TWICE: bool = true", "TWICE: bool = false")];
    for (changes, code) in [(&[][..], 0), (&twice, 1)] {
        let place = ring(changes);
        let explore = "explore --world w --case-dir found --requests 3 --duplicates 2 --spurious 2";
        let [held, kept] = ["", " --checkpoint-dir kept"].map(|kept| {
            // A case that is there is known the second time.
            let _ = fs::remove_dir_all(place.path("found"));
            let said = place.sim(&format!("{explore}{kept}"));
            assert_eq!(said.code, code, "{}{}", said.out, said.err);
            said.out
        });
        assert_eq!(kept, held);
    }
}

fn of_seeds_and_explorer() {
    let never = [("FALLS: bool = true", "FALLS: bool = false")];
    let twice = [("TWICE: bool = true", "TWICE: bool = false")];
    let mut told = String::new();
    for (changes, code) in [(&[][..], 0), (&never, 1), (&twice, 1)] {
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
