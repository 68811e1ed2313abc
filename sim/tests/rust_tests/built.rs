//! Tests as people write them, built with the compiler as a crate of its own that has this library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use super::{limitless, shipped};
use crate::support::root;

/// Builds sources of tests: a program that runs them.
pub fn built(place: &Path, sources: &[&str]) -> PathBuf {
    let file = place.join("tests.rs");
    fs::write(&file, sources.join("\n")).expect("it can be written");
    let program = place.join("tests");
    let deps = std::env::current_exe().expect("it is known");
    let deps = deps.parent().expect("it is in a folder");
    let output = Command::new("rustc")
        .args(["--test", "--edition", "2024", "-D", "warnings", "-o"])
        .arg(&program)
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--extern")
        .arg(format!("sim={}", library(deps).display()))
        .arg(&file)
        .current_dir(root("sim"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("the compiler can be run");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    program
}

/// The library that was built last, which is that of these trials.
fn library(deps: &Path) -> PathBuf {
    let entries = fs::read_dir(deps).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libsim-") && name.ends_with(".rlib")
    };
    let age = |path: &PathBuf| -> SystemTime {
        let metadata = path.metadata().and_then(|it| it.modified());
        metadata.expect("it can be read")
    };
    let newest = paths.filter(is_it).max_by_key(age);
    newest.expect("the library was built")
}

/// Runs them in a folder: whether all pass, and what is said.
pub fn ran(program: &Path, place: &Path) -> (bool, String) {
    let output = Command::new(program)
        .current_dir(place)
        .args(["--test-threads", "1"])
        .output()
        .expect("it can be run");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), out)
}

/// The tests of the page pass on the counter that ships, and fail without its limit, in the words
/// of the page.
pub fn the_page() {
    let page = fs::read_to_string(root("docs/rust-tests.md")).expect("it is there");
    let block = |kind: &str| -> Vec<String> {
        let begin = format!("```{kind}\n");
        let blocks = page.split(&begin).skip(1);
        let blocks = blocks.filter_map(|rest| rest.split_once("```"));
        blocks.map(|(block, _)| block.to_owned()).collect()
    };
    let sources = block("rust");
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let place = tempfile::tempdir().expect("there is room for a folder");
    let program = built(place.path(), &sources);
    let air = root("examples/counter/air/counter.air.json");
    fs::create_dir(place.path().join("air")).expect("it can be made");
    fs::copy(air, place.path().join("air/counter.air.json")).expect("it can be copied");
    let target = place.path().join("target/wasm32-unknown-unknown/release");
    fs::create_dir_all(&target).expect("it can be made");
    fs::write(target.join("counter.wasm"), shipped()).expect("it can be written");
    let (passes, out) = ran(&program, place.path());
    assert!(passes, "{out}");
    fs::write(target.join("counter.wasm"), limitless()).expect("it can be written");
    let (passes, out) = ran(&program, place.path());
    assert!(!passes, "{out}");
    assert!(out.contains("0 passed; 2 failed"), "{out}");
    let told = block("text");
    assert!(!told.is_empty());
    for line in told.iter().flat_map(|block| block.lines()) {
        assert!(
            out.lines().any(|other| other == line),
            "nothing said {line}:\n{out}"
        );
    }
}
