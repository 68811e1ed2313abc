//! Observers: who watches runs for properties, and what they remember of a run.
//!
//! An [`Observer`] sees a run turn by turn and step by step, and answers for the properties that it
//! was made with. What it remembers of a run is its [`Memory`](Observer::Memory): the explorer
//! keeps one with each state, so that it must be possible to pack it, restore it, and write down
//! all of it that decides what will be said. What an observer keeps beside it must make no
//! difference to that.

use std::any::Any;
use std::sync::Arc;

use crate::property::{Finding, Property, PropertySet};
use sim_record::trace::{Key, Packer, Step, Trace, Turn, Unpacker};

/// A turn that is observed, and the run up to it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The run so far.
    pub trace: &'a Trace,
    /// The turn that is looked at, the last of the run.
    pub turn: &'a Turn,
    /// The place of the turn in the trace.
    pub index: usize,
}

/// What of a run an observer looks at beside the steps of reducers and where the run comes to rest.
///
/// The explorer takes turns that an observer does not look at in one order of several. Such a
/// turn may change nothing that the observer remembers, and nothing that it will say of others;
/// what it says of the turn itself may depend on that turn alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Looks {
    /// Turns in which nothing happens but that a message is copied or dropped, or a plan goes on.
    pub idle_turns: bool,
    /// Events that plans raise.
    pub raised: bool,
    /// Effects that plans ask for.
    pub effects: bool,
    /// Receipts that plans get.
    pub receipts: bool,
}

impl Looks {
    /// It looks at everything.
    pub const ALL: Looks = Looks {
        idle_turns: true,
        raised: true,
        effects: true,
        receipts: true,
    };

    /// It looks at nothing else.
    pub const STEPS: Looks = Looks {
        idle_turns: false,
        raised: false,
        effects: false,
        receipts: false,
    };

    /// What either looks at.
    pub fn or(self, other: Looks) -> Looks {
        Looks {
            idle_turns: self.idle_turns | other.idle_turns,
            raised: self.raised | other.raised,
            effects: self.effects | other.effects,
            receipts: self.receipts | other.receipts,
        }
    }
}

/// Watches runs for some properties, which its [`Verdicts`] count from 0 in the order in which
/// [`Watch::new`] was given them.
///
/// Every turn it is asked three times: before, for each step, and after.
pub trait Observer: Send {
    /// What it remembers of a run so far. The default is that of a run in which nothing happened.
    type Memory: Default + Clone + Send + 'static;

    /// What it looks at: everything, if it does not say.
    fn looks(&self) -> Looks {
        Looks::ALL
    }

    /// A run begins, or goes on from some state: what was kept beside the memory is forgotten.
    fn reset(&mut self) {}

    /// Before the steps of a turn are observed.
    fn begin_turn(&mut self, _: &mut Self::Memory, _: &Seen<'_>, _: &mut Verdicts<'_>) {}

    /// One event through one reducer.
    fn step(&mut self, _: &mut Self::Memory, _: &Seen<'_>, _: &Step, _: &mut Verdicts<'_>) {}

    /// After the steps of a turn.
    fn end_turn(&mut self, _: &mut Self::Memory, _: &Seen<'_>, _: &mut Verdicts<'_>) {}

    /// At the end of a run of one turn or more in which nothing is violated. The explorer asks for
    /// it in every state.
    fn finish(&mut self, _: &Self::Memory, _: &Trace, _: &mut Verdicts<'_>) {}

    /// Packs a memory, to be [unpacked](Observer::unpack) in the same process.
    fn pack(_: &Self::Memory, _: &mut Packer<'_>) {}

    /// Takes back what was packed, in a trace with the same values.
    fn unpack(_: &mut Unpacker<'_>, _: &Trace) -> Self::Memory {
        Self::Memory::default()
    }

    /// Writes all of a memory that decides what the observer will say.
    fn write_key(_: &Self::Memory, _: &Trace, _: &mut Key) {}
}

/// Where an observer's answers go.
pub struct Verdicts<'a> {
    findings: &'a mut Findings,
    turn: usize,
    /// The place of the observer's first property in the world's list.
    first: usize,
}

impl Verdicts<'_> {
    /// What was found of a property that must hold. The first violation of a run counts.
    #[inline]
    pub fn note(&mut self, property: usize, finding: Finding) {
        self.findings
            .note(self.turn, self.first + property, finding);
    }

    /// A `sometimes` was reached.
    #[inline]
    pub fn reach(&mut self, property: usize) {
        self.findings.reached.insert(self.first + property);
    }
}

/// A property that does not hold, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// What is violated.
    pub property: Arc<Property>,
    /// The property's place in the list of its world.
    pub rank: usize,
    /// The turn's index in the trace.
    pub turn: usize,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub found: String,
}

impl Violation {
    /// The name of the property.
    pub fn name(&self) -> &str {
        &self.property.name
    }
}

/// What was found of one run so far.
pub(crate) struct Findings {
    pub properties: Arc<[Arc<Property>]>,
    /// They had something to say.
    pub applied: Vec<bool>,
    pub reached: PropertySet,
    pub violations: Vec<Violation>,
    /// It says nothing, a fault that the self-test plants.
    pub muted: Option<usize>,
}

impl Findings {
    pub fn clear(&mut self) {
        self.applied.fill(false);
        self.reached.clear();
        self.violations.clear();
    }

    /// Whether all that was found leaves the run as it is.
    pub fn goes_on(&self) -> bool {
        let mut violations = self.violations.iter();
        violations.all(|found| found.property.goes_on())
    }

    #[inline(always)]
    pub fn note(&mut self, turn: usize, rank: usize, finding: Finding) {
        match finding {
            Finding::NotApplicable => {}
            Finding::Holds => self.applied[rank] = true,
            Finding::Violated(texts) => self.violate(turn, rank, *texts),
        }
    }

    #[cold]
    fn violate(&mut self, turn: usize, rank: usize, (expected, found): (String, String)) {
        // The first time counts.
        if self.muted == Some(rank) || self.violations.iter().any(|known| known.rank == rank) {
            return;
        }
        self.applied[rank] = true;
        self.violations.push(Violation {
            property: self.properties[rank].clone(),
            rank,
            turn,
            expected,
            found,
        });
    }
}

/// Some properties, and who watches runs for them.
pub struct Watch<'w> {
    pub(crate) properties: Vec<Property>,
    pub(crate) observer: Box<dyn Watcher + 'w>,
}

impl<'w> Watch<'w> {
    /// An observer, and the properties that it answers for, in the order in which it counts them.
    pub fn new<O: Observer + 'w>(properties: Vec<Property>, observer: O) -> Watch<'w> {
        let memory = O::Memory::default();
        Watch {
            properties,
            observer: Box::new(Remembering { observer, memory }),
        }
    }
}

/// What one observer remembers.
pub(crate) type AnyMemory = Box<dyn Any + Send>;

/// An observer with its memory, whatever that is made of.
pub(crate) trait Watcher: Send {
    fn looks(&self) -> Looks;
    fn reset(&mut self);
    fn begin_turn(&mut self, seen: &Seen<'_>, to: &mut Verdicts<'_>);
    fn step(&mut self, seen: &Seen<'_>, step: &Step, to: &mut Verdicts<'_>);
    fn end_turn(&mut self, seen: &Seen<'_>, to: &mut Verdicts<'_>);
    fn finish(&mut self, trace: &Trace, to: &mut Verdicts<'_>);
    fn pack(&self, packer: &mut Packer<'_>);
    fn write_key(&self, trace: &Trace, key: &mut Key);
    fn new_memory(&self) -> AnyMemory;
    fn unpack(&self, packed: &mut Unpacker<'_>, trace: &Trace, memory: &mut AnyMemory);
    fn go_on_from(&mut self, memory: &AnyMemory);
}

struct Remembering<O: Observer> {
    observer: O,
    memory: O::Memory,
}

impl<O: Observer> Watcher for Remembering<O> {
    fn looks(&self) -> Looks {
        self.observer.looks()
    }

    fn reset(&mut self) {
        self.observer.reset();
        self.memory = O::Memory::default();
    }

    fn begin_turn(&mut self, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        self.observer.begin_turn(&mut self.memory, seen, to);
    }

    fn step(&mut self, seen: &Seen<'_>, step: &Step, to: &mut Verdicts<'_>) {
        self.observer.step(&mut self.memory, seen, step, to);
    }

    fn end_turn(&mut self, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        self.observer.end_turn(&mut self.memory, seen, to);
    }

    fn finish(&mut self, trace: &Trace, to: &mut Verdicts<'_>) {
        self.observer.finish(&self.memory, trace, to);
    }

    fn pack(&self, packer: &mut Packer<'_>) {
        O::pack(&self.memory, packer);
    }

    fn write_key(&self, trace: &Trace, key: &mut Key) {
        O::write_key(&self.memory, trace, key);
    }

    fn new_memory(&self) -> AnyMemory {
        Box::new(O::Memory::default())
    }

    fn unpack(&self, packed: &mut Unpacker<'_>, trace: &Trace, memory: &mut AnyMemory) {
        if let Some(memory) = memory.downcast_mut() {
            *memory = O::unpack(packed, trace);
        }
    }

    fn go_on_from(&mut self, memory: &AnyMemory) {
        self.observer.reset();
        self.memory = memory
            .downcast_ref()
            .map_or_else(O::Memory::default, O::Memory::clone);
    }
}

impl<'a> Verdicts<'a> {
    pub(crate) fn new(findings: &'a mut Findings, turn: usize, first: usize) -> Verdicts<'a> {
        Verdicts {
            findings,
            turn,
            first,
        }
    }
}
