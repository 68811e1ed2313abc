//! The numbers of a scenario, in requests, spurious events and times, and lower ones in their
//! place.

use super::{Context, Search};
use sim_air::{SchemaId, Value};
use sim_record::scenario::{Decision, Scenario};

/// A number somewhere in a scenario.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub place: NumberPlace,
    pub is: i128,
    /// What it would rather be.
    pub plain: i128,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum NumberPlace {
    /// In the value of a request, by the way that leads to it.
    Request(usize, Vec<usize>),
    /// In a spurious event.
    Spurious(usize, Vec<usize>),
    /// The time of a decision.
    Time(usize),
}

impl Context<'_> {
    /// Every number of a scenario.
    pub(super) fn numbers(&self, scenario: &Scenario) -> Vec<Number> {
        let schemas = &self.subject.air.schemas;
        let mut numbers = Vec::new();
        let mut within =
            |schema: SchemaId, bytes: &[u8], place: &dyn Fn(Vec<usize>) -> NumberPlace| {
                let Ok(value) = schemas.decode(schema, bytes) else {
                    return;
                };
                each_number(&value, "", &mut Vec::new(), &mut |field, way, is| {
                    numbers.push(Number {
                        place: place(way.to_vec()),
                        is,
                        plain: i128::from(self.subject.model.plain_number(field)),
                    });
                });
            };
        for (index, request) in scenario.requests.iter().enumerate() {
            let place = |way| NumberPlace::Request(index, way);
            within(request.schema, &request.value, &place);
        }
        for (index, decision) in scenario.schedule.iter().enumerate() {
            if let Decision::Inject { schema, value, .. } = decision {
                within(*schema, value, &|way| NumberPlace::Spurious(index, way));
            }
        }
        for (index, decision) in scenario.schedule.iter().enumerate() {
            if let Some(at_ns) = time(decision) {
                numbers.push(Number {
                    place: NumberPlace::Time(index),
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
    ) -> Option<(NumberPlace, i128)> {
        let numbers = self.numbers(scenario).into_iter();
        let mut of_requests =
            numbers.filter(|found| matches!(found.place, NumberPlace::Request(..)));
        of_requests.nth(index).map(|found| (found.place, found.is))
    }

    /// The scenario with every number of its requests plain.
    pub(super) fn with_plain_requests(&self, scenario: &Scenario) -> Scenario {
        let mut changed = scenario.clone();
        for number in self.numbers(scenario) {
            if matches!(number.place, NumberPlace::Request(..)) {
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
        place: &NumberPlace,
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
            NumberPlace::Request(index, way) => {
                let request = changed.requests.get_mut(*index)?;
                request.value = rewritten(request.schema, &request.value, way)?;
            }
            NumberPlace::Spurious(index, way) => {
                let Decision::Inject { schema, value, .. } = changed.schedule.get_mut(*index)?
                else {
                    return None;
                };
                *value = rewritten(*schema, value, way)?;
            }
            NumberPlace::Time(index) => {
                *time_mut(changed.schedule.get_mut(*index)?)? = u64::try_from(number).ok()?;
            }
        }
        Some(changed)
    }
}

impl Search<'_> {
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
    pub(super) fn set(&mut self, place: &NumberPlace, number: i128) -> bool {
        let candidate = self.context.with_number(&self.best, place, number);
        candidate.is_some_and(|candidate| self.attempt(&candidate))
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
