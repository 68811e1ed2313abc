//! Every schedule of a small world, breadth first: what it reports is the shortest there is, and
//! what it does not find is not there within its bounds.
//!
//! A state is all that decides what can happen next and what the invariants will say: the cells,
//! what is in flight as a multiset, virtual time, what the invariants remember, and what of the
//! bounds is used up. Two states are one when their keys agree, 128 bits of XXH3 over these. States
//! are counted and kept apart by that key; of a state only its key and the way to it are kept, once
//! it has been expanded, and until then it is packed in about a hundred bytes.
//!
//! What is left out, and why it may be: timers fire when they are due, in any order, for the
//! reducer sees no clock; silence is an answer that is not given yet; equal things in flight are
//! one choice; and of requests that differ only in their ids, which is started first is not
//! chosen (a reducer that treats ids as opaque cannot tell).

mod alphabet;
mod level;
mod memory;
mod tour;
mod worker;

use std::iter::repeat_n;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::threads;
use alphabet::Used;
use level::{Level, Visited};
use memory::Memory;
use sim_host::StepError;
use sim_kernel::World;
use sim_model::{Model, Scene};
use sim_model::{PropertySet, Violation};
use sim_record::interrupt::Interrupt;
use sim_record::scenario::{Bounds, PlanMode, Scenario};
use sim_record::trace::Pool;
pub use tour::{Tour, Visit, tour};
use worker::{Expanded, Successor, Worker};

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
    /// About how much may be held: keys, ways, the states that are still to be expanded, and the
    /// values in them, of which each thread has a copy. So where it ends may differ by the jobs.
    pub memory_bytes: usize,
    /// How many states may be met in one scene, about: a level is gone through to its end.
    pub most_states: u64,
    /// Only violations of the property of this name count; by default those of any.
    pub property: Option<String>,
    /// Off, every schedule is run on its own: much slower, and only good to check the other way.
    pub deduplicate: bool,
    /// Ends it soon after this is asked.
    pub interrupt: Interrupt,
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
    /// What is held has come to its bound: schedules of up to `depth` decisions hold.
    MemoryBound,
    /// There are more states than were asked for.
    StateBound,
    /// It was asked to stop: schedules of up to `depth` decisions hold.
    Interrupted,
    /// Some schedule violates something.
    Violated(Box<Counterexample>),
}

/// A shortest schedule that violates something.
#[derive(Clone, PartialEq, Debug)]
pub struct Counterexample {
    /// The schedule, with its requests.
    pub scenario: Scenario,
    /// What it violates.
    pub violations: Vec<Violation>,
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
}

/// States that one piece of work expands.
const BATCH: usize = 256;
/// States that are expanded before what was found is looked through, whatever the number of jobs.
const WINDOW: usize = 16 * BATCH;

/// How a state was reached first.
#[derive(Clone, Copy)]
struct Way {
    parent: u32,
    /// Which of the parent's moves.
    choice: u32,
}

/// Explores; `progress` gets states, transitions and depth after each level.
pub fn run(
    world: &World,
    model: &dyn Model,
    options: &ExploreOptions,
    mut progress: impl FnMut(u64, u64, u32),
) -> Result<Explored, ExploreError> {
    let reducers = world.air.reducers.iter().map(|it| (&it.name, it.context));
    let enforcers = world.air.enforcers.iter().map(|it| (&it.name, it.context));
    let mut modules = reducers.chain(enforcers);
    if let Some((module, _)) = modules.find(|(_, context)| context.is_some()) {
        let module = module.clone();
        return Err(ExploreError::Context { module });
    }
    let scenario = Scenario {
        requests: options.limits.scene.requests.clone(),
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        liveness: false,
        faults: None,
        schedule: Vec::new(),
    };
    let values = Pool::default();
    let mut workers = Vec::new();
    for _ in 0..options.jobs.clamp(1, 16) {
        match Worker::new(world, model, &scenario, options, &values) {
            Ok(worker) => workers.push(worker),
            // Where there is no room for more, those that there are do the work.
            Err(_) if !workers.is_empty() => break,
            Err(error) => return Err(error.into()),
        }
    }
    let (mut level, key) = workers[0].root();
    let mut visited = Visited::default();
    visited.insert(key);
    let mut search = Search {
        options,
        memory: Memory::new(options.memory_bytes, workers.len()),
        workers: workers.into_iter().map(Mutex::new).collect(),
        visited,
        ways: vec![Way {
            parent: 0,
            choice: 0,
        }],
        explored: Explored {
            states: 1,
            transitions: 0,
            depth: 0,
            sometimes: PropertySet::default(),
            memory_bytes: 0,
            outcome: Outcome::Complete,
        },
    };
    while level.count() > 0 {
        if search.explored.depth >= options.limits.depth {
            search.explored.outcome = Outcome::DepthBound;
            break;
        }
        match search.expand(&level, &scenario)? {
            Next::Level(next) => level = next,
            Next::Stop(outcome) => {
                search.explored.outcome = outcome;
                break;
            }
        }
        if level.count() > 0 {
            search.explored.depth += 1;
        }
        let explored = &search.explored;
        progress(explored.states, explored.transitions, explored.depth);
    }
    Ok(search.explored)
}

struct Search<'a, 'w> {
    options: &'a ExploreOptions,
    memory: Memory,
    workers: Vec<Mutex<Worker<'w>>>,
    visited: Visited,
    ways: Vec<Way>,
    explored: Explored,
}

enum Next {
    Level(Level),
    Stop(Outcome),
}

impl Search<'_, '_> {
    /// Takes every move of every state of a level; the states that are new are the next one.
    fn expand(&mut self, level: &Level, scenario: &Scenario) -> Result<Next, ExploreError> {
        let mut next = Level::default();
        // The states of a level are the last whose ways were written down.
        let first = self.ways.len() - level.count();
        for start in (0..level.count()).step_by(WINDOW) {
            let window = start..level.count().min(start + WINDOW);
            let held = self.size_bytes() + level.size_bytes() + next.size_bytes();
            let is_full = self.memory.is_full_with(held);
            let found = match is_full {
                true => Vec::new(),
                false => self.found(level, window),
            };
            self.explored.memory_bytes = self.memory.peak_bytes();
            if is_full || self.memory.is_full() {
                return Ok(Next::Stop(Outcome::MemoryBound));
            }
            for (batch, mut found) in found {
                let parents = found.counts.iter().enumerate();
                let parents = parents.flat_map(|(place, count)| repeat_n(place, *count));
                for (place, successor) in parents.zip(found.successors) {
                    let way = Way {
                        parent: (first + batch + place) as u32,
                        choice: successor.choice,
                    };
                    let stop = self.take(successor, way, &mut found.states, &mut next)?;
                    if let Some(violations) = stop {
                        self.explored.depth += 1;
                        let scenario = self.scenario_of(way, scenario);
                        let found = Counterexample {
                            scenario,
                            violations: violations.into(),
                        };
                        return Ok(Next::Stop(Outcome::Violated(Box::new(found))));
                    }
                }
            }
            if self.options.interrupt.is_asked() {
                return Ok(Next::Stop(Outcome::Interrupted));
            }
            if self.explored.states > self.options.most_states {
                return Ok(Next::Stop(Outcome::StateBound));
            }
        }
        Ok(Next::Level(next))
    }

    /// Takes what was found into account: a state that is new goes to the next level. What it
    /// violates is given back if that ends the search.
    fn take(
        &mut self,
        successor: Successor,
        way: Way,
        states: &mut Level,
        next: &mut Level,
    ) -> Result<Option<Box<[Violation]>>, ExploreError> {
        self.explored.transitions += 1;
        if let Some(seen) = &successor.sometimes {
            self.explored.sometimes.join(seen);
        }
        let counts = |violation: &Violation| {
            let wanted = self.options.property.as_deref();
            wanted.is_none_or(|wanted| wanted == violation.name())
        };
        if let Some(violations) = successor.violations {
            // Where another property is violated a run ends: nothing after it is looked at.
            return Ok(violations.iter().any(counts).then_some(violations));
        }
        let Some(place) = successor.state else {
            return Ok(None);
        };
        let is_new = self.visited.insert(successor.key);
        if is_new || !self.options.deduplicate {
            self.explored.states += u64::from(is_new);
            if self.ways.len() >= u32::MAX as usize {
                return Err(ExploreError::TooMany);
            }
            self.ways.push(way);
            next.take(states, place);
        }
        Ok(None)
    }

    /// What is held of the states that were met.
    fn size_bytes(&self) -> usize {
        self.visited.size_bytes(WINDOW) + self.ways.len() * size_of::<Way>()
    }

    /// Where the moves of a window of states lead, a batch after the other, each with the place of
    /// its first state in the level: found by all workers together.
    fn found(&self, level: &Level, window: Range<usize>) -> Vec<(usize, Expanded)> {
        let known = self.options.deduplicate.then_some(&self.visited);
        let next = AtomicUsize::new(window.start);
        let done: Mutex<Vec<(usize, Expanded)>> = Mutex::default();
        let work = &|thread: usize| {
            let worker = self.workers[thread].lock();
            let mut worker = worker.unwrap_or_else(PoisonError::into_inner);
            // What this thread has found in the window before the batch under way.
            let mut found_bytes = 0;
            worker.catch_up();
            loop {
                let start = next.fetch_add(BATCH, Ordering::Relaxed);
                if start >= window.end {
                    break;
                }
                let batch = start..window.end.min(start + BATCH);
                let mut found = Expanded::of(batch.len());
                for place in batch {
                    worker.expand(level, place, known, &mut found);
                    // Once more when it is taken over.
                    let bytes = 2 * (found_bytes + found.size_bytes());
                    let values = worker.values_bytes();
                    let held = bytes + values + worker.held_bytes();
                    if self.memory.is_full_by(thread, held, values) {
                        return;
                    }
                }
                found_bytes += found.size_bytes();
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push((start, found));
            }
        };
        if window.len() <= BATCH {
            work(0);
        } else {
            std::thread::scope(|scope| {
                let others = 1..self.workers.len();
                threads::begin(scope, others.map(|other| move || work(other)));
                work(0);
            });
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(start, _)| *start);
        done
    }

    /// The decisions that lead along a way, found by going it again.
    fn scenario_of(&self, last: Way, scenario: &Scenario) -> Scenario {
        let mut choices = vec![last.choice];
        let mut at = last.parent;
        while at != 0 {
            let way = self.ways[at as usize];
            choices.push(way.choice);
            at = way.parent;
        }
        choices.reverse();
        let mut worker = self.workers[0]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let schedule = worker.follow(&choices);
        Scenario {
            bounds: Bounds {
                turns: scenario.bounds.turns.max(schedule.len() as u32),
                ..scenario.bounds
            },
            schedule,
            ..scenario.clone()
        }
    }
}
