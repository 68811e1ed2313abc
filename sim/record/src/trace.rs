//! What happened in a run: a record per turn, and a digest chained over all of them.
//!
//! A trace is the only thing that invariants, reports and comparisons read. Whatever has bytes is
//! in it by id, in a table that keeps each value once and stays from run to run, so that recording
//! what was met before allocates and copies nothing. Two runs are equal when their digests are;
//! [`Trace::difference`] names the first turn and field that differ.
//! This module judges nothing and knows no world: ids mean what the world that was run says.

mod difference;
mod digest;
mod end;
mod intent;
mod journal;
mod key;
mod packed;
mod renaming;
mod step;
mod symmetry;
mod turn;
mod values;

use std::borrow::Cow;
use std::ops::Range;

pub use crate::answers::{Answer, Answers, Often, Outcome, SILENCE};
pub use crate::decision::{CrashPoint, Recovery, Status};
pub use crate::trace::difference::Difference;
pub use crate::trace::digest::Digest;
pub use crate::trace::end::End;
pub use crate::trace::intent::{Asker, Cell, EdgeTaken, Emitted, Intent, IntentHash};
pub use crate::trace::journal::{GateRule, Record};
pub use crate::trace::key::{Element, Key};
pub use crate::trace::packed::{Packer, Unpacker};
pub use crate::trace::renaming::Renaming;
pub use crate::trace::step::{Fault, Scrutiny, Step};
pub use crate::trace::symmetry::{MOST_ALIKE, Permutation, Symmetry};
pub use crate::trace::turn::{Choice, Item, Mark, Name, Remark, Turn};
pub use crate::trace::values::{Pool, ValueId, Values};

/// A record that is done again counts as so many bytes of work.
const WORK_OF_A_RECORD: u64 = 512;

/// Everything that happened in one run, in order.
#[derive(Clone, Default)]
pub struct Trace {
    /// Those of the world, by which its choices go. They stay when the trace is cleared.
    pub answers: Answers,
    /// Those of earlier runs too.
    pub values: Values,
    /// What the run has stored, each time it did.
    stored_bytes: usize,
    work_bytes: u64,
    /// What was decided, in order.
    pub turns: Vec<Turn>,
    /// Events through reducers, in order; a turn has a range of them.
    pub steps: Vec<Step>,
    /// Events that were given out, in order; turns and steps have ranges of them.
    pub emitted: Vec<Emitted>,
    /// Effects that were asked for, in order; turns and steps have ranges of them.
    pub intents: Vec<Intent>,
    /// What a recovery reads; a turn has a range of it.
    pub journal: Vec<Record>,
    /// Guarded edges of plans, as they were settled. Not part of the digest.
    pub edges: Vec<EdgeTaken>,
    /// How many instances of plans were given an event that they awaited. Not part of the digest.
    pub awaited: u32,
    /// The first turn of the liveness phase, if the run came so far: see `Scenario::liveness`.
    pub liveness_from: Option<usize>,
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
        self.liveness_from = None;
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

    /// The bytes of a value of this trace's table.
    #[inline]
    pub fn bytes(&self, id: ValueId) -> &[u8] {
        self.values.bytes(id)
    }

    /// The id of these bytes, which count as stored by the run.
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

    /// The id of a text, which does not count as stored.
    #[inline]
    pub fn name(&mut self, text: &str) -> Name {
        Name(self.values.intern(text.as_bytes()))
    }

    /// A text by its id.
    ///
    /// # Panics
    /// If the id is that of a value that is no UTF-8: names are only made of texts.
    #[inline]
    pub fn text(&self, name: Name) -> &str {
        std::str::from_utf8(self.values.bytes(name.0)).expect("a name is made of text")
    }

    /// Where the list of events ends now.
    #[inline]
    pub fn mark_emitted(&self) -> u32 {
        self.emitted.len() as u32
    }

    /// Where the list of effects ends now.
    #[inline]
    pub fn mark_intents(&self) -> u32 {
        self.intents.len() as u32
    }

    /// The name that `read` finds in stored bytes.
    #[inline]
    pub fn name_in(
        &mut self,
        id: ValueId,
        read: impl FnOnce(&[u8]) -> Option<Cow<'_, str>>,
    ) -> Option<Name> {
        let text = read(self.values.bytes(id))?.into_owned();
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

    /// What the turn under way gave out since `mark` did not happen, or was recorded before. The
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

    /// The steps of a turn, in order.
    #[inline]
    pub fn steps_of(&self, turn: &Turn) -> &[Step] {
        &self.steps[turn.steps.start as usize..turn.steps.end as usize]
    }

    /// The events in a range of [`Turn::emitted`] or [`Step::emitted`].
    #[inline]
    pub fn emitted_in(&self, range: &Range<u32>) -> &[Emitted] {
        &self.emitted[range.start as usize..range.end as usize]
    }

    /// The effects in a range of [`Turn::intents`] or [`Step::intents`].
    #[inline]
    pub fn intents_in(&self, range: &Range<u32>) -> &[Intent] {
        &self.intents[range.start as usize..range.end as usize]
    }

    /// The records in a range of [`Turn::journal`].
    #[inline]
    pub fn journal_in(&self, range: &Range<u32>) -> &[Record] {
        &self.journal[range.start as usize..range.end as usize]
    }
}
