//! Compiled code: everything that is refused before a first step, and the engine's settings.
//!
//! One engine and one module per reducer, made once and shared by all threads.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;

use wasmtime::{
    Config, Enabled, Engine, ExternType, FuncType, InstanceAllocationStrategy, InstancePre, Linker,
    Module, PoolingAllocationConfig, ValType, WasmBacktraceDetails, WasmFeatures,
};

use super::anatomy::Anatomy;
use super::call_stack::FRAMES_MAX;
use super::error::{excerpt, reason};
use super::instrument::{FUEL_FACTOR, Layout, Origins, instrument};
use super::limiter::Limiter;
use super::{Constants, Instance, Limits, LoadError, Sites, StepError, cache};
use crate::air::Hash;

/// A reducer, compiled. Clones share the code.
#[derive(Clone)]
pub struct Code {
    inner: Arc<Inner>,
}

struct Inner {
    hash: Hash,
    /// The binary, of which no more is known until somebody asks.
    wasm: Box<[u8]>,
    anatomy: OnceLock<Anatomy>,
    constants: OnceLock<Constants>,
    limits: Limits,
    template: InstancePre<Limiter>,
    /// The name of the function that is called: `step`, or `run` of a pure module.
    entry: &'static str,
    form: StepForm,
    coverage: Option<Instruments>,
}

/// What was put into instrumented code.
pub(super) struct Instruments {
    pub sites: Sites,
    pub layout: Layout,
    pub origins: Origins,
}

/// The two forms of `step` in the ABI, which are those of `run` too.
#[derive(Clone, Copy)]
pub(super) enum StepForm {
    /// `(ret, ptr, len) -> ()`: pointer and length of the output are written at `ret`.
    ReturnArea,
    /// `(ptr, len) -> (ptr, len)`.
    MultiValue,
}

impl Code {
    /// Checks and compiles `wasm`, and makes one instance to see that it can be done.
    ///
    /// Compiled code is kept in `cache_dir` if that is given and can be written; whether it was
    /// found there changes no result.
    pub fn load(wasm: &[u8], limits: Limits, cache_dir: Option<&Path>) -> Result<Code, LoadError> {
        Code::load_to_call("step", wasm, limits, cache_dir)
    }

    /// The same with another function in the place of `step`.
    pub(super) fn load_to_call(
        entry: &'static str,
        wasm: &[u8],
        limits: Limits,
        cache_dir: Option<&Path>,
    ) -> Result<Code, LoadError> {
        if wasm.len() > limits.wasm_bytes {
            let (length_bytes, limit_bytes) = (wasm.len(), limits.wasm_bytes);
            return Err(LoadError::TooLarge {
                length_bytes,
                limit_bytes,
            });
        }
        check_header(wasm)?;
        Code::compile((Hash::of(wasm), wasm, entry), wasm, limits, cache_dir, None)
    }

    /// The same reducer, made to count which of its code is reached: see [`Coverage`]. What
    /// `Code::load` refuses is refused in the same words; hash and limits are those of the
    /// original.
    ///
    /// It answers as the original does, except that it spends more fuel and more of the stack.
    /// It is given four times as much fuel, but a step that runs out of it or exhausts the stack
    /// must be confirmed on the original before it is believed.
    ///
    /// [`Coverage`]: super::Coverage
    pub fn load_instrumented(
        wasm: &[u8],
        limits: Limits,
        cache_dir: Option<&Path>,
    ) -> Result<Code, LoadError> {
        let original = Code::load(wasm, limits.clone(), cache_dir)?;
        let hash = original.hash();
        drop(original);
        let refused = |reason: String| LoadError::Instrument { reason };
        let made = instrument(wasm).map_err(|error| refused(error.to_string()))?;
        let instruments = Instruments {
            sites: made.sites,
            layout: made.layout,
            origins: made.origins,
        };
        let code = Code::compile(
            (hash, wasm, "step"),
            &made.wasm,
            limits,
            cache_dir,
            Some(instruments),
        );
        code.map_err(|error| {
            let cause = error.source().map(|cause| format!(": {cause}"));
            let cause = cause.unwrap_or_default();
            refused(format!("rewritten, it is refused: {error}{cause}"))
        })
    }

    /// `original` is what the code is told to be; `wasm` is what runs.
    fn compile(
        (hash, original, entry): (Hash, &[u8], &'static str),
        wasm: &[u8],
        limits: Limits,
        cache_dir: Option<&Path>,
        coverage: Option<Instruments>,
    ) -> Result<Code, LoadError> {
        let host = |error: wasmtime::Error| LoadError::Engine {
            reason: format!("{error:#}"),
        };
        let mut config = config(cache_dir, coverage.as_ref());
        let pool = InstanceAllocationStrategy::Pooling(pool(&limits, coverage.as_ref()));
        // Where so much address space is not to be had, as under valgrind or `ulimit -v`, instances
        // are made one by one, which is slower and changes no result.
        let engine = Engine::new(config.allocation_strategy(pool))
            .or_else(|_| {
                Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand))
            })
            .map_err(host)?;
        let module = Module::from_binary(&engine, wasm)
            .map_err(|error| why_refused(&engine, wasm, &error))?;
        check_imports(&module)?;
        let form = check_exports(&module, entry)?;
        let template = Linker::new(&engine)
            .instantiate_pre(&module)
            .map_err(host)?;
        let inner = Inner {
            hash,
            wasm: original.into(),
            anatomy: OnceLock::new(),
            constants: OnceLock::new(),
            limits,
            template,
            entry,
            form,
            coverage,
        };
        let code = Code {
            inner: Arc::new(inner),
        };
        code.instance().map_err(LoadError::Instantiate)?;
        Ok(code)
    }

    /// The hash of the wasm binary.
    pub fn hash(&self) -> Hash {
        self.inner.hash
    }

    /// Whether a text stands in the binary, in one piece or in the immediates of its code.
    pub fn mentions(&self, text: &str) -> bool {
        let mut windows = self.inner.wasm.windows(text.len().max(1));
        // Nearly always it is in one piece, and then nothing is taken apart.
        windows.any(|bytes| bytes == text.as_bytes()) || self.constants().mentions(text)
    }

    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// What the original binary knows and compares with, found when this is first called.
    pub fn constants(&self) -> &Constants {
        let inner = &self.inner;
        inner.constants.get_or_init(|| Constants::of(&inner.wasm))
    }

    /// What is counted; None for code that is not instrumented.
    pub fn sites(&self) -> Option<&Sites> {
        self.instruments().map(|instruments| &instruments.sites)
    }

    /// A fresh instance. At most `Code::instances_max` may live at a time.
    pub fn instance(&self) -> Result<Instance, StepError> {
        Instance::new(self)
    }

    /// How many instances of one reducer may live at a time: four per processor, 64 at least.
    pub fn instances_max() -> usize {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (4 * processors).max(64)
    }

    pub(super) fn template(&self) -> &InstancePre<Limiter> {
        &self.inner.template
    }

    /// The original binary.
    pub(super) fn wasm(&self) -> &[u8] {
        &self.inner.wasm
    }

    /// What is known of the original binary, for who explains an error.
    pub(super) fn anatomy(&self) -> &Anatomy {
        let inner = &self.inner;
        inner.anatomy.get_or_init(|| Anatomy::of(&inner.wasm))
    }

    pub(super) fn entry(&self) -> &'static str {
        self.inner.entry
    }

    pub(super) fn form(&self) -> StepForm {
        self.inner.form
    }

    pub(super) fn instruments(&self) -> Option<&Instruments> {
        self.inner.coverage.as_ref()
    }

    /// The fuel of a step, what the instruments spend included.
    pub(super) fn fuel_per_step(&self) -> u64 {
        let fuel = self.limits().fuel_per_step;
        match self.instruments() {
            None => fuel,
            Some(_) => fuel.saturating_mul(FUEL_FACTOR),
        }
    }
}

/// The proposals a reducer may use: those of wasm 2.0, which all give the same results
/// everywhere, and constant expressions that add up.
/// Without the reference types that only a garbage collector could hold.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
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

fn config(cache_dir: Option<&Path>, instruments: Option<&Instruments>) -> Config {
    let features = match instruments {
        None => FEATURES,
        Some(_) => FEATURES.union(WasmFeatures::MULTI_MEMORY),
    };
    let mut config = Config::new();
    config
        .cache(cache_dir.and_then(cache::open))
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

/// Sorts out, with a better message, what is not a core module at all.
fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
    const MAGIC: &[u8] = b"\0asm";
    const CORE_MODULE: &[u8] = &[1, 0, 0, 0];
    let not_wasm = |reason: &str| {
        Err(LoadError::NotWasm {
            reason: reason.to_owned(),
        })
    };
    match wasm.split_at_checked(MAGIC.len()) {
        Some((MAGIC, rest)) => match rest.split_at_checked(CORE_MODULE.len()) {
            Some((CORE_MODULE, _)) => Ok(()),
            Some(([_, _, 1, 0], _)) => not_wasm("it is a component; expected the core module"),
            Some(_) => not_wasm("expected version 1 of the format, found another"),
            None => not_wasm("it is truncated in its header"),
        },
        _ if MAGIC.starts_with(wasm) => not_wasm("it is truncated in its header"),
        _ => not_wasm("expected it to begin with `\\0asm`; text format must be assembled first"),
    }
}

/// Tells a module that is at fault from one that is valid, but more than we run.
fn why_refused(engine: &Engine, wasm: &[u8], compile_error: &wasmtime::Error) -> LoadError {
    let Err(error) = Module::validate(engine, wasm) else {
        return LoadError::Unsupported {
            reason: reason(&format!("{compile_error:#}")),
        };
    };
    let error = error.to_string();
    let reason = reason(&error);
    // The validator says of a proposal that it is not, or must be, enabled.
    if error.contains("enabled") {
        return LoadError::Unsupported { reason };
    }
    LoadError::NotWasm { reason }
}

fn check_imports(module: &Module) -> Result<(), LoadError> {
    let imports: Vec<String> = module
        .imports()
        .map(|import| format!("{}::{}", import.module(), import.name()))
        .collect();
    if imports.is_empty() {
        Ok(())
    } else {
        Err(LoadError::Imports { imports })
    }
}

fn check_exports(module: &Module, entry: &'static str) -> Result<StepForm, LoadError> {
    const MEMORY: &str = "a memory";
    const ALLOC: &str = "func (i32) -> (i32)";
    const STEP: &str = "func (i32, i32, i32) -> () or func (i32, i32) -> (i32, i32)";
    let wrong = |name, expected, found: &ExternType| {
        Err(LoadError::WrongExportType {
            name,
            expected,
            found: describe(found),
        })
    };
    match export(module, "memory", MEMORY)? {
        ExternType::Memory(_) => {}
        other => return wrong("memory", MEMORY, &other),
    }
    match export(module, "alloc", ALLOC)? {
        ExternType::Func(func) if is_i32s(&func, 1, 1) => {}
        other => return wrong("alloc", ALLOC, &other),
    }
    match export(module, entry, STEP)? {
        ExternType::Func(func) if is_i32s(&func, 3, 0) => Ok(StepForm::ReturnArea),
        ExternType::Func(func) if is_i32s(&func, 2, 2) => Ok(StepForm::MultiValue),
        other => wrong(entry, STEP, &other),
    }
}

fn export(
    module: &Module,
    name: &'static str,
    expected: &'static str,
) -> Result<ExternType, LoadError> {
    module
        .get_export(name)
        .ok_or(LoadError::MissingExport { name, expected })
}

fn is_i32s(func: &FuncType, params: usize, results: usize) -> bool {
    func.params().len() == params
        && func.results().len() == results
        && func
            .params()
            .chain(func.results())
            .all(|value| matches!(value, ValType::I32))
}

fn describe(found: &ExternType) -> String {
    match found {
        ExternType::Func(func) => {
            let list = |values: &mut dyn Iterator<Item = ValType>| {
                values
                    .map(|value| value.to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let (params, results) = (list(&mut func.params()), list(&mut func.results()));
            excerpt(&format!("func ({params}) -> ({results})"))
        }
        ExternType::Global(global) => format!("a global of type {}", global.content()),
        ExternType::Table(_) => "a table".to_owned(),
        ExternType::Memory(_) => "a memory".to_owned(),
        _ => "something else".to_owned(),
    }
}
