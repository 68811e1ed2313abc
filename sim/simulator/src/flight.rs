//! What is in flight: messages, plans, timers and effects, each with (due time, sequence).
//!
//! Lists are in order of sequence, so that "the n-th of its kind" means the same in a replay.
//! Nothing is chosen here.

use super::given::GivenAnswers;
use super::naming::Names;
use sim_air::{PlanId, SchemaId};
use sim_kernel::OpenIntent;
use sim_kernel::adapters::blob::Blob;
use sim_model::Work;
use sim_record::trace::{Item, Name, Trace, ValueId};

/// Something in flight: when it is due, what it is called, whose it is.
#[derive(Clone, Copy, Debug)]
pub struct InFlight<T> {
    /// Its place in the order in which things set out, from 1.
    pub sequence: u32,
    /// When it is due, in virtual time.
    pub due_ns: u64,
    /// What it is called: see `ItemName`.
    pub label: Name,
    /// The request that it belongs to, if that is known.
    pub correlation: Option<Name>,
    /// What it is.
    pub body: T,
}

impl<T> InFlight<T> {
    pub(super) fn names(&self) -> Names {
        Names {
            label: self.label,
            correlation: self.correlation,
        }
    }
}

/// An event on its way.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The schema of the event.
    pub schema: SchemaId,
    /// Its canonical bytes.
    pub value: ValueId,
    /// A copy of a message that was in flight already.
    pub copy: bool,
}

/// A reducer's effect that has had no receipt, or may have another: mostly a timer.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    /// What was asked for.
    pub open: OpenIntent,
    /// It is a timer indeed: what its receipt says is known.
    pub is_timer: bool,
    /// It fired before and was left to fire again, or was asked for again after a crash.
    pub copy: bool,
    /// By what a service knows it again.
    pub same: Option<ValueId>,
}

/// A plan's effect that has had no receipt.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// What was asked for.
    pub open: OpenIntent,
    /// It was decided that no receipt comes.
    pub silent: bool,
    /// By what a service knows it again.
    pub same: Option<ValueId>,
}

/// A plan instance.
#[derive(Clone, Copy, Debug)]
pub struct PlanRun {
    /// Its id in the kernel.
    pub instance: u32,
    /// Which plan it is, and the canonical input.
    pub started: (PlanId, ValueId),
    /// It awaits nothing and raises an event whose answers are known.
    pub answerable: bool,
    /// The step that its next tick runs; None while it waits.
    pub next_step: Option<usize>,
    /// The schema of the event that its next tick raises and an answer may stand in for.
    pub answered: Option<SchemaId>,
    /// It was decided that its work gives no answer, for now.
    pub silent: bool,
    /// By what a service knows its work again.
    pub same: Option<ValueId>,
}

impl PlanRun {
    /// As a model is asked about it.
    pub fn work<'a>(&self, trace: &'a Trace) -> Work<'a> {
        let (plan, input) = self.started;
        Work::Plan {
            plan,
            input: trace.bytes(input),
        }
    }
}

/// Everything in flight.
#[derive(Default, Debug)]
pub struct Flight {
    /// Events on their way.
    pub messages: Vec<InFlight<Message>>,
    /// Messages that were dropped, and may be redelivered.
    pub dropped: Vec<InFlight<Message>>,
    /// Effects of reducers.
    pub timers: Vec<InFlight<Timer>>,
    /// Effects of plans.
    pub pending: Vec<InFlight<Pending>>,
    /// Plans that have not ended.
    pub plans: Vec<InFlight<PlanRun>>,
    /// What the adapter of blobs has stored.
    pub blobs: Vec<Blob>,
    /// What services have answered to work that they know again.
    pub given: GivenAnswers,
    pub(super) next_sequence: u32,
}

impl Clone for Flight {
    fn clone(&self) -> Flight {
        let mut flight = Flight::default();
        flight.clone_from(self);
        flight
    }

    /// Into the room that is there.
    fn clone_from(&mut self, other: &Flight) {
        self.messages.clone_from(&other.messages);
        self.dropped.clone_from(&other.dropped);
        self.timers.clone_from(&other.timers);
        self.pending.clone_from(&other.pending);
        self.plans.clone_from(&other.plans);
        self.blobs.clone_from(&other.blobs);
        self.given.clone_from(&other.given);
        self.next_sequence = other.next_sequence;
    }
}

/// The place in its list of what an item names.
pub fn find<T>(list: &[InFlight<T>], item: &Item) -> Option<usize> {
    let place = (item.nth as usize).checked_sub(1)?;
    let alike =
        |entry: &InFlight<T>| entry.label == item.label && entry.correlation == item.correlation;
    list.iter()
        .enumerate()
        .filter(|(_, entry)| alike(entry))
        .nth(place)
        .map(|(index, _)| index)
}

/// What the entry at a place in its list is called.
pub fn item<T>(list: &[InFlight<T>], index: usize) -> Item {
    let entry = &list[index];
    let alike =
        |other: &InFlight<T>| other.label == entry.label && other.correlation == entry.correlation;
    let before = list[..index].iter().filter(|other| alike(other)).count();
    Item {
        label: entry.label,
        correlation: entry.correlation,
        nth: before as u32 + 1,
    }
}

impl Flight {
    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.dropped.clear();
        self.timers.clear();
        self.pending.clear();
        self.plans.clear();
        self.blobs.clear();
        self.given = GivenAnswers::default();
        self.next_sequence = 0;
    }

    /// How many things there are in flight, those that were dropped or are silent among them.
    pub fn count(&self) -> usize {
        let messages = self.messages.len() + self.dropped.len();
        messages + self.timers.len() + self.pending.len() + self.plans.len()
    }

    /// Something new in flight, the youngest of all. The caller puts it in its list.
    pub(super) fn launch<T>(&mut self, due_ns: u64, names: Names, body: T) -> InFlight<T> {
        self.next_sequence += 1;
        InFlight {
            sequence: self.next_sequence,
            due_ns,
            label: names.label,
            correlation: names.correlation,
            body,
        }
    }

    /// Whether an older message is in flight.
    pub(super) fn passes_over(&self, sequence: u32) -> bool {
        let oldest = self.messages.first();
        oldest.is_some_and(|message| message.sequence < sequence)
    }

    /// The place of a plan instance in the list of plans.
    pub fn plan(&self, instance: u32) -> Option<usize> {
        let of = |plan: &InFlight<PlanRun>| plan.body.instance;
        self.plans.binary_search_by_key(&instance, of).ok()
    }
}
