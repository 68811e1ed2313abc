//! A window of states: all threads expand it together, and what they found is looked through in its
//! order, a batch after the other. What there is no room for goes to disk before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::ends::Ends;
use super::super::level::{Level, States};
use super::super::ways::Way;
use super::super::worker::{Expanded, Successor};
use super::super::{Counterexample, Difference, ExploreError};
use super::{BATCH, Search, WINDOW, level_name};
use crate::threads;
use sim_model::Violation;

/// What there was room for.
pub(super) enum Room {
    /// Where the moves of a window lead, a batch after the other.
    There(Vec<(usize, Expanded)>),
    /// Nothing, also with all on disk that can be there.
    None,
    /// It was made, and there are more states than were asked for.
    PastBound,
}

impl Search<'_, '_> {
    /// Where the moves of a window lead. What is held goes to disk before, if there would be no
    /// room.
    pub(super) fn found_with_room(
        &mut self,
        window: &States,
        level: &mut Level,
        next: &mut Level,
    ) -> Result<Room, ExploreError> {
        let mut has_spilled = !self.options.deduplicate;
        let mut is_full = next.in_memory() >= self.options.store.spill_states;
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
            let found = match self.memory.is_full_with(held + window.size_bytes()) {
                true => Vec::new(),
                false => self.found(window),
            };
            self.explored.memory_bytes = self.memory.peak_bytes();
            is_full = self.memory.is_full();
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

    /// Takes into account what was found of a batch, whose first state has this number. Gives what
    /// ends the search.
    pub(super) fn look_through(
        &mut self,
        first: usize,
        found: Expanded,
        next: &mut Level,
    ) -> Result<Option<Box<Counterexample>>, ExploreError> {
        let Expanded {
            successors,
            counts,
            states,
        } = found;
        let mut successors = successors.into_iter();
        for (place, count) in counts.into_iter().enumerate() {
            for successor in successors.by_ref().take(count) {
                let way = Way {
                    parent: (first + place) as u32,
                    choice: successor.choice,
                };
                if let Some(violations) = self.take(successor, way, &states, next)? {
                    let choices = self.choices_to(way)?;
                    return Ok(Some(Box::new(Counterexample {
                        scenario: self.schedule(&choices),
                        violations: violations.into(),
                        choices,
                    })));
                }
            }
            if let Some(ends) = &mut self.ends {
                ends.expanded();
            }
        }
        Ok(None)
    }

    /// Takes a successor into account: a state that may be new goes to the next level. What it
    /// violates is given back if that ends the search.
    fn take(
        &mut self,
        successor: Successor,
        way: Way,
        states: &States,
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
            if let (Some(ends), true) = (&mut self.ends, successor.is_plain) {
                ends.lead_away();
            }
            return Ok(violations.iter().any(counts).then_some(violations));
        }
        let next_number = self.ways.count() as u32;
        let number = match successor.known {
            Some(number) => number,
            None => {
                let (number, is_known) = self.visited.insert(successor.key, next_number);
                if !is_known || !self.options.deduplicate {
                    // Of those that may be on disk, which are new is known once they are settled.
                    let is_counted = !is_known && !self.visited.is_on_disk();
                    self.explored.states += u64::from(is_counted);
                    self.ways.push(way)?;
                    next.push(states.get(successor.place));
                    self.meet(successor.owes);
                }
                number
            }
        };
        if let (Some(ends), true) = (&mut self.ends, successor.is_plain) {
            ends.lead_to(number);
        }
        Ok(None)
    }

    /// What made a difference first where ids were exchanged: workers look at different moves.
    pub(super) fn told_apart(&mut self) -> Option<Difference> {
        let workers = self.workers.iter_mut().filter_map(|worker| {
            let worker = worker.get_mut();
            worker.unwrap_or_else(PoisonError::into_inner).told_apart()
        });
        let first = workers.min_by_key(|(place, _)| *place);
        first.map(|(_, difference)| difference)
    }

    /// What is held of the states that were met.
    fn size_bytes(&self) -> usize {
        let ends = self.ends.as_ref().map_or(0, Ends::size_bytes);
        self.visited.size_bytes(WINDOW) + self.ways.size_bytes() + ends
    }

    /// Where the moves of a window of states lead, a batch after the other, each with the place of
    /// its first state in the window: found by all workers together.
    fn found(&self, window: &States) -> Vec<(usize, Expanded)> {
        let known = self.options.deduplicate.then_some(&self.visited);
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Expanded)>> = Mutex::default();
        let work = &|thread: usize| {
            let worker = self.workers[thread].lock();
            let mut worker = worker.unwrap_or_else(PoisonError::into_inner);
            // What this thread has found in the window before the batch under way.
            let mut found_bytes = 0;
            worker.catch_up();
            loop {
                let start = next.fetch_add(BATCH, Ordering::Relaxed);
                if start >= window.count() {
                    break;
                }
                let batch = start..window.count().min(start + BATCH);
                let mut found = Expanded::of(batch.len());
                for place in batch {
                    worker.expand((window.get(place), place), known, &mut found);
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
        if window.count() <= BATCH {
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
}
