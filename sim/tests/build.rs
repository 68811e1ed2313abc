//! The reducer's build: the same bytes from any folder, small, and the one that is pinned.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use sim::air::Hash;

use crate::support::{documents, root, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "build::same_bytes_from_another_folder".to_owned(),
            same_bytes,
        ),
        trial("build::size".to_owned(), size),
        trial("build::pinned_hash_is_that_of_the_build".to_owned(), pinned),
    ]
}

/// Builds a copy of the sources in a folder whose path is longer, and deeper.
fn same_bytes() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let copy = folder.path().join("quite/another/place for it");
    for sources in ["reducer/src", "sdk/src"] {
        copy_tree(&root(sources), &copy.join(sources));
    }
    for file in [
        "reducer/Cargo.toml",
        "sdk/Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
        fs::copy(root(file), copy.join(file)).expect("it can be copied");
    }
    let manifest = fs::read_to_string(root("Cargo.toml")).expect("it can be read");
    let members = manifest.find("[workspace.package]").expect("it is there");
    let planted = manifest
        .find("[profile.release.package.planted]")
        .expect("it is there");
    let lints = manifest.find("[workspace.lints").expect("it is there");
    let alone = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"reducer\", \"sdk\"]\n\n{}{}",
        &manifest[members..planted],
        &manifest[lints..]
    );
    fs::write(copy.join("Cargo.toml"), alone).expect("it can be written");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(&copy)
        .args(["build", "--release", "--package", "retry_sm"]);
    cargo.args(["--target", "wasm32-unknown-unknown", "--offline"]);
    // What this very build was told is not for another.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO")) {
        if name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let built = copy.join("target/wasm32-unknown-unknown/release/retry_sm.wasm");
    let built = fs::read(built).expect("it was built");
    assert_eq!(
        Hash::of(&built),
        Hash::of(retry_world::WASM),
        "the folder is in the bytes"
    );
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("an entry has a name");
        fs::copy(&path, to.join(name)).expect("it can be copied");
    }
}

fn size() {
    let bytes = retry_world::WASM.len();
    assert!(bytes < 80_000, "{bytes} bytes");
}

fn pinned() {
    let air = documents("air");
    assert_eq!(
        air.reducers[0].wasm_hash,
        Some(Hash::of(retry_world::WASM)),
        "pin it: cargo run --release -- check --pin"
    );
}
