//! The adapter of blobs: what was put is there to be got.
//!
//! A blob is stored when its put is answered, and stays for the run: a crash of the kernel does not
//! touch it.

use super::{Adapter, set_field};
use sim_air::{Effect, Schemas, Value};
use sim_record::trace::{Trace, ValueId};

/// The kind of effect that stores a blob.
pub const PUT: &str = "blob.put";
/// The kind of effect that gets one.
pub const GET: &str = "blob.get";

/// A blob: its reference, as text, and its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blob {
    /// Its reference, a text.
    pub blob_ref: ValueId,
    /// What is in it.
    pub bytes: ValueId,
}

/// What the store has for an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// It gets no blob.
    None,
    /// It gets one that was not put.
    Missing,
    /// It gets one that was put: its bytes.
    Found(ValueId),
}

impl Lookup {
    /// The bytes of the blob, if it was found.
    pub fn bytes(self, trace: &Trace) -> Option<&[u8]> {
        match self {
            Lookup::Found(bytes) => Some(trace.bytes(bytes)),
            Lookup::None | Lookup::Missing => None,
        }
    }
}

/// Looks up the blob that an effect gets.
pub fn look_up(
    blobs: &[Blob],
    (schemas, effect): (&Schemas, &Effect),
    trace: &Trace,
    params: ValueId,
) -> Lookup {
    if Adapter::of(effect) != Adapter::BlobGet {
        return Lookup::None;
    }
    let asked = schemas.decode(effect.params, trace.bytes(params)).ok();
    let blob_ref = asked
        .as_ref()
        .and_then(|asked| asked.field("blob_ref")?.as_text());
    let wanted = |blob: &&Blob| Some(trace.bytes(blob.blob_ref)) == blob_ref.map(str::as_bytes);
    match blobs.iter().find(wanted) {
        Some(blob) => Lookup::Found(blob.bytes),
        None => Lookup::Missing,
    }
}

/// Stores the blob that an effect puts, if it puts one.
pub fn keep(
    blobs: &mut Vec<Blob>,
    (schemas, effect): (&Schemas, &Effect),
    trace: &mut Trace,
    params: ValueId,
) {
    if Adapter::of(effect) == Adapter::BlobPut
        && let Some(blob) = put(schemas, effect, trace, params)
    {
        blobs.retain(|known| known.blob_ref != blob.blob_ref);
        blobs.push(blob);
    }
}

/// What the parameters of a put ask to be stored.
fn put(schemas: &Schemas, effect: &Effect, trace: &mut Trace, params: ValueId) -> Option<Blob> {
    let asked = schemas.decode(effect.params, trace.bytes(params)).ok()?;
    let Some(Value::Bytes(bytes)) = asked.field("bytes") else {
        return None;
    };
    let blob_ref = asked.field("blob_ref")?.as_text()?;
    Some(Blob {
        blob_ref: trace.store(blob_ref.as_bytes()),
        bytes: trace.store(bytes),
    })
}

pub(super) fn complete_put(receipt: &mut Value, asked: &Value) {
    let size = match asked.field("bytes") {
        Some(Value::Bytes(bytes)) => bytes.len() as u64,
        _ => 0,
    };
    set_field(receipt, "size", Value::Nat(size));
}

pub(super) fn complete_get(receipt: &mut Value, stored: Option<&[u8]>) {
    let bytes = stored.unwrap_or_default().to_vec();
    set_field(receipt, "size", Value::Nat(bytes.len() as u64));
    set_field(receipt, "bytes", Value::Bytes(bytes));
}
