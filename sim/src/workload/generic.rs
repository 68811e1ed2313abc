//! A workload made from schemas alone, for worlds that nobody described.
//!
//! Requests are arbitrary events of those schemas that reach a reducer or a plan and that no
//! plan raises where there are such; plans run as written, and nothing says whose an event is.

use crate::air::{Air, Op, SchemaId, Schemas, Type};
use crate::random::Stream;
use crate::scenario::{Depth, Request};
use crate::trace::Answer;
use crate::workload::{Small, Workload, sample};

/// The most requests of a seed.
const REQUESTS: u32 = 6;

pub struct Generic {
    schemas: Schemas,
    /// What a client may send: routed or triggering events.
    entries: Vec<SchemaId>,
}

impl Generic {
    pub fn of(air: &Air) -> Generic {
        let heard = air.routes.iter().map(|route| route.event);
        let mut entries: Vec<SchemaId> = heard
            .chain(air.triggers.iter().map(|trigger| trigger.event))
            .collect();
        entries.sort();
        entries.dedup();
        let raised = |schema: &SchemaId| {
            air.plans
                .iter()
                .flat_map(|plan| &plan.steps)
                .any(|step| matches!(&step.op, Op::RaiseEvent { event, .. } if event == schema))
        };
        if entries.iter().any(|schema| !raised(schema)) {
            entries.retain(|schema| !raised(schema));
        }
        Generic {
            schemas: air.schemas.clone(),
            entries,
        }
    }

    fn event(&self, stream: &mut Stream) -> Option<(SchemaId, Vec<u8>)> {
        let schema = *stream.pick(&self.entries)?;
        let ty: &Type = self.schemas.ty(schema);
        let value = sample::arbitrary(&self.schemas, ty, stream);
        self.schemas
            .encode(schema, &value)
            .ok()
            .map(|bytes| (schema, bytes))
    }
}

impl Workload for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        let count = 1 + stream.below(REQUESTS * depth.factor());
        let events = (0..count).filter_map(|_| self.event(stream));
        let named = events.enumerate().map(|(index, (schema, value))| Request {
            name: format!("e{}", index + 1),
            schema,
            value,
        });
        named.collect()
    }

    /// The plainest event of each schema that a client may send, over and over.
    fn small_requests(&self, small: &Small) -> Vec<Request> {
        let entries = self.entries.iter().cycle().take(small.requests as usize);
        let named = entries.enumerate().filter_map(|(index, &schema)| {
            let plainest = sample::plainest(&self.schemas, self.schemas.ty(schema));
            Some(Request {
                name: format!("e{}", index + 1),
                schema,
                value: self.schemas.encode(schema, &plainest).ok()?,
            })
        });
        named.collect()
    }

    fn are_alike(&self, requests: &[Request]) -> bool {
        requests
            .windows(2)
            .all(|pair| pair[0].value == pair[1].value)
    }

    fn stale(&self, _requests: &[Request]) -> Vec<(SchemaId, Vec<u8>)> {
        Vec::new()
    }

    fn req_id<'a>(&self, _schema: SchemaId, _value: &'a [u8]) -> Option<&'a str> {
        None
    }

    fn effect_req_id<'a>(&self, _kind: &str, _params: &'a [u8]) -> Option<&'a str> {
        None
    }

    fn knows_answers(&self, _raised: SchemaId, _input: SchemaId) -> bool {
        false
    }

    fn answer(&self, _input: &[u8], _answer: Answer, _out: &mut Vec<u8>) -> bool {
        false
    }

    fn stray(&self, _requests: &[Request], stream: &mut Stream) -> Option<(SchemaId, Vec<u8>)> {
        self.event(stream)
    }
}
