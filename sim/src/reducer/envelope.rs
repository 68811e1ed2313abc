//! The input envelope: what a step is given, as CBOR.
//!
//! Keys are written in canonical order, without the self-describing tag. The bytes inside
//! (state, event, context) are taken as they are: this file never looks into them.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

/// The ABI version that every envelope names.
const ABI_VERSION: u8 = 1;

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
pub fn encode_envelope(input: &StepInput<'_>, envelope: &mut Vec<u8>) {
    envelope.clear();
    let Ok(()) = encode(input, &mut Encoder::new(envelope)) else {
        unreachable!("a vector takes every byte that is written to it");
    };
}

fn encode(
    input: &StepInput<'_>,
    encoder: &mut Encoder<&mut Vec<u8>>,
) -> Result<(), Error<Infallible>> {
    encoder.map(3 + u64::from(input.ctx.is_some()))?;
    if let Some(ctx) = input.ctx {
        encoder.str("ctx")?.bytes(ctx)?;
    }
    encoder
        .str("event")?
        .map(2 + u64::from(input.key.is_some()))?;
    if let Some(key) = input.key {
        encoder.str("key")?.bytes(key)?;
    }
    encoder.str("value")?.bytes(input.value)?;
    encoder.str("schema")?.str(input.schema)?;
    encoder.str("state")?;
    match input.state {
        Some(state) => encoder.bytes(state)?,
        None => encoder.null()?,
    };
    encoder.str("version")?.u8(ABI_VERSION)?;
    Ok(())
}
