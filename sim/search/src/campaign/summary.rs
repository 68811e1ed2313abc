//! What a campaign saw, and the failures that it tells apart.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Sighting;
use sim_air::ReducerId;
use sim_model::{Asked, Property, Signature};
use sim_record::random::Seed;
use sim_record::scenario::Verb;
use sim_record::trace::{Difference, Digest};
use sim_simulator::End;

/// What a campaign saw. Equal for equal seeds, whatever the number of jobs.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    /// How many were run.
    pub seeds: u64,
    /// Decisions that were taken.
    pub turns: u64,
    /// Events through a reducer.
    pub steps: u64,
    /// Runs that ended at a bound rather than by themselves.
    pub bounded_runs: u64,
    /// Of these, the ones whose faults took all the turns that they may.
    pub long_runs: u64,
    /// Of these, the ones that were cut short before they came to their end: see
    /// [`World::cut_by`](sim_kernel::World::cut_by).
    pub cut_runs: u64,
    /// Runs that did not come to rest in their liveness phase.
    pub restless_runs: u64,
    /// How often each kind was taken, by [`Verb`].
    pub decisions: [u64; Verb::ALL.len()],
    /// How often each kind of fault happened, by its name: see [`fault_names`](super::fault_names).
    pub faults: Vec<(Cow<'static, str>, u64)>,
    /// What must hold, and in how many runs it did.
    pub judged: Vec<Judged>,
    /// What must happen sometimes, and in how many runs it did.
    pub sometimes: Vec<Sometimes>,
    /// Reducers that lose memory from step to step, and how much.
    pub leaks: BTreeMap<ReducerId, String>,
    /// The digest over those of all runs, in order of their seeds.
    pub digest: Digest,
    /// One for each signature, in the order in which they were found.
    pub failures: Vec<Failure>,
    /// Seeds whose second run was not the same, and where it first differed.
    pub unequal: Vec<(Seed, Difference)>,
    /// Stopped after so many failures, before all seeds were run.
    pub cut_short: bool,
    /// Stopped as it was asked to: the seeds of this summary are those that were run until then.
    pub interrupted: bool,
    /// Seeds whose results were not there when those of several machines were put together: see
    /// [`merge`](super::merge()).
    pub missing: Vec<Range<u64>>,
}

impl Summary {
    /// What no run reached and is asked of a campaign of this size. Nothing is asked of one that
    /// found something.
    pub fn missed(&self) -> Vec<&Property> {
        let is_missed = |one: &&Sometimes| {
            self.failures.is_empty() && one.runs == 0 && one.asked.of(self.seeds)
        };
        let missed = self.sometimes.iter().filter(is_missed);
        missed.map(|one| &*one.property).collect()
    }

    /// Whether at least half of the runs did not come to their end: what they would have done after
    /// some bound is not known.
    pub fn is_cut(&self) -> bool {
        self.cut_runs > 0 && self.cut_runs >= self.seeds.div_ceil(2)
    }

    /// Whether one of the properties knows what the world is for.
    pub fn has_model(&self) -> bool {
        let judged = self.judged.iter().map(|one| &one.property);
        let sometimes = self.sometimes.iter().map(|one| &one.property);
        judged.chain(sometimes).any(|property| property.is_of_model)
    }
}

/// A property that must hold, and how many runs there were of each kind.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    /// Which.
    pub property: Arc<Property>,
    /// It had something to say, and held.
    pub holds: u64,
    /// It had nothing to say.
    pub not_applicable: u64,
    /// It was violated.
    pub violated: u64,
}

/// A property that must be reached, and how many runs reached it.
#[derive(Clone, PartialEq, Debug)]
pub struct Sometimes {
    /// Which.
    pub property: Arc<Property>,
    /// Of which campaigns it is asked.
    pub asked: Asked,
    /// How many runs saw it.
    pub runs: u64,
}

/// A seed that was run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ran {
    /// Which.
    pub seed: Seed,
    /// The digest of its run.
    pub digest: Digest,
    /// Decisions that were taken.
    pub turns: u32,
    /// Events through a reducer.
    pub steps: u32,
    /// Why it ended.
    pub end: End,
    /// Whether something was violated.
    pub is_violated: bool,
}

/// What tells a failing run apart, and how simple it is.
pub trait Sighted {
    /// What tells it apart from other failures.
    fn signature(&self) -> &Signature;
    /// How long it is, and how far from what could happen.
    fn size(&self) -> usize;
}

impl Sighted for Sighting {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn size(&self) -> usize {
        /// Decisions that a spurious event counts for.
        const SPURIOUS: usize = 10;
        let schedule = &self.scenario.schedule;
        let spurious = schedule
            .iter()
            .filter(|decision| decision.is_spurious())
            .count();
        schedule.len() + spurious * (SPURIOUS - 1)
    }
}

/// What runs have in common that fail in the same way, and the simplest of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure<S = Sighting> {
    /// How many runs showed it.
    pub runs: u64,
    /// Which.
    pub seed: Seed,
    /// The simplest of them.
    pub sighting: S,
}

impl<S: Sighted> Failure<S> {
    /// What makes one run simpler than another that fails in the same way: it is shorter, and what
    /// happens in it could happen.
    fn simplicity(&self) -> (usize, Seed) {
        (self.sighting.size(), self.seed)
    }

    /// Takes in another run that fails in the same way.
    fn join(&mut self, other: Failure<S>) {
        let runs = self.runs.saturating_add(other.runs);
        if other.simplicity() < self.simplicity() {
            *self = other;
        }
        self.runs = runs;
    }
}

/// Adds a failure to a list with one for each signature; true if it is new.
pub(super) fn note<S: Sighted>(failures: &mut Vec<Failure<S>>, failure: Failure<S>) -> bool {
    let mut known = failures.iter_mut();
    match known.find(|known| known.sighting.signature() == failure.sighting.signature()) {
        Some(known) => {
            known.join(failure);
            false
        }
        None => {
            failures.push(failure);
            true
        }
    }
}
