//! The engine's settings: what a reducer may use, and where its instances live.

use std::num::NonZeroUsize;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails, WasmFeatures,
};

use super::call_stack::FRAMES_MAX;
use super::code::Instruments;
use super::{Code, Limits};

/// The engine of one module.
pub(super) fn engine(
    limits: &Limits,
    instruments: Option<&Instruments>,
) -> wasmtime::Result<Engine> {
    let mut config = config(instruments.is_some());
    let pool = InstanceAllocationStrategy::Pooling(pool(limits, instruments));
    // Where so much address space is not to be had, as under valgrind or `ulimit -v`, instances
    // are made one by one, which is slower and changes no result.
    Engine::new(config.allocation_strategy(pool))
        .or_else(|_| Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand)))
}

/// The proposals a reducer may use: those of wasm 2.0, which all give the same results
/// everywhere, and constant expressions that add up.
/// Without the reference types that only a garbage collector could hold.
pub(super) const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .difference(WasmFeatures::GC_TYPES);

/// The stack of a guest. A thread that runs steps needs twice as much.
const STACK_BYTES: usize = 512 << 10;

/// What of a slot's memory is zeroed by hand when it is reused, not given back to the system: that
/// saves a page fault for each of its pages. Where the system tells which pages were touched it is
/// more than a guest has touched when it is renewed; elsewhere the first pages, touched or not.
const KEEP_RESIDENT_BYTES: usize = 64 << 10;
const KEEP_TOUCHED_BYTES: usize = 1 << 20;

/// What 32-bit pointers reach, the most that a slot can hold.
const MEMORY_BYTES_MAX: usize = 1 << 32;

/// A slot is taken and given back in half the time that fresh mappings take, or in a third when
/// threads compete for the address space.
fn pool(limits: &Limits, instruments: Option<&Instruments>) -> PoolingAllocationConfig {
    let slots = u32::try_from(Code::instances_max()).unwrap_or(u32::MAX);
    let (memories, memory_bytes) = match instruments {
        None => (1, limits.memory_bytes),
        Some(instruments) => (
            2,
            limits.memory_bytes.max(instruments.layout.memory_bytes()),
        ),
    };
    let keep_bytes = match PoolingAllocationConfig::is_pagemap_scan_available() {
        true => KEEP_TOUCHED_BYTES,
        false => KEEP_RESIDENT_BYTES,
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(slots)
        .total_memories(slots.saturating_mul(memories))
        .max_memories_per_module(memories)
        .total_tables(slots)
        .max_memory_size(memory_bytes.min(MEMORY_BYTES_MAX))
        .table_elements(limits.table_elements)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(keep_bytes)
        .table_keep_resident(KEEP_RESIDENT_BYTES);
    pool
}

fn config(is_instrumented: bool) -> Config {
    let features = match is_instrumented {
        false => FEATURES,
        true => FEATURES.union(WasmFeatures::MULTI_MEMORY),
    };
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .max_wasm_stack(STACK_BYTES)
        // The bits of a NaN are the one thing in wasm 2.0 that differs between processors.
        .cranelift_nan_canonicalization(true)
        .wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES_MAX))
        // Or else a variable of the environment decides.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_features(features, true)
        .wasm_features(features.complement(), false);
    config
}
