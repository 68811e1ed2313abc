//! Deterministic simulation of WebAssembly state machines.

pub mod air;
pub mod reducer;

/// The retry reducer as it ships, built from `reducer/` by this crate's build script.
pub const RETRY_SM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/retry_sm.wasm"));
