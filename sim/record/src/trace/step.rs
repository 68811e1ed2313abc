//! One event through one reducer, and what was found about it. Judges nothing.

use std::ops::Range;

use super::ValueId;
use sim_air::{ReducerId, SchemaId};

/// One event through one reducer.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Which reducer.
    pub reducer: ReducerId,
    /// The canonical key of its cell, if it is keyed.
    pub key: Option<ValueId>,
    /// The schema of the event as the reducer got it: its own event schema.
    pub schema: SchemaId,
    /// The canonical event, put into an arm if the route says so.
    pub event: ValueId,
    /// Canonical state bytes; None is no state.
    pub before: Option<ValueId>,
    /// The same after the step; as before if the output was refused.
    pub after: Option<ValueId>,
    /// Ranges into [`Trace::emitted`](super::Trace::emitted) and
    /// [`Trace::intents`](super::Trace::intents).
    pub emitted: Range<u32>,
    /// The effects that it asked for, likewise.
    pub intents: Range<u32>,
    /// What the reducer noted beside its output, as it wrote it. Not part of the digest.
    pub annotations: Option<ValueId>,
    /// Why the output was refused, and the state therefore left as it was.
    pub fault: Option<Box<Fault>>,
    /// Not part of the digest: which steps are scrutinised is a matter of the campaign.
    pub scrutiny: Scrutiny,
}

/// What was found when a step was taken again on other instances.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Scrutiny {
    /// It was not taken again.
    #[default]
    None,
    /// All instances gave the same.
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
    /// A finding against an instance, such as `a fresh instance`, that gave something else.
    pub fn differs(instance: &str, what: &str) -> Scrutiny {
        Scrutiny::Differs(format!("{instance} gave {what}").into())
    }
}

/// A step that did not give an acceptable output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The code trapped or overran a bound.
    Stopped {
        /// The error in full.
        what: String,
        /// Without where it was and what it said, which are no part of a digest.
        brief: String,
    },
    /// The code answered something its documents do not allow.
    Nonconforming {
        /// What the documents allow.
        expected: String,
        /// What the code answered.
        found: String,
    },
}
