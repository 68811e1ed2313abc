//! A run put aside, to go on from there more than once; and the key by which two are the same.

use super::{Flight, InFlight, Message, Simulator};
use crate::scenario::Scenario;
use crate::trace::{Choice, Key, Record, Trace};
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

    /// Writes all that decides what can happen from here: the kernel's key, the time, which
    /// requests were started, and what is in flight, as multisets of what each thing is. In which
    /// order equal things were sent, and which of them is the copy, makes no difference.
    pub fn write_key(&self, trace: &Trace, key: &mut Key) {
        self.kernel.write_key(trace, key);
        key.word(self.now_ns);
        for few in self.started.chunks(64) {
            let started = few.iter().map(|count| u64::from(*count > 0));
            key.word(started.fold(0, |word, bit| word << 1 | bit));
        }
        let values = &trace.values;
        let message = |message: &InFlight<Message>| {
            let Message { schema, value, .. } = message.body;
            (schema.index() as u64, values.fingerprint(value))
        };
        let open = |open: &OpenIntent| {
            let print = values.fingerprint(open.hash.id());
            (open.effect.index() as u64, print)
        };
        let flight = &self.flight;
        key.multiset(flight.messages.iter().map(message));
        key.multiset(flight.dropped.iter().map(message));
        key.multiset(flight.timers.iter().map(|timer| open(&timer.body.open)));
        key.multiset(
            flight
                .pending
                .iter()
                .map(|pending| open(&pending.body.open)),
        );
    }
}
