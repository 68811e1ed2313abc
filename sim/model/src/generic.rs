//! A model made from documents alone, for worlds without one of their own.
//!
//! Clients send what nothing within the world sends (see [`sim_kernel::Arms`]), with values from a
//! small pool, so that one event is about what another was about. Plans run as written; receipts
//! are plain or drawn. Spurious events are of every kind, those that the world sends itself among
//! them. Nothing says whose an event is.

use crate::constants::{self, Constants};
use crate::model::{Model, Scene, Small, Spurious};
use crate::observer::Watch;
use crate::pool::Pool;
use crate::{receipts, sample};
use sim_air::{Air, EffectId, SchemaId, Type, Value};
use sim_kernel::adapters::Adapter;
use sim_kernel::{ArmIndex, EventArm, EventSource, World};
use sim_record::random::{Ratio, Stream};
use sim_record::scenario::{Depth, Request};

/// The most requests of a seed of usual depth.
const REQUESTS: u32 = 6;
/// A spurious event has values of no run so often.
const ARBITRARY: Ratio = Ratio::new(1, 8);
/// A small world has so many values of each kind of event at most, and so many requests in all.
const VALUES_OF_AN_ARM: usize = 4;
/// Of these, the first ones are plain, and the others drawn.
const PLAIN_VALUES: usize = 3;
const MOST_ALTERNATIVES: usize = 24;
/// Of each kind of event that the world sends itself a small world has so many
/// spurious ones.
const SPURIOUS_OF_AN_ARM: usize = 2;
const MOST_SPURIOUS: usize = 24;
/// Of each effect that is asked for it has so many receipts beside the plain ones.
const RECEIPTS_OF_AN_EFFECT: usize = 2;
/// Draws until another value is found.
const TRIES: usize = 16;

/// The model of a world that brings none.
pub struct Generic {
    air: Air,
    arms: Vec<EventArm>,
    constants: Constants,
    /// Spans of time that these may be.
    spans_ns: Vec<u64>,
    /// Names of fields by which events find their cells.
    keys: Vec<String>,
}

impl Generic {
    /// The model that the documents of a world make.
    pub fn of(world: &World) -> Generic {
        let fields = world.air.routes.iter().filter_map(|route| {
            let path = route.key_field.as_deref()?;
            path.rsplit('.').next().map(str::to_owned)
        });
        let mut keys: Vec<String> = fields.collect();
        keys.sort();
        keys.dedup();
        let constants = Constants::of(world);
        Generic {
            air: world.air.clone(),
            arms: world.arms.all().to_vec(),
            spans_ns: constants::spans_ns(constants.numbers.iter().copied()),
            constants,
            keys,
        }
    }

    /// Every kind of event that the world listens to.
    pub fn arms(&self) -> &[EventArm] {
        &self.arms
    }

    /// A value of a type, drawn for a run with these requests; without any, from a pool of its own.
    pub fn drawn(&self, ty: &Type, requests: &[Request], stream: &mut Stream) -> Value {
        let pool = match requests.is_empty() {
            true => Pool::draw(&self.constants, &self.keys, stream),
            false => self.gathered(requests),
        };
        sample::of_run(&self.air.schemas, ty, &pool, stream)
    }

    /// A spurious event of one of these arms.
    pub fn spurious_among(
        &self,
        requests: &[Request],
        stream: &mut Stream,
        wanted: impl Fn(&EventArm) -> bool,
    ) -> Option<Spurious> {
        let arms: Vec<&EventArm> = self.arms.iter().filter(|arm| wanted(arm)).collect();
        let pool = self.gathered(requests);
        self.spurious_of(stream.pick(&arms)?, &pool, stream)
    }

    /// A few spurious events of the arms at these places.
    pub fn few_spurious_among(
        &self,
        requests: &[Request],
        wanted: impl Fn(ArmIndex) -> bool,
    ) -> Vec<Spurious> {
        let arms = self.arms.iter().enumerate();
        let arms = arms.filter(|(index, _)| wanted(*index));
        let arms: Vec<&EventArm> = arms.map(|(_, arm)| arm).collect();
        self.few_spurious_of(&arms, requests)
    }

    fn few_spurious_of(&self, within: &[&EventArm], requests: &[Request]) -> Vec<Spurious> {
        let pool = Pool {
            is_small: true,
            ..self.gathered(requests)
        };
        let events = self.few(within, &pool, SPURIOUS_OF_AN_ARM);
        let mut stream = Stream::of_a_small_world();
        let spurious = events.into_iter().take(MOST_SPURIOUS);
        let spurious = spurious.filter_map(|(schema, value)| {
            let tag = sim_kernel::variant_tag(&value).map(str::to_owned);
            let mut arms = within.iter();
            let arm = arms.find(|arm| arm.schema == schema && arm.tag == tag)?;
            let cell = self.cell(arm, &pool, &mut stream);
            Some(Spurious {
                schema,
                value,
                cell,
            })
        });
        spurious.collect()
    }

    fn of_source(&self, wanted: impl Fn(EventSource) -> bool) -> Vec<&EventArm> {
        let arms = self.arms.iter();
        arms.filter(|arm| wanted(arm.source)).collect()
    }

    /// The type of what an arm carries.
    fn payload(&self, arm: &EventArm) -> Option<&Type> {
        let schemas = &self.air.schemas;
        let ty = schemas.ty(arm.schema);
        match (&arm.tag, schemas.resolve(ty)) {
            (Some(tag), Type::Variant(variant)) => variant.arm(tag).map(|arm| &arm.ty),
            (None, _) => Some(ty),
            _ => None,
        }
    }

    /// The canonical bytes of an event of an arm that carries this.
    fn encode(&self, arm: &EventArm, payload: Value) -> Option<Vec<u8>> {
        let value = match &arm.tag {
            None => payload,
            Some(tag) => Value::Variant {
                tag: tag.clone(),
                value: Box::new(payload),
            },
        };
        self.air.schemas.encode(arm.schema, &value).ok()
    }

    fn event(&self, arm: &EventArm, pool: &Pool<'_>, stream: &mut Stream) -> Option<Vec<u8>> {
        let payload = self.payload(arm)?;
        let value = sample::of_run(&self.air.schemas, payload, pool, stream);
        self.encode(arm, value)
    }

    /// The key of a cell, drawn from the pool, for a receipt that a cell gets.
    fn cell(&self, arm: &EventArm, pool: &Pool<'_>, stream: &mut Stream) -> Option<Vec<u8>> {
        if arm.source != EventSource::Receipt {
            return None;
        }
        let schemas = &self.air.schemas;
        let key = self.air.key_of(arm.schema)?;
        let value = sample::of_run(schemas, schemas.ty(key), pool, stream);
        schemas.encode(key, &value).ok()
    }

    fn gathered(&self, requests: &[Request]) -> Pool<'_> {
        Pool::gather(&self.constants, &self.keys, &self.air.schemas, requests)
    }

    fn spurious_of(
        &self,
        arm: &EventArm,
        pool: &Pool<'_>,
        stream: &mut Stream,
    ) -> Option<Spurious> {
        let value = match stream.chance(ARBITRARY) {
            false => self.event(arm, pool, stream)?,
            true => {
                let payload = self.payload(arm)?;
                let value = sample::arbitrary(&self.air.schemas, payload, stream);
                self.encode(arm, value)?
            }
        };
        Some(Spurious {
            schema: arm.schema,
            value,
            cell: self.cell(arm, pool, stream),
        })
    }

    /// A few different events of each of these arms, the plain ones first, in turns.
    fn few(&self, arms: &[&EventArm], pool: &Pool<'_>, count: usize) -> Vec<(SchemaId, Vec<u8>)> {
        let mut stream = Stream::of_a_small_world();
        let mut by_arm: Vec<Vec<Vec<u8>>> = Vec::new();
        for arm in arms {
            let mut values: Vec<Vec<u8>> = Vec::new();
            for attempt in 0..PLAIN_VALUES + TRIES {
                let value = match self.payload(arm) {
                    Some(payload) if attempt < PLAIN_VALUES => {
                        let value = sample::nth(&self.air.schemas, payload, pool, attempt);
                        self.encode(arm, value)
                    }
                    _ => self.event(arm, pool, &mut stream),
                };
                if let Some(value) = value
                    && values.len() < count
                    && !values.contains(&value)
                {
                    values.push(value);
                }
            }
            by_arm.push(values);
        }
        let rounds = (0..count).flat_map(|round| {
            let arms = arms.iter().zip(&by_arm);
            arms.filter_map(move |(arm, values)| Some((arm.schema, values.get(round)?.clone())))
        });
        rounds.collect()
    }
}

impl Model for Generic {
    fn knows_clients(&self) -> bool {
        false
    }

    fn spans_ns(&self) -> &[u64] {
        &self.spans_ns
    }

    fn watches<'w>(&self, _: &'w World) -> Vec<Watch<'w>> {
        Vec::new()
    }

    fn name(&self) -> &str {
        "generic"
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        let pool = Pool::draw(&self.constants, &self.keys, stream);
        let clients = self.of_source(|source| source == EventSource::Client);
        let count = 1 + stream.below(REQUESTS * depth.factor());
        let events = (0..count).filter_map(|_| {
            let arm = stream.pick(&clients)?;
            Some((arm.schema, self.event(arm, &pool, stream)?))
        });
        named(events)
    }

    /// One small world: a few values of each kind of event that clients send, of which so many may
    /// be sent.
    fn scenes(&self, small: &Small) -> Vec<Scene> {
        let mut stream = Stream::of_a_small_world();
        let pool = Pool {
            texts: vec!["r1".to_owned(), "r2".to_owned()],
            numbers: vec![2, 1, 3],
            is_small: true,
            ..Pool::draw(&self.constants, &self.keys, &mut stream)
        };
        let clients = self.of_source(|source| source == EventSource::Client);
        let events = self.few(&clients, &pool, VALUES_OF_AN_ARM);
        let requests = named(events.into_iter().take(MOST_ALTERNATIVES));
        let varied = format!(
            "{} values of {} kinds of event that clients send",
            requests.len(),
            clients.len()
        );
        vec![Scene {
            varied,
            starts: small.requests,
            requests,
            ..Scene::default()
        }]
    }

    fn are_alike(&self, requests: &[Request]) -> bool {
        requests
            .windows(2)
            .all(|pair| pair[0].value == pair[1].value)
    }

    fn few_spurious(&self, requests: &[Request]) -> Vec<Spurious> {
        let within = self.of_source(|source| source != EventSource::Client);
        self.few_spurious_of(&within, requests)
    }

    fn spurious(&self, requests: &[Request], stream: &mut Stream) -> Option<Spurious> {
        let pool = self.gathered(requests);
        let arm = stream.pick(&self.arms)?;
        self.spurious_of(arm, &pool, stream)
    }

    fn few_receipts(&self, effect: EffectId, params: &[u8]) -> Vec<Vec<u8>> {
        let mut stream = Stream::of_a_small_world();
        let mut few = Vec::new();
        for _ in 0..TRIES {
            if let Some(receipt) = self.receipt(effect, params, &mut stream)
                && few.len() < RECEIPTS_OF_AN_EFFECT
                && !few.contains(&receipt)
            {
                few.push(receipt);
            }
        }
        few
    }

    fn receipt(&self, effect: EffectId, params: &[u8], stream: &mut Stream) -> Option<Vec<u8>> {
        let effect = &self.air.effects[effect.index()];
        let schemas = &self.air.schemas;
        let adapter = Adapter::of(effect);
        if !adapter.has_other_receipts() {
            return None;
        }
        let asked = schemas.decode(effect.params, params).ok()?;
        let mut pool = self.gathered(&[]);
        pool.texts = texts_of(&asked);
        let mut receipt = sample::of_run(schemas, schemas.ty(effect.receipt), &pool, stream);
        if stream.below(4) > 0 {
            receipts::share(schemas, effect, &asked, &mut receipt);
        }
        adapter.vary(&mut receipt, &self.constants.numbers, stream)?;
        schemas.encode(effect.receipt, &receipt).ok()
    }
}

fn named(events: impl Iterator<Item = (SchemaId, Vec<u8>)>) -> Vec<Request> {
    let named = events.enumerate().map(|(index, (schema, value))| Request {
        name: format!("e{}", index + 1),
        schema,
        value,
    });
    named.collect()
}

/// The texts in a value, or a plain one.
fn texts_of(value: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    gather(value, &mut texts);
    if texts.is_empty() {
        texts.push("r1".to_owned());
    }
    texts
}

fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Text(text) => texts.push(text.clone()),
        Value::List(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| gather(value, texts)),
        Value::Variant { value, .. } => gather(value, texts),
        _ => {}
    }
}
