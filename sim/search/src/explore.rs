//! Every schedule of a small world, breadth first: what it reports is the shortest there is, and
//! what it does not find is not there within its bounds.
//!
//! A state is all that decides what can happen next and what the invariants will say: the cells,
//! what is in flight as a multiset, virtual time, what the invariants remember, and what of the
//! bounds is used up. Two states are one when their keys agree, 128 bits of XXH3 over these. States
//! are counted and kept apart by that key; of a state only its key and the way to it are kept, once
//! it has been expanded, and until then it is packed in about a hundred bytes. Where memory is
//! short all three are on disk, and what comes of it is the same to the byte.
//!
//! Once all are known it is gone back from those in which nothing is owed: a state from which none
//! of these is reached, however fair the schedule, is a violation too (see `ends.rs`).
//!
//! What is left out, and why it may be: timers fire when they are due, in any order, for the
//! reducer sees no clock; silence is an answer that is not given yet; equal things in flight are
//! one choice; of requests that differ only in their ids, which is started first is not chosen, and
//! states that differ by which of them is which are one. A world that treats ids as mere names
//! cannot tell. Whether it does is looked at on the way, and if not, nothing of this is left out.

mod alphabet;
mod checkpoint;
mod commute;
mod disk;
mod ends;
mod level;
mod memory;
mod numbers;
mod origins;
mod peers;
mod reduce;
mod rows;
mod schedules;
mod search;
mod symmetry;
mod tour;
mod values;
mod visited;
mod ways;
mod worker;

use std::path::PathBuf;

pub(crate) use alphabet::possible;
use alphabet::{Move, Used};
pub use checkpoint::CheckpointError;
pub use commute::{BothOrders, both_orders};
pub use disk::DiskError;
pub use peers::{Alone, MOST_PROCESSES, Peers, PeersError};
pub(crate) use schedules::count;
pub use schedules::{Counted, Counts, Uncounted};
use sim_host::StepError;
use sim_kernel::World;
use sim_model::{Model, Scene};
use sim_model::{PropertySet, Violation};
use sim_record::interrupt::Interrupt;
use sim_record::scenario::Scenario;
pub use symmetry::{Difference, Exchanged};
pub use tour::{Tour, Visit, tour, tour_among};

/// How large the world is.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What may be requested, and how often.
    pub scene: Scene,
    /// Messages and timers that are sent twice.
    pub duplicates: u8,
    /// Messages that are dropped, and perhaps redelivered.
    pub drops: u8,
    /// Spurious events, and starts of requests that have been started.
    pub spurious: u8,
    /// Crashes of the kernel.
    pub crashes: u8,
    /// Decisions in a row.
    pub depth: u32,
}

/// How the exploration is done. Its results are the same for any number of jobs, also if the
/// reducer is not a function of its input: each step is taken on an instance that nothing has gone
/// through, and taken again after others.
#[derive(Clone, Debug)]
pub struct ExploreOptions {
    /// What is explored.
    pub limits: Limits,
    /// Threads. The results are the same for any number.
    pub jobs: usize,
    /// About how much may be held: keys, ways and the states that are still to be expanded go to
    /// disk when it is reached. What is left are the values in them, of which each thread has a
    /// copy, and the guests: where these alone are more it ends, and where may differ by the jobs.
    pub memory_bytes: usize,
    /// Where what is not held is kept.
    pub store: Store,
    /// How many states may be met in one scene, about: a level is gone through to its end.
    pub most_states: u64,
    /// Only violations of the property of this name count; by default those of any.
    pub property: Option<String>,
    /// States that differ only by which of the requests that are alike is which are one.
    pub symmetry: bool,
    /// Off, every schedule is run on its own: much slower, and only good to check the other way.
    pub deduplicate: bool,
    /// Moves are left out where others lead to the same in as many decisions. Off, every order of
    /// independent moves is taken.
    pub reduce: bool,
    /// Ends it soon after this is asked.
    pub interrupt: Interrupt,
}

impl ExploreOptions {
    /// On one thread, within a GiB and with no other bound; all is left out that may be.
    pub fn of(limits: Limits) -> ExploreOptions {
        ExploreOptions {
            limits,
            jobs: 1,
            memory_bytes: 1 << 30,
            store: Store::default(),
            most_states: u64::MAX,
            property: None,
            symmetry: true,
            deduplicate: true,
            reduce: true,
            interrupt: Interrupt::default(),
        }
    }
}

/// Where what is not held in memory is kept.
#[derive(Clone, Debug)]
pub struct Store {
    /// A folder that stays, with checkpoints from which an exploration goes on. Otherwise files
    /// without a name in the system's folder for temporary ones, which go with the process.
    pub folder: Option<PathBuf>,
    /// All that decides what is explored, beside what these options say: the world, by hashes. A
    /// folder of another one is refused.
    pub identity: serde_json::Value,
    /// What is in the folder is gone on with. Otherwise there must be nothing.
    pub resume: bool,
    /// So many states since the last checkpoint make the end of a level one.
    pub checkpoint_states: u64,
    /// So many states are found before they go to disk, whatever room there is.
    pub spill_states: usize,
}

/// Some tenths of a second: what is done again at the most where levels are small.
const CHECKPOINT_STATES: u64 = 20_000;

impl Default for Store {
    fn default() -> Store {
        Store {
            folder: None,
            resume: false,
            identity: serde_json::Value::Null,
            checkpoint_states: CHECKPOINT_STATES,
            spill_states: usize::MAX,
        }
    }
}

/// How far an exploration is, with all its processes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// Different states that were met. Of those that go to disk only what is settled counts.
    pub states: u64,
    /// Decisions taken in them.
    pub transitions: u64,
    /// Decisions in the ways to the states of the level before.
    pub depth: u32,
    /// States that are still to be expanded, as far as they are known.
    pub frontier: u64,
}

/// What an exploration saw.
#[derive(Clone, PartialEq, Debug)]
pub struct Explored {
    /// Different states, the first among them.
    pub states: u64,
    /// Decisions taken in them.
    pub transitions: u64,
    /// Decisions in the longest way to a state that is not reached in fewer.
    pub depth: u32,
    /// The `sometimes` properties that were seen.
    pub sometimes: PropertySet,
    /// The most that was held at a time, by what is counted: see [`ExploreOptions::memory_bytes`].
    pub memory_bytes: usize,
    /// Whether requests were exchanged.
    pub exchanged: Exchanged,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an exploration ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Every schedule within the bounds holds.
    Complete,
    /// Every schedule of so many decisions holds; there are longer ones.
    DepthBound,
    /// What cannot go to disk has come to its bound: schedules of up to `depth` decisions hold.
    MemoryBound,
    /// There are more states than were asked for.
    StateBound,
    /// It was asked to stop: schedules of up to `depth` decisions hold.
    Interrupted,
    /// Some schedule violates something.
    Violated(Box<Counterexample>),
}

impl Outcome {
    /// Whether all states are known that were to be, so that it can be told if all can end.
    pub fn knows_ends(&self) -> bool {
        matches!(self, Outcome::Complete | Outcome::DepthBound)
    }
}

/// A shortest schedule that violates something.
#[derive(Clone, PartialEq, Debug)]
pub struct Counterexample {
    /// The schedule, with its requests.
    pub scenario: Scenario,
    /// What it violates.
    pub violations: Vec<Violation>,
    /// Which of the moves is taken in each state.
    pub(crate) choices: Vec<u32>,
}

/// Why a world cannot be explored.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// A reducer asks for a context, which tells it the time: states would never recur.
    #[error(
        "`{module}` declares a context, which tells it the time and the journal's height: \
         it never comes back to a state; run seeds instead"
    )]
    Context {
        /// The reducer.
        module: String,
    },
    /// More states than can be numbered.
    #[error("more than {} states: choose smaller bounds", u32::MAX)]
    TooMany,
    /// An instance cannot be had.
    #[error("the reducer cannot be run")]
    Step(#[from] StepError),
    /// What is not held in memory cannot be written, or read again.
    #[error("what is not held in memory cannot be kept on disk, or read again")]
    Disk(#[from] DiskError),
    /// It cannot go on from a checkpoint, or make one.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The processes that explore together cannot tell each other what they found.
    #[error("the processes do not explore together any more")]
    Peers(#[source] PeersError),
}

/// Explores one scene, without checkpoints; `progress` is told before and after each piece of work.
/// Where it turns out that ids are told apart, it begins anew and exchanges none.
///
/// # Errors
/// If the world cannot be explored, or what is not held in memory cannot be kept.
pub fn run(
    world: &World,
    model: &dyn Model,
    options: &ExploreOptions,
    progress: impl FnMut(Progress),
) -> Result<Explored, ExploreError> {
    let options = ExploreOptions {
        store: Store {
            folder: None,
            ..options.store.clone()
        },
        ..options.clone()
    };
    tour::through(&mut Alone, (world, model), &options, progress)
}
