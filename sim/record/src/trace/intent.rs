//! What reducers and plans gave out: events, effects with who asked for them, guards they settled.

use super::ValueId;
use sim_air::{EffectId, GrantId, PlanId, ReducerId, SchemaId};

/// What names an intent, SHA-256: its 32 bytes are in [`Trace::values`](super::Trace::values).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IntentHash(pub(super) ValueId);

/// An event that a reducer or a plan gave out, canonical.
#[derive(Clone, PartialEq, Debug)]
pub struct Emitted {
    /// The schema that it is of.
    pub schema: SchemaId,
    /// Its canonical bytes.
    pub value: ValueId,
}

/// Who asked for an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// A reducer's step.
    Reducer {
        /// Which reducer.
        reducer: ReducerId,
        /// The canonical key of its cell, if it is keyed.
        key: Option<ValueId>,
    },
    /// A step of a plan instance.
    Plan {
        /// Which plan.
        plan: PlanId,
        /// The number of the instance in the run.
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
    /// Which plan.
    pub plan: PlanId,
    /// The edge's index among those of the plan.
    pub edge: u32,
    /// Whether its guard was true.
    pub taken: bool,
}

/// An effect that was asked for, and whether the gate let it pass.
#[derive(Clone, PartialEq, Debug)]
pub struct Intent {
    /// Which effect.
    pub effect: EffectId,
    /// Its canonical parameters.
    pub params: ValueId,
    /// The grant by which it was asked for.
    pub grant: GrantId,
    /// What names it.
    pub hash: IntentHash,
    /// Who asked.
    pub asker: Asker,
    /// The canonical input of the plan that asked; None if a reducer did.
    pub input: Option<ValueId>,
    /// Whether both the grant and the policy let it pass.
    pub allowed: bool,
}

impl IntentHash {
    /// The value that holds it.
    #[inline]
    pub fn id(self) -> ValueId {
        self.0
    }
}
