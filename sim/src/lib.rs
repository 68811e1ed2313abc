//! Deterministic simulation of WebAssembly state machines.
//!
//! A reducer is a pure state machine in wasm: `step(state, event) -> (state, events, effects)`.
//! Its bugs are orderings. This library finds them by machine, in the very binary that ships.
//!
//! # Bird's-eye view
//!
//! ```text
//!       seed · case file                 the sources of choices
//!         └── chooser ──┘                one interface
//!                │
//! scenario ──► simulator ──► trace ──► invariants ──► verdict
//!   ▲          world (AIR) · reducer (wasm)              │
//!   └── corpus ◄──────────── campaign ◄─────────────────┘ ──► report
//! ```
//!
//! # Code map
//!
//! Each module may use those above it.
//!
//! - [`random`]: seeds and streams. [`air`]: AIR v1 documents, values, expressions.
//! - [`scenario`]: one run as plain data. [`trace`]: what happened, and its digest.
//! - [`reducer`]: the only module that names wasmtime.
//! - [`world`]: the kernel: routing, triggers, plans, effect gate, journal, replay.
//! - [`workload`]: what is particular to the world under test. [`simulator`]: the loop.
//! - [`invariants`]: what must hold, and the goals. [`corpus`]: case files.
//! - [`campaign`]: many seeds. [`report`]: results as text. [`cli`]: the commands.
//!
//! # Invariants of the code
//!
//! - No clock, no ambient randomness and no hash-map order in the core: `clippy.toml` bans them.
//!   The only clock is read by `cli`, for the rate of a campaign.
//! - The kernel knows nothing of faults; the simulator draws nothing; invariants read the trace
//!   and the documents, nothing else; only `workload::retry` and `invariants::retry` know the
//!   retry machine's schemas.
//! - Every chunk of seeds begins on fresh wasm instances, and chunks are cut alike for any number
//!   of threads: even what a reducer hides in its memory cannot make results depend on them.

pub mod air;
pub mod campaign;
pub mod cli;
pub mod corpus;
pub mod invariants;
pub mod random;
pub mod reducer;
pub mod report;
pub mod scenario;
pub mod simulator;
pub mod trace;
pub mod workload;
pub mod world;

/// The retry reducer as it ships, built from `reducer/` by this crate's build script.
pub const RETRY_SM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/retry_sm.wasm"));
