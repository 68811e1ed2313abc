//! Deterministic simulation of WebAssembly state machines.

pub mod air;
pub mod invariants;
pub mod random;
pub mod reducer;
pub mod scenario;
pub mod simulator;
pub mod trace;
pub mod workload;
pub mod world;

/// The retry reducer as it ships, built from `reducer/` by this crate's build script.
pub const RETRY_SM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/retry_sm.wasm"));
