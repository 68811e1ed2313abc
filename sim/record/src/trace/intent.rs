//! What reducers and plans gave out: events, effects with who asked for them, guards they settled.

use super::ValueId;
use sim_air::{EffectId, GrantId, PlanId, ReducerId, SchemaId};

/// What names an intent, SHA-256: its 32 bytes are in [`Trace::values`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IntentHash(pub(super) ValueId);

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
