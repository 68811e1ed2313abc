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

mod document;
mod outcome;
mod readiness;
mod steps;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::forms::DeclaredNames;
use super::generate::{START, World};
use super::types::Types;
use super::value::Val;
use super::{Notes, Planted};
use document::{Eyes, Plan, text};

pub use document::either;
pub use outcome::{Cause, Failure, Out};

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

pub struct Instance {
    pub id: u32,
    pub input: Val,
    pub vars: BTreeMap<String, Val>,
    pub results: BTreeMap<String, Val>,
    /// By step, in order of the ids.
    pub status: Vec<Status>,
    pub sent: Vec<Sent>,
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

    fn end(&mut self, which: usize, failure: Option<Failure>) {
        let cause = failure.as_ref().map(|failure| failure.cause);
        self.notes.note(cause.map_or("ended well", Cause::name));
        let instance = self.instances.remove(which).id;
        self.out.push(Out::Ended { instance, failure });
    }

    /// The names that the plan declares, for whoever evaluates beside it.
    pub fn names(&self) -> &DeclaredNames {
        &self.plan.world.names
    }

    pub fn steps(&self) -> &[&'w Json] {
        &self.plan.steps
    }
}
