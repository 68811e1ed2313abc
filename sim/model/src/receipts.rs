//! What adapters answer: receipts that fit what was asked for.
//!
//! A plain receipt has the fields that it shares with the parameters from there, those that its
//! adapter knows as [`Adapter::complete`] says, and is otherwise the plainest value of its schema.
//! Draws nothing and keeps nothing.

use super::sample;
use sim_air::{Air, Effect, Schemas, Type, Value};
use sim_kernel::adapters::{Adapter, set_field};
use sim_record::trace::SILENCE;

/// The canonical receipt that stands for an answer, by name, to an effect with these canonical
/// parameters; None for silence. `stored` are the bytes of the blob that they name, if it is there.
pub fn plain(
    air: &Air,
    effect: &Effect,
    params: &[u8],
    answer: &str,
    stored: Option<&[u8]>,
) -> Option<Vec<u8>> {
    if answer == SILENCE {
        return None;
    }
    let schemas = &air.schemas;
    let mut receipt = sample::plainest(schemas, schemas.ty(effect.receipt));
    let asked = schemas.decode(effect.params, params).unwrap_or(Value::Null);
    share(schemas, effect, &asked, &mut receipt);
    Adapter::of(effect).complete(&mut receipt, &asked, answer, stored);
    schemas.encode(effect.receipt, &receipt).ok()
}

/// Gives a receipt the fields that it shares with what was asked: those of one name and one type.
pub fn share(schemas: &Schemas, effect: &Effect, asked: &Value, receipt: &mut Value) {
    let record = |schema| match schemas.resolve(schemas.ty(schema)) {
        Type::Record(record) => Some(record),
        _ => None,
    };
    let (Some(params), Some(fields)) = (record(effect.params), record(effect.receipt)) else {
        return;
    };
    for field in fields.fields() {
        let same = params
            .field(&field.name)
            .filter(|other| other.ty == field.ty);
        if let (Some(_), Some(value)) = (same, asked.field(&field.name)) {
            set_field(receipt, &field.name, value.clone());
        }
    }
}
