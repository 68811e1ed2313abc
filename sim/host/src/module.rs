//! From a wasm binary to code that can run: found in the cache, or compiled and kept there.

use std::path::Path;

use wasmtime::{Engine, Module};

use super::cache::CodeCache;
use super::compile::{compile_here, key, unsupported};
use super::engine::Making;
use super::excerpt::reason;
use super::{LoadError, child, shape};

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

/// Compiled code, ready to run.
#[expect(unsafe_code, reason = "the engine cannot know where code comes from")]
fn revive(engine: &Engine, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: `code` must be what an engine has made, unchanged. It comes from this process, from
    // its child, which is the same program, or from `CodeCache::find`, which gives only bytes that
    // have the SHA-256 with which they were written, from a file that no other user can write. Code
    // of other versions or settings is an error.
    unsafe { Module::deserialize(engine, code) }
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
