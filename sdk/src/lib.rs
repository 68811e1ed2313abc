//! What a reducer is written with: the ABI, its linear memory, and the small part of CBOR that the
//! wire format uses.
//!
//! Owns a step from the host's call to the bytes that go back, and nothing of what they mean. Never
//! keeps anything between steps, imports nothing, sees no clock. `memory` (wasm only) is the ABI's
//! side of linear memory, `cbor` knows bytes and `straight` the same bytes in their usual form,
//! `text` how texts are kept, `record` how the fields of a record are read in either form.

#![no_std]
#![warn(missing_docs)]

pub mod cbor;
#[cfg(target_arch = "wasm32")]
pub mod memory;
pub mod record;
pub mod straight;
pub mod text;

mod envelope;
mod export;
mod refusal;

pub use envelope::{Envelope, first_space_bytes};
pub use refusal::{Refusal, Refuse};
