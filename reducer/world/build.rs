//! Builds the reducers for wasm32, in release, into this crate's own output folder, so that an edit
//! of `reducer/` or `sdk/` is under test at the next `cargo test`.
//!
//! They are built by the compiler that `rust-toolchain.toml` names, also when the harness is built
//! by another (`cargo +nightly fuzz run`): the bytes that ship are those that are under test.
//!
//! `retry_sm.wasm` is what ships; `planted.wasm` holds the planted bugs, on which the harness tests
//! itself. Both are embedded.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

const TARGET: &str = "wasm32-unknown-unknown";
const PACKAGES: [&str; 2] = ["retry_sm", "planted"];

/// What the reducers are made from, below the root of the workspace.
const SOURCES: [&str; 9] = [
    "reducer/src",
    "reducer/Cargo.toml",
    "sdk/src",
    "sdk/Cargo.toml",
    "reducer/planted/src",
    "reducer/planted/Cargo.toml",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
];

fn main() {
    let root = PathBuf::from(var("CARGO_MANIFEST_DIR")).join("../..");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTUP_TOOLCHAIN");
    let tools = Tools::of(&root);
    add_target(&tools);
    PACKAGES
        .iter()
        .for_each(|package| build(&root, &tools, package));
}

/// The toolchain that builds the reducers.
enum Tools {
    /// That of the outer build.
    Outer,
    /// Another one, which rustup runs.
    Pinned(String),
}

impl Tools {
    fn of(root: &Path) -> Tools {
        let file = root.join("rust-toolchain.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let channel = text
            .lines()
            .find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"'));
        // Without rustup there is no choice.
        match (channel, env::var("RUSTUP_TOOLCHAIN")) {
            (Some(channel), Ok(outer)) if !outer.starts_with(channel) => {
                Tools::Pinned(channel.to_owned())
            }
            _ => Tools::Outer,
        }
    }

    /// Panics name files of the standard library: where its sources are installed (`rust-src`), by
    /// their path on this machine. With these flags they go by the names that they have elsewhere.
    fn flags(&self) -> Option<String> {
        let ask = |argument: &[&str]| {
            let output = self
                .command("RUSTC", "rustc")
                .args(argument)
                .output()
                .ok()?;
            String::from_utf8(output.stdout).ok()
        };
        let sysroot = ask(&["--print", "sysroot"])?;
        let version = ask(&["-vV"])?;
        let commit = version
            .lines()
            .find_map(|it| it.strip_prefix("commit-hash: "))?;
        let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
        let sources = sources.display();
        Some(format!("--remap-path-prefix={sources}=/rustc/{commit}"))
    }

    fn command(&self, outer: &str, name: &str) -> Command {
        match self {
            Tools::Outer => Command::new(var(outer)),
            Tools::Pinned(channel) => {
                let mut command = Command::new("rustup");
                command.args(["run", channel, name]).env_remove("RUSTC");
                command
            }
        }
    }
}

fn var(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}

/// Rustup may have automatic installation off, so the target is asked for by hand.
fn add_target(tools: &Tools) {
    let found = tools
        .command("RUSTC", "rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .is_some_and(|folder| Path::new(folder.trim()).is_dir());
    if found {
        return;
    }
    let mut arguments = vec!["target", "add", TARGET];
    if let Tools::Pinned(channel) = tools {
        arguments.extend(["--toolchain", channel]);
    }
    let added = Command::new("rustup").args(&arguments).status();
    if !added.is_ok_and(|status| status.success()) {
        fail(&format!(
            "the reducer needs a target: run `rustup {}`",
            arguments.join(" ")
        ));
    }
}

/// One package at a time: built together, they would share their features.
fn build(root: &Path, tools: &Tools, package: &str) {
    let out = PathBuf::from(var("OUT_DIR"));
    let mut command = tools.command("CARGO", "cargo");
    command
        .current_dir(root)
        .args(["build", "--release", "--target", TARGET]);
    command
        .args(["--package", package])
        .arg("--target-dir")
        .arg(out.join("wasm"));
    // Flags and wrappers of the outer build (coverage, clippy) are not for what ships.
    for name in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        // Incremental builds have other bytes, and so have those of a stable compiler that is told
        // to take nightly's flags.
        "CARGO_INCREMENTAL",
        "RUSTC_BOOTSTRAP",
    ] {
        command.env_remove(name);
    }
    // Empty, as one may be set in the configuration too.
    command.env("RUSTC_WRAPPER", "");
    command.envs(
        tools
            .flags()
            .map(|flags| ("CARGO_ENCODED_RUSTFLAGS", flags)),
    );
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            fail(&format!(
                "`{package}` could not be built for wasm32: see the output above"
            ));
        }
        Err(error) => fail(&format!("cannot run cargo: {error}")),
    }
    let built = out
        .join("wasm")
        .join(TARGET)
        .join("release")
        .join(format!("{package}.wasm"));
    if let Err(error) = std::fs::copy(&built, out.join(format!("{package}.wasm"))) {
        fail(&format!("cannot copy {}: {error}", built.display()));
    }
}
