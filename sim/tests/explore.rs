//! The explorer leaves nothing out, counts right, and tells the shortest. What of it may be left out
//! because others lead to the same is the matter of `reduce`, and is taken here.

use libtest_mimic::Trial;
use sim::campaign::Runner;
use sim::explore::{self, ExploreError, ExploreOptions, Explored, Limits, Outcome};
use sim::kernel::World;
use sim::model::Properties;
use sim::models;

use crate::support::{http_world, planted_world, retry_world, trial};

pub fn trials() -> Vec<Trial> {
    let explored = |name: &str, test: fn()| trial(format!("explore::{name}"), test);
    vec![
        explored("counts_of_one_attempt", counts_of_one_attempt),
        explored("counts_with_a_drop", counts_with_a_drop),
        explored("agrees_with_brute_force", agrees_with_brute_force),
        explored("jobs_do_not_matter", jobs_do_not_matter),
        explored("shipped_reducer_holds", shipped_reducer_holds),
        explored("plans_that_wait", plans_that_wait),
        explored("counterexample_replays", counterexample_replays),
        explored("bounds_end_it", bounds_end_it),
        explored("large_values_count", large_values_count),
        explored("interrupt_ends_it", interrupt_ends_it),
        explored("impure_reducer_is_seen", impure_reducer_is_seen),
        explored("context_is_refused", context_is_refused),
    ]
}

/// What of a world is varied here.
#[derive(Clone, Copy, Default)]
struct Shape {
    requests: u32,
    max_attempts: u64,
    duplicates: u8,
    drops: u8,
    spurious: u8,
    crashes: u8,
}

const ONE: Shape = Shape {
    requests: 1,
    max_attempts: 1,
    duplicates: 0,
    drops: 0,
    spurious: 0,
    crashes: 0,
};

fn options(world: &World, shape: Shape) -> ExploreOptions {
    let small = retry_world::small(shape.requests, shape.max_attempts, 10);
    ExploreOptions {
        symmetry: false,
        reduce: false,
        ..ExploreOptions::of(Limits {
            scene: models::of(world).scene(&small),
            duplicates: shape.duplicates,
            drops: shape.drops,
            spurious: shape.spurious,
            crashes: shape.crashes,
            depth: 1_000,
        })
    }
}

fn run(world: &World, options: &ExploreOptions) -> Explored {
    let model = models::of(world);
    explore::run(world, &*model, options, |_| {}).expect("the world can be explored")
}

fn counts(shape: Shape) -> (u64, u64, u32) {
    let world = retry_world();
    let explored = run(world, &options(world, shape));
    assert_eq!(explored.outcome, Outcome::Complete);
    (explored.states, explored.transitions, explored.depth)
}

/// By hand. The states:
///
/// - a: nothing has happened; start leads to b
/// - b: Working, WorkRequested in flight; its delivery leads to c
/// - c: the plan is at its raise; three answers lead to d1 (ok), d2 (transient), d3 (terminal)
/// - d: the answer in flight, the plan at its end; the plan's step leads to e, the delivery to f
/// - e1, e2, e3: the answer in flight, no plan; the delivery leads to g
/// - f: ended, the plan at its end. f1 is Done; from d2 and d3, Failed at the only attempt: one f2
/// - g1, g2: ended, nothing left
///
/// That is 3 + 3 + 3 + 2 + 2 states. Moves: a 1, b 1, c 3, each d 2, each e 1, each f 1: 16. The
/// longest way is a b c d e g: five.
fn counts_of_one_attempt() {
    assert_eq!(counts(ONE), (13, 16, 5));
}

/// By hand, on top of the 13 states and 16 moves above, in which the drop is still to come. It can
/// be taken wherever a message is in flight: b, three d, three e, so 7 moves more.
///
/// - from b to h: Working, WorkRequested dropped; its redelivery (1 move) leads to c' (as c, with
///   the drop used up), and from there all of c d e f g again: 11 states, 3 + 6 + 3 + 2 moves
/// - from d to i1, i2, i3: the answer dropped, the plan at its end; the plan's step leads to k,
///   the redelivery to f' (6 moves)
/// - from e to k1, k2, k3, the same that i leads to; the redelivery leads to g' (3 moves)
///
/// 13 + 1 + 11 + 3 + 3 states; 16 + 7 + 1 + 14 + 6 + 3 moves. The longest way to a state that is
/// not reached in fewer is that to g': a b c d i k g', six.
fn counts_with_a_drop() {
    assert_eq!(counts(Shape { drops: 1, ..ONE }), (31, 47, 6));
}

/// Without deduplication every schedule is run on its own. The states it meets are as many, and
/// what it finds is found as early.
fn agrees_with_brute_force() {
    let two = Shape { requests: 2, ..ONE };
    let shapes = [
        ONE,
        Shape { drops: 1, ..ONE },
        Shape {
            duplicates: 1,
            ..ONE
        },
        Shape { spurious: 1, ..ONE },
        Shape { crashes: 1, ..ONE },
        Shape {
            max_attempts: 2,
            ..ONE
        },
        two,
    ];
    let mut worlds = vec![(0, planted_world(0))];
    for name in [
        "ok-after-failed",
        "attempt-limit-off-by-one",
        "terminal-err-ignored",
    ] {
        let bug = planted::BUGS.iter().find(|(_, bug)| *bug == name);
        let number = bug.expect("it is planted").0;
        worlds.push((number, planted_world(number)));
    }
    let mut violated = 0;
    for (number, world) in &worlds {
        for (index, shape) in shapes.iter().enumerate() {
            let once = options(world, *shape);
            let brute = ExploreOptions {
                deduplicate: false,
                ..once.clone()
            };
            let (once, brute) = (run(world, &once), run(world, &brute));
            let what = format!("bug {number}, shape {index}");
            match (&once.outcome, &brute.outcome) {
                (Outcome::Complete, Outcome::Complete) => {
                    assert_eq!(once.states, brute.states, "{what}");
                    assert_eq!(once.sometimes, brute.sometimes, "{what}");
                    assert!(once.transitions <= brute.transitions, "{what}");
                }
                (Outcome::Violated(one), Outcome::Violated(other)) => {
                    violated += 1;
                    let length = |found: &explore::Counterexample| found.scenario.schedule.len();
                    assert_eq!(length(one), length(other), "{what}");
                }
                (one, other) => panic!("{what}: {one:?}, by brute force {other:?}"),
            }
        }
    }
    assert!(violated >= 5, "{violated} were violated");
}

fn jobs_do_not_matter() {
    let world = retry_world();
    let shape = Shape {
        max_attempts: 2,
        duplicates: 3,
        drops: 1,
        ..ONE
    };
    let one = options(world, shape);
    let many = ExploreOptions {
        jobs: 3,
        ..one.clone()
    };
    let one = run(world, &one);
    assert!(one.states > 2_000, "{} states: several batches", one.states);
    assert!(is_same(&one, &run(world, &many)));
}

fn shipped_reducer_holds() {
    let world = retry_world();
    let shape = Shape {
        max_attempts: 2,
        duplicates: 1,
        drops: 1,
        spurious: 1,
        crashes: 1,
        ..ONE
    };
    let explored = run(world, &options(world, shape));
    assert_eq!(explored.outcome, Outcome::Complete);
    let properties = Properties::of(world, &*models::of(world));
    let reached: Vec<&str> = properties
        .sometimes()
        .filter(|(rank, ..)| explored.sometimes.contains(*rank))
        .map(|(_, property, _)| &*property.name)
        .collect();
    for name in [
        "done_after_retry",
        "redelivered",
        "stray_ignored",
        "crash_cut_short",
    ] {
        assert!(reached.contains(&name), "{name} is not among {reached:?}");
    }
}

/// Plans with receipts: what they wait for is a part of the state.
fn plans_that_wait() {
    let world = http_world();
    let shape = Shape {
        max_attempts: 2,
        duplicates: 1,
        crashes: 1,
        ..ONE
    };
    let explored = run(&world, &options(&world, shape));
    assert_eq!(explored.outcome, Outcome::Complete);
    assert!(explored.states > 100, "{} states", explored.states);
    let once = options(&world, ONE);
    let brute = ExploreOptions {
        deduplicate: false,
        ..once.clone()
    };
    let (once, brute) = (run(&world, &once), run(&world, &brute));
    assert_eq!(once.states, brute.states);
    assert_eq!(once.outcome, Outcome::Complete);
}

fn counterexample_replays() {
    for (number, name) in planted::BUGS {
        if *name != "ok-after-failed" && *name != "timer-accepted-when-working" {
            continue;
        }
        let world = planted_world(*number);
        let shape = Shape {
            max_attempts: 2,
            duplicates: 1,
            spurious: 1,
            ..ONE
        };
        let explored = run(&world, &options(&world, shape));
        let Outcome::Violated(found) = explored.outcome else {
            panic!("{name} is not found");
        };
        let model = models::of(&world);
        let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
        let checked = runner.replay(&found.scenario);
        assert!(checked.skipped.is_empty(), "{name}");
        let names = |violations: &[sim::model::Violation]| -> Vec<String> {
            let names = violations.iter().map(|violation| violation.name());
            names.map(str::to_owned).collect()
        };
        assert_eq!(
            names(&checked.violations),
            names(&found.violations),
            "{name}"
        );
        let last = checked.violations[0].turn + 1;
        assert_eq!(
            last,
            found.scenario.schedule.len(),
            "{name}: nothing comes after"
        );
    }
}

fn bounds_end_it() {
    let world = retry_world();
    let whole = options(
        world,
        Shape {
            duplicates: 1,
            ..ONE
        },
    );
    let mut shallow = whole.clone();
    shallow.limits.depth = 3;
    let explored = run(world, &shallow);
    assert_eq!((explored.outcome, explored.depth), (Outcome::DepthBound, 3));
    let small = ExploreOptions {
        memory_bytes: run(world, &whole).memory_bytes - 4_000,
        ..whole
    };
    let explored = run(world, &small);
    assert_eq!(explored.outcome, Outcome::MemoryBound);
    assert!(explored.depth >= 1 && explored.memory_bytes > small.memory_bytes);
}

/// Few states may hold much: values count, and each thread's copy of them.
fn large_values_count() {
    let world = retry_world();
    let shape = Shape {
        requests: 3,
        max_attempts: 3,
        ..ONE
    };
    let mut large = options(world, shape);
    let schemas = &world.air.schemas;
    for request in &mut large.limits.scene.requests {
        let value = serde_json::json!({"start": {
            "req_id": request.name, "payload": "p".repeat(200_000),
            "max_attempts": 3, "base_delay_ms": 10, "now_ns": 0,
        }});
        let value = schemas.value_from_json(request.schema, &value);
        let value = value.expect("it is a request");
        let encoded = schemas.encode(request.schema, &value);
        request.value = encoded.expect("it is a request");
    }
    let all = run(world, &large);
    assert_eq!(all.outcome, Outcome::Complete);
    let plain = run(world, &options(world, shape));
    assert_eq!(all.states, plain.states);
    let more = all.memory_bytes - plain.memory_bytes;
    assert!(more > 4_000_000, "{more} bytes more");
    for jobs in [1, 3] {
        large.jobs = jobs;
        large.memory_bytes = all.memory_bytes - 2_000_000;
        let explored = run(world, &large);
        assert_eq!(explored.outcome, Outcome::MemoryBound);
        assert!(explored.memory_bytes < large.memory_bytes * 11 / 10);
    }
}

/// Asked at any time, by whom it may: no further move is taken.
fn interrupt_ends_it() {
    let world = retry_world();
    let asked = options(
        world,
        Shape {
            requests: 3,
            max_attempts: 3,
            spurious: 2,
            ..ONE
        },
    );
    let model = models::of(world);
    let mut told = Vec::new();
    let explored = explore::run(world, &*model, &asked, |progress| {
        told.push((progress.transitions, progress.depth));
        if progress.depth == 8 {
            asked.interrupt.ask();
        }
    });
    let explored = explored.expect("the world can be explored");
    assert_eq!(explored.outcome, Outcome::Interrupted);
    assert_eq!(told.last(), Some(&(explored.transitions, explored.depth)));
}

/// Whoever takes a step, what it gives is the same, and that it depends on those before is seen.
fn impure_reducer_is_seen() {
    let shape = Shape {
        max_attempts: 3,
        duplicates: 2,
        spurious: 1,
        ..ONE
    };
    for name in ["hidden-state", "hidden-start"] {
        let bug = planted::BUGS.iter().find(|(_, bug)| *bug == name);
        let world = planted_world(bug.expect("it is planted").0);
        let with = |jobs| ExploreOptions {
            jobs,
            ..options(&world, shape)
        };
        let explored = run(&world, &with(1));
        let Outcome::Violated(found) = &explored.outcome else {
            panic!("{name} is not seen in {} transitions", explored.transitions);
        };
        assert_eq!(found.violations[0].name(), "pure", "{name}");
        for jobs in 2..=4 {
            assert!(
                is_same(&explored, &run(&world, &with(jobs))),
                "{name}, {jobs} jobs"
            );
        }
    }
}

/// What is held differs by the threads that hold it.
fn is_same(one: &Explored, other: &Explored) -> bool {
    let other = Explored {
        memory_bytes: one.memory_bytes,
        ..other.clone()
    };
    *one == other
}

fn context_is_refused() {
    for (world, expected) in [
        (crate::world::world_with_context(), "t/Machine@1"),
        (
            crate::world::world_whose_enforcer_has_a_context(),
            "t/Guard@1",
        ),
    ] {
        let error = explore::run(&world, &*models::of(&world), &options(&world, ONE), |_| {});
        let error = error.expect_err("it is refused");
        let ExploreError::Context { module } = &error else {
            panic!("{error}");
        };
        assert_eq!(module, expected);
    }
}
