//! One event through one reducer: its cell's key, its context, and what comes of its output.
//!
//! What a reducer makes of an event is found first, as a [`Reaction`], and is a function of the
//! input alone: it is taken from the code or remembered. What comes of it in this run, the gate's
//! decision among it, is a matter of [`Kernel::apply`].

mod reaction;

use super::super::World;
use super::super::context;
use super::super::envelope::wrapped;
use super::memo::Key;
use super::scrutiny::check_alone;
use super::{Kernel, Moment, at_path};
use reaction::nonconforming;
use sim_air::{Reducer, ReducerId, SchemaId, Value, ValueError};
use sim_host::{StepError, StepInput, encode_envelope};
use sim_record::trace::{Asker, Cell, Fault, Scrutiny, Step, Trace, ValueId};

pub(super) use reaction::Reaction;

impl Kernel<'_> {
    /// Routes an event to one reducer and takes its output.
    pub(super) fn step(
        &mut self,
        trace: &mut Trace,
        route: usize,
        (schema, event): (SchemaId, ValueId),
        cell: Option<Cell>,
        moment: Moment,
    ) {
        let air = &self.world.air;
        let route = &air.routes[route];
        let id = route.reducer;
        // The key is looked for in the event as it is routed.
        let key = match (&route.key_field, cell) {
            (None, _) => Ok(None),
            // A receipt says whose it is by the cell that asked, not by a field.
            (Some(_), Some((of, key))) if of == id => Ok(Some(trace.bytes(key).to_vec())),
            (Some(_), Some(_)) => return,
            (Some(path), None) => {
                let event = trace.bytes(event);
                self.cell_key(id, (schema, event), path).map(Some)
            }
        };
        let event = match &route.wrap {
            None => event,
            Some(arm) => {
                self.scratch.clear();
                wrapped(&mut self.scratch, arm, trace.bytes(event));
                trace.store(&self.scratch)
            }
        };
        self.step_with(trace, id, key, event, moment);
    }

    /// A receipt reaches the reducer that asked, also where its routes are from the schemas of
    /// single arms. `event` is of the reducer's own event schema.
    pub(super) fn step_by_receipt(
        &mut self,
        trace: &mut Trace,
        id: ReducerId,
        event: ValueId,
        cell: Option<Cell>,
        moment: Moment,
    ) {
        let reducer = &self.world.air.reducers[id.index()];
        let decoded = self
            .world
            .air
            .schemas
            .decode(reducer.event, trace.bytes(event));
        let Ok(decoded) = decoded else { return };
        if !is_receipt_of(reducer, &decoded) {
            return;
        }
        let key = match (reducer.key_schema, cell) {
            (None, _) => None,
            (Some(_), Some((of, key))) if of == id => Some(trace.bytes(key).to_vec()),
            // It is that of another's cell, or of none: it tells this one nothing.
            (Some(_), _) => return,
        };
        self.step_with(trace, id, Ok(key), event, moment);
    }

    /// Takes an event of the reducer's own event schema to a cell, if its key is known.
    fn step_with(
        &mut self,
        trace: &mut Trace,
        id: ReducerId,
        key: Result<Option<Vec<u8>>, ValueError>,
        event: ValueId,
        moment: Moment,
    ) {
        let mut step = Step {
            reducer: id,
            key: None,
            schema: self.world.air.reducers[id.index()].event,
            event,
            before: None,
            after: None,
            emitted: trace.mark_emitted()..trace.mark_emitted(),
            intents: trace.mark_intents()..trace.mark_intents(),
            annotations: None,
            fault: None,
            scrutiny: Scrutiny::None,
        };
        match key {
            Ok(key) => {
                step.key = key.as_deref().map(|key| trace.store(key));
                step.before = self.state(id, key.as_deref());
                self.run_step(trace, &mut step, moment);
                trace.count_work([step.before, Some(step.event), step.after]);
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

    /// The canonical key of the cell of a reducer that a canonical event goes to.
    fn cell_key(
        &self,
        reducer: ReducerId,
        (schema, event): (SchemaId, &[u8]),
        path: &str,
    ) -> Result<Vec<u8>, ValueError> {
        let air = &self.world.air;
        let missing = |found: &str| ValueError {
            path: format!("/{}", path.replace('.', "/")),
            expected: "the key of a cell".to_owned(),
            found: found.to_owned(),
        };
        let event = air.schemas.decode(schema, event)?;
        let key = at_path(&event, path).ok_or_else(|| missing("nothing"))?;
        let key_schema = air.reducers[reducer.index()].key_schema;
        air.schemas.encode(
            key_schema.ok_or_else(|| missing("a reducer without keys"))?,
            key,
        )
    }

    /// Finds what the reducer makes of the event, and applies it.
    fn run_step(&mut self, trace: &mut Trace, step: &mut Step, moment: Moment) {
        let is_due = self.scrutineer.is_due();
        let reducer = &self.world.air.reducers[step.reducer.index()];
        // With a context it gets the time and the journal's height: nothing comes twice.
        if reducer.context.is_some() || self.memo.is_none() {
            let reaction = self.take_step(trace, step, moment, is_due);
            return self.apply(trace, step, &reaction, moment.now_ns);
        }
        let mut memo = self.memo.take().unwrap_or_default();
        let key = Key::of(step);
        match memo.recall(&trace.values, &key).filter(|_| !is_due) {
            Some(reaction) => self.apply(trace, step, reaction, moment.now_ns),
            None => {
                let reaction = self.take_step(trace, step, moment, is_due);
                if !memo.agrees(key, &reaction) {
                    step.scrutiny = Scrutiny::differs("the step taken again", "another answer");
                }
                self.apply(trace, step, &reaction, moment.now_ns);
            }
        }
        self.memo = Some(memo);
    }

    /// Runs the code and checks what it gives.
    fn take_step(
        &mut self,
        trace: &mut Trace,
        step: &mut Step,
        moment: Moment,
        is_due: bool,
    ) -> Reaction {
        let world = self.world;
        self.steps_taken += 1;
        let reducer = &world.air.reducers[step.reducer.index()];
        let context = match reducer.context {
            None => None,
            Some(schema) => match self.context(trace, step, schema, moment) {
                Ok(context) => Some(context),
                Err(fault) => return Reaction::refused(step.before, fault),
            },
        };
        let input = StepInput {
            ctx: context.as_deref(),
            ..input_of(world, trace, step)
        };
        let mut output = std::mem::take(&mut self.output);
        let instance = &mut self.instances[step.reducer.index()];
        let fresh = match self.alone {
            Some(_) if instance.steps_since_renewal() > 0 => instance.renew(),
            _ => Ok(()),
        };
        let ran = fresh.and_then(|()| instance.step(&input, &mut output));
        if let Some(between) = &self.alone {
            let of_it = between
                .iter()
                .filter(|(reducer, _)| *reducer == step.reducer);
            let between: Vec<&[u8]> = of_it.map(|(_, envelope)| envelope.as_slice()).collect();
            let mut envelope = Vec::new();
            encode_envelope(&input, &mut envelope);
            step.scrutiny = check_alone(instance, &envelope, (&ran, &output), &between);
        } else if is_due {
            let reducer = step.reducer.index();
            let mut envelope = Vec::new();
            encode_envelope(&input, &mut envelope);
            let code = &world.codes[reducer];
            let answer = (&ran, &output);
            step.scrutiny = self.scrutineer.check(reducer, code, &envelope, answer);
        }
        let checked = match ran {
            Ok(()) => self.check_output(&mut trace.values, step.before, reducer, &output),
            Err(error @ StepError::BadEnvelope { .. }) => Err(Fault::Nonconforming {
                expected: "an output envelope".to_owned(),
                found: error.to_string(),
            }),
            Err(error) => Err(Fault::Stopped {
                what: error.to_string(),
                brief: error.brief(),
            }),
        };
        self.output = output;
        checked.unwrap_or_else(|fault| Reaction::refused(step.before, fault))
    }

    /// What comes of a reaction in this run.
    fn apply(&mut self, trace: &mut Trace, step: &mut Step, reaction: &Reaction, now_ns: u64) {
        step.after = reaction.after;
        step.fault.clone_from(&reaction.fault);
        step.annotations = reaction.annotations;
        step.annotations
            .iter()
            .for_each(|id| trace.count_stored(*id));
        if step.after != step.before {
            step.after.iter().for_each(|id| trace.count_stored(*id));
        }
        for event in &reaction.emitted {
            trace.count_stored(event.value);
            trace.emitted.push(event.clone());
        }
        if let Some(asked) = &reaction.asked {
            trace.count_stored(asked.params);
            let asker = Asker::Reducer {
                reducer: step.reducer,
                key: step.key,
            };
            self.ask(trace, asker, asked, now_ns);
        }
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
}

/// What a step is given, beside a context.
pub fn input_of<'a>(world: &'a World, trace: &'a Trace, step: &Step) -> StepInput<'a> {
    StepInput {
        state: step.before.map(|id| trace.bytes(id)),
        schema: world.air.schemas.name(step.schema),
        value: trace.bytes(step.event),
        key: step.key.map(|id| trace.bytes(id)),
        ctx: None,
    }
}

/// Whether an event of the reducer's own schema is a receipt of an effect that it asked for.
fn is_receipt_of(reducer: &Reducer, event: &Value) -> bool {
    reducer.receipt_arms.values().any(|arm| {
        let receipt = match (arm, event) {
            (None, event) => event,
            (Some(arm), Value::Variant { tag, value }) if arm == tag => value,
            _ => return false,
        };
        receipt.field("reducer").and_then(Value::as_text) == Some(&reducer.name)
    })
}
