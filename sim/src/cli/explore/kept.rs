//! Where what is not held in memory is kept, and what says of which exploration a checkpoint is.

use anyhow::Result;
use serde_json::{Value, json};

use super::together::Processes;
use super::{Explore, Sized};
use crate::cli::input::Loaded;
use sim_air::Hash;
use sim_cases::WorldHashes;
use sim_model::Scene;
use sim_record::scenario::Request;
use sim_search::explore::{CheckpointError, Store};

impl Explore {
    /// Where it is kept, with all that decides what is explored and what is said of it.
    pub(super) fn store(&self, loaded: &Loaded, sized: Sized, scenes: &[Scene]) -> Result<Store> {
        let mut expect = self.world.expect.clone();
        expect.sort();
        expect.dedup();
        let identity = json!({
            "alike": self.alike,
            "crashes": sized.crashes,
            "depth": self.depth,
            "drops": sized.drops,
            "duplicates": sized.duplicates,
            "expect": expect,
            "only": self.only,
            "process": self.together.place()?,
            "reduction": !self.no_reduction,
            "requests": sized.requests,
            "sizes": self.sizes.0,
            "spurious": sized.spurious,
            "symmetry": !self.no_symmetry,
            "version": env!("CARGO_PKG_VERSION"),
            "world": { "hashes": WorldHashes::of(&loaded.world), "scenes": hash(scenes) },
        });
        Ok(Store {
            folder: self.checkpoint_dir.clone(),
            resume: self.resume,
            identity,
            ..Store::default()
        })
    }

    /// Meets the other processes, if there are any. All must explore the same, and end alike.
    pub(super) fn join(&self, store: &Store) -> Result<Processes> {
        let mut exploration = store.identity.clone();
        exploration["process"] = Value::Null;
        self.together.join(&json!({
            "checkpoints": store.folder.is_some(),
            "exploration": exploration,
            "most_states": self.most_states,
        }))
    }
}

/// That of all that is requested in the scenes.
fn hash(scenes: &[Scene]) -> String {
    let request = |request: &Request| {
        let hash = Hash::of(&request.value).to_string();
        json!([request.name, request.schema.index(), hash])
    };
    let scenes = scenes.iter().map(|scene| {
        let requests: Vec<_> = scene.requests.iter().map(request).collect();
        let only = scene.only.map(|answer| answer.place());
        json!([scene.varied, scene.starts, only, requests])
    });
    let scenes: Vec<_> = scenes.collect();
    Hash::of(json!(scenes).to_string().as_bytes()).to_string()
}

/// What to do about it.
pub(in crate::cli) fn hint(error: &CheckpointError) -> Option<&'static str> {
    match error {
        CheckpointError::Disk(_) => None,
        CheckpointError::InUse(_) => Some("wait for it to end, or name another folder"),
        CheckpointError::Begun(_) => Some("go on with it by --resume, or name another folder"),
        CheckpointError::Another { .. } => {
            Some("give each exploration a folder of its own, or ask for the same world and bounds")
        }
        CheckpointError::Malformed { .. } => Some("name another folder, or a new one"),
        CheckpointError::Apart { .. } => {
            Some("begin anew, all processes with folders that are new")
        }
        CheckpointError::Impure { .. } => Some("look for what it remembers: sim run --thorough"),
    }
}
