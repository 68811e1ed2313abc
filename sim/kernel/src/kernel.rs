//! What one run changes: cells, plan instances, the reducers' wasm instances.
//!
//! `step` takes an event through a reducer, `effects` asks the gate and takes receipts, `plans`
//! moves plan instances. Every event is canonical before it gets here and is journalled before
//! anything sees it. What reducers and plans give out is recorded in the trace; putting it in
//! flight is the caller's matter.

mod effects;
mod memo;
mod plans;
mod recover;
mod scrutiny;
mod step;

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::World;
use super::plan::PlanInstance;
use effects::Asked;
use memo::Memo;
pub use recover::{Checkpoint, Divergence};
pub use scrutiny::Sampling;
use scrutiny::Scrutineer;
use sim_air::cbor::canonical::{Canonical, CanonicalText};
use sim_air::{EffectId, ReducerId, SchemaId, Value};
use sim_host::{Coverage, Output, StepError};
use sim_record::trace::{Asker, Cell, Element, IntentHash, Key, Record, Trace, ValueId};
pub use step::input_of;

/// An effect that passed the gate and has had no receipt.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OpenIntent {
    /// Which effect.
    pub effect: EffectId,
    /// Its canonical parameters.
    pub params: ValueId,
    /// What names the intent; several open ones may share it.
    pub hash: IntentHash,
    /// Who asked, and gets the receipt.
    pub asker: Asker,
}

/// When an event was accepted: all of time that a reducer's context may tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub now_ns: u64,
    /// Records in the journal before the event's own.
    pub journal_height: usize,
}

/// Plan instances that may stand elsewhere than before, by their ids.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Moved {
    /// No instance.
    #[default]
    None,
    /// These, in the order in which they moved; one may be there twice.
    Some(SmallVec<[u32; 4]>),
    /// Any of them: the kernel was reset or rebuilt.
    All,
}

impl OpenIntent {
    /// As keys have it, with a number.
    #[inline]
    pub fn element(&self, number: u64) -> Element {
        let cell = self.asker.cell().map(|(_, key)| key);
        Element::new(number).and(Some(self.hash.id())).and(cell)
    }
}

impl Moved {
    pub(super) fn note(&mut self, id: u32) {
        match self {
            Moved::None => *self = Moved::Some(SmallVec::from_slice(&[id])),
            Moved::Some(ids) => ids.push(id),
            Moved::All => {}
        }
    }
}

/// The moving parts of a run.
pub struct Kernel<'w> {
    world: &'w World,
    instances: Vec<sim_host::Instance>,
    output: Output,
    /// State of reducers without keys, by reducer.
    states: Vec<Option<ValueId>>,
    /// State of keyed reducers, by reducer and canonical key.
    cells: BTreeMap<(ReducerId, Vec<u8>), ValueId>,
    plans: Vec<PlanInstance>,
    next_plan: u32,
    /// Oldest first.
    open: Vec<OpenIntent>,
    /// The last snapshot, as it lies on the disk that a crash leaves whole.
    checkpoint: Arc<Checkpoint>,
    /// The plans that may stand elsewhere than when this was last asked.
    moved: Moved,
    scrutineer: Scrutineer,
    /// Steps that were taken before, if they are remembered.
    memo: Option<Box<Memo>>,
    scratch: Vec<u8>,
    /// Steps are taken alone, and looked at with these in between: by reducer, encoded.
    alone: Option<Vec<(ReducerId, Vec<u8>)>>,
    steps_taken: u64,
    /// An empty journal, kept for its room.
    spare_journal: Vec<Record>,
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
            open: Vec::new(),
            checkpoint: Arc::default(),
            moved: Moved::None,
            scrutineer: Scrutineer::new(world.air.reducers.len()),
            memo: None,
            alone: None,
            steps_taken: 0,
            scratch: Vec::new(),
            spare_journal: Vec::new(),
        })
    }

    /// Adds what a reducer's code has reached since this was last called: see
    /// [`sim_host::Instance::take_coverage`]. Steps taken to scrutinise others do not count.
    pub fn take_coverage(&mut self, reducer: ReducerId, coverage: &mut Coverage) {
        self.instances[reducer.index()].take_coverage(coverage);
    }

    /// How many steps are taken again on other instances, to see whether they are pure.
    pub fn scrutinise(&mut self, sampling: Sampling) {
        self.scrutineer.sampling = sampling;
    }

    /// From now on a step whose input was met before is not taken again: a reducer is pure. Now
    /// and then one is, and held against what is remembered.
    pub fn remember_steps(&mut self) {
        self.memo = Some(Box::default());
    }

    /// From now on a step is taken on an instance that nothing has gone through, and remembered.
    /// So what it gives is decided by its input, and who took what before makes no difference.
    /// Each is also taken again after the steps of `between`: an answer that differs is reported.
    pub fn take_steps_alone(&mut self, between: Vec<(ReducerId, Vec<u8>)>) {
        let memo = self.memo.get_or_insert_default();
        memo.trusts = true;
        self.alone = Some(between);
    }

    /// How many steps were taken, and not remembered, since it was made.
    #[inline]
    pub fn steps_taken(&self) -> u64 {
        self.steps_taken
    }

    /// What is held of more than one run: what is remembered, and the memory of the instances.
    pub fn held_bytes(&self) -> usize {
        let memo = self.memo.as_ref().map_or(0, |memo| memo.held_bytes());
        let instances = self.instances.iter();
        memo + instances
            .map(sim_host::Instance::memory_bytes)
            .sum::<usize>()
    }

    /// Writes all that decides what this kernel will do: cells in canonical order, plan instances
    /// by what they are rather than by number, open intents. Of the instances only those that
    /// `count`, by their numbers.
    pub fn write_key(&self, trace: &Trace, key: &mut Key, count: impl Fn(u32) -> bool) {
        if key.symmetry().is_some() {
            self.write_cells(trace, key);
        } else {
            for (reducer, cell, state) in self.states() {
                key.word((reducer.index() as u64) << 1 | u64::from(cell.is_some()));
                if let Some(cell) = cell {
                    key.bytes(cell);
                }
                key.value(trace, state);
            }
        }
        let opens = self.open.iter();
        key.set(trace, opens.map(|open| open.element(0)));
        let counted = || self.plans.iter().filter(|plan| count(plan.id));
        let holding = counted().filter(|plan| plan.holds());
        let holding: Vec<Element> = holding.map(|plan| plan.element(trace, key)).collect();
        let plain = counted().filter(|plan| !plan.holds());
        let plain = plain.map(|plan| plan.plain_element());
        key.set(trace, plain.chain(holding));
    }

    /// Cells as a multiset: in which order they come depends on the ids in their keys.
    fn write_cells(&self, trace: &Trace, key: &mut Key) {
        for (reducer, state) in self.world.air.reducer_ids().zip(&self.states) {
            if let Some(state) = state {
                key.word(reducer.index() as u64).value(trace, *state);
            }
        }
        let mut cells = Vec::with_capacity(self.cells.len());
        for ((reducer, cell), state) in &self.cells {
            let element = Element::new(reducer.index() as u64);
            cells.push(key.with_items(element, cell).and(Some(*state)));
        }
        key.set(trace, cells.into_iter());
    }

    /// The next step that is scrutinised is taken so often that a leak shows, which costs as much
    /// as a thousand steps.
    pub fn look_for_leaks(&mut self) {
        self.scrutineer.leaks_due = true;
    }

    /// Fresh wasm instances, in which nothing is left of the runs before.
    pub fn renew(&mut self) -> Result<(), StepError> {
        self.scrutineer.renew();
        self.renew_instances()
    }

    fn renew_instances(&mut self) -> Result<(), StepError> {
        for instance in &mut self.instances {
            if instance.steps_since_renewal() > 0 {
                instance.renew()?;
            }
        }
        Ok(())
    }

    /// Back to the beginning of a run. The wasm instances stay: see [`Kernel::renew`].
    pub fn reset(&mut self, trace: &mut Trace) {
        self.forget();
        self.scrutineer.begin();
        Arc::make_mut(&mut self.checkpoint).forget();
        trace.journal.push(Record::Manifest {
            hash: self.world.air.manifest_hash,
        });
    }

    /// Loses all that a process that ends loses.
    fn forget(&mut self) {
        self.states.fill(None);
        self.cells.clear();
        self.plans.clear();
        self.next_plan = 0;
        self.open.clear();
        self.moved = Moved::All;
    }

    /// The world that it runs.
    #[inline]
    pub fn world(&self) -> &'w World {
        self.world
    }

    /// The plans that may have moved since this was last asked.
    pub fn take_moved(&mut self) -> Moved {
        std::mem::take(&mut self.moved)
    }

    /// The place of an instance among those that have not ended.
    #[inline]
    pub fn plan(&self, id: u32) -> Option<usize> {
        self.plans.binary_search_by_key(&id, |plan| plan.id).ok()
    }

    /// The plan instances that have not ended, oldest first.
    #[inline]
    pub fn plans(&self) -> &[PlanInstance] {
        &self.plans
    }

    /// Effects that passed the gate and have had no receipt, oldest first.
    pub fn open_intents(&self) -> &[OpenIntent] {
        &self.open
    }

    /// The states of all cells that have one, in order.
    pub fn states(&self) -> impl Iterator<Item = (ReducerId, Option<&[u8]>, ValueId)> {
        let states = self.world.air.reducer_ids().zip(&self.states);
        let single = states.filter_map(|(reducer, state)| Some((reducer, None, (*state)?)));
        let keyed = self
            .cells
            .iter()
            .map(|((reducer, key), state)| (*reducer, Some(key.as_slice()), *state));
        single.chain(keyed)
    }

    /// The state of a reducer's cell; `key` for keyed reducers only.
    pub fn state(&self, reducer: ReducerId, key: Option<&[u8]>) -> Option<ValueId> {
        match key {
            None => self.states[reducer.index()],
            Some(key) => self.cells.get(&(reducer, key.to_vec())).copied(),
        }
    }

    /// An event arrives. Its value is canonical. `cell` is the one that asked for the effect whose
    /// receipt it tells of.
    pub fn accept(
        &mut self,
        trace: &mut Trace,
        event: (SchemaId, ValueId),
        cell: Option<Cell>,
        now_ns: u64,
    ) {
        let moment = Moment {
            now_ns,
            journal_height: trace.journal.len(),
        };
        self.append(trace, event, cell, now_ns);
        self.handle(trace, event, cell, moment);
    }

    /// Journals an event and lets nothing see it: what is left of an arrival that a crash cuts
    /// short.
    pub fn append(
        &mut self,
        trace: &mut Trace,
        (schema, value): (SchemaId, ValueId),
        cell: Option<Cell>,
        at_ns: u64,
    ) {
        trace.journal.push(Record::DomainEvent {
            schema,
            value,
            at_ns,
            cell,
        });
    }

    /// Shows an event that is in the journal to all who listen.
    fn handle(
        &mut self,
        trace: &mut Trace,
        (schema, value): (SchemaId, ValueId),
        cell: Option<Cell>,
        moment: Moment,
    ) {
        let world = self.world;
        let listeners = world.listeners(schema);
        for &route in &listeners.routes {
            self.step(trace, route, (schema, value), cell, moment);
        }
        for &reducer in &listeners.receipts {
            self.step_by_receipt(trace, reducer, value, cell, moment);
        }
        if listeners.are_awaited {
            self.show_to_plans(trace, schema, value);
        }
        for &trigger in &listeners.triggers {
            self.start_plan(trace, trigger, schema, value);
        }
    }

    fn keep_state(&mut self, reducer: ReducerId, key: Option<Vec<u8>>, state: Option<ValueId>) {
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

    /// Writes every cell's state into the journal, and keeps with it what else a recovery from
    /// here needs.
    pub fn snapshot(&mut self, trace: &mut Trace) {
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
        self.save(trace);
    }
}

/// The tag of a variant in canonical bytes.
pub fn variant_tag(canonical: &[u8]) -> Option<&str> {
    let mut reader = Canonical::new(canonical);
    let unit = reader.take(b"\xa1\x64$tag");
    unit.or_else(|| reader.take(b"\xa2\x64$tag"))?;
    reader.text().map(CanonicalText::as_str)
}

/// The value at a dotted path; `$value` leads into whichever arm a variant has.
fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(value, |value, step| match (value, step) {
            (Value::Variant { value, .. }, "$value") => Some(&**value),
            (value, step) => value.field(step),
        })
}
