//! Checkpoints: a folder from which an exploration goes on after its process was ended.
//!
//! `exploration.json` says what is explored, what came of the scenes that are done, and which files
//! of the scene under way are as they were at the end of which level, with checksums. It is put
//! there in one go when those files are on the disk. What was written after them is cut off, and
//! files that it does not name are removed when the exploration goes on.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use twox_hash::XxHash3_128;

use super::disk::{DiskError, Sealed};
use super::peers::{self, Peers};
use super::search::{Ids, scenario_of};
use super::worker::Worker;
use super::{
    Counterexample, Difference, Exchanged, ExploreError, ExploreOptions, Explored, Outcome, Store,
};
use crate::identity;
use sim_kernel::World;
use sim_model::Model;
use sim_record::scenario::Scenario;
use sim_record::trace::Pool;

const FORMAT: &str = "sim-exploration/2";
const MANIFEST: &str = "exploration.json";
/// How the names of the files of a scene begin.
const FILES: [&str; 8] = [
    "keys-",
    "level-",
    "numbers",
    "owes",
    "preimages",
    "successors",
    "values",
    "ways",
];
const LOCK: &str = "exploration.lock";
/// The largest manifest that is read.
const MOST_BYTES: u64 = 64 << 20;

/// Why an exploration cannot use the folder of its checkpoints.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It, or a file in it, cannot be read or written.
    #[error("{}", .0.path.display())]
    Disk(#[source] DiskError),
    /// Another process uses it.
    #[error("{} is in use by another exploration", .0.display())]
    InUse(PathBuf),
    /// There is one, and it was not asked to go on with it.
    #[error("{} has an exploration already", .0.display())]
    Begun(PathBuf),
    /// It has something else.
    #[error(
        "{} has another exploration: {name} is {there} there, and {here} here",
        .path.display()
    )]
    Another {
        /// The folder.
        path: PathBuf,
        /// What differs.
        name: String,
        /// What it says.
        there: String,
        /// What was asked for.
        here: String,
    },
    /// `exploration.json` is none that this version writes.
    #[error("{}: {what}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The processes of an exploration were stopped at checkpoints that do not fit together.
    #[error("{} does not fit to those of the other processes", .path.display())]
    Apart {
        /// The folder.
        path: PathBuf,
    },
    /// A schedule that was found violates nothing when it is run again.
    #[error(
        "{}: the schedule that it has of scene {scene} violates nothing when it is run again: \
         the reducer is impure",
        .path.display()
    )]
    Impure {
        /// The folder.
        path: PathBuf,
        /// Which scene, from 1.
        scene: usize,
    },
}

/// All that is needed to go on from the end of a level.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub states: u64,
    pub transitions: u64,
    pub depth: u32,
    /// Which `sometimes` properties were seen, by place.
    pub sometimes: Vec<usize>,
    pub keys: Vec<Sealed>,
    /// How many files of keys there have been.
    pub keys_made: u64,
    pub ways: Sealed,
    /// The numbers of the states, where they are not their places: there are other processes.
    pub numbers: Option<Sealed>,
    /// The states that are to be expanded.
    pub level: Sealed,
    pub level_states: usize,
    pub ends: [Sealed; 2],
    pub values: [Sealed; 2],
}

/// A scene that needs nothing more.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    states: u64,
    transitions: u64,
    depth: u32,
    sometimes: Vec<usize>,
    exchanged: Exchanged,
    outcome: Ended,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    Complete,
    DepthBound,
    /// Which moves lead to what is violated.
    Violated(Vec<u32>),
    /// Which moves lead to where something never ends.
    Endless(Vec<u32>),
}

/// How far an exploration is.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    /// How many of these there were before it.
    made: u64,
    done: Vec<Done>,
    /// How far the scene after those is.
    current: Option<Checkpoint>,
    /// What exchanging ids made a difference to in that scene: it was begun anew.
    told_apart: Option<Difference>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    identity: Value,
    now: Point,
    /// Where it was before, as long as another process may be there still.
    before: Option<Point>,
}

/// The manifest as it is on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Summed {
    /// XXH3 with 128 bits of the manifest as compact JSON, in hex.
    sum: String,
    manifest: Manifest,
}

/// The folder of an exploration's checkpoints, which is this process's as long as it is open.
pub(super) struct Folder {
    path: PathBuf,
    manifest: Manifest,
    _lock: File,
}

impl Checkpoint {
    fn files(&self) -> impl Iterator<Item = &str> {
        let others = [&self.ways, &self.level];
        let others = others.into_iter().chain(&self.numbers);
        let others = others.chain(&self.ends).chain(&self.values);
        let files = self.keys.iter().chain(others);
        files.map(|sealed| &*sealed.name)
    }
}

fn sum(text: &str) -> String {
    format!("{:032x}", XxHash3_128::oneshot(text.as_bytes()))
}

fn disk(path: &Path) -> impl Fn(io::Error) -> CheckpointError {
    |error| {
        CheckpointError::Disk(DiskError {
            path: path.to_owned(),
            error,
        })
    }
}

impl Folder {
    /// Opens it, and makes it if it is not there.
    pub fn open(path: &Path, store: &Store) -> Result<Folder, CheckpointError> {
        fs::create_dir_all(path).map_err(disk(path))?;
        let lock = locked(path)?;
        let file = path.join(MANIFEST);
        let manifest = match file.exists() {
            true if !store.resume => return Err(CheckpointError::Begun(path.to_owned())),
            true => read(&file)?,
            false => Manifest {
                format: FORMAT.to_owned(),
                identity: store.identity.clone(),
                now: Point::default(),
                before: None,
            },
        };
        if let (Value::Object(here), Value::Object(there)) = (&store.identity, &manifest.identity)
            && let Some([name, here, there]) = identity::difference(here, there)
        {
            return Err(CheckpointError::Another {
                path: path.to_owned(),
                name,
                there,
                here,
            });
        }
        Ok(Folder {
            path: path.to_owned(),
            manifest,
            _lock: lock,
        })
    }

    /// Goes back to where all processes have been, and removes what is not of that.
    pub fn agree(&mut self, peers: &mut dyn Peers) -> Result<(), ExploreError> {
        let made = peers::all(peers, self.manifest.now.made)?;
        let made = made.into_iter().min().unwrap_or_default();
        if self.manifest.now.made > made {
            let before = self.manifest.before.take();
            let before = before.filter(|before| before.made == made);
            self.manifest.now = before.ok_or_else(|| CheckpointError::Apart {
                path: self.path.clone(),
            })?;
            // Before any file is cut to what it was then.
            self.write()?;
        }
        // Nothing is removed that a process which was lost here would need.
        peers::wait(peers)?;
        Ok(self.tidy()?)
    }

    /// Another point is reached, and written down by all: what only the last one needed is removed.
    fn reach(&mut self, next: Point, peers: &mut dyn Peers) -> Result<(), ExploreError> {
        self.advance(next, peers.count())?;
        peers::wait(peers)?;
        Ok(self.tidy()?)
    }

    fn advance(&mut self, next: Point, processes: usize) -> Result<(), CheckpointError> {
        let next = Point {
            made: self.manifest.now.made + 1,
            ..next
        };
        let before = std::mem::replace(&mut self.manifest.now, next);
        self.manifest.before = (processes > 1).then_some(before);
        self.write()
    }

    /// The folder of the files of a scene, made if it is not there.
    pub fn scene(&self, index: usize) -> Result<PathBuf, CheckpointError> {
        let path = self.path.join(format!("scene-{}", index + 1));
        fs::create_dir_all(&path).map_err(disk(&path))?;
        Ok(path)
    }

    /// How far a scene is; None if it has not begun.
    pub fn checkpoint(&self, index: usize) -> Option<Checkpoint> {
        let Point { done, current, .. } = &self.manifest.now;
        let current = current.as_ref();
        current.filter(|_| index == done.len()).cloned()
    }

    /// What is known of ids in the scene under way.
    pub fn ids(&self) -> Ids {
        let told_apart = self.manifest.now.told_apart;
        told_apart.map_or(Ids::Opaque, Ids::ToldApart)
    }

    /// What came of a scene that is done.
    pub fn done(
        &self,
        index: usize,
        (world, model): (&World, &dyn Model),
        options: &ExploreOptions,
    ) -> Result<Option<Explored>, ExploreError> {
        let Some(done) = self.manifest.now.done.get(index) else {
            return Ok(None);
        };
        let outcome = match &done.outcome {
            Ended::Complete => Outcome::Complete,
            Ended::DepthBound => Outcome::DepthBound,
            Ended::Violated(choices) | Ended::Endless(choices) => {
                let is_endless = matches!(done.outcome, Ended::Endless(_));
                let ids = match done.exchanged {
                    Exchanged::ToldApart(by) => Ids::ToldApart(by),
                    Exchanged::None | Exchanged::Requests(_) => Ids::Opaque,
                };
                let found = again((world, model), (options, ids), choices, is_endless)?;
                let impure = || CheckpointError::Impure {
                    path: self.path.clone(),
                    scene: index + 1,
                };
                Outcome::Violated(Box::new(found.ok_or_else(impure)?))
            }
        };
        Ok(Some(Explored {
            states: done.states,
            transitions: done.transitions,
            depth: done.depth,
            sometimes: done.sometimes.iter().copied().collect(),
            memory_bytes: 0,
            exchanged: done.exchanged,
            outcome,
        }))
    }

    /// Keeps how far the scene under way is. What only the last checkpoint needs is to stay until
    /// all processes have kept this one.
    pub fn keep(
        &mut self,
        checkpoint: Checkpoint,
        processes: usize,
    ) -> Result<(), CheckpointError> {
        let next = Point {
            current: Some(checkpoint),
            ..self.manifest.now.clone()
        };
        self.advance(next, processes)
    }

    /// Keeps that ids are told apart in the scene under way, so that it begins anew; its files go.
    pub fn begin_again(
        &mut self,
        by: Difference,
        peers: &mut dyn Peers,
    ) -> Result<(), ExploreError> {
        let next = Point {
            current: None,
            told_apart: Some(by),
            ..self.manifest.now.clone()
        };
        self.reach(next, peers)
    }

    /// Keeps what came of the scene under way, if it needs nothing more; its files go.
    pub fn finish(
        &mut self,
        explored: &Explored,
        peers: &mut dyn Peers,
    ) -> Result<(), ExploreError> {
        let outcome = match &explored.outcome {
            Outcome::Complete => Ended::Complete,
            Outcome::DepthBound => Ended::DepthBound,
            Outcome::Violated(found) if found.scenario.liveness => {
                Ended::Endless(found.choices.clone())
            }
            Outcome::Violated(found) => Ended::Violated(found.choices.clone()),
            // It can go on from its last checkpoint.
            Outcome::MemoryBound | Outcome::StateBound | Outcome::Interrupted => return Ok(()),
        };
        let mut next = Point {
            current: None,
            told_apart: None,
            ..self.manifest.now.clone()
        };
        next.done.push(Done {
            states: explored.states,
            transitions: explored.transitions,
            depth: explored.depth,
            sometimes: explored.sometimes.iter().collect(),
            exchanged: explored.exchanged,
            outcome,
        });
        self.reach(next, peers)
    }

    fn write(&self) -> Result<(), CheckpointError> {
        let path = self.path.join(MANIFEST);
        let fresh = self.path.join(format!("{MANIFEST}.new"));
        let manifest = serde_json::to_string(&self.manifest).map_err(io::Error::from);
        let text =
            manifest.map(|text| format!("{{\"sum\":\"{}\",\"manifest\":{text}}}", sum(&text)));
        let write = |text: String| {
            let mut file = File::create(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            #[cfg(unix)]
            File::open(&self.path)?.sync_all()?;
            Ok(())
        };
        text.and_then(write).map_err(disk(&path))
    }

    /// Removes the files of scenes that nothing needs.
    fn tidy(&self) -> Result<(), CheckpointError> {
        let now = &self.manifest.now;
        let current = format!("scene-{}", now.done.len() + 1);
        for entry in fs::read_dir(&self.path)
            .map_err(disk(&self.path))?
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digits = name.strip_prefix("scene-");
            if digits.is_none_or(|digits| digits.parse::<u32>().is_err()) {
                continue;
            }
            let needed: Vec<&str> = match &now.current {
                Some(checkpoint) if name == current => checkpoint.files().collect(),
                _ => Vec::new(),
            };
            remove_all_but(&entry.path(), &needed).map_err(disk(&entry.path()))?;
        }
        Ok(())
    }
}

/// Of a scene's folder, removes the files that explorations make, but for those that are needed.
fn remove_all_but(folder: &Path, needed: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut starts = FILES.iter();
        let is_ours = starts.any(|start| name.starts_with(start));
        if is_ours && !needed.contains(&&*name) {
            fs::remove_file(entry.path())?;
        }
    }
    if needed.is_empty() {
        // Where something else lies in it, it stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Takes the folder for this process.
fn locked(path: &Path) -> Result<File, CheckpointError> {
    let file = path.join(LOCK);
    let mut options = File::options();
    let lock = options.create(true).truncate(false).write(true).open(&file);
    let lock = lock.map_err(disk(&file))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(CheckpointError::InUse(path.to_owned())),
        // Where files cannot be locked, two processes are for the user to keep apart.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(lock),
    }
}

fn read(path: &Path) -> Result<Manifest, CheckpointError> {
    let malformed = |what: String| CheckpointError::Malformed {
        path: path.to_owned(),
        what,
    };
    let metadata = fs::metadata(path).map_err(disk(path))?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(malformed("expected a file of at most 64 MiB".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(disk(path))?;
    let Summed {
        sum: known,
        manifest,
    } = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(malformed(format!("expected the format `{FORMAT}`")));
    }
    let text = serde_json::to_string(&manifest).map_err(|error| malformed(error.to_string()))?;
    if sum(&text) != known {
        let what = "it was changed since it was written";
        return Err(malformed(what.to_owned()));
    }
    let points = [Some(&manifest.now), manifest.before.as_ref()];
    let current = points
        .into_iter()
        .flatten()
        .filter_map(|it| it.current.as_ref());
    for name in current.flat_map(Checkpoint::files) {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(malformed(format!("`{name}` is not the name of a file")));
        }
    }
    Ok(manifest)
}

/// What the schedule of these moves violates; None if it violates nothing.
fn again(
    (world, model): (&World, &dyn Model),
    (options, ids): (&ExploreOptions, Ids),
    choices: &[u32],
    is_endless: bool,
) -> Result<Option<Counterexample>, ExploreError> {
    let scenario = scenario_of(options);
    let mut worker = Worker::new(world, model, &scenario, (options, ids), &Pool::default())?;
    let scenario = Scenario {
        liveness: is_endless,
        ..worker.scenario(choices)
    };
    let violations = match is_endless {
        true => worker.owed(),
        false => worker.violations(),
    };
    Ok((!violations.is_empty()).then(|| Counterexample {
        scenario,
        violations: violations.to_vec(),
        choices: choices.to_vec(),
    }))
}
