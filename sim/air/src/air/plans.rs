//! Plans: steps, and the edges between them.

use std::collections::BTreeMap;

use super::ids::{EffectId, GrantId};
use crate::expr::{Expr, ExprOrValue};
use crate::types::schemas::SchemaId;

#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub input: SchemaId,
    pub output: Option<SchemaId>,
    pub locals: BTreeMap<String, SchemaId>,
    /// In order of their ids.
    pub steps: Vec<PlanStep>,
    pub edges: Vec<Edge>,
    pub invariants: Vec<Expr>,
}

/// `from` and `to` are indices into [`Plan::steps`].
#[derive(Clone, Debug)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub when: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct PlanStep {
    pub id: String,
    pub op: Op,
}

#[derive(Clone, Debug)]
pub enum Op {
    RaiseEvent {
        event: SchemaId,
        value: ExprOrValue,
    },
    EmitEffect {
        effect: EffectId,
        params: ExprOrValue,
        grant: GrantId,
        idempotency_key: Option<Expr>,
        /// The variable (`bind.effect_id_as`) that will hold the effect's id.
        handle: String,
    },
    AwaitReceipt {
        receipt_for: Expr,
        /// The handle `receipt_for` names, known at load.
        handle: String,
        var: String,
    },
    AwaitEvent {
        event: SchemaId,
        /// The `where` expression: the only place where `@event` may be read.
        condition: Option<Expr>,
        var: String,
    },
    Assign {
        expr: ExprOrValue,
        var: String,
    },
    End {
        result: Option<ExprOrValue>,
    },
}
