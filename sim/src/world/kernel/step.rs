//! One event through one reducer: its cell's key, its context, and its output, taken whole or
//! refused whole.

use super::super::context;
use super::{Kernel, Moment, at_path};
use crate::air::{Origin, Reducer, ReducerId, SchemaId, ValueError};
use crate::reducer::{OutEffect, Output, StepError, StepInput, encode_envelope};
use crate::trace::{Asker, Emitted, Fault, Scrutiny, Step, Trace, ValueId};

impl Kernel<'_> {
    /// Routes an event to one reducer and takes its output.
    pub(super) fn step(
        &mut self,
        trace: &mut Trace,
        route: usize,
        schema: SchemaId,
        event: ValueId,
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
            scrutiny: Scrutiny::None,
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

    fn cell_key(
        &self,
        trace: &Trace,
        reducer: ReducerId,
        schema: SchemaId,
        event: ValueId,
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
            state: step.before.map(|id| trace.bytes(id)),
            schema: world.air.schemas.name(step.schema),
            value: trace.bytes(step.event),
            key: step.key.map(|id| trace.bytes(id)),
            ctx: context.as_deref(),
        };
        let mut output = std::mem::take(&mut self.output);
        let instance = &mut self.instances[step.reducer.index()];
        let ran = match &mut self.memo {
            None => instance.step(&input, &mut output),
            Some(memo) => {
                let recalled = memo.step(step.reducer, instance, &input, &mut output);
                step.scrutiny = recalled.1;
                recalled.0
            }
        };
        if self.scrutineer.is_due() {
            let reducer = step.reducer.index();
            let mut envelope = Vec::new();
            encode_envelope(&input, &mut envelope);
            let code = &world.codes[reducer];
            let answer = (&ran, &output);
            step.scrutiny = self.scrutineer.check(reducer, code, &envelope, answer);
        }
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
            key: step.key.map(|id| trace.bytes(id)),
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
            Some(bytes) if step.before.is_some_and(|id| trace.bytes(id) == bytes) => step.before,
            Some(bytes) => Some(
                trace
                    .try_build(|out| schemas.canonicalise(reducer.state, bytes, out))
                    .map_err(|error| nonconforming(schemas.name(reducer.state), error))?,
            ),
        };
        for event in output.events() {
            let schema = schemas.find(event.schema).ok_or_else(|| {
                nonconforming("an event of a known schema", format!("`{}`", event.schema))
            })?;
            let value = trace
                .try_build(|out| schemas.canonicalise(schema, event.value, out))
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
            .try_build(|out| air.schemas.canonicalise(params_schema, asked.params, out))
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
}

fn nonconforming(expected: impl ToString, found: impl ToString) -> Fault {
    Fault::Nonconforming {
        expected: expected.to_string(),
        found: found.to_string(),
    }
}
