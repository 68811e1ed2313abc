//! Simpler values in requests and spurious events: shorter texts and lists; what values weigh.
//!
//! Values are taken apart by their schemas, so this serves any world. What the ids of requests
//! are is asked of the model.

use std::borrow::Cow;

use super::numbers::Number;
use super::{Context, Identity, Search};
use sim_air::{SchemaId, Type, Value};
use sim_model::sample;
use sim_record::scenario::{Decision, Scenario};

/// What is simpler than any other text but the empty one.
const SHORT_TEXT: &str = "a";

/// Gathers what a value weighs; see `Measure`.
struct Scales<'a> {
    /// Texts that weigh nothing.
    correlations: &'a [&'a str],
    size: u64,
}

impl Context<'_> {
    /// The size of all values of a scenario, and how far its numbers are from plain.
    pub(super) fn weigh_values(&self, scenario: &Scenario) -> (u64, u128) {
        let correlations = self.correlations(scenario);
        let correlations: Vec<&str> = correlations.iter().map(|known| &**known).collect();
        let mut size = 0;
        let mut weigh = |schema, bytes: &[u8], correlations| {
            let schemas = &self.subject.air.schemas;
            let Ok(value) = schemas.decode(schema, bytes) else {
                return;
            };
            let mut scales = Scales {
                correlations,
                size: 0,
            };
            self.weigh(schemas.ty(schema), &value, &mut scales);
            size += scales.size;
        };
        for request in &scenario.requests {
            weigh(request.schema, &request.value, &[]);
        }
        for decision in &scenario.schedule {
            if let Decision::Inject { schema, value, .. } = decision {
                weigh(*schema, value, &correlations);
            }
        }
        let numbers = self.numbers(scenario);
        let distance = |number: &Number| {
            let below = u128::from(number.is < number.plain);
            number.is.abs_diff(number.plain) * 2 + below
        };
        (size, numbers.iter().map(distance).sum())
    }

    fn weigh(&self, ty: &Type, value: &Value, scales: &mut Scales<'_>) {
        let schemas = &self.subject.air.schemas;
        match (schemas.resolve(ty), value) {
            (Type::Bool, Value::Bool(flag)) => scales.size += u64::from(*flag),
            (Type::Bytes, Value::Bytes(bytes)) => scales.size += bytes.len() as u64,
            (Type::Text, Value::Text(text)) if scales.correlations.contains(&text.as_str()) => {}
            (Type::Text, Value::Text(text)) => {
                let weight = |letter| if letter == 'a' { 1 } else { 2 };
                scales.size += text.chars().map(weight).sum::<u64>();
            }
            (ty @ (Type::Hash | Type::Uuid | Type::Dec128), value) => {
                scales.size += u64::from(*value != sample::plainest(schemas, ty));
            }
            (Type::Option(_), Value::Null) => {}
            (Type::Option(some), value) => {
                scales.size += 1;
                self.weigh(some, value, scales);
            }
            (Type::Variant(variant), Value::Variant { tag, value }) => {
                let place = variant.arms().iter().position(|arm| arm.tag == *tag);
                scales.size += place.unwrap_or_default() as u64;
                if let Some(arm) = variant.arm(tag) {
                    self.weigh(&arm.ty, value, scales);
                }
            }
            (Type::Record(record), value) => {
                for field in record.fields() {
                    if let Some(value) = value.field(&field.name) {
                        self.weigh(&field.ty, value, scales);
                    }
                }
            }
            (Type::List(item) | Type::Set(item), Value::List(items)) => {
                scales.size += items.len() as u64;
                items
                    .iter()
                    .for_each(|value| self.weigh(item, value, scales));
            }
            (Type::Map(map), Value::Map(entries)) => {
                scales.size += entries.len() as u64;
                for (key, value) in entries {
                    self.weigh(&map.key, key, scales);
                    self.weigh(&map.value, value, scales);
                }
            }
            _ => {}
        }
    }

    /// Values that are simpler in one respect, numbers aside.
    fn simpler(&self, ty: &Type, value: &Value, correlations: &[&str]) -> Vec<Value> {
        let schemas = &self.subject.air.schemas;
        match (schemas.resolve(ty), value) {
            (Type::Bool, Value::Bool(true)) => vec![Value::Bool(false)],
            (Type::Bytes, Value::Bytes(bytes)) if !bytes.is_empty() => {
                let half = bytes[..bytes.len() / 2].to_vec();
                vec![Value::Bytes(Vec::new()), Value::Bytes(half)]
            }
            (Type::Text, Value::Text(text)) => simpler_texts(text, correlations),
            (ty @ (Type::Hash | Type::Uuid | Type::Dec128), value) => {
                let plainest = sample::plainest(schemas, ty);
                if *value == plainest {
                    Vec::new()
                } else {
                    vec![plainest]
                }
            }
            (Type::Option(some), value) if *value != Value::Null => {
                let mut simpler = vec![Value::Null];
                simpler.extend(self.simpler(some, value, correlations));
                simpler
            }
            (Type::Variant(variant), Value::Variant { tag, value }) => {
                let before = variant.arms().iter().take_while(|arm| arm.tag != *tag);
                let mut simpler: Vec<Value> = before
                    .map(|arm| Value::Variant {
                        tag: arm.tag.clone(),
                        value: Box::new(sample::plainest(schemas, &arm.ty)),
                    })
                    .collect();
                if let Some(arm) = variant.arm(tag) {
                    let inner = self.simpler(&arm.ty, value, correlations).into_iter();
                    simpler.extend(inner.map(|value| Value::Variant {
                        tag: tag.clone(),
                        value: Box::new(value),
                    }));
                }
                simpler
            }
            (Type::Record(record), Value::Map(entries)) => {
                let field = |key: &Value| record.field(key.as_text()?).map(|field| &field.ty);
                with_entries(entries, |(key, value)| {
                    field(key).map_or(Vec::new(), |ty| self.simpler(ty, value, correlations))
                })
            }
            (Type::Map(map), Value::Map(entries)) => {
                let mut simpler = without_one(entries, Value::Map);
                simpler.extend(with_entries(entries, |(_, value)| {
                    self.simpler(&map.value, value, correlations)
                }));
                simpler
            }
            (Type::List(item) | Type::Set(item), Value::List(items)) => {
                let mut simpler = without_one(items, Value::List);
                for (index, value) in items.iter().enumerate() {
                    for value in self.simpler(item, value, correlations) {
                        let mut items = items.clone();
                        items[index] = value;
                        simpler.push(Value::List(items));
                    }
                }
                simpler
            }
            _ => Vec::new(),
        }
    }
}

/// From here on, deleting decisions one by one takes long.
const LONG_SCHEDULE: usize = 100;

impl Search<'_> {
    /// Texts, lists and options; and numbers that may as well be plain.
    pub(super) fn simplify_values(&mut self) {
        let mut index = 0;
        while index < self.best.requests.len() {
            if !self.simplify_request(index) {
                index += 1;
            }
        }
        let mut index = 0;
        while index < self.best.schedule.len() {
            if !self.simplify_spurious(index) {
                index += 1;
            }
        }
        self.plain_numbers();
    }

    /// First of all of a long schedule: with a lower limit most of it is often not possible, and
    /// left out at once.
    pub(super) fn plain_numbers_of_long(&mut self) {
        if self.best.schedule.len() > LONG_SCHEDULE {
            self.plain_numbers();
        }
    }

    fn plain_numbers(&mut self) {
        let mut index = 0;
        while let Some(number) = self.context.numbers(&self.best).get(index) {
            if number.is != number.plain {
                self.set(&number.place, number.plain);
            }
            index += 1;
        }
    }

    fn simplify_request(&mut self, index: usize) -> bool {
        let model = self.context.subject.model;
        let request = &self.best.requests[index];
        let schema = request.schema;
        let values = self.simpler_bytes(schema, &request.value, &[]);
        values.into_iter().any(|value| {
            // Which request it is stays.
            let is = |bytes| model.correlation(schema, bytes);
            if is(&value) != is(&self.best.requests[index].value) {
                return false;
            }
            let mut candidate = self.best.clone();
            candidate.requests[index].value = value;
            self.attempt(&candidate)
        })
    }

    fn simplify_spurious(&mut self, index: usize) -> bool {
        let Decision::Inject {
            schema,
            value,
            cell,
        } = &self.best.schedule[index]
        else {
            return false;
        };
        let (schema, cell) = (*schema, cell.clone());
        let correlations = self.context.correlations(&self.best);
        let correlations: Vec<&str> = correlations.iter().map(|known| &**known).collect();
        let mut values = self.of_requests(schema, value);
        values.extend(self.simpler_bytes(schema, value, &correlations));
        values.into_iter().any(|value| {
            let mut schedule = self.best.schedule.clone();
            schedule[index] = Decision::Inject {
                schema,
                value,
                cell: cell.clone(),
            };
            let candidate = self.with_schedule(schedule);
            self.attempt(&candidate)
        })
    }

    /// The event of a stranger as that of each request.
    fn of_requests(&self, schema: SchemaId, value: &[u8]) -> Vec<Vec<u8>> {
        let stranger = Identity {
            name: String::new(),
            correlation: self
                .context
                .subject
                .model
                .correlation(schema, value)
                .map(Cow::into_owned),
        };
        let requests = self.best.requests.iter();
        let known: Vec<Identity> = requests
            .map(|request| self.context.identity(request))
            .collect();
        if known
            .iter()
            .any(|known| known.correlation == stranger.correlation)
        {
            return Vec::new();
        }
        known
            .iter()
            .filter_map(|to| self.context.with_correlation(schema, value, &stranger, to))
            .collect()
    }

    fn simpler_bytes(&self, schema: SchemaId, bytes: &[u8], correlations: &[&str]) -> Vec<Vec<u8>> {
        let schemas = &self.context.subject.air.schemas;
        let Ok(value) = schemas.decode(schema, bytes) else {
            return Vec::new();
        };
        let simpler = self
            .context
            .simpler(schemas.ty(schema), &value, correlations);
        simpler
            .iter()
            .filter_map(|value| schemas.encode(schema, value).ok())
            .collect()
    }
}

/// The id of a request stays.
fn simpler_texts(text: &str, correlations: &[&str]) -> Vec<Value> {
    if correlations.contains(&text) {
        return Vec::new();
    }
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    let texts = ["", SHORT_TEXT, &half].into_iter();
    texts
        .filter(|simpler| *simpler != text)
        .map(Value::text)
        .collect()
}

/// Every way to leave one item out, and first the way to leave out all.
fn without_one<T: Clone>(items: &[T], make: fn(Vec<T>) -> Value) -> Vec<Value> {
    let mut shorter = Vec::new();
    if items.len() > 1 {
        shorter.push(make(Vec::new()));
    }
    for index in 0..items.len() {
        let mut rest = items.to_vec();
        rest.remove(index);
        shorter.push(make(rest));
    }
    shorter
}

/// Every way to put something simpler into one entry.
fn with_entries(
    entries: &[(Value, Value)],
    mut simpler: impl FnMut(&(Value, Value)) -> Vec<Value>,
) -> Vec<Value> {
    let mut all = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        for value in simpler(entry) {
            let mut entries = entries.to_vec();
            entries[index].1 = value;
            all.push(Value::Map(entries));
        }
    }
    all
}

/// Replaces each text that is `from`, or only the one at a place among them. How many there were
/// to replace.
pub(super) fn replace_text(
    value: &mut Value,
    from: &str,
    to: &str,
    place: &mut Option<usize>,
) -> usize {
    let mut replace = |value: &mut Value| replace_text(value, from, to, place);
    match value {
        Value::List(items) => items.iter_mut().map(replace).sum(),
        Value::Map(entries) => entries.iter_mut().map(|(_, value)| replace(value)).sum(),
        Value::Variant { value, .. } => replace(value),
        Value::Text(text) if text == from => {
            let here = place.is_none_or(|left| left == 0);
            if here {
                to.clone_into(text);
            }
            *place = place.map(|left| left.wrapping_sub(1));
            usize::from(here)
        }
        _ => 0,
    }
}
