//! The bound on what one guest may allocate: linear memory and table elements.
//!
//! A request beyond a limit of ours ends the step at once, where plain wasm would let the guest
//! see -1 and go on. Otherwise a guest could answer differently on a used instance, whose memory
//! has grown, than on a fresh one; so it is an error here, and the step is run again on a fresh
//! instance. A lower maximum that the module declares is its own affair: there it sees -1. (The
//! engine tells the declared maximum, or the most there could be, which is never below ours.)

use std::fmt;

use wasmtime::ResourceLimiter;

use super::{CallStack, Limits, StepError};

/// The store's data.
pub(super) struct Limiter {
    memory_bytes: usize,
    table_elements: usize,
    /// The size of the memory for coverage, until that has been made. It is no memory of the
    /// guest's, and may be larger than the guest's may be.
    coverage_bytes: Option<usize>,
}

/// The error by which a refused growth travels through the engine.
#[derive(Debug)]
pub(super) struct Denied(pub(super) StepError);

impl fmt::Display for Denied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl std::error::Error for Denied {}

impl Limiter {
    pub(super) fn new(limits: &Limits, coverage_bytes: Option<usize>) -> Limiter {
        Limiter {
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            coverage_bytes,
        }
    }

    fn deny_memory(&self, desired_bytes: usize) -> wasmtime::Error {
        let limit_bytes = self.memory_bytes;
        wasmtime::Error::new(Denied(StepError::MemoryLimit {
            desired_bytes,
            limit_bytes,
            stack: CallStack::default(),
        }))
    }
}

/// Whether a growth is granted, or is one that the module's own maximum forbids; None if it is
/// beyond our limit.
fn judge(desired: usize, limit: usize, own: Option<usize>) -> Option<bool> {
    match own {
        Some(own) if own < limit && desired > own => Some(false),
        _ if desired > limit => None,
        _ => Some(true),
    }
}

fn deny_host(error: wasmtime::Error) -> wasmtime::Error {
    let message = format!("growth failed: {error}");
    wasmtime::Error::new(Denied(StepError::Host { message }))
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A guest whose memory begins beyond the limit was refused when it was loaded, so the first
        // such request of this size is not the guest's.
        if desired > self.memory_bytes && self.coverage_bytes == Some(desired) {
            self.coverage_bytes = None;
            return Ok(true);
        }
        let (limit, own) = (self.memory_bytes, maximum);
        judge(desired, limit, own).ok_or_else(|| self.deny_memory(desired))
    }

    /// For a growth that we allowed and the machine has no room for.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(deny_host(error))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let (limit_elements, own) = (self.table_elements, maximum);
        judge(desired, limit_elements, own).ok_or_else(|| {
            wasmtime::Error::new(Denied(StepError::TableLimit {
                desired_elements: desired,
                limit_elements,
                stack: CallStack::default(),
            }))
        })
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(deny_host(error))
    }
}
