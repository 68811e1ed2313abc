//! What happened in a run: a record per turn, and a digest chained over all of them.
//!
//! A trace is the only thing that invariants, reports and comparisons read. Whatever has bytes is
//! in it by id, in a table that keeps each value once and stays from run to run, so that recording
//! what was met before allocates and copies nothing. Two runs are equal when their digests are;
//! [`Trace::difference`] names the first turn and field that differ.
//! This module judges nothing and knows no world: ids mean what the world that was run says.

mod difference;
mod digest;
mod journal;
mod key;
mod packed;
mod values;

use std::ops::Range;

pub use crate::decision::{Answer, CrashPoint, Recovery, Status};
use crate::decision::{Decision, ItemName};
pub use crate::trace::difference::Difference;
pub use crate::trace::digest::Digest;
pub use crate::trace::journal::{GateRule, Record};
pub use crate::trace::key::Key;
pub use crate::trace::packed::{Packer, Unpacker};
pub use crate::trace::values::{Pool, ValueId, Values};
use sim_air::{EffectId, GrantId, PlanId, ReducerId, SchemaId};

/// A record that is done again counts as so many bytes of work.
const WORK_OF_A_RECORD: u64 = 512;

/// Everything that happened in one run, in order.
#[derive(Clone, Default)]
pub struct Trace {
    /// Those of earlier runs too.
    pub values: Values,
    /// What the run has stored, each time it did.
    stored_bytes: usize,
    work_bytes: u64,
    pub turns: Vec<Turn>,
    pub steps: Vec<Step>,
    pub emitted: Vec<Emitted>,
    pub intents: Vec<Intent>,
    pub journal: Vec<Record>,
    /// Guarded edges of plans, as they were settled. Not part of the digest.
    pub edges: Vec<EdgeTaken>,
    /// How many instances of plans were given an event that they awaited. Not part of the digest.
    pub awaited: u32,
    /// The first turn of healing, if the run came so far: see `Scenario::heal`.
    pub healing_from: Option<usize>,
    /// Why the run ended. None while it goes on, and for who takes single turns.
    pub end: Option<End>,
    /// The run ended with nothing in flight, nothing dropped and nothing silent.
    pub is_quiescent: bool,
    /// Of the turn under way.
    divergence: Option<Box<str>>,
    digest: Digest,
    leaves_out_digest: bool,
    scratch: Vec<u8>,
}

/// Why a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The chooser had nothing more to decide.
    Finished,
    /// The observer had seen enough.
    Stopped,
    TurnBound,
    /// The trace takes more bytes than it may.
    TraceBound,
    /// More is in flight than may be.
    FlightBound,
    /// More has gone through steps than may.
    WorkBound,
    /// Healing did not come to an end.
    HealingBound,
    /// It was asked to stop. What was violated until then is violated; of all else nothing is
    /// known. Such a run has not held, and whoever counts runs leaves it out.
    Interrupted,
}

impl End {
    /// The bound that ended the run before its decisions did, in words. Healing that does not come
    /// to an end is for the world's properties to judge.
    pub fn cut_by(self) -> Option<&'static str> {
        match self {
            End::TraceBound => Some("bytes that a trace may hold"),
            End::FlightBound => Some("things that may be in flight"),
            End::WorkBound => Some("bytes that may go through steps"),
            End::Finished
            | End::Stopped
            | End::TurnBound
            | End::HealingBound
            | End::Interrupted => None,
        }
    }

    /// Whether a bound ended the run.
    pub fn is_bound(self) -> bool {
        self.cut_by().is_some() || matches!(self, End::TurnBound | End::HealingBound)
    }
}

/// One decision and what came of it: ranges into the trace's lists.
#[derive(Clone, PartialEq, Debug)]
pub struct Turn {
    /// Virtual time at which the decision took effect.
    pub at_ns: u64,
    pub choice: Choice,
    /// What the decision did to an item in flight; drives goals and reports.
    pub remark: Remark,
    pub steps: Range<u32>,
    pub emitted: Range<u32>,
    pub intents: Range<u32>,
    pub journal: Range<u32>,
    /// Where a recovery did not come to what the journal says.
    pub divergence: Option<Box<str>>,
}

/// What names an intent, SHA-256: its 32 bytes are in [`Trace::values`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IntentHash(ValueId);

/// A text in [`Trace::values`]: a label or a request id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name(ValueId);

/// Something in flight, as a trace names it.
pub type Item = ItemName<Name>;

/// A decision as a trace has it: with an index of the scenario's requests, and ids of the trace's
/// table. [`Scenario::decision`](crate::scenario::Scenario::decision) gives it with texts and
/// bytes.
pub type Choice = Decision<u32, Name, ValueId>;

/// What was out of the ordinary about a decision, as the simulator saw it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Remark {
    /// An older item of any kind was passed over.
    pub reordered: bool,
    /// What was delivered or fired is a second copy.
    pub repeated: bool,
    /// A timer fired before it was due, or after.
    pub early: bool,
    pub late: bool,
    /// A request was started that had been started already, or while something was in flight.
    pub second_start: bool,
}

/// One event through one reducer.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    pub reducer: ReducerId,
    pub key: Option<ValueId>,
    pub schema: SchemaId,
    pub event: ValueId,
    /// Canonical state bytes; None is no state.
    pub before: Option<ValueId>,
    pub after: Option<ValueId>,
    /// Ranges into [`Trace::emitted`] and [`Trace::intents`].
    pub emitted: Range<u32>,
    pub intents: Range<u32>,
    /// Why the output was refused, and the state therefore left as it was.
    pub fault: Option<Box<Fault>>,
    /// Not part of the digest: which steps are scrutinised is a matter of the campaign.
    pub scrutiny: Scrutiny,
}

/// What was found when a step was taken again on other instances.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Scrutiny {
    #[default]
    None,
    Passed,
    /// It is not a function of its input.
    Differs(Box<str>),
    /// It takes more memory each time.
    Leaks(Box<str>),
}

impl Step {
    /// The state after it is the state before.
    #[inline]
    pub fn is_unchanged(&self) -> bool {
        self.before == self.after
    }
}

impl Scrutiny {
    pub fn differs(instance: &str, what: &str) -> Scrutiny {
        Scrutiny::Differs(format!("{instance} gave {what}").into())
    }
}

/// A step that did not give an acceptable output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The code trapped or overran a bound.
    Stopped {
        what: String,
        /// Without where it was and what it said, which are no part of a digest.
        brief: String,
    },
    /// The code answered something its documents do not allow.
    Nonconforming { expected: String, found: String },
}

/// An event that a reducer or a plan gave out, canonical.
#[derive(Clone, PartialEq, Debug)]
pub struct Emitted {
    pub schema: SchemaId,
    pub value: ValueId,
}

/// Who asked for an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    Reducer {
        reducer: ReducerId,
        /// The canonical key of its cell, if it is keyed.
        key: Option<ValueId>,
    },
    Plan {
        plan: PlanId,
        instance: u32,
    },
}

/// A cell of a keyed reducer: the reducer and the canonical key.
pub type Cell = (ReducerId, ValueId);

impl Asker {
    /// The cell that asked, if it was one of a keyed reducer.
    #[inline]
    pub fn cell(self) -> Option<Cell> {
        match self {
            Asker::Reducer { reducer, key } => key.map(|key| (reducer, key)),
            Asker::Plan { .. } => None,
        }
    }
}

/// What became of a guarded edge of a plan, by its place in the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EdgeTaken {
    pub plan: PlanId,
    pub edge: u32,
    pub taken: bool,
}

/// An effect that was asked for, and whether the gate let it pass.
#[derive(Clone, PartialEq, Debug)]
pub struct Intent {
    pub effect: EffectId,
    pub params: ValueId,
    pub grant: GrantId,
    pub hash: IntentHash,
    pub asker: Asker,
    pub allowed: bool,
}

impl IntentHash {
    /// The value that holds it.
    #[inline]
    pub fn id(self) -> ValueId {
        self.0
    }
}

impl Trace {
    /// Forgets everything but the buffers and the values.
    #[inline]
    pub fn clear(&mut self) {
        self.stored_bytes = 0;
        self.work_bytes = 0;
        self.turns.clear();
        self.steps.clear();
        self.emitted.clear();
        self.intents.clear();
        self.journal.clear();
        self.edges.clear();
        self.awaited = 0;
        self.divergence = None;
        self.healing_from = None;
        self.end = None;
        self.is_quiescent = false;
        self.digest = Digest::default();
    }

    /// The bytes that the run has stored, the measure of its memory: a value that it stores twice
    /// counts twice, so that it is the same whatever was kept from before.
    #[inline]
    pub fn stored_bytes(&self) -> usize {
        self.stored_bytes
    }

    /// What the trace takes, about: the bytes that were stored, and the records about them.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        self.stored_bytes
            + self.turns.len() * size_of::<Turn>()
            + self.steps.len() * size_of::<Step>()
            + self.emitted.len() * size_of::<Emitted>()
            + self.intents.len() * size_of::<Intent>()
            + self.journal.len() * size_of::<Record>()
            + self.edges.len() * size_of::<EdgeTaken>()
    }

    /// What has gone through steps, the measure of how long the run takes: states and events, and
    /// so many bytes for a record of the journal that a recovery does again. The same whether a
    /// step was taken or remembered.
    #[inline]
    pub fn work_bytes(&self) -> u64 {
        self.work_bytes
    }

    /// A step has these before it, as its event, and after it.
    #[inline]
    pub fn count_work(&mut self, values: [Option<ValueId>; 3]) {
        let sizes = values.map(|value| value.map_or(0, |id| self.values.bytes(id).len()));
        self.work_bytes += sizes.iter().sum::<usize>() as u64;
    }

    /// A recovery does a record again.
    #[inline]
    pub fn count_redone(&mut self) {
        self.work_bytes += WORK_OF_A_RECORD;
    }

    #[inline]
    pub fn bytes(&self, id: ValueId) -> &[u8] {
        self.values.bytes(id)
    }

    #[inline]
    pub fn store(&mut self, bytes: &[u8]) -> ValueId {
        let id = self.values.intern(bytes);
        self.count_stored(id);
        id
    }

    /// A value that is in the table already is one that the run stores.
    #[inline]
    pub fn count_stored(&mut self, id: ValueId) {
        self.stored_bytes += self.values.bytes(id).len();
    }

    #[inline]
    pub fn name(&mut self, text: &str) -> Name {
        Name(self.values.intern(text.as_bytes()))
    }

    #[inline]
    pub fn text(&self, name: Name) -> &str {
        std::str::from_utf8(self.values.bytes(name.0)).expect("a name is made of text")
    }

    #[inline]
    pub fn mark_emitted(&self) -> u32 {
        self.emitted.len() as u32
    }

    #[inline]
    pub fn mark_intents(&self) -> u32 {
        self.intents.len() as u32
    }

    /// The name that `read` finds in stored bytes.
    #[inline]
    pub fn name_in(
        &mut self,
        id: ValueId,
        read: impl FnOnce(&[u8]) -> Option<&str>,
    ) -> Option<Name> {
        let text = read(self.values.bytes(id))?.to_owned();
        Some(self.name(&text))
    }

    /// Where the lists end now: the start of the next turn's ranges.
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark {
            steps: self.steps.len() as u32,
            emitted: self.emitted.len() as u32,
            intents: self.intents.len() as u32,
            journal: self.journal.len() as u32,
        }
    }

    /// What the turn under way gave out since `mark` did not happen, or has been told before. The
    /// journal stays.
    #[inline]
    pub fn forget_outputs_since(&mut self, mark: &Mark) {
        self.steps.truncate(mark.steps as usize);
        self.emitted.truncate(mark.emitted as usize);
        self.intents.truncate(mark.intents as usize);
    }

    /// The turn under way recovered to something else than its journal says.
    pub fn note_divergence(&mut self, what: &str) {
        self.divergence = Some(what.into());
    }

    /// Records a turn that began at `mark`, and folds it into the digest.
    #[inline]
    pub fn end_turn(&mut self, at_ns: u64, choice: Choice, remark: Remark, mark: Mark) {
        self.turns.push(Turn {
            at_ns,
            choice,
            remark,
            steps: mark.steps..self.steps.len() as u32,
            emitted: mark.emitted..self.emitted.len() as u32,
            intents: mark.intents..self.intents.len() as u32,
            journal: mark.journal..self.journal.len() as u32,
            divergence: self.divergence.take(),
        });
        if !self.leaves_out_digest {
            self.fold_last_turn();
        }
    }

    /// From now on nothing is folded into the digest, for who never asks.
    pub fn leave_out_digest(&mut self) {
        self.leaves_out_digest = true;
    }

    #[inline]
    pub fn steps_of(&self, turn: &Turn) -> &[Step] {
        &self.steps[turn.steps.start as usize..turn.steps.end as usize]
    }

    #[inline]
    pub fn emitted_in(&self, range: &Range<u32>) -> &[Emitted] {
        &self.emitted[range.start as usize..range.end as usize]
    }

    #[inline]
    pub fn intents_in(&self, range: &Range<u32>) -> &[Intent] {
        &self.intents[range.start as usize..range.end as usize]
    }

    #[inline]
    pub fn journal_in(&self, range: &Range<u32>) -> &[Record] {
        &self.journal[range.start as usize..range.end as usize]
    }
}

/// See [`Trace::mark`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub steps: u32,
    pub emitted: u32,
    pub intents: u32,
    pub journal: u32,
}
