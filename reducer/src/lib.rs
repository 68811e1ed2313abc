//! The retry reducer `demo/RetrySM@1`: a pure state machine, as wasm and as a host library.
//!
//! Owns one step, from input envelope to output envelope. Imports nothing, keeps nothing between
//! steps, sees no clock. `machine` decides, `wire` reads and writes, `cbor` knows bytes, `memory`
//! (wasm only) is the ABI's side of linear memory.
//!
//! The feature `abi`, on by default, exports `alloc` and `step` from wasm. A crate that builds on
//! this one turns it off and exports its own with `export_abi!`.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(unsafe_code)]

pub mod cbor;
pub mod machine;
#[cfg(target_arch = "wasm32")]
pub mod memory;
pub mod wire;

pub use cbor::Refusal;
pub use wire::output_bound;

/// One step: reads the input envelope, writes the output envelope at the beginning of `space`,
/// which [`output_bound`] says how long to make, and returns its length.
pub fn step(input: &[u8], space: &mut [u8]) -> Result<usize, Refusal> {
    let input = wire::decode(input)?;
    let reaction = machine::react(input.state.as_ref(), &input.event);
    wire::encode(input.state_bytes, &reaction, space)
}

#[cfg(all(target_arch = "wasm32", feature = "abi"))]
export_abi!(crate::step);
