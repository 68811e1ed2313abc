//! Deterministic simulation of WebAssembly state machines.

pub mod air;
pub mod reducer;
