//! Simpler values in requests and stray events: shorter texts and lists, lower numbers.
//!
//! Values are taken apart by their schemas, so this serves any world. What the ids of requests
//! are is asked of the workload.

use super::{Context, Identity, Search};
use crate::air::{SchemaId, Type, Value};
use crate::scenario::{Decision, Scenario};
use crate::workload::sample;

/// What is simpler than any other text but the empty one.
const SHORT_TEXT: &str = "a";

/// A number somewhere in a scenario.
#[derive(Clone, PartialEq, Eq)]
struct Number {
    place: Place,
    is: i128,
    /// What it would rather be.
    plain: i128,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the value of a request, by the way that leads to it.
    Request(usize, Vec<usize>),
    /// In a stray event.
    Stray(usize, Vec<usize>),
    /// The time of a decision.
    Time(usize),
}

/// Gathers what a value weighs; see `Measure`.
struct Scales<'a> {
    /// Texts that weigh nothing.
    req_ids: &'a [&'a str],
    size: u64,
}

impl Context<'_> {
    /// The size of all values of a scenario, and how far its numbers are from plain.
    pub(super) fn weigh_values(&self, scenario: &Scenario) -> (u64, u128) {
        let req_ids = self.req_ids(scenario);
        let mut size = 0;
        let mut weigh = |schema, bytes: &[u8], req_ids| {
            let schemas = &self.subject.air.schemas;
            let Ok(value) = schemas.decode(schema, bytes) else {
                return;
            };
            let mut scales = Scales { req_ids, size: 0 };
            self.weigh(schemas.ty(schema), &value, &mut scales);
            size += scales.size;
        };
        for request in &scenario.requests {
            weigh(request.schema, &request.value, &[]);
        }
        for decision in &scenario.schedule {
            if let Decision::Inject { schema, value } = decision {
                weigh(*schema, value, &req_ids);
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
            (Type::Text, Value::Text(text)) if scales.req_ids.contains(&text.as_str()) => {}
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
    fn simpler(&self, ty: &Type, value: &Value, req_ids: &[&str]) -> Vec<Value> {
        let schemas = &self.subject.air.schemas;
        match (schemas.resolve(ty), value) {
            (Type::Bool, Value::Bool(true)) => vec![Value::Bool(false)],
            (Type::Bytes, Value::Bytes(bytes)) if !bytes.is_empty() => {
                let half = bytes[..bytes.len() / 2].to_vec();
                vec![Value::Bytes(Vec::new()), Value::Bytes(half)]
            }
            (Type::Text, Value::Text(text)) => simpler_texts(text, req_ids),
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
                simpler.extend(self.simpler(some, value, req_ids));
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
                    let inner = self.simpler(&arm.ty, value, req_ids).into_iter();
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
                    field(key).map_or(Vec::new(), |ty| self.simpler(ty, value, req_ids))
                })
            }
            (Type::Map(map), Value::Map(entries)) => {
                let mut simpler = without_one(entries, Value::Map);
                simpler.extend(with_entries(entries, |(_, value)| {
                    self.simpler(&map.value, value, req_ids)
                }));
                simpler
            }
            (Type::List(item) | Type::Set(item), Value::List(items)) => {
                let mut simpler = without_one(items, Value::List);
                for (index, value) in items.iter().enumerate() {
                    for value in self.simpler(item, value, req_ids) {
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

    /// Every number of a scenario.
    fn numbers(&self, scenario: &Scenario) -> Vec<Number> {
        let schemas = &self.subject.air.schemas;
        let mut numbers = Vec::new();
        let mut within = |schema: SchemaId, bytes: &[u8], place: &dyn Fn(Vec<usize>) -> Place| {
            let Ok(value) = schemas.decode(schema, bytes) else {
                return;
            };
            each_number(&value, "", &mut Vec::new(), &mut |field, way, is| {
                numbers.push(Number {
                    place: place(way.to_vec()),
                    is,
                    plain: i128::from(self.subject.workload.plain_number(field)),
                });
            });
        };
        for (index, request) in scenario.requests.iter().enumerate() {
            let place = |way| Place::Request(index, way);
            within(request.schema, &request.value, &place);
        }
        for (index, decision) in scenario.schedule.iter().enumerate() {
            if let Decision::Inject { schema, value } = decision {
                within(*schema, value, &|way| Place::Stray(index, way));
            }
        }
        for (index, decision) in scenario.schedule.iter().enumerate() {
            if let Some(at_ns) = time(decision) {
                numbers.push(Number {
                    place: Place::Time(index),
                    is: i128::from(at_ns),
                    plain: 0,
                });
            }
        }
        numbers
    }

    /// The place and the number of one of the requests' numbers.
    pub(super) fn request_number(
        &self,
        scenario: &Scenario,
        index: usize,
    ) -> Option<(Place, i128)> {
        let numbers = self.numbers(scenario).into_iter();
        let mut of_requests = numbers.filter(|found| matches!(found.place, Place::Request(..)));
        of_requests.nth(index).map(|found| (found.place, found.is))
    }

    /// The scenario with every number of its requests plain.
    pub(super) fn with_plain_requests(&self, scenario: &Scenario) -> Scenario {
        let mut changed = scenario.clone();
        for number in self.numbers(scenario) {
            if matches!(number.place, Place::Request(..)) {
                let plain = self.with_number(&changed, &number.place, number.plain);
                changed = plain.unwrap_or(changed);
            }
        }
        changed
    }

    /// The scenario with another number at that place.
    pub(super) fn with_number(
        &self,
        scenario: &Scenario,
        place: &Place,
        number: i128,
    ) -> Option<Scenario> {
        let schemas = &self.subject.air.schemas;
        let rewritten = |schema: SchemaId, bytes: &[u8], way: &[usize]| {
            let mut value = schemas.decode(schema, bytes).ok()?;
            set_number(&mut value, way, number)?;
            schemas.encode(schema, &value).ok()
        };
        let mut changed = scenario.clone();
        match place {
            Place::Request(index, way) => {
                let request = changed.requests.get_mut(*index)?;
                request.value = rewritten(request.schema, &request.value, way)?;
            }
            Place::Stray(index, way) => {
                let Decision::Inject { schema, value } = changed.schedule.get_mut(*index)? else {
                    return None;
                };
                *value = rewritten(*schema, value, way)?;
            }
            Place::Time(index) => {
                *time_mut(changed.schedule.get_mut(*index)?)? = u64::try_from(number).ok()?;
            }
        }
        Some(changed)
    }
}

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
            if !self.simplify_stray(index) {
                index += 1;
            }
        }
        let mut index = 0;
        while let Some(number) = self.context.numbers(&self.best).get(index) {
            if number.is != number.plain {
                self.set(&number.place, number.plain);
            }
            index += 1;
        }
    }

    fn simplify_request(&mut self, index: usize) -> bool {
        let workload = self.context.subject.workload;
        let request = &self.best.requests[index];
        let schema = request.schema;
        let values = self.simpler_bytes(schema, &request.value, &[]);
        values.into_iter().any(|value| {
            // Which request it is stays.
            let is = |bytes| workload.req_id(schema, bytes);
            if is(&value) != is(&self.best.requests[index].value) {
                return false;
            }
            let mut candidate = self.best.clone();
            candidate.requests[index].value = value;
            self.attempt(&candidate)
        })
    }

    fn simplify_stray(&mut self, index: usize) -> bool {
        let Decision::Inject { schema, value } = &self.best.schedule[index] else {
            return false;
        };
        let schema = *schema;
        let req_ids = self.context.req_ids(&self.best);
        let mut values = self.of_requests(schema, value);
        values.extend(self.simpler_bytes(schema, value, &req_ids));
        values.into_iter().any(|value| {
            let mut schedule = self.best.schedule.clone();
            schedule[index] = Decision::Inject { schema, value };
            let candidate = self.with_schedule(schedule);
            self.attempt(&candidate)
        })
    }

    /// The event of a stranger as that of each request.
    fn of_requests(&self, schema: SchemaId, value: &[u8]) -> Vec<Vec<u8>> {
        let stranger = Identity {
            name: String::new(),
            req_id: self
                .context
                .subject
                .workload
                .req_id(schema, value)
                .map(str::to_owned),
        };
        let requests = self.best.requests.iter();
        let known: Vec<Identity> = requests
            .map(|request| self.context.identity(request))
            .collect();
        if known.iter().any(|known| known.req_id == stranger.req_id) {
            return Vec::new();
        }
        known
            .iter()
            .filter_map(|to| self.context.with_req_id(schema, value, &stranger, to))
            .collect()
    }

    fn simpler_bytes(&self, schema: SchemaId, bytes: &[u8], req_ids: &[&str]) -> Vec<Vec<u8>> {
        let schemas = &self.context.subject.air.schemas;
        let Ok(value) = schemas.decode(schema, bytes) else {
            return Vec::new();
        };
        let simpler = self.context.simpler(schemas.ty(schema), &value, req_ids);
        simpler
            .iter()
            .filter_map(|value| schemas.encode(schema, value).ok())
            .collect()
    }

    /// Finds the number next to the plain one with which it still fails, by halving: exact where
    /// one bound decides, and in any case with a neighbour that does not fail.
    pub(super) fn lower_numbers(&mut self) {
        let mut index = 0;
        while let Some(number) = self.context.numbers(&self.best).get(index) {
            let Number { place, is, plain } = number.clone();
            let sign = if is < plain { -1 } else { 1 };
            let (mut holds, mut fails) = (0, (is - plain) * sign);
            if sign < 0 && self.set(&place, plain + fails) {
                continue;
            }
            while fails - holds > 1 {
                let middle = holds + (fails - holds) / 2;
                if self.set(&place, plain + sign * middle) {
                    fails = middle;
                } else {
                    holds = middle;
                }
            }
            index += 1;
        }
    }

    /// Tries another number at a place.
    pub(super) fn set(&mut self, place: &Place, number: i128) -> bool {
        let candidate = self.context.with_number(&self.best, place, number);
        candidate.is_some_and(|candidate| self.attempt(&candidate))
    }
}

/// The id of a request stays.
fn simpler_texts(text: &str, req_ids: &[&str]) -> Vec<Value> {
    if req_ids.contains(&text) {
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

/// Tells each number of a value, the field it is in, and the way that leads there.
fn each_number(
    value: &Value,
    field: &str,
    way: &mut Vec<usize>,
    tell: &mut dyn FnMut(&str, &[usize], i128),
) {
    match value {
        Value::Int(number) => tell(field, way, i128::from(*number)),
        Value::Nat(number) => tell(field, way, i128::from(*number)),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(index);
                each_number(item, field, way, tell);
                way.pop();
            }
        }
        Value::Map(entries) => {
            for (index, (key, value)) in entries.iter().enumerate() {
                way.push(index);
                each_number(value, key.as_text().unwrap_or(field), way, tell);
                way.pop();
            }
        }
        Value::Variant { value, .. } => each_number(value, field, way, tell),
        Value::Null | Value::Bool(_) | Value::Bytes(_) | Value::Text(_) => {}
    }
}

/// None if the way does not lead to a number that can hold it.
fn set_number(value: &mut Value, way: &[usize], number: i128) -> Option<()> {
    match (value, way) {
        (Value::Int(int), []) => *int = i64::try_from(number).ok()?,
        (Value::Nat(nat), []) => *nat = u64::try_from(number).ok()?,
        (Value::List(items), [index, way @ ..]) => set_number(items.get_mut(*index)?, way, number)?,
        (Value::Map(entries), [index, way @ ..]) => {
            set_number(&mut entries.get_mut(*index)?.1, way, number)?;
        }
        (Value::Variant { value, .. }, way) => set_number(value, way, number)?,
        _ => return None,
    }
    Some(())
}

/// The time that a decision names.
fn time(decision: &Decision) -> Option<u64> {
    match decision {
        Decision::Fire { at_ns, .. } => *at_ns,
        Decision::Advance { to_ns } => Some(*to_ns),
        _ => None,
    }
}

fn time_mut(decision: &mut Decision) -> Option<&mut u64> {
    match decision {
        Decision::Fire { at_ns, .. } => at_ns.as_mut(),
        Decision::Advance { to_ns } => Some(to_ns),
        _ => None,
    }
}
