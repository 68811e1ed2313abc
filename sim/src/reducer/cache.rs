//! Where compiled code is kept between processes, so that a start costs no compilation.
//!
//! The engine keys its files by the wasm bytes, its own version and all settings that matter;
//! a file that is missing, truncated or not its own is compiled anew. The directory is as
//! trusted as the executable beside it: whoever can write there can choose what code runs.
//! A cache that can't be had is no error, only slower, and nothing is printed about it.

use std::env;
use std::path::{Path, PathBuf};

use wasmtime::{Cache, CacheConfig};

/// Names the directory; set but empty, it switches the cache off.
const DIRECTORY_VARIABLE: &str = "SIM_CACHE_DIR";

/// The directory of compiled code: `SIM_CACHE_DIR`, or else `sim-cache` beside the running
/// executable (test binaries, in `deps`, share the one of their build). `None` means no cache.
pub fn default_cache_dir() -> Option<PathBuf> {
    if let Some(directory) = env::var_os(DIRECTORY_VARIABLE) {
        return (!directory.is_empty()).then(|| PathBuf::from(directory));
    }
    let executable = env::current_exe().ok()?;
    Some(beside(&executable)?.join("sim-cache"))
}

fn beside(executable: &Path) -> Option<&Path> {
    let folder = executable.parent()?;
    if folder.file_name().is_some_and(|name| name == "deps") {
        return folder.parent();
    }
    Some(folder)
}

/// The engine's cache in `directory`, which is made if need be; `None` if that is impossible.
pub(super) fn open(directory: &Path) -> Option<Cache> {
    let mut config = CacheConfig::new();
    // The engine takes absolute paths only.
    config.with_directory(std::path::absolute(directory).ok()?);
    // A file used often is recompressed harder in the background: work that helps no one here.
    config.with_optimized_compression_usage_counter_threshold(u64::MAX);
    Cache::new(config).ok()
}
