//! What a step does when it is run: the operations, and the invariants after each.

use serde_json::Value as Json;
use sim::air::Hash;

use super::document::text;
use super::{Cause, Failure, Interpreter, Out, Sent, Status};
use crate::plans::Planted;
use crate::plans::evaluate::Class;
use crate::plans::forms::is_expression;
use crate::plans::generate::{EFFECTS, EXPIRY_NS, LATE, SHUT, START};
use crate::plans::types::{Ty, Types};
use crate::plans::value::{Val, described};

impl Interpreter<'_> {
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
}
