//! The compiler: from a valid module to code, in this process. What may be compiled, and where code
//! is kept, is decided elsewhere.

use std::hash::{Hash as _, Hasher};
use std::{panic, thread};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

use super::engine::Making;
use super::excerpt::reason;
use super::{LoadError, engine};
use sim_air::Hash;

/// Compiles in this process, where nothing but the bounds on its shape bounds it.
pub(super) fn compile_here(making: Making, wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
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

/// A valid module, but more than we run.
pub(super) fn unsupported(error: &str) -> LoadError {
    LoadError::Unsupported {
        reason: reason(error),
    }
}
