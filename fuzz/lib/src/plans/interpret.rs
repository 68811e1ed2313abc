//! The reference interpreter: plan instances as the text of the format tells them, with nothing
//! remembered that can be worked out again.
//!
//! Where that text is silent, the choices of `sim` hold here too:
//! - What can no longer run is skipped before the next step is chosen, in order of ids, until
//!   nothing changes; a guard is evaluated once everything before its target is settled.
//! - An await takes a tick to begin, and one to end; one whose receipt is there already takes one.
//! - The first receipt of an intent counts; it closes the oldest open intent of that hash.
//! - A plan that has nothing left to run ends well, without a result.
//! - An invariant over what has no value has nothing to say.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sim::air::Hash;

use super::evaluate::{Class, Evaluator, Names, Scope, is_expression};
use super::generate::{EFFECTS, EXPIRY_NS, LATE, SHUT, START, World};
use super::value::{Ty, Types, Val, described};
use super::{Notes, Planted};

/// Why a plan instance ended before its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What failed, then names: a step, the ends of an edge, the number of an invariant.
    pub place: Vec<String>,
    pub cause: Cause,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Expression(Class),
    /// An invariant is false, or no bool.
    False,
    /// A condition is no bool.
    NotBool,
    /// An idempotency key is neither text nor bytes.
    Key,
    /// A value does not fit its schema.
    Misfit,
    /// The effect gate said no.
    Gate,
}

impl Cause {
    pub fn name(self) -> &'static str {
        match self {
            Cause::Expression(class) => class.name(),
            Cause::False => "false invariant",
            Cause::NotBool => "not a bool",
            Cause::Key => "bad key",
            Cause::Misfit => "misfit",
            Cause::Gate => "gate",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum Status {
    Pending,
    Waiting(Option<Val>),
    Completed,
    Skipped,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    pub handle: String,
    pub intent: String,
    pub receipt: Option<Val>,
}

/// What comes out of a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Out {
    Raised {
        schema: String,
        bytes: Vec<u8>,
    },
    Asked {
        kind: String,
        params: Vec<u8>,
        intent: String,
        allowed: bool,
    },
    Result {
        instance: u32,
        bytes: Vec<u8>,
    },
    Ended {
        instance: u32,
        failure: Option<Failure>,
    },
}

pub struct Instance {
    pub id: u32,
    pub input: Val,
    pub vars: BTreeMap<String, Val>,
    pub results: BTreeMap<String, Val>,
    /// By step, in order of the ids.
    pub status: Vec<Status>,
    pub sent: Vec<Sent>,
}

/// The plan as its document has it.
struct Plan<'w> {
    world: &'w World,
    /// In order of their ids.
    steps: Vec<&'w Json>,
    edges: &'w [Json],
    invariants: &'w [Json],
}

/// All instances, and the effects they asked for.
pub struct Interpreter<'w> {
    plan: Plan<'w>,
    planted: Planted,
    pub instances: Vec<Instance>,
    next_id: u32,
    /// Intent and instance, oldest first.
    pub open: Vec<(String, u32, usize)>,
    /// Every event so far: only for the fault of seeing earlier ones.
    past: Vec<(usize, Val)>,
    pub out: Vec<Out>,
    pub notes: Notes,
}

enum Readiness {
    Ready,
    NotYet,
    Never,
}

fn items(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

impl<'w> Plan<'w> {
    fn of(world: &'w World) -> Plan<'w> {
        let mut steps: Vec<&Json> = items(&world.plan["steps"]).iter().collect();
        steps.sort_by_key(|step| text(&step["id"]).as_bytes());
        Plan {
            world,
            steps,
            edges: items(&world.plan["edges"]),
            invariants: items(&world.plan["invariants"]),
        }
    }

    fn id(&self, step: usize) -> &'w str {
        text(&self.steps[step]["id"])
    }

    fn number(&self, id: &Json) -> usize {
        let found = self.steps.iter().position(|step| step["id"] == *id);
        found.unwrap_or(usize::MAX)
    }

    fn step_failure(&self, step: usize, cause: Cause) -> Failure {
        Failure {
            place: vec!["step".to_owned(), self.id(step).to_owned()],
            cause,
        }
    }
}

/// Evaluates expressions for an instance.
struct Eyes<'a> {
    world: &'a World,
    planted: Planted,
    notes: &'a mut Notes,
}

impl Eyes<'_> {
    fn evaluate(
        &mut self,
        instance: &Instance,
        event: Option<&Val>,
        json: &Json,
    ) -> Result<Val, Cause> {
        let scope = Scope {
            names: &self.world.names,
            input: &instance.input,
            vars: &instance.vars,
            steps: &instance.results,
            event,
        };
        let mut evaluator = Evaluator {
            scope,
            planted: self.planted,
            notes: self.notes,
        };
        evaluator.evaluate(json).map_err(Cause::Expression)
    }

    /// An expression or a plain value, canonical, and its bytes.
    fn typed(
        &mut self,
        instance: &Instance,
        json: &Json,
        schema: usize,
    ) -> Result<(Val, Vec<u8>), Cause> {
        let (types, ty) = (&self.world.types, Ty::Ref(schema));
        let value = match is_expression(json, &self.world.names, false) {
            true => {
                let value = self.evaluate(instance, None, json)?;
                types.fit(&ty, &value)
            }
            false => types.read(&ty, json),
        };
        let value = value.map_err(|_| Cause::Misfit)?;
        let bytes = types.bytes(&ty, &value);
        Ok((value, bytes))
    }
}

/// What an expression or a plain value gives before it is judged: a plain one that does not read
/// is told as a mismatch, since the loader must not have accepted it.
pub fn either(
    world: &World,
    json: &Json,
    schema: Option<usize>,
    evaluator: &mut Evaluator<'_>,
) -> Result<Val, Class> {
    match (is_expression(json, &world.names, false), schema) {
        (false, Some(schema)) => {
            let value = world.types.read(&Ty::Ref(schema), json);
            value.map_err(|_| Class::Type)
        }
        _ => evaluator.evaluate(json),
    }
}

impl<'w> Interpreter<'w> {
    pub fn new(world: &'w World, planted: Planted) -> Interpreter<'w> {
        Interpreter {
            plan: Plan::of(world),
            planted,
            instances: Vec::new(),
            next_id: 0,
            open: Vec::new(),
            past: Vec::new(),
            out: Vec::new(),
            notes: Notes::default(),
        }
    }

    fn evaluate(&mut self, which: usize, event: Option<&Val>, json: &Json) -> Result<Val, Cause> {
        let mut eyes = Eyes {
            world: self.plan.world,
            planted: self.planted,
            notes: &mut self.notes,
        };
        eyes.evaluate(&self.instances[which], event, json)
    }

    fn typed(&mut self, which: usize, json: &Json, schema: usize) -> Result<(Val, Vec<u8>), Cause> {
        let mut eyes = Eyes {
            world: self.plan.world,
            planted: self.planted,
            notes: &mut self.notes,
        };
        eyes.typed(&self.instances[which], json, schema)
    }

    /// An event arrives: shown to those that wait, then it may start an instance.
    pub fn event(&mut self, schema: usize, event: &Val) {
        for which in (0..self.instances.len()).rev() {
            if let Err(failure) = self.observe(which, schema, event) {
                self.end(which, Some(failure));
            }
        }
        if schema == START {
            self.start(event);
        }
        self.past.push((schema, event.clone()));
    }

    fn start(&mut self, event: &Val) {
        let mut vars = BTreeMap::new();
        if let Some(field) = &self.plan.world.correlate_by {
            let value = event.field(field).cloned().unwrap_or(Val::Null);
            vars.insert("correlation_id".to_owned(), value);
        }
        self.instances.push(Instance {
            id: self.next_id,
            input: event.clone(),
            vars,
            results: BTreeMap::new(),
            status: vec![Status::Pending; self.plan.steps.len()],
            sent: Vec::new(),
        });
        self.next_id += 1;
    }

    /// Every await that waits for the schema and whose condition is true has its event.
    fn observe(&mut self, which: usize, schema: usize, event: &Val) -> Result<(), Failure> {
        for step in 0..self.plan.steps.len() {
            let json = self.plan.steps[step];
            let waits = match self.instances[which].status[step] {
                Status::Waiting(None) => true,
                Status::Waiting(_) => self.planted == Planted::LastMatch,
                _ => false,
            };
            let wanted = Types::index(text(&json["event"])) == Some(schema);
            if json["op"] != "await_event" || !waits || !wanted {
                continue;
            }
            if self.matches(which, step, event)? {
                self.notes.note("matched");
                self.instances[which].status[step] = Status::Waiting(Some(event.clone()));
            } else {
                self.notes.note("not matched");
            }
        }
        Ok(())
    }

    fn matches(&mut self, which: usize, step: usize, event: &Val) -> Result<bool, Failure> {
        let condition = &self.plan.steps[step]["where"];
        if condition.is_null() {
            return Ok(true);
        }
        let cause = match self.evaluate(which, Some(event), condition) {
            Ok(Val::Bool(fits)) => return Ok(fits),
            Ok(_) => Cause::NotBool,
            Err(cause) => cause,
        };
        Err(self.plan.step_failure(step, cause))
    }

    /// A receipt of the oldest open intent with this hash; whether an instance took it.
    pub fn receipt(&mut self, intent: &str, receipt: &Val) -> bool {
        let Some(oldest) = self.open.iter().position(|open| open.0 == intent) else {
            return false;
        };
        let (_, id, _) = self.open.remove(oldest);
        let Some(instance) = self.instances.iter_mut().find(|it| it.id == id) else {
            return false;
        };
        let mut sent = instance.sent.iter_mut();
        let Some(sent) = sent.find(|it| it.intent == intent && it.receipt.is_none()) else {
            return false;
        };
        sent.receipt = Some(receipt.clone());
        true
    }

    /// What the next tick of an instance would run. Ends it if it cannot go on.
    pub fn next(&mut self, which: usize) -> Option<usize> {
        let next = self.skip(which).and_then(|()| self.first_ready(which));
        match next {
            Ok(Some(step)) => Some(step),
            Ok(None) => {
                let settled = |it: &Status| matches!(it, Status::Completed | Status::Skipped);
                if self.instances[which].status.iter().all(settled) {
                    self.end(which, None);
                }
                None
            }
            Err(failure) => {
                self.end(which, Some(failure));
                None
            }
        }
    }

    fn skip(&mut self, which: usize) -> Result<(), Failure> {
        loop {
            let mut skipped = false;
            for step in 0..self.plan.steps.len() {
                if self.instances[which].status[step] != Status::Pending {
                    continue;
                }
                if let Readiness::Never = self.readiness(which, step)? {
                    self.instances[which].status[step] = Status::Skipped;
                    self.notes.note("skipped");
                    skipped = true;
                }
            }
            if !skipped {
                return Ok(());
            }
        }
    }

    fn first_ready(&mut self, which: usize) -> Result<Option<usize>, Failure> {
        let mut found = None;
        for step in 0..self.plan.steps.len() {
            let ready = match &self.instances[which].status[step] {
                Status::Pending => matches!(self.readiness(which, step)?, Readiness::Ready),
                Status::Waiting(Some(_)) => true,
                Status::Waiting(None) => self.receipt_of(which, step).is_some(),
                _ => false,
            };
            if ready && (found.is_none() || self.planted == Planted::HighestIdFirst) {
                found = Some(step);
            }
        }
        Ok(found)
    }

    fn readiness(&mut self, which: usize, step: usize) -> Result<Readiness, Failure> {
        let id = &self.plan.steps[step]["id"];
        let into: Vec<&Json> = self
            .plan
            .edges
            .iter()
            .filter(|it| it["to"] == *id)
            .collect();
        let status = |plan: &Plan<'_>, edge: &Json, instance: &Instance| {
            instance.status[plan.number(&edge["from"])].clone()
        };
        for edge in &into {
            match status(&self.plan, edge, &self.instances[which]) {
                Status::Pending | Status::Waiting(_) => return Ok(Readiness::NotYet),
                Status::Skipped if self.planted == Planted::SkippedIsUnsettled => {
                    return Ok(Readiness::NotYet);
                }
                _ => {}
            }
        }
        let (mut live, mut blocked) = (0, 0);
        for edge in &into {
            if status(&self.plan, edge, &self.instances[which]) == Status::Skipped {
                continue;
            }
            match self.guard(which, edge)? {
                true => live += 1,
                false => blocked += 1,
            }
        }
        let joins = into.len() > 1;
        Ok(match (into.len(), live, blocked) {
            (0, _, _) => Readiness::Ready,
            (count, 1.., 0) => {
                if joins {
                    self.notes.note(if live == count {
                        "join"
                    } else {
                        "join after a branch"
                    });
                }
                Readiness::Ready
            }
            _ => Readiness::Never,
        })
    }

    fn guard(&mut self, which: usize, edge: &Json) -> Result<bool, Failure> {
        if edge["when"].is_null() || self.planted == Planted::GuardsIgnored {
            return Ok(true);
        }
        let cause = match self.evaluate(which, None, &edge["when"]) {
            Ok(Val::Bool(flag)) => {
                self.notes
                    .note(if flag { "guard true" } else { "guard false" });
                return Ok(flag);
            }
            Ok(_) => Cause::NotBool,
            Err(cause) => cause,
        };
        let ends = ["from", "to"].map(|end| text(&edge[end]).to_owned());
        let place = ["guard".to_owned()].into_iter().chain(ends).collect();
        Err(Failure { place, cause })
    }

    /// The receipt that an await is for, if it is there.
    fn receipt_of(&self, which: usize, step: usize) -> Option<Val> {
        let reference = text(&self.plan.steps[step]["for"]["ref"]);
        let handle = match reference.strip_prefix("@step:") {
            Some(id) => {
                let emit = self.plan.steps.iter().find(|step| step["id"] == id)?;
                text(&emit["bind"]["effect_id_as"])
            }
            None => reference.strip_prefix("@var:")?,
        };
        let mut sent = self.instances[which].sent.iter();
        sent.find(|sent| sent.handle == handle)?.receipt.clone()
    }

    /// Runs a step that [`Interpreter::next`] gave.
    pub fn tick(&mut self, which: usize, step: usize, now_ns: u64) {
        let json = self.plan.steps[step];
        self.note_operation(json);
        let done = match text(&json["op"]) {
            "assign" => self.assign(which, step),
            "raise_event" => self.raise(which, step),
            "emit_effect" => self.emit(which, step, now_ns),
            "await_receipt" => self.await_receipt(which, step),
            "await_event" => self.await_event(which, step),
            _ => return self.finish(which, step),
        };
        let failure = match done {
            // An await that begins completes nothing.
            Ok(false) => return,
            Ok(true) => {
                self.instances[which].status[step] = Status::Completed;
                self.broken_invariant(which, step)
            }
            Err(cause) => Some(self.plan.step_failure(step, cause)),
        };
        if failure.is_some() {
            self.end(which, failure);
        }
    }

    fn note_operation(&mut self, json: &Json) {
        const OPERATIONS: [&str; 6] = [
            "assign",
            "raise_event",
            "emit_effect",
            "await_receipt",
            "await_event",
            "end",
        ];
        if let Some(name) = OPERATIONS.iter().find(|name| json["op"] == **name) {
            self.notes.note(name);
        }
    }

    /// Keeps a value as the variable and as the step.
    fn keep(&mut self, which: usize, step: usize, var: &str, value: Val) {
        let instance = &mut self.instances[which];
        instance.vars.insert(var.to_owned(), value.clone());
        let id = self.plan.id(step).to_owned();
        instance.results.insert(id, value);
    }

    fn assign(&mut self, which: usize, step: usize) -> Result<bool, Cause> {
        let json = self.plan.steps[step];
        let var = text(&json["bind"]["as"]);
        let schema = Types::index(text(&self.plan.world.plan["locals"][var]));
        let judged = self.planted != Planted::LocalsUnjudged;
        let expression = is_expression(&json["expr"], &self.plan.world.names, false);
        let value = match schema {
            Some(schema) if judged || !expression => self.typed(which, &json["expr"], schema)?.0,
            _ => self.evaluate(which, None, &json["expr"])?,
        };
        self.keep(which, step, var, value);
        Ok(true)
    }

    fn raise(&mut self, which: usize, step: usize) -> Result<bool, Cause> {
        let json = self.plan.steps[step];
        let schema = Types::index(text(&json["event"])).unwrap_or(START);
        let (_, bytes) = self.typed(which, &json["value"], schema)?;
        self.out.push(Out::Raised {
            schema: Types::name(schema),
            bytes: described(&bytes),
        });
        Ok(true)
    }

    fn emit(&mut self, which: usize, step: usize, now_ns: u64) -> Result<bool, Cause> {
        let json = self.plan.steps[step];
        let effect = EFFECTS
            .iter()
            .position(|effect| json["kind"] == effect.0)
            .unwrap_or(0);
        let (kind, schema, _) = EFFECTS[effect];
        // All that is evaluated comes first; what the parameters are judged by comes after.
        let expression = is_expression(&json["params"], &self.plan.world.names, false);
        let params = match expression {
            true => Some(self.evaluate(which, None, &json["params"])?),
            false => None,
        };
        let key = match &json["idempotency_key"] {
            Json::Null => vec![0; 32],
            key => match self.evaluate(which, None, key)? {
                Val::Text(text) => text.into_bytes(),
                Val::Bytes(bytes) => bytes,
                _ => return Err(Cause::Key),
            },
        };
        let (types, ty) = (&self.plan.world.types, Ty::Ref(schema));
        let params = match params {
            Some(value) => types.fit(&ty, &value),
            None => types.read(&ty, &json["params"]),
        };
        let params = types.bytes(&ty, &params.map_err(|_| Cause::Misfit)?);
        let grant = text(&json["cap"]);
        let allowed = grant != SHUT && !(grant == LATE && now_ns >= EXPIRY_NS);
        let mut hashed = vec![0x84];
        hashed.extend(Val::text(kind).cbor());
        hashed.extend(&params);
        hashed.extend(Val::text(grant).cbor());
        hashed.extend(Val::Bytes(key).cbor());
        let intent = Hash::of(&described(&hashed)).to_string();
        self.out.push(Out::Asked {
            kind: kind.to_owned(),
            params: described(&params),
            intent: intent.clone(),
            allowed,
        });
        if !allowed {
            return Err(Cause::Gate);
        }
        let handle = text(&json["bind"]["effect_id_as"]);
        self.open
            .push((intent.clone(), self.instances[which].id, effect));
        self.keep(which, step, handle, Val::text(&intent));
        self.instances[which].sent.push(Sent {
            handle: handle.to_owned(),
            intent,
            receipt: None,
        });
        Ok(true)
    }

    fn await_receipt(&mut self, which: usize, step: usize) -> Result<bool, Cause> {
        let json = self.plan.steps[step];
        self.evaluate(which, None, &json["for"])?;
        let Some(receipt) = self.receipt_of(which, step) else {
            self.instances[which].status[step] = Status::Waiting(None);
            return Ok(false);
        };
        self.keep(which, step, text(&json["bind"]["as"]), receipt);
        Ok(true)
    }

    fn await_event(&mut self, which: usize, step: usize) -> Result<bool, Cause> {
        let json = self.plan.steps[step];
        let wanted = Types::index(text(&json["event"]));
        let event = match self.instances[which].status[step].clone() {
            Status::Waiting(Some(event)) => event,
            _ => {
                let mut past = self.past.iter().rev();
                let past = past.find(|(schema, _)| Some(*schema) == wanted);
                let seen = past.filter(|_| self.planted == Planted::SeesEarlierEvents);
                self.instances[which].status[step] = Status::Waiting(seen.map(|it| it.1.clone()));
                return Ok(false);
            }
        };
        self.keep(which, step, text(&json["bind"]["as"]), event);
        Ok(true)
    }

    /// The result is evaluated, the invariants are checked, and what holds then is told.
    fn finish(&mut self, which: usize, step: usize) {
        let result = &self.plan.steps[step]["result"];
        let names = &self.plan.world.names;
        let output = Types::index(text(&self.plan.world.plan["output"]));
        let value = match output.filter(|_| is_expression(result, names, false)) {
            Some(_) => self.evaluate(which, None, result).map(Some),
            None => Ok(None),
        };
        let failure = match value {
            Err(cause) => Some(self.plan.step_failure(step, cause)),
            Ok(value) => self.broken_invariant(which, step).or_else(|| {
                let told = self.tell(which, result, output?, value);
                told.err().map(|cause| self.plan.step_failure(step, cause))
            }),
        };
        self.end(which, failure);
    }

    /// `value` is that of an expression; a plain one is read.
    fn tell(
        &mut self,
        which: usize,
        result: &Json,
        output: usize,
        value: Option<Val>,
    ) -> Result<(), Cause> {
        let (types, ty) = (&self.plan.world.types, Ty::Ref(output));
        let value = match value {
            Some(value) => types.fit(&ty, &value),
            None => types.read(&ty, result),
        };
        let bytes = described(&types.bytes(&ty, &value.map_err(|_| Cause::Misfit)?));
        let instance = self.instances[which].id;
        self.out.push(Out::Result { instance, bytes });
        Ok(())
    }

    fn broken_invariant(&mut self, which: usize, step: usize) -> Option<Failure> {
        if self.planted == Planted::InvariantsIgnored {
            return None;
        }
        for (index, invariant) in self.plan.invariants.iter().enumerate() {
            let cause = match self.evaluate(which, None, invariant) {
                Ok(Val::Bool(true)) | Err(Cause::Expression(Class::Missing)) => continue,
                Ok(_) => Cause::False,
                Err(cause) => cause,
            };
            let id = self.plan.id(step).to_owned();
            let place = vec!["invariant".to_owned(), index.to_string(), id];
            return Some(Failure { place, cause });
        }
        None
    }

    fn end(&mut self, which: usize, failure: Option<Failure>) {
        let cause = failure.as_ref().map(|failure| failure.cause);
        self.notes.note(cause.map_or("ended well", Cause::name));
        let instance = self.instances.remove(which).id;
        self.out.push(Out::Ended { instance, failure });
    }

    /// The names that the plan declares, for whoever evaluates beside it.
    pub fn names(&self) -> &Names {
        &self.plan.world.names
    }

    pub fn steps(&self) -> &[&'w Json] {
        &self.plan.steps
    }
}
