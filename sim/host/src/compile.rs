//! From a wasm binary to code that can run: found in the cache, or compiled and kept there.

use std::hash::{Hash as _, Hasher};
use std::path::Path;
use std::{panic, thread};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

use super::cache::CodeCache;
use super::engine::Making;
use super::error::reason;
use super::{LoadError, child, engine, shape};
use sim_air::Hash;

/// The code of `wasm`, whose header was checked. Its shape is not looked at if it was made by us,
/// of a binary that has been compiled before.
pub(super) fn module(
    engine: &Engine,
    making: Making,
    (wasm, is_ours): (&[u8], bool),
    cache_dir: Option<&Path>,
) -> Result<Module, LoadError> {
    let cache = cache_dir.and_then(CodeCache::open);
    let key = key(engine, wasm);
    let found = cache.as_ref().and_then(|cache| cache.find(key));
    if let Some(module) = found.and_then(|code| revive(engine, &code).ok()) {
        return Ok(module);
    }
    Module::validate(engine, wasm).map_err(|error| invalid(&error))?;
    if !is_ours {
        shape::check(wasm)?;
    }
    let code = match child::compile_apart(making, wasm, key) {
        Some(made) => made?,
        None => compile_here(making, wasm)?,
    };
    let refused = |error| unsupported(&format!("{error:#}"));
    let module = revive(engine, &code).map_err(refused)?;
    if let Some(cache) = cache {
        cache.keep(key, &code);
    }
    Ok(module)
}

/// Compiles in this process, where nothing but the bounds on its shape bounds it.
fn compile_here(making: Making, wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
    let made = panic::catch_unwind(|| compile(making, wasm));
    let made = made.map_err(|_| LoadError::CompilerStopped {
        reason: "it fails on this module".to_owned(),
    })?;
    made.map_err(|error| unsupported(&format!("{error:#}")))
}

/// At most so many threads: each needs memory for a function.
const THREADS_MAX: usize = 8;

/// Compiles, on several threads if they are to be had. The engine's own way would panic if not.
pub(super) fn compile(making: Making, wasm: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(processors.min(THREADS_MAX));
    match threads.build() {
        Ok(threads) => {
            let engine = engine::for_compiling(making, true)?;
            threads.install(|| engine.precompile_module(wasm))
        }
        Err(_) => engine::for_compiling(making, false)?.precompile_module(wasm),
    }
}

/// Compiled code, ready to run.
#[expect(unsafe_code, reason = "the engine cannot know where code comes from")]
fn revive(engine: &Engine, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: `code` must be what an engine has made, unchanged. It comes from this process, from
    // its child, which is the same program, or from `CodeCache::find`, which gives only bytes that
    // have the SHA-256 with which they were written, from a file that nobody else can write. Code
    // of other versions or settings is an error.
    unsafe { Module::deserialize(engine, code) }
}

/// By what code is kept: the binary, and all that decides what it is compiled to, which is
/// settings, the engine's version and what this processor can do.
pub(super) fn key(engine: &Engine, wasm: &[u8]) -> Hash {
    let mut hasher = KeyHasher(Sha256::new());
    hasher.write(Hash::of(wasm).as_bytes());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Hash::from_bytes(hasher.0.finalize().into())
}

struct KeyHasher(Sha256);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: the key is all of it.
    fn finish(&self) -> u64 {
        0
    }
}

/// Sorts out, with a better message, what is not a core module at all.
pub(super) fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
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

/// Tells a module that is at fault from one that is valid elsewhere.
fn invalid(error: &wasmtime::Error) -> LoadError {
    let error = error.to_string();
    let reason = reason(&error);
    // The validator says of a proposal that it is not, or must be, enabled.
    if error.contains("enabled") {
        return LoadError::Unsupported { reason };
    }
    LoadError::NotWasm { reason }
}

/// A valid module, but more than we run.
pub(super) fn unsupported(error: &str) -> LoadError {
    LoadError::Unsupported {
        reason: reason(error),
    }
}
