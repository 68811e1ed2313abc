//! Plans: steps, and the edges between them.

use std::collections::BTreeMap;

use super::ids::{EffectId, GrantId};
use crate::expr::{Expr, ExprOrValue};
use crate::types::schemas::SchemaId;

/// A plan that is checked (`defplan`): a graph of steps without circles.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// The schema of the event that starts it.
    pub input: SchemaId,
    /// The schema of its result. Present exactly when each `end` has a result.
    pub output: Option<SchemaId>,
    /// The variables that it declares, and their schemas.
    pub locals: BTreeMap<String, SchemaId>,
    /// In order of their ids.
    pub steps: Vec<PlanStep>,
    /// The edges, in the order of the document.
    pub edges: Vec<Edge>,
    /// Conditions that hold after each step; the first false one ends the instance.
    pub invariants: Vec<Expr>,
}

/// An edge: `to` comes after `from`.
#[derive(Clone, Debug)]
pub struct Edge {
    /// An index into [`Plan::steps`].
    pub from: usize,
    /// An index into [`Plan::steps`].
    pub to: usize,
    /// The guard, a bool; without one the edge is live once `from` is done.
    pub when: Option<Expr>,
}

/// A step of a plan.
#[derive(Clone, Debug)]
pub struct PlanStep {
    /// Unique in the plan. Ready steps run in the order of their ids.
    pub id: String,
    /// What it does.
    pub op: Op,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Op {
    /// Sends an event into the world.
    RaiseEvent {
        /// Its schema.
        event: SchemaId,
        /// What it says: a value of that schema.
        value: ExprOrValue,
    },
    /// Asks for an effect.
    EmitEffect {
        /// Which.
        effect: EffectId,
        /// Its parameters: a value of [`super::effects::Effect::params`].
        params: ExprOrValue,
        /// The grant that is to cover it.
        grant: GrantId,
        /// Text or bytes; without one the key is 32 zero bytes.
        idempotency_key: Option<Expr>,
        /// The variable (`bind.effect_id_as`) that will hold the effect's id.
        handle: String,
    },
    /// Waits for the receipt of an effect.
    AwaitReceipt {
        /// The `for` expression, which gives the effect's id.
        receipt_for: Expr,
        /// The handle `receipt_for` names, known at load.
        handle: String,
        /// The variable that will hold the receipt.
        var: String,
    },
    /// Waits for the first event that matches, of those that come from now on.
    AwaitEvent {
        /// The schema of the event.
        event: SchemaId,
        /// The `where` expression: the only place where `@event` may be read.
        condition: Option<Expr>,
        /// The variable that will hold the event.
        var: String,
    },
    /// Sets a variable.
    Assign {
        /// What to.
        expr: ExprOrValue,
        /// Which.
        var: String,
    },
    /// Ends the instance.
    End {
        /// The result: a value of [`Plan::output`].
        result: Option<ExprOrValue>,
    },
}
