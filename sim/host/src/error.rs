//! What can go wrong with a reducer, as values: when it is loaded, and when it takes a step.
//!
//! The messages are lowercase fragments that say what was found, what was expected and, where
//! there is one, the way out. They never hold an address of the host or anything else that
//! differs from run to run.

use std::fmt;

use super::call_stack::{CallStack, Recursion};
use super::excerpt::excerpt;

/// Why a step has no output. It is always the answer of a fresh instance, never of a used one
/// (see `Instance::step`), so it can be compared and recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The guest trapped, which is how a reducer refuses an input.
    #[error("reducer trapped: {message}{stack}")]
    Trap { message: String, stack: CallStack },
    /// The guest stopped itself and left a message: `panicked at …: …` or `panicked: …`.
    #[error("reducer {said}{stack}")]
    Panic {
        said: String,
        /// Of a guest that says nothing it would be told so.
        ended_by: Box<StepError>,
        stack: CallStack,
    },
    /// Functions called each other until no stack was left.
    #[error("reducer trapped: call stack exhausted{recursion}")]
    StackExhausted { recursion: Recursion },
    #[error(
        "reducer used up its {limit} units of fuel{stack}; \
         raise the fuel per step, or look for a loop"
    )]
    OutOfFuel { limit: u64, stack: CallStack },
    #[error("reducer asked for {desired_bytes} bytes of memory, its limit is {limit_bytes}{stack}")]
    MemoryLimit {
        desired_bytes: usize,
        limit_bytes: usize,
        stack: CallStack,
    },
    #[error(
        "reducer asked for {desired_elements} table elements, \
         its limit is {limit_elements}{stack}"
    )]
    TableLimit {
        desired_elements: usize,
        limit_elements: usize,
        stack: CallStack,
    },
    #[error("input envelope of {length_bytes} bytes: a 32-bit reducer can't be given as much")]
    InputTooLong { length_bytes: usize },
    /// `what` names the pointer: the input buffer, the return area or the output.
    #[error(
        "{what} at {pointer:#x}, {length_bytes} bytes long, \
         lies outside the memory of {memory_bytes} bytes"
    )]
    BadPointer {
        what: &'static str,
        pointer: u32,
        length_bytes: u32,
        memory_bytes: usize,
    },
    #[error("output envelope of {length_bytes} bytes, its limit is {limit_bytes}")]
    OutputTooLong {
        length_bytes: usize,
        limit_bytes: usize,
    },
    /// `place` is a JSON pointer into the envelope, `offset` counts its bytes from 0.
    #[error("output envelope, {} (byte {offset}): expected {expected}, found {found}", At(.place))]
    BadEnvelope {
        place: String,
        offset: usize,
        expected: String,
        found: String,
    },
    /// The machine failed, not the reducer: no memory, or no free instance slot.
    #[error("host can't run the reducer: {message}")]
    Host { message: String },
}

impl StepError {
    /// How it ended, without where that was and what the guest said.
    pub fn brief(&self) -> String {
        match self {
            StepError::Panic { ended_by, .. } => ended_by.brief(),
            StepError::StackExhausted { .. } => StepError::StackExhausted {
                recursion: Recursion::default(),
            }
            .to_string(),
            other => other.clone().at(CallStack::default()).to_string(),
        }
    }

    /// The same error, with where the guest was if that belongs to it.
    pub(super) fn at(mut self, place: CallStack) -> StepError {
        match &mut self {
            StepError::Trap { stack, .. }
            | StepError::Panic { stack, .. }
            | StepError::OutOfFuel { stack, .. }
            | StepError::MemoryLimit { stack, .. }
            | StepError::TableLimit { stack, .. } => *stack = place,
            _ => {}
        }
        self
    }
}

/// Why a wasm binary can't be used as a reducer.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(
        "wasm binary of {length_bytes} bytes, its limit is {limit_bytes}; build for size, strip"
    )]
    TooLarge {
        length_bytes: usize,
        limit_bytes: usize,
    },
    /// Not a core module, or one that is truncated or invalid.
    #[error("not a valid core wasm module: {reason}")]
    NotWasm { reason: String },
    /// Each import as `module::name`, in the order of the module.
    #[error(
        "expected no imports, found {} ({}); build for wasm32-unknown-unknown, no host calls",
        .imports.len(),
        FirstOf(.imports)
    )]
    Imports { imports: Vec<String> },
    #[error("export `{name}` is missing: expected {expected}")]
    MissingExport {
        name: &'static str,
        expected: &'static str,
    },
    #[error("export `{name}`: expected {expected}, found {found}")]
    WrongExportType {
        name: &'static str,
        expected: &'static str,
        found: String,
    },
    /// A valid module, but it uses a proposal that is switched off, or is too big in some way.
    #[error("unsupported wasm module: {reason}")]
    Unsupported { reason: String },
    /// A valid module that would cost the compiler out of all proportion. `place` is a function, or
    /// the module; `offset` counts the bytes of the binary up to where the limit was overrun.
    #[error(
        "too costly to compile: {place} has {found} {what} at byte {offset:#x}, \
         the limit is {limit}; split it, or build for size"
    )]
    TooCostly {
        what: &'static str,
        place: String,
        offset: usize,
        found: u64,
        limit: u64,
    },
    /// The compiler had a budget, and ended or was ended before it was done.
    #[error("too costly to compile: the compiler was stopped, {reason}; build for size")]
    CompilerStopped { reason: String },
    #[error("a fresh instance can't be made")]
    Instantiate(#[source] StepError),
    /// A reducer, but not one that coverage can be had of.
    #[error("coverage can't be had of this module: {reason}")]
    Instrument { reason: String },
    #[error("engine can't be set up: {reason}")]
    Engine { reason: String },
    #[error(
        "the machine has no room for a single instance: {reason}; \
         allow more memory or address space (`ulimit -v`)"
    )]
    NoRoom { reason: String },
}

/// The place of an envelope error, for people: the empty JSON pointer is the whole envelope.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => out.write_str("at its top"),
            place => write!(out, "at `{place}`"),
        }
    }
}

/// How many imports a message names; the error itself holds them all.
const IMPORTS_SHOWN_MAX: usize = 16;

struct FirstOf<'a>(&'a [String]);

impl fmt::Display for FirstOf<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, import) in self.0.iter().take(IMPORTS_SHOWN_MAX).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(out, "{comma}{}", excerpt(import))?;
        }
        match self.0.len().saturating_sub(IMPORTS_SHOWN_MAX) {
            0 => Ok(()),
            rest => write!(out, ", and {rest} more"),
        }
    }
}
