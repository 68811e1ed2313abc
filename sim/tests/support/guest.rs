//! Fixtures in Rust, built for wasm: for trials, and for the bench.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Builds `tests/fixtures/NAME.rs` with these flags of rustc, which is taken beside the cargo that
/// runs this.
///
/// # Panics
/// If it cannot be built.
pub fn built(name: &str, flags: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let source = format!("{name}.rs");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    // Its path is told by panics, and must be the same everywhere.
    fs::copy(fixtures.join(&source), folder.path().join(&source)).expect("it can be copied");
    let output = Command::new(Path::new(env!("CARGO")).with_file_name("rustc"))
        .current_dir(folder.path())
        .args(["--edition=2024", "--crate-type=cdylib", "-Awarnings"])
        .args(["--target=wasm32-unknown-unknown", "-Cpanic=abort"])
        .args(flags)
        .arg(source)
        .output()
        .expect("rustc can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    fs::read(folder.path().join(format!("{name}.wasm"))).expect("it was built")
}
