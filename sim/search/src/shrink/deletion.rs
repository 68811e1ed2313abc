//! Fewer decisions: chunks, windows, pairs and triples of them left out.
//!
//! Decisions that need a deleted one are not possible any more and fall away by themselves, so a
//! window or a pair is only needed where two decisions cancel out.

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};

use super::Search;
use sim_record::scenario::{Decision, ItemName, Scenario};

/// Longer schedules are only shrunk by chunks: there are n²/2 windows and as many pairs.
const MOST_FOR_PAIRS: usize = 40;
/// n²/2 windows for each number.
const MOST_FOR_ROUNDS: usize = 24;
/// Larger numbers count nothing that a schedule could do.
const MOST_ROUNDS: i128 = 16;
/// n³/6 triples.
const MOST_FOR_TRIPLES: usize = 14;

impl Search<'_> {
    /// Halves, quarters, and so on down to single decisions, from the end: what the violation
    /// does not need is mostly there.
    pub(super) fn delete_chunks(&mut self) {
        let mut size = self.best.schedule.len().div_ceil(2);
        while size > 0 {
            let mut end = self.best.schedule.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                self.delete(start..end);
                end = start.min(self.best.schedule.len());
            }
            size /= 2;
        }
    }

    /// All decisions of a kind, all of a request, and all of a kind of a request; then halves,
    /// quarters and eighths of them. Of a long schedule most goes by that in a few attempts, where
    /// chunks, in which everything is mixed, would have to be small.
    pub(super) fn delete_groups(&mut self) {
        if !self.is_long() {
            return;
        }
        let mut groups: Vec<Group> = Vec::new();
        for decision in &self.best.schedule {
            let (kind, name) = (discriminant(decision), whose(decision));
            let of_kind = (Some(kind), None);
            let of_name = (None, Some(name.clone()));
            for group in [of_kind, of_name, (Some(kind), Some(name))] {
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
        }
        for parts in [1, 2, 4, 8] {
            for group in &groups {
                self.delete_parts_of(group, parts);
            }
        }
    }

    /// Leaves out so many parts of a group, each if it is not needed.
    fn delete_parts_of(&mut self, (kind, name): &Group, parts: usize) {
        for part in (0..parts).rev() {
            let is_of = |decision: &Decision| {
                kind.is_none_or(|kind| kind == discriminant(decision))
                    && name.as_ref().is_none_or(|name| *name == whose(decision))
            };
            let schedule = self.best.schedule.iter().enumerate();
            let of_group = schedule.filter(|(_, decision)| is_of(decision));
            let places: Vec<usize> = of_group.map(|(place, _)| place).collect();
            let end = places.len() * (part + 1) / parts;
            let start = places.len() * part / parts;
            if start < end {
                self.delete(places[start..end].iter().copied());
            }
        }
    }

    /// All windows of a short schedule.
    pub(super) fn delete_windows(&mut self) {
        let length = self.best.schedule.len();
        if length > MOST_FOR_PAIRS {
            return;
        }
        for size in (2..length).rev() {
            let mut start = 0;
            while start + size <= self.best.schedule.len() {
                if !self.delete(start..start + size) {
                    start += 1;
                }
            }
        }
    }

    pub(super) fn delete_pairs(&mut self) {
        if self.best.schedule.len() > MOST_FOR_PAIRS {
            return;
        }
        let mut second = 1;
        while second < self.best.schedule.len() {
            let found = (0..second).any(|first| self.delete([first, second]));
            second = if found { 1 } else { second + 1 };
        }
    }

    pub(super) fn delete_triples(&mut self) {
        if self.best.schedule.len() > MOST_FOR_TRIPLES {
            return;
        }
        let mut third = 2;
        while third < self.best.schedule.len() {
            let mut pairs =
                (1..third).flat_map(|second| (0..second).map(move |first| [first, second]));
            let found = pairs.any(|[first, second]| self.delete([first, second, third]));
            third = if found { 2 } else { third + 1 };
        }
    }

    /// A message that is dropped and found again is delivered, at either of the two places.
    pub(super) fn delete_returns(&mut self) {
        let mut later = 1;
        while later < self.best.schedule.len() {
            let found = (0..later).any(|earlier| {
                let schedule = &self.best.schedule;
                let (Decision::Drop(dropped), Decision::Redeliver(found)) =
                    (&schedule[earlier], &schedule[later])
                else {
                    return false;
                };
                if !alike(dropped, found) {
                    return false;
                }
                let deliver = Decision::Deliver(dropped.clone());
                [(later, earlier), (earlier, later)]
                    .into_iter()
                    .any(|(keep, delete)| {
                        let mut schedule = self.best.schedule.clone();
                        schedule[keep] = deliver.clone();
                        schedule.remove(delete);
                        let candidate = self.with_schedule(schedule);
                        self.attempt(&candidate)
                    })
            });
            later = if found { 1 } else { later + 1 };
        }
    }

    /// A copy of a message may only lead to another message twice: then that one is copied, and
    /// what the first copy led to falls away.
    pub(super) fn copy_later(&mut self) {
        if self.best.schedule.len() > MOST_FOR_PAIRS {
            return;
        }
        let mut index = 0;
        while index < self.best.schedule.len() {
            let mut candidates = copied_later(&self.best.schedule, index).into_iter();
            let found = candidates.any(|schedule| self.attempt(&self.with_schedule(schedule)));
            index += usize::from(!found);
        }
    }

    /// Leaves out the decisions at these indices. Where a later one names one of several that are
    /// alike, it is also tried with the one before, and the one after: what was deleted may have
    /// brought one in flight, or taken one out.
    fn delete(&mut self, indices: impl IntoIterator<Item = usize>) -> bool {
        let mut deleted = vec![false; self.best.schedule.len()];
        for index in indices {
            deleted[index] = true;
        }
        let candidates = SHIFTS.map(|shift| without(&self.best, &deleted, shift));
        candidates.iter().any(|candidate| self.attempt(candidate))
    }

    /// A window and a lower number at once: a round less, of one less that may be taken.
    pub(super) fn delete_rounds(&mut self) {
        let mut index = 0;
        while let Some((place, number)) = self.context.request_number(&self.best, index) {
            index += 1;
            let is_count = (1..=MOST_ROUNDS).contains(&number);
            if self.best.schedule.len() > MOST_FOR_ROUNDS || !is_count {
                continue;
            }
            let Some(base) = self.context.with_number(&self.best, &place, number - 1) else {
                continue;
            };
            if self.delete_window_of(&base) {
                return;
            }
        }
    }

    fn delete_window_of(&mut self, base: &Scenario) -> bool {
        let length = base.schedule.len();
        let sizes = 2..length;
        let windows = sizes.flat_map(|size| (0..=length - size).map(move |start| (start, size)));
        for (start, size) in windows {
            let deleted: Vec<bool> = (0..length)
                .map(|index| (start..start + size).contains(&index))
                .collect();
            let candidates = SHIFTS.map(|shift| without(base, &deleted, shift));
            if candidates.iter().any(|candidate| self.attempt(candidate)) {
                return true;
            }
        }
        false
    }
}

/// Decisions of a kind, of a request, or of both.
type Group = (Option<Discriminant<Decision>>, Option<Option<String>>);

/// The request that a decision is about, if it says so.
fn whose(decision: &Decision) -> Option<String> {
    match decision.without_crash() {
        Decision::Start { request } => Some(request.clone()),
        other => other.item().and_then(|item| item.correlation.clone()),
    }
}

/// What the number of an item may have to change by when others were deleted.
const SHIFTS: [i64; 3] = [0, -1, 1];

/// A scenario without some decisions. Those after them that name something alike name it with
/// another number.
fn without(scenario: &Scenario, deleted: &[bool], shift: i64) -> Scenario {
    let mut schedule = Vec::new();
    let mut gone: Vec<&ItemName> = Vec::new();
    for (decision, deleted) in scenario.schedule.iter().zip(deleted) {
        if *deleted {
            gone.extend(decision.item());
            continue;
        }
        let mut decision = decision.clone();
        if let Some(item) = decision.item_mut()
            && gone.iter().any(|other| alike(other, item))
        {
            let nth = i64::from(item.nth) + shift;
            item.nth = u32::try_from(nth.max(1)).unwrap_or(item.nth);
        }
        schedule.push(decision);
    }
    scenario.with_schedule(schedule)
}

/// The schedules in which, instead of the copy that is made at `index`, another is made of what is
/// delivered twice after it. What the first copy led to, such as a plan, has a number; those after
/// it have one less then.
fn copied_later(schedule: &[Decision], index: usize) -> Vec<Vec<Decision>> {
    let Decision::Duplicate(copied) = &schedule[index] else {
        return Vec::new();
    };
    let delivers = |decision: &Decision, item: &ItemName| match decision {
        Decision::Deliver(other) => alike(other, item),
        _ => false,
    };
    let (before, after) = (&schedule[..index], &schedule[index + 1..]);
    let numbers = after.iter().filter_map(Decision::item).map(|item| item.nth);
    let mut numbers: BTreeSet<u32> = numbers.filter(|nth| *nth > 1).collect();
    // Perhaps it led to nothing that has a number here.
    numbers.insert(u32::MAX);
    let mut found = Vec::new();
    for (place, decision) in after.iter().enumerate() {
        let Decision::Deliver(item) = decision else {
            continue;
        };
        let mut later = after[place + 1..].iter();
        if alike(item, copied) || !later.any(|decision| delivers(decision, item)) {
            continue;
        }
        for &gone in &numbers {
            let mut candidate = before.to_vec();
            for (at, decision) in after.iter().enumerate() {
                let mut decision = decision.clone();
                let named = decision.item_mut().filter(|it| !alike(it, item));
                let named = named.filter(|it| it.correlation == copied.correlation);
                match named {
                    Some(named) if named.nth == gone => continue,
                    Some(named) if named.nth > gone => named.nth -= 1,
                    _ => {}
                }
                if at == place {
                    candidate.push(Decision::Duplicate(item.clone()));
                }
                candidate.push(decision);
            }
            found.push(candidate);
        }
    }
    found
}

fn alike(left: &ItemName, right: &ItemName) -> bool {
    left.label == right.label && left.correlation == right.correlation
}
