//! What the author of a world knows of it: how requests start, what answers a piece of work, whose
//! an event is, what is worth varying, and what must hold.
//!
//! A world brings its own [`Model`]. Where it brings none, [`Generic`](crate::generic::Generic)
//! makes one from its documents.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::observer::Watch;
use crate::outline;
use sim_air::{EffectId, PlanId, SchemaId};
use sim_kernel::{World, adapters};
use sim_record::random::Stream;
use sim_record::scenario::{Depth, Knob, Request, Scenario};
use sim_record::trace::{Answer, Answers, Status};

/// What is known of a world beside its documents. All bytes are canonical.
pub trait Model: Send + Sync {
    /// What it is called, in reports.
    fn name(&self) -> &str;

    /// Whether it says what clients send. If not, a few runs before a campaign find out which
    /// events come from within the world.
    fn knows_clients(&self) -> bool {
        true
    }

    /// What must hold or happen in the runs of the world beside what is asked of any world, and who
    /// watches them for it.
    fn watches<'w>(&self, world: &'w World) -> Vec<Watch<'w>>;

    /// The requests of one seed.
    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request>;

    /// An event of a client as it is at the time at which it is sent, if it tells the time.
    fn at_time(&self, _: SchemaId, _value: &[u8], _now_ns: u64) -> Option<Vec<u8>> {
        None
    }

    /// Spans of time that the world may count with, in ns: now and then time goes on by these.
    fn spans_ns(&self) -> &[u64] {
        &[]
    }

    /// Whether clients might send all that is in a scenario: what is shrunk stays within that.
    fn allows(&self, _: &Scenario) -> bool {
        true
    }

    /// By what its small worlds can be made larger.
    fn sizes(&self) -> &'static [Size] {
        &[]
    }

    /// The small worlds that are explored, of that size or smaller.
    fn scenes(&self, small: &Small) -> Vec<Scene>;

    /// The first of them: that in which nothing is varied.
    fn scene(&self, small: &Small) -> Scene {
        self.scenes(small).into_iter().next().unwrap_or_default()
    }

    /// Whether requests differ in nothing but their ids.
    fn are_alike(&self, _requests: &[Request]) -> bool {
        false
    }

    /// Spurious events, a few of each kind that matters, always the same.
    fn few_spurious(&self, _requests: &[Request]) -> Vec<Spurious> {
        Vec::new()
    }

    /// The request that an event belongs to, if it says so.
    fn correlation<'a>(&self, _schema: SchemaId, _value: &'a [u8]) -> Option<Cow<'a, str>> {
        None
    }

    /// The request that an effect belongs to, from its parameters.
    fn effect_correlation<'a>(&self, _: EffectId, _params: &'a [u8]) -> Option<Cow<'a, str>> {
        None
    }

    /// Whether a kind of fault never happens to the world.
    fn forbids(&self, _fault: Knob) -> bool {
        false
    }

    /// The answers that work may get, the plain one first.
    fn answers(&self) -> Answers {
        adapters::answers()
    }

    /// Whether the answers to the work of a plan are known: one that awaits nothing, has inputs of
    /// `input`, and would raise an event of `raised`.
    fn knows_answers(&self, _: PlanId, _raised: SchemaId, _input: SchemaId) -> bool {
        false
    }

    /// Appends the event that answers the work a plan was started for by `input`, by the answer's
    /// place in [`Model::answers`]. False, with nothing appended, if it raises none.
    fn answer(&self, _: PlanId, _input: &[u8], _answer: Answer, _out: &mut Vec<u8>) -> bool {
        false
    }

    /// Whether a piece of work may get an answer. The plain one may always be given.
    fn may_answer(&self, _work: &Work<'_>, _answer: Answer) -> bool {
        true
    }

    /// By what a service knows a piece of work again, as bytes: all work that is known by the same
    /// is answered as the first of it was. None if each piece is answered by itself.
    fn same(&self, _work: &Work<'_>) -> Option<Vec<u8>> {
        None
    }

    /// Whether the answers to an effect are listed: then it gets no other, and
    /// [`Model::receipt`] is not asked.
    fn lists_answers(&self, _work: &Work<'_>) -> bool {
        false
    }

    /// What an answer to an effect is; None for what follows from the schemas. With a stream, made
    /// up for this run; without, the plainest there is.
    fn reply(&self, _: &Work<'_>, _answer: Answer, _: Option<&mut Stream>) -> Option<Reply> {
        None
    }

    /// A spurious event, made up for this run: of another request, out of its time, or
    /// arbitrary.
    fn spurious(&self, _requests: &[Request], _stream: &mut Stream) -> Option<Spurious> {
        None
    }

    /// A few receipts of an effect with these parameters beside the plain ones, always the same.
    fn few_receipts(&self, _effect: EffectId, _params: &[u8]) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// A receipt of an effect with these parameters, made up for this run; None for the plain one.
    fn receipt(&self, _effect: EffectId, _params: &[u8], _stream: &mut Stream) -> Option<Vec<u8>> {
        None
    }

    /// What of a reducer's state matters for where it stands, as a number: the fuzzer goes on from
    /// inputs that reach a new one. Canonical bytes; without a schema's help, see [`outline`].
    fn abstract_state(&self, _requests: &[Request], state: &[u8]) -> u64 {
        outline::of(state)
    }

    /// The plainest number that a field of this name may hold: what shrinking aims at.
    fn plain_number(&self, _field: &str) -> u64 {
        0
    }
}

/// A piece of work that is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work<'a> {
    /// An effect that is asked for.
    Effect {
        /// Which.
        effect: EffectId,
        /// The plan that asks; None if a reducer does.
        plan: Option<PlanId>,
        /// Its canonical parameters.
        params: &'a [u8],
    },
    /// A plan that awaits nothing, and raises an event.
    Plan {
        /// Which.
        plan: PlanId,
        /// Its canonical input.
        input: &'a [u8],
    },
}

/// An answer to an effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// What a reducer is told; plans get no other than ok.
    pub status: Status,
    /// The canonical receipt.
    pub receipt: Vec<u8>,
}

/// A spurious event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spurious {
    /// The schema of the event.
    pub schema: SchemaId,
    /// Its canonical bytes.
    pub value: Vec<u8>,
    /// The key of the cell that it goes to, where it tells of a receipt.
    pub cell: Option<Vec<u8>>,
}

/// How large a small world is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Small {
    /// How many requests there are.
    pub requests: u32,
    /// The numbers that were asked for, by the names of the model's [`Size`]s.
    pub sizes: BTreeMap<String, u64>,
}

impl Default for Small {
    fn default() -> Small {
        Small {
            requests: 2,
            sizes: BTreeMap::new(),
        }
    }
}

impl Small {
    /// The number that was asked for, or the usual one.
    pub fn get(&self, size: &Size) -> u64 {
        self.sizes.get(size.name).copied().unwrap_or(size.usual)
    }

    /// The same with another number.
    pub fn with(mut self, size: &Size, number: u64) -> Small {
        self.sizes.insert(size.name.to_owned(), number);
        self
    }
}

/// A number by which the small worlds of a model are made larger or smaller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// As the command line calls it: `most-items`.
    pub name: &'static str,
    /// What it is, for the command's help.
    pub says: &'static str,
    /// What it is if nobody says otherwise.
    pub usual: u64,
    /// The most that may be asked for.
    pub most: u64,
    /// What it counts, as the bounds of an exploration list it: `("item", "items")`.
    pub counts: Option<(&'static str, &'static str)>,
}

/// A small world to explore: what may be requested in it, and what of the environment is left out.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Scene {
    /// What is particular about it, as a report says it.
    pub varied: String,
    /// What may be requested.
    pub requests: Vec<Request>,
    /// How many of the requests may be started.
    pub starts: u32,
    /// Work answers like this alone, and nothing else goes wrong: it goes deep instead of wide.
    pub only: Option<Answer>,
}
