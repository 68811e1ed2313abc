//! Values of any schema: the plainest one, and arbitrary ones that favour the extremes.

use crate::air::{Schemas, Type, Value};
use crate::random::Stream;

/// How deep an arbitrary value may nest before the plainest value ends it.
const DEPTH: u32 = 6;
/// The most items of an arbitrary list, set or map.
const ITEMS: u32 = 3;

const NATS: [u64; 8] = [
    0,
    1,
    2,
    10,
    1_000,
    u32::MAX as u64,
    i64::MAX as u64,
    u64::MAX,
];
const INTS: [i64; 7] = [0, 1, -1, 1_000, u32::MAX as i64, i64::MIN, i64::MAX];
const TEXTS: [&str; 6] = [
    "",
    "a",
    "r1",
    "do_work",
    "\u{e9}\u{1f980}",
    "line\nbreak\u{0}",
];

/// The value with the least in it: zeros, empty texts and lists, the first arm, no option.
pub fn plainest(schemas: &Schemas, ty: &Type) -> Value {
    match schemas.resolve(ty) {
        Type::Bool => Value::Bool(false),
        Type::Int | Type::Duration => Value::Int(0),
        Type::Nat | Type::Time => Value::Nat(0),
        Type::Dec128 => Value::text("0"),
        Type::Bytes => Value::Bytes(Vec::new()),
        Type::Text => Value::text(""),
        Type::Hash => Value::text(crate::air::Hash::ZERO.to_string()),
        Type::Uuid => Value::text("00000000-0000-0000-0000-000000000000"),
        Type::Unit | Type::Option(_) | Type::Ref(_) => Value::Null,
        Type::Record(record) => Value::record(
            record
                .fields()
                .iter()
                .map(|field| (field.name.as_str(), plainest(schemas, &field.ty))),
        ),
        Type::Variant(variant) => match variant.arms().first() {
            Some(arm) => Value::Variant {
                tag: arm.tag.clone(),
                value: Box::new(plainest(schemas, &arm.ty)),
            },
            None => Value::Null,
        },
        Type::List(_) | Type::Set(_) => Value::List(Vec::new()),
        Type::Map(_) => Value::Map(Vec::new()),
    }
}

/// Any value of the type.
pub fn arbitrary(schemas: &Schemas, ty: &Type, stream: &mut Stream) -> Value {
    at_depth(schemas, ty, stream, DEPTH)
}

fn at_depth(schemas: &Schemas, ty: &Type, stream: &mut Stream, depth: u32) -> Value {
    if depth == 0 {
        return plainest(schemas, ty);
    }
    let depth = depth - 1;
    match schemas.resolve(ty) {
        Type::Bool => Value::Bool(stream.below(2) == 1),
        Type::Int | Type::Duration => Value::Int(*stream.pick(&INTS).unwrap_or(&0)),
        Type::Nat | Type::Time => Value::Nat(*stream.pick(&NATS).unwrap_or(&0)),
        Type::Bytes => {
            let length = stream.below(ITEMS + 1);
            Value::Bytes((0..length).map(|_| stream.below(256) as u8).collect())
        }
        Type::Text => Value::text(*stream.pick(&TEXTS).unwrap_or(&"")),
        Type::Record(record) => Value::record(record.fields().iter().map(|field| {
            (
                field.name.as_str(),
                at_depth(schemas, &field.ty, stream, depth),
            )
        })),
        Type::Variant(variant) => match stream.pick(variant.arms()) {
            Some(arm) => Value::Variant {
                tag: arm.tag.clone(),
                value: Box::new(at_depth(schemas, &arm.ty, stream, depth)),
            },
            None => Value::Null,
        },
        Type::List(item) | Type::Set(item) => {
            let length = stream.below(ITEMS + 1);
            Value::List(
                (0..length)
                    .map(|_| at_depth(schemas, item, stream, depth))
                    .collect(),
            )
        }
        Type::Map(entry) => {
            let key = at_depth(schemas, &entry.key, stream, depth);
            let value = at_depth(schemas, &entry.value, stream, depth);
            Value::Map(if stream.below(2) == 1 {
                vec![(key, value)]
            } else {
                Vec::new()
            })
        }
        Type::Option(some) if stream.below(2) == 1 => at_depth(schemas, some, stream, depth),
        other => plainest(schemas, other),
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
