//! What adapters answer: receipts that fit what was asked for.
//!
//! A plain receipt has the fields that it shares with the parameters from there, the status of an
//! HTTP answer by its name, the bytes of a blob from the store, and is otherwise the plainest value
//! of its schema. Draws nothing and keeps nothing.

use super::sample;
use sim_air::{Air, Effect, Schemas, Type, Value};
use sim_record::trace::Answer;

/// The kinds whose receipts say more than their schemas do.
pub const HTTP_REQUEST: &str = "http.request";
pub const BLOB_PUT: &str = "blob.put";
pub const BLOB_GET: &str = "blob.get";

/// The status of an HTTP answer; None for silence.
fn http_status(answer: Answer) -> Option<i64> {
    match answer {
        Answer::Ok => Some(200),
        Answer::Transient => Some(503),
        Answer::Terminal => Some(404),
        Answer::Silence => None,
    }
}

/// The canonical receipt that stands for an answer to an effect with these canonical parameters;
/// None for silence. `stored` are the bytes of the blob that they name, if it is there.
pub fn plain(
    air: &Air,
    effect: &Effect,
    params: &[u8],
    answer: Answer,
    stored: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let status = http_status(answer)?;
    let schemas = &air.schemas;
    let mut receipt = sample::plainest(schemas, schemas.ty(effect.receipt));
    let asked = schemas.decode(effect.params, params).unwrap_or(Value::Null);
    share(schemas, effect, &asked, &mut receipt);
    match effect.kind.as_str() {
        HTTP_REQUEST => sample::set_field(&mut receipt, "status", Value::Int(status)),
        BLOB_PUT => {
            let size = match asked.field("bytes") {
                Some(Value::Bytes(bytes)) => bytes.len() as u64,
                _ => 0,
            };
            sample::set_field(&mut receipt, "size", Value::Nat(size));
        }
        BLOB_GET => {
            let bytes = stored.unwrap_or_default().to_vec();
            sample::set_field(&mut receipt, "size", Value::Nat(bytes.len() as u64));
            sample::set_field(&mut receipt, "bytes", Value::Bytes(bytes));
        }
        _ => {}
    }
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
            sample::set_field(receipt, &field.name, value.clone());
        }
    }
}
