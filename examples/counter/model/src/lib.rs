//! The model of the counter: what its clients ask for, and what must hold. To copy, with the world.
//!
//! Owns what the counter is for: the total is what was counted since the last reset, up to the
//! limit, and others hear once that it is reached. Never looks into the reducer.

#![warn(missing_docs)]

use sim_air::{Air, SchemaId, Schemas, Value};
use sim_kernel::World;
use sim_model::{
    Asked, Finding, Looks, Model, Observer, Property, Scene, Seen, Small, Verdicts, Watch,
};
use sim_record::random::Stream;
use sim_record::scenario::{Depth, Request};
use sim_record::trace::{Key, Packer, Step, Trace, Unpacker};

/// The most that is counted.
const LIMIT: u64 = 100;

/// What is known of a world with the counter's schemas.
#[derive(Clone, Debug)]
pub struct Counter {
    schemas: Schemas,
    event: SchemaId,
    state: SchemaId,
    reached: SchemaId,
}

impl Counter {
    /// None if this is no counter's world.
    pub fn of(air: &Air) -> Option<Counter> {
        Some(Counter {
            event: air.schemas.find("counter/Event@1")?,
            state: air.schemas.find("counter/State@1")?,
            reached: air.schemas.find("counter/LimitReached@1")?,
            schemas: air.schemas.clone(),
        })
    }

    /// A request of a client; None is a reset.
    fn request(&self, name: String, by: Option<u64>) -> Option<Request> {
        let (tag, fields) = match by {
            Some(by) => ("increment", vec![("by", Value::Nat(by))]),
            None => ("reset", Vec::new()),
        };
        let event = Value::Variant {
            tag: tag.to_owned(),
            value: Box::new(Value::record(fields)),
        };
        let value = self.schemas.encode(self.event, &event).ok()?;
        Some(Request {
            name,
            schema: self.event,
            value,
        })
    }

    /// The total in a state; 0 before the first.
    fn total(&self, trace: &Trace, step: &Step) -> Option<u64> {
        let Some(state) = step.after else {
            return Some(0);
        };
        let state = self.schemas.decode(self.state, trace.bytes(state)).ok()?;
        nat(&state, "total")
    }

    /// What an event makes of a total.
    fn due(&self, trace: &Trace, step: &Step, total: u64) -> Option<u64> {
        let event = self.schemas.decode(self.event, trace.bytes(step.event));
        let Ok(Value::Variant { tag, value }) = event else {
            return None;
        };
        match tag.as_str() {
            "increment" => Some(total.saturating_add(nat(&value, "by")?).min(LIMIT)),
            _ => Some(0),
        }
    }
}

/// A number in a record.
fn nat(record: &Value, field: &str) -> Option<u64> {
    let Value::Map(entries) = record else {
        return None;
    };
    let is_it = |key: &Value| matches!(key, Value::Text(name) if name == field);
    match entries.iter().find(|(key, _)| is_it(key))? {
        (_, Value::Nat(number)) => Some(*number),
        _ => None,
    }
}

impl Model for Counter {
    fn name(&self) -> &str {
        "counter"
    }

    fn watches<'w>(&self, _: &'w World) -> Vec<Watch<'w>> {
        let properties = [
            Property::always(
                "counts",
                "the total is what was counted since the last reset, up to the limit",
            ),
            Property::always("announces", "others hear when the limit is reached, once"),
            Property::sometimes("limit_reached", "the limit was reached", Asked::Always),
            Property::sometimes(
                "again",
                "the limit was reached again after a reset",
                Asked::From(64),
            ),
        ];
        let properties = properties.map(Property::of_model).to_vec();
        vec![Watch::new(properties, Judge(self.clone()))]
    }

    fn requests(&self, stream: &mut Stream, _: Depth) -> Vec<Request> {
        let drawn = (1..=6).filter_map(|number| {
            let by = match stream.below(4) {
                0 => None,
                1 => Some(u64::MAX),
                _ => Some(stream.below(120).into()),
            };
            self.request(format!("r{number}"), by)
        });
        drawn.collect()
    }

    fn scenes(&self, small: &Small) -> Vec<Scene> {
        let requests = [Some(60), None, Some(1), Some(u64::MAX)];
        let requests = (1..).zip(requests);
        let requests = requests.filter_map(|(number, by)| self.request(format!("r{number}"), by));
        vec![Scene {
            varied: "increments and a reset".to_owned(),
            requests: requests.collect(),
            starts: small.requests,
            only: None,
        }]
    }
}

const COUNTS: usize = 0;
const ANNOUNCES: usize = 1;
const LIMIT_REACHED: usize = 2;
const AGAIN: usize = 3;

/// Watches a run.
struct Judge(Counter);

/// What was counted so far, by the events alone.
#[derive(Clone, Copy, Default)]
struct Counted {
    total: u64,
    times_reached: u64,
}

impl Observer for Judge {
    type Memory = Counted;

    fn looks(&self) -> Looks {
        Looks::STEPS
    }

    fn step(&mut self, counted: &mut Counted, seen: &Seen<'_>, step: &Step, to: &mut Verdicts<'_>) {
        let (counter, trace) = (&self.0, seen.trace);
        if step.fault.is_some() {
            return;
        }
        let before = counted.total;
        let Some(due) = counter.due(trace, step, before) else {
            return;
        };
        counted.total = due;
        let total = counter.total(trace, step);
        to.note(
            COUNTS,
            Finding::check(total == Some(due), || {
                let found = total.map_or("none".to_owned(), |total| total.to_string());
                (format!("a total of {due}"), found)
            }),
        );
        let is_reached = due == LIMIT && before < LIMIT;
        let emitted = trace.emitted_in(&step.emitted).iter();
        let heard = emitted
            .filter(|event| event.schema == counter.reached)
            .count();
        to.note(
            ANNOUNCES,
            Finding::check(heard == usize::from(is_reached), || {
                let expected = format!("LimitReached {} times", u8::from(is_reached));
                (expected, format!("{heard} times"))
            }),
        );
        if is_reached {
            counted.times_reached += 1;
            to.reach(LIMIT_REACHED);
            if counted.times_reached > 1 {
                to.reach(AGAIN);
            }
        }
    }

    fn pack(counted: &Counted, packer: &mut Packer<'_>) {
        packer.number(counted.total).number(counted.times_reached);
    }

    fn unpack(packed: &mut Unpacker<'_>, _: &Trace) -> Counted {
        Counted {
            total: packed.number(),
            times_reached: packed.number(),
        }
    }

    fn write_key(counted: &Counted, _: &Trace, key: &mut Key) {
        key.word(counted.total).word(counted.times_reached);
    }
}
