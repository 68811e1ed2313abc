//! Values of any schema: the plainest one, and drawn ones that favour what the run has had already,
//! what the world compares with, and the extremes.

use super::pool::Pool;
use super::texts;
use sim_air::{
    Arm, Field, Hash, MOST_NODES, MapType, RecordType, Schemas, Type, Value, VariantType,
};
use sim_record::random::{Ratio, Stream};

/// How deep a drawn value may nest before the plainest value ends it.
const DEPTH: u32 = 8;
/// The most items of a drawn list, set or map, and of one that has many.
const ITEMS: u32 = 3;
const MANY_ITEMS: u32 = 20;
/// So many of them have many, or are long.
const MANY: Ratio = Ratio::new(1, 8);
/// So many bytes of a text or of bytes count as much as a node.
const NODE_BYTES: usize = 32;
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
const UUIDS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "00000000-0000-4000-8000-000000000001",
    "ffffffff-ffff-4fff-bfff-ffffffffffff",
];

/// What may still be put into a value, in nodes, beside what is kept for parts that must come.
struct Budget(u32);

impl Budget {
    /// For a value of the type; None if it has none that small.
    fn of(schemas: &Schemas, ty: &Type) -> Option<Budget> {
        (schemas.least_nodes(ty) <= MOST_NODES).then_some(Budget(MOST_NODES))
    }

    fn has(&self, nodes: u32) -> bool {
        nodes <= self.0
    }

    fn spend(&mut self, nodes: u32) {
        self.0 = self.0.saturating_sub(nodes);
    }

    /// Does something that must leave so much.
    fn keeping<T>(&mut self, kept: u32, work: impl FnOnce(&mut Budget) -> T) -> T {
        let mut rest = Budget(self.0.saturating_sub(kept));
        let done = work(&mut rest);
        self.0 = rest.0.saturating_add(kept.min(self.0));
        done
    }

    /// The text, or an empty one if there is no room for it.
    fn text(&mut self, text: String) -> String {
        match self.pays(text.len()) {
            true => text,
            false => String::new(),
        }
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        match self.pays(bytes.len()) {
            true => bytes,
            false => Vec::new(),
        }
    }

    fn pays(&mut self, length_bytes: usize) -> bool {
        let nodes = u32::try_from(length_bytes / NODE_BYTES).unwrap_or(u32::MAX);
        let has = self.has(nodes);
        if has {
            self.spend(nodes);
        }
        has
    }

    /// Fields of a record, each with what the others need kept for them.
    fn record(
        &mut self,
        schemas: &Schemas,
        record: &RecordType,
        mut field: impl FnMut(&Field, &mut Budget) -> Value,
    ) -> Value {
        let needs = record.fields().iter().map(|it| schemas.least_nodes(&it.ty));
        let mut kept = needs.fold(0, u32::saturating_add);
        let mut fields = Vec::with_capacity(record.fields().len());
        for of in record.fields() {
            kept = kept.saturating_sub(schemas.least_nodes(&of.ty));
            let value = self.keeping(kept, |budget| field(of, budget));
            fields.push((of.name.as_str(), value));
        }
        Value::record(fields)
    }

    /// This arm if there is room for it, else the smallest.
    fn arm<'a>(&self, schemas: &Schemas, wanted: &'a Arm, variant: &'a VariantType) -> &'a Arm {
        let least = |arm: &&Arm| schemas.least_nodes(&arm.ty);
        match self.has(least(&wanted)) {
            true => wanted,
            false => variant.arms().iter().min_by_key(least).unwrap_or(wanted),
        }
    }
}

/// The value with the least in it: zeros, empty texts and lists, the first arm, no option. Null for
/// a type without a value of [`MOST_NODES`].
pub fn plainest(schemas: &Schemas, ty: &Type) -> Value {
    match Budget::of(schemas, ty) {
        Some(mut budget) => plainest_within(schemas, ty, &mut budget),
        None => Value::Null,
    }
}

fn plainest_within(schemas: &Schemas, ty: &Type, budget: &mut Budget) -> Value {
    budget.spend(1);
    match schemas.resolve(ty) {
        Type::Bool => Value::Bool(false),
        Type::Int | Type::Duration => Value::Int(0),
        Type::Nat | Type::Time => Value::Nat(0),
        Type::Dec128 => Value::text("0"),
        Type::Bytes => Value::Bytes(Vec::new()),
        Type::Text => Value::text(""),
        Type::Hash => Value::text(Hash::ZERO.to_string()),
        Type::Uuid => Value::text(UUIDS[0]),
        Type::Unit | Type::Option(_) | Type::Ref(_) => Value::Null,
        Type::Record(record) => budget.record(schemas, record, |field, budget| {
            plainest_within(schemas, &field.ty, budget)
        }),
        Type::Variant(variant) => match variant.arms().first() {
            Some(first) => {
                let arm = budget.arm(schemas, first, variant);
                tagged(arm, plainest_within(schemas, &arm.ty, budget))
            }
            None => Value::Null,
        },
        Type::List(_) | Type::Set(_) => Value::List(Vec::new()),
        Type::Map(_) => Value::Map(Vec::new()),
    }
}

fn tagged(arm: &Arm, value: Value) -> Value {
    Value::Variant {
        tag: arm.tag.clone(),
        value: Box::new(value),
    }
}

/// Any value of the type, of no run.
pub fn arbitrary(schemas: &Schemas, ty: &Type, stream: &mut Stream) -> Value {
    draw(schemas, ty, None, stream)
}

/// A value of the type, of a run with this pool.
pub fn of_run(schemas: &Schemas, ty: &Type, pool: &Pool<'_>, stream: &mut Stream) -> Value {
    draw(schemas, ty, Some(pool), stream)
}

/// The n-th plain value of the type, of a small world with this pool: everything in it is the n-th
/// of its kind, so that the values of one round are about one another.
pub fn nth(schemas: &Schemas, ty: &Type, pool: &Pool<'_>, n: usize) -> Value {
    match Budget::of(schemas, ty) {
        Some(mut budget) => Nth { schemas, pool, n }.value(ty, "", &mut budget),
        None => Value::Null,
    }
}

struct Nth<'a> {
    schemas: &'a Schemas,
    pool: &'a Pool<'a>,
    n: usize,
}

impl Nth<'_> {
    /// A value, of a field of that name if it has one.
    fn value(&self, ty: &Type, name: &str, budget: &mut Budget) -> Value {
        let (schemas, n) = (self.schemas, self.n);
        budget.spend(1);
        let numbers = &self.pool.numbers;
        let number = numbers.get(n % numbers.len().max(1)).copied();
        let number = number.unwrap_or_default();
        let fits = |ty: &Type, budget: &Budget| budget.has(schemas.least_nodes(ty));
        match schemas.resolve(ty) {
            Type::Bool => Value::Bool(n.is_multiple_of(2)),
            Type::Int | Type::Duration => Value::Int(i64::try_from(number).unwrap_or(i64::MAX)),
            Type::Nat | Type::Time => Value::Nat(number),
            Type::Bytes => Value::Bytes(vec![n as u8]),
            Type::Text => Value::text(budget.text(self.text(name))),
            Type::Hash => Value::text(Hash::of(&[n as u8]).to_string()),
            Type::Uuid => Value::text(UUIDS[n % UUIDS.len()]),
            Type::Record(record) => budget.record(schemas, record, |field, budget| {
                self.value(&field.ty, &field.name, budget)
            }),
            Type::Variant(variant) => {
                let arms = variant.arms();
                match arms.get(n % arms.len().max(1)) {
                    None => Value::Null,
                    Some(wanted) => {
                        let arm = budget.arm(schemas, wanted, variant);
                        tagged(arm, self.value(&arm.ty, name, budget))
                    }
                }
            }
            Type::List(item) | Type::Set(item) if fits(item, budget) => {
                Value::List(vec![self.value(item, name, budget)])
            }
            Type::Map(entry) => {
                let (key, value) = (&entry.key, &entry.value);
                let kept = schemas.least_nodes(value);
                if !budget.has(kept.saturating_add(schemas.least_nodes(key))) {
                    return Value::Map(Vec::new());
                }
                let key = budget.keeping(kept, |budget| self.value(key, name, budget));
                Value::Map(vec![(key, self.value(value, name, budget))])
            }
            Type::Option(some) if n.is_multiple_of(2) && fits(some, budget) => {
                self.value(some, name, budget)
            }
            other => plainest_within(schemas, other, budget),
        }
    }

    fn text(&self, name: &str) -> String {
        let allowed = match name_of_http(name) {
            Some(Http::Url) => &self.pool.constants.urls,
            Some(Http::Method) => &self.pool.constants.methods,
            None => &self.pool.texts,
        };
        let texts = match allowed.is_empty() {
            true => &self.pool.texts,
            false => allowed,
        };
        let text = texts.get(self.n % texts.len().max(1));
        text.cloned().unwrap_or_default()
    }
}

fn draw(schemas: &Schemas, ty: &Type, pool: Option<&Pool<'_>>, stream: &mut Stream) -> Value {
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
