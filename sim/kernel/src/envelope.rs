//! The bytes that the kernel itself writes: receipt events and what an intent hash is taken over.
//!
//! All of it is canonical as written: fields go out in canonical order, so nothing is sorted.

use crate::adapters::Stamp;
use sim_air::{Hash, Wrap, cbor};
use sim_record::trace::Status;

/// Room for what a receipt event has beside the parameters and the receipt: keys and names.
const RECEIPT_EVENT_BYTES: usize = 320;

/// The canonical item without its leading tag, as it stands inside another item.
pub fn item(canonical: &[u8]) -> &[u8] {
    canonical
        .strip_prefix(&cbor::SELF_DESCRIBED)
        .unwrap_or(canonical)
}

/// What a reducer's effect comes back as.
pub struct Receipt<'a> {
    /// None: the reducer's event is the receipt event itself.
    pub arm: Option<&'a str>,
    /// The hash that names the intent.
    pub intent_hash: &'a Hash,
    /// The name of the reducer that asked.
    pub reducer: &'a str,
    /// The kind of the effect.
    pub effect_kind: &'a str,
    /// How it went, as the adapter says.
    pub status: Status,
    /// The canonical parameters of the effect.
    pub requested: &'a [u8],
    /// The canonical receipt.
    pub receipt: &'a [u8],
}

/// Appends an event put into an arm of a reducer's event variant; both are canonical.
pub fn wrapped(out: &mut Vec<u8>, arm: &Wrap, event: &[u8]) {
    out.extend_from_slice(&cbor::SELF_DESCRIBED);
    cbor::write_head(out, cbor::MAP, if arm.unit { 1 } else { 2 });
    out.extend_from_slice(cbor::TAG_KEY);
    cbor::write_text(out, &arm.tag);
    if !arm.unit {
        out.extend_from_slice(cbor::VALUE_KEY);
        out.extend_from_slice(item(event));
    }
}

/// Appends a receipt event (`sys/TimerFired@1` and its like), put into the arm of the reducer's
/// event variant that refers to it. Shape: air-v1.md, "Built-ins".
pub fn receipt_event(out: &mut Vec<u8>, receipt: &Receipt<'_>) {
    out.reserve(RECEIPT_EVENT_BYTES + receipt.requested.len() + receipt.receipt.len());
    out.extend_from_slice(&cbor::SELF_DESCRIBED);
    if let Some(arm) = receipt.arm {
        cbor::write_head(out, cbor::MAP, 2);
        out.extend_from_slice(cbor::TAG_KEY);
        cbor::write_text(out, arm);
        out.extend_from_slice(cbor::VALUE_KEY);
    }
    cbor::write_head(out, cbor::MAP, 9);
    cbor::write_text(out, "status");
    cbor::write_text(out, receipt.status.name());
    cbor::write_text(out, "receipt");
    out.extend_from_slice(item(receipt.receipt));
    cbor::write_text(out, "reducer");
    cbor::write_text(out, receipt.reducer);
    cbor::write_text(out, "requested");
    out.extend_from_slice(item(receipt.requested));
    cbor::write_text(out, "signature");
    let stamp = Stamp::of(receipt.intent_hash);
    cbor::write_bytes(out, stamp.signature);
    cbor::write_text(out, "adapter_id");
    cbor::write_text(out, stamp.id);
    cbor::write_text(out, "cost_cents");
    match stamp.cost_cents {
        None => out.push(cbor::NULL),
        Some(cents) => cbor::write_head(out, cbor::UNSIGNED, cents),
    }
    cbor::write_text(out, "effect_kind");
    cbor::write_text(out, receipt.effect_kind);
    cbor::write_text(out, "intent_hash");
    cbor::write_text(out, hash_text(receipt.intent_hash, &mut [0; 71]));
}

/// `sha256:` and the digits, without an allocation: this is on the path of every timer.
fn hash_text<'a>(hash: &Hash, buffer: &'a mut [u8; 71]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    buffer[..7].copy_from_slice(b"sha256:");
    for (pair, byte) in buffer[7..].chunks_exact_mut(2).zip(hash.as_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(buffer).expect("ASCII only")
}

/// The hash that names an intent: SHA-256 of canonical CBOR of
/// `[kind, params, grant name, idempotency key]`; an absent key is 32 zero bytes.
pub fn intent_hash(
    scratch: &mut Vec<u8>,
    kind: &str,
    params: &[u8],
    grant: &str,
    idempotency_key: Option<&[u8]>,
) -> Hash {
    scratch.clear();
    scratch.extend_from_slice(&cbor::SELF_DESCRIBED);
    cbor::write_head(scratch, cbor::ARRAY, 4);
    cbor::write_text(scratch, kind);
    scratch.extend_from_slice(item(params));
    cbor::write_text(scratch, grant);
    cbor::write_bytes(scratch, idempotency_key.unwrap_or(&[0; 32]));
    Hash::of(scratch)
}
