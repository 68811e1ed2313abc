//! What is particular to the world under test: how requests start, what answers a piece of work,
//! whose an event is.
//!
//! [`retry`] knows the schemas of the retry machine and is, with its invariants, the only place
//! that does. [`generic`] serves every other world, from its schemas alone.

pub mod generic;
mod outline;
pub mod retry;
pub mod sample;
pub mod texts;

use crate::air::{Air, SchemaId};
use crate::random::Stream;
use crate::scenario::{Depth, Request};
use crate::trace::Answer;

/// The environment's knowledge of a world. All bytes are canonical.
pub trait Workload: Send + Sync {
    fn name(&self) -> &'static str;

    /// The requests of one seed.
    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request>;

    /// The requests of a small world: so many, each with so many attempts.
    fn small_requests(&self, small: &Small) -> Vec<Request>;

    /// Whether requests differ in nothing but their ids.
    fn are_alike(&self, requests: &[Request]) -> bool;

    /// Events that nobody sent, a few of each kind that matters, always the same.
    fn stale(&self, requests: &[Request]) -> Vec<(SchemaId, Vec<u8>)>;

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
    fn stray(&self, requests: &[Request], stream: &mut Stream) -> Option<(SchemaId, Vec<u8>)>;

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

/// How large the requests of a small world are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Small {
    pub requests: u32,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
}

/// The workload that fits a world.
pub fn of(air: &Air) -> Box<dyn Workload> {
    match retry::Retry::of(air) {
        Some(retry) => Box::new(retry),
        None => Box::new(generic::Generic::of(air)),
    }
}

/// The receipt that stands for an answer to an effect: 200, 503 or 404 for a request over HTTP;
/// otherwise the plainest value of the receipt's schema, for every answer but silence.
pub fn receipt(air: &Air, kind: &str, schema: SchemaId, answer: Answer) -> Option<Vec<u8>> {
    let status = match answer {
        Answer::Silence => return None,
        Answer::Ok => 200,
        Answer::Transient => 503,
        Answer::Terminal => 404,
    };
    let mut value = sample::plainest(&air.schemas, air.schemas.ty(schema));
    if kind == "http.request" {
        sample::set_field(&mut value, "status", crate::air::Value::Int(status));
    }
    air.schemas.encode(schema, &value).ok()
}
