//! What is particular to the world under test: how requests start, what answers a piece of work,
//! whose an event is.
//!
//! [`retry`] knows the schemas of the retry machine and is, with its invariants, the only place
//! that does. [`generic`] serves every other world, from its documents alone.

pub mod constants;
pub mod generic;
mod outline;
mod pool;
pub mod receipts;
pub mod retry;
pub mod sample;
pub mod texts;

use sim_air::{Air, EffectId, SchemaId};
use sim_kernel::World;
use sim_record::random::Stream;
use sim_record::scenario::{Depth, Request};
use sim_record::trace::Answer;

/// The environment's knowledge of a world. All bytes are canonical.
pub trait Workload: Send + Sync {
    fn name(&self) -> &'static str;

    /// The requests of one seed.
    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request>;

    /// The small worlds that are explored, of that size or smaller.
    fn scenes(&self, small: &Small) -> Vec<Scene>;

    /// The first of them: that in which nothing is varied.
    fn scene(&self, small: &Small) -> Scene {
        self.scenes(small).into_iter().next().unwrap_or_default()
    }

    /// Whether requests differ in nothing but their ids.
    fn are_alike(&self, requests: &[Request]) -> bool;

    /// Events that nobody sent, a few of each kind that matters, always the same.
    fn stale(&self, requests: &[Request]) -> Vec<Stray>;

    /// The request that an event belongs to, if it says so.
    fn req_id<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<&'a str>;

    /// The request that an effect belongs to, from its parameters.
    fn effect_req_id<'a>(&self, kind: &str, params: &'a [u8]) -> Option<&'a str>;

    /// Whether the answers to work are known: that of a plan with inputs of `input`, which would
    /// raise an event of `raised`.
    fn knows_answers(&self, raised: SchemaId, input: SchemaId) -> bool;

    /// Appends the event that answers the work a plan was started for by `input`. False, with
    /// nothing appended, for silence.
    fn answer(&self, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool;

    /// An event that nobody sent, made up for this run: of another request, of an earlier
    /// attempt, or arbitrary.
    fn stray(&self, requests: &[Request], stream: &mut Stream) -> Option<Stray>;

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

/// An event that nobody sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stray {
    pub schema: SchemaId,
    pub value: Vec<u8>,
    /// The key of the cell that it goes to, where it tells of a receipt.
    pub cell: Option<Vec<u8>>,
}

/// How large the requests of a small world are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Small {
    pub requests: u32,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
}

/// A small world to explore: what may be requested in it, and what of the environment is left out.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Scene {
    /// What is particular about it, as a report says it.
    pub varied: String,
    pub requests: Vec<Request>,
    /// How many of the requests may be started.
    pub starts: u32,
    /// Work answers like this alone, and nothing else goes wrong: it goes deep instead of wide.
    pub only: Option<Answer>,
}

/// A world that goes by the names of a model and has another shape.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "this is the world of the retry machine by its names, but {what}: its requests would not fit"
)]
pub struct Misfit {
    what: String,
}

impl Misfit {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "give the schemas names of their own, such as `my/RetryEvent@1`, to have the world run by \
         its documents"
    }
}

/// Whether the requests that are made for a world fit its schemas.
///
/// # Errors
/// If they would not.
pub fn check(air: &Air) -> Result<(), Misfit> {
    let what = retry::Retry::by_name(air).and_then(|retry| retry.misfit());
    what.map_or(Ok(()), |what| Err(Misfit { what }))
}

/// The workload that fits a world.
pub fn of(world: &World) -> Box<dyn Workload> {
    match retry::Retry::of(&world.air) {
        Some(retry) => Box::new(retry),
        None => Box::new(generic::Generic::of(world)),
    }
}
