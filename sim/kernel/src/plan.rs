//! One plan instance: how far each of its steps is, and what it holds.
//!
//! A tick runs one ready step, in step-id order. The instance evaluates and keeps variables; it
//! sends nothing: what a step asks of the kernel comes back as an [`Action`].

mod arrivals;
mod error;
mod held;
mod packed;
mod readiness;
mod tick;

use std::collections::BTreeMap;

use smallvec::{SmallVec, smallvec};

use held::{Held, NOTHING};
use sim_air::{Op, Plan, PlanId, Scope, Value};
use sim_record::trace::{Element, Key, Packer, Trace, Unpacker, ValueId};

pub use error::PlanError;
pub use tick::Action;

/// Plans of so many steps need no memory of their own for how far each is.
const FEW_STEPS: usize = 8;

/// A running plan. Small as long as it evaluates nothing, as one does whose answers are chosen for
/// it: runs start many, and the explorer keeps them by the thousand.
#[derive(Debug)]
pub struct PlanInstance {
    /// Unique in the run.
    pub id: u32,
    /// Which plan it is an instance of.
    pub plan: PlanId,
    /// The canonical bytes of the event that started it.
    pub input_bytes: ValueId,
    status: SmallVec<[PlanStatus; FEW_STEPS]>,
    /// None as long as it holds nothing.
    held: Option<Box<Held>>,
}

impl Clone for PlanInstance {
    fn clone(&self) -> PlanInstance {
        PlanInstance {
            id: self.id,
            plan: self.plan,
            input_bytes: self.input_bytes,
            status: SmallVec::from_slice(&self.status),
            held: self.held.clone(),
        }
    }
}

/// How far a step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanStatus {
    /// Something before it is not settled yet, or its turn has not come.
    Pending,
    /// An await whose turn has come.
    Waiting,
    /// An await whose event is there, see [`PlanInstance::arrived`], and that goes on with it.
    Arrived,
    /// It has run, and what it gave is there.
    Completed,
    /// It can no longer run, since no way leads to it.
    Skipped,
}

impl PlanStatus {
    const ALL: [PlanStatus; 5] = [
        PlanStatus::Pending,
        PlanStatus::Waiting,
        PlanStatus::Arrived,
        PlanStatus::Completed,
        PlanStatus::Skipped,
    ];
}

/// Whether a plan evaluates something beside what its steps do: guards, conditions, invariants.
pub fn has_conditions(plan: &Plan) -> bool {
    !plan.invariants.is_empty()
        || plan.edges.iter().any(|edge| edge.when.is_some())
        || plan
            .steps
            .iter()
            .any(|step| matches!(step.op, Op::AwaitEvent { .. }))
}

/// What an instance holds, with ids exchanged if `packed` does that.
fn unpack_held(packed: &mut Unpacker<'_>, trace: &Trace) -> Held {
    let mut held = packed.as_packed(Held::unpack);
    if let Some(renaming) = packed.renaming() {
        held.rename(renaming, (packed, trace));
    }
    held
}

impl PlanInstance {
    /// An instance at its beginning; `definition` is the plan of that id.
    pub fn new(id: u32, plan: PlanId, definition: &Plan, input_bytes: ValueId) -> PlanInstance {
        PlanInstance {
            id,
            plan,
            input_bytes,
            status: smallvec![PlanStatus::Pending; definition.steps.len()],
            held: None,
        }
    }

    /// Appends it as [`PlanInstance::unpack`] reads it.
    pub fn pack(&self, packer: &mut Packer<'_>) {
        packer
            .number(self.id.into())
            .count(self.plan.index())
            .value(self.input_bytes)
            .count(self.status.len());
        for status in &self.status {
            packer.number(*status as u64);
        }
        packer.flag(self.held.is_some());
        if let Some(held) = &self.held {
            held.pack(packer);
        }
    }

    /// Takes back what [`PlanInstance::pack`] packed, in the same process.
    pub fn unpack(packed: &mut Unpacker<'_>, trace: &Trace) -> PlanInstance {
        let (id, plan) = (packed.small(), PlanId::new(packed.count()));
        let input_bytes = packed.value();
        let steps = 0..packed.count();
        PlanInstance {
            id,
            plan,
            input_bytes,
            status: steps.map(|_| PlanStatus::ALL[packed.count()]).collect(),
            held: packed.flag().then(|| Box::new(unpack_held(packed, trace))),
        }
    }

    /// Whether it holds values of its own.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    fn held(&self) -> &Held {
        self.held.as_deref().unwrap_or(&NOTHING)
    }

    fn hold(&mut self) -> &mut Held {
        self.held.get_or_insert_with(|| Box::new(NOTHING.clone()))
    }

    /// Whether the input is still bytes, as it stays for a plan that never evaluates anything:
    /// one whose answers are chosen for it. Give it with [`PlanInstance::set_input`] before a step.
    pub fn awaits_input(&self) -> bool {
        self.held().input.is_none()
    }

    /// Gives it the value of its input: see [`PlanInstance::awaits_input`].
    pub fn set_input(&mut self, input: Value) {
        self.hold().input = Some(input);
    }

    /// Gives it `@var:correlation_id`, before its first step.
    pub fn set_correlation(&mut self, value: Value) {
        self.hold().vars.insert("correlation_id".to_owned(), value);
    }

    /// How far each step of the plan is.
    pub fn statuses(&self) -> &[PlanStatus] {
        &self.status
    }

    /// The event that an await waited for, by the step's index.
    pub fn arrived(&self, step: usize) -> Option<&Value> {
        self.held().arrived.get(&step)
    }

    /// What `@var:name` is.
    pub fn vars(&self) -> &BTreeMap<String, Value> {
        &self.held().vars
    }

    /// What `@step:id` is, of the steps that have given a value.
    pub fn results(&self) -> &BTreeMap<String, Value> {
        &self.held().results
    }

    /// All that decides what it will do, but for its number, of one that holds nothing.
    #[inline]
    pub fn plain_element(&self) -> Element {
        let place = (self.plan.index() as u64) << 32;
        let few = |steps: &[PlanStatus]| {
            let steps = steps.iter();
            steps.fold(1, |word, status| word << 3 | *status as u64)
        };
        // Three bits for each of the few steps.
        let number = match self.status.len() <= FEW_STEPS {
            true => place | few(&self.status),
            false => {
                let words = self.status.chunks(FEW_STEPS);
                let mut key = Key::default();
                words.for_each(|words| {
                    key.word(few(words));
                });
                key.word(place).fingerprint() as u64
            }
        };
        Element::new(number).and(Some(self.input_bytes))
    }

    /// The same of one that holds something.
    pub fn element(&self, trace: &Trace, key: &mut Key) -> Element {
        let element = self.plain_element();
        match &self.held {
            None => element,
            Some(held) => held.element(element, trace, key),
        }
    }

    fn scope<'a>(&'a self, event: Option<&'a Value>) -> Scope<'a> {
        static NULL: Value = Value::Null;
        let held = self.held();
        Scope {
            input: held.input.as_ref().unwrap_or(&NULL),
            vars: &held.vars,
            steps: &held.results,
            event,
        }
    }
}
