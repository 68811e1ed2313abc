//! A kernel rebuilt after a crash, from the journal alone or from a snapshot and the rest.
//!
//! Recovery does again what the journal's inputs (events, receipts, plan steps) led to, and holds
//! what comes of it against the journal: a record that is not derived again is a [`Divergence`].
//! The last event may be one that the crash cut short: then what it leads to is appended. Nothing
//! is sent here: the caller learns which intents are open, and may send them again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::plan::PlanInstance;
use super::{Kernel, Moment, Moved, OpenIntent, Sampling};
use sim_air::{EffectId, PlanId, ReducerId};
use sim_record::trace::{Asker, Packer, Record, Recovery, Trace, Unpacker, ValueId};

/// All that a recovery needs of the journal before it. Ids are those of the trace it was made in.
/// The default stands for no record, and is what a kernel begins with.
#[derive(Clone, Default, Debug)]
pub struct Checkpoint {
    /// Records of the journal that it stands for.
    records: usize,
    states: Vec<Option<ValueId>>,
    cells: BTreeMap<(ReducerId, Vec<u8>), ValueId>,
    plans: Vec<PlanInstance>,
    next_plan: u32,
    open: Vec<OpenIntent>,
}

impl Checkpoint {
    /// Takes back what [`Kernel::pack`] packed, and stands for so many records.
    pub fn unpack(&mut self, packed: &mut Unpacker<'_>, trace: &Trace, records: usize) {
        self.records = records;
        self.next_plan = packed.small();
        self.states.clear();
        for _ in 0..packed.count() {
            self.states.push(packed.optional_value());
        }
        self.cells.clear();
        for _ in 0..packed.count() {
            let reducer = ReducerId::new(packed.count());
            let key = trace.bytes(packed.value()).to_vec();
            self.cells.insert((reducer, key), packed.value());
        }
        self.open.clear();
        for _ in 0..packed.count() {
            self.open.push(OpenIntent::unpack(packed));
        }
        self.plans.clear();
        for _ in 0..packed.count() {
            self.plans.push(PlanInstance::unpack(packed, trace));
        }
    }

    /// Stands for nothing from here on; what it says is of no account then.
    pub fn forget(&mut self) {
        self.records = 0;
    }
}

impl OpenIntent {
    /// Appends it as [`OpenIntent::unpack`] reads it.
    pub fn pack(&self, packer: &mut Packer<'_>) {
        packer
            .count(self.effect.index())
            .value(self.params)
            .intent(self.hash);
        match self.asker {
            Asker::Reducer { reducer, key } => {
                packer.number(0).count(reducer.index()).optional_value(key)
            }
            Asker::Plan { plan, instance } => {
                packer.number(1).count(plan.index()).number(instance.into())
            }
        };
    }

    /// Takes back what [`OpenIntent::pack`] packed, in the same process.
    pub fn unpack(packed: &mut Unpacker<'_>) -> OpenIntent {
        OpenIntent {
            effect: EffectId::new(packed.count()),
            params: packed.value(),
            hash: packed.intent(),
            asker: match packed.number() {
                0 => Asker::Reducer {
                    reducer: ReducerId::new(packed.count()),
                    key: packed.optional_value(),
                },
                _ => Asker::Plan {
                    plan: PlanId::new(packed.count()),
                    instance: packed.small(),
                },
            },
        }
    }
}

/// What was rebuilt is not what the journal says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Divergence {
    /// The manifest in the journal is not this world's.
    #[error("record {index}: the journal begins with another world's manifest")]
    OtherWorld {
        /// The place of the record in the journal, from 0.
        index: usize,
    },
    /// A record says something else than what came of doing it again.
    #[error("record {index}: the journal says {expected}, and doing it again gave {found}")]
    Record {
        /// The place of the record in the journal, from 0.
        index: usize,
        /// The kind that the journal has there, as [`Record::name`] calls it.
        expected: &'static str,
        /// The kind that came of it, or how the two differ.
        found: &'static str,
    },
    /// More came of the journal's inputs than it has records of.
    #[error("doing it again gave {found} after the journal's {records} records")]
    Extra {
        /// How many records the journal has.
        records: usize,
        /// The kind of the first one that it does not have.
        found: &'static str,
    },
}

impl Kernel<'_> {
    /// Keeps what a recovery from here needs. It adds no record: see [`Kernel::snapshot`].
    pub fn save(&mut self, trace: &Trace) {
        let checkpoint = Arc::make_mut(&mut self.checkpoint);
        checkpoint.records = trace.journal.len();
        checkpoint.states.clone_from(&self.states);
        checkpoint.cells.clone_from(&self.cells);
        checkpoint.plans.clone_from(&self.plans);
        checkpoint.next_plan = self.next_plan;
        checkpoint.open.clone_from(&self.open);
    }

    /// Packs what a recovery from here needs, to be unpacked as a [`Checkpoint`].
    pub fn pack(&self, trace: &mut Trace, packer: &mut Packer<'_>) {
        packer
            .number(self.next_plan.into())
            .count(self.states.len());
        self.states.iter().for_each(|state| {
            packer.optional_value(*state);
        });
        packer.count(self.cells.len());
        for ((reducer, key), state) in &self.cells {
            let key = trace.values.intern(key);
            packer.count(reducer.index()).value(key).value(*state);
        }
        packer.count(self.open.len());
        self.open.iter().for_each(|open| open.pack(packer));
        packer.count(self.plans.len());
        self.plans.iter().for_each(|plan| plan.pack(packer));
    }

    /// Goes on from a checkpoint, which is then the last snapshot too. The trace's journal is as
    /// long as the checkpoint says.
    pub fn go_on_from(&mut self, checkpoint: &Arc<Checkpoint>) {
        self.checkpoint.clone_from(checkpoint);
        self.load();
        self.moved = Moved::None;
    }

    /// The process dies and another takes its place, on fresh wasm instances: all is rebuilt from
    /// the trace's journal. `unhandled` says that nothing has seen the last event: what it leads
    /// to is recorded in the trace, as if it had just arrived; of all else only the journal stays.
    pub fn recover(
        &mut self,
        trace: &mut Trace,
        recovery: Recovery,
        unhandled: bool,
    ) -> Result<(), Divergence> {
        // An instance that cannot be made fails the next step, which tells it.
        let _ = self.renew_instances();
        self.forget();
        let from = match recovery {
            Recovery::Snapshot => self.load(),
            Recovery::Journal => 0,
        };
        let spare = std::mem::take(&mut self.spare_journal);
        let mut source = std::mem::replace(&mut trace.journal, spare);
        trace.journal.extend_from_slice(&source[..from]);
        let rebuilt = self.redo(trace, &source, from, unhandled);
        if rebuilt.is_err() {
            std::mem::swap(&mut trace.journal, &mut source);
        }
        source.clear();
        self.spare_journal = source;
        rebuilt
    }

    /// Back to the last snapshot; the number of records that it stands for, none if there is none.
    fn load(&mut self) -> usize {
        let checkpoint = &self.checkpoint;
        if checkpoint.records > 0 {
            self.states.clone_from(&checkpoint.states);
            self.cells.clone_from(&checkpoint.cells);
            self.plans.clone_from(&checkpoint.plans);
            self.next_plan = checkpoint.next_plan;
            self.open.clone_from(&checkpoint.open);
        }
        checkpoint.records
    }

    fn redo(
        &mut self,
        trace: &mut Trace,
        source: &[Record],
        from: usize,
        unhandled: bool,
    ) -> Result<(), Divergence> {
        let last_event = source
            .iter()
            .rposition(|record| matches!(record, Record::DomainEvent { .. }))
            .filter(|_| unhandled);
        for (index, record) in source.iter().enumerate().skip(from) {
            trace.count_redone();
            if trace.journal.len() == index {
                let mark = trace.mark();
                let is_told = last_event == Some(index);
                // What is found of a step that is not reported would be lost with it.
                let sampling = self.scrutineer.sampling;
                if !is_told {
                    self.scrutinise(Sampling::Never);
                }
                let redone = self.redo_input(trace, record, index);
                self.scrutinise(sampling);
                redone?;
                if !is_told {
                    trace.forget_outputs_since(&mark);
                }
            }
            let derived = trace.journal.get(index);
            if derived != Some(record) {
                return Err(Divergence::Record {
                    index,
                    expected: record.name(),
                    found: derived.map_or("nothing", Record::name),
                });
            }
        }
        match trace.journal.get(source.len()) {
            Some(extra) if last_event.is_none() => Err(Divergence::Extra {
                records: source.len(),
                found: extra.name(),
            }),
            _ => Ok(()),
        }
    }

    /// Does again what a record says, which no other record led to. Pushes the record first.
    fn redo_input(
        &mut self,
        trace: &mut Trace,
        record: &Record,
        index: usize,
    ) -> Result<(), Divergence> {
        match record {
            Record::Manifest { hash } if *hash != self.world.air.manifest_hash => {
                return Err(Divergence::OtherWorld { index });
            }
            Record::DomainEvent {
                schema,
                value,
                at_ns,
                cell,
            } => {
                let moment = Moment {
                    now_ns: *at_ns,
                    journal_height: index,
                };
                trace.journal.push(record.clone());
                self.handle(trace, (*schema, *value), *cell, moment);
            }
            Record::EffectReceipt {
                intent,
                cell,
                receipt,
                ..
            } => {
                trace.journal.push(record.clone());
                self.take_receipt(trace, *intent, *cell, *receipt);
            }
            Record::PlanStep {
                instance,
                replaced,
                at_ns,
                ..
            } => {
                if let Some(plan) = self.plan(*instance)
                    && let Some(step) = self.next_step(trace, plan)
                {
                    self.tick(trace, plan, step, *replaced, *at_ns);
                }
            }
            Record::PlanEnded { instance, .. } => {
                if let Some(plan) = self.plan(*instance) {
                    self.next_step(trace, plan);
                }
            }
            Record::Snapshot {
                reducer,
                key,
                state,
            } => {
                let key = key.map(|id| trace.bytes(id).to_vec());
                let now = self.state(*reducer, key.as_deref());
                if now == *state {
                    trace.journal.push(record.clone());
                }
            }
            Record::Manifest { .. } => trace.journal.push(record.clone()),
            // Asked for, decided or given out by what came before: if it was not derived then,
            // nothing will.
            Record::EffectIntent { .. }
            | Record::CapDecision { .. }
            | Record::PolicyDecision { .. }
            | Record::PlanResult { .. } => {}
        }
        Ok(())
    }
}
