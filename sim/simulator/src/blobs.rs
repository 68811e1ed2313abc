//! The store behind `blob.put` and `blob.get`: what was put is there to be got.
//!
//! A blob is stored when its put is answered, and stays for the run: a crash of the kernel does not
//! touch it. Answers nothing itself.

use sim_air::{Effect, Schemas, Value};
use sim_model::receipts::{BLOB_GET, BLOB_PUT};
use sim_record::trace::{Trace, ValueId};

/// A blob: its reference, as text, and its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blob {
    pub blob_ref: ValueId,
    pub bytes: ValueId,
}

/// What the parameters of a put ask to be stored.
pub(super) fn put(
    schemas: &Schemas,
    effect: &Effect,
    trace: &mut Trace,
    params: ValueId,
) -> Option<Blob> {
    if effect.kind != BLOB_PUT {
        return None;
    }
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

/// Whether an effect gets a blob, and the one that its parameters name, if it is there.
pub(super) fn got(
    schemas: &Schemas,
    effect: &Effect,
    trace: &Trace,
    params: ValueId,
    blobs: &[Blob],
) -> (bool, Option<ValueId>) {
    if effect.kind != BLOB_GET {
        return (false, None);
    }
    let asked = schemas.decode(effect.params, trace.bytes(params));
    let blob_ref = asked
        .as_ref()
        .ok()
        .and_then(|asked| asked.field("blob_ref")?.as_text());
    let wanted = |blob: &&Blob| Some(trace.bytes(blob.blob_ref)) == blob_ref.map(str::as_bytes);
    (true, blobs.iter().find(wanted).map(|blob| blob.bytes))
}
