//! One plan instance: which step runs next, and what it does to the instance.
//!
//! A tick runs one ready step, in step-id order. The instance evaluates and keeps variables; it
//! sends nothing: what a step asks of the kernel comes back as an [`Action`].

use std::collections::BTreeMap;

use smallvec::{SmallVec, smallvec};

use sim_air::{
    EffectId, EvalError, Expr, GrantId, Hash, Op, Plan, PlanId, SchemaId, Schemas, Scope, Value,
};
use sim_record::trace::{IntentHash, Key, Packer, Trace, Unpacker, ValueId};

/// Plans of so many steps need no memory of their own for how far each is.
const FEW_STEPS: usize = 8;

/// A running plan. Small as long as it evaluates nothing, as one does whose answers are chosen for
/// it: runs start many, and the explorer keeps them by the thousand.
#[derive(Debug)]
pub struct PlanInstance {
    /// Unique in the run.
    pub id: u32,
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

/// What an instance holds of its own.
#[derive(Clone, Debug)]
struct Held {
    /// The input as a value, from when something may be evaluated: see
    /// [`PlanInstance::awaits_input`].
    input: Option<Value>,
    vars: BTreeMap<String, Value>,
    results: BTreeMap<String, Value>,
    /// The event that an await waited for, by step.
    arrived: BTreeMap<usize, Value>,
    /// Handles of effects sent, and their receipts once there.
    effects: Vec<Sent>,
}

#[derive(Clone, Debug)]
struct Sent {
    handle: String,
    intent: IntentHash,
    receipt: Option<Value>,
}

static NOTHING: Held = Held {
    input: None,
    vars: BTreeMap::new(),
    results: BTreeMap::new(),
    arrived: BTreeMap::new(),
    effects: Vec::new(),
};

/// How far a step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanStatus {
    Pending,
    /// An await whose turn has come.
    Waiting,
    /// An await whose event is there, see [`PlanInstance::arrived`], and that goes on with it.
    Arrived,
    Completed,
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

/// What a tick asks of the kernel. The step is complete once the kernel has done it.
#[derive(Debug)]
pub enum Action {
    Raise {
        event: SchemaId,
        value: Value,
    },
    Emit {
        step: usize,
        effect: EffectId,
        params: Value,
        grant: GrantId,
        key: Option<Vec<u8>>,
    },
    End {
        result: Option<Value>,
    },
    /// The step is complete, or waits; nothing goes out.
    Nothing,
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

/// Why an instance ended before its end.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    #[error("step `{step}`: {cause}")]
    Step { step: String, cause: EvalError },
    #[error("the guard from `{from}` to `{to}`: {cause}")]
    Guard {
        from: String,
        to: String,
        cause: EvalError,
    },
    #[error("the guard from `{from}` to `{to}` is not a bool")]
    GuardType { from: String, to: String },
    #[error("invariant {index} is false after step `{step}`")]
    Invariant { index: usize, step: String },
    #[error("invariant {index} after step `{step}`: {cause}")]
    InvariantFailed {
        index: usize,
        step: String,
        cause: EvalError,
    },
    #[error("step `{step}`: the idempotency key is neither bytes nor text")]
    Key { step: String },
    #[error("step `{step}`: {what}")]
    Refused { step: String, what: String },
}

impl PlanInstance {
    pub fn new(id: u32, plan: PlanId, definition: &Plan, input_bytes: ValueId) -> PlanInstance {
        PlanInstance {
            id,
            plan,
            input_bytes,
            status: smallvec![PlanStatus::Pending; definition.steps.len()],
            held: None,
        }
    }

    /// Whether it holds values of its own.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// Packs an instance that holds nothing.
    pub fn pack(&self, packer: &mut Packer<'_>) {
        packer
            .number(self.id.into())
            .count(self.plan.index())
            .value(self.input_bytes)
            .count(self.status.len());
        for status in &self.status {
            packer.number(*status as u64);
        }
    }

    pub fn unpack(packed: &mut Unpacker<'_>) -> PlanInstance {
        let (id, plan) = (packed.small(), PlanId::new(packed.count()));
        let input_bytes = packed.value();
        let steps = 0..packed.count();
        PlanInstance {
            id,
            plan,
            input_bytes,
            status: steps.map(|_| PlanStatus::ALL[packed.count()]).collect(),
            held: None,
        }
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

    pub fn set_input(&mut self, input: Value) {
        self.hold().input = Some(input);
    }

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

    /// All that decides what it will do, but for its number, as a number and a fingerprint.
    pub fn fingerprint(&self, trace: &Trace) -> (u64, u128) {
        let steps = self.status.iter();
        let few = steps.fold(1, |word, status| word << 3 | *status as u64);
        let plain = (self.plan.index() as u64) << 32 | few;
        let input = trace.values.fingerprint(self.input_bytes);
        match &self.held {
            // Three bits for each of the few steps.
            None if self.status.len() <= FEW_STEPS => (plain, input),
            held => {
                let mut key = Key::default();
                key.value(trace, self.input_bytes);
                for status in &self.status {
                    key.word(*status as u64);
                }
                if let Some(held) = held {
                    held.write_key(trace, &mut key);
                }
                (u64::MAX - self.plan.index() as u64, key.fingerprint())
            }
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

    /// The step that the next tick runs: of those that are ready, the first by id. What can no
    /// longer run is skipped before that is asked, since it may make another step ready.
    /// `passed_over` is told the edges whose guards were false where a step was skipped for them.
    pub fn next(
        &mut self,
        plan: &Plan,
        mut passed_over: impl FnMut(usize),
    ) -> Result<Option<usize>, PlanError> {
        loop {
            let (mut first, mut skipped) = (None, false);
            for index in 0..plan.steps.len() {
                let ready = match self.status[index] {
                    PlanStatus::Pending => match self.readiness(plan, index)? {
                        Readiness::Ready => true,
                        Readiness::NotYet => false,
                        Readiness::Never => {
                            self.false_guards(plan, index).for_each(&mut passed_over);
                            self.status[index] = PlanStatus::Skipped;
                            skipped = true;
                            false
                        }
                    },
                    PlanStatus::Waiting | PlanStatus::Arrived => {
                        self.awaited(plan, index).is_some()
                    }
                    PlanStatus::Completed | PlanStatus::Skipped => false,
                };
                if ready && first.is_none() {
                    first = Some(index);
                }
            }
            if !skipped {
                return Ok(first);
            }
        }
    }

    /// Whether nothing is left that could run or is waited for.
    pub fn is_exhausted(&self) -> bool {
        self.status
            .iter()
            .all(|status| matches!(status, PlanStatus::Completed | PlanStatus::Skipped))
    }

    /// What an await waits for, if it is there.
    fn awaited(&self, plan: &Plan, index: usize) -> Option<&Value> {
        match &plan.steps[index].op {
            Op::AwaitReceipt { handle, .. } => {
                let mut effects = self.held().effects.iter();
                let sent = effects.find(|sent| sent.handle == *handle);
                sent.and_then(|sent| sent.receipt.as_ref())
            }
            _ => self.arrived(index),
        }
    }

    /// Guards count once all that comes before the step is settled, in whatever order the edges
    /// are written: what one of them reads may be set by another predecessor.
    fn readiness(&self, plan: &Plan, index: usize) -> Result<Readiness, PlanError> {
        let into = || plan.edges.iter().filter(|edge| edge.to == index);
        let settled = |step: usize| {
            matches!(
                self.status[step],
                PlanStatus::Completed | PlanStatus::Skipped
            )
        };
        if !into().all(|edge| settled(edge.from)) {
            return Ok(Readiness::NotYet);
        }
        let (mut edges, mut live, mut blocked) = (0, false, false);
        for edge in into() {
            edges += 1;
            if self.status[edge.from] == PlanStatus::Skipped {
                continue;
            }
            let Some(guard) = &edge.when else {
                live = true;
                continue;
            };
            let ends = || [edge.from, edge.to].map(|step| plan.steps[step].id.clone());
            match guard.eval(&self.scope(None)) {
                Ok(Value::Bool(true)) => live = true,
                Ok(Value::Bool(false)) => blocked = true,
                Ok(_) => {
                    let [from, to] = ends();
                    return Err(PlanError::GuardType { from, to });
                }
                Err(cause) => {
                    let [from, to] = ends();
                    return Err(PlanError::Guard { from, to, cause });
                }
            }
        }
        Ok(match (edges, live && !blocked) {
            (0, _) | (_, true) => Readiness::Ready,
            _ => Readiness::Never,
        })
    }

    /// The guarded edges into a step whose predecessors completed and whose guards are false.
    fn false_guards<'a>(&'a self, plan: &'a Plan, step: usize) -> impl Iterator<Item = usize> {
        let edges = plan.edges.iter().enumerate();
        let into = edges.filter(move |(_, edge)| edge.to == step);
        let live = into.filter(|(_, edge)| self.status[edge.from] == PlanStatus::Completed);
        let is_false =
            |guard: &Expr| matches!(guard.eval(&self.scope(None)), Ok(Value::Bool(false)));
        live.filter(move |(_, edge)| edge.when.as_ref().is_some_and(is_false))
            .map(|(index, _)| index)
    }

    /// The guarded edges by which a step that is run was reached.
    pub fn taken_edges<'a>(&'a self, plan: &'a Plan, step: usize) -> impl Iterator<Item = usize> {
        let edges = plan.edges.iter().enumerate();
        let into = edges.filter(move |(_, edge)| edge.to == step && edge.when.is_some());
        into.filter(|(_, edge)| self.status[edge.from] == PlanStatus::Completed)
            .map(|(index, _)| index)
    }

    /// Runs step `index`, which [`PlanInstance::next`] gave. With `replaced`, a raise is not
    /// evaluated: another event takes its place.
    pub fn tick(
        &mut self,
        schemas: &Schemas,
        plan: &Plan,
        index: usize,
        replaced: bool,
    ) -> Result<Action, PlanError> {
        let step = &plan.steps[index];
        let failed = |cause| PlanError::Step {
            step: step.id.clone(),
            cause,
        };
        let action = match &step.op {
            Op::RaiseEvent { .. } if replaced => Action::Nothing,
            Op::RaiseEvent { event, value } => {
                let value = value.eval(&self.scope(None)).map_err(failed)?;
                self.hold().results.insert(step.id.clone(), value.clone());
                Action::Raise {
                    event: *event,
                    value,
                }
            }
            Op::EmitEffect {
                effect,
                params,
                grant,
                idempotency_key,
                ..
            } => {
                let params = params.eval(&self.scope(None)).map_err(failed)?;
                let key = self.idempotency_key(idempotency_key.as_ref(), &step.id)?;
                Action::Emit {
                    step: index,
                    effect: *effect,
                    params,
                    grant: *grant,
                    key,
                }
            }
            Op::AwaitReceipt { var, .. } | Op::AwaitEvent { var, .. } => {
                if let Op::AwaitReceipt { receipt_for, .. } = &step.op {
                    // An effect that was not asked for has no receipt: nothing would end the wait.
                    receipt_for.eval(&self.scope(None)).map_err(failed)?;
                }
                let Some(value) = self.awaited(plan, index).cloned() else {
                    self.status[index] = PlanStatus::Waiting;
                    return Ok(Action::Nothing);
                };
                let held = self.hold();
                held.arrived.remove(&index);
                held.give(var, &step.id, value);
                Action::Nothing
            }
            Op::Assign { expr, var } => {
                let mut value = expr.eval(&self.scope(None)).map_err(failed)?;
                if let Some(local) = plan.locals.get(var) {
                    // What reads the variable relies on the schema that it is declared with.
                    let bytes = schemas.encode(*local, &value);
                    let canonical = bytes.and_then(|bytes| schemas.decode(*local, &bytes));
                    value = canonical.map_err(|error| PlanError::Refused {
                        step: step.id.clone(),
                        what: error.to_string(),
                    })?;
                }
                self.hold().give(var, &step.id, value);
                Action::Nothing
            }
            Op::End { result } => {
                let result = result.as_ref().map(|result| result.eval(&self.scope(None)));
                Action::End {
                    result: result.transpose().map_err(failed)?,
                }
            }
        };
        self.status[index] = PlanStatus::Completed;
        // What goes out does so before the step is complete; an end is told if they hold.
        if !matches!(action, Action::Emit { .. } | Action::Raise { .. }) {
            self.check_invariants(plan, index)?;
        }
        Ok(action)
    }

    fn idempotency_key(
        &self,
        key: Option<&Expr>,
        step: &str,
    ) -> Result<Option<Vec<u8>>, PlanError> {
        let Some(key) = key else { return Ok(None) };
        match key.eval(&self.scope(None)) {
            Ok(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Ok(Value::Text(text)) => Ok(Some(text.into_bytes())),
            Ok(_) => Err(PlanError::Key {
                step: step.to_owned(),
            }),
            Err(cause) => Err(PlanError::Step {
                step: step.to_owned(),
                cause,
            }),
        }
    }

    /// Plan invariants hold after each step and at the end. The kernel checks them where it had
    /// to do something to complete the step.
    pub fn check_invariants(&self, plan: &Plan, index: usize) -> Result<(), PlanError> {
        let step = || plan.steps[index].id.clone();
        for (index, invariant) in plan.invariants.iter().enumerate() {
            match invariant.eval(&self.scope(None)) {
                Ok(Value::Bool(true)) => {}
                // An invariant over what is not there yet has nothing to say yet.
                Err(EvalError::Missing(_)) => {}
                Ok(_) => {
                    return Err(PlanError::Invariant {
                        index,
                        step: step(),
                    });
                }
                Err(cause) => {
                    return Err(PlanError::InvariantFailed {
                        index,
                        step: step(),
                        cause,
                    });
                }
            }
        }
        Ok(())
    }

    /// The kernel sent the effect that step `index` asked for.
    pub fn sent(&mut self, plan: &Plan, index: usize, (intent, hash): (IntentHash, &Hash)) {
        let step = &plan.steps[index];
        let Op::EmitEffect { handle, .. } = &step.op else {
            return;
        };
        let id = Value::text(hash.to_string());
        let held = self.hold();
        held.give(handle, &step.id, id);
        held.effects.push(Sent {
            handle: handle.clone(),
            intent,
            receipt: None,
        });
    }

    /// The receipt of an effect is there. The first one counts; false if none was awaited.
    pub fn receive(&mut self, intent: IntentHash, receipt: Value) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        let open = held
            .effects
            .iter_mut()
            .find(|sent| sent.intent == intent && sent.receipt.is_none());
        match open {
            Some(sent) => {
                sent.receipt = Some(receipt);
                true
            }
            None => false,
        }
    }

    /// Whether an await of this schema is waiting.
    pub fn awaits(&self, plan: &Plan, schema: SchemaId) -> bool {
        plan.steps.iter().zip(&self.status).any(|(step, status)| {
            matches!(&step.op, Op::AwaitEvent { event, .. } if *event == schema)
                && *status == PlanStatus::Waiting
        })
    }

    /// Shows an event to every await that waits for its schema; the first match stays. Whether any
    /// took it.
    pub fn observe(
        &mut self,
        plan: &Plan,
        schema: SchemaId,
        event: &Value,
    ) -> Result<bool, PlanError> {
        let mut is_taken = false;
        for (index, step) in plan.steps.iter().enumerate() {
            let Op::AwaitEvent {
                event: wanted,
                condition,
                ..
            } = &step.op
            else {
                continue;
            };
            if *wanted != schema || self.status[index] != PlanStatus::Waiting {
                continue;
            }
            let fits = match condition {
                None => true,
                Some(condition) => match condition.eval(&self.scope(Some(event))) {
                    Ok(Value::Bool(fits)) => fits,
                    Ok(_) => {
                        let what = "`where` is not a bool".to_owned();
                        return Err(PlanError::Refused {
                            step: step.id.clone(),
                            what,
                        });
                    }
                    Err(cause) => {
                        return Err(PlanError::Step {
                            step: step.id.clone(),
                            cause,
                        });
                    }
                },
            };
            if fits {
                self.status[index] = PlanStatus::Arrived;
                self.hold().arrived.insert(index, event.clone());
                is_taken = true;
            }
        }
        Ok(is_taken)
    }
}

impl PlanInstance {
    /// What it takes in memory, about.
    pub fn size_bytes(&self) -> usize {
        let held = self.held.as_deref().map_or(0, Held::size_bytes);
        size_of::<PlanInstance>() + self.status.len() + held
    }
}

impl Held {
    fn size_bytes(&self) -> usize {
        let named = self.vars.iter().chain(&self.results);
        let named: usize = named
            .map(|(name, value)| name.len() + value.size_bytes())
            .sum();
        let receipts = self.effects.iter().flat_map(|sent| &sent.receipt);
        let values = self
            .input
            .iter()
            .chain(self.arrived.values())
            .chain(receipts);
        size_of::<Held>() + named + values.map(Value::size_bytes).sum::<usize>()
    }

    fn write_key(&self, trace: &Trace, key: &mut Key) {
        let mut cbor = Vec::new();
        self.arrived
            .values()
            .for_each(|event| event.write_cbor(&mut cbor));
        for (name, value) in self.vars.iter().chain(&self.results) {
            Value::text(name).write_cbor(&mut cbor);
            value.write_cbor(&mut cbor);
        }
        for sent in &self.effects {
            key.value(trace, sent.intent.id());
            cbor.push(u8::from(sent.receipt.is_some()));
            if let Some(receipt) = &sent.receipt {
                receipt.write_cbor(&mut cbor);
            }
        }
        key.bytes(&cbor);
    }

    /// A step gives a value to a variable.
    fn give(&mut self, var: &str, step: &str, value: Value) {
        self.vars.insert(var.to_owned(), value.clone());
        self.results.insert(step.to_owned(), value);
    }
}

enum Readiness {
    Ready,
    NotYet,
    Never,
}
