//! A run put aside, to go on from there more than once; and the key by which two are the same.

use super::{Flight, InFlight, Message, Simulator};
use crate::air::Hash;
use crate::scenario::Scenario;
use crate::trace::{Choice, Record, Trace};
use crate::world::{Checkpoint, OpenIntent};

/// All of a run that decides what can happen next. What has happened is not in it, and bytes are
/// in it by the ids of the run's trace.
#[derive(Clone, Debug)]
pub struct Saved {
    kernel: Checkpoint,
    pub flight: Flight,
    pub started: Vec<u32>,
    now_ns: u64,
}

impl Saved {
    /// About how much memory it takes.
    pub fn size_bytes(&self) -> usize {
        let items = self.flight.messages.len()
            + self.flight.dropped.len()
            + self.flight.timers.len()
            + self.flight.pending.len()
            + self.flight.plans.len();
        // The lists' entries, a plan's instance with its maps, and the allocator's share.
        size_of::<Saved>() + items * 256
    }
}

impl Simulator<'_> {
    /// The beginning of a scenario's run.
    pub fn begin(&mut self, scenario: &Scenario, trace: &mut Trace) {
        trace.clear();
        self.kernel.reset(trace);
        self.flight.clear();
        self.started.clear();
        self.started.resize(scenario.requests.len(), 0);
        self.now_ns = 0;
    }

    pub fn flight(&self) -> &Flight {
        &self.flight
    }

    /// Puts the run aside.
    pub fn save(&self) -> Saved {
        Saved {
            // Of the journal, the manifest is all that a run that goes on from here has.
            kernel: self.kernel.checkpoint(1),
            flight: self.flight.clone(),
            started: self.started.clone(),
            now_ns: self.now_ns,
        }
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

    /// Appends all that decides what can happen from here: the kernel's key, the time, which
    /// requests were started, and what is in flight, as sorted lists of what each thing is. In
    /// which order equal things were sent, and which of them is the copy, makes no difference.
    pub fn write_key(&self, trace: &Trace, out: &mut Vec<u8>) {
        self.kernel.write_key(trace, out);
        out.extend_from_slice(&self.now_ns.to_le_bytes());
        out.extend(self.started.iter().map(|count| u8::from(*count > 0)));
        let message = |message: &InFlight<Message>| {
            let body = &message.body;
            (body.schema.index(), trace.bytes(body.value))
        };
        let open = |open: &OpenIntent| (open.effect.index(), open.hash);
        let flight = &self.flight;
        write_sorted(out, flight.messages.iter().map(message).map(event_key));
        write_sorted(out, flight.dropped.iter().map(message).map(event_key));
        let timers = flight.timers.iter().map(|timer| open(&timer.body.open));
        write_sorted(out, timers.map(intent_key));
        let pending = flight
            .pending
            .iter()
            .map(|pending| open(&pending.body.open));
        write_sorted(out, pending.map(intent_key));
    }
}

fn event_key((schema, value): (usize, &[u8])) -> Vec<u8> {
    [&(schema as u32).to_le_bytes(), value].concat()
}

fn intent_key((effect, hash): (usize, Hash)) -> Vec<u8> {
    [&(effect as u32).to_le_bytes()[..], hash.as_bytes()].concat()
}

fn write_sorted(out: &mut Vec<u8>, entries: impl Iterator<Item = Vec<u8>>) {
    let mut entries: Vec<Vec<u8>> = entries.collect();
    entries.sort_unstable();
    out.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    for entry in entries {
        out.extend_from_slice(&(entry.len() as u32).to_le_bytes());
        out.extend_from_slice(&entry);
    }
}
