//! What a monitor sees: a turn, or the rest at the end of a run, as canonical CBOR.
//!
//! Values are byte strings that hold canonical documents, as in the envelope of the ABI: what a
//! monitor does not know it passes over. Keys come in canonical order, shorter ones first.

use std::ops::Range;

use sim_air::cbor::{
    ARRAY, MAP, SELF_DESCRIBED, TAG_KEY, VALUE_KEY, boolean, write_bytes, write_head, write_nat,
    write_text,
};
use sim_air::{PlanId, SchemaId};
use sim_kernel::World;
use sim_model::Seen;
use sim_record::trace::{Asker, Emitted, Intent, Record, Step, Trace, Turn, ValueId};

/// The schema of the event that a monitor is given.
pub(super) const MOMENT: &str = "sim/Moment@1";

/// What a monitor sees of a run, being written.
pub(super) struct Writer<'a> {
    pub world: &'a World,
    pub trace: &'a Trace,
    pub out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    /// A turn, with all that came of it.
    pub fn turn(&mut self, seen: &Seen<'_>) {
        let (trace, turn) = (self.trace, seen.turn);
        self.begin("turn", 5);
        let steps = trace.steps_of(turn);
        let rest = OfPlans::of(trace, turn);
        self.key("sent");
        self.sent(&rest);
        self.key("at_ns");
        write_nat(self.out, turn.at_ns);
        self.key("steps");
        write_head(self.out, ARRAY, steps.len() as u64);
        steps.iter().for_each(|step| self.step(step));
        self.key("effects");
        let intents = trace.intents_in(&rest.intents);
        write_head(self.out, ARRAY, intents.len() as u64);
        intents
            .iter()
            .for_each(|intent| self.effect_of_plan(intent));
        self.key("receipts");
        self.receipts(turn);
    }

    /// Nothing is in flight, and no fault will come any more.
    pub fn rest(&mut self) {
        self.begin("rest", 1);
        self.key("at_ns");
        let last = self.trace.turns.last();
        write_nat(self.out, last.map_or(0, |turn| turn.at_ns));
    }

    fn begin(&mut self, tag: &str, fields: u64) {
        self.out.extend_from_slice(&SELF_DESCRIBED);
        write_head(self.out, MAP, 2);
        self.out.extend_from_slice(TAG_KEY);
        write_text(self.out, tag);
        self.out.extend_from_slice(VALUE_KEY);
        write_head(self.out, MAP, fields);
    }

    fn step(&mut self, step: &Step) {
        let (air, trace) = (&self.world.air, self.trace);
        write_head(self.out, MAP, 9);
        self.document("key", step.key);
        self.document("after", step.after);
        self.document("event", Some(step.event));
        self.document("before", step.before);
        self.text("schema", air.schemas.name(step.schema));
        self.key("effects");
        let intents = trace.intents_in(&step.intents);
        write_head(self.out, ARRAY, intents.len() as u64);
        for intent in intents {
            write_head(self.out, MAP, 3);
            self.text("kind", &air.effects[intent.effect.index()].kind);
            self.document("params", Some(intent.params));
            self.flag("allowed", intent.allowed);
        }
        self.key("emitted");
        let emitted = trace.emitted_in(&step.emitted);
        write_head(self.out, ARRAY, emitted.len() as u64);
        for event in emitted {
            write_head(self.out, MAP, 2);
            self.document("value", Some(event.value));
            self.schema(event.schema);
        }
        self.flag("refused", step.fault.is_some());
        self.text("reducer", &air.reducers[step.reducer.index()].name);
    }

    fn sent(&mut self, rest: &OfPlans) {
        let events: &[Emitted] = self.trace.emitted_in(&rest.emitted);
        write_head(self.out, ARRAY, events.len() as u64);
        for event in events {
            write_head(self.out, MAP, 3);
            self.plan("by", rest.plan);
            self.document("value", Some(event.value));
            self.schema(event.schema);
        }
    }

    fn effect_of_plan(&mut self, intent: &Intent) {
        write_head(self.out, MAP, 5);
        let plan = match intent.asker {
            Asker::Plan { plan, .. } => Some(plan),
            Asker::Reducer { .. } => None,
        };
        self.plan("by", plan);
        self.text("kind", &self.world.air.effects[intent.effect.index()].kind);
        self.document("input", intent.input);
        self.document("params", Some(intent.params));
        self.flag("allowed", intent.allowed);
    }

    fn receipts(&mut self, turn: &Turn) {
        let is_receipt = |record: &&Record| matches!(record, Record::EffectReceipt { .. });
        let receipts = self.trace.journal_in(&turn.journal).iter();
        let receipts = receipts.filter(is_receipt);
        write_head(self.out, ARRAY, receipts.clone().count() as u64);
        for record in receipts {
            let Record::EffectReceipt {
                effect,
                params,
                plan,
                status,
                receipt,
                ..
            } = record
            else {
                continue;
            };
            write_head(self.out, MAP, 6);
            self.text("kind", &self.world.air.effects[effect.index()].kind);
            self.plan("plan", plan.map(|(plan, _)| plan));
            self.document("input", plan.map(|(_, input)| input));
            self.document("value", Some(*receipt));
            self.document("params", Some(*params));
            self.text("status", status.name());
        }
    }

    fn key(&mut self, key: &str) {
        write_text(self.out, key);
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        write_text(self.out, text);
    }

    fn flag(&mut self, key: &str, flag: bool) {
        self.key(key);
        self.out.push(boolean(flag));
    }

    fn schema(&mut self, schema: SchemaId) {
        self.text("schema", self.world.air.schemas.name(schema));
    }

    fn plan(&mut self, key: &str, plan: Option<PlanId>) {
        self.key(key);
        match plan {
            Some(plan) => write_text(self.out, &self.world.air.plans[plan.index()].name),
            None => self.out.push(sim_air::cbor::NULL),
        }
    }

    /// A canonical document, or null.
    fn document(&mut self, key: &str, value: Option<ValueId>) {
        self.key(key);
        match value {
            Some(value) => write_bytes(self.out, self.trace.bytes(value)),
            None => self.out.push(sim_air::cbor::NULL),
        }
    }
}

/// What plans gave out in a turn: what comes after the last step's.
struct OfPlans {
    plan: Option<PlanId>,
    emitted: Range<u32>,
    intents: Range<u32>,
}

impl OfPlans {
    fn of(trace: &Trace, turn: &Turn) -> OfPlans {
        let steps = trace.steps_of(turn).iter();
        let ends = steps.map(|step| (step.emitted.end, step.intents.end));
        let begins = (turn.emitted.start, turn.intents.start);
        let (emitted, intents) = ends.fold(begins, |(emitted, intents), ends| {
            (emitted.max(ends.0), intents.max(ends.1))
        });
        let plans = trace.journal_in(&turn.journal).iter();
        let mut plans = plans.filter_map(|record| match record {
            Record::PlanStep { plan, .. } => Some(*plan),
            _ => None,
        });
        OfPlans {
            plan: plans.next_back(),
            emitted: emitted..turn.emitted.end.max(emitted),
            intents: intents..turn.intents.end.max(intents),
        }
    }
}
