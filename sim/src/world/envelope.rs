//! The bytes that the kernel itself writes: receipt events and what an intent hash is taken over.
//!
//! All of it is canonical as written: fields go out in canonical order, so nothing is sorted.

use minicbor::Encoder;

use crate::air::Hash;
use crate::trace::Status;

/// The tag with which canonical CBOR begins.
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];

/// The adapter that receipts are said to come from.
const ADAPTER: &str = "sim";

/// The canonical item without its leading tag, as it stands inside another item.
pub fn item(canonical: &[u8]) -> &[u8] {
    canonical.strip_prefix(&SELF_DESCRIBED).unwrap_or(canonical)
}

/// What a reducer's effect comes back as.
pub struct Receipt<'a> {
    pub arm: &'a str,
    pub intent_hash: &'a Hash,
    pub reducer: &'a str,
    pub effect_kind: &'a str,
    pub status: Status,
    /// The canonical parameters of the effect.
    pub requested: &'a [u8],
    /// The canonical receipt.
    pub receipt: &'a [u8],
}

/// Appends a receipt event (`sys/TimerFired@1` and its like), wrapped in the arm of the reducer's
/// event variant that refers to it. Shape: air-v1.md, "Built-ins".
pub fn receipt_event(out: &mut Vec<u8>, receipt: &Receipt<'_>) {
    out.extend_from_slice(&SELF_DESCRIBED);
    let written = write_receipt(out, receipt);
    written.expect("a Vec takes every write");
}

fn write_receipt(
    out: &mut Vec<u8>,
    receipt: &Receipt<'_>,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    let mut encoder = Encoder::new(&mut *out);
    encoder
        .map(2)?
        .str("$tag")?
        .str(receipt.arm)?
        .str("$value")?
        .map(9)?;
    encoder
        .str("status")?
        .str(receipt.status.name())?
        .str("receipt")?;
    out.extend_from_slice(item(receipt.receipt));
    let mut encoder = Encoder::new(&mut *out);
    encoder
        .str("reducer")?
        .str(receipt.reducer)?
        .str("requested")?;
    out.extend_from_slice(item(receipt.requested));
    let mut encoder = Encoder::new(&mut *out);
    encoder
        .str("signature")?
        .bytes(&[])?
        .str("adapter_id")?
        .str(ADAPTER)?;
    encoder
        .str("cost_cents")?
        .null()?
        .str("effect_kind")?
        .str(receipt.effect_kind)?;
    encoder
        .str("intent_hash")?
        .str(hash_text(receipt.intent_hash, &mut [0; 71]))?;
    Ok(())
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
    scratch.extend_from_slice(&SELF_DESCRIBED);
    let write = |scratch: &mut Vec<u8>| {
        Encoder::new(&mut *scratch).array(4)?.str(kind)?;
        scratch.extend_from_slice(item(params));
        Encoder::new(&mut *scratch)
            .str(grant)?
            .bytes(idempotency_key.unwrap_or(&[0; 32]))?;
        Ok::<(), minicbor::encode::Error<std::convert::Infallible>>(())
    };
    write(scratch).expect("a Vec takes every write");
    Hash::of(scratch)
}
