//! Drives `sim` and the reference through the same world, and says where they differ.
//!
//! First every expression of the plan alone, on a scope that no run has made; then the plan, a
//! move at a time: which step runs, what comes out of it, what the instances hold, which steps are
//! skipped, how and why an instance ends. Values are compared by kind and canonical bytes; errors
//! by class and place, as far as `sim` tells them.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

use serde_json::Value as Json;
use sim::air::{self, Air, EvalError, Expr, ExprOrValue, Hash, Op, SchemaId, Scope, Source, Value};
use sim::kernel::{Kernel, PlanInstance, PlanStatus, World as SimWorld};
use sim::trace::{Record, Trace};

use super::dice::Dice;
use super::evaluate::{self, Class, Evaluator};
use super::generate::{EFFECTS, EVENTS, Move, World};
use super::interpret::{Cause, Failure, Instance, Interpreter, Out, Status, either};
use super::value::{Ty, Types, Val, described};
use super::{Ending, Notes, Planted, Tally};

/// Ticks after the last move, so that most plans come to an end.
const LAST_TICKS: usize = 32;
/// Instances beyond this many are not ticked: each event may start one.
const MOST_INSTANCES: usize = 4;

/// Something that the two do not agree on, told in full.
#[derive(Debug)]
pub struct Difference(pub String);

type Compared<T> = Result<T, Difference>;

/// Loads the world and holds `sim` against the reference.
pub fn compare(world: &World, planted: Planted) -> Compared<Ending> {
    let source = Source {
        file: "world.air.json".to_owned(),
        text: world.documents.to_string(),
    };
    let air = match air::load(&[source]) {
        Ok(air) => air,
        Err(_) if !world.clean => return Ok(Ending::Refused),
        Err(error) => {
            let message = format!("a world that should be sound is refused: {error}\n");
            return Err(Difference(message + &pretty(&world.documents)));
        }
    };
    let mut notes = Notes::default();
    Probe::new(world, planted, &mut notes).expressions(&air)?;
    let sim_world = SimWorld::new(air, Vec::new());
    let mut run = Run::new(world, &sim_world, planted)?;
    let within_limits = run.all()?;
    notes.add(&run.reference.notes);
    Ok(Ending::Agrees(Tally {
        clean: world.clean,
        within_limits,
        notes,
    }))
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

fn differ(world: &World, what: &str, sim: impl Debug, reference: impl Debug) -> Difference {
    let mut text = format!("{what}\n  sim:       {sim:?}\n  reference: {reference:?}\n");
    let _ = write!(text, "moves: {:?}\ndocuments: ", world.moves);
    text.push_str(&pretty(&world.documents));
    Difference(text)
}

fn class(error: &EvalError) -> Class {
    match error {
        EvalError::Missing(_) => Class::Missing,
        EvalError::Type { .. } => Class::Type,
        EvalError::Overflow(_) => Class::Overflow,
        EvalError::DivisionByZero(_) => Class::ByZero,
        EvalError::NotFound { .. } => Class::NotThere,
        EvalError::DuplicateKey => Class::SameKey,
        EvalError::Limit { .. } => Class::Limit,
    }
}

/// Every expression of a plan, on a scope whose values are only of the right types.
struct Probe<'a> {
    world: &'a World,
    planted: Planted,
    notes: &'a mut Notes,
    input: Val,
    vars: BTreeMap<String, Val>,
    steps: BTreeMap<String, Val>,
    event_bytes: Vec<u8>,
}

impl<'a> Probe<'a> {
    fn new(world: &'a World, planted: Planted, notes: &'a mut Notes) -> Probe<'a> {
        let mut dice = Dice::new(&world.scope);
        let mut some = |types: &BTreeMap<String, Ty>| {
            let mut scope = BTreeMap::new();
            for (name, ty) in types {
                let value = world.types.value(ty, &mut dice);
                if !dice.one_in(8) {
                    scope.insert(name.clone(), value);
                }
            }
            scope
        };
        let (vars, steps) = (some(&world.var_types), some(&world.step_types));
        let input = world.event(EVENTS[0], &world.scope);
        Probe {
            world,
            planted,
            notes,
            input,
            vars,
            steps,
            event_bytes: world.scope.clone(),
        }
    }

    fn expressions(&mut self, air: &Air) -> Compared<()> {
        let plan = &air.plans[0];
        let document = |id: &str| {
            let mut steps = self.world.plan["steps"].as_array().into_iter().flatten();
            steps
                .find(|step| step["id"] == id)
                .cloned()
                .unwrap_or_default()
        };
        for step in &plan.steps {
            let json = document(&step.id);
            let schema = |name: &str| Types::index(json[name].as_str().unwrap_or_default());
            match &step.op {
                Op::Assign { expr, var } => {
                    let local = plan.locals.get(var);
                    let local = local.and_then(|id| Types::index(air.schemas.name(*id)));
                    self.either(&json["expr"], expr, local)?;
                }
                Op::RaiseEvent { value, .. } => {
                    self.either(&json["value"], value, schema("event"))?;
                }
                Op::EmitEffect {
                    params,
                    idempotency_key,
                    ..
                } => {
                    let effect = EFFECTS.iter().find(|effect| json["kind"] == effect.0);
                    self.either(&json["params"], params, effect.map(|effect| effect.1))?;
                    if let Some(key) = idempotency_key {
                        self.expr(&json["idempotency_key"], key, None)?;
                    }
                }
                Op::AwaitEvent { condition, .. } => {
                    if let (Some(condition), Some(schema)) = (condition, schema("event")) {
                        let event = self.world.event(schema, &self.event_bytes);
                        self.expr(&json["where"], condition, Some(&event))?;
                    }
                }
                Op::End { result } => {
                    let output = self.world.plan["output"].as_str().and_then(Types::index);
                    if let Some(result) = result {
                        self.either(&json["result"], result, output)?;
                    }
                }
                Op::AwaitReceipt { .. } => {}
            }
        }
        for (edge, json) in plan.edges.iter().zip(array(&self.world.plan["edges"])) {
            if let Some(guard) = &edge.when {
                self.expr(&json["when"], guard, None)?;
            }
        }
        for (invariant, json) in plan
            .invariants
            .iter()
            .zip(array(&self.world.plan["invariants"]))
        {
            self.expr(json, invariant, None)?;
        }
        Ok(())
    }

    fn expr(&mut self, json: &Json, expr: &Expr, event: Option<&Val>) -> Compared<()> {
        self.value(json, &ExprOrValue::Expr(expr.clone()), None, event)
    }

    fn either(&mut self, json: &Json, found: &ExprOrValue, to: Option<usize>) -> Compared<()> {
        self.value(json, found, to, None)
    }

    fn value(
        &mut self,
        json: &Json,
        found: &ExprOrValue,
        schema: Option<usize>,
        event: Option<&Val>,
    ) -> Compared<()> {
        let (input, vars, steps) = (
            Value::from(&self.input),
            values(&self.vars),
            values(&self.steps),
        );
        let sim_event = event.map(Value::from);
        let sim = found.eval(&Scope {
            input: &input,
            vars: &vars,
            steps: &steps,
            event: sim_event.as_ref(),
        });
        let sim = sim
            .map(|value| Val::from(&value))
            .map_err(|error| class(&error));
        let mut evaluator = Evaluator {
            scope: evaluate::Scope {
                names: &self.world.names,
                input: &self.input,
                vars: &self.vars,
                steps: &self.steps,
                event,
            },
            planted: self.planted,
            notes: self.notes,
        };
        let reference = either(self.world, json, schema, &mut evaluator);
        if self.world.clean && sim == Err(Class::Type) {
            let what = format!("a well-typed expression is of a wrong type: {json}");
            return Err(differ(self.world, &what, sim, reference));
        }
        match sim == reference || sim == Err(Class::Limit) {
            true => Ok(()),
            false => {
                let scope = format!(
                    "input {:?}\nvars {:?}\nsteps {:?}\nevent {event:?}",
                    self.input, self.vars, self.steps
                );
                let what = format!("an expression differs: {json}\n{scope}");
                Err(differ(self.world, &what, sim, reference))
            }
        }
    }
}

fn array(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn values(of: &BTreeMap<String, Val>) -> BTreeMap<String, Value> {
    let pair = |(name, value): (&String, &Val)| (name.clone(), Value::from(value));
    of.iter().map(pair).collect()
}

/// What an instance holds, as either side tells it.
#[derive(PartialEq, Debug)]
struct Held {
    id: u32,
    status: Vec<Status>,
    vars: BTreeMap<String, Val>,
    steps: BTreeMap<String, Val>,
}

impl Held {
    fn by_sim(instance: &PlanInstance, names: &evaluate::Names) -> Held {
        let vals = |of: &BTreeMap<String, Value>| -> BTreeMap<String, Val> {
            of.iter()
                .map(|(name, value)| (name.clone(), value.into()))
                .collect()
        };
        let status = |(step, status): (usize, &PlanStatus)| match status {
            PlanStatus::Pending => Status::Pending,
            PlanStatus::Waiting => Status::Waiting(None),
            PlanStatus::Arrived => Status::Waiting(instance.arrived(step).map(Val::from)),
            PlanStatus::Completed => Status::Completed,
            PlanStatus::Skipped => Status::Skipped,
        };
        let mut steps = vals(instance.results());
        // It keeps what a step raised too, which nothing can refer to.
        steps.retain(|id, _| names.steps.contains(id));
        Held {
            id: instance.id,
            status: instance.statuses().iter().enumerate().map(status).collect(),
            vars: vals(instance.vars()),
            steps,
        }
    }

    fn by_reference(instance: &Instance) -> Held {
        Held {
            id: instance.id,
            status: instance.status.clone(),
            vars: instance.vars.clone(),
            steps: instance.results.clone(),
        }
    }
}

/// One run of both.
struct Run<'w> {
    world: &'w World,
    air: &'w Air,
    kernel: Kernel<'w>,
    trace: Trace,
    reference: Interpreter<'w>,
    /// What was read of the trace: journal records, events, intents.
    read: (usize, usize, usize),
    now_ns: u64,
}

impl<'w> Run<'w> {
    fn new(world: &'w World, sim_world: &'w SimWorld, planted: Planted) -> Compared<Run<'w>> {
        let kernel = Kernel::new(sim_world);
        let kernel = kernel.map_err(|error| Difference(format!("no kernel: {error:?}")))?;
        Ok(Run {
            world,
            air: &sim_world.air,
            kernel,
            trace: Trace::default(),
            reference: Interpreter::new(world, planted),
            read: (0, 0, 0),
            now_ns: 0,
        })
    }

    /// All moves; whether no limit of `sim` ended it early, which the reference does not have.
    fn all(&mut self) -> Compared<bool> {
        let world = self.world;
        self.event(0, &world.scope)?;
        let last = Move::Tick { which: 0 };
        let rest = std::iter::repeat_n(&last, LAST_TICKS);
        for next in world.moves.iter().chain(rest) {
            self.now_ns += 1;
            match next {
                Move::Tick { which } => self.tick(*which)?,
                Move::Receipt { which, value } => self.receipt(*which, value)?,
                Move::Event { which, value } => self.event(*which, value)?,
            }
            if !self.agree(&format!("after {next:?} at {}", self.now_ns))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn event(&mut self, which: usize, value: &[u8]) -> Compared<()> {
        let schema = EVENTS[which % EVENTS.len()];
        let event = self.world.event(schema, value);
        let (id, bytes) = self.canonical(schema, &event)?;
        let span = self.trace.store(&bytes);
        let now_ns = self.now_ns;
        self.kernel
            .accept(&mut self.trace, (id, span), None, now_ns);
        self.reference.event(schema, &event);
        Ok(())
    }

    /// The canonical bytes of a value, on which both must agree.
    fn canonical(&self, schema: usize, value: &Val) -> Compared<(SchemaId, Vec<u8>)> {
        let name = Types::name(schema);
        let id = self.air.schemas.find(&name);
        let id = id.ok_or_else(|| Difference(format!("no schema {name}")))?;
        let bytes = described(&self.world.types.bytes(&Ty::Ref(schema), value));
        let by_sim = self.air.schemas.encode(id, &Value::from(value));
        match by_sim {
            Ok(by_sim) if by_sim == bytes => Ok((id, bytes)),
            other => {
                let what = format!("canonical bytes of {value:?} differ");
                Err(differ(self.world, &what, other, bytes))
            }
        }
    }

    /// A tick of an instance; if it has nothing to do, what it may wait for.
    fn tick(&mut self, which: usize) -> Compared<()> {
        let count = self.kernel.plans().len();
        if count != self.reference.instances.len() {
            let reference = self.reference.instances.len();
            return Err(differ(self.world, "other instances", count, reference));
        }
        if count == 0 {
            return Ok(());
        }
        let index = which % count.min(MOST_INSTANCES);
        let sim = self.kernel.next_step(&mut self.trace, index);
        let reference = self.reference.next(index);
        if sim != reference {
            let id =
                |step: Option<usize>| step.map(|step| self.reference.steps()[step]["id"].clone());
            let what = format!("another step comes next at {}", self.now_ns);
            return Err(differ(self.world, &what, id(sim), id(reference)));
        }
        let Some(step) = sim else {
            // It waits, or has ended: what it may wait for happens.
            return match self.reference.open.is_empty() {
                false => self.receipt(which, &[1, 1, 1, 1]),
                true => self.event(1 + which % 2, &[which as u8, 1, 1, 1]),
            };
        };
        self.kernel
            .tick(&mut self.trace, index, step, false, self.now_ns);
        self.reference.tick(index, step, self.now_ns);
        Ok(())
    }

    fn receipt(&mut self, which: usize, value: &[u8]) -> Compared<()> {
        let count = self.reference.open.len();
        if count == 0 {
            return Ok(());
        }
        let (intent, _, effect) = self.reference.open[which % count].clone();
        let receipt = self.world.event(EFFECTS[effect].2, value);
        let (_, bytes) = self.canonical(EFFECTS[effect].2, &receipt)?;
        let span = self.trace.store(&bytes);
        let hash = intent.parse::<Hash>();
        let hash = hash.map_err(|_| Difference(format!("no hash: {intent}")))?;
        let hash = self.trace.values.intent(&hash);
        let mut open = self.kernel.open_intents().iter();
        let open = open.find(|open| open.hash == hash).copied();
        let sim = open.is_some_and(|open| self.kernel.receive(&mut self.trace, &open, span));
        let reference = self.reference.receipt(&intent, &receipt);
        match sim == reference {
            true => Ok(()),
            false => Err(differ(
                self.world,
                "a receipt is taken by one",
                sim,
                reference,
            )),
        }
    }

    /// Whether the two still agree; no if `sim` came to a limit, which ends the comparison.
    fn agree(&mut self, when: &str) -> Compared<bool> {
        let sim = self.outs();
        let limit = |out: &Out| match out {
            Out::Ended { failure, .. } => failure
                .as_ref()
                .is_some_and(|failure| failure.cause == Cause::Expression(Class::Limit)),
            _ => false,
        };
        if sim.iter().any(limit) {
            return Ok(false);
        }
        let reference = std::mem::take(&mut self.reference.out);
        if sim != reference {
            let what = format!("what comes out differs {when}");
            return Err(differ(self.world, &what, sim, reference));
        }
        let names = self.reference.names();
        let plans = self.kernel.plans().iter();
        let sim: Vec<Held> = plans.map(|plan| Held::by_sim(plan, names)).collect();
        let instances = self.reference.instances.iter();
        let reference: Vec<Held> = instances.map(Held::by_reference).collect();
        match sim == reference {
            true => Ok(true),
            false => {
                let what = format!("instances differ {when}");
                Err(differ(self.world, &what, sim, reference))
            }
        }
    }

    /// What has come out of `sim` since this was last asked.
    fn outs(&mut self) -> Vec<Out> {
        let trace = &self.trace;
        let (journal, emitted, intents) = self.read;
        self.read = (
            trace.journal.len(),
            trace.emitted.len(),
            trace.intents.len(),
        );
        let mut outs = Vec::new();
        for event in &trace.emitted[emitted..] {
            outs.push(Out::Raised {
                schema: self.air.schemas.name(event.schema).to_owned(),
                bytes: trace.bytes(event.value).to_vec(),
            });
        }
        for intent in &trace.intents[intents..] {
            outs.push(Out::Asked {
                kind: self.air.effects[intent.effect.index()].kind.clone(),
                params: trace.bytes(intent.params).to_vec(),
                intent: trace.values.intent_hash(intent.hash).to_string(),
                allowed: intent.allowed,
            });
        }
        for record in &trace.journal[journal..] {
            outs.extend(match record {
                Record::PlanResult {
                    instance, result, ..
                } => Some(Out::Result {
                    instance: *instance,
                    bytes: trace.bytes(*result).to_vec(),
                }),
                Record::PlanEnded {
                    instance, error, ..
                } => Some(Out::Ended {
                    instance: *instance,
                    failure: error.as_deref().map(failure),
                }),
                _ => None,
            });
        }
        outs
    }
}

/// What the text of an error says: the journal keeps no more.
fn failure(error: &str) -> Failure {
    let mut names = error.split('`').skip(1).step_by(2).map(str::to_owned);
    let mut place = Vec::new();
    let rest = if let Some(rest) = error.strip_prefix("the guard from ") {
        place.push("guard".to_owned());
        place.extend(names.by_ref().take(2));
        rest.splitn(5, '`').nth(4)
    } else if let Some(rest) = error.strip_prefix("invariant ") {
        place.push("invariant".to_owned());
        place.extend(rest.split(' ').next().map(str::to_owned));
        place.extend(names.next());
        match rest.contains(" is false after ") {
            true => Some(" is false"),
            false => rest.splitn(3, '`').nth(2),
        }
    } else {
        place.push("step".to_owned());
        place.extend(names.next());
        error.splitn(3, '`').nth(2)
    };
    let cause = cause(rest.unwrap_or_default());
    Failure { place, cause }
}

/// The cause, by the words of its message.
fn cause(text: &str) -> Cause {
    let expression = [
        ("has no value here", Class::Missing),
        ("overflows 64 bits", Class::Overflow),
        ("by zero", Class::ByZero),
        ("is not there", Class::NotThere),
        ("the same key twice in a map", Class::SameKey),
    ];
    let ends = expression.iter().find(|(words, _)| text.ends_with(words));
    match ends {
        Some((_, class)) => Cause::Expression(*class),
        None if text.contains("the expression needs more than") => Cause::Expression(Class::Limit),
        None if text == " is false" => Cause::False,
        None if text.ends_with("is not a bool") => Cause::NotBool,
        None if text.contains("the idempotency key is neither") => Cause::Key,
        None if text.contains("the effect gate said no") => Cause::Gate,
        None if text.starts_with(": at ") => Cause::Misfit,
        None => Cause::Expression(Class::Type),
    }
}
