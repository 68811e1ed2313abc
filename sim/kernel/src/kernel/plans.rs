//! Plan instances: started by triggers, shown events, and moved a tick at a time.

use super::super::envelope::intent_hash;
use super::super::plan::{Action, PlanError, PlanInstance, PlanStatus, has_conditions};
use super::{Asked, Kernel, at_path};
use sim_air::{EffectId, GrantId, Op, Plan, SchemaId, Value};
use sim_record::trace::{Asker, EdgeTaken, Emitted, Record, Trace, ValueId};

impl Kernel<'_> {
    pub(super) fn show_to_plans(&mut self, trace: &mut Trace, schema: SchemaId, value: ValueId) {
        let air = &self.world.air;
        let awaiting = |plan: &PlanInstance| plan.awaits(&air.plans[plan.plan.index()], schema);
        if !self.plans.iter().any(awaiting) {
            return;
        }
        let Ok(event) = air.schemas.decode(schema, trace.bytes(value)) else {
            return;
        };
        for index in (0..self.plans.len()).rev() {
            if !awaiting(&self.plans[index]) {
                continue;
            }
            self.moved.note(self.plans[index].id);
            let definition = &air.plans[self.plans[index].plan.index()];
            match self.plans[index].observe(definition, schema, &event) {
                Ok(is_taken) => trace.awaited += u32::from(is_taken),
                Err(error) => self.end_plan(trace, index, Some(error)),
            }
        }
    }

    pub(super) fn start_plan(
        &mut self,
        trace: &mut Trace,
        trigger: usize,
        schema: SchemaId,
        value: ValueId,
    ) {
        let air = &self.world.air;
        let trigger = &air.triggers[trigger];
        let definition = &air.plans[trigger.plan.index()];
        let mut instance = PlanInstance::new(self.next_plan, trigger.plan, definition, value);
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
        self.moved.note(instance.id);
        self.plans.push(instance);
    }

    /// Whether the next tick of a plan raises an event. Ends the plan if it cannot go on.
    pub fn next_step(&mut self, trace: &mut Trace, index: usize) -> Option<usize> {
        let plan = self.plans[index].plan;
        let definition = &self.world.air.plans[plan.index()];
        let passed_over = |edge: usize| {
            trace.edges.push(EdgeTaken {
                plan,
                edge: edge as u32,
                taken: false,
            });
        };
        match self.plans[index].next(definition, passed_over) {
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
        let instance = &self.plans[index];
        let definition = &air.plans[instance.plan.index()];
        trace.journal.push(Record::PlanStep {
            plan: instance.plan,
            instance: instance.id,
            step: step as u32,
            replaced,
            at_ns: now_ns,
        });
        if instance.statuses()[step] == PlanStatus::Pending {
            let (plan, edges) = (instance.plan, instance.taken_edges(definition, step));
            trace.edges.extend(edges.map(|edge| EdgeTaken {
                plan,
                edge: edge as u32,
                taken: true,
            }));
        }
        self.moved.note(self.plans[index].id);
        let evaluates = !replaced && !matches!(definition.steps[step].op, Op::End { result: None });
        if evaluates && self.plans[index].awaits_input() {
            let bytes = trace.bytes(self.plans[index].input_bytes);
            if let Ok(input) = air.schemas.decode(definition.input, bytes) {
                self.plans[index].set_input(input);
            }
        }
        let done = self.plans[index].tick(&air.schemas, definition, step, replaced);
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
                    self.plans[index].check_invariants(definition, step)
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
        let hash = intent_hash(
            &mut self.scratch,
            &air.effects[effect.index()].kind,
            &bytes,
            &air.grants[grant.index()].name,
            key.as_deref(),
        );
        let asked = Asked {
            effect,
            params: trace.store(&bytes),
            grant,
            hash: trace.values.intent_over(&hash, &self.scratch),
        };
        let asker = Asker::Plan {
            plan,
            instance: self.plans[index].id,
        };
        if !self.ask(trace, asker, &asked, now_ns) {
            return Err(refused(definition, step, "the effect gate said no"));
        }
        self.plans[index].sent(definition, step, (asked.hash, &hash));
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
}

fn refused(plan: &Plan, step: usize, what: impl ToString) -> PlanError {
    PlanError::Refused {
        step: plan.steps[step].id.clone(),
        what: what.to_string(),
    }
}
