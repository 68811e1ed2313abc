//! The reducer host: one AIR v1 reducer in WebAssembly, run a step at a time within limits.
//!
//! Owns the engine, the compiled code, the instances, the two envelopes of the ABI and every
//! check on what an untrusted guest hands back. It is the only module that names wasmtime.
//! It never reads what is inside a state, an event or an effect: those are bytes here.
//! It reads no clock and knows no randomness, so a step is a function of its input and of the
//! reducer, and says the same on any number of threads, in debug and in release.
//!
//! Two things are outside that promise. How deep a guest may recurse before its call stack is
//! exhausted depends on the machine code that the engine makes, so it may differ between
//! processor families and engine versions. And a guest that keeps something in its memory from
//! one step to the next can answer by it: to find that is the purpose of the `pure` invariant,
//! which needs a fresh instance beside a used one (`Code::instance`, `Instance::renew`).
//!
//! ```text
//! Code      load, refuse, compile (cached on disk)     one per process, shared by threads
//! Instance  encode input · alloc · step · decode       one per thread, renewed when needed
//! Output    state, events, effects, annotations        reused from step to step
//! StepError what ended a step, where, and what the guest said       found when a guest has stopped
//! Constants texts and numbers that the binary holds                   found when asked for
//! Coverage  which code was reached, what was compared  of instrumented code only
//! PureCode  a pure module: bytes in, bytes out         shared by threads, an instance a call
//! ```

#![warn(missing_docs)]

mod anatomy;
mod cache;
mod call_stack;
mod child;
mod code;
mod compile;
mod constants;
mod coverage;
mod engine;
mod envelope;
mod error;
mod excerpt;
mod explain;
mod frames;
mod instance;
mod instrument;
mod limiter;
mod lines;
mod load;
mod module;
mod names;
mod output;
mod panic;
mod pure;
mod reader;
mod shape;

pub use cache::{CODE_BYTES_MAX, CodeCache, default_cache_dir};
pub use call_stack::{CallStack, Recursion};
pub use child::{compile_in_children, serve_parent};
pub use code::Code;
pub use constants::{CONSTANTS_MAX, Constants, TEXT_BYTES_MAX};
pub use coverage::{Compared, Coverage, MOST_COMPARED};
pub use envelope::{StepInput, encode_envelope};
pub use error::{LoadError, StepError};
pub use instance::Instance;
pub use instrument::{Block, BlockKind, Compare, Sites, instrumented};
pub use output::{OutEffect, OutEvent, Output};
pub use pure::PureCode;

/// Bounds on one reducer. All count what the guest does, none a time, so all are deterministic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel for one step, its calls of `alloc` included, and for one instantiation. About a unit
    /// per wasm instruction, more for what the engine calls the host for, and a unit per byte or
    /// element of a bulk operation: the default is at most about a second of work.
    pub fuel_per_step: u64,
    /// The most that the linear memory may hold, in bytes; it grows by pages of 64 KiB.
    pub memory_bytes: usize,
    /// The most elements that the table may hold.
    pub table_elements: usize,
    /// The longest output envelope that is read, in bytes.
    pub output_bytes: usize,
    /// The largest wasm binary that is compiled, in bytes.
    pub wasm_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fuel_per_step: 50_000_000,
            memory_bytes: 64 << 20,
            table_elements: 1 << 16,
            output_bytes: 1 << 20,
            wasm_bytes: 8 << 20,
        }
    }
}
