//! Every schedule of a small world, breadth first: what it reports is the shortest there is, and
//! what it does not find is not there within its bounds.
//!
//! A state is all that decides what can happen next and what the invariants will say: the cells,
//! what is in flight as a multiset, virtual time, what the invariants remember, and what of the
//! bounds is used up. Two states are one when SHA-256 over these in canonical order agrees in its
//! first 128 bits. States are counted and kept apart by that key; of a state only the way to it
//! is kept, once it has been expanded.
//!
//! What is left out, and why it may be: timers fire when they are due, in any order, for the
//! reducer sees no clock; silence is an answer that is not given yet; equal things in flight are
//! one choice; and of requests that differ only in their ids, which is started first is not
//! chosen (a reducer that treats ids as opaque cannot tell).

mod alphabet;
mod worker;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::invariants::{GoalSet, Violation};
use crate::reducer::StepError;
use crate::scenario::{Bounds, PlanMode, Request, Scenario};
use crate::trace::Pool;
use crate::workload::Workload;
use crate::world::World;
use alphabet::Used;
use worker::{Node, Successor, Worker};

/// How large the world is.
#[derive(Clone, Debug)]
pub struct Limits {
    pub requests: Vec<Request>,
    /// Messages and timers that are sent twice.
    pub duplicates: u8,
    pub drops: u8,
    /// Events that nobody sent, and starts of requests that have been started.
    pub stale: u8,
    pub crashes: u8,
    /// Decisions in a row.
    pub depth: u32,
}

/// How the exploration is done; its results are the same for any number of jobs.
#[derive(Clone, Debug)]
pub struct Options {
    pub limits: Limits,
    pub jobs: usize,
    /// About how much may be held: keys, ways, and the states that are still to be expanded.
    pub memory_bytes: usize,
    /// Only violations of this invariant count; by default those of any.
    pub invariant: Option<usize>,
    /// Off, every schedule is run on its own: much slower, and only good to check the other way.
    pub deduplicate: bool,
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
    pub goals: GoalSet,
    /// The most that was held at a time, by estimate.
    pub memory_bytes: usize,
    pub outcome: Outcome,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Every schedule within the bounds holds.
    Complete,
    /// Every schedule of so many decisions holds; there are longer ones.
    DepthBound,
    /// What is held has come to its bound: schedules of up to `depth` decisions hold.
    MemoryBound,
    Violated(Box<Counterexample>),
}

/// A shortest schedule that violates something.
#[derive(Clone, PartialEq, Debug)]
pub struct Counterexample {
    pub scenario: Scenario,
    pub violations: Vec<Violation>,
}

/// Why a world cannot be explored.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    #[error(
        "`{reducer}` declares a context, which tells it the time and the journal's height: \
         it never comes back to a state; run seeds instead"
    )]
    Context { reducer: String },
    #[error("more than {} states: choose smaller bounds", u32::MAX)]
    TooMany,
    #[error("the reducer cannot be run")]
    Step(#[from] StepError),
}

/// States that one piece of work expands.
const BATCH: usize = 256;
/// What a key and the way to its state take, the tree's share included.
const STATE_BYTES: usize = 48;

/// How a state was reached first.
#[derive(Clone, Copy)]
struct Way {
    parent: u32,
    /// Which of the parent's moves.
    choice: u32,
}

/// Explores; `progress` is told states, transitions and depth after each level.
pub fn run(
    world: &World,
    workload: &dyn Workload,
    options: &Options,
    mut progress: impl FnMut(u64, u64, u32),
) -> Result<Explored, ExploreError> {
    let with_context = world
        .air
        .reducers
        .iter()
        .find(|reducer| reducer.context.is_some());
    if let Some(reducer) = with_context {
        let reducer = reducer.name.clone();
        return Err(ExploreError::Context { reducer });
    }
    let scenario = Scenario {
        requests: options.limits.requests.clone(),
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        heal: false,
        faults: None,
        schedule: Vec::new(),
    };
    let values = Pool::default();
    let mut workers = Vec::new();
    for _ in 0..options.jobs.clamp(1, 16) {
        workers.push(Worker::new(
            world,
            workload,
            &scenario,
            &options.limits,
            &values,
        )?);
    }
    let (root, key) = workers[0].root();
    let mut search = Search {
        options,
        workers: workers.into_iter().map(Mutex::new).collect(),
        visited: BTreeSet::from([key]),
        ways: vec![Way {
            parent: 0,
            choice: 0,
        }],
        explored: Explored {
            states: 1,
            transitions: 0,
            depth: 0,
            goals: GoalSet::default(),
            memory_bytes: 0,
            outcome: Outcome::Complete,
        },
    };
    let mut level = vec![root];
    while !level.is_empty() {
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
        if !level.is_empty() {
            search.explored.depth += 1;
        }
        let explored = &search.explored;
        progress(explored.states, explored.transitions, explored.depth);
    }
    Ok(search.explored)
}

struct Search<'a, 'w> {
    options: &'a Options,
    workers: Vec<Mutex<Worker<'w>>>,
    visited: BTreeSet<u128>,
    ways: Vec<Way>,
    explored: Explored,
}

enum Next {
    Level(Vec<Node>),
    Stop(Outcome),
}

impl Search<'_, '_> {
    /// Takes every move of every state of a level; the states that are new are the next one.
    fn expand(&mut self, level: &[Node], scenario: &Scenario) -> Result<Next, ExploreError> {
        let mut next: Vec<Node> = Vec::new();
        let mut held_bytes = level.iter().map(Node::size_bytes).sum::<usize>();
        let window = BATCH * self.workers.len() * 4;
        for part in level.chunks(window) {
            for (parent, successors) in part.iter().zip(self.successors(part)) {
                for successor in successors {
                    self.explored.transitions += 1;
                    let Successor {
                        key,
                        choice,
                        node,
                        goals,
                        violations,
                    } = successor;
                    self.explored.goals.join(goals);
                    let counts = |violation: &Violation| {
                        let wanted = self.options.invariant;
                        wanted.is_none_or(|wanted| wanted == violation.invariant)
                    };
                    let way = Way {
                        parent: parent.index,
                        choice,
                    };
                    if violations.iter().any(counts) {
                        self.explored.depth += 1;
                        let scenario = self.scenario_of(way, scenario);
                        let found = Counterexample {
                            scenario,
                            violations,
                        };
                        return Ok(Next::Stop(Outcome::Violated(Box::new(found))));
                    }
                    let is_new = self.visited.insert(key);
                    let Some(mut node) = node.filter(|_| is_new || !self.options.deduplicate)
                    else {
                        continue;
                    };
                    self.explored.states += u64::from(is_new);
                    node.index =
                        u32::try_from(self.ways.len()).map_err(|_| ExploreError::TooMany)?;
                    self.ways.push(way);
                    held_bytes += node.size_bytes();
                    next.push(node);
                }
            }
            let memory_bytes = held_bytes + self.ways.len() * STATE_BYTES;
            self.explored.memory_bytes = self.explored.memory_bytes.max(memory_bytes);
            if memory_bytes > self.options.memory_bytes {
                return Ok(Next::Stop(Outcome::MemoryBound));
            }
        }
        Ok(Next::Level(next))
    }

    /// The successors of each state, in order, found by all workers together.
    fn successors(&self, states: &[Node]) -> Vec<Vec<Successor>> {
        let batches: Vec<&[Node]> = states.chunks(BATCH).collect();
        let known = self.options.deduplicate.then_some(&self.visited);
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Vec<Vec<Successor>>)>> = Mutex::default();
        let work = |worker: &Mutex<Worker<'_>>| {
            let mut worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
            worker.catch_up();
            while let Some((index, batch)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                batches.get(index).map(|batch| (index, *batch))
            } {
                let found = batch
                    .iter()
                    .map(|node| worker.expand(node, known))
                    .collect();
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push((index, found));
            }
        };
        if batches.len() == 1 {
            work(&self.workers[0]);
        } else {
            std::thread::scope(|scope| {
                for worker in &self.workers {
                    scope.spawn(|| work(worker));
                }
            });
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().flat_map(|(_, found)| found).collect()
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
        Scenario {
            schedule: worker.follow(&choices),
            ..scenario.clone()
        }
    }
}
