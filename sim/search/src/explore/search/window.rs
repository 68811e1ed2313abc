//! A window of states: all threads expand it together, and what they found is looked through in its
//! order, a batch after the other. What there is no room for goes to disk before.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::ends::Ends;
use super::super::level::{Level, States};
use super::super::peers;
use super::super::ways::Way;
use super::super::worker::{Expanded, Successor};
use super::super::{Counterexample, Difference, ExploreError};
use super::{BATCH, Search, WINDOW, level_name};
use crate::threads;
use sim_model::Violation;

/// States of a level that are expanded together.
#[derive(Default)]
pub(super) struct Window {
    /// Those of this process.
    pub states: States,
    /// The number of the first that there is, and how many all processes have.
    pub first: usize,
    pub count: usize,
    /// The numbers of those of this process; none if there is no other.
    numbers: Vec<u32>,
}

impl Window {
    /// The number of the state at a place.
    pub fn number(&self, place: usize) -> u32 {
        let number = self.numbers.get(place).copied();
        number.unwrap_or((self.first + place) as u32)
    }
}

/// A move that leads to a state which may be new.
pub(super) struct Led<'s> {
    pub way: Way,
    pub is_plain: bool,
    pub key: u128,
    /// Its place, if its key was known already.
    pub known: Option<u32>,
    pub owes: bool,
    /// The state, and what it is marked by.
    pub state: (Option<u8>, &'s [u8]),
}

/// What there was room for.
pub(super) enum Room {
    /// Where the moves of a window lead, a batch after the other.
    There(Vec<(usize, Expanded)>),
    /// Nothing, also with all on disk that can be there.
    None,
    /// It was made, and there are more states than were asked for.
    PastBound,
    /// Ids are told apart.
    Again(Difference),
}

impl Search<'_, '_> {
    /// Takes the states of these numbers from the front of a level.
    pub(super) fn take_window(
        &self,
        numbers: Range<usize>,
        level: &mut Level,
        window: &mut Window,
    ) -> Result<(), ExploreError> {
        window.first = numbers.start;
        window.count = numbers.len();
        let mut own = numbers.len();
        if !self.is_alone() {
            let place = self.numbers.count() - level.count();
            window.numbers = self.numbers.some_from(place, own)?;
            let end = numbers.end as u32;
            own = window.numbers.partition_point(|number| *number < end);
            window.numbers.truncate(own);
        }
        level.take(own, &mut window.states)?;
        Ok(())
    }

    /// Where the moves of a window lead. What is held goes to disk before, if there would be no
    /// room: with all processes, if it is so with one.
    pub(super) fn found_with_room(
        &mut self,
        window: &Window,
        level: &mut Level,
        next: &mut Level,
    ) -> Result<Room, ExploreError> {
        let mut has_spilled = !self.options.deduplicate;
        let is_much = next.in_memory() >= self.options.store.spill_states;
        let mut is_full = peers::any(self.peers, is_much)?;
        loop {
            if is_full && has_spilled {
                return Ok(Room::None);
            }
            if is_full {
                level.spill(&self.disk, &level_name(self.explored.depth), None)?;
                if self.settle(next)? {
                    return Ok(Room::PastBound);
                }
                has_spilled = true;
            }
            let held = self.size_bytes() + level.size_bytes() + next.size_bytes();
            let held = held + window.states.size_bytes();
            let found = match self.memory.is_full_with(held) {
                true => Vec::new(),
                false => self.found(window),
            };
            self.explored.memory_bytes = self.memory.peak_bytes();
            is_full = peers::any(self.peers, self.memory.is_full())?;
            if let Some(by) = self.told_apart()? {
                return Ok(Room::Again(by));
            }
            if !is_full {
                return Ok(Room::There(found));
            }
            // What they told of a part of the window is lost with it.
            for worker in &mut self.workers {
                let worker = worker.get_mut();
                worker.unwrap_or_else(PoisonError::into_inner).tell_again();
            }
        }
    }

    /// Takes into account what was found of a window. Gives what ends the search.
    pub(super) fn look_through(
        &mut self,
        window: &Window,
        found: Vec<(usize, Expanded)>,
        next: &mut Level,
    ) -> Result<Option<Box<Counterexample>>, ExploreError> {
        for (start, found) in found {
            let mut successors = found.successors.into_iter();
            for (place, count) in found.counts.into_iter().enumerate() {
                for successor in successors.by_ref().take(count) {
                    let way = Way {
                        parent: window.number(start + place),
                        choice: successor.choice,
                    };
                    if let Some(violations) = self.take(successor, way, &found.states, next)? {
                        return self.counterexample(way, violations.into()).map(Some);
                    }
                }
                if let Some(ends) = &mut self.ends {
                    ends.expanded();
                }
            }
        }
        Ok(None)
    }

    /// Takes a successor into account. What it violates is given back if that ends the search.
    fn take(
        &mut self,
        successor: Successor,
        way: Way,
        states: &States,
        next: &mut Level,
    ) -> Result<Option<Box<[Violation]>>, ExploreError> {
        self.count(&successor);
        if let Some(violations) = successor.violations {
            // Where another property is violated a run ends: nothing after it is looked at.
            if let (Some(ends), true) = (&mut self.ends, successor.is_plain) {
                ends.lead_away();
            }
            return Ok(self.ends_search(&violations).then_some(violations));
        }
        let packed = match successor.known {
            Some(_) => &[],
            None => states.get(successor.place),
        };
        let led = Led {
            way,
            is_plain: successor.is_plain,
            key: successor.key,
            known: successor.known,
            owes: successor.owes,
            state: (None, packed),
        };
        self.lead(led, next)?;
        Ok(None)
    }

    /// Counts a move.
    pub(super) fn count(&mut self, successor: &Successor) {
        self.explored.transitions += 1;
        if let Some(seen) = &successor.sometimes {
            self.explored.sometimes.join(seen);
        }
    }

    /// Whether these are violations that are looked for.
    pub(super) fn ends_search(&self, violations: &[Violation]) -> bool {
        let wanted = self.options.property.as_deref();
        let mut violations = violations.iter();
        violations.any(|it| wanted.is_none_or(|wanted| wanted == it.name()))
    }

    /// A move leads to a state of this process: one that may be new goes to the next level.
    pub(super) fn lead(&mut self, led: Led<'_>, next: &mut Level) -> Result<(), ExploreError> {
        let place = self.ways.count() as u32;
        let place = match led.known {
            Some(place) => place,
            None => {
                let (place, is_known) = self.visited.insert(led.key, place);
                if !is_known || !self.options.deduplicate {
                    // Of those that may be on disk, which are new is known once they are settled.
                    let is_counted = !is_known && !self.visited.is_on_disk();
                    self.explored.states += u64::from(is_counted);
                    self.ways.push(led.way)?;
                    let (mark, packed) = led.state;
                    next.push(mark, packed);
                    self.meet(led.owes);
                }
                place
            }
        };
        if let (Some(ends), true) = (&mut self.ends, led.is_plain) {
            ends.lead_to(place);
        }
        Ok(())
    }

    /// What made a difference first where ids were exchanged: workers look at different moves.
    fn told_apart(&mut self) -> Result<Option<Difference>, ExploreError> {
        let workers = self.workers.iter_mut().filter_map(|worker| {
            let worker = worker.get_mut();
            worker.unwrap_or_else(PoisonError::into_inner).told_apart()
        });
        let first = workers.min_by_key(|(place, _)| *place);
        let of_all = peers::all(self.peers, first)?.into_iter().flatten();
        Ok(of_all.min_by_key(|(place, _)| *place).map(|(_, by)| by))
    }

    /// What is held of the states that were met.
    fn size_bytes(&self) -> usize {
        let ends = self.ends.as_ref().map_or(0, Ends::size_bytes);
        let of_others = self.numbers.size_bytes() + self.origins.size_bytes();
        let of_others = of_others + self.sent.size_bytes();
        self.visited.size_bytes(WINDOW) + self.ways.size_bytes() + ends + of_others
    }

    /// Where the moves of a window of states lead, a batch after the other, each with the place of
    /// its first state in the window: found by all workers together.
    fn found(&self, window: &Window) -> Vec<(usize, Expanded)> {
        let Search {
            options,
            memory,
            workers,
            visited,
            origins,
            ..
        } = self;
        let known = options.deduplicate.then_some(visited);
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Expanded)>> = Mutex::default();
        let work = &|thread: usize| {
            let worker = workers[thread].lock();
            let mut worker = worker.unwrap_or_else(PoisonError::into_inner);
            // What this thread has found in the window before the batch under way.
            let mut found_bytes = 0;
            worker.catch_up();
            loop {
                let start = next.fetch_add(BATCH, Ordering::Relaxed);
                if start >= window.states.count() {
                    break;
                }
                let batch = start..window.states.count().min(start + BATCH);
                let mut found = Expanded::of(batch.len());
                for place in batch {
                    let state = origins.read(window.states.get(place));
                    let place = window.number(place) as usize - window.first;
                    worker.expand((state, place), known, &mut found);
                    // Once more when it is taken over.
                    let bytes = 2 * (found_bytes + found.size_bytes());
                    let values = worker.values_bytes();
                    let held = bytes + values + worker.held_bytes();
                    if memory.is_full_by(thread, held, values) {
                        return;
                    }
                }
                found_bytes += found.size_bytes();
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push((start, found));
            }
        };
        if window.states.count() <= BATCH {
            work(0);
        } else {
            std::thread::scope(|scope| {
                let others = 1..workers.len();
                threads::begin(scope, others.map(|other| move || work(other)));
                work(0);
            });
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(start, _)| *start);
        done
    }
}
