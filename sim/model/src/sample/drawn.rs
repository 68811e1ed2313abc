//! Drawn values, which favour what the run has had already, what the world compares with, and the
//! extremes.

use super::budget::Budget;
use super::{Http, UUIDS, name_of_http, plainest_within, tagged};
use crate::pool::Pool;
use crate::texts;
use sim_air::{Hash, MapType, Schemas, Type, Value};
use sim_record::random::{Ratio, Stream};

/// How deep a drawn value may nest before the plainest value ends it.
const DEPTH: u32 = 8;

/// The most items of a drawn list, set or map, and of one that has many.
const ITEMS: u32 = 3;

const MANY_ITEMS: u32 = 20;

/// So many of them have many, or are long.
const MANY: Ratio = Ratio::new(1, 8);

/// A text is drawn from the pool so often, from the constants so often, and otherwise from
/// anywhere.
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

pub(super) fn draw(
    schemas: &Schemas,
    ty: &Type,
    pool: Option<&Pool<'_>>,
    stream: &mut Stream,
) -> Value {
    let Some(budget) = Budget::of(schemas, ty) else {
        return Value::Null;
    };
    let mut sampler = Sampler {
        schemas,
        pool,
        stream,
    };
    sampler.value(ty, "", (DEPTH, &mut { budget }))
}

struct Sampler<'a> {
    schemas: &'a Schemas,
    pool: Option<&'a Pool<'a>>,
    stream: &'a mut Stream,
}

impl Sampler<'_> {
    /// A value, of a field of that name if it has one. The budget has room for the smallest.
    fn value(&mut self, ty: &Type, name: &str, (depth, budget): (u32, &mut Budget)) -> Value {
        let schemas = self.schemas;
        if depth == 0 {
            return plainest_within(schemas, ty, budget);
        }
        budget.spend(1);
        let depth = depth - 1;
        match schemas.resolve(ty) {
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
                let bytes = (0..length).map(|_| self.stream.below(256) as u8);
                Value::Bytes(budget.bytes(bytes.collect()))
            }
            Type::Text => Value::text(budget.text(self.text(name))),
            Type::Hash => Value::text(self.hash()),
            Type::Uuid => Value::text(*self.stream.pick(&UUIDS).unwrap_or(&UUIDS[0])),
            Type::Unit | Type::Ref(_) => Value::Null,
            Type::Record(record) => budget.record(schemas, record, |field, budget| {
                self.value(&field.ty, &field.name, (depth, budget))
            }),
            Type::Variant(variant) => match self.stream.pick(variant.arms()) {
                Some(wanted) => {
                    let arm = budget.arm(schemas, wanted, variant);
                    tagged(arm, self.value(&arm.ty, name, (depth, budget)))
                }
                None => Value::Null,
            },
            Type::List(item) | Type::Set(item) => {
                let least = schemas.least_nodes(item);
                let mut items = Vec::new();
                for _ in 0..self.items() {
                    if budget.has(least) {
                        items.push(self.value(item, name, (depth, budget)));
                    }
                }
                Value::List(items)
            }
            Type::Map(entry) => self.map(entry, name, (depth, budget)),
            Type::Option(some) => match self.stream.below(2) {
                1 if budget.has(schemas.least_nodes(some)) => {
                    self.value(some, name, (depth, budget))
                }
                _ => Value::Null,
            },
        }
    }

    fn map(&mut self, entry: &MapType, name: &str, (depth, budget): (u32, &mut Budget)) -> Value {
        let (key_type, value_type) = (&entry.key, &entry.value);
        let kept = self.schemas.least_nodes(value_type);
        let least = kept.saturating_add(self.schemas.least_nodes(key_type));
        let mut entries: Vec<(Value, Value)> = Vec::new();
        for _ in 0..self.items() {
            if !budget.has(least) {
                break;
            }
            let key = budget.keeping(kept, |budget| self.value(key_type, name, (depth, budget)));
            let value = self.value(value_type, name, (depth, budget));
            if entries.iter().all(|(other, _)| *other != key) {
                entries.push((key, value));
            }
        }
        Value::Map(entries)
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
