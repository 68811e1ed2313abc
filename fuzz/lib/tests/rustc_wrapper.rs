//! The wrapper of rustc: an ordinary build goes through untouched, and a fuzz build loses what it
//! says and nothing else. A command that prints its arguments stands in for rustc.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

/// What cargo-fuzz 0.13 passes on, and some of cargo's own.
const FUZZ: &[&str] = &[
    "--crate-name",
    "it",
    "-C",
    "debuginfo=1",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
    "--cfg",
    "fuzzing",
    "-Cdebug-assertions",
    "-Zsanitizer=address",
    "-Ccodegen-units=1",
    "a path/with a space.rs",
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The arguments that reach rustc when it compiles a package of a folder.
fn passed(arguments: &[&str], package: &Path, with_asan: bool) -> Vec<String> {
    let root = root().canonicalize().expect("it is there");
    let mut command = Command::new(root.join("fuzz/rustc-wrapper"));
    command
        .args(["printf", "%s\n"])
        .args(arguments)
        .env("CARGO_MANIFEST_DIR", package)
        .env_remove("SIM_FUZZ_ASAN");
    if with_asan {
        command.env("SIM_FUZZ_ASAN", "1");
    }
    let output = command.output().expect("it can be run");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("arguments are UTF-8");
    text.lines().map(str::to_owned).collect()
}

fn without(dropped: &[&str]) -> Vec<&'static str> {
    let is_kept = |argument: &&str| !dropped.iter().any(|prefix| argument.starts_with(prefix));
    FUZZ.iter().copied().filter(is_kept).collect()
}

const COMPARES: &str = "-Cllvm-args=-sanitizer-coverage-trace-compares";
const DEPTH: &str = "-Cllvm-args=-sanitizer-coverage-stack-depth";

#[test]
fn an_ordinary_build_is_untouched() {
    let ordinary: Vec<&str> = FUZZ
        .iter()
        .copied()
        .filter(|argument| *argument != "fuzzing")
        .collect();
    for package in [&root().join("sim"), Path::new("/elsewhere/wasmtime")] {
        assert_eq!(passed(&ordinary, package, false), ordinary);
    }
}

#[test]
fn our_crates_keep_their_counters() {
    let package = root().canonicalize().expect("it is there").join("sim");
    let expected = without(&["-Zsanitizer", COMPARES, DEPTH]);
    assert_eq!(passed(FUZZ, &package, false), expected);
}

#[test]
fn other_crates_have_none() {
    let mut expected = without(&[
        "-Zsanitizer",
        "-Cpasses",
        "-Cllvm-args=-sanitizer-coverage",
        "-Cdebug-assertions",
    ]);
    let debug = expected.iter_mut().find(|it| **it == "debuginfo=1");
    *debug.expect("it is passed on") = "debuginfo=0";
    assert_eq!(
        passed(FUZZ, Path::new("/elsewhere/wasmtime"), false),
        expected
    );
    // A folder beside ours that begins with the same letters.
    let root = root().canonicalize().expect("it is there");
    let beside = root.with_file_name("main-of-another/sim");
    assert_eq!(passed(FUZZ, &beside, false), expected);
}

#[test]
fn who_asks_for_asan_gets_it() {
    let package = root().canonicalize().expect("it is there").join("sim");
    assert_eq!(passed(FUZZ, &package, true), without(&[COMPARES, DEPTH]));
    let elsewhere = passed(FUZZ, Path::new("/elsewhere/wasmtime"), true);
    assert!(
        elsewhere
            .iter()
            .any(|argument| argument == "-Zsanitizer=address")
    );
}
