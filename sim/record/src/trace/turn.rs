//! One turn of a run, and the decision that began it, as a trace names things.

use std::num::NonZeroU32;
use std::ops::Range;

use super::ValueId;
use crate::answers::Answer;
use crate::decision::{Decision, ItemName};

/// One decision and what came of it: ranges into the trace's lists.
#[derive(Clone, PartialEq, Debug)]
pub struct Turn {
    /// Virtual time at which the decision took effect.
    pub at_ns: u64,
    /// What was decided.
    pub choice: Choice,
    /// What the decision did to an item in flight; properties and reports read it.
    pub remark: Remark,
    /// The steps that came of it, a range of [`Trace::steps`](super::Trace::steps).
    pub steps: Range<u32>,
    /// The events that were given out, a range of [`Trace::emitted`](super::Trace::emitted).
    pub emitted: Range<u32>,
    /// The effects that were asked for, a range of [`Trace::intents`](super::Trace::intents).
    pub intents: Range<u32>,
    /// What was written down, a range of [`Trace::journal`](super::Trace::journal).
    pub journal: Range<u32>,
    /// Where a recovery did not come to what the journal says.
    pub divergence: Option<Box<str>>,
}

/// A text in [`Trace::values`](super::Trace::values): a label or a correlation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name(pub(super) ValueId);

/// Something in flight, as a trace names it.
pub type Item = ItemName<Name>;

/// A decision as a trace has it: with an index of the scenario's requests, and ids of the trace's
/// table. [`Scenario::decision`](crate::scenario::Scenario::decision) gives it with texts and
/// bytes.
pub type Choice = Decision<u32, Name, ValueId, Answer>;

/// What was out of the ordinary about a decision, as the simulator saw it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Remark {
    /// An older item of any kind was passed over.
    pub reordered: bool,
    /// What was delivered or fired is a second copy.
    pub repeated: bool,
    /// A timer fired before it was due, or after.
    pub early: bool,
    /// A timer fired after it was due.
    pub late: bool,
    /// A request was started that had been started already, or while something was in flight.
    pub second_start: bool,
    /// The thing in flight that the decision was about, by its sequence.
    pub taken: Option<NonZeroU32>,
    /// The sequence of the first thing that set out in the turn, or would have.
    pub first_launched: u32,
}

/// See [`Trace::mark`](super::Trace::mark).
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// The end of [`Trace::steps`](super::Trace::steps).
    pub steps: u32,
    /// The end of [`Trace::emitted`](super::Trace::emitted).
    pub emitted: u32,
    /// The end of [`Trace::intents`](super::Trace::intents).
    pub intents: u32,
    /// The end of [`Trace::journal`](super::Trace::journal).
    pub journal: u32,
}
