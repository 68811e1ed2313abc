//! One turn of a run, and the decision that began it, as a trace names things.

use std::ops::Range;

use super::ValueId;
use crate::decision::{Decision, ItemName};

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

/// A text in [`Trace::values`]: a label or a request id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name(pub(super) ValueId);

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

/// See [`Trace::mark`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub steps: u32,
    pub emitted: u32,
    pub intents: u32,
    pub journal: u32,
}
