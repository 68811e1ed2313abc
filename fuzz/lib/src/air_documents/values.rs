//! What must hold of values: bytes, tree, JSON and text say the same, whatever the schema.
//!
//! Does not verify which values fit a schema.

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use sim::air::{SchemaId, Schemas, Type, Value, ValueError};
use sim::model::sample;
use sim::random::{Component, Seed, Stream};

use crate::features::hash;

/// Arbitrary values of each schema, beside the plainest.
const ARBITRARY: usize = 2;
/// Values of types that hold more than so many others are not made: refs can make a small text a
/// vast type.
const MOST_PARTS: usize = 200;

/// From one form to another. A test puts faults in.
#[derive(Clone, Copy)]
pub struct Codec {
    pub encode: fn(&Schemas, SchemaId, &Value) -> Result<Vec<u8>, ValueError>,
    pub decode: fn(&Schemas, SchemaId, &[u8]) -> Result<Value, ValueError>,
    pub to_json: fn(&Schemas, SchemaId, &Value) -> Json,
    pub from_json: fn(&Schemas, SchemaId, &Json) -> Result<Value, ValueError>,
}

impl Codec {
    pub const SHIPPED: Codec = Codec {
        encode: Schemas::encode,
        decode: Schemas::decode,
        to_json: Schemas::value_to_json,
        from_json: Schemas::value_from_json,
    };
}

/// Checks a few values of each schema that is not built in; the text says which.
pub fn check(codec: &Codec, schemas: &Schemas, text: &str) -> Result<()> {
    let seed = hash(text.bytes().map(u64::from));
    let mut stream = Stream::new(Seed(seed), Component::Samples);
    for id in schemas.ids() {
        let ty = schemas.ty(id);
        let is_small = parts(schemas, ty, &mut { MOST_PARTS });
        if schemas.name(id).starts_with("sys/") || !is_small {
            continue;
        }
        let arbitrary = (0..ARBITRARY).map(|_| sample::arbitrary(schemas, ty, &mut stream));
        for value in std::iter::once(sample::plainest(schemas, ty)).chain(arbitrary) {
            one(codec, schemas, id, &value)
                .with_context(|| format!("{value:?} of `{}`", schemas.name(id)))?;
        }
    }
    Ok(())
}

/// Whether a type has no more parts than are left.
fn parts(schemas: &Schemas, ty: &Type, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else {
        return false;
    };
    *left = rest;
    let mut all = |ty: &Type| parts(schemas, ty, left);
    match schemas.resolve(ty) {
        Type::Record(record) => record.fields().iter().all(|field| all(&field.ty)),
        Type::Variant(variant) => variant.arms().iter().all(|arm| all(&arm.ty)),
        Type::List(inner) | Type::Set(inner) | Type::Option(inner) => all(inner),
        Type::Map(map) => all(&map.value),
        _ => true,
    }
}

/// Checks one value, whose sets need not be in order.
fn one(codec: &Codec, schemas: &Schemas, id: SchemaId, value: &Value) -> Result<()> {
    let bytes = (codec.encode)(schemas, id, value)?;
    let decoded = (codec.decode)(schemas, id, &bytes)?;
    ensure!(
        (codec.encode)(schemas, id, &decoded)? == bytes,
        "decoded it is {decoded:?}, which has other bytes"
    );
    let json = (codec.to_json)(schemas, id, &decoded);
    let text = json.to_string();
    let read: Json = serde_json::from_str(&text).context("its JSON can be read")?;
    ensure!(read == json, "its JSON is {json}, and read again {read}");
    let back = (codec.from_json)(schemas, id, &read)?;
    ensure!(
        back == decoded,
        "its JSON is {json}, which is {back:?}, and it was {decoded:?}"
    );
    Ok(())
}
