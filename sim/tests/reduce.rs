//! What the explorer leaves out changes no verdict: the same properties are violated, by schedules
//! that are as short, and what is left out leads to what is taken.

use std::fs;

use libtest_mimic::Trial;
use sim::explore::{self, ExploreOptions, Explored, Limits, Outcome};
use sim::kernel::World;
use sim::model::{Model, Small};
use sim::models;

use crate::cli::Place;
use crate::examples::wasm_of;
use crate::foreign::renamed_air;
use crate::support::guest::built;
use crate::support::{code, http_world, planted_world, retry_world, root, subject, trial};

pub fn trials() -> Vec<Trial> {
    let reduced = |name: &str, test: fn()| trial(format!("reduce::{name}"), test);
    vec![
        reduced("counts_of_one_attempt", counts_of_one_attempt),
        reduced("worlds_agree", worlds_agree),
        reduced("bugs_agree", bugs_agree),
        reduced("both_orders_lead_to_the_same", both_orders),
        reduced("much_is_left_out", much_is_left_out),
        reduced("who_is_told_the_time", who_is_told_the_time),
    ]
}

/// An enforcer of the world's own is told the time, so that it counts whether a plan asks before a
/// timer fires or after it: only what is asked early is allowed, and its receipt may come late.
fn who_is_told_the_time() {
    let place = Place::new();
    let documents = fs::read(root("sim/tests/fixtures/worlds/hours/world.air.json"));
    place.write("w/world.air.json", documents.expect("they are there"));
    let source = fs::read_to_string(root("sim/tests/fixtures/hours.rs"));
    place.write("w/hours.wasm", wasm_of(&source.expect("it is there")));
    place.write("w/guard.wasm", built("hours_guard", &["-O"]));
    place.write(
        "w/sim.toml",
        r#"
format = "sim/1"
expect = ["denied=http.request", "plan-error=PA"]
[reducers."hours/R@1"]
wasm = "hours.wasm"
[reducers."hours/Guard@1"]
wasm = "guard.wasm"
[clients.go]
event = "hours/Event@1"
arm = "go"
fields.id = { fresh = "id" }
fields.now_ns = { now = true }
[[answers."http.request"]]
name = "ok"
receipt = { status = 200 }
[[answers."http.request"]]
name = "bad"
receipt = { status = 500 }
[properties.not_in_between]
never = "state.log == 'gtd'"
"#,
    );
    let bounds = "--alike --requests 1 --duplicates 0 --spurious 0";
    for more in ["", " --no-reduction"] {
        let said = place.sim(&format!(
            "explore --world w --case-dir found {bounds}{more}"
        ));
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        let expected = "violation: no shorter schedule than these 8 decisions\n";
        assert!(said.out.contains(expected), "{}", said.out);
    }
}

/// How much goes wrong in a small world.
#[derive(Clone, Copy, Default, Debug)]
struct Faults {
    duplicates: u8,
    drops: u8,
    spurious: u8,
    crashes: u8,
}

fn options(model: &dyn Model, small: &Small, faults: Faults) -> ExploreOptions {
    ExploreOptions {
        symmetry: false,
        ..ExploreOptions::of(Limits {
            scene: model.scene(small),
            duplicates: faults.duplicates,
            drops: faults.drops,
            spurious: faults.spurious,
            crashes: faults.crashes,
            depth: 1_000,
        })
    }
}

/// With what is left out, and without.
fn both(world: &World, model: &dyn Model, options: &ExploreOptions) -> [Explored; 2] {
    [true, false].map(|reduce| {
        let options = ExploreOptions {
            reduce,
            ..options.clone()
        };
        explore::run(world, model, &options, |_| {}).expect("it can be explored")
    })
}

/// What is violated, and by how many decisions.
fn verdict(explored: &Explored) -> Option<(Vec<&str>, usize)> {
    match &explored.outcome {
        Outcome::Violated(found) => {
            let names = found.violations.iter().map(|violation| violation.name());
            Some((names.collect(), found.scenario.schedule.len()))
        }
        outcome => {
            assert_eq!(*outcome, Outcome::Complete);
            None
        }
    }
}

/// By hand, of the 13 states and 16 moves that `explore::counts_of_one_attempt` has: the plan's end
/// is not taken, so that e and the moves d to e are gone, and f and g are one. That leaves a, b, c,
/// three d, and f1 and f2; moves: a 1, b 1, c 3, each d 1. The longest way is a b c d f.
fn counts_of_one_attempt() {
    let world = retry_world();
    let model = models::of(world);
    let small = retry_world::small(1, 1, 10);
    let [reduced, _] = both(world, &*model, &options(&*model, &small, Faults::default()));
    assert_eq!(verdict(&reduced), None);
    let counts = (reduced.states, reduced.transitions, reduced.depth);
    assert_eq!(counts, (8, 8, 4));
}

/// The worlds that hold, with faults of every kind: what is seen of them is the same.
fn worlds_agree() {
    let one = |duplicates, drops, spurious, crashes| Faults {
        duplicates,
        drops,
        spurious,
        crashes,
    };
    let renamed = World::new(renamed_air(), vec![code(retry_world::WASM)]);
    let other_words = planted_world(planted::OTHER_WORDS);
    let http = http_world();
    for (what, world, attempts, all) in [
        (
            "retry",
            retry_world(),
            2,
            vec![one(1, 1, 0, 0), one(1, 0, 1, 0), one(0, 1, 0, 1)],
        ),
        ("renamed", &renamed, 2, vec![one(1, 0, 0, 0)]),
        ("other words", &other_words, 2, vec![one(1, 0, 1, 0)]),
        ("http", &http, 1, vec![one(1, 0, 0, 0), one(0, 1, 0, 1)]),
    ] {
        let model = models::of(world);
        for faults in all {
            let options = options(&*model, &retry_world::small(2, attempts, 10), faults);
            let [reduced, whole] = both(world, &*model, &options);
            assert_eq!(verdict(&reduced), None, "{what}, {faults:?}");
            assert_eq!(verdict(&whole), None, "{what}, {faults:?}");
            assert_eq!(reduced.sometimes, whole.sometimes, "{what}, {faults:?}");
            assert!(
                reduced.states * 2 < whole.states && reduced.transitions * 3 < whole.transitions,
                "{what}, {faults:?}: {} of {} states, {} of {} transitions",
                reduced.states,
                whole.states,
                reduced.transitions,
                whole.transitions
            );
        }
    }
}

/// Each planted bug in its small world, by whichever property is violated first, and by each that
/// is about it.
fn bugs_agree() {
    let subject = subject();
    let mut violated = 0;
    for bug in subject.bugs {
        let sought = subject.sought(bug).expect("it is a reducer");
        let usual = (retry_world::small(2, 3, 10), 1, 0, 1_000);
        let (small, duplicates, spurious, depth) = match sought.shape {
            None => usual,
            Some(shape) if shape.is_varied => usual,
            Some(shape) => {
                let small = shape.small.clone();
                (small, shape.duplicates, shape.spurious, shape.depth)
            }
        };
        let faults = Faults {
            duplicates,
            spurious,
            ..Faults::default()
        };
        let mut any = options(&*sought.model, &small, faults);
        any.limits.depth = depth.min(12);
        let properties = sought
            .properties
            .iter()
            .map(|name| Some((*name).to_owned()));
        for property in properties.chain([None]) {
            let what = format!("{}, {property:?}", bug.name);
            let options = ExploreOptions {
                property,
                ..any.clone()
            };
            let all = both(&sought.world, &*sought.model, &options);
            let [reduced, whole] = all.each_ref().map(|explored| match &explored.outcome {
                Outcome::Violated(_) => verdict(explored),
                _ => None,
            });
            assert_eq!(reduced, whole, "{what}");
            violated += u32::from(whole.is_some());
        }
    }
    assert!(violated > 80, "{violated} violations");
}

/// Of quiet moves and others, in states that are reached.
fn both_orders() {
    let every = Faults {
        duplicates: 2,
        drops: 1,
        spurious: 1,
        crashes: 1,
    };
    let http = http_world();
    let broken = planted_world(9);
    for (what, world) in [
        ("retry", retry_world()),
        ("http", &http),
        ("broken", &broken),
    ] {
        let model = models::of(world);
        let options = options(&*model, &retry_world::small(2, 3, 10), every);
        let found = explore::both_orders(world, &*model, &options, (2_000, 61));
        let found = found.expect("it can be explored");
        assert_eq!(found.differing, Vec::<String>::new(), "{what}");
        assert!(found.pairs > 500, "{what}: {} pairs", found.pairs);
    }
}

fn much_is_left_out() {
    let world = retry_world();
    let model = models::of(world);
    let faults = Faults {
        duplicates: 1,
        ..Faults::default()
    };
    let small = retry_world::small(2, 3, 10);
    let [reduced, whole] = both(world, &*model, &options(&*model, &small, faults));
    assert_eq!((whole.states, whole.transitions), (7_548, 36_974));
    assert!(
        reduced.states * 6 < whole.states,
        "{} states",
        reduced.states
    );
    let taken = reduced.transitions;
    assert!(taken * 15 < whole.transitions, "{taken} transitions");
}
