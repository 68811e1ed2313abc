//! The journal: what the kernel must have written down to be rebuilt after a crash.
//!
//! Records refer to values of the trace. What a record means is the kernel's matter.

use std::borrow::Cow;

use crate::trace::{Asker, Cell, IntentHash, Name, Status, Trace, ValueId};
use sim_air::{EffectId, Hash, PlanId, ReducerId, SchemaId};

/// A journal record, in the words of AIR v1.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// The world from here on.
    Manifest {
        /// The hash of its manifest.
        hash: Hash,
    },
    /// An event was accepted; routing and triggers follow from it.
    DomainEvent {
        /// The event's schema.
        schema: SchemaId,
        /// Its canonical bytes.
        value: ValueId,
        /// Virtual time.
        at_ns: u64,
        /// The cell that it goes to, if it tells of a receipt that this cell asked for.
        cell: Option<Cell>,
    },
    /// An effect was asked for, in canonical parameters.
    EffectIntent {
        /// Which effect.
        effect: EffectId,
        /// Its canonical parameters.
        params: ValueId,
        /// What names the intent.
        hash: IntentHash,
        /// Who asked.
        asker: Asker,
    },
    /// Whether the grant covers the effect, and the rule that said no.
    CapDecision {
        /// Which intent.
        intent: IntentHash,
        /// None if the grant covers it.
        denied_by: Option<GateRule>,
    },
    /// Whether the policy lets it pass; `rule` is the index of the first rule that matched.
    PolicyDecision {
        /// Which intent.
        intent: IntentHash,
        /// None if no rule matched, which denies.
        rule: Option<u32>,
        /// What the rule says.
        allowed: bool,
    },
    /// An adapter's answer.
    EffectReceipt {
        /// Which effect.
        effect: EffectId,
        /// The canonical parameters with which it was asked for.
        params: ValueId,
        /// The plan that asked, and its canonical input; None if a reducer did.
        plan: Option<(PlanId, ValueId)>,
        /// Which intent.
        intent: IntentHash,
        /// The cell that asked, if it was one of a keyed reducer.
        cell: Option<Cell>,
        /// How it went, as the adapter says.
        status: Status,
        /// The canonical receipt.
        receipt: ValueId,
    },
    /// A plan instance took a step. AIR's kernel ticks until nothing moves and needs no such
    /// record; here the environment says when, so the journal must. `replaced`: the event that
    /// the step raises was not wanted, see `Kernel::tick`.
    PlanStep {
        /// Which plan.
        plan: PlanId,
        /// The number of the instance in the run.
        instance: u32,
        /// The step's index among those of the plan.
        step: u32,
        /// Whether the event that it raises was left out.
        replaced: bool,
        /// Virtual time.
        at_ns: u64,
    },
    /// An instance came to an end that has a result.
    PlanResult {
        /// Which plan.
        plan: PlanId,
        /// The number of the instance in the run.
        instance: u32,
        /// The canonical bytes of the result.
        result: ValueId,
    },
    /// An instance is no more.
    PlanEnded {
        /// Which plan.
        plan: PlanId,
        /// The number of the instance in the run.
        instance: u32,
        /// Why, if it did not come to its end.
        error: Option<Box<str>>,
    },
    /// The state of a reducer's cell, so that what came before need not be replayed.
    Snapshot {
        /// Which reducer.
        reducer: ReducerId,
        /// The canonical key of the cell, if the reducer is keyed.
        key: Option<ValueId>,
        /// The canonical state; None if the cell has none.
        state: Option<ValueId>,
    },
}

impl Record {
    /// The word of AIR for its kind.
    pub fn name(&self) -> &'static str {
        match self {
            Record::Manifest { .. } => "manifest",
            Record::DomainEvent { .. } => "domain_event",
            Record::EffectIntent { .. } => "effect_intent",
            Record::CapDecision { .. } => "cap_decision",
            Record::PolicyDecision { .. } => "policy_decision",
            Record::EffectReceipt { .. } => "effect_receipt",
            Record::PlanStep { .. } => "plan_step",
            Record::PlanResult { .. } => "plan_result",
            Record::PlanEnded { .. } => "plan_ended",
            Record::Snapshot { .. } => "snapshot",
        }
    }
}

/// The check of the effect gate that refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GateRule {
    /// The grant had expired.
    Expired,
    /// The grant's cap is of another type than the effect's.
    CapType,
    /// The grant's allow-lists do not let these parameters pass.
    Params,
    /// The cap's own enforcer said no, or nothing that can be understood: why.
    Enforcer(Name),
}

impl GateRule {
    /// What it refused, in words.
    pub fn says(self, trace: &Trace) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            GateRule::Expired => "the grant has expired",
            GateRule::CapType => "the grant is of another cap type",
            GateRule::Params => "the grant does not cover these parameters",
            GateRule::Enforcer(why) => {
                return Cow::Owned(format!("the enforcer refuses it: {}", trace.text(why)));
            }
        })
    }
}
