//! The search itself: one level after the other, what goes to disk between windows, checkpoints,
//! and in the end whether all can end. How a window is expanded is in `window`, what several
//! processes that search together tell each other in `together`.
//!
//! Such a process has the states whose keys are its own. They have places there, and numbers among
//! those of all: the places that they would have if there was one process.

mod together;
mod window;

use std::sync::{Mutex, PoisonError};

use super::checkpoint::Checkpoint;
use super::disk::Disk;
use super::ends::Ends;
use super::level::Level;
use super::memory::Memory;
use super::numbers::Numbers;
use super::origins::Origins;
use super::peers::{self, Peers};
use super::values::Kept;
use super::visited::Visited;
use super::ways::{Way, Ways};
use super::worker::Worker;
use super::{
    Counterexample, Difference, Exchanged, ExploreError, ExploreOptions, Explored, Outcome,
    Progress,
};
use crate::campaign::Runner;
use sim_kernel::World;
use sim_model::{Model, PropertySet, Violation};
use sim_record::scenario::{Bounds, PlanMode, Scenario};
use sim_record::trace::Pool;
use together::Sent;
use window::{Room, Window};

/// States that one piece of work expands.
const BATCH: usize = 256;
/// States that are expanded before what was found is looked through, whatever the number of jobs.
const WINDOW: usize = 16 * BATCH;
/// So many states that may be new are settled to see whether there are more than asked for.
const ENOUGH_TO_SETTLE: usize = 16 * WINDOW;
/// So many states from which nothing seems to end are run on, to see whether it does.
const MOST_TRIED: usize = 1_000;

pub(super) struct Search<'a, 'w> {
    world: &'w World,
    model: &'w dyn Model,
    options: &'a ExploreOptions,
    peers: &'a mut dyn Peers,
    memory: Memory,
    workers: Vec<Mutex<Worker<'w>>>,
    pool: Pool,
    disk: Disk,
    /// What of the values is on disk, for checkpoints.
    values: Kept,
    visited: Visited,
    ways: Ways,
    level: Level,
    whole: Whole,
    origins: Origins,
    /// Those of the states that are here, unless there is no other process.
    numbers: Numbers,
    sent: Sent,
    /// Whether all can end; None where every schedule is run on its own.
    ends: Option<Ends>,
    explored: Explored,
    /// How far all processes were together at the end of the last window.
    of_all: Progress,
    /// Once keys are on disk, the windows since they were last settled.
    marks: Vec<Mark>,
    /// States at the last checkpoint.
    kept: u64,
}

/// The level with the states of all processes: the number of its first, and how many there are.
#[derive(Clone, Copy, Default)]
struct Whole {
    first: usize,
    count: usize,
}

/// How far it was at the end of a window.
struct Mark {
    /// States that may be new, since the last time that they were settled.
    found: usize,
    transitions: u64,
    sometimes: PropertySet,
}

/// How the work on a level ended.
enum Next {
    Level(Box<Level>),
    Stop(Outcome),
    /// Ids are told apart: what was found so far may be too little.
    Again(Difference),
}

/// What is known of ids before a search begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ids {
    /// They are taken for mere names, as long as nothing says otherwise.
    Opaque,
    /// Exchanging them made a difference to this: all requests are told apart.
    ToldApart(Difference),
}

/// How a search ended.
pub(super) enum Ran {
    Through(Explored),
    /// It found that ids are told apart, and must begin anew.
    ToldApart(Difference),
}

/// Refuses what would never come back to a state.
pub(super) fn without_context(world: &World) -> Result<(), ExploreError> {
    let reducers = world.air.reducers.iter().map(|it| (&it.name, it.context));
    let enforcers = world.air.enforcers.iter().map(|it| (&it.name, it.context));
    let mut modules = reducers.chain(enforcers);
    match modules.find(|(_, context)| context.is_some()) {
        Some((module, _)) => Err(ExploreError::Context {
            module: module.clone(),
        }),
        None => Ok(()),
    }
}

/// What every schedule of a small world has.
pub(super) fn scenario_of(options: &ExploreOptions) -> Scenario {
    Scenario {
        requests: options.limits.scene.requests.clone(),
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        liveness: false,
        faults: None,
        schedule: Vec::new(),
    }
}

impl<'a, 'w> Search<'a, 'w> {
    /// At the beginning, or where a checkpoint was made.
    pub fn new(
        (world, model): (&'w World, &'w dyn Model),
        (options, ids): (&'a ExploreOptions, Ids),
        from: Option<&Checkpoint>,
        peers: &'a mut dyn Peers,
    ) -> Result<Search<'a, 'w>, ExploreError> {
        without_context(world)?;
        let scenario = scenario_of(options);
        let pool = Pool::default();
        let disk = Disk::new(options.store.folder.clone());
        let values = match from {
            Some(from) => Kept::open(&disk, &from.values, &pool)?,
            None => Kept::default(),
        };
        let mut workers = Vec::new();
        for _ in 0..options.jobs.clamp(1, 16) {
            match Worker::new(world, model, &scenario, (options, ids), &pool) {
                Ok(worker) => workers.push(worker),
                // Where there is no room for more, those that there are do the work.
                Err(_) if !workers.is_empty() => break,
                Err(error) => return Err(error.into()),
            }
        }
        let (root, key) = workers[0].root();
        let exchanged = match (ids, workers[0].exchanges()) {
            (Ids::ToldApart(by), _) => Exchanged::ToldApart(by),
            (Ids::Opaque, 0) => Exchanged::None,
            (Ids::Opaque, count) => Exchanged::Requests(count),
        };
        let mut search = Search {
            world,
            model,
            options,
            origins: Origins::new(&pool, peers.count(), peers.me()),
            peers,
            memory: Memory::new(options.memory_bytes, workers.len()),
            workers: workers.into_iter().map(Mutex::new).collect(),
            pool,
            disk,
            values,
            visited: Visited::default(),
            ways: Ways::default(),
            level: Level::default(),
            whole: Whole { first: 0, count: 1 },
            numbers: Numbers::default(),
            sent: Sent::default(),
            ends: options.deduplicate.then(Ends::default),
            explored: Explored {
                states: 0,
                transitions: 0,
                depth: 0,
                sometimes: PropertySet::default(),
                memory_bytes: 0,
                exchanged,
                outcome: Outcome::Complete,
            },
            of_all: Progress::default(),
            marks: Vec::new(),
            kept: 0,
        };
        match from {
            Some(from) => search.go_on_from(from)?,
            None if search.is_own(key) => search.begin_with(root.get(0), key)?,
            None => {}
        }
        Ok(search)
    }

    /// The first state is one of this process.
    fn begin_with(&mut self, root: &[u8], key: u128) -> Result<(), ExploreError> {
        self.visited.insert(key, 0);
        self.meet(false);
        self.ways.push(Way::ROOT)?;
        self.level.push(self.origins.mark(self.peers.me()), root);
        self.explored.states = 1;
        if !self.is_alone() {
            self.numbers.push(0);
        }
        Ok(())
    }

    fn go_on_from(&mut self, from: &Checkpoint) -> Result<(), ExploreError> {
        self.visited = Visited::open(&self.disk, &from.keys, from.keys_made)?;
        self.ways = Ways::open(&self.disk, &from.ways)?;
        self.level = Level::open(&self.disk, &from.level, from.level_states)?;
        self.explored.states = from.states;
        self.explored.transitions = from.transitions;
        self.explored.depth = from.depth;
        self.explored.sometimes = from.sometimes.iter().copied().collect();
        self.ends = Some(Ends::open(&self.disk, &from.ends)?);
        if let Some(numbers) = &from.numbers {
            self.numbers = Numbers::open(&self.disk, numbers)?;
        }
        let mine = [from.states, from.transitions, from.level_states as u64];
        let [states, transitions, of_level] = peers::sums(self.peers, mine)?;
        self.of_all = Progress {
            states,
            transitions,
            depth: from.depth,
            frontier: of_level,
        };
        self.whole = Whole {
            first: (states - of_level) as usize,
            count: of_level as usize,
        };
        self.kept = states;
        self.tell_values()
    }

    /// One level after the other. `keep` is given what a checkpoint says.
    pub fn run(
        mut self,
        mut progress: impl FnMut(Progress),
        mut keep: impl FnMut(Checkpoint) -> Result<(), ExploreError>,
    ) -> Result<Ran, ExploreError> {
        progress(self.progress(0));
        while self.whole.count > 0 {
            if self.explored.depth >= self.options.limits.depth {
                self.explored.outcome = Outcome::DepthBound;
                break;
            }
            let level = std::mem::take(&mut self.level);
            match self.expand(level, &mut progress)? {
                Next::Level(next) => self.level = *next,
                Next::Stop(outcome) => {
                    self.explored.outcome = outcome;
                    break;
                }
                Next::Again(by) => return Ok(Ran::ToldApart(by)),
            }
            self.number()?;
            if self.whole.count > 0 {
                self.explored.depth += 1;
            }
            progress(self.progress(0));
            if self.is_due()? {
                keep(self.checkpoint()?)?;
                // What only the last one needs goes once all have this one.
                peers::wait(self.peers)?;
                self.disk.forget_retired();
            }
        }
        self.look_for_ends()?;
        self.add_up()?;
        Ok(Ran::Through(self.explored))
    }

    /// Once all was explored, or as much as there was time for: whether what is started can end.
    fn look_for_ends(&mut self) -> Result<(), ExploreError> {
        let Some(ends) = self.ends.take() else {
            return Ok(());
        };
        if !self.explored.outcome.knows_ends() {
            return Ok(());
        }
        let without = match self.is_alone() {
            true => ends.without()?,
            false => {
                let met = self.whole.first + self.whole.count;
                ends.without_among(self.peers, (&self.numbers, met))?
            }
        };
        let mut runner = Runner::new(self.world, self.model)?;
        let mut first = None;
        for number in without.into_iter().take(MOST_TRIED) {
            let found = self.endless(number)?;
            let checked = runner.replay(&found.scenario);
            let is_owed = |seen: &Violation| {
                let mut owed = found.violations.iter();
                owed.any(|owed| owed.name() == seen.name())
            };
            // A replay of an impure reducer may go differently elsewhere: all are to end alike.
            if peers::any(self.peers, checked.violations.iter().any(is_owed))? {
                first = Some(found);
                break;
            }
            // Where moves are left out, this may be a state in which only some are taken, and by
            // the others it ends; but then one that it leads to does not. If no run shows that,
            // the first is told, for a replay to contradict: it is not passed over.
            first = first.or(Some(found));
        }
        if let Some(found) = first {
            self.explored.outcome = Outcome::Violated(Box::new(found));
        }
        Ok(())
    }

    /// What leads to a state in which something is owed, and goes on as long as it may.
    fn endless(&mut self, number: u32) -> Result<Counterexample, ExploreError> {
        let last = self.way(number)?;
        let choices = self.choices_to(last)?;
        let worker = self.workers[0].get_mut();
        let worker = worker.unwrap_or_else(PoisonError::into_inner);
        Ok(Counterexample {
            scenario: Scenario {
                liveness: true,
                ..worker.scenario(&choices)
            },
            violations: worker.owed().to_vec(),
            choices,
        })
    }

    /// A state was met that is new.
    fn meet(&mut self, owes: bool) {
        if let Some(ends) = &mut self.ends {
            ends.meet(owes);
        }
    }

    fn progress(&self, further: usize) -> Progress {
        if !self.is_alone() {
            return self.of_all;
        }
        Progress {
            states: self.explored.states,
            transitions: self.explored.transitions,
            depth: self.explored.depth,
            frontier: (self.level.count() + further) as u64,
        }
    }

    /// Whether the end of this level is a checkpoint.
    fn is_due(&mut self) -> Result<bool, ExploreError> {
        let store = &self.options.store;
        if store.folder.is_none() {
            return Ok(false);
        }
        let [states] = peers::sums(self.peers, [self.explored.states])?;
        Ok(states - self.kept >= store.checkpoint_states)
    }

    /// All that is needed to go on from here: between two levels, and with everything on disk.
    fn checkpoint(&mut self) -> Result<Checkpoint, ExploreError> {
        let (keys, keys_made) = self.visited.seal()?;
        let name = level_name(self.explored.depth);
        let (level, level_states) = self.level.seal(&self.disk, &name)?;
        let explored = &self.explored;
        self.kept = (self.whole.first + self.whole.count) as u64;
        Ok(Checkpoint {
            states: explored.states,
            transitions: explored.transitions,
            depth: explored.depth,
            sometimes: explored.sometimes.iter().collect(),
            keys,
            keys_made,
            ways: self.ways.seal(&self.disk)?,
            numbers: match self.peers.count() {
                1 => None,
                _ => Some(self.numbers.seal(&self.disk)?),
            },
            level,
            level_states,
            ends: match &mut self.ends {
                Some(ends) => ends.seal(&self.disk)?,
                None => Ends::default().seal(&self.disk)?,
            },
            values: self.values.seal(&self.disk, &self.pool)?,
        })
    }

    /// Takes every move of every state of a level; the states that are new are the next one.
    fn expand(
        &mut self,
        mut level: Level,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Next, ExploreError> {
        let mut next = Level::default();
        let mut window = Window::default();
        let end = self.whole.first + self.whole.count;
        for first in (self.whole.first..end).step_by(WINDOW) {
            self.take_window(first..end.min(first + WINDOW), &mut level, &mut window)?;
            let room = self.found_with_room(&window, &mut level, &mut next)?;
            let found = match room {
                Room::There(found) => found,
                Room::Again(by) => return Ok(Next::Again(by)),
                Room::None => return self.stop(Outcome::MemoryBound, &mut next),
                Room::PastBound => return Ok(Next::Stop(Outcome::StateBound)),
            };
            let violated = match self.is_alone() {
                true => self.look_through(&window, found, &mut next)?,
                false => self.look_through_together(&window, found, &mut next)?,
            };
            if let Some(violated) = violated {
                return self.stop(Outcome::Violated(violated), &mut next);
            }
            self.mark();
            if peers::any(self.peers, self.options.interrupt.is_asked())? {
                return self.stop(Outcome::Interrupted, &mut next);
            }
            let frontier = level.count() + next.count();
            if self.is_past_bound(&mut next, frontier)? {
                return Ok(Next::Stop(Outcome::StateBound));
            }
            progress(self.progress(frontier));
        }
        level.retire(&mut self.disk);
        let settles = self.visited.is_on_disk() || self.is_due()?;
        if settles && self.settle(&mut next)? {
            return Ok(Next::Stop(Outcome::StateBound));
        }
        Ok(Next::Level(Box::new(next)))
    }

    /// Ends it, unless there were more states than asked for before.
    fn stop(&mut self, outcome: Outcome, next: &mut Level) -> Result<Next, ExploreError> {
        if self.visited.is_on_disk() && self.settle(next)? {
            return Ok(Next::Stop(Outcome::StateBound));
        }
        if let Outcome::Violated(_) = outcome {
            self.explored.depth += 1;
        }
        Ok(Next::Stop(outcome))
    }

    /// A window was gone through.
    fn mark(&mut self) {
        if self.visited.is_on_disk() {
            self.marks.push(Mark {
                found: self.visited.pending(),
                transitions: self.explored.transitions,
                sometimes: self.explored.sometimes.clone(),
            });
        }
    }

    /// Whether there are more states than asked for.
    fn is_past_bound(&mut self, next: &mut Level, frontier: usize) -> Result<bool, ExploreError> {
        let Explored {
            states,
            transitions,
            depth,
            ..
        } = self.explored;
        let pending = self.visited.pending() as u64;
        let mine = [states, transitions, frontier as u64, pending];
        let [states, transitions, frontier, pending] = peers::sums(self.peers, mine)?;
        self.of_all = Progress {
            states,
            transitions,
            depth,
            frontier,
        };
        let most = self.options.most_states;
        if states > most {
            return Ok(true);
        }
        let may_be = states + pending > most;
        Ok(may_be && pending >= ENOUGH_TO_SETTLE as u64 && self.settle(next)?)
    }

    /// Puts keys, ways and the next level on disk, and only now knows which were new. Whether there
    /// are more than asked for: then all is said as it was at the end of that window.
    fn settle(&mut self, next: &mut Level) -> Result<bool, ExploreError> {
        let settled = self.visited.settle(&mut self.disk, self.ways.settled())?;
        if let Some(ends) = &mut self.ends {
            ends.settle(&self.disk, settled.as_ref())?;
        }
        let new = settled.map(|settled| settled.is_new);
        self.ways.spill(&self.disk, new.as_deref())?;
        if !self.is_alone() {
            self.numbers.spill(&self.disk)?;
        }
        let name = level_name(self.explored.depth + 1);
        next.spill(&self.disk, &name, new.as_deref())?;
        let Some(new) = new else {
            return Ok(false);
        };
        let marks = std::mem::take(&mut self.marks);
        let mut before = 0;
        let mut found = Vec::new();
        for mark in &marks {
            found.push(new[before..mark.found].iter().filter(|new| **new).count() as u64);
            before = mark.found;
        }
        let mut of_all = peers::all(self.peers, self.explored.states)?
            .iter()
            .sum::<u64>();
        let found_by_all = peers::sums_of(self.peers, &found)?;
        for ((mark, found), by_all) in marks.into_iter().zip(found).zip(found_by_all) {
            self.explored.states += found;
            of_all += by_all;
            if of_all > self.options.most_states {
                self.explored.transitions = mark.transitions;
                self.explored.sometimes = mark.sometimes;
                return Ok(true);
            }
        }
        let rest = new[before..].iter().filter(|new| **new);
        self.explored.states += rest.count() as u64;
        Ok(false)
    }

    /// Which moves lead along a way.
    fn choices_to(&mut self, last: Way) -> Result<Vec<u32>, ExploreError> {
        let mut choices = vec![last.choice];
        let mut at = last.parent;
        while at != 0 {
            let way = self.way(at)?;
            choices.push(way.choice);
            at = way.parent;
        }
        choices.reverse();
        Ok(choices)
    }
}

/// The name of the file that has the states of a level.
fn level_name(depth: u32) -> String {
    format!("level-{depth}")
}
