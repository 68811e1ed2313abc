//! The retry reducer `demo/RetrySM@1`: a pure state machine, as wasm and as a host library.
//!
//! Owns one step, from input envelope to output envelope. Imports nothing, keeps nothing between
//! steps, sees no clock. `machine` decides, `wire` reads and writes, `cbor` knows bytes and
//! `straight` the same bytes in their usual form, `text` how texts are kept, `memory` (wasm only)
//! is the ABI's side of linear memory.
//!
//! The feature `abi`, on by default, exports `alloc` and `step` from wasm. A crate that builds on
//! this one turns it off and exports its own with `export_abi!`.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(unsafe_code)]

pub mod cbor;
pub mod machine;
#[cfg(target_arch = "wasm32")]
pub mod memory;
pub mod straight;
pub mod text;
pub mod wire;

use cbor::{Buffer, Read, Reader, Sink};
use straight::{Straight, Writer};

pub use cbor::Refusal;
pub use wire::output_bound;

/// An input envelope, and what follows it in memory: of no meaning, but what may be read without
/// harm is read faster.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    memory: &'a [u8],
    length: usize,
}

impl<'a> Envelope<'a> {
    /// The first `length` bytes of `memory`, or all there are.
    #[inline(always)]
    pub fn within(memory: &'a [u8], length: usize) -> Self {
        Envelope {
            memory,
            length: length.min(memory.len()),
        }
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }

    /// What reads it if it is in the usual form; `None` if too little is known to follow it.
    #[inline(always)]
    pub fn straight(&self) -> Option<Straight<'a>> {
        let window = self.memory.first_chunk()?;
        Some(Straight::new(window, self.length))
    }
}

/// One step: reads the input envelope, writes the output envelope at the beginning of `space`,
/// which [`output_bound`] says how long to make, and returns its length.
#[inline(always)]
pub fn step(envelope: Envelope<'_>, space: &mut [u8]) -> Result<usize, Refusal> {
    if let Some(reader) = envelope.straight()
        && let Some(page) = space.first_chunk_mut()
        && let Ok(length) = answer(reader, Writer::new(page))
    {
        return Ok(length);
    }
    step_in_any_form(envelope.bytes(), space)
}

#[cold]
#[inline(never)]
fn step_in_any_form(envelope: &[u8], space: &mut [u8]) -> Result<usize, Refusal> {
    answer(Reader::new(envelope), Buffer::new(space))
}

/// What it calls is all inlined: the usual step is one function, and what was read is in registers.
#[inline(always)]
fn answer<'a, R: Read<'a>>(reader: R, out: impl Sink) -> Result<usize, R::Refusal> {
    let input = wire::decode(reader)?;
    let reaction = machine::react(input.state.as_ref(), &input.event);
    Ok(wire::encode(input.state_bytes, &reaction, out)?)
}

#[cfg(all(target_arch = "wasm32", feature = "abi"))]
export_abi!(crate::step);
