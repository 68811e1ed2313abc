//! How many schedules go on from each state of a case, and how many of them fail: every one is
//! counted, so that what all of them do is certain within the bounds.
//!
//! A schedule goes on from a state by what the explorer would decide there, with as many faults of
//! each kind in all as the case has itself, of spurious events also those that the case has. It
//! ends where nothing goes on by itself, or with the first violation. States that are the same are
//! gone on from once: what is counted are ways through the graph of states, each as much as any
//! other, not states. Where one goes round, or there are too many states, there is no count.

use std::collections::BTreeMap;

use super::level::States;
use super::reduce::Focus;
use super::search::{Ids, scenario_of, without_context};
use super::worker::{Base, Worker};
use super::{Difference, ExploreError, ExploreOptions, Limits, Move, Used};
use sim_host::StepError;
use sim_kernel::World;
use sim_model::{Model, Scene};
use sim_record::interrupt::Interrupt;
use sim_record::scenario::Scenario;
use sim_record::trace::Pool;

/// Schedules that go on from a state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counted {
    /// Those that come to the failure.
    pub failing: u64,
    /// All of them.
    pub schedules: u64,
}

/// Schedules that go on from the states of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counts {
    /// After none of its decisions, after the first, and so on to the last.
    pub after: Vec<Counted>,
    /// Different states that were met.
    pub states: u64,
    /// What the case has of faults, and a schedule at the most: copies, losses, spurious events
    /// and second starts, crashes.
    pub faults: [u8; 4],
}

/// Why schedules are not counted.
#[derive(Debug, thiserror::Error)]
pub enum Uncounted {
    /// Nobody asked.
    #[error("no state may be met")]
    NotAsked,
    /// A reducer asks for a context, which tells it the time: states would never recur.
    #[error("`{0}` declares a context, which tells it the time")]
    Context(String),
    /// What comes once faults have stopped follows from where they stopped.
    #[error("the failure comes in the liveness phase, in which nothing is decided")]
    Liveness,
    /// It shows only where steps are taken again, or recoveries are tried.
    #[error("the failure shows only where steps are taken again, or recoveries are tried")]
    Unseen,
    /// The explorer never decides this.
    #[error("no schedule of the explorer has the decision of turn {0}: its values or its time")]
    Decision(usize),
    /// There are more states than asked for.
    #[error("more than {0} states go on from it")]
    States(u64),
    /// A state leads back to itself.
    #[error("some schedules go round for ever")]
    GoesRound,
    /// More than can be counted.
    #[error("more than 2^64 schedules go on from it")]
    Schedules,
    /// It was asked to stop.
    #[error("it was interrupted")]
    Interrupted,
    /// An instance cannot be had.
    #[error("the reducer cannot be run")]
    Step(#[from] StepError),
}

/// Counts the schedules that go on from each state of a scenario whose last decision violates the
/// property at a place, and meets at most so many states.
///
/// # Errors
/// If they cannot be counted.
pub(crate) fn count(
    world: &World,
    model: &dyn Model,
    (scenario, rank): (&Scenario, usize),
    (most_states, interrupt): (u64, &Interrupt),
) -> Result<Counts, Uncounted> {
    if most_states == 0 {
        return Err(Uncounted::NotAsked);
    }
    if let Err(ExploreError::Context { module }) = without_context(world) {
        return Err(Uncounted::Context(module));
    }
    let worker = |faults| Worker::of_case(world, model, scenario, faults);
    // Once with any number of faults, to see how many there are.
    let used = follow(&mut worker(Used::of([u8::MAX; 4]))?, scenario)?.1;
    let mut worker = worker(used)?;
    let (states, _) = follow(&mut worker, scenario)?;
    if !worker.violates(rank) {
        return Err(Uncounted::Unseen);
    }
    let mut search = Search {
        worker,
        rank,
        most_states,
        interrupt,
        known: BTreeMap::new(),
    };
    let mut after = vec![Counted {
        failing: 1,
        schedules: 1,
    }];
    for place in (0..states.count()).rev() {
        after.push(search.from(states.get(place))?);
    }
    after.reverse();
    Ok(Counts {
        after,
        states: search.known.len() as u64,
        faults: used.bytes(),
    })
}

impl<'w> Worker<'w> {
    /// One that takes the decisions of a case, and others with as many faults, on all its requests.
    fn of_case(
        world: &'w World,
        model: &'w dyn Model,
        scenario: &Scenario,
        faults: Used,
    ) -> Result<Worker<'w>, StepError> {
        let [duplicates, drops, spurious, crashes] = faults.bytes();
        let options = ExploreOptions {
            symmetry: false,
            reduce: false,
            ..ExploreOptions::of(Limits {
                scene: Scene {
                    requests: scenario.requests.clone(),
                    starts: u32::MAX,
                    ..Scene::default()
                },
                duplicates,
                drops,
                spurious,
                crashes,
                depth: u32::MAX,
            })
        };
        let explored = Scenario {
            plans: scenario.plans,
            bounds: scenario.bounds,
            ..scenario_of(&options)
        };
        // Each request counts as one of its own, whether or not something tells them apart.
        let ids = Ids::ToldApart(Difference::State);
        let pool = Pool::default();
        let mut worker = Worker::new(world, model, &explored, (&options, ids), &pool)?;
        let schedule = scenario.schedule.iter();
        schedule.for_each(|decision| worker.may_take(decision));
        Ok(worker)
    }
}

impl Worker<'_> {
    /// Whether the last move violates the property at a place.
    fn violates(&self, rank: usize) -> bool {
        self.violations().iter().any(|found| found.rank == rank)
    }
}

/// The states before each decision of a scenario, and what it used up.
fn follow(worker: &mut Worker<'_>, scenario: &Scenario) -> Result<(States, Used), Uncounted> {
    let (mut states, _) = worker.root();
    let mut base = Base::default();
    for (turn, decision) in scenario.schedule.iter().enumerate() {
        worker.unpack(states.get(turn), &mut base);
        let moves = worker.all_moves(&base);
        let wanted = worker.choice(decision);
        let mut moves = moves.into_iter();
        let step = moves.find(|step| wanted.as_ref() == Some(&step.choice));
        let step = step.filter(|step| worker.take(&base, step));
        let step = step.ok_or(Uncounted::Decision(turn))?;
        base.used = step.used;
        if turn + 1 < scenario.schedule.len() {
            worker.pack((step.used, Focus::Anything), &mut states);
        }
    }
    Ok((states, base.used))
}

/// A state that is gone on from, and what was counted so far.
struct Open {
    key: u128,
    base: Base,
    moves: std::vec::IntoIter<Move>,
    counted: Counted,
}

struct Search<'a, 'w> {
    worker: Worker<'w>,
    /// The property that is violated.
    rank: usize,
    most_states: u64,
    interrupt: &'a Interrupt,
    /// By the keys of states; None while they are gone on from.
    known: BTreeMap<u128, Option<Counted>>,
}

impl Search<'_, '_> {
    /// Depth first. What is open is kept here and not on the stack, which has its end.
    fn from(&mut self, state: &[u8]) -> Result<Counted, Uncounted> {
        let mut base = Base::default();
        self.worker.unpack(state, &mut base);
        let key = self.worker.key_of(&base);
        if let Some(Some(known)) = self.known.get(&key) {
            return Ok(*known);
        }
        let mut open = vec![self.open(key, base)?];
        while let Some(top) = open.last_mut() {
            if self.interrupt.is_asked() {
                return Err(Uncounted::Interrupted);
            }
            let Some(step) = top.moves.next() else {
                let (key, counted) = (top.key, top.counted.or_ended());
                self.known.insert(key, Some(counted));
                open.pop();
                match open.last_mut() {
                    Some(before) => before.counted.add(counted)?,
                    None => return Ok(counted),
                }
                continue;
            };
            if !self.worker.take(&top.base, &step) {
                continue;
            }
            if let Some(fails) = self.ended() {
                top.counted.add(Counted::one(fails))?;
                continue;
            }
            let now = (step.used, Focus::Anything);
            let key = self.worker.key(now);
            match self.known.get(&key) {
                Some(Some(known)) => top.counted.add(*known)?,
                Some(None) => return Err(Uncounted::GoesRound),
                None => {
                    let mut states = States::default();
                    self.worker.pack(now, &mut states);
                    let mut base = Base::default();
                    self.worker.unpack(states.get(0), &mut base);
                    open.push(self.open(key, base)?);
                }
            }
        }
        Ok(Counted::default())
    }

    /// Whether the move that was just taken ended the schedule: if so, whether by the failure.
    fn ended(&self) -> Option<bool> {
        let is_violated = !self.worker.violations().is_empty();
        is_violated.then(|| self.worker.violates(self.rank))
    }

    /// Begins to go on from a state. Where nothing goes on by itself, one schedule ends.
    fn open(&mut self, key: u128, base: Base) -> Result<Open, Uncounted> {
        if self.known.len() as u64 >= self.most_states {
            return Err(Uncounted::States(self.most_states));
        }
        self.known.insert(key, None);
        let moves = self.worker.all_moves(&base);
        let ends_here = !moves.iter().any(|step| step.is_plain);
        Ok(Open {
            key,
            base,
            moves: moves.into_iter(),
            counted: match ends_here {
                true => Counted::one(false),
                false => Counted::default(),
            },
        })
    }
}

impl Counted {
    fn one(fails: bool) -> Counted {
        Counted {
            failing: fails.into(),
            schedules: 1,
        }
    }

    /// Where nothing was possible after all, one schedule has ended.
    fn or_ended(self) -> Counted {
        match self.schedules {
            0 => Counted::one(false),
            _ => self,
        }
    }

    fn add(&mut self, more: Counted) -> Result<(), Uncounted> {
        let sum = |one: u64, other: u64| one.checked_add(other).ok_or(Uncounted::Schedules);
        self.failing = sum(self.failing, more.failing)?;
        self.schedules = sum(self.schedules, more.schedules)?;
        Ok(())
    }
}
