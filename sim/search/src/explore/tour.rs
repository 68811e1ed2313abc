//! The scenes of a small world, one after the other: requests that are alike within all of the
//! bounds, then one thing varied at a time within few faults.
//!
//! Of what is violated the shortest schedule of all scenes is reported. Explores nothing itself.

use super::checkpoint::Folder;
use super::peers::Peers;
use super::search::{Ids, Ran, Search};
use super::{
    Alone, Counterexample, Exchanged, ExploreError, ExploreOptions, Explored, Limits, Outcome,
    Progress, Store,
};
use sim_kernel::World;
use sim_model::PropertySet;
use sim_model::{Model, Scene};

/// Where something is varied, or only one answer is given, so many faults of each kind are tried at
/// the most.
const FEW_FAULTS: u8 = 1;

/// One scene as it was explored.
#[derive(Clone, PartialEq, Debug)]
pub struct Visit {
    /// What is particular about it.
    pub varied: String,
    /// Whether its bounds are those that were asked for.
    pub is_whole: bool,
    /// How many there were.
    pub states: u64,
}

/// All scenes together.
#[derive(Clone, PartialEq, Debug)]
pub struct Tour {
    /// Those that were explored, in order.
    pub visits: Vec<Visit>,
    /// Sums, and what was reached in any of them. Its outcome is the worst of all.
    pub explored: Explored,
}

/// Explores every scene; `progress` is told before and after each piece of work. With a folder of
/// checkpoints it goes on from where that is.
///
/// # Errors
/// If the world cannot be explored, or what is not held in memory cannot be kept.
pub fn tour(
    world: &World,
    model: &dyn Model,
    (scenes, options): (Vec<Scene>, &ExploreOptions),
    mut progress: impl FnMut(Progress),
) -> Result<Tour, ExploreError> {
    tour_among(&mut Alone, (world, model), (scenes, options), &mut progress)
}

/// The same with other processes, each of which is asked for the same: its world, scenes and
/// options are equal but for the memory, the threads and the folder, which is its own. All get the
/// same tour.
///
/// # Errors
/// The same, and if a process is lost: with folders, all can go on from the last checkpoint.
pub fn tour_among(
    peers: &mut dyn Peers,
    (world, model): (&World, &dyn Model),
    (scenes, options): (Vec<Scene>, &ExploreOptions),
    mut progress: impl FnMut(Progress),
) -> Result<Tour, ExploreError> {
    let folder = options.store.folder.as_deref();
    let folder = folder.map(|path| Folder::open(path, &options.store));
    let mut folder = folder.transpose()?;
    if let Some(folder) = &mut folder {
        folder.agree(peers)?;
    }
    let mut tour = Tour {
        visits: Vec::new(),
        explored: Explored {
            states: 0,
            transitions: 0,
            depth: 0,
            sometimes: PropertySet::default(),
            memory_bytes: 0,
            exchanged: Exchanged::None,
            outcome: Outcome::Complete,
        },
    };
    for (index, scene) in scenes.into_iter().enumerate() {
        let varied = scene.varied.clone();
        let is_whole = index == 0;
        let mut limits = of_scene(&options.limits, scene, is_whole);
        if let Outcome::Violated(found) = &tour.explored.outcome {
            // Only what is shorter still matters.
            limits.depth = limits.depth.min(found.scenario.schedule.len() as u32 - 1);
        }
        let options = ExploreOptions {
            limits,
            ..options.clone()
        };
        let before = (tour.explored.states, tour.explored.transitions);
        let told = |of_scene: Progress| {
            progress(Progress {
                states: before.0 + of_scene.states,
                transitions: before.1 + of_scene.transitions,
                ..of_scene
            });
        };
        let explored = match &mut folder {
            Some(folder) => kept(peers, (world, model), (index, options), (folder, told))?,
            None => through(peers, (world, model), &options, told)?,
        };
        tour.visits.push(Visit {
            varied,
            is_whole,
            states: explored.states,
        });
        tour.explored.add(explored);
        if matches!(
            tour.explored.outcome,
            Outcome::Interrupted | Outcome::MemoryBound | Outcome::StateBound
        ) {
            break;
        }
    }
    Ok(tour)
}

/// Explores a scene. Where it turns out that ids are told apart, it begins anew and exchanges none.
pub(super) fn through(
    peers: &mut dyn Peers,
    (world, model): (&World, &dyn Model),
    options: &ExploreOptions,
    mut progress: impl FnMut(Progress),
) -> Result<Explored, ExploreError> {
    let mut ids = Ids::Opaque;
    loop {
        let search = Search::new((world, model), (options, ids), None, peers)?;
        match search.run(&mut progress, |_| Ok(()))? {
            Ran::Through(explored) => return Ok(explored),
            // Which they are only once: none are exchanged from then on.
            Ran::ToldApart(by) => ids = Ids::ToldApart(by),
        }
    }
}

/// The same, or goes on with it, and keeps how far it is in a folder.
fn kept(
    peers: &mut dyn Peers,
    (world, model): (&World, &dyn Model),
    (index, options): (usize, ExploreOptions),
    (folder, mut progress): (&mut Folder, impl FnMut(Progress)),
) -> Result<Explored, ExploreError> {
    if let Some(done) = folder.done(index, (world, model), &options)? {
        return Ok(done);
    }
    let processes = peers.count();
    loop {
        let options = ExploreOptions {
            store: Store {
                folder: Some(folder.scene(index)?),
                ..options.store.clone()
            },
            ..options.clone()
        };
        let from = folder.checkpoint(index);
        let whole = (&options, folder.ids());
        let search = Search::new((world, model), whole, from.as_ref(), peers)?;
        let keep = |checkpoint| Ok(folder.keep(checkpoint, processes)?);
        match search.run(&mut progress, keep)? {
            Ran::Through(explored) => {
                folder.finish(&explored, peers)?;
                return Ok(explored);
            }
            Ran::ToldApart(by) => folder.begin_again(by, peers)?,
        }
    }
}

/// The bounds within which a scene is explored.
fn of_scene(asked: &Limits, scene: Scene, is_whole: bool) -> Limits {
    let faults = |asked: u8| match (is_whole, scene.only) {
        (true, _) => asked,
        (false, None) => asked.min(FEW_FAULTS),
        (false, Some(_)) => 0,
    };
    Limits {
        duplicates: faults(asked.duplicates),
        drops: faults(asked.drops),
        spurious: faults(asked.spurious),
        crashes: faults(asked.crashes),
        depth: asked.depth,
        scene,
    }
}

impl Explored {
    fn add(&mut self, other: Explored) {
        self.states += other.states;
        self.transitions += other.transitions;
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        self.sometimes.join(&other.sometimes);
        let exchanged = std::mem::replace(&mut self.exchanged, Exchanged::None);
        self.exchanged = exchanged.and(other.exchanged);
        // What was not explored to its end was up to its own depth.
        self.depth = match other.outcome {
            Outcome::Complete | Outcome::Violated(_) => self.depth.max(other.depth),
            _ => other.depth,
        };
        let length = |found: &Counterexample| found.scenario.schedule.len();
        self.outcome = match (
            std::mem::replace(&mut self.outcome, Outcome::Complete),
            other.outcome,
        ) {
            (Outcome::Violated(known), Outcome::Violated(found)) => {
                Outcome::Violated(match length(&found) < length(&known) {
                    true => found,
                    false => known,
                })
            }
            (Outcome::Violated(known), _) => Outcome::Violated(known),
            (known, Outcome::Complete) => known,
            (_, other) => other,
        };
    }
}
