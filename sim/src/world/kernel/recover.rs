//! A kernel rebuilt after a crash, from the journal alone or from a snapshot and the rest.
//!
//! Recovery does again what the journal's inputs (events, receipts, plan steps) led to, and holds
//! what comes of it against the journal: a record that is not derived again is a [`Divergence`].
//! The last event may be one that the crash cut short: then what it leads to is appended. Nothing
//! is sent here: which intents are open is told, and sending them again is the caller's matter.

use std::collections::BTreeMap;

use super::super::plan::Instance;
use super::{Kernel, Moment, OpenIntent, Sampling};
use crate::air::ReducerId;
use crate::trace::{Record, Recovery, Trace, ValueId};

/// All that a recovery needs of the journal before it. Ids are those of the trace it was made in.
#[derive(Clone, Default, Debug)]
pub struct Checkpoint {
    /// Records of the journal that it stands for.
    records: usize,
    states: Vec<Option<ValueId>>,
    cells: BTreeMap<(ReducerId, Vec<u8>), ValueId>,
    plans: Vec<Instance>,
    next_plan: u32,
    open: Vec<OpenIntent>,
}

/// What was rebuilt is not what the journal says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Divergence {
    #[error("record {index}: the journal begins with another world's manifest")]
    OtherWorld { index: usize },
    #[error("record {index}: the journal says {expected}, and doing it again gave {found}")]
    Record {
        index: usize,
        expected: &'static str,
        found: &'static str,
    },
    #[error("doing it again gave {found} after the journal's {records} records")]
    Extra { records: usize, found: &'static str },
}

impl Kernel<'_> {
    /// Keeps what a recovery from here needs. The journal is not told: see [`Kernel::snapshot`].
    pub fn save(&mut self, trace: &Trace) {
        let mut checkpoint = self.checkpoint.take().unwrap_or_default();
        self.write_checkpoint(trace.journal.len(), &mut checkpoint);
        self.checkpoint = Some(checkpoint);
    }

    /// What a recovery from here needs; `records` of the journal are those that it stands for.
    pub fn checkpoint(&self, records: usize) -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        self.write_checkpoint(records, &mut checkpoint);
        checkpoint
    }

    /// The same in place of another, whose room is reused.
    fn write_checkpoint(&self, records: usize, checkpoint: &mut Checkpoint) {
        checkpoint.records = records;
        checkpoint.states.clone_from(&self.states);
        checkpoint.cells.clone_from(&self.cells);
        checkpoint.plans.clone_from(&self.plans);
        checkpoint.next_plan = self.next_plan;
        checkpoint.open.clone_from(&self.open);
    }

    /// Goes on from a checkpoint, which is then the last snapshot too. The trace's journal is as
    /// long as the checkpoint says.
    pub fn go_on_from(&mut self, checkpoint: &Checkpoint) {
        self.checkpoint = Some(checkpoint.clone());
        self.load();
        self.plans_moved = false;
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
        let from = match (recovery, &self.checkpoint) {
            (Recovery::Snapshot, Some(_)) => self.load(),
            _ => 0,
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

    /// Back to the checkpoint; the number of records that it stands for.
    fn load(&mut self) -> usize {
        let Some(checkpoint) = &self.checkpoint else {
            return 0;
        };
        self.states.clone_from(&checkpoint.states);
        self.cells.clone_from(&checkpoint.cells);
        self.plans.clone_from(&checkpoint.plans);
        self.next_plan = checkpoint.next_plan;
        self.open.clone_from(&checkpoint.open);
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
            if trace.journal.len() == index {
                let mark = trace.mark();
                let is_told = last_event == Some(index);
                // What is found of a step that is not told would be lost with it.
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
            } => {
                let moment = Moment {
                    now_ns: *at_ns,
                    journal_height: index,
                };
                trace.journal.push(record.clone());
                self.handle(trace, *schema, *value, moment);
            }
            Record::EffectReceipt {
                intent, receipt, ..
            } => {
                trace.journal.push(record.clone());
                self.take_receipt(trace, *intent, *receipt);
            }
            Record::PlanStep {
                instance,
                replaced,
                at_ns,
                ..
            } => {
                let living = self.plans.iter().position(|plan| plan.id == *instance);
                if let Some(plan) = living
                    && let Some(step) = self.next_step(trace, plan)
                {
                    self.tick(trace, plan, step, *replaced, *at_ns);
                }
            }
            Record::PlanEnded { instance, .. } => {
                let living = self.plans.iter().position(|plan| plan.id == *instance);
                if let Some(plan) = living {
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
