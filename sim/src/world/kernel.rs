//! What the kernel does with an event, a receipt and a plan's tick.
//!
//! Every event is canonical before it gets here and is journalled before anything sees it. What
//! reducers and plans give out is recorded in the trace; putting it in flight is the caller's
//! matter. A reducer's output is taken whole or refused whole.

use std::collections::BTreeMap;

use minicbor::Decoder;

use super::envelope::{self, intent_hash};
use super::gate;
use super::plan::{Action, Instance, PlanError, has_conditions};
use super::{World, context};
use crate::air::{
    EffectId, GrantId, Hash, Op, Origin, OriginKind, Reducer, ReducerId, SchemaId, Value,
    ValueError,
};
use crate::reducer::{self, OutEffect, Output, StepError, StepInput};
use crate::trace::{Asker, Emitted, Fault, Intent, Record, Span, Status, Step, Trace};

/// An effect that passed the gate and has had no receipt.
#[derive(Clone, PartialEq, Debug)]
pub struct OpenIntent {
    pub effect: EffectId,
    pub params: Span,
    pub hash: Hash,
    pub asker: Asker,
}

/// When an event was accepted: all of time that a reducer's context may tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub now_ns: u64,
    /// Records in the journal before the event's own.
    pub journal_height: usize,
}

/// The moving parts of a run.
pub struct Kernel<'w> {
    world: &'w World,
    instances: Vec<reducer::Instance>,
    output: Output,
    /// State of reducers without keys, by reducer.
    states: Vec<Option<Span>>,
    /// State of keyed reducers, by reducer and canonical key.
    cells: BTreeMap<(ReducerId, Vec<u8>), Span>,
    plans: Vec<Instance>,
    next_plan: u32,
    /// A plan may stand elsewhere than when this was last asked.
    plans_moved: bool,
    scratch: Vec<u8>,
}

impl<'w> Kernel<'w> {
    /// A kernel for runs of `world`. Fails if a module cannot be instantiated.
    pub fn new(world: &'w World) -> Result<Kernel<'w>, StepError> {
        let instances: Result<Vec<_>, StepError> =
            world.codes.iter().map(|code| code.instance()).collect();
        Ok(Kernel {
            world,
            instances: instances?,
            output: Output::default(),
            states: vec![None; world.air.reducers.len()],
            cells: BTreeMap::new(),
            plans: Vec::new(),
            next_plan: 0,
            plans_moved: false,
            scratch: Vec::new(),
        })
    }

    /// Fresh wasm instances, in which nothing is left of the runs before.
    pub fn renew(&mut self) -> Result<(), StepError> {
        for instance in &mut self.instances {
            if instance.steps_since_renewal() > 0 {
                instance.renew()?;
            }
        }
        Ok(())
    }

    /// Back to the beginning of a run. The wasm instances stay: see [`Kernel::renew`].
    pub fn reset(&mut self, trace: &mut Trace) {
        self.states.fill(None);
        self.cells.clear();
        self.plans.clear();
        self.next_plan = 0;
        self.plans_moved = true;
        trace.journal.push(Record::Manifest {
            hash: self.world.air.manifest_hash,
        });
    }

    pub fn world(&self) -> &'w World {
        self.world
    }

    /// Whether a plan may have moved since this was last asked.
    pub fn take_plans_moved(&mut self) -> bool {
        std::mem::take(&mut self.plans_moved)
    }

    /// The plan instances that have not ended, oldest first.
    pub fn plans(&self) -> &[Instance] {
        &self.plans
    }

    /// The state of a reducer's cell; `key` for keyed reducers only.
    pub fn state(&self, reducer: ReducerId, key: Option<&[u8]>) -> Option<Span> {
        match key {
            None => self.states[reducer.index()],
            Some(key) => self.cells.get(&(reducer, key.to_vec())).copied(),
        }
    }

    /// Every keyed cell, in order.
    pub fn cells(&self) -> impl Iterator<Item = (ReducerId, &[u8], Span)> {
        self.cells
            .iter()
            .map(|((reducer, key), state)| (*reducer, key.as_slice(), *state))
    }

    /// An event arrives. `value` is canonical.
    pub fn accept(&mut self, trace: &mut Trace, schema: SchemaId, value: Span, now_ns: u64) {
        let moment = Moment {
            now_ns,
            journal_height: trace.journal.len(),
        };
        self.accept_at(trace, schema, value, moment);
    }

    /// An event arrives at a moment that a journal tells.
    pub(super) fn accept_at(
        &mut self,
        trace: &mut Trace,
        schema: SchemaId,
        value: Span,
        moment: Moment,
    ) {
        trace.journal.push(Record::DomainEvent {
            schema,
            value,
            at_ns: moment.now_ns,
        });
        let world = self.world;
        let listeners = world.listeners(schema);
        for &route in &listeners.routes {
            self.step(trace, route, schema, value, moment);
        }
        self.show_to_plans(trace, schema, value);
        for &trigger in &listeners.triggers {
            self.start_plan(trace, trigger, schema, value);
        }
    }

    fn show_to_plans(&mut self, trace: &mut Trace, schema: SchemaId, value: Span) {
        let air = &self.world.air;
        let awaiting = |plan: &Instance| plan.awaits(&air.plans[plan.plan.index()], schema);
        if !self.plans.iter().any(awaiting) {
            return;
        }
        let Ok(event) = air.schemas.decode(schema, trace.bytes(value)) else {
            return;
        };
        self.plans_moved = true;
        for index in (0..self.plans.len()).rev() {
            let definition = &air.plans[self.plans[index].plan.index()];
            if let Err(error) = self.plans[index].observe(definition, schema, &event) {
                self.end_plan(trace, index, Some(error));
            }
        }
    }

    fn start_plan(&mut self, trace: &mut Trace, trigger: usize, schema: SchemaId, value: Span) {
        let air = &self.world.air;
        let trigger = &air.triggers[trigger];
        let definition = &air.plans[trigger.plan.index()];
        let mut instance = Instance::new(self.next_plan, trigger.plan, definition, value);
        self.next_plan += 1;
        if trigger.correlate_by.is_some() || has_conditions(definition) {
            let Ok(input) = air.schemas.decode(schema, trace.bytes(value)) else {
                return;
            };
            let path = trigger.correlate_by.as_deref();
            if let Some(correlation) = path.and_then(|path| at_path(&input, path)) {
                instance.set_correlation(correlation.clone());
            }
            instance.set_input(input);
        }
        self.plans_moved = true;
        self.plans.push(instance);
    }

    /// Routes an event to one reducer and takes its output.
    fn step(
        &mut self,
        trace: &mut Trace,
        route: usize,
        schema: SchemaId,
        event: Span,
        moment: Moment,
    ) {
        let route = &self.world.air.routes[route];
        let id = route.reducer;
        let key = match &route.key_field {
            None => Ok(None),
            Some(path) => self.cell_key(trace, id, schema, event, path).map(Some),
        };
        let mut step = Step {
            reducer: id,
            key: None,
            schema,
            event,
            before: None,
            after: None,
            emitted: trace.mark_emitted()..trace.mark_emitted(),
            intents: trace.mark_intents()..trace.mark_intents(),
            fault: None,
        };
        match key {
            Ok(key) => {
                step.key = key.as_deref().map(|key| trace.store(key));
                step.before = self.state(id, key.as_deref());
                step.after = step.before;
                if let Err(fault) = self.run_step(trace, &mut step, moment) {
                    trace.emitted.truncate(step.emitted.start as usize);
                    trace.intents.truncate(step.intents.start as usize);
                    step.after = step.before;
                    step.fault = Some(Box::new(fault));
                }
                self.keep_state(id, key, step.after);
            }
            Err(error) => {
                step.fault = Some(Box::new(Fault::Nonconforming {
                    expected: "a key in the event".to_owned(),
                    found: error.to_string(),
                }));
            }
        }
        step.emitted.end = trace.mark_emitted();
        step.intents.end = trace.mark_intents();
        trace.steps.push(step);
    }

    fn keep_state(&mut self, reducer: ReducerId, key: Option<Vec<u8>>, state: Option<Span>) {
        match (key, state) {
            (None, state) => self.states[reducer.index()] = state,
            (Some(key), Some(state)) => {
                self.cells.insert((reducer, key), state);
            }
            (Some(key), None) => {
                self.cells.remove(&(reducer, key));
            }
        }
    }

    fn cell_key(
        &self,
        trace: &Trace,
        reducer: ReducerId,
        schema: SchemaId,
        event: Span,
        path: &str,
    ) -> Result<Vec<u8>, ValueError> {
        let air = &self.world.air;
        let missing = |found: &str| ValueError {
            path: format!("/{}", path.replace('.', "/")),
            expected: "the key of a cell".to_owned(),
            found: found.to_owned(),
        };
        let event = air.schemas.decode(schema, trace.bytes(event))?;
        let key = at_path(&event, path).ok_or_else(|| missing("nothing"))?;
        let key_schema = air.reducers[reducer.index()].key_schema;
        air.schemas.encode(
            key_schema.ok_or_else(|| missing("a reducer without keys"))?,
            key,
        )
    }

    /// Runs the code and records what it gave; an error leaves nothing that counts.
    fn run_step(
        &mut self,
        trace: &mut Trace,
        step: &mut Step,
        moment: Moment,
    ) -> Result<(), Fault> {
        let world = self.world;
        let reducer = &world.air.reducers[step.reducer.index()];
        let context = match reducer.context {
            None => None,
            Some(schema) => Some(self.context(trace, step, schema, moment)?),
        };
        let input = StepInput {
            state: step.before.map(|span| trace.bytes(span)),
            schema: world.air.schemas.name(step.schema),
            value: trace.bytes(step.event),
            key: step.key.map(|span| trace.bytes(span)),
            ctx: context.as_deref(),
        };
        let mut output = std::mem::take(&mut self.output);
        let ran = self.instances[step.reducer.index()].step(&input, &mut output);
        let taken = match ran {
            Ok(()) => self.take_output(trace, step, reducer, &output, moment.now_ns),
            Err(error @ StepError::BadEnvelope { .. }) => Err(Fault::Nonconforming {
                expected: "an output envelope".to_owned(),
                found: error.to_string(),
            }),
            Err(error) => Err(Fault::Stopped {
                what: error.to_string(),
            }),
        };
        self.output = output;
        taken
    }

    fn context(
        &self,
        trace: &Trace,
        step: &Step,
        schema: SchemaId,
        moment: Moment,
    ) -> Result<Vec<u8>, Fault> {
        let facts = context::Facts {
            now_ns: moment.now_ns,
            journal_height: moment.journal_height,
            event: trace.bytes(step.event),
            reducer: &self.world.air.reducers[step.reducer.index()],
            key: step.key.map(|span| trace.bytes(span)),
        };
        context::encode(&self.world.air, schema, &facts)
            .map_err(|error| nonconforming("a context that fits its schema", error))
    }

    fn take_output(
        &mut self,
        trace: &mut Trace,
        step: &mut Step,
        reducer: &Reducer,
        output: &Output,
        now_ns: u64,
    ) -> Result<(), Fault> {
        let schemas = &self.world.air.schemas;
        if output.effects().len() > 1 {
            return Err(nonconforming("at most one effect", output.effects().len()));
        }
        step.after = match output.state() {
            None => None,
            // Most ignored events echo the state, which is canonical already.
            Some(bytes) if step.before.is_some_and(|span| trace.bytes(span) == bytes) => {
                step.before
            }
            Some(bytes) => Some(
                trace
                    .try_build(|arena| schemas.canonicalise(reducer.state, bytes, arena))
                    .map_err(|error| nonconforming(schemas.name(reducer.state), error))?,
            ),
        };
        for event in output.events() {
            let schema = schemas.find(event.schema).ok_or_else(|| {
                nonconforming("an event of a known schema", format!("`{}`", event.schema))
            })?;
            let value = trace
                .try_build(|arena| schemas.canonicalise(schema, event.value, arena))
                .map_err(|error| nonconforming(schemas.name(schema), error))?;
            trace.emitted.push(Emitted { schema, value });
        }
        for effect in output.effects() {
            self.reducer_effect(trace, step.reducer, reducer, &effect, now_ns)?;
        }
        Ok(())
    }

    fn reducer_effect(
        &mut self,
        trace: &mut Trace,
        id: ReducerId,
        reducer: &Reducer,
        asked: &OutEffect<'_>,
        now_ns: u64,
    ) -> Result<(), Fault> {
        let air = &self.world.air;
        let declared = reducer.effects_emitted.iter().copied().find(|effect| {
            let effect = &air.effects[effect.index()];
            effect.kind == asked.kind && effect.origin != Origin::Plan
        });
        let effect = declared.ok_or_else(|| {
            nonconforming(
                "an effect kind of `effects_emitted`",
                format!("`{}`", asked.kind),
            )
        })?;
        let slot = asked.cap_slot.unwrap_or("default");
        let grant = reducer
            .slots
            .get(slot)
            .and_then(|slot| slot.grant)
            .ok_or_else(|| nonconforming("a slot that is bound to a grant", format!("`{slot}`")))?;
        let params_schema = air.effects[effect.index()].params;
        let params = trace
            .try_build(|arena| air.schemas.canonicalise(params_schema, asked.params, arena))
            .map_err(|error| nonconforming(air.schemas.name(params_schema), error))?;
        let asker = Asker::Reducer(id);
        self.ask(
            trace,
            asker,
            effect,
            params,
            grant,
            asked.idempotency_key,
            now_ns,
        );
        Ok(())
    }

    /// Puts an effect before the gate and journals what it said.
    #[expect(clippy::too_many_arguments, reason = "an effect is all of these, once")]
    fn ask(
        &mut self,
        trace: &mut Trace,
        asker: Asker,
        effect: EffectId,
        params: Span,
        grant: GrantId,
        key: Option<&[u8]>,
        now_ns: u64,
    ) -> Hash {
        let air = &self.world.air;
        let definition = &air.effects[effect.index()];
        let granted = &air.grants[grant.index()];
        let bytes = trace.bytes(params);
        let hash = intent_hash(
            &mut self.scratch,
            &definition.kind,
            bytes,
            &granted.name,
            key,
        );
        let (origin_kind, origin_name) = match asker {
            Asker::Reducer(id) => (OriginKind::Reducer, &air.reducers[id.index()].name),
            Asker::Plan { plan, .. } => (OriginKind::Plan, &air.plans[plan.index()].name),
        };
        let request = gate::Request {
            effect: definition,
            params: bytes,
            grant: granted,
            origin_kind,
            origin_name,
            now_ns,
        };
        let verdict = gate::decide(air, &request);
        let allowed = verdict.allowed();
        trace.journal.push(Record::CapDecision {
            intent: hash,
            denied_by: verdict.denied_by,
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
        }
        trace.intents.push(Intent {
            effect,
            params,
            grant,
            hash,
            asker,
            allowed,
        });
        hash
    }

    /// The receipt of a reducer's effect, as the event that the reducer will get.
    pub fn receipt_event(
        &mut self,
        trace: &mut Trace,
        open: &OpenIntent,
        status: Status,
        receipt: &[u8],
    ) -> Option<(SchemaId, Span)> {
        let Asker::Reducer(id) = open.asker else {
            return None;
        };
        let air = &self.world.air;
        let reducer = &air.reducers[id.index()];
        let arm = reducer.receipt_arms.get(&open.effect)?;
        let receipt_span = trace.store(receipt);
        trace.journal.push(Record::EffectReceipt {
            intent: open.hash,
            status,
            receipt: receipt_span,
        });
        self.scratch.clear();
        envelope::receipt_event(
            &mut self.scratch,
            &envelope::Receipt {
                arm,
                intent_hash: &open.hash,
                reducer: &reducer.name,
                effect_kind: &air.effects[open.effect.index()].kind,
                status,
                requested: trace.bytes(open.params),
                receipt,
            },
        );
        Some((reducer.event, trace.store(&self.scratch)))
    }

    /// The receipt of a plan's effect arrives; false if its instance has ended or has it already.
    pub fn receive(&mut self, trace: &mut Trace, open: &OpenIntent, receipt: &[u8]) -> bool {
        let Asker::Plan { instance, .. } = open.asker else {
            return false;
        };
        let air = &self.world.air;
        let schema = air.effects[open.effect.index()].receipt;
        let Ok(value) = air.schemas.decode(schema, receipt) else {
            return false;
        };
        let receipt = trace.store(receipt);
        let status = Status::Ok;
        trace.journal.push(Record::EffectReceipt {
            intent: open.hash,
            status,
            receipt,
        });
        self.plans_moved = true;
        let plan = self.plans.iter_mut().find(|plan| plan.id == instance);
        plan.is_some_and(|plan| plan.receive(&open.hash, value))
    }

    /// Whether the next tick of a plan raises an event. Ends the plan if it cannot go on.
    pub fn next_step(&mut self, trace: &mut Trace, index: usize) -> Option<usize> {
        let definition = &self.world.air.plans[self.plans[index].plan.index()];
        match self.plans[index].next(definition) {
            Ok(Some(step)) => Some(step),
            Ok(None) => {
                if self.plans[index].is_exhausted() {
                    self.end_plan(trace, index, None);
                }
                None
            }
            Err(error) => {
                self.end_plan(trace, index, Some(error));
                None
            }
        }
    }

    /// Runs step `step` of plan `index`, which [`Kernel::next_step`] gave. `replaced` says that
    /// the event it raises is not wanted; the caller emits another in its place, or none.
    pub fn tick(
        &mut self,
        trace: &mut Trace,
        index: usize,
        step: usize,
        replaced: bool,
        now_ns: u64,
    ) {
        let air = &self.world.air;
        let definition = &air.plans[self.plans[index].plan.index()];
        self.plans_moved = true;
        let evaluates = !replaced && !matches!(definition.steps[step].op, Op::End { result: None });
        if evaluates && self.plans[index].awaits_input() {
            let bytes = trace.bytes(self.plans[index].input_bytes);
            if let Ok(input) = air.schemas.decode(definition.input, bytes) {
                self.plans[index].set_input(input);
            }
        }
        let done = self.plans[index].tick(definition, step, replaced);
        let result = match done {
            Err(error) => Err(error),
            Ok(Action::Nothing) => Ok(()),
            Ok(Action::Raise { event, value }) => match air.schemas.encode(event, &value) {
                Ok(bytes) => {
                    let value = trace.store(&bytes);
                    trace.emitted.push(Emitted {
                        schema: event,
                        value,
                    });
                    Ok(())
                }
                Err(error) => Err(refused(definition, step, error)),
            },
            Ok(Action::Emit {
                step,
                effect,
                params,
                grant,
                key,
            }) => self.plan_effect(trace, index, step, (effect, params, grant, key), now_ns),
            Ok(Action::End { result }) => {
                return self.finish_plan(trace, index, step, result);
            }
        };
        if let Err(error) = result {
            self.end_plan(trace, index, Some(error));
        }
    }

    fn plan_effect(
        &mut self,
        trace: &mut Trace,
        index: usize,
        step: usize,
        (effect, params, grant, key): (EffectId, Value, GrantId, Option<Vec<u8>>),
        now_ns: u64,
    ) -> Result<(), PlanError> {
        let air = &self.world.air;
        let plan = self.plans[index].plan;
        let definition = &air.plans[plan.index()];
        let bytes = air
            .schemas
            .encode(air.effects[effect.index()].params, &params)
            .map_err(|error| refused(definition, step, error))?;
        let params = trace.store(&bytes);
        let asker = Asker::Plan {
            plan,
            instance: self.plans[index].id,
        };
        let hash = self.ask(trace, asker, effect, params, grant, key.as_deref(), now_ns);
        if trace.intents.last().is_some_and(|intent| !intent.allowed) {
            return Err(refused(definition, step, "the effect gate said no"));
        }
        self.plans[index].sent(definition, step, hash);
        self.plans[index].check_invariants(definition, step)
    }

    fn finish_plan(&mut self, trace: &mut Trace, index: usize, step: usize, result: Option<Value>) {
        let air = &self.world.air;
        let (id, plan) = (self.plans[index].id, self.plans[index].plan);
        let definition = &air.plans[plan.index()];
        let mut error = None;
        if let (Some(result), Some(output)) = (result, definition.output) {
            match air.schemas.encode(output, &result) {
                Ok(bytes) => {
                    let result = trace.store(&bytes);
                    trace.journal.push(Record::PlanResult {
                        plan,
                        instance: id,
                        result,
                    });
                }
                Err(cause) => error = Some(refused(definition, step, cause)),
            }
        }
        self.end_plan(trace, index, error);
    }

    fn end_plan(&mut self, trace: &mut Trace, index: usize, error: Option<PlanError>) {
        let ended = self.plans.remove(index);
        trace.journal.push(Record::PlanEnded {
            plan: ended.plan,
            instance: ended.id,
            error: error.map(|error| error.to_string().into()),
        });
    }

    /// Writes every cell's state into the journal.
    pub fn snapshot(&self, trace: &mut Trace) {
        for (reducer, state) in self.world.air.reducer_ids().zip(&self.states) {
            trace.journal.push(Record::Snapshot {
                reducer,
                key: None,
                state: *state,
            });
        }
        for ((reducer, key), state) in &self.cells {
            let key = Some(trace.store(key));
            trace.journal.push(Record::Snapshot {
                reducer: *reducer,
                key,
                state: Some(*state),
            });
        }
    }

    /// Puts a cell's state back, from a snapshot.
    pub(super) fn restore(&mut self, reducer: ReducerId, key: Option<&[u8]>, state: Option<Span>) {
        self.keep_state(reducer, key.map(<[u8]>::to_vec), state);
    }
}

fn nonconforming(expected: impl ToString, found: impl ToString) -> Fault {
    Fault::Nonconforming {
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

fn refused(plan: &crate::air::Plan, step: usize, what: impl ToString) -> PlanError {
    PlanError::Refused {
        step: plan.steps[step].id.clone(),
        what: what.to_string(),
    }
}

/// The value at a dotted path; `$value` leads into whichever arm a variant has.
fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(value, |value, step| match (value, step) {
            (Value::Variant { value, .. }, "$value") => Some(&**value),
            (value, step) => value.field(step),
        })
}

/// The tag of a variant in canonical bytes.
pub fn variant_tag(canonical: &[u8]) -> Option<&str> {
    let mut decoder = Decoder::new(envelope::item(canonical));
    decoder.map().ok()?;
    (decoder.str().ok()? == "$tag").then(|| decoder.str().ok())?
}
