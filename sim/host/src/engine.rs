//! The engine's settings: what a reducer may use, and where its instances live.

use std::num::NonZeroUsize;
use std::thread;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig,
    WasmBacktraceDetails, WasmFeatures,
};

use super::Limits;
use super::call_stack::FRAMES_MAX;
use super::instrument::Instruments;

/// What decides which code is made of a module, beside what is the same for all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Making {
    /// It has a second memory, for coverage.
    pub is_instrumented: bool,
    /// See [`Room::Cramped`].
    pub is_cramped: bool,
}

const MAKINGS: [(&str, Making); 4] = [
    ("plain", making(false, false)),
    ("instrumented", making(true, false)),
    ("plain-cramped", making(false, true)),
    ("instrumented-cramped", making(true, true)),
];

const fn making(is_instrumented: bool, is_cramped: bool) -> Making {
    Making {
        is_instrumented,
        is_cramped,
    }
}

impl Making {
    /// The text form, as a child is given it.
    pub fn name(self) -> &'static str {
        let found = MAKINGS.iter().find(|(_, making)| *making == self);
        found.map_or("", |(name, _)| name)
    }

    pub fn parse(text: &str) -> Option<Making> {
        let found = MAKINGS.iter().find(|(name, _)| *name == text);
        found.map(|(_, making)| *making)
    }
}

/// An engine that only compiles: it takes no room for instances.
pub(super) fn for_compiling(making: Making, is_parallel: bool) -> wasmtime::Result<Engine> {
    Engine::new(config(making).parallel_compilation(is_parallel))
}

/// Where instances live. All three give the same results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Room {
    /// In slots that are reserved at once, some hundred GiB of address space.
    Pool,
    /// Each has address space for all that 32-bit pointers reach, 4 GiB.
    Apart,
    /// Each has no more than its memory is large, so that code looks at the end of it, and it may
    /// have to be moved when it grows.
    Cramped,
}

impl Room {
    /// From the fastest on: the next one is for where so much address space is not to be had, as
    /// under valgrind or `ulimit -v`.
    pub const ALL: [Room; 3] = [Room::Pool, Room::Apart, Room::Cramped];

    /// As many instances as must be had at once for this to be enough: a worker has its own, a
    /// fresh one that a step is taken on again, and for a moment the next of each.
    pub fn instances(self) -> usize {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        match self {
            Room::Pool | Room::Cramped => 1,
            Room::Apart => (4 * processors).max(8),
        }
    }
}

/// By how much memory grows at a time where it may have to be moved, so that it seldom is.
const CRAMPED_GROWTH_BYTES: u64 = 8 << 20;

/// The pages after such a memory that lead to a trap.
const CRAMPED_GUARD_BYTES: u64 = 64 << 10;

/// How many instances of one module may live at a time.
pub(super) fn instances_max() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    (4 * processors).max(64)
}

/// What must be left of the address space for all else.
const HEADROOM_BYTES: usize = 256 << 20;

/// The engine in which a module runs, and the making of its code.
pub(super) fn engine(
    room: Room,
    limits: &Limits,
    instruments: Option<&Instruments>,
) -> wasmtime::Result<(Engine, Making)> {
    let making = Making {
        is_instrumented: instruments.is_some(),
        is_cramped: room == Room::Cramped,
    };
    let mut config = config(making);
    // It takes threads to do so, which it expects to have.
    config.parallel_compilation(false);
    config.allocation_strategy(match room {
        Room::Pool => InstanceAllocationStrategy::Pooling(pool(limits, instruments)),
        Room::Apart | Room::Cramped => InstanceAllocationStrategy::OnDemand,
    });
    let engine = Engine::new(&config)?;
    if room != Room::Cramped {
        Vec::<u8>::new().try_reserve_exact(HEADROOM_BYTES)?;
    }
    Ok((engine, making))
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
    let slots = u32::try_from(instances_max()).unwrap_or(u32::MAX);
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

/// What instructions cost that the engine calls the host for, in units of fuel. All others cost
/// one, and those on many bytes or elements one more for each.
///
/// So that a step's 50 million units are at most about a second, whatever a guest does. Measured on
/// one processor that others use too, in seconds for so much fuel, the worst first:
///
/// | in a loop | a unit each | as here |
/// | --- | --- | --- |
/// | `ref.func` | 2.6 | 0.2 |
/// | loads all over 64 MiB, each from where the last one leads | 1.2 | 0.6 to 1.5, the same |
/// | `f64.mul` of numbers close to 0 | 0.8 | 0.3 to 0.6 |
/// | `memory.grow` by 0 | 0.8 | 0.03 |
/// | `elem.drop` | 0.7 | 0.1 |
/// | `table.grow` by 0 | 0.4 | 0.02 |
/// | `f64.sqrt` | 0.3 | 0.3 |
/// | `f64.nearest`, `f64.div`, vectors, loads at random | | 0.2 |
/// | calls, `call_indirect`, deep recursion, `br_table`, empty loops and blocks | | 0.1 |
/// | `table.copy`, `table.fill`, `table.init` of 60,000 elements | | 0.1 |
/// | sums, divisions; `memory.fill` and `memory.copy` of no bytes, one or 64 KiB | | below 0.1 |
fn costs() -> OperatorCost {
    OperatorCost {
        MemoryGrow: 100,
        TableGrow: 100,
        MemoryCopy: 8,
        MemoryFill: 8,
        MemoryInit: 8,
        TableCopy: 16,
        TableFill: 16,
        TableInit: 16,
        TableGet: 4,
        TableSet: 4,
        RefFunc: 40,
        // A number close to zero takes the processor a hundred times as long.
        F32Mul: 3,
        F32Div: 3,
        F32DemoteF64: 3,
        F64Mul: 3,
        F64Div: 3,
        F64PromoteF32: 3,
        DataDrop: 8,
        ElemDrop: 8,
        ..OperatorCost::new()
    }
}

fn config(making: Making) -> Config {
    let features = match making.is_instrumented {
        false => FEATURES,
        true => FEATURES.union(WasmFeatures::MULTI_MEMORY),
    };
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(costs())
        .max_wasm_stack(STACK_BYTES)
        // The bits of a NaN are the one thing in wasm 2.0 that differs between processors.
        .cranelift_nan_canonicalization(true)
        .wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES_MAX))
        // Or else a variable of the environment decides.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_features(features, true)
        .wasm_features(features.complement(), false);
    if making.is_cramped {
        config
            .memory_reservation(0)
            .memory_reservation_for_growth(CRAMPED_GROWTH_BYTES)
            .memory_guard_size(CRAMPED_GUARD_BYTES);
    }
    config
}
