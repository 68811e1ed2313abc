//! The retry reducer `demo/RetrySM@1`: a pure state machine, as wasm and as a host library.
//!
//! Owns one step, from input envelope to output envelope. Imports nothing, keeps nothing between
//! steps, sees no clock. `machine` decides and `wire` reads and writes; bytes, memory and the ABI
//! are those of the `sdk`.
//!
//! The feature `abi`, on by default, exports `alloc` and `step` from wasm. A crate that builds on
//! this one turns it off and exports its own.

#![cfg_attr(target_arch = "wasm32", no_std)]

pub mod machine;
pub mod wire;

use sdk::cbor::{Read, Sink};
use sdk::straight::Answer;
use sdk::{Envelope, Refusal};

/// The retry machine as a reducer.
pub struct RetrySm;

impl Answer for RetrySm {
    #[inline(always)]
    fn answer<'a, R: Read<'a>>(reader: R, out: impl Sink) -> Result<usize, R::Refusal> {
        let input = wire::decode(reader)?;
        let reaction = machine::react(input.state.as_ref(), &input.event);
        Ok(wire::encode(input.state_bytes, &reaction, out)?)
    }
}

/// One step: reads the input envelope, writes the output envelope at the beginning of `space`,
/// and returns its length.
pub fn step(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
    sdk::straight::step::<RetrySm>(envelope, space)
}

#[cfg(feature = "abi")]
sdk::export_straight!(crate::RetrySm);
