//! Generated types with values of them, as documents and JSON: both spellings side by side.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sim::air::{Air, SchemaId, Source, Value, load};

/// A type as a document has it, and the value in both spellings.
#[derive(Clone, Debug)]
pub struct Sample {
    pub ty: Json,
    pub plain: Json,
    pub tagged: Json,
}

/// Base64 of whole groups of three bytes.
fn base64() -> impl Strategy<Value = String> {
    "([A-Za-z0-9+/]{4}){0,3}"
}

fn number(number: u64) -> Json {
    if number > 1 << 53 {
        json!(number.to_string())
    } else {
        json!(number)
    }
}

fn signed(number: i64) -> Json {
    if number.unsigned_abs() > 1 << 53 {
        json!(number.to_string())
    } else {
        json!(number)
    }
}

fn scalar() -> impl Strategy<Value = Sample> {
    let sample = |word: &str, plain: Json, tag: &str| Sample {
        ty: json!({ word: {} }),
        tagged: json!({ tag: plain }),
        plain,
    };
    prop_oneof![
        any::<bool>().prop_map(move |it| sample("bool", json!(it), "bool")),
        any::<i64>().prop_map(move |it| sample("int", signed(it), "int")),
        any::<u64>().prop_map(move |it| sample("nat", number(it), "nat")),
        any::<u64>().prop_map(move |it| sample("time", number(it), "time_ns")),
        any::<i64>().prop_map(move |it| sample("duration", signed(it), "duration_ns")),
        "[^\\p{C}]{0,30}".prop_map(move |it| sample("text", json!(it), "text")),
        base64().prop_map(move |it| sample("bytes", json!(it), "bytes_b64")),
        "-?[0-9]{1,9}(\\.[0-9]{1,9})?(e-?[0-9]{1,3})?".prop_map(move |it| sample(
            "dec128",
            json!(it),
            "dec128"
        )),
        "sha256:[0-9a-f]{64}".prop_map(move |it| sample("hash", json!(it), "hash")),
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".prop_map(move |it| sample(
            "uuid",
            json!(it),
            "uuid"
        )),
        Just(Sample {
            ty: json!({"unit": {}}),
            plain: Json::Null,
            tagged: json!({"null": {}})
        }),
    ]
}

/// Types up to four levels deep.
pub fn sample() -> impl Strategy<Value = Sample> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        let fields = proptest::collection::btree_map("[a-z]{1,24}", inner.clone(), 0..5);
        prop_oneof![
            fields.clone().prop_map(record),
            (fields, any::<proptest::sample::Index>()).prop_filter_map("needs arms", variant),
            (inner.clone(), 0..3usize).prop_map(|(item, count)| repeated("list", item, count)),
            (inner.clone(), 0..2usize).prop_map(|(item, count)| repeated("set", item, count)),
            (inner.clone(), any::<bool>()).prop_filter_map("no option of null", option),
            (
                inner.clone(),
                proptest::collection::btree_set("[a-z ]{0,30}", 0..3)
            )
                .prop_map(text_map),
            (inner, proptest::collection::btree_set(any::<u64>(), 0..3)).prop_map(nat_map),
        ]
    })
}

fn record(fields: std::collections::BTreeMap<String, Sample>) -> Sample {
    let part = |part: fn(&Sample) -> &Json| -> Json {
        Json::Object(
            fields
                .iter()
                .map(|(name, it)| (name.clone(), part(it).clone()))
                .collect(),
        )
    };
    Sample {
        ty: json!({"record": part(|it| &it.ty)}),
        plain: part(|it| &it.plain),
        tagged: json!({"record": part(|it| &it.tagged)}),
    }
}

fn variant(
    (arms, chosen): (
        std::collections::BTreeMap<String, Sample>,
        proptest::sample::Index,
    ),
) -> Option<Sample> {
    let (tag, sample) = arms.iter().nth(chosen.index(arms.len().max(1)))?;
    let types: serde_json::Map<String, Json> = arms
        .iter()
        .map(|(tag, it)| (tag.clone(), it.ty.clone()))
        .collect();
    let tagged = match sample.plain {
        Json::Null => json!({"variant": {"tag": tag}}),
        _ => json!({"variant": {"tag": tag, "value": sample.tagged}}),
    };
    Some(Sample {
        ty: json!({"variant": types}),
        plain: json!({ tag: sample.plain }),
        tagged,
    })
}

fn repeated(word: &str, item: Sample, count: usize) -> Sample {
    Sample {
        ty: json!({ word: item.ty }),
        plain: Json::Array(vec![item.plain; count]),
        tagged: json!({ word: vec![item.tagged; count] }),
    }
}

fn option((inner, present): (Sample, bool)) -> Option<Sample> {
    let nullable = inner.ty.get("option").or(inner.ty.get("unit")).is_some();
    let ty = json!({"option": inner.ty});
    match (nullable, present) {
        (true, _) => None,
        (false, true) => Some(Sample { ty, ..inner }),
        (false, false) => Some(Sample {
            ty,
            plain: Json::Null,
            tagged: json!({"null": {}}),
        }),
    }
}

fn text_map((value, keys): (Sample, std::collections::BTreeSet<String>)) -> Sample {
    let plain: serde_json::Map<String, Json> = keys
        .iter()
        .map(|key| (key.clone(), value.plain.clone()))
        .collect();
    let entry = |key: &String| json!({"key": {"text": key}, "value": value.tagged});
    // An empty map in the tagged spelling looks like a plain one with the key `map`, if the
    // values are lists: the one place where the spellings meet.
    let tagged = match keys.is_empty() {
        true => json!({}),
        false if value.ty.get("list").or(value.ty.get("set")).is_some() => json!(plain),
        false => json!({"map": keys.iter().map(entry).collect::<Vec<_>>()}),
    };
    let ty = json!({"map": {"key": {"text": {}}, "value": value.ty}});
    Sample {
        ty,
        plain: Json::Object(plain),
        tagged,
    }
}

fn nat_map((value, keys): (Sample, std::collections::BTreeSet<u64>)) -> Sample {
    let pairs: Vec<Json> = keys
        .iter()
        .map(|key| json!([number(*key), value.plain.clone()]))
        .collect();
    let entry = |key: &u64| json!({"key": {"nat": key}, "value": value.tagged});
    let entries: Vec<Json> = keys.iter().map(entry).collect();
    let ty = json!({"map": {"key": {"nat": {}}, "value": value.ty}});
    Sample {
        ty,
        plain: Json::Array(pairs),
        tagged: json!({"map": entries}),
    }
}

/// A world with this type as its only schema.
pub fn world_of(ty: &Json) -> (Air, SchemaId) {
    let documents = json!([
        {"$kind": "defschema", "name": "t/Any@1", "type": ty},
        {"$kind": "manifest", "air_version": "1", "schemas": [{"name": "t/Any@1"}],
            "modules": [], "plans": [], "effects": [], "caps": [], "policies": []},
    ]);
    let source = Source {
        file: "any.air.json".to_owned(),
        text: documents.to_string(),
    };
    let air = load(&[source]).unwrap_or_else(|error| panic!("{error}\n{ty}"));
    let id = air.schemas.find("t/Any@1").expect("the schema is there");
    (air, id)
}

/// Any value, without a schema: what expressions must cope with.
pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (0..4i64).prop_map(Value::Int),
        any::<u64>().prop_map(Value::Nat),
        (0..4u64).prop_map(Value::Nat),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
        "[ab]{0,3}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            proptest::collection::btree_map("[ab]{1,2}", inner.clone(), 0..3).prop_map(|fields| {
                Value::record(fields.iter().map(|(name, it)| (name.as_str(), it.clone())))
            }),
            ("[ab]", inner).prop_map(|(tag, value)| Value::Variant {
                tag,
                value: Box::new(value)
            }),
        ]
    })
}
