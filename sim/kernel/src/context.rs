//! The context that a reducer gets if its module declares one: `sys/ReducerContext@1`.
//!
//! Every field is a function of the run so far, so that a replay gives the same bytes. The
//! entropy is derived from the manifest and the height of the journal, not drawn.

use sim_air::{Air, Hash, Reducer, SchemaId, Value, ValueError};

/// What a context is made of.
pub struct Facts<'a> {
    pub now_ns: u64,
    pub journal_height: usize,
    pub event: &'a [u8],
    pub reducer: &'a Reducer,
    pub key: Option<&'a [u8]>,
}

/// The canonical bytes of the context of one step.
pub fn encode(air: &Air, schema: SchemaId, facts: &Facts<'_>) -> Result<Vec<u8>, ValueError> {
    let height = (facts.journal_height as u64).to_le_bytes();
    let entropy: Vec<u8> = (0..2_u8)
        .flat_map(|half| {
            *Hash::of(&[air.manifest_hash.as_bytes().as_slice(), &height, &[half]].concat())
                .as_bytes()
        })
        .collect();
    let context = Value::record([
        ("now_ns", Value::Nat(facts.now_ns)),
        ("logical_now_ns", Value::Nat(facts.now_ns)),
        ("journal_height", Value::Nat(facts.journal_height as u64)),
        ("entropy", Value::Bytes(entropy)),
        ("event_hash", Value::text(Hash::of(facts.event).to_string())),
        ("manifest_hash", Value::text(air.manifest_hash.to_string())),
        ("reducer", Value::text(&facts.reducer.name)),
        (
            "key",
            facts
                .key
                .map_or(Value::Null, |key| Value::Bytes(key.to_vec())),
        ),
        ("cell_mode", Value::Bool(facts.reducer.key_schema.is_some())),
    ]);
    air.schemas.encode(schema, &context)
}
