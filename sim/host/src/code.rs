//! Compiled code: everything that is refused before a first step.
//!
//! One engine and one module per reducer, made once and shared by all threads.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;

use wasmtime::{ExternType, FuncType, InstancePre, Linker, Module, ValType};

use super::anatomy::Anatomy;
use super::engine::Room;
use super::error::excerpt;
use super::instrument::{FUEL_FACTOR, Layout, Origins, instrument};
use super::limiter::Limiter;
use super::{Constants, Instance, Limits, LoadError, Sites, StepError, compile, engine};
use sim_air::Hash;

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
    coverage: Option<Arc<Instruments>>,
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
        compile::check_header(wasm)?;
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
        original: (Hash, &[u8], &'static str),
        wasm: &[u8],
        limits: Limits,
        cache_dir: Option<&Path>,
        coverage: Option<Instruments>,
    ) -> Result<Code, LoadError> {
        let coverage = coverage.map(Arc::new);
        let mut lacking = String::new();
        for room in Room::ALL {
            let (limits, coverage) = (limits.clone(), coverage.clone());
            match Code::compile_for(room, original, wasm, limits, cache_dir, coverage) {
                Err(LoadError::Engine { reason }) => lacking = reason,
                Err(LoadError::Instantiate(StepError::Host { message })) => lacking = message,
                done => return done,
            }
        }
        Err(LoadError::NoRoom { reason: lacking })
    }

    fn compile_for(
        room: Room,
        (hash, original, entry): (Hash, &[u8], &'static str),
        wasm: &[u8],
        limits: Limits,
        cache_dir: Option<&Path>,
        coverage: Option<Arc<Instruments>>,
    ) -> Result<Code, LoadError> {
        let host = |error: wasmtime::Error| LoadError::Engine {
            reason: format!("{error:#}"),
        };
        let (engine, making) = engine::engine(room, &limits, coverage.as_deref()).map_err(host)?;
        let module = compile::module(&engine, making, (wasm, coverage.is_some()), cache_dir)?;
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
        let made: Result<Vec<Instance>, _> =
            (0..room.instances()).map(|_| code.instance()).collect();
        made.map_err(LoadError::Instantiate)?;
        Ok(code)
    }

    /// The hash of the wasm binary.
    pub fn hash(&self) -> Hash {
        self.inner.hash
    }

    /// Whether a text stands in the binary, in one piece or in the immediates of its code.
    pub fn mentions(&self, text: &str) -> bool {
        // Nearly always it is in one piece, and then nothing is taken apart.
        memchr::memmem::find(&self.inner.wasm, text.as_bytes()).is_some()
            || self.constants().mentions(text)
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
        self.inner.coverage.as_deref()
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
