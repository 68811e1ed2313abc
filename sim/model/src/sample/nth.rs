//! The n-th plain value of a type, in which everything is the n-th of its kind. Draws nothing.

use super::budget::Budget;
use super::{Http, UUIDS, name_of_http, plainest_within, tagged};
use crate::pool::Pool;
use sim_air::{Hash, Schemas, Type, Value};

pub(super) struct Nth<'a> {
    pub schemas: &'a Schemas,
    pub pool: &'a Pool<'a>,
    pub n: usize,
}

impl Nth<'_> {
    /// A value, of a field of that name if it has one.
    pub fn value(&self, ty: &Type, name: &str, budget: &mut Budget) -> Value {
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
