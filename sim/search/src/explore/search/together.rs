//! How several processes search together. Each expands its own states of a window; a state that is
//! found goes to the process whose key it has, which takes those of all processes in the order in
//! which one process would have found them. So the same states are new, by the same ways, and what
//! ends the search is the same.
//!
//! - What is violated first, in that order, is agreed upon before anything is counted: what comes
//!   after it is left out by all.
//! - Numbers are given out at the end of a level: all tell the ways of their new states, which are
//!   in order at each, and merge them.

use std::sync::PoisonError;

use hashbrown::HashSet;

use super::super::peers;
use super::super::ways::{WAY_BYTES, Way};
use super::super::worker::{Expanded, Successor};
use super::super::{Counterexample, ExploreError};
use super::window::{Led, Window};
use super::{Level, Search, Whole};
use sim_model::{Properties, Violation};
use sim_record::trace::{Packer, Unpacker};

/// Ways that each tells at once.
const WAYS: usize = 1 << 16;
/// So many keys are remembered as sent.
const SENT_KEYS: usize = 1 << 18;
const KEY_BYTES: usize = size_of::<u128>();

/// Keys of states that were sent to their processes, of which the key is enough next time.
#[derive(Default)]
pub(super) struct Sent(HashSet<u128>);

impl Sent {
    /// Whether it was not sent; from now on it was.
    fn is_new(&mut self, key: u128) -> bool {
        if self.0.len() >= SENT_KEYS {
            self.0.clear();
        }
        self.0.insert(key)
    }

    pub fn size_bytes(&self) -> usize {
        self.0.allocation_size()
    }
}

/// In what is said of a move: it is without a fault; something is owed after it; its state follows.
const PLAIN: u8 = 1;
const OWES: u8 = 1 << 1;
const STATE: u8 = 1 << 2;

/// Where a move leads, among those that concern this process.
enum Leads<'s> {
    /// To one of its states.
    To(Led<'s>),
    /// Without a fault to where nothing is looked at, from one of its states.
    Away(Way),
}

impl Leads<'_> {
    fn way(&self) -> Way {
        match self {
            Leads::To(led) => led.way,
            Leads::Away(way) => *way,
        }
    }
}

impl Search<'_, '_> {
    /// Whether there is no other process.
    pub(super) fn is_alone(&self) -> bool {
        self.peers.count() == 1
    }

    /// Which process has the state of a key.
    fn owner(&self, key: u128) -> usize {
        (key % self.peers.count() as u128) as usize
    }

    /// Whether the state of a key is one of this process.
    pub(super) fn is_own(&self, key: u128) -> bool {
        self.owner(key) == self.peers.me()
    }

    /// All tell what values they have: states of before are packed with their ids.
    pub(super) fn tell_values(&mut self) -> Result<(), ExploreError> {
        if self.is_alone() {
            return Ok(());
        }
        let mut values = Vec::new();
        self.origins.tell(&mut Packer::new(&mut values));
        for (other, told) in peers::tell(self.peers, &values)?.iter().enumerate() {
            if other != self.peers.me() {
                self.origins.hear(other, &mut Unpacker::new(told));
            }
        }
        Ok(())
    }

    /// Takes into account what all found of a window. Gives what ends the search.
    pub(super) fn look_through_together(
        &mut self,
        window: &Window,
        found: Vec<(usize, Expanded)>,
        next: &mut Level,
    ) -> Result<Option<Box<Counterexample>>, ExploreError> {
        let last = self.first_violated(window, &found)?;
        let mut sent: Vec<Vec<u8>> = vec![Vec::new(); self.peers.count()];
        let mut values = Vec::new();
        self.origins.tell(&mut Packer::new(&mut values));
        for (other, sent) in sent.iter_mut().enumerate() {
            if other != self.peers.me() {
                sent.extend_from_slice(&values);
            }
        }
        let (mut leads, mut violated) = (Vec::new(), None);
        for (way, successor, packed) in each(window, &found) {
            if last.is_some_and(|last| way.order() > last.order()) {
                break;
            }
            self.count(successor);
            if let Some(violations) = &successor.violations {
                if successor.is_plain {
                    leads.push(Leads::Away(way));
                }
                violated = (Some(way) == last).then(|| violations.to_vec());
                continue;
            }
            match self.owner(successor.key) {
                owner if owner == self.peers.me() => {
                    let mark = self.origins.mark(owner);
                    leads.push(Leads::To(led(way, successor, (mark, packed))));
                }
                owner => self.send((way, successor, packed), &mut sent[owner]),
            }
        }
        let received = peers::exchange(self.peers, sent)?;
        self.receive(&received, &mut leads);
        leads.sort_unstable_by_key(|leads| leads.way().order());
        self.take_all(window, leads, next)?;
        let Some(last) = last else {
            return Ok(None);
        };
        let violations = self.violations_of_all(violated)?;
        self.counterexample(last, violations).map(Some)
    }

    /// What is violated, which only one process knows: run again, a step of an impure reducer may
    /// not show it.
    fn violations_of_all(
        &mut self,
        own: Option<Vec<Violation>>,
    ) -> Result<Vec<Violation>, ExploreError> {
        let told = own.map(|own| {
            let told = own.into_iter();
            let told = told.map(|it| ((it.rank, it.turn), [it.expected, it.found]));
            told.collect::<Vec<_>>()
        });
        let told = peers::all(self.peers, told)?.into_iter().flatten();
        let properties = Properties::of(self.world, self.model);
        let violations = told.flatten();
        let violations = violations.filter_map(|(at, said)| properties.violation(at, said));
        Ok(violations.collect())
    }

    /// The way to what is violated first of all that ends the search, in any process.
    fn first_violated(
        &mut self,
        window: &Window,
        found: &[(usize, Expanded)],
    ) -> Result<Option<Way>, ExploreError> {
        let mut own = each(window, found).filter(|(_, successor, _)| {
            let violations = successor.violations.as_deref();
            violations.is_some_and(|violations| self.ends_search(violations))
        });
        let own = own.next().map(|(way, ..)| [way.parent, way.choice]);
        let of_all = peers::all(self.peers, own)?.into_iter().flatten();
        let ways = of_all.map(|[parent, choice]| Way { parent, choice });
        Ok(ways.min_by_key(|way| way.order()))
    }

    /// Appends what a process is told of a move that leads to one of its states.
    fn send(&mut self, (way, successor, packed): (Way, &Successor, &[u8]), out: &mut Vec<u8>) {
        let is_new = self.sent.is_new(successor.key);
        let bit = |is_so: bool, bit: u8| if is_so { bit } else { 0 };
        let said = bit(successor.is_plain, PLAIN) | bit(successor.owes, OWES) | bit(is_new, STATE);
        let mut packer = Packer::new(out);
        packer.number(way.parent.into()).number(way.choice.into());
        packer.bytes(&[said]).bytes(&successor.key.to_le_bytes());
        if is_new {
            packer.row(packed);
        }
    }

    /// Takes what the others sent: values first, then where moves lead.
    fn receive<'r>(&mut self, received: &'r [Vec<u8>], leads: &mut Vec<Leads<'r>>) {
        for (other, bytes) in received.iter().enumerate() {
            if other == self.peers.me() {
                continue;
            }
            let mut packed = Unpacker::new(bytes);
            self.origins.hear(other, &mut packed);
            let mark = self.origins.mark(other);
            while !packed.is_at_end() {
                let way = Way {
                    parent: packed.small(),
                    choice: packed.small(),
                };
                let said = packed.byte();
                let mut key = [0; KEY_BYTES];
                key.copy_from_slice(packed.bytes(KEY_BYTES));
                leads.push(Leads::To(Led {
                    way,
                    is_plain: said & PLAIN != 0,
                    key: u128::from_le_bytes(key),
                    known: None,
                    owes: said & OWES != 0,
                    // One that was sent before is met, or waits to be settled, so that none is
                    // kept here.
                    state: match said & STATE {
                        0 => (mark, &[]),
                        _ => (mark, packed.row()),
                    },
                }));
            }
        }
    }

    /// Takes moves in order, those of each state of the window after the other.
    fn take_all(
        &mut self,
        window: &Window,
        leads: Vec<Leads<'_>>,
        next: &mut Level,
    ) -> Result<(), ExploreError> {
        let mut leads = leads.into_iter().peekable();
        for number in window.first..window.first + window.count {
            while let Some(one) = leads.next_if(|it| it.way().parent as usize == number) {
                match (one, &mut self.ends) {
                    (Leads::To(led), _) => self.lead(led, next)?,
                    (Leads::Away(_), Some(ends)) => ends.lead_away(),
                    (Leads::Away(_), None) => {}
                }
            }
            if let Some(ends) = &mut self.ends {
                ends.expanded();
            }
        }
        Ok(())
    }

    /// A level is known: gives numbers to its states.
    pub(super) fn number(&mut self) -> Result<(), ExploreError> {
        let first = self.whole.first + self.whole.count;
        let mut whole = Whole { first, count: 0 };
        match self.is_alone() {
            true => whole.count = self.level.count(),
            false => while self.number_some(&mut whole)? {},
        }
        self.whole = whole;
        Ok(())
    }

    /// Gives numbers to some states of a level; whether there may be more.
    fn number_some(&mut self, whole: &mut Whole) -> Result<bool, ExploreError> {
        let own = self.ways.some_from(self.numbers.count(), WAYS)?;
        let told: Vec<u8> = own.iter().flat_map(|way| way.bytes()).collect();
        let told = peers::tell(self.peers, &told)?;
        let ways = |bytes: &[u8]| {
            let (ways, _) = bytes.as_chunks::<WAY_BYTES>();
            ways.iter().map(|way| Way::of(*way)).collect::<Vec<Way>>()
        };
        let told: Vec<Vec<Way>> = told.iter().map(|bytes| ways(bytes)).collect();
        // Of one that told as many as it may, what comes after these is not known.
        let full = told.iter().filter(|ways| ways.len() == WAYS);
        let known_to = full.filter_map(|ways| ways.last()).map(|way| way.order());
        let known_to = known_to.min();
        let of_all = told.iter().enumerate();
        let of_all = of_all.flat_map(|(of, ways)| ways.iter().map(move |way| (way.order(), of)));
        let mut known: Vec<((u32, u32), usize)> = of_all
            .filter(|(order, _)| known_to.is_none_or(|known_to| *order <= known_to))
            .collect();
        known.sort_unstable();
        for (_, of) in known {
            let number = u32::try_from(whole.first + whole.count);
            let number = number.ok().filter(|number| *number < u32::MAX - 1);
            let number = number.ok_or(ExploreError::TooMany)?;
            if of == self.peers.me() {
                self.numbers.push(number);
            }
            whole.count += 1;
        }
        Ok(known_to.is_some())
    }

    /// How the state of a number was reached first.
    pub(super) fn way(&mut self, number: u32) -> Result<Way, ExploreError> {
        if self.is_alone() {
            return Ok(self.ways.get(number as usize)?);
        }
        let own = match self.numbers.place(number)? {
            Some(place) => Some(self.ways.get(place)?),
            None => None,
        };
        let own = own.map(|way| [way.parent, way.choice]);
        let mut of_all = peers::all(self.peers, own)?.into_iter().flatten();
        let [parent, choice] = of_all.next().unwrap_or_default();
        Ok(Way { parent, choice })
    }

    /// The schedule of a way, and what it violates.
    pub(super) fn counterexample(
        &mut self,
        last: Way,
        violations: Vec<Violation>,
    ) -> Result<Box<Counterexample>, ExploreError> {
        let choices = self.choices_to(last)?;
        let worker = self.workers[0].get_mut();
        let worker = worker.unwrap_or_else(PoisonError::into_inner);
        let scenario = worker.scenario(&choices);
        Ok(Box::new(Counterexample {
            scenario,
            violations,
            choices,
        }))
    }

    /// What all counted.
    pub(super) fn add_up(&mut self) -> Result<(), ExploreError> {
        if self.is_alone() {
            return Ok(());
        }
        let explored = &mut self.explored;
        let counts = [explored.states, explored.transitions];
        [explored.states, explored.transitions] = peers::sums(self.peers, counts)?;
        let seen: Vec<usize> = explored.sometimes.iter().collect();
        let seen = peers::all(self.peers, seen)?;
        explored.sometimes = seen.into_iter().flatten().collect();
        let held = peers::all(self.peers, explored.memory_bytes)?;
        explored.memory_bytes = held.into_iter().max().unwrap_or_default();
        Ok(())
    }
}

/// All moves that were taken in a window, in order, with the states that they lead to.
fn each<'f>(
    window: &'f Window,
    found: &'f [(usize, Expanded)],
) -> impl Iterator<Item = (Way, &'f Successor, &'f [u8])> {
    found.iter().flat_map(move |(start, found)| {
        let counts = found.counts.iter().enumerate();
        let places = counts.flat_map(|(place, count)| std::iter::repeat_n(place, *count));
        places
            .zip(&found.successors)
            .map(move |(place, successor)| {
                let way = Way {
                    parent: window.number(start + place),
                    choice: successor.choice,
                };
                let has_state = successor.known.is_none();
                let packed = has_state.then(|| found.states.get(successor.place));
                (way, successor, packed.unwrap_or_default())
            })
    })
}

fn led<'s>(way: Way, successor: &Successor, state: (Option<u8>, &'s [u8])) -> Led<'s> {
    Led {
        way,
        is_plain: successor.is_plain,
        key: successor.key,
        known: successor.known,
        owes: successor.owes,
        state,
    }
}
