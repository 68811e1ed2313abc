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
    Trap {
        /// What the engine calls the trap.
        message: String,
        /// Where the guest was.
        stack: CallStack,
    },
    /// The guest stopped itself and left a message: `panicked at …: …` or `panicked: …`.
    #[error("reducer {said}{stack}")]
    Panic {
        /// The message, cut short and safe to print.
        said: String,
        /// How it would have ended if the guest had said nothing.
        ended_by: Box<StepError>,
        /// Where the guest was, as far as the message does not say so.
        stack: CallStack,
    },
    /// Functions called each other until no stack was left.
    #[error("reducer trapped: call stack exhausted{recursion}")]
    StackExhausted {
        /// The functions that called each other.
        recursion: Recursion,
    },
    /// A step, or the start of the instance, took more fuel than it may.
    #[error(
        "reducer used up its {limit} units of fuel{stack}; \
         raise the fuel per step, or look for a loop"
    )]
    OutOfFuel {
        /// What a step may take, in units of fuel.
        limit: u64,
        /// Where the guest was.
        stack: CallStack,
    },
    /// The guest wanted to grow its memory beyond
    /// [`Limits::memory_bytes`](crate::Limits::memory_bytes).
    #[error("reducer asked for {desired_bytes} bytes of memory, its limit is {limit_bytes}{stack}")]
    MemoryLimit {
        /// The size that the memory would have had.
        desired_bytes: usize,
        /// The size that it may have.
        limit_bytes: usize,
        /// Where the guest was.
        stack: CallStack,
    },
    /// The same of a table, beyond [`Limits::table_elements`](crate::Limits::table_elements).
    #[error(
        "reducer asked for {desired_elements} table elements, \
         its limit is {limit_elements}{stack}"
    )]
    TableLimit {
        /// The size that the table would have had.
        desired_elements: usize,
        /// The size that it may have.
        limit_elements: usize,
        /// Where the guest was.
        stack: CallStack,
    },
    /// The input has 4 GiB or more, which no pointer of the guest reaches.
    #[error("input envelope of {length_bytes} bytes: a 32-bit reducer can't be given as much")]
    InputTooLong {
        /// The length of the input envelope.
        length_bytes: usize,
    },
    /// `what` names the pointer: the input buffer, the return area or the output.
    #[error(
        "{what} at {pointer:#x}, {length_bytes} bytes long, \
         lies outside the memory of {memory_bytes} bytes"
    )]
    BadPointer {
        /// Which pointer.
        what: &'static str,
        /// What the guest gave.
        pointer: u32,
        /// How many bytes should lie there.
        length_bytes: u32,
        /// The size of the guest's memory.
        memory_bytes: usize,
    },
    /// The guest answered more than [`Limits::output_bytes`](crate::Limits::output_bytes).
    #[error("output envelope of {length_bytes} bytes, its limit is {limit_bytes}")]
    OutputTooLong {
        /// The length of the output envelope, as the guest gave it.
        length_bytes: usize,
        /// The length that it may have.
        limit_bytes: usize,
    },
    /// `place` is a JSON pointer into the envelope, `offset` counts its bytes from 0.
    #[error("output envelope, {} (byte {offset}): expected {expected}, found {found}", At(.place))]
    BadEnvelope {
        /// Where in the envelope: empty for the whole of it.
        place: String,
        /// The byte where reading it failed.
        offset: usize,
        /// What may stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The machine failed, not the reducer: no memory, or no free instance slot.
    #[error("host can't run the reducer: {message}")]
    Host {
        /// What the engine says.
        message: String,
    },
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
    /// The binary is longer than [`Limits::wasm_bytes`](crate::Limits::wasm_bytes), and was not
    /// looked at.
    #[error(
        "wasm binary of {length_bytes} bytes, its limit is {limit_bytes}; build for size, strip"
    )]
    TooLarge {
        /// The length of the binary.
        length_bytes: usize,
        /// The length that it may have.
        limit_bytes: usize,
    },
    /// Not a core module, or one that is truncated or invalid.
    #[error("not a valid core wasm module: {reason}")]
    NotWasm {
        /// What the validator says, or what the header is instead.
        reason: String,
    },
    /// Each import as `module::name`, in the order of the module.
    #[error(
        "expected no imports, found {} ({}); build for wasm32-unknown-unknown, no host calls",
        .imports.len(),
        FirstOf(.imports)
    )]
    Imports {
        /// Their names, not yet safe to print.
        imports: Vec<String>,
    },
    /// One of `memory`, `alloc` and `step` (`run` of a pure module) is not there.
    #[error("export `{name}` is missing: expected {expected}")]
    MissingExport {
        /// The name that was looked for.
        name: &'static str,
        /// What should be exported by it.
        expected: &'static str,
    },
    /// Something else is exported by one of these names.
    #[error("export `{name}`: expected {expected}, found {found}")]
    WrongExportType {
        /// The name.
        name: &'static str,
        /// What should be exported by it.
        expected: &'static str,
        /// What is.
        found: String,
    },
    /// A valid module, but it uses a proposal that is switched off, or is too big in some way.
    #[error("unsupported wasm module: {reason}")]
    Unsupported {
        /// What the engine says, which names the proposal or the size.
        reason: String,
    },
    /// A valid module that would cost the compiler out of all proportion. `place` is a function, or
    /// the module; `offset` counts the bytes of the binary up to where the limit was overrun.
    #[error(
        "too costly to compile: {place} has {found} {what} at byte {offset:#x}, \
         the limit is {limit}; split it, or build for size"
    )]
    TooCostly {
        /// What there is too much of.
        what: &'static str,
        /// Where.
        place: String,
        /// The byte where the limit was overrun.
        offset: usize,
        /// How much there is, as far as was counted.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// The compiler had a budget, and ended or was ended before it was done.
    #[error("too costly to compile: the compiler was stopped, {reason}; build for size")]
    CompilerStopped {
        /// The budget that it overran, or how it ended.
        reason: String,
    },
    /// The binary compiles, but its start function or its segments fail.
    #[error("a fresh instance can't be made")]
    Instantiate(#[source] StepError),
    /// A reducer, but not one that coverage can be had of.
    #[error("coverage can't be had of this module: {reason}")]
    Instrument {
        /// What can't be rewritten, or why the result is refused.
        reason: String,
    },
    /// The engine refuses its own settings here: no fault of the binary's.
    #[error("engine can't be set up: {reason}")]
    Engine {
        /// What the engine says.
        reason: String,
    },
    /// Not even one instance can be had, however little room it takes.
    #[error(
        "the machine has no room for a single instance: {reason}; \
         allow more memory or address space (`ulimit -v`)"
    )]
    NoRoom {
        /// What the engine said last.
        reason: String,
    },
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
