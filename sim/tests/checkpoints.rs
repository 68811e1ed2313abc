//! What an exploration does not hold in memory: it comes to the same, and goes on after its end.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use sim::explore::{
    self, CheckpointError, ExploreError, ExploreOptions, Explored, Limits, Outcome, Store, Tour,
};
use sim::interrupt::Interrupt;
use sim::kernel::World;
use sim::models;
use tempfile::TempDir;

use crate::support::{http_world, planted_world, retry_world, trial};

pub fn trials() -> Vec<Trial> {
    let named = |name: &str, test: fn()| trial(format!("checkpoints::{name}"), test);
    vec![
        named("disk_changes_nothing", disk_changes_nothing),
        named("bounds_are_kept_to_the_state", bounds_are_kept_to_the_state),
        named("goes_on", goes_on),
        named("goes_on_with_what_was_found", goes_on_with_what_was_found),
        named("of_another_exploration", of_another_exploration),
        named("damaged", damaged),
        named("nowhere", nowhere),
    ]
}

/// Levels of many windows.
const WIDE: (u32, u64) = (2, 3);
/// Some hundred states.
const SMALL: (u32, u64) = (1, 2);

fn bug(name: &str) -> World {
    let bug = planted::BUGS.iter().find(|(_, bug)| *bug == name);
    planted_world(bug.expect("it is planted").0)
}

fn options(world: &World, (requests, attempts): (u32, u64)) -> ExploreOptions {
    ExploreOptions {
        symmetry: false,
        reduce: false,
        ..ExploreOptions::of(Limits {
            scene: models::of(world).scene(&retry_world::small(requests, attempts, 10)),
            duplicates: 2,
            drops: 0,
            spurious: 0,
            crashes: 0,
            depth: 1_000,
        })
    }
}

fn run(world: &World, options: &ExploreOptions) -> Explored {
    let model = models::of(world);
    explore::run(world, &*model, options, |_| {}).expect("the world can be explored")
}

/// Without what differs by where things are held.
fn shown(explored: &Explored) -> String {
    let explored = Explored {
        memory_bytes: 0,
        ..explored.clone()
    };
    format!("{explored:?}")
}

fn spilling(options: &ExploreOptions, spill_states: usize) -> ExploreOptions {
    ExploreOptions {
        store: Store {
            spill_states,
            ..options.store.clone()
        },
        ..options.clone()
    }
}

fn disk_changes_nothing() {
    let shipped = retry_world();
    let violated = bug("ok-after-failed");
    // Its plans hold values of their own.
    let http = http_world();
    let mut ended = Vec::new();
    for (world, size) in [(shipped, WIDE), (&violated, WIDE), (&http, (2, 1))] {
        let within = options(world, size);
        let shallow = ExploreOptions {
            limits: Limits {
                depth: 9,
                ..within.limits.clone()
            },
            ..within.clone()
        };
        let reduced = ExploreOptions {
            reduce: true,
            ..within.clone()
        };
        for asked in [within, shallow, reduced] {
            let expected = run(world, &asked);
            for (spill_states, jobs) in [(0, 1), (1_500, 3)] {
                let spilled = ExploreOptions {
                    jobs,
                    ..spilling(&asked, spill_states)
                };
                assert_eq!(shown(&run(world, &spilled)), shown(&expected));
            }
            ended.push(expected.outcome);
        }
    }
    let has = |wanted: fn(&Outcome) -> bool| ended.iter().any(wanted);
    assert!(has(|outcome| *outcome == Outcome::Complete));
    assert!(has(|outcome| *outcome == Outcome::DepthBound));
    assert!(has(|outcome| matches!(outcome, Outcome::Violated(_))));
}

/// Which states are new is known late, and where it ends is the same all the same.
fn bounds_are_kept_to_the_state() {
    let world = retry_world();
    let whole = options(world, WIDE);
    let all = run(world, &whole).states;
    assert!(all > 50_000, "{all} states");
    let mut ends = Vec::new();
    for most_states in [999, all / 2, all - 1, all] {
        let asked = ExploreOptions {
            most_states,
            ..whole.clone()
        };
        let expected = run(world, &asked);
        for spill_states in [0, 5_000] {
            let spilled = run(world, &spilling(&asked, spill_states));
            assert_eq!(shown(&spilled), shown(&expected), "{most_states} states");
        }
        ends.push(expected.outcome == Outcome::StateBound);
    }
    assert_eq!(ends, [true, true, true, false]);
}

/// An exploration in a folder, with a checkpoint at the end of every level.
fn kept(world: &World, folder: &Path, resume: bool) -> ExploreOptions {
    let options = options(world, SMALL);
    ExploreOptions {
        store: Store {
            folder: Some(folder.to_owned()),
            resume,
            identity: serde_json::json!({"world": world.air.manifest_hash.to_string()}),
            checkpoint_states: 1,
            ..Store::default()
        },
        ..options
    }
}

fn toured(world: &World, options: &ExploreOptions) -> Result<Tour, ExploreError> {
    let model = models::of(world);
    let mut scenes = model.scenes(&retry_world::small(1, 2, 10));
    scenes.truncate(4);
    explore::tour(world, &*model, (scenes, options), |_| {})
}

/// The same, which is asked to end when it has been told so often how far it is.
fn cut(world: &World, options: &ExploreOptions, after: usize) -> Tour {
    let model = models::of(world);
    let mut scenes = model.scenes(&retry_world::small(1, 2, 10));
    scenes.truncate(4);
    let options = ExploreOptions {
        interrupt: Interrupt::default(),
        ..options.clone()
    };
    let mut told = 0;
    let tour = explore::tour(world, &*model, (scenes, &options), |_| {
        told += 1;
        if told == after {
            options.interrupt.ask();
        }
    });
    tour.expect("the world can be explored")
}

/// However often it is ended, and wherever.
fn goes_on() {
    [false, true].into_iter().for_each(goes_on_with);
}

fn goes_on_with(reduce: bool) {
    let world = retry_world();
    let plain = ExploreOptions {
        reduce,
        ..options(world, SMALL)
    };
    let expected = toured(world, &plain).expect("the world can be explored");
    let folder = TempDir::new().expect("a folder can be made");
    let mut times = 0;
    let tour = loop {
        times += 1;
        let options = ExploreOptions {
            reduce,
            ..kept(world, folder.path(), times > 1)
        };
        let tour = cut(world, &options, 9);
        if tour.explored.outcome != Outcome::Interrupted {
            break tour;
        }
        assert!(times < 100, "it comes to no end");
    };
    assert!(times > 4, "{times} times are few");
    assert_eq!(tour.visits, expected.visits);
    assert_eq!(shown(&tour.explored), shown(&expected.explored));
    // What is done is told again, and nothing but the manifest and the lock is left.
    let again = toured(world, &kept(world, folder.path(), true));
    let again = again.expect("the world can be explored");
    assert_eq!(shown(&again.explored), shown(&expected.explored));
    let left = fs::read_dir(folder.path()).expect("it is a folder").count();
    assert_eq!(left, 2);
}

/// A schedule that was found in a scene before is not looked for again, and stays the shortest.
fn goes_on_with_what_was_found() {
    let world = bug("ok-after-failed");
    let expected = toured(&world, &options(&world, SMALL)).expect("the world can be explored");
    assert!(matches!(expected.explored.outcome, Outcome::Violated(_)));
    let folder = TempDir::new().expect("a folder can be made");
    let mut cuts = 0;
    let mut options = kept(&world, folder.path(), false);
    while cut(&world, &options, 5).explored.outcome == Outcome::Interrupted {
        options.store.resume = true;
        cuts += 1;
        assert!(cuts < 100, "it comes to no end");
    }
    assert!(cuts > 1, "{cuts} cuts are few");
    let tour = toured(&world, &options).expect("the world can be explored");
    assert_eq!(shown(&tour.explored), shown(&expected.explored));
}

fn refusal(world: &World, options: &ExploreOptions) -> CheckpointError {
    match toured(world, options) {
        Err(ExploreError::Checkpoint(error)) => error,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it is refused"),
    }
}

fn of_another_exploration() {
    let world = retry_world();
    let folder = TempDir::new().expect("a folder can be made");
    cut(world, &kept(world, folder.path(), false), 40);
    let begun = refusal(world, &kept(world, folder.path(), false));
    assert!(matches!(begun, CheckpointError::Begun(_)), "{begun}");
    let mut other = kept(world, folder.path(), true);
    other.store.identity = serde_json::json!({"world": "another"});
    let another = refusal(world, &other);
    let CheckpointError::Another { name, here, .. } = &another else {
        panic!("{another}");
    };
    assert_eq!((&**name, &**here), ("world", "\"another\""));
    let lock = fs::File::open(folder.path().join("exploration.lock")).expect("it is there");
    lock.lock().expect("it can be locked");
    let in_use = refusal(world, &kept(world, folder.path(), true));
    assert!(matches!(in_use, CheckpointError::InUse(_)), "{in_use}");
}

/// Whatever of a checkpoint was changed or cut short is named.
fn damaged() {
    let world = retry_world();
    let folder = TempDir::new().expect("a folder can be made");
    cut(world, &kept(world, folder.path(), false), 30);
    let scene = folder.path().join("scene-1");
    let names = fs::read_dir(&scene).expect("it was under way");
    let names = names.map(|entry| entry.expect("it is there").path());
    let manifest = folder.path().join("exploration.json");
    let good = fs::read_to_string(&manifest).expect("it is there");
    // Files that only the checkpoint before needed may be there too.
    let is_named = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| good.contains(&format!("\"{name}\"")))
    };
    let names: Vec<PathBuf> = names.filter(is_named).collect();
    assert!(names.len() >= 4, "{names:?}");
    let resumed = || toured(world, &kept(world, folder.path(), true));
    let mut refused = 0;
    for path in &names {
        let good = fs::read(path).expect("it is there");
        let mut changed = good.clone();
        changed[0] ^= 1;
        for bad in [&changed[..], &good[..good.len().min(3)], &[]] {
            fs::write(path, bad).expect("it can be written");
            let Err(ExploreError::Disk(error)) = resumed() else {
                panic!("{} is not refused", path.display());
            };
            assert_eq!(error.path, *path);
            refused += 1;
        }
        fs::write(path, good).expect("it can be written");
    }
    assert!(refused >= 12, "{refused} were refused");
    let cut_short = good[..good.len() / 2].to_owned();
    let outside = good.replace("\"ways\"", "\"../ways\"");
    let newer = good.replace("sim-exploration/2", "sim-exploration/9");
    assert_ne!(newer, good);
    // It is well formed, and says what was not.
    let deeper = good.replace("\"depth\":", "\"depth\":1");
    assert_ne!(deeper, good);
    for bad in ["", "{}", &cut_short, &outside, &newer, &deeper] {
        fs::write(&manifest, bad).expect("it can be written");
        let error = refusal(world, &kept(world, folder.path(), true));
        let is_malformed = matches!(error, CheckpointError::Malformed { .. });
        assert!(is_malformed, "{error}");
    }
    fs::write(&manifest, good).expect("it can be written");
    // What it has beyond the checkpoint is of a time that is not gone on from.
    let ways = names.iter().find(|path| path.ends_with("ways"));
    let ways = ways.expect("it is there");
    let mut longer = fs::read(ways).expect("it is there");
    longer.extend_from_slice(b"more");
    fs::write(ways, longer).expect("it can be written");
    fs::write(scene.join("keys-99"), b"of no use").expect("it can be written");
    let expected = toured(world, &options(world, SMALL)).expect("the world can be explored");
    let tour = resumed().expect("the world can be explored");
    assert_eq!(shown(&tour.explored), shown(&expected.explored));
}

/// Where the folder cannot be made, the error says which.
fn nowhere() {
    let world = retry_world();
    let folder = TempDir::new().expect("a folder can be made");
    let file = folder.path().join("file");
    fs::write(&file, "a file").expect("it can be written");
    let error = refusal(world, &kept(world, &file, false));
    assert!(error.to_string().contains("file"), "{error}");
}
