//! What the machine has too little of: time for the compiler, address space, threads.
//!
//! The command is run under the limits of a shell.

use std::fs;
use std::process::{Command, Output};

use libtest_mimic::Trial;
use tempfile::TempDir;

use super::{ECHO, assemble, guest_text, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("budget", "compiler_is_stopped", compiler_is_stopped),
        trial("budget", "children_say_the_same", children_say_the_same),
        trial("budget", "address_space", address_space),
        trial("budget", "threads", threads),
    ]
}

/// Runs `sim` with `arguments` under the limits that `limits` sets, and a cache of its own.
fn run(limits: &str, arguments: &str) -> Output {
    let cache = TempDir::new().expect("a temporary folder can be made");
    let sim = env!("CARGO_BIN_EXE_sim");
    Command::new("bash")
        .arg("-c")
        .arg(format!("{limits} exec {sim} {arguments}"))
        .env("SIM_CACHE_DIR", cache.path())
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("there is `bash`")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `sim` says on standard error of a module, of which it is to write the hash into documents.
fn refusal(limits: &str, fields: &str) -> String {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let wasm = folder.path().join("guest.wasm");
    let bytes = assemble(&guest_text(&format!("{ECHO} {fields}")));
    fs::write(&wasm, bytes).expect("it can be written");
    let seeds = "run --seeds 0..1 --jobs 1 --wasm";
    let output = run(limits, &format!("{seeds} {}", wasm.display()));
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    text(&output.stderr)
}

/// It would take some seconds; the child has one, by a limit that it inherits.
fn compiler_is_stopped() {
    let (begin, end) = ("local.get 0 if ".repeat(4_900), "end ".repeat(4_900));
    let slow = format!("(func (param i32) {begin} {end})");
    let said = refusal("ulimit -t 1;", &slow.repeat(4));
    assert!(
        said.contains("too costly to compile: the compiler was stopped, it was ended by SIGKILL"),
        "{said}"
    );
}

/// What the compiler refuses comes from the child in the words that it has in the process itself.
fn children_say_the_same() {
    let said = refusal("", "(table 65537 funcref)");
    let expected = "unsupported wasm module: module table does not fit in pooling allocator";
    assert!(said.contains(expected), "{said}");
    let said = refusal("", "(func (result i32))");
    assert!(
        said.contains("not a valid core wasm module: type mismatch"),
        "{said}"
    );
}

/// With less address space instances are made in another way, and results are the same.
fn address_space() {
    const SEEDS: &str = "run --seeds 0..10 --jobs 2";
    let plenty = text(&run("", SEEDS).stdout);
    let digest = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("digest"))
            .map(str::to_owned)
    };
    assert!(digest(&plenty).is_some(), "{plenty}");
    for kibibytes in [
        500_000,
        1_000_000,
        4_000_000,
        20_000_000,
        100_000_000,
        300_000_000,
    ] {
        let output = run(&format!("ulimit -v {kibibytes};"), SEEDS);
        let found = text(&output.stdout);
        assert!(
            output.status.success(),
            "{kibibytes} KiB: {}",
            text(&output.stderr)
        );
        assert_eq!(digest(&found), digest(&plenty), "{kibibytes} KiB");
    }
}

/// Where no thread and no child can be started the compiler does without.
fn threads() {
    let output = run("ulimit -u 1;", "run --seeds 0..2 --jobs 1");
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
}
