//! Deterministic simulation of WebAssembly state machines.

pub mod air;
