//! Goals: what must happen sometimes, or a campaign tested less than it claims.
//!
//! [`Goals`] is the list of a world: those of the retry machine, if it is one, and those that are
//! made from any world's documents. A run reaches a goal or does not; a campaign counts the runs.

mod documents;
pub(super) mod retry;
mod tags;

use smallvec::SmallVec;

use crate::workload::retry::Retry;
use documents::Documents;
use sim_kernel::World;
use sim_record::trace::Trace;

/// Something that must happen sometimes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goal {
    /// As reports call it.
    pub name: String,
    /// What was seen.
    pub says: String,
    pub asked: Asked,
    /// Of the model of this world, not made from its documents.
    pub is_of_model: bool,
}

/// Of which campaigns a goal is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Of every one, however small.
    Always,
    /// Of those of so many seeds or more.
    From(u64),
    /// Of none: it is told whether it was reached.
    Never,
}

impl Asked {
    pub fn of(self, seeds: u64) -> bool {
        match self {
            Asked::Always => true,
            Asked::From(least) => seeds >= least,
            Asked::Never => false,
        }
    }
}

/// A campaign on fewer seeds is not asked for the goals of the retry machine.
pub const SEEDS_FOR_GOALS: u64 = 2_000;
/// A campaign on fewer seeds is not asked that every event that clients send was accepted.
pub const SEEDS_FOR_ARMS: u64 = 64;

/// The goals of a world.
pub struct Goals {
    list: Vec<Goal>,
    documents: Documents,
}

impl Goals {
    pub fn of(world: &World) -> Goals {
        let mut list = Vec::new();
        if Retry::of(&world.air).is_some() {
            list.extend(retry::LIST.iter().map(|(name, says)| Goal {
                name: (*name).to_owned(),
                says: (*says).to_owned(),
                asked: Asked::From(SEEDS_FOR_GOALS),
                is_of_model: true,
            }));
        }
        let documents = Documents::of(world, &mut list);
        Goals { list, documents }
    }

    pub fn list(&self) -> &[Goal] {
        &self.list
    }

    /// Notes which goals of the documents a turn reaches, by its place in the trace.
    pub(super) fn of_turn(&mut self, world: &World, trace: &Trace, turn: usize, set: &mut GoalSet) {
        self.documents.of_turn(world, trace, turn, set);
    }
}

/// The goals that a run reached, as a set of indices into [`Goals::list`].
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct GoalSet(SmallVec<[u64; 2]>);

impl GoalSet {
    pub fn reach(&mut self, index: usize) {
        let word = index / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 64);
    }

    /// The goals of both.
    pub fn join(&mut self, other: &GoalSet) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(one, other)| *one |= other);
    }

    pub fn contains(&self, index: usize) -> bool {
        let word = self.0.get(index / 64);
        word.is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Whether all of the other's goals are among these.
    pub fn covers(&self, other: &GoalSet) -> bool {
        other.0.iter().enumerate().all(|(index, word)| {
            let own = self.0.get(index).copied().unwrap_or(0);
            word & !own == 0
        })
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}
