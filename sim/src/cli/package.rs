//! Builds the cargo package of a reducer for wasm.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::errors::Hinted;
use super::terminal;

/// What reducers are built for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// The cargo that runs this program, or that of the user.
pub(super) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds a package in release with these features, if something has changed, features among it;
/// gives its wasm file.
///
/// # Errors
/// If there is none, or cargo cannot build it: what it says is shown as it goes.
pub(super) fn build(folder: &Path, features: &[String]) -> Result<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        bail!(
            "no cargo package in {}: there is no Cargo.toml",
            folder.display()
        );
    }
    let mut command = Command::new(cargo());
    command
        .args(["build", "--release", "--quiet", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(&manifest)
        .args(
            features
                .iter()
                .map(|feature| format!("--features={feature}")),
        )
        .stdout(Stdio::piped());
    // What this very program was built or run with is not for another.
    let own = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "RUSTFLAGS"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if own.contains(&&*text) || text.starts_with("CARGO_PKG") {
            command.env_remove(&name);
        }
    }
    let mut child = command.spawn().map_err(|error| {
        let way = "install Rust, or name a `wasm` file in sim.toml";
        Hinted::new(error.to_string(), way).context("cargo cannot be run")
    })?;
    let mut told = String::new();
    let output = child.stdout.take().context("its output is read")?;
    std::io::BufReader::new(output).read_to_string(&mut told)?;
    if !child.wait()?.success() {
        let way = format!("if the target is missing: rustup target add {TARGET}");
        let what = format!("cargo build failed in {}", folder.display());
        return Err(Hinted::new(what, way));
    }
    let files = artifacts(&told, &manifest);
    match &files[..] {
        [file] => Ok(file.clone()),
        [] => {
            let way = "crate-type = [\"cdylib\"] in its [lib]";
            let what = format!("the package in {} makes no wasm", folder.display());
            Err(Hinted::new(what, way))
        }
        _ => {
            terminal::note(&format!(
                "note: {} makes several wasm files",
                folder.display()
            ));
            bail!(
                "the package in {} makes several wasm files",
                folder.display()
            )
        }
    }
}

/// The wasm files that cargo says the package made.
fn artifacts(told: &str, manifest: &Path) -> Vec<PathBuf> {
    let manifest = manifest
        .canonicalize()
        .unwrap_or_else(|_| manifest.to_owned());
    let messages = told.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let of = Path::new(message.get("manifest_path")?.as_str()?)
            .canonicalize()
            .ok()?;
        (message["reason"] == "compiler-artifact" && of == manifest).then_some(message)
    });
    let files = messages.flat_map(|message| {
        let names = message["filenames"].as_array().cloned().unwrap_or_default();
        names
            .into_iter()
            .filter_map(|name| Some(PathBuf::from(name.as_str()?)))
    });
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "wasm"))
        .collect()
}
