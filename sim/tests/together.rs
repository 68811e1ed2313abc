//! Processes that explore together come to what one comes to, to the byte, and go on after one of
//! them was lost. Threads stand for them here; those of the command are tried in `cli::together`.

use std::fs;
use std::sync::{Arc, Condvar, Mutex};

use libtest_mimic::Trial;
use sim::explore::{
    self, ExploreError, ExploreOptions, Explored, Limits, Outcome, Peers, PeersError, Store, Tour,
};
use sim::interrupt::Interrupt;
use sim::kernel::World;
use sim::model::Scene;
use sim::models;
use tempfile::TempDir;

use crate::endless;
use crate::support::{http_world, planted_world, retry_world, trial};

pub fn trials() -> Vec<Trial> {
    let named = |name: &str, test: fn()| trial(format!("together::{name}"), test);
    vec![
        named("as_one", as_one),
        named("on_disk", on_disk),
        named("bounds_are_kept_to_the_state", bounds_are_kept_to_the_state),
        named("what_never_ends", what_never_ends),
        named("ids_that_are_told_apart", ids_that_are_told_apart),
        named("an_impure_reducer", an_impure_reducer),
        named("goes_on", goes_on),
        named("one_of_them_is_asked_to_stop", one_of_them_is_asked_to_stop),
    ]
}

/// What processes tell each other, as they are threads.
struct Hub {
    state: Mutex<HubState>,
    changed: Condvar,
}

struct HubState {
    /// Of the round under way: from each to each.
    sent: Vec<Option<Vec<Vec<u8>>>>,
    /// Those that have taken what they were sent.
    taken: usize,
    is_lost: bool,
}

struct OfHub {
    hub: Arc<Hub>,
    me: usize,
    count: usize,
    /// It is lost after so many rounds.
    rounds_left: usize,
}

impl Hub {
    fn of(count: usize) -> Arc<Hub> {
        Arc::new(Hub {
            state: Mutex::new(HubState {
                sent: vec![None; count],
                taken: 0,
                is_lost: false,
            }),
            changed: Condvar::new(),
        })
    }

    fn lose(&self) {
        self.state.lock().expect("no thread panics with it").is_lost = true;
        self.changed.notify_all();
    }
}

impl Peers for OfHub {
    fn count(&self) -> usize {
        self.count
    }

    fn me(&self) -> usize {
        self.me
    }

    fn exchange(&mut self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, PeersError> {
        assert_eq!(messages.len(), self.count);
        let lock = self.hub.state.lock();
        let mut state = lock.expect("no thread panics with it");
        if self.rounds_left == 0 {
            state.is_lost = true;
            self.hub.changed.notify_all();
        }
        self.rounds_left -= usize::from(self.rounds_left > 0);
        // All have taken what they were sent in the last round.
        let wait = |state, until: fn(&HubState, usize) -> bool| {
            let me = self.me;
            let until = |state: &mut HubState| !state.is_lost && !until(state, me);
            self.hub.changed.wait_while(state, until)
        };
        state = wait(state, |state, me| state.sent[me].is_none()).expect("no thread panics");
        state.sent[self.me] = Some(messages);
        self.hub.changed.notify_all();
        state = wait(state, |state, _| state.sent.iter().all(Option::is_some))
            .expect("no thread panics");
        if state.is_lost {
            return Err("a process was lost".into());
        }
        let to_me = state
            .sent
            .iter()
            .flatten()
            .map(|from| from[self.me].clone());
        let to_me = to_me.collect();
        state.taken += 1;
        if state.taken == self.count {
            state.taken = 0;
            state.sent.fill(None);
        }
        self.hub.changed.notify_all();
        // Another round begins once this one was taken by all.
        drop(state);
        Ok(to_me)
    }
}

impl Drop for OfHub {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.hub.lose();
        }
    }
}

type Options<'o> = &'o (dyn Fn(usize) -> ExploreOptions + Sync);

/// What each of so many processes comes to. `lost` is one, and after how many rounds.
fn together(
    world: &World,
    scenes: &[Scene],
    (count, options): (usize, Options<'_>),
    lost: Option<(usize, usize)>,
) -> Vec<Result<Tour, ExploreError>> {
    let hub = Hub::of(count);
    std::thread::scope(|scope| {
        let processes = (0..count).map(|me| {
            let rounds_left = match lost {
                Some((process, after)) if process == me => after,
                _ => usize::MAX,
            };
            let mut peers = OfHub {
                hub: hub.clone(),
                me,
                count,
                rounds_left,
            };
            scope.spawn(move || {
                let model = models::of(world);
                let options = options(me);
                let asked = (scenes.to_vec(), &options);
                explore::tour_among(&mut peers, (world, &*model), asked, |_| {})
            })
        });
        let processes: Vec<_> = processes.collect();
        let joined = processes.into_iter().map(|process| process.join());
        joined
            .map(|tour| tour.expect("it does not panic"))
            .collect()
    })
}

/// Without what differs by where things are held.
fn shown(tour: &Tour) -> String {
    let explored = Explored {
        memory_bytes: 0,
        ..tour.explored.clone()
    };
    format!("{:?} {explored:?}", tour.visits)
}

/// However many processes: all come to what one comes to.
fn assert_as_one(
    world: &World,
    scenes: &[Scene],
    options: &ExploreOptions,
    counts: &[usize],
) -> Outcome {
    let model = models::of(world);
    let alone = explore::tour(world, &*model, (scenes.to_vec(), options), |_| {});
    let alone = alone.expect("it can be explored");
    for count in counts {
        for of_one in together(world, scenes, (*count, &|_| options.clone()), None) {
            let of_one = of_one.expect("it can be explored");
            assert_eq!(shown(&of_one), shown(&alone), "{count} processes");
        }
    }
    alone.explored.outcome
}

fn bug(name: &str) -> World {
    let bug = planted::BUGS.iter().find(|(_, bug)| *bug == name);
    planted_world(bug.expect("it is planted").0)
}

/// Duplicates, drops, spurious events and crashes.
fn options([duplicates, drops, spurious, crashes]: [u8; 4]) -> ExploreOptions {
    ExploreOptions {
        symmetry: false,
        reduce: false,
        ..ExploreOptions::of(Limits {
            scene: Scene::default(),
            duplicates,
            drops,
            spurious,
            crashes,
            depth: 1_000,
        })
    }
}

fn scenes(world: &World, (requests, attempts): (u32, u64)) -> Vec<Scene> {
    let mut scenes = models::of(world).scenes(&retry_world::small(requests, attempts, 10));
    scenes.truncate(3);
    scenes
}

fn as_one() {
    let mut ended = Vec::new();
    let worlds = [bug("ok-after-failed"), http_world()];
    let worlds = [retry_world(), &worlds[0], &worlds[1]];
    for (world, attempts) in worlds.into_iter().zip([1, 2, 1]) {
        let scenes = scenes(world, (2, attempts));
        let within = options([1, 0, 1, 0]);
        let shallow = ExploreOptions {
            limits: Limits {
                depth: 7,
                ..within.limits.clone()
            },
            ..within.clone()
        };
        let reduced = ExploreOptions {
            symmetry: true,
            reduce: true,
            jobs: 2,
            ..within.clone()
        };
        // Another property is violated on the way, and leads to where nothing is looked at.
        let wanted = ExploreOptions {
            property: Some("backoff_exact".to_owned()),
            ..within.clone()
        };
        let of_two = [shallow, reduced, wanted];
        let of_two = of_two.iter().map(|asked| (asked, &[2][..]));
        for (asked, counts) in of_two.chain([(&within, &[1, 4][..])]) {
            ended.push(assert_as_one(world, &scenes, asked, counts));
        }
    }
    let has = |wanted: fn(&Outcome) -> bool| ended.iter().any(wanted);
    assert!(has(|outcome| *outcome == Outcome::Complete));
    assert!(has(|outcome| *outcome == Outcome::DepthBound));
    assert!(has(|outcome| matches!(outcome, Outcome::Violated(_))));
}

/// Some have all on disk, others not so soon.
fn on_disk() {
    let world = retry_world();
    let scenes = scenes(world, (2, 3));
    let scenes = &scenes[..1];
    let held = options([2, 0, 0, 0]);
    let model = models::of(world);
    let alone = explore::tour(world, &*model, (scenes.to_vec(), &held), |_| {});
    let alone = alone.expect("it can be explored");
    assert!(
        alone.explored.states > 50_000,
        "{} states",
        alone.explored.states
    );
    let spilling = |me: usize| ExploreOptions {
        jobs: 1 + me,
        store: Store {
            spill_states: [0, 1_500, usize::MAX][me],
            ..Store::default()
        },
        ..held.clone()
    };
    for of_one in together(world, scenes, (3, &spilling), None) {
        assert_eq!(shown(&of_one.expect("it can be explored")), shown(&alone));
    }
}

fn bounds_are_kept_to_the_state() {
    let world = retry_world();
    let scenes = scenes(world, (2, 2));
    let scenes = &scenes[..1];
    let model = models::of(world);
    let whole = options([2, 0, 0, 0]);
    let all = explore::tour(world, &*model, (scenes.to_vec(), &whole), |_| {});
    let all = all.expect("it can be explored").explored.states;
    assert!(all > 15_000, "{all} states");
    for most_states in [all / 3, all - 1, all] {
        for spill_states in [0, usize::MAX] {
            let asked = ExploreOptions {
                most_states,
                store: Store {
                    spill_states,
                    ..Store::default()
                },
                ..whole.clone()
            };
            let outcome = assert_as_one(world, scenes, &asked, &[2]);
            assert_eq!(outcome == Outcome::StateBound, most_states < all);
        }
    }
}

fn what_never_ends() {
    let mut ended = Vec::new();
    for world in endless::rings() {
        let mut scenes = scenes(&world, (2, 1));
        scenes.truncate(1);
        for spill_states in [0, usize::MAX] {
            let asked = ExploreOptions {
                store: Store {
                    spill_states,
                    ..Store::default()
                },
                ..options([1, 1, 1, 0])
            };
            let outcome = assert_as_one(&world, &scenes, &asked, &[3]);
            ended.push(matches!(outcome, Outcome::Violated(_)));
        }
    }
    assert_eq!(ended, [false, false, true, true, true, true]);
}

fn ids_that_are_told_apart() {
    let world = planted_world(planted::IDS_IN_ORDER);
    let asked = ExploreOptions {
        symmetry: true,
        ..options([1, 0, 0, 0])
    };
    let outcome = assert_as_one(&world, &scenes(&world, (2, 1)), &asked, &[2]);
    assert!(matches!(outcome, Outcome::Violated(_)));
}

/// Only the process that takes its step sees what is violated.
fn an_impure_reducer() {
    let world = bug("hidden-state");
    let asked = ExploreOptions {
        symmetry: true,
        reduce: true,
        ..options([1, 0, 1, 1])
    };
    let scenes = scenes(&world, (2, 3));
    let outcome = assert_as_one(&world, &scenes[..1], &asked, &[2, 3]);
    let Outcome::Violated(found) = outcome else {
        panic!("it is impure");
    };
    assert_eq!(found.violations[0].name(), "pure");
}

/// Whichever is lost, and after whatever round: all go on from a checkpoint that all have made.
fn goes_on() {
    let world = retry_world();
    let scenes = scenes(world, (1, 2));
    let plain = ExploreOptions {
        symmetry: true,
        ..options([1, 1, 0, 1])
    };
    let model = models::of(world);
    let alone = explore::tour(world, &*model, (scenes.clone(), &plain), |_| {});
    let alone = alone.expect("it can be explored");
    let folder = TempDir::new().expect("a folder can be made");
    let kept = |me: usize| ExploreOptions {
        store: Store {
            folder: Some(folder.path().join(me.to_string())),
            resume: true,
            identity: serde_json::json!({"process": me}),
            checkpoint_states: 1,
            ..Store::default()
        },
        ..plain.clone()
    };
    let mut times = 0;
    let tours = loop {
        times += 1;
        // A prime number of rounds, so that it is lost at each place of a level in turn.
        let tours = together(world, &scenes, (3, &kept), Some((times % 3, 43)));
        if tours.iter().all(Result::is_ok) {
            break tours;
        }
        for tour in tours {
            assert!(
                matches!(tour, Ok(_) | Err(ExploreError::Peers(_))),
                "{tour:?}"
            );
        }
        assert!(times < 500, "it comes to no end");
    };
    assert!(times > 10, "{times} times are few");
    for tour in tours {
        assert_eq!(shown(&tour.expect("it went on")), shown(&alone));
    }
    for me in 0..3 {
        let left = fs::read_dir(folder.path().join(me.to_string()));
        assert_eq!(left.expect("it is a folder").count(), 2);
    }
}

fn one_of_them_is_asked_to_stop() {
    let world = retry_world();
    let asked = Interrupt::default();
    asked.ask();
    let stopped = |me: usize| ExploreOptions {
        interrupt: if me == 1 {
            asked.clone()
        } else {
            Interrupt::default()
        },
        ..options([1, 1, 0, 1])
    };
    for tour in together(world, &scenes(world, (1, 1)), (3, &stopped), None) {
        let tour = tour.expect("it stops");
        assert_eq!(tour.explored.outcome, Outcome::Interrupted);
    }
}
