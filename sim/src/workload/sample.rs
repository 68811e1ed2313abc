//! Values of any schema: the plainest one, and drawn ones that favour what the run has had already,
//! what the world compares with, and the extremes.

use std::iter::repeat_with;

use super::pool::Pool;
use super::texts;
use crate::air::{Hash, Schemas, Type, Value};
use crate::random::{Ratio, Stream};

/// How deep a drawn value may nest before the plainest value ends it.
const DEPTH: u32 = 8;
/// The most items of a drawn list, set or map, and of one that has many.
const ITEMS: u32 = 3;
const MANY_ITEMS: u32 = 20;
/// So many of them have many, or are long.
const MANY: Ratio = Ratio::new(1, 8);
/// The most nodes of a value. A type that has no value of so few has none here: see [`plainest`].
const MOST_NODES: u32 = 20_000;
/// A text is drawn from the pool so often, from the constants so often, and otherwise from anywhere.
const FROM_POOL: Ratio = Ratio::new(3, 4);
const FROM_CONSTANTS: Ratio = Ratio::new(1, 2);
/// A number that is drawn from the constants is one beside them so often.
const BESIDE: Ratio = Ratio::new(1, 4);

const NATS: [u64; 9] = [
    0,
    1,
    2,
    10,
    1_000,
    u32::MAX as u64,
    (1 << 53) + 1,
    i64::MAX as u64,
    u64::MAX,
];
const INTS: [i64; 8] = [
    0,
    1,
    -1,
    1_000,
    u32::MAX as i64,
    -(1 << 53) - 1,
    i64::MIN,
    i64::MAX,
];
const TIMES_NS: [u64; 6] = [
    0,
    1_000_000,
    1_000_000_000,
    60_000_000_000,
    1_700_000_000_000_000_000,
    u64::MAX,
];
const TEXTS: [&str; 6] = [
    "",
    "a",
    "r1",
    "do_work",
    "\u{e9}\u{1f980}",
    "line\nbreak\u{0}",
];
const DECIMALS: [&str; 5] = ["0", "1", "-1", "0.1", "12345678901234567890.123"];
const UUIDS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "00000000-0000-4000-8000-000000000001",
    "ffffffff-ffff-4fff-bfff-ffffffffffff",
];
/// The value with the least in it: zeros, empty texts and lists, the first arm, no option. Null for
/// a type whose values all have more than 20,000 parts.
pub fn plainest(schemas: &Schemas, ty: &Type) -> Value {
    let mut nodes_left = MOST_NODES;
    plainest_within(schemas, ty, &mut nodes_left).unwrap_or(Value::Null)
}

fn plainest_within(schemas: &Schemas, ty: &Type, nodes_left: &mut u32) -> Option<Value> {
    *nodes_left = nodes_left.checked_sub(1)?;
    Some(match schemas.resolve(ty) {
        Type::Bool => Value::Bool(false),
        Type::Int | Type::Duration => Value::Int(0),
        Type::Nat | Type::Time => Value::Nat(0),
        Type::Dec128 => Value::text("0"),
        Type::Bytes => Value::Bytes(Vec::new()),
        Type::Text => Value::text(""),
        Type::Hash => Value::text(Hash::ZERO.to_string()),
        Type::Uuid => Value::text(UUIDS[0]),
        Type::Unit | Type::Option(_) | Type::Ref(_) => Value::Null,
        Type::Record(record) => {
            let mut fields = Vec::new();
            for field in record.fields() {
                let value = plainest_within(schemas, &field.ty, nodes_left)?;
                fields.push((field.name.as_str(), value));
            }
            Value::record(fields)
        }
        Type::Variant(variant) => match variant.arms().first() {
            Some(arm) => Value::Variant {
                tag: arm.tag.clone(),
                value: Box::new(plainest_within(schemas, &arm.ty, nodes_left)?),
            },
            None => Value::Null,
        },
        Type::List(_) | Type::Set(_) => Value::List(Vec::new()),
        Type::Map(_) => Value::Map(Vec::new()),
    })
}

/// Any value of the type, of no run.
pub fn arbitrary(schemas: &Schemas, ty: &Type, stream: &mut Stream) -> Value {
    draw(schemas, ty, None, stream)
}

/// A value of the type, of a run with this pool.
pub fn of_run(schemas: &Schemas, ty: &Type, pool: &Pool<'_>, stream: &mut Stream) -> Value {
    draw(schemas, ty, Some(pool), stream)
}

/// The n-th plain value of the type, of a small world with this pool: everything in it is the n-th of
/// its kind, so that the values of one round are about one another.
pub fn nth(schemas: &Schemas, ty: &Type, pool: &Pool<'_>, n: usize) -> Value {
    let mut nodes_left = MOST_NODES;
    nth_within(schemas, (ty, ""), pool, n, &mut nodes_left).unwrap_or(Value::Null)
}

fn nth_within(
    schemas: &Schemas,
    (ty, name): (&Type, &str),
    pool: &Pool<'_>,
    n: usize,
    nodes_left: &mut u32,
) -> Option<Value> {
    *nodes_left = nodes_left.checked_sub(1)?;
    let number = pool.numbers.get(n % pool.numbers.len().max(1)).copied();
    let number = number.unwrap_or_default();
    let inner = |ty, nodes_left: &mut u32| nth_within(schemas, (ty, name), pool, n, nodes_left);
    Some(match schemas.resolve(ty) {
        Type::Bool => Value::Bool(n.is_multiple_of(2)),
        Type::Int | Type::Duration => Value::Int(i64::try_from(number).unwrap_or(i64::MAX)),
        Type::Nat | Type::Time => Value::Nat(number),
        Type::Bytes => Value::Bytes(vec![n as u8]),
        Type::Text => {
            let allowed = match name_of_http(name) {
                Some(Http::Url) => &pool.constants.urls,
                Some(Http::Method) => &pool.constants.methods,
                None => &pool.texts,
            };
            let texts = match allowed.is_empty() {
                true => &pool.texts,
                false => allowed,
            };
            Value::text(
                texts
                    .get(n % texts.len().max(1))
                    .cloned()
                    .unwrap_or_default(),
            )
        }
        Type::Hash => Value::text(Hash::of(&[n as u8]).to_string()),
        Type::Uuid => Value::text(UUIDS[n % UUIDS.len()]),
        Type::Record(record) => {
            let mut fields = Vec::new();
            for field in record.fields() {
                let of = (&field.ty, field.name.as_str());
                let value = nth_within(schemas, of, pool, n, nodes_left)?;
                fields.push((field.name.as_str(), value));
            }
            Value::record(fields)
        }
        Type::Variant(variant) => {
            let arms = variant.arms();
            match arms.get(n % arms.len().max(1)) {
                None => Value::Null,
                Some(arm) => Value::Variant {
                    tag: arm.tag.clone(),
                    value: Box::new(inner(&arm.ty, nodes_left)?),
                },
            }
        }
        Type::List(item) | Type::Set(item) => Value::List(vec![inner(item, nodes_left)?]),
        Type::Map(entry) => {
            let key = inner(&entry.key, nodes_left)?;
            Value::Map(vec![(key, inner(&entry.value, nodes_left)?)])
        }
        Type::Option(some) if n.is_multiple_of(2) => inner(some, nodes_left)?,
        other => plainest_within(schemas, other, nodes_left)?,
    })
}

fn draw(schemas: &Schemas, ty: &Type, pool: Option<&Pool<'_>>, stream: &mut Stream) -> Value {
    let mut sampler = Sampler {
        schemas,
        pool,
        stream,
        nodes_left: MOST_NODES,
    };
    sampler
        .value(ty, "", DEPTH)
        .unwrap_or_else(|| plainest(schemas, ty))
}

struct Sampler<'a> {
    schemas: &'a Schemas,
    pool: Option<&'a Pool<'a>>,
    stream: &'a mut Stream,
    nodes_left: u32,
}

impl Sampler<'_> {
    /// A value, of a field of that name if it has one; None once there are too many nodes.
    fn value(&mut self, ty: &Type, name: &str, depth: u32) -> Option<Value> {
        if depth == 0 {
            return plainest_within(self.schemas, ty, &mut self.nodes_left);
        }
        self.nodes_left = self.nodes_left.checked_sub(1)?;
        let depth = depth - 1;
        Some(match self.schemas.resolve(ty) {
            Type::Bool => Value::Bool(self.stream.below(2) == 1),
            Type::Int | Type::Duration => Value::Int(self.int(name)),
            Type::Nat => Value::Nat(self.nat(name, &NATS)),
            Type::Time => Value::Nat(self.nat(name, &TIMES_NS)),
            Type::Dec128 => Value::text(*self.stream.pick(&DECIMALS).unwrap_or(&"0")),
            Type::Bytes => {
                let length = match self.stream.chance(MANY) {
                    true => texts::length(self.stream),
                    false => self.stream.below(ITEMS + 1) as usize,
                };
                Value::Bytes((0..length).map(|_| self.stream.below(256) as u8).collect())
            }
            Type::Text => Value::text(self.text(name)),
            Type::Hash => Value::text(self.hash()),
            Type::Uuid => Value::text(*self.stream.pick(&UUIDS).unwrap_or(&UUIDS[0])),
            Type::Unit | Type::Ref(_) => Value::Null,
            Type::Record(record) => {
                let mut fields = Vec::new();
                for field in record.fields() {
                    let value = self.value(&field.ty, &field.name, depth)?;
                    fields.push((field.name.as_str(), value));
                }
                Value::record(fields)
            }
            Type::Variant(variant) => match self.stream.pick(variant.arms()) {
                Some(arm) => Value::Variant {
                    tag: arm.tag.clone(),
                    value: Box::new(self.value(&arm.ty, name, depth)?),
                },
                None => Value::Null,
            },
            Type::List(item) | Type::Set(item) => {
                let length = self.items();
                let items = repeat_with(|| self.value(item, name, depth)).take(length);
                Value::List(items.collect::<Option<Vec<Value>>>()?)
            }
            Type::Map(entry) => {
                let mut entries: Vec<(Value, Value)> = Vec::new();
                for _ in 0..self.items() {
                    let key = self.value(&entry.key, name, depth)?;
                    let value = self.value(&entry.value, name, depth)?;
                    if entries.iter().all(|(other, _)| *other != key) {
                        entries.push((key, value));
                    }
                }
                Value::Map(entries)
            }
            Type::Option(some) => match self.stream.below(2) {
                0 => Value::Null,
                _ => self.value(some, name, depth)?,
            },
        })
    }

    /// How many items.
    fn items(&mut self) -> usize {
        let most = match self.stream.chance(MANY) {
            true => MANY_ITEMS,
            false => ITEMS,
        };
        self.stream.below(most + 1) as usize
    }

    fn is_key(&self, name: &str) -> bool {
        self.pool
            .is_some_and(|pool| pool.keys.iter().any(|key| key == name))
    }

    /// A number of the pool, a constant or one beside it, or one of these.
    fn nat(&mut self, name: &str, others: &[u64]) -> u64 {
        let is_key = self.is_key(name);
        let Some(pool) = self.pool else {
            return *self.stream.pick(others).unwrap_or(&0);
        };
        if is_key || self.stream.below(2) == 0 {
            return *self.stream.pick(&pool.numbers).unwrap_or(&0);
        }
        let others = match pool.is_small {
            true => &pool.numbers,
            false => others,
        };
        let is_constant = self.stream.chance(FROM_CONSTANTS);
        match self.stream.pick(&pool.constants.numbers) {
            Some(constant) if is_constant => match self.stream.chance(BESIDE) {
                true if self.stream.below(2) == 0 => constant.saturating_sub(1),
                true => constant.saturating_add(1),
                false => *constant,
            },
            _ => *self.stream.pick(others).unwrap_or(&0),
        }
    }

    fn int(&mut self, name: &str) -> i64 {
        match self.pool {
            Some(pool) if pool.is_small || self.stream.below(4) > 0 => {
                let number = self.nat(name, &NATS);
                i64::try_from(number).unwrap_or(i64::MAX)
            }
            _ => *self.stream.pick(&INTS).unwrap_or(&0),
        }
    }

    fn text(&mut self, name: &str) -> String {
        let is_key = self.is_key(name);
        let Some(pool) = self.pool else {
            return match self.stream.below(8) {
                0 => texts::long(texts::length_within(300, self.stream)),
                1 => (*self.stream.pick(&texts::SPEAKING).unwrap_or(&"")).to_owned(),
                _ => (*self.stream.pick(&TEXTS).unwrap_or(&"")).to_owned(),
            };
        };
        let named = match name_of_http(name) {
            Some(Http::Url) => &pool.constants.urls[..],
            Some(Http::Method) => &pool.constants.methods[..],
            None => &[],
        };
        if let Some(allowed) = self.stream.pick(named) {
            return allowed.clone();
        }
        if is_key || self.stream.chance(FROM_POOL) {
            return self.stream.pick(&pool.texts).cloned().unwrap_or_default();
        }
        let is_constant = self.stream.chance(FROM_CONSTANTS);
        match self.stream.pick(&pool.constants.texts) {
            Some(constant) if is_constant => constant.clone(),
            _ if pool.is_small => self.stream.pick(&pool.texts).cloned().unwrap_or_default(),
            _ => match self.stream.below(8) {
                0 => texts::long(texts::length(self.stream)),
                1 => (*self.stream.pick(&texts::SPEAKING).unwrap_or(&"")).to_owned(),
                2 => {
                    let known = self.stream.pick(&pool.texts).cloned().unwrap_or_default();
                    texts::near(&known, self.stream)
                }
                _ => (*self.stream.pick(&TEXTS).unwrap_or(&"")).to_owned(),
            },
        }
    }

    /// The hash of one of a few texts, so that it comes again.
    fn hash(&mut self) -> String {
        let number = self.stream.below(3) as u8;
        match number {
            0 => Hash::ZERO.to_string(),
            _ => Hash::of(&[number]).to_string(),
        }
    }
}

/// A field that goes into the parameters of an HTTP request, by its name.
enum Http {
    Url,
    Method,
}

fn name_of_http(name: &str) -> Option<Http> {
    let name = name.to_ascii_lowercase();
    let is_url = ["url", "uri", "href", "endpoint", "webhook", "callback"]
        .iter()
        .any(|part| name.contains(part));
    match name.as_str() {
        _ if is_url => Some(Http::Url),
        "method" | "http_method" | "verb" => Some(Http::Method),
        _ => None,
    }
}

/// Sets a field of a record that has it.
pub fn set_field(record: &mut Value, name: &str, value: Value) {
    let Value::Map(entries) = record else { return };
    if let Some(entry) = entries
        .iter_mut()
        .find(|(key, _)| key.as_text() == Some(name))
    {
        entry.1 = value;
    }
}
