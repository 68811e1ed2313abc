//! One event through one reducer, and what was found about it. Judges nothing.

use std::ops::Range;

use super::ValueId;
use sim_air::{ReducerId, SchemaId};

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
