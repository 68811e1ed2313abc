//! A run that is put aside, so that it can go on more than once; and the key by which two are the
//! same.
//!
//! The explorer keeps runs by the hundred thousand: packed, in a row of bytes. One that is gone on
//! from is unpacked once, and taken up for each of its moves.

use std::sync::Arc;

use super::{Flight, Given, InFlight, Message, Pending, PlanRun, Simulator, Timer};
use sim_air::{PlanId, SchemaId};
use sim_kernel::adapters::blob::Blob;
use sim_kernel::{Checkpoint, OpenIntent};
use sim_record::scenario::Scenario;
use sim_record::trace::{Answer, Choice, Element, Key, Packer, Record, Trace, Unpacker};

/// All of a run that decides what can happen next. What has happened is not in it, and bytes are
/// in it by the ids of the run's trace.
#[derive(Default, Debug)]
pub struct Saved {
    kernel: Arc<Checkpoint>,
    /// What was in flight.
    pub flight: Flight,
    /// How often each request was started.
    pub started: Vec<u32>,
    now_ns: u64,
}

impl Saved {
    /// Takes back what [`Simulator::pack`] packed.
    pub fn unpack(&mut self, packed: &mut Unpacker<'_>, trace: &Trace) {
        let kernel = Arc::make_mut(&mut self.kernel);
        // Of the journal, the manifest is all that a run that goes on from here has.
        kernel.unpack(packed, trace, 1);
        self.now_ns = packed.number();
        self.started.clear();
        for _ in 0..packed.count() {
            self.started.push(packed.small());
        }
        self.flight.unpack(packed);
    }
}

impl Flight {
    fn pack(&self, packer: &mut Packer<'_>) {
        packer.number(self.next_sequence.into());
        pack_list(packer, &self.messages, pack_message);
        pack_list(packer, &self.dropped, pack_message);
        pack_list(packer, &self.timers, |packer, timer| {
            timer.open.pack(packer);
            packer.flag(timer.is_timer).flag(timer.copy);
            packer.optional_value(timer.same);
        });
        pack_list(packer, &self.pending, |packer, pending| {
            pending.open.pack(packer);
            packer.flag(pending.silent).optional_value(pending.same);
        });
        pack_list(packer, &self.plans, |packer, plan| {
            packer
                .number(plan.instance.into())
                .count(plan.started.0.index())
                .value(plan.started.1)
                .flag(plan.answerable)
                .flag(plan.silent)
                .optional_value(plan.same)
                .count(plan.next_step.map_or(0, |step| step + 1))
                .count(plan.answered.map_or(0, |schema| schema.index() + 1));
        });
        packer.count(self.blobs.len());
        for blob in &self.blobs {
            packer.value(blob.blob_ref).value(blob.bytes);
        }
        packer.count(self.given.all().len());
        for given in self.given.all() {
            packer.value(given.key).count(given.answer.place());
            packer.optional_value(given.receipt);
        }
    }

    fn unpack(&mut self, packed: &mut Unpacker<'_>) {
        self.next_sequence = packed.small();
        unpack_list(packed, &mut self.messages, unpack_message);
        unpack_list(packed, &mut self.dropped, unpack_message);
        unpack_list(packed, &mut self.timers, |packed| Timer {
            open: OpenIntent::unpack(packed),
            is_timer: packed.flag(),
            copy: packed.flag(),
            same: packed.optional_value(),
        });
        unpack_list(packed, &mut self.pending, |packed| Pending {
            open: OpenIntent::unpack(packed),
            silent: packed.flag(),
            same: packed.optional_value(),
        });
        unpack_list(packed, &mut self.plans, |packed| PlanRun {
            instance: packed.small(),
            started: (PlanId::new(packed.count()), packed.value()),
            answerable: packed.flag(),
            silent: packed.flag(),
            same: packed.optional_value(),
            next_step: packed.count().checked_sub(1),
            answered: packed.count().checked_sub(1).map(SchemaId::new),
        });
        self.blobs.clear();
        for _ in 0..packed.count() {
            self.blobs.push(Blob {
                blob_ref: packed.value(),
                bytes: packed.value(),
            });
        }
        let count = packed.count();
        let given = (0..count).map(|_| Given {
            key: packed.value(),
            answer: Answer::nth(packed.count() as u8),
            receipt: packed.optional_value(),
        });
        self.given.set(given);
    }
}

fn pack_message(packer: &mut Packer<'_>, message: &Message) {
    packer
        .count(message.schema.index())
        .value(message.value)
        .flag(message.copy);
}

fn unpack_message(packed: &mut Unpacker<'_>) -> Message {
    Message {
        schema: SchemaId::new(packed.count()),
        value: packed.value(),
        copy: packed.flag(),
    }
}

fn pack_list<T>(
    packer: &mut Packer<'_>,
    list: &[InFlight<T>],
    mut pack: impl FnMut(&mut Packer<'_>, &T),
) {
    packer.count(list.len());
    for entry in list {
        packer
            .number(entry.sequence.into())
            .number(entry.due_ns)
            .name(entry.label)
            .optional_name(entry.correlation);
        pack(packer, &entry.body);
    }
}

fn unpack_list<T>(
    packed: &mut Unpacker<'_>,
    list: &mut Vec<InFlight<T>>,
    mut unpack: impl FnMut(&mut Unpacker<'_>) -> T,
) {
    list.clear();
    for _ in 0..packed.count() {
        list.push(InFlight {
            sequence: packed.small(),
            due_ns: packed.number(),
            label: packed.name(),
            correlation: packed.optional_name(),
            body: unpack(packed),
        });
    }
}

impl Simulator<'_> {
    /// The beginning of a scenario's run.
    pub fn begin(&mut self, scenario: &Scenario, trace: &mut Trace) {
        trace.clear();
        trace.answers = self.answers.clone();
        self.kernel.reset(trace);
        self.flight.clear();
        self.started.clear();
        self.started.resize(scenario.requests.len(), 0);
        self.now_ns = 0;
    }

    /// How often each request was started.
    pub fn started(&self) -> &[u32] {
        &self.started
    }

    /// How many steps were taken, and not remembered, since it was made.
    pub fn steps_taken(&self) -> u64 {
        self.kernel.steps_taken()
    }

    /// What is in flight.
    pub fn flight(&self) -> &Flight {
        &self.flight
    }

    /// All that decides what a plan instance will do, but for its number; None if there is none.
    pub fn plan_element(&self, instance: u32, trace: &Trace, key: &mut Key) -> Option<Element> {
        let place = self.kernel.plan(instance)?;
        Some(self.kernel.plans()[place].element(trace, key))
    }

    /// Puts the run aside.
    pub fn pack(&self, trace: &mut Trace, packer: &mut Packer<'_>) {
        self.kernel.pack(trace, packer);
        packer.number(self.now_ns).count(self.started.len());
        for count in &self.started {
            packer.number((*count).into());
        }
        self.flight.pack(packer);
    }

    /// Goes on from a run that was put aside, of whose values the trace has the same ids.
    pub fn go_on_from(&mut self, saved: &Saved, trace: &mut Trace) {
        trace.clear();
        let hash = self.kernel.world().air.manifest_hash;
        trace.journal.push(Record::Manifest { hash });
        self.kernel.go_on_from(&saved.kernel);
        self.flight.clone_from(&saved.flight);
        self.started.clone_from(&saved.started);
        self.now_ns = saved.now_ns;
    }

    /// Takes one decision; false if it is not possible.
    pub fn take_turn(&mut self, scenario: &Scenario, choice: Choice, trace: &mut Trace) -> bool {
        let taken = self.turn(scenario, choice, trace);
        trace.is_quiescent = self.flight.is_quiescent();
        taken
    }

    /// Writes all that decides what can happen from here: the kernel's key, the time, which
    /// requests were started, and what is in flight, as multisets of what each thing is. In which
    /// order equal things were sent, and which of them is the copy, makes no difference. Of plan
    /// instances only those that `count`, by their numbers.
    pub fn write_key(&self, trace: &Trace, key: &mut Key, count: impl Fn(u32) -> bool) {
        self.kernel.write_key(trace, key, count);
        key.word(self.now_ns);
        if key.symmetry().is_some() {
            // They were started in order, or in an order that was exchanged for that.
            let started = self.started.iter().filter(|count| **count > 0);
            key.word(started.count() as u64);
        } else {
            for few in self.started.chunks(64) {
                let started = few.iter().map(|count| u64::from(*count > 0));
                key.word(started.fold(0, |word, bit| word << 1 | bit));
            }
        }
        let message = |message: &InFlight<Message>| {
            let Message { schema, value, .. } = message.body;
            Element::new(schema.index() as u64).and(Some(value))
        };
        let open = |open: &OpenIntent| open.element(open.effect.index() as u64);
        let flight = &self.flight;
        key.set(trace, flight.messages.iter().map(message));
        key.set(trace, flight.dropped.iter().map(message));
        let timers = flight.timers.iter();
        key.set(trace, timers.map(|timer| open(&timer.body.open)));
        let pending = flight.pending.iter();
        key.set(trace, pending.map(|pending| open(&pending.body.open)));
        if !flight.blobs.is_empty() {
            let blobs = flight.blobs.iter();
            let blobs = blobs.map(|blob| {
                let [blob_ref, bytes] = [blob.blob_ref, blob.bytes].map(Some);
                Element::new(0).and(blob_ref).and(bytes)
            });
            key.set(trace, blobs);
        }
        if !flight.given.all().is_empty() {
            // What an answer is follows from its receipt, or else from its place.
            let given = flight.given.all().iter().map(|given| {
                let place = match given.receipt {
                    Some(_) => 0,
                    None => given.answer.place() as u64 + 1,
                };
                Element::new(place).and(Some(given.key)).and(given.receipt)
            });
            key.set(trace, given);
        }
    }
}
