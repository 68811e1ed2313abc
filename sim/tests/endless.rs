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
    vec![named("of_seeds_and_explorer", of_seeds_and_explorer)]
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
        1777 states, 5520 transitions, depth 17
        complete: every schedule within these bounds holds: 2 requests, 1 duplicate, 1 spurious event
        897 states, 3388 transitions, depth 13
        violation: after 1 decision, and after no fewer, it never ends
          falls at turn 1000: every ball falls in the end
            expected at rest: state == null || state.down
            found    state.down = false; state = {down: false, left: 3, twice: false}
        1813 states, 5586 transitions, depth 17
        violation: after 2 decisions, and after no fewer, it never ends
          falls at turn 1001: every ball falls in the end
            expected at rest: state == null || state.down
            found    state.down = false; state = {down: false, left: 3, twice: true}
    "#]].assert_eq(&told);
}
