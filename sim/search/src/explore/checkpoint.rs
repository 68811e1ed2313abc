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

const FORMAT: &str = "sim-exploration/1";
const MANIFEST: &str = "exploration.json";
/// How the names of the files of a scene begin.
const FILES: [&str; 7] = [
    "keys-",
    "level-",
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    identity: Value,
    done: Vec<Done>,
    /// How far the scene after those is.
    current: Option<Checkpoint>,
    /// What exchanging ids made a difference to in that scene: it was begun anew.
    told_apart: Option<Difference>,
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
        let others = others.into_iter().chain(&self.ends).chain(&self.values);
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
                done: Vec::new(),
                current: None,
                told_apart: None,
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
        let folder = Folder {
            path: path.to_owned(),
            manifest,
            _lock: lock,
        };
        folder.tidy()?;
        Ok(folder)
    }

    /// The folder of the files of a scene, made if it is not there.
    pub fn scene(&self, index: usize) -> Result<PathBuf, CheckpointError> {
        let path = self.path.join(format!("scene-{}", index + 1));
        fs::create_dir_all(&path).map_err(disk(&path))?;
        Ok(path)
    }

    /// How far a scene is; None if it has not begun.
    pub fn checkpoint(&self, index: usize) -> Option<Checkpoint> {
        let current = self.manifest.current.as_ref();
        current
            .filter(|_| index == self.manifest.done.len())
            .cloned()
    }

    /// What is known of ids in the scene under way.
    pub fn ids(&self) -> Ids {
        self.manifest.told_apart.map_or(Ids::Opaque, Ids::ToldApart)
    }

    /// What came of a scene that is done.
    pub fn done(
        &self,
        index: usize,
        (world, model): (&World, &dyn Model),
        options: &ExploreOptions,
    ) -> Result<Option<Explored>, ExploreError> {
        let Some(done) = self.manifest.done.get(index) else {
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

    /// Keeps how far the scene under way is.
    pub fn keep(&mut self, checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        self.manifest.current = Some(checkpoint);
        self.write()
    }

    /// Keeps that ids are told apart in the scene under way, so that it begins anew; its files go.
    pub fn begin_again(&mut self, by: Difference) -> Result<(), CheckpointError> {
        self.manifest.current = None;
        self.manifest.told_apart = Some(by);
        self.write()?;
        self.tidy()
    }

    /// Keeps what came of the scene under way, if it needs nothing more; its files go.
    pub fn finish(&mut self, explored: &Explored) -> Result<(), CheckpointError> {
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
        self.manifest.done.push(Done {
            states: explored.states,
            transitions: explored.transitions,
            depth: explored.depth,
            sometimes: explored.sometimes.iter().collect(),
            exchanged: explored.exchanged,
            outcome,
        });
        self.manifest.current = None;
        self.manifest.told_apart = None;
        self.write()?;
        self.tidy()
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
        let current = format!("scene-{}", self.manifest.done.len() + 1);
        for entry in fs::read_dir(&self.path)
            .map_err(disk(&self.path))?
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digits = name.strip_prefix("scene-");
            if digits.is_none_or(|digits| digits.parse::<u32>().is_err()) {
                continue;
            }
            let needed: Vec<&str> = match &self.manifest.current {
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
    let names = manifest.current.iter().flat_map(Checkpoint::files);
    for name in names {
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
