//! Values of any schema: the plainest one, the n-th of a small world, and drawn ones. What a value
//! may take is bounded by [`MOST_NODES`](sim_air::MOST_NODES).

mod budget;
mod drawn;
mod nth;

use super::pool::Pool;
use budget::Budget;
use drawn::draw;
use nth::Nth;
use sim_air::{Arm, Hash, Schemas, Type, Value};
use sim_record::random::Stream;

const UUIDS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "00000000-0000-4000-8000-000000000001",
    "ffffffff-ffff-4fff-bfff-ffffffffffff",
];

/// The value with the least in it: zeros, empty texts and lists, the first arm, no option. Null for
/// a type without a value of [`MOST_NODES`](sim_air::MOST_NODES).
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
