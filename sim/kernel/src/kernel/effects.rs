//! Effects: asked for, put before the gate, and answered by a receipt.

use super::super::envelope;
use super::super::gate::{self, Denial};
use super::{Kernel, OpenIntent};
use sim_air::{EffectId, GrantId, OriginKind, PlanId, SchemaId};
use sim_record::trace::{
    Asker, Cell, GateRule, Intent, IntentHash, Record, Status, Trace, ValueId,
};

/// An effect that a reducer or a plan asks for, in canonical parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Asked {
    pub effect: EffectId,
    pub params: ValueId,
    pub grant: GrantId,
    /// What names the intent: see [`super::super::envelope::intent_hash`].
    pub hash: IntentHash,
}

impl Kernel<'_> {
    /// Puts an effect before the gate and journals what it said; whether it may pass.
    pub(super) fn ask(
        &mut self,
        trace: &mut Trace,
        asker: Asker,
        asked: &Asked,
        now_ns: u64,
    ) -> bool {
        let air = &self.world.air;
        let Asked {
            effect,
            params,
            grant,
            hash,
        } = *asked;
        let (origin_kind, origin_name) = match asker {
            Asker::Reducer { reducer, .. } => {
                (OriginKind::Reducer, &air.reducers[reducer.index()].name)
            }
            Asker::Plan { plan, .. } => (OriginKind::Plan, &air.plans[plan.index()].name),
        };
        let request = gate::GateRequest {
            effect: &air.effects[effect.index()],
            params: trace.bytes(params),
            grant: &air.grants[grant.index()],
            origin_kind,
            origin_name,
            now_ns,
            journal_height: trace.journal.len(),
        };
        let verdict = gate::decide(self.world, &request);
        let allowed = verdict.allowed();
        let denied_by = verdict.denied_by.map(|denial| match denial {
            Denial::Expired => GateRule::Expired,
            Denial::CapType => GateRule::CapType,
            Denial::Params => GateRule::Params,
            Denial::Enforcer(why) => GateRule::Enforcer(trace.name(&why)),
        });
        trace.journal.push(Record::CapDecision {
            intent: hash,
            denied_by,
        });
        trace.journal.push(Record::PolicyDecision {
            intent: hash,
            rule: verdict.rule,
            allowed: verdict.policy_allows,
        });
        if allowed {
            trace.journal.push(Record::EffectIntent {
                effect,
                params,
                hash,
                asker,
            });
            self.open.push(OpenIntent {
                effect,
                params,
                hash,
                asker,
            });
        }
        trace.intents.push(Intent {
            effect,
            params,
            grant,
            hash,
            asker,
            input: self.plan_of(asker).map(|(_, input)| input),
            allowed,
        });
        allowed
    }

    /// The plan that asks, and its input.
    fn plan_of(&self, asker: Asker) -> Option<(PlanId, ValueId)> {
        let Asker::Plan { plan, instance } = asker else {
            return None;
        };
        let instance = &self.plans[self.plan(instance)?];
        Some((plan, instance.input_bytes))
    }

    /// A receipt is in the journal: the oldest intent of that hash, of that cell if it was one that
    /// asked, is open no more. That is all that a receipt says; a second one closes nothing.
    pub(super) fn close(&mut self, intent: IntentHash, cell: Option<Cell>) -> Option<OpenIntent> {
        let is_it = |open: &OpenIntent| open.hash == intent && open.asker.cell() == cell;
        let oldest = self.open.iter().position(is_it)?;
        Some(self.open.remove(oldest))
    }

    /// The receipt of a reducer's effect is in the journal; its event is about to arrive.
    pub fn append_receipt(
        &mut self,
        trace: &mut Trace,
        open: &OpenIntent,
        status: Status,
        receipt: ValueId,
    ) {
        let cell = open.asker.cell();
        trace.journal.push(Record::EffectReceipt {
            effect: open.effect,
            params: open.params,
            plan: self.plan_of(open.asker),
            intent: open.hash,
            cell,
            status,
            receipt,
        });
        self.close(open.hash, cell);
    }

    /// The receipt of a reducer's effect, as the event that the reducer will get.
    pub fn receipt_event(
        &mut self,
        trace: &mut Trace,
        open: &OpenIntent,
        status: Status,
        receipt: ValueId,
    ) -> Option<(SchemaId, ValueId)> {
        let Asker::Reducer { reducer, .. } = open.asker else {
            return None;
        };
        let air = &self.world.air;
        let reducer = &air.reducers[reducer.index()];
        let arm = reducer.receipt_arms.get(&open.effect)?;
        self.scratch.clear();
        envelope::receipt_event(
            &mut self.scratch,
            &envelope::Receipt {
                arm: arm.as_deref(),
                intent_hash: &trace.values.intent_hash(open.hash),
                reducer: &reducer.name,
                effect_kind: &air.effects[open.effect.index()].kind,
                status,
                requested: trace.bytes(open.params),
                receipt: trace.bytes(receipt),
            },
        );
        Some((reducer.event, trace.store(&self.scratch)))
    }

    /// The receipt of a plan's effect arrives; false if its instance has ended or has it already.
    pub fn receive(&mut self, trace: &mut Trace, open: &OpenIntent, receipt: ValueId) -> bool {
        trace.journal.push(Record::EffectReceipt {
            effect: open.effect,
            params: open.params,
            plan: self.plan_of(open.asker),
            intent: open.hash,
            cell: None,
            status: Status::Ok,
            receipt,
        });
        self.take_receipt(trace, open.hash, None, receipt)
    }

    /// Closes an intent, and gives the receipt to the plan that asked, if it was a plan.
    pub(super) fn take_receipt(
        &mut self,
        trace: &Trace,
        intent: IntentHash,
        cell: Option<Cell>,
        receipt: ValueId,
    ) -> bool {
        let Some(open) = self.close(intent, cell) else {
            return false;
        };
        let Asker::Plan { instance, .. } = open.asker else {
            return false;
        };
        let air = &self.world.air;
        let schema = air.effects[open.effect.index()].receipt;
        let Ok(value) = air.schemas.decode(schema, trace.bytes(receipt)) else {
            return false;
        };
        self.moved.note(instance);
        let plan = self.plan(instance);
        plan.is_some_and(|plan| self.plans[plan].receive(intent, value))
    }
}
