//! Events that arrive at the kernel, whole or cut short by a crash.
//!
//! An [`Arrival`] is found out first and changes nothing; only then is it taken out of flight and
//! given to the kernel. A crash comes between any two of these.

use std::num::NonZeroU32;

use super::{Simulator, find};
use sim_air::SchemaId;
use sim_kernel::OpenIntent;
use sim_kernel::adapters::{
    blob::{self, Lookup},
    timer,
};
use sim_model::{Work, receipts};
use sim_record::scenario::Scenario;
use sim_record::trace::{
    Answer, Asker, Cell, Choice, CrashPoint, Item, Mark, Recovery, Remark, Status, Trace, ValueId,
};

/// An event that a decision brings to the kernel.
pub(super) struct Arrival {
    pub event: (SchemaId, ValueId),
    pub remark: Remark,
    /// The cell that it goes to, if it tells of a receipt that this cell asked for.
    pub cell: Option<Cell>,
    at_ns: u64,
    /// The receipt that the event tells of.
    receipt: Option<ArrivingReceipt>,
    source: TakenFrom,
}

struct ArrivingReceipt {
    open: OpenIntent,
    /// By what a service knows it again.
    same: Option<ValueId>,
    status: Status,
    value: ValueId,
}

/// Where the event is until the kernel has it: indices into the flight's lists.
enum TakenFrom {
    Request(usize),
    Message(usize),
    Dropped(usize),
    Timer { index: usize, stays: bool },
    Nowhere,
}

/// An effect that is asked for, as a model is asked about it.
pub fn work_of<'a>(trace: &'a Trace, open: &OpenIntent) -> Work<'a> {
    Work::Effect {
        effect: open.effect,
        plan: match open.asker {
            Asker::Plan { plan, .. } => Some(plan),
            Asker::Reducer { .. } => None,
        },
        params: trace.bytes(open.params),
    }
}

impl Simulator<'_> {
    /// The event that a decision brings; None if the decision is not possible or brings none.
    pub(super) fn arrival(
        &mut self,
        scenario: &Scenario,
        choice: &Choice,
        trace: &mut Trace,
    ) -> Option<Arrival> {
        match choice {
            Choice::Start { request } => {
                let index = *request as usize;
                let request = scenario.requests.get(index)?;
                let remark = Remark {
                    second_start: self.started[index] > 0 || !self.flight.is_empty(),
                    ..Remark::default()
                };
                let (schema, value) = (request.schema, &request.value);
                let told = self.model.at_time(schema, value, self.now_ns);
                let value = trace.store(told.as_deref().unwrap_or(value));
                let source = TakenFrom::Request(index);
                Some(self.event(request.schema, value, source, remark))
            }
            Choice::Deliver(item) => {
                let index = find(&self.flight.messages, item)?;
                Some(self.message(TakenFrom::Message(index)))
            }
            Choice::Redeliver(item) => {
                let index = find(&self.flight.dropped, item)?;
                Some(self.message(TakenFrom::Dropped(index)))
            }
            Choice::Inject {
                schema,
                value,
                cell,
            } => {
                let air = &self.kernel.world().air;
                let keyed = air.keyed_listener(*schema);
                let cell = cell.and_then(|key| Some((keyed?.0, key)));
                let told = self
                    .model
                    .at_time(*schema, trace.bytes(*value), self.now_ns);
                let value = told.map_or(*value, |told| trace.store(&told));
                Some(Arrival {
                    cell,
                    ..self.event(*schema, value, TakenFrom::Nowhere, Remark::default())
                })
            }
            Choice::Fire {
                timer,
                at_ns,
                status,
                twice,
                value,
            } => self.firing(trace, timer, *at_ns, (*status, *value), *twice),
            _ => None,
        }
    }

    fn event(
        &self,
        schema: SchemaId,
        value: ValueId,
        source: TakenFrom,
        remark: Remark,
    ) -> Arrival {
        Arrival {
            event: (schema, value),
            remark,
            cell: None,
            at_ns: self.now_ns,
            receipt: None,
            source,
        }
    }

    fn message(&self, source: TakenFrom) -> Arrival {
        let message = match source {
            TakenFrom::Dropped(index) => &self.flight.dropped[index],
            TakenFrom::Message(index) => &self.flight.messages[index],
            _ => unreachable!("messages are in one of two lists"),
        };
        let remark = Remark {
            reordered: self.flight.passes_over(message.sequence),
            repeated: message.body.copy,
            taken: NonZeroU32::new(message.sequence),
            ..Remark::default()
        };
        self.event(message.body.schema, message.body.value, source, remark)
    }

    fn firing(
        &mut self,
        trace: &mut Trace,
        item: &Item,
        at_ns: Option<u64>,
        (status, value): (Status, Option<ValueId>),
        twice: bool,
    ) -> Option<Arrival> {
        let index = find(&self.flight.timers, item)?;
        let entry = &self.flight.timers[index];
        let due_ns = entry.due_ns;
        let age = (due_ns, entry.sequence);
        let at_ns = at_ns.unwrap_or(due_ns).max(self.now_ns);
        let open = entry.body.open;
        let repeated = entry.body.copy;
        let (is_timer, same) = (entry.body.is_timer, entry.body.same);
        let mut status = status;
        let given = self.flight.given.of(same);
        let given = given.filter(|_| status == Status::Ok);
        let value = match given.and_then(|given| given.receipt) {
            // Not what the service has said.
            Some(given) if value.is_some_and(|value| value != given) => return None,
            Some(given) => Some(given),
            None => value,
        };
        let receipt = if let Some(value) = value {
            value
        } else if is_timer {
            self.scratch.clear();
            timer::fire(&mut self.scratch, trace.bytes(open.params), at_ns)?;
            trace.store(&self.scratch)
        } else {
            let (receipt, lookup) = self.plain_receipt(trace, &open, Answer::PLAIN);
            if lookup == Lookup::Missing && status == Status::Ok {
                status = Status::Error;
            }
            receipt?
        };
        let event = self.kernel.receipt_event(trace, &open, status, receipt)?;
        let timers = &self.flight.timers;
        let remark = Remark {
            reordered: timers
                .iter()
                .any(|other| (other.due_ns, other.sequence) < age),
            repeated,
            taken: NonZeroU32::new(age.1),
            early: at_ns < due_ns,
            late: at_ns > due_ns,
            ..Remark::default()
        };
        Some(Arrival {
            event,
            remark,
            cell: open.asker.cell(),
            at_ns,
            receipt: Some(ArrivingReceipt {
                open,
                same,
                status,
                value: receipt,
            }),
            source: TakenFrom::Timer {
                index,
                stays: twice,
            },
        })
    }

    /// Takes an event out of flight: from here on the kernel has it.
    pub(super) fn take(&mut self, trace: &mut Trace, arrival: &Arrival) {
        match arrival.source {
            TakenFrom::Request(index) => self.started[index] += 1,
            TakenFrom::Message(index) => {
                self.flight.messages.remove(index);
            }
            TakenFrom::Dropped(index) => {
                self.flight.dropped.remove(index);
            }
            TakenFrom::Timer { index, stays: true } => self.flight.timers[index].body.copy = true,
            TakenFrom::Timer { index, .. } => {
                self.flight.timers.remove(index);
            }
            TakenFrom::Nowhere => {}
        }
        self.now_ns = arrival.at_ns;
        if let Some(receipt) = &arrival.receipt {
            if receipt.status == Status::Ok {
                self.keep_blob(trace, &receipt.open);
                let kept = (Answer::PLAIN, Some(receipt.value));
                self.flight.given.keep(receipt.same, kept, &self.answers);
            }
            self.kernel
                .append_receipt(trace, &receipt.open, receipt.status, receipt.value);
        }
    }

    /// The receipt that stands for an answer, None for silence; and whether a blob that it gets was
    /// there.
    pub(super) fn plain_receipt(
        &self,
        trace: &mut Trace,
        open: &OpenIntent,
        answer: Answer,
    ) -> (Option<ValueId>, Lookup) {
        let air = &self.kernel.world().air;
        let effect = &air.effects[open.effect.index()];
        let of = (&air.schemas, effect);
        let lookup = blob::look_up(&self.flight.blobs, of, trace, open.params);
        if let Some(reply) = self.model.reply(&work_of(trace, open), answer, None) {
            return (Some(trace.store(&reply.receipt)), lookup);
        }
        let params = trace.bytes(open.params);
        let answer = trace.answers.name(answer);
        let receipt = receipts::plain(air, effect, params, answer, lookup.bytes(trace));
        (receipt.map(|receipt| trace.store(&receipt)), lookup)
    }

    /// Stores the blob that an effect puts.
    pub(super) fn keep_blob(&mut self, trace: &mut Trace, open: &OpenIntent) {
        let air = &self.kernel.world().air;
        let of = (&air.schemas, &air.effects[open.effect.index()]);
        blob::keep(&mut self.flight.blobs, of, trace, open.params);
    }

    /// The kernel dies while an event arrives, and is rebuilt: what it asked for and has had no
    /// receipt of is asked for again.
    pub(super) fn crash(
        &mut self,
        trace: &mut Trace,
        arrival: &Arrival,
        (point, recovery): (CrashPoint, Recovery),
        mark: &Mark,
    ) {
        let (event, cell) = (arrival.event, arrival.cell);
        match point {
            CrashPoint::BeforeAppend => {}
            CrashPoint::AfterAppend => {
                self.take(trace, arrival);
                self.kernel.append(trace, event, cell, self.now_ns);
            }
            CrashPoint::BeforeDispatch => {
                self.take(trace, arrival);
                self.kernel.accept(trace, event, cell, self.now_ns);
            }
        }
        let unhandled = point == CrashPoint::AfterAppend;
        if let Err(divergence) = self.kernel.recover(trace, recovery, unhandled) {
            trace.note_divergence(&divergence.to_string());
        }
        let new = trace.intents[mark.intents as usize..]
            .iter()
            .filter(|intent| intent.allowed)
            .count();
        let open = self.kernel.open_intents();
        let again: Vec<OpenIntent> = open[..open.len().saturating_sub(new)].to_vec();
        for intent in again {
            self.ask_again(trace, intent);
        }
    }

    /// At least once: the adapter of a timer may have it already and then fires twice; that of a
    /// plan's effect answers once, even if it was silent.
    fn ask_again(&mut self, trace: &mut Trace, intent: OpenIntent) {
        let known = self
            .flight
            .pending
            .iter_mut()
            .find(|pending| pending.body.open.hash == intent.hash);
        match (intent.asker, known) {
            (Asker::Plan { .. }, Some(pending)) => pending.body.silent = false,
            _ => self.add_effect(trace, intent, true),
        }
    }
}
