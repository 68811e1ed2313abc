//! From a wasm binary to [`Code`]: everything that is refused before a first step.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use wasmtime::{ExternType, FuncType, Linker, Module, ValType};

use super::code::{Inner, StepForm};
use super::engine::Room;
use super::excerpt::excerpt;
use super::instrument::{Instruments, instrument};
use super::{Code, Instance, Limits, LoadError, StepError, engine, module};
use sim_air::Hash;

impl Code {
    /// Checks and compiles `wasm`, and makes one instance to see that it can be done.
    ///
    /// Compiled code is kept in `cache_dir` if that is given and can be written; whether it was
    /// found there changes no result.
    ///
    /// ```
    /// use sim_host::{Code, Limits, LoadError};
    ///
    /// let refused = Code::load(b"(module)", Limits::default(), None);
    /// assert!(matches!(refused, Err(LoadError::NotWasm { .. })));
    /// ```
    ///
    /// # Errors
    /// If the binary is no reducer, costs more than the limits allow, or cannot be run here.
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
        module::check_header(wasm)?;
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
        let code = Code::compile(
            (hash, wasm, "step"),
            &made.wasm,
            limits,
            cache_dir,
            Some(made.instruments),
        );
        code.map_err(|error| {
            let cause = error.source().map(|cause| format!(": {cause}"));
            let cause = cause.unwrap_or_default();
            refused(format!("rewritten, it is refused: {error}{cause}"))
        })
    }

    /// `original` is what the code is said to be; `wasm` is what runs.
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
        let module = module::module(&engine, making, (wasm, coverage.is_some()), cache_dir)?;
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
