//! Requests that are alike are exchanged: nothing is lost by it, and where ids are no mere names it
//! is seen.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use sim::air::{EffectId, PlanId, SchemaId};
use sim::campaign::Runner;
use sim::explore::{self, Difference, Exchanged, ExploreOptions, Explored, Limits, Outcome, Store};
use sim::interrupt::Interrupt;
use sim::kernel::World;
use sim::model::{Checker, Model, PlantedBug, Scene, Small, Spurious, Watch, Work};
use sim::models;
use sim::random::{Component, Seed, Stream};
use sim::scenario::{Bounds, Depth, PlanMode, Request, Scenario};
use sim::simulator::{Simulator, enabled};
use sim::trace::{Answer, Answers, Choice, Key, Pool, Symmetry, Trace, Unpacker, Values};

use tempfile::TempDir;

use crate::support::{http_world, planted_world, retry_world, subject, trial};

pub fn trials() -> Vec<Trial> {
    let symmetry = |name: &str, test: fn()| trial(format!("symmetry::{name}"), test);
    let mut trials = vec![
        symmetry("counts_of_two_requests", counts_of_two_requests),
        symmetry("agrees_on_worlds", agrees_on_worlds),
        symmetry("keys_do_not_change", keys_do_not_change),
        symmetry("jobs_do_not_matter", jobs_do_not_matter),
        symmetry("order_of_ids_is_seen", order_of_ids_is_seen),
        symmetry("an_id_in_the_model_is_seen", an_id_in_the_model_is_seen),
        symmetry("hashes_are_taken_again", hashes_are_taken_again),
        symmetry("agrees_with_reduction", agrees_with_reduction),
        symmetry(
            "goes_on_where_ids_are_told_apart",
            goes_on_where_ids_are_told_apart,
        ),
    ];
    trials.extend(retry_world::bugs().iter().map(|bug| {
        let name = format!("symmetry::bugs::{}", bug.name);
        trial(name, move || agrees_on(bug))
    }));
    trials
}

fn options(model: &dyn Model, requests: u32, max_attempts: u64) -> ExploreOptions {
    let small = retry_world::small(requests, max_attempts, 10);
    ExploreOptions {
        reduce: false,
        ..ExploreOptions::of(Limits {
            scene: model.scene(&small),
            duplicates: 0,
            drops: 0,
            spurious: 0,
            crashes: 0,
            depth: 1_000,
        })
    }
}

fn run(world: &World, model: &dyn Model, options: &ExploreOptions) -> Explored {
    explore::run(world, model, options, |_| {}).expect("the world can be explored")
}

/// With exchanged requests, and without.
fn both(world: &World, model: &dyn Model, with: &ExploreOptions) -> [Explored; 2] {
    let without = ExploreOptions {
        symmetry: false,
        ..with.clone()
    };
    [with, &without].map(|options| run(world, model, options))
}

/// What is violated first, and after how many decisions.
fn violated(explored: &Explored) -> Option<(Vec<&str>, usize)> {
    let Outcome::Violated(found) = &explored.outcome else {
        assert!(
            matches!(explored.outcome, Outcome::Complete | Outcome::DepthBound),
            "{:?}",
            explored.outcome
        );
        return None;
    };
    let names = found.violations.iter().map(|it| it.name());
    Some((names.collect(), found.scenario.schedule.len()))
}

/// By hand, of two requests of one attempt that is answered ok. The states:
///
/// - a: nothing has happened; the start of the first leads to b
/// - b: Working, WorkRequested in flight; its delivery leads to c
/// - c: the plan is at its raise; the answer leads to d
/// - d: ok in flight, the plan at its end; the plan's step leads to e, the delivery to f
/// - e: ok in flight, no plan; the delivery leads to g
/// - f: Done, the plan at its end; its step leads to g
/// - g: Done, nothing left
/// - b' to g': the second was started between b and e, and is ignored: 6 states
/// - b" to g": the second was started in g, and goes its way: 6 states
/// - B to G: the second was started in f, the first one's plan still at its end: 6 states, and that
///   plan's step leads from each to its like in b" to g"
///
/// That is 7 + 6 + 6 + 6 states. Moves: 7 between a and g, and 6 starts of the second; 6 between b'
/// and g'; 6 between b" and g"; 6 between B and G, and 6 steps of the other plan. That is 37. The
/// longest way is a b c d f B C D F G g", ten.
///
/// If ids are exchanged, x' is x": the first is under way and the second was started, or the other
/// way round. 19 states, and 6 moves less. The longest way is that to G.
fn counts_of_two_requests() {
    let world = retry_world();
    let model = models::of(world);
    let mut with = options(&*model, 2, 1);
    with.limits.scene.only = Some(Answer::PLAIN);
    let [with, without] = both(world, &*model, &with);
    let counts = |it: &Explored| (it.states, it.transitions, it.depth);
    assert_eq!(counts(&without), (25, 37, 10));
    assert_eq!(counts(&with), (19, 31, 9));
    assert_eq!(with.exchanged, Exchanged::Requests(2));
    assert_eq!(without.exchanged, Exchanged::None);
}

fn agrees_on_worlds() {
    let http = http_world();
    let shapes = [(2, 2, [1, 0, 0]), (3, 1, [1, 0, 0]), (2, 1, [0, 1, 1])];
    for (name, world) in [("retry", retry_world()), ("http", &http)] {
        let model = models::of(world);
        for (requests, max_attempts, [duplicates, spurious, crashes]) in shapes {
            let mut with = options(&*model, requests, max_attempts);
            with.limits.duplicates = duplicates;
            with.limits.spurious = spurious;
            with.limits.crashes = crashes;
            if name == "http" {
                with.limits.depth = 11;
            }
            let [with, without] = both(world, &*model, &with);
            let what = format!("{name}, {requests} requests, {max_attempts} attempts");
            assert_eq!(
                with.exchanged,
                Exchanged::Requests(requests as usize),
                "{what}"
            );
            assert_eq!(violated(&with), None, "{what}");
            assert_eq!(violated(&without), None, "{what}");
            assert_eq!(with.sometimes, without.sometimes, "{what}");
            assert!(with.states < without.states, "{what}");
            assert!(with.states * 6 >= without.states, "{what}");
        }
    }
}

fn agrees_on(bug: &PlantedBug) {
    let world = subject().planted(bug).expect("it is a reducer");
    let model = models::of(&world);
    let asked = |reduce| {
        let mut with = options(&*model, 2, 2);
        with.limits.duplicates = 1;
        with.limits.spurious = 1;
        with.limits.depth = 9;
        ExploreOptions { reduce, ..with }
    };
    let [with, without] = both(&world, &*model, &asked(false));
    let [with_it, without_it] = [violated(&with), violated(&without)];
    let reduced = run(&world, &*model, &asked(true));
    if bug.properties.contains(&"pure") {
        // Those with ids exchanged are other steps, which may show it earlier.
        let [(one, sooner), (other, later)] = [with_it, without_it].map(Option::unwrap_or_default);
        assert_eq!(one, other);
        assert!(sooner <= later);
        return;
    }
    assert_eq!(with_it, without_it);
    assert_eq!(violated(&reduced), without_it);
    for explored in [with, reduced] {
        assert_eq!(explored.exchanged, Exchanged::Requests(2));
    }
}

/// Without what differs by where things are held.
fn shown(explored: &Explored) -> String {
    let explored = Explored {
        memory_bytes: 0,
        ..explored.clone()
    };
    format!("{explored:?}")
}

/// Explores scenes in a folder, and is ended again and again until something comes of it; then to the
/// end. What is `seen` of the folder each time that it was ended.
fn resumed(
    world: &World,
    (scenes, options): (&[Scene], &ExploreOptions),
    mut seen: impl FnMut(&Path),
) -> Explored {
    let model = models::of(world);
    let folder = TempDir::new().expect("a folder can be made");
    let mut ended = 0;
    let mut is_done = false;
    loop {
        let options = ExploreOptions {
            store: Store {
                folder: Some(folder.path().to_owned()),
                resume: ended > 0 || is_done,
                checkpoint_states: 1,
                ..options.store.clone()
            },
            interrupt: Interrupt::default(),
            ..options.clone()
        };
        let mut told = 0;
        let tour = explore::tour(world, &*model, (scenes.to_vec(), &options), |_| {
            told += 1;
            if told == 3 && !is_done {
                options.interrupt.ask();
            }
        });
        let explored = tour.expect("the world can be explored").explored;
        if is_done {
            // The manifest and the lock.
            let left = fs::read_dir(folder.path()).expect("it is a folder");
            assert_eq!(left.count(), 2);
            assert!(ended > 0, "it was ended {ended} times");
            return explored;
        }
        is_done = explored.outcome != Outcome::Interrupted;
        if !is_done {
            ended += 1;
            assert!(ended < 200, "it comes to no end");
            seen(folder.path());
        }
    }
}

/// With all that leaves something out, in memory, on disk and in several goes: the same verdict as
/// with nothing of it.
fn agrees_with_reduction() {
    let http = http_world();
    let bugs = ["ok-after-failed", "attempt-limit-off-by-one", "two-timers"];
    let bugs = retry_world::bugs()
        .iter()
        .filter(|bug| bugs.contains(&bug.name))
        .map(|bug| subject().planted(bug).expect("it is a reducer"));
    let bugs: Vec<World> = bugs.collect();
    let worlds = [(retry_world(), 3, 2), (&http, 2, 1)];
    let worlds = worlds.into_iter().chain(bugs.iter().map(|bug| (bug, 3, 2)));
    let mut found = 0;
    for (world, requests, max_attempts) in worlds {
        let model = models::of(world);
        let mut asked = options(&*model, requests, max_attempts);
        asked.limits.duplicates = 1;
        asked.limits.depth = 24;
        asked.reduce = true;
        let with = run(world, &*model, &asked);
        let neither = ExploreOptions {
            symmetry: false,
            reduce: false,
            ..asked.clone()
        };
        let neither = run(world, &*model, &neither);
        assert_eq!(violated(&with), violated(&neither));
        assert_eq!(with.exchanged, Exchanged::Requests(requests as usize));
        match violated(&with) {
            Some(_) => found += 1,
            None => assert!(
                with.sometimes == neither.sometimes && with.states * 4 < neither.states,
                "{} of {} states",
                with.states,
                neither.states
            ),
        }
        let spilled = ExploreOptions {
            jobs: 3,
            store: Store {
                spill_states: 0,
                ..Store::default()
            },
            ..asked.clone()
        };
        assert_eq!(shown(&run(world, &*model, &spilled)), shown(&with));
        let scenes = [asked.limits.scene.clone()];
        for options in [&asked, &spilled] {
            let resumed = resumed(world, (&scenes, options), |_| {});
            assert_eq!(shown(&resumed), shown(&with));
        }
    }
    assert_eq!(found, 3);
}

/// An exploration that began anew does so once, also if its process is ended before or after.
fn goes_on_where_ids_are_told_apart() {
    let world = planted_world(planted::IDS_IN_ORDER);
    let model = models::of(&world);
    for reduce in [false, true] {
        let asked = ExploreOptions {
            reduce,
            ..options(&*model, 2, 1)
        };
        let mut scenes = model.scenes(&retry_world::small(2, 1, 10));
        scenes.truncate(2);
        let tour = explore::tour(&world, &*model, (scenes.clone(), &asked), |_| {});
        let expected = tour.expect("the world can be explored").explored;
        assert_eq!(expected.exchanged, Exchanged::ToldApart(Difference::Step));
        assert!(matches!(expected.outcome, Outcome::Violated(_)));
        let (mut before, mut after) = (0, 0);
        let resumed = resumed(&world, (&scenes, &asked), |folder| {
            let manifest = fs::read_to_string(folder.join("exploration.json"));
            let manifest = manifest.expect("it is there");
            match manifest.contains("\"told_apart\":\"step\"") {
                true => after += 1,
                false => before += 1,
            }
        });
        assert_eq!(shown(&resumed), shown(&expected));
        assert!(before > 0 && after > 0, "{before} before, {after} after");
    }
}

fn jobs_do_not_matter() {
    let world = retry_world();
    let model = models::of(world);
    let mut one = options(&*model, 3, 2);
    one.limits.duplicates = 1;
    let many = ExploreOptions {
        jobs: 3,
        ..one.clone()
    };
    let [one, many] = [one, many].map(|options| Explored {
        memory_bytes: 0,
        ..run(world, &*model, &options)
    });
    assert_eq!(one, many);
}

/// In the middle of runs the key of what is reached is that of what the same schedule reaches with
/// ids exchanged.
fn keys_do_not_change() {
    let http = http_world();
    let mut different = Vec::new();
    for world in [retry_world(), &http] {
        for seed in 0..12 {
            different.extend(walk(world, Seed(seed)));
        }
    }
    let all = different.len();
    different.sort_unstable();
    different.dedup();
    assert!(all > 200, "{all} situations");
    assert!(different.len() > all / 4, "{} of {all}", different.len());
}

/// The canonical keys of the situations of a run in which all requests have been started.
fn walk(world: &World, seed: Seed) -> Vec<u128> {
    let model = models::of(world);
    let requests = model.scene(&retry_world::small(3, 2, 10)).requests;
    let scenario = Scenario {
        requests,
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        liveness: false,
        faults: None,
        schedule: Vec::new(),
    };
    let mut trace = Trace::default();
    trace.values = Values::of(&Pool::default());
    let ids = ["r1", "r2", "r3"].map(|id| vec![id.as_bytes().to_vec()]);
    let symmetry = Symmetry::of(&ids).expect("they are apart");
    let count = symmetry.permutations().len();
    let mut run = Run {
        simulator: Simulator::new(world, &*model).expect("the reducer can be run"),
        checker: Checker::new(world, &*model),
        key: Key::with(Some(symmetry)),
        scenario,
        trace,
    };
    let mut stream = Stream::new(seed, Component::Samples);
    let choices = run.draw(&mut stream);
    let plain = run.go(&choices, 0);
    for by in 1..count {
        let exchanged = run.go(&choices, by);
        assert_eq!(plain.len(), exchanged.len());
        for (place, (one, other)) in plain.iter().zip(&exchanged).enumerate() {
            assert_eq!(one[count], other[count], "after {place}, by {by}");
            assert_eq!(one[by], other[0], "after {place}, by {by}");
        }
    }
    plain.iter().map(|prints| prints[count]).collect()
}

struct Run<'w> {
    simulator: Simulator<'w>,
    checker: Checker<'w>,
    key: Key,
    scenario: Scenario,
    trace: Trace,
}

impl Run<'_> {
    /// Takes what is enabled as it is drawn.
    fn draw(&mut self, stream: &mut Stream) -> Vec<Choice> {
        self.simulator.begin(&self.scenario, &mut self.trace);
        let mut taken = Vec::new();
        for turn in 0..40 {
            let mut listed = self.listed(turn % 4 == 0);
            if listed.is_empty() {
                listed = self.listed(false);
            }
            let Some(mut choice) = stream.pick(&listed).cloned() else {
                continue;
            };
            match (&mut choice, stream.below(3)) {
                (
                    Choice::Step {
                        answer: Some(answer),
                        ..
                    },
                    which,
                ) => {
                    *answer = Answer::nth(which as u8);
                }
                (Choice::Deliver(item), 0) => choice = Choice::Duplicate(*item),
                _ => {}
            }
            let trace = &mut self.trace;
            if self
                .simulator
                .take_turn(&self.scenario, choice.clone(), trace)
            {
                taken.push(choice);
            }
        }
        taken
    }

    /// What is enabled: the next start, or all else.
    fn listed(&self, is_start: bool) -> Vec<Choice> {
        let flight = self.simulator.flight();
        if is_start {
            let starts = enabled::starts(self.simulator.started()).take(1);
            return starts.map(|it| it.plain(flight)).collect();
        }
        let all = enabled::messages(flight).chain(enabled::plans(flight));
        let all = all
            .chain(enabled::effects(flight))
            .chain(enabled::timers(flight));
        all.map(|it| it.plain(flight)).collect()
    }

    /// Takes choices with ids exchanged. What is reached, by each permutation and canonically.
    fn go(&mut self, choices: &[Choice], by: usize) -> Vec<Vec<u128>> {
        self.simulator.begin(&self.scenario, &mut self.trace);
        self.checker.reset();
        let mut all = Vec::new();
        for choice in choices {
            self.key.update(&mut self.trace);
            let choice = exchanged(choice, &self.key, by);
            let trace = &mut self.trace;
            assert!(self.simulator.take_turn(&self.scenario, choice, trace));
            self.checker.observe(trace);
            self.key.update(trace);
            self.key.clear();
            self.simulator.write_key(trace, &mut self.key, |_| true);
            self.checker.write_key(trace, &mut self.key);
            let started = self.simulator.started();
            if started.iter().all(|count| *count > 0) {
                let mut prints: Vec<u128> = (0..6).map(|by| self.key.permuted(by)).collect();
                prints.push(self.key.canonical(started.len()));
                all.push(prints);
            }
        }
        all
    }
}

fn exchanged(choice: &Choice, key: &Key, by: usize) -> Choice {
    let symmetry = key.symmetry().expect("it has one");
    let mut choice = choice.clone();
    if let Choice::Start { request } = &mut choice {
        *request = symmetry.permutations()[by].to[*request as usize] as u32;
    }
    if let Some(item) = choice.item_mut() {
        let as_read = Unpacker::new(&[]).permuted(symmetry, by);
        item.correlation = item.correlation.map(|name| as_read.renamed_name(name));
    }
    choice
}

/// A reducer to which ids are no mere names. Where requests start in the order of their ids nothing
/// is wrong with it, so that only exchanging them shows it.
fn order_of_ids_is_seen() {
    let world = planted_world(planted::IDS_IN_ORDER);
    let model = models::of(&world);
    for jobs in [1, 3] {
        let options = ExploreOptions {
            jobs,
            ..options(&*model, 2, 1)
        };
        let [with, without] = both(&world, &*model, &options);
        assert_eq!(with.exchanged, Exchanged::ToldApart(Difference::Step));
        let (names, _) = violated(&with).expect("requests are started in any order");
        assert_eq!(names, ["contract_kept"]);
        assert_eq!(violated(&without), None, "in their order nothing is wrong");
        let Outcome::Violated(found) = &with.outcome else {
            panic!("it is violated");
        };
        let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
        let checked = runner.replay(&found.scenario);
        assert!(checked.skipped.is_empty());
        assert_eq!(checked.violations[0].name(), "contract_kept");
    }
}

/// A model whose services answer one request in another way than the others.
struct Partial(Box<dyn Model>);

impl Model for Partial {
    fn may_answer(&self, work: &Work<'_>, answer: Answer) -> bool {
        let (Work::Plan { input: bytes, .. } | Work::Effect { params: bytes, .. }) = work;
        let is_it = bytes.windows(2).any(|window| window == b"r2");
        answer == Answer::PLAIN || !is_it
    }

    // All else is the other's.

    fn name(&self) -> &str {
        self.0.name()
    }

    fn watches<'w>(&self, world: &'w World) -> Vec<Watch<'w>> {
        self.0.watches(world)
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        self.0.requests(stream, depth)
    }

    fn scenes(&self, small: &Small) -> Vec<Scene> {
        self.0.scenes(small)
    }

    fn are_alike(&self, requests: &[Request]) -> bool {
        self.0.are_alike(requests)
    }

    fn few_spurious(&self, requests: &[Request]) -> Vec<Spurious> {
        self.0.few_spurious(requests)
    }

    fn correlation<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<Cow<'a, str>> {
        self.0.correlation(schema, value)
    }

    fn effect_correlation<'a>(&self, effect: EffectId, params: &'a [u8]) -> Option<Cow<'a, str>> {
        self.0.effect_correlation(effect, params)
    }

    fn answers(&self) -> Answers {
        self.0.answers()
    }

    fn knows_answers(&self, plan: PlanId, raised: SchemaId, input: SchemaId) -> bool {
        self.0.knows_answers(plan, raised, input)
    }

    fn answer(&self, plan: PlanId, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        self.0.answer(plan, input, answer, out)
    }
}

fn an_id_in_the_model_is_seen() {
    let world = retry_world();
    let model = Partial(models::of(world));
    let with = run(world, &model, &options(&model, 2, 1));
    assert_eq!(with.exchanged, Exchanged::ToldApart(Difference::Moves));
    assert_eq!(with.outcome, Outcome::Complete);
}

/// The hash of an intent becomes that of the exchanged parameters, and nothing is exchanged in what
/// only looks like an id.
fn hashes_are_taken_again() {
    let mut values = Values::of(&Pool::default());
    let ids = ["r1", "r2"].map(|id| vec![id.as_bytes().to_vec()]);
    let mut symmetry = Symmetry::of(&ids).expect("they are apart");
    // Self-described CBOR: {"y": h'ff7231', "z": h'7231', "r1": "xr2", "r2": 0x7231}, and the same
    // with ids exchanged.
    let before: &[u8] = b"\xd9\xd9\xf7\xa4\x61y\x43\xffr1\x61z\x42r1\x62r1\x63xr2\x62r2\x19r1";
    let after: &[u8] = b"\xd9\xd9\xf7\xa4\x61y\x43\xffr1\x61z\x42r2\x62r1\x19r1\x62r2\x63xr1";
    let [hash, expected] = [before, after].map(|bytes| {
        let hash = sim::air::Hash::of(bytes);
        values.intent_over(&hash, bytes).id()
    });
    symmetry.update(&mut values);
    assert_eq!(symmetry.renamed(hash, 1), expected);
    assert_eq!(symmetry.renamed(expected, 1), hash);
    let [before, after] = [before, after].map(|bytes| values.intern(bytes));
    symmetry.update(&mut values);
    assert_eq!(symmetry.renamed(before, 1), after);
    for overlapping in [["aa", "ab"], ["a1", "1a"], ["r1", "r10"], ["r1", "r1"]] {
        let ids = overlapping.map(|id| vec![id.as_bytes().to_vec()]);
        assert!(Symmetry::of(&ids).is_none(), "{overlapping:?}");
    }
}
