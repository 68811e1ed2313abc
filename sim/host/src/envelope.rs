//! The input envelope: what a step is given, as CBOR.
//!
//! Keys are written in canonical order, without the self-describing tag. The bytes inside
//! (state, event, context) are taken as they are: this file never looks into them.

use sim_air::cbor;

/// The ABI version that every envelope names.
const ABI_VERSION: u64 = 1;

/// What a step is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInput<'a> {
    /// `None` on the very first step.
    pub state: Option<&'a [u8]>,
    /// The name of the event's schema.
    pub schema: &'a str,
    /// The event, canonical CBOR.
    pub value: &'a [u8],
    /// The event's key, if the reducer is keyed.
    pub key: Option<&'a [u8]>,
    /// The context, canonical CBOR, if the reducer declares one.
    pub ctx: Option<&'a [u8]>,
}

/// Replaces what `envelope` holds by the input envelope of `input`; its room is reused.
///
/// ```
/// use sim_host::{StepInput, encode_envelope};
///
/// let (schema, value) = ("demo/Tick@1", &[0xf6]);
/// let input = StepInput { state: None, schema, value, key: None, ctx: None };
/// let mut envelope = Vec::new();
/// encode_envelope(&input, &mut envelope);
/// // A map of three: `event`, `state`, `version`.
/// assert_eq!(envelope[0], 0xa3);
/// ```
pub fn encode_envelope(input: &StepInput<'_>, envelope: &mut Vec<u8>) {
    envelope.clear();
    cbor::write_head(envelope, cbor::MAP, 3 + u64::from(input.ctx.is_some()));
    if let Some(ctx) = input.ctx {
        cbor::write_text(envelope, "ctx");
        cbor::write_bytes(envelope, ctx);
    }
    cbor::write_text(envelope, "event");
    cbor::write_head(envelope, cbor::MAP, 2 + u64::from(input.key.is_some()));
    if let Some(key) = input.key {
        cbor::write_text(envelope, "key");
        cbor::write_bytes(envelope, key);
    }
    cbor::write_text(envelope, "value");
    cbor::write_bytes(envelope, input.value);
    cbor::write_text(envelope, "schema");
    cbor::write_text(envelope, input.schema);
    cbor::write_text(envelope, "state");
    match input.state {
        Some(state) => cbor::write_bytes(envelope, state),
        None => envelope.push(cbor::NULL),
    }
    cbor::write_text(envelope, "version");
    cbor::write_nat(envelope, ABI_VERSION);
}
