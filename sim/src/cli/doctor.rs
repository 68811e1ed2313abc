//! `sim doctor`: what is there of what one may want to do, and what brings the rest.
//!
//! It looks and changes nothing: no build and no download. The folder of the cache is made, as any
//! command would.

mod programs;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use self::programs::{Ran, run};
use super::input::{WorldArguments, folder_help, sources};
use super::layout::{Layout, SIM_TOML};
use super::{Exit, package, terminal};
use sim_air::{printable, printable_lines};
use sim_cases::files;
use sim_declared::Wasm;
use sim_host::{CodeCache, default_cache_dir};
use sim_report::words::counted;

/// Say what is missing on this machine, for a world and for what else one may want to do
#[derive(Args)]
#[command(after_help = "Example: sim doctor shop")]
pub(super) struct Doctor {
    #[arg(help = folder_help("Folder of a world"))]
    folder: Option<PathBuf>,
}

/// What was looked for.
struct Finding {
    /// In a word or two.
    what: &'static str,
    /// What was found, or what is wrong.
    says: String,
    /// What brings it, if it is missing.
    mend: Option<String>,
    /// The world here does not run without it.
    is_needed: bool,
}

impl Finding {
    fn there(what: &'static str, says: impl Into<String>) -> Finding {
        let says = says.into();
        Finding {
            what,
            says,
            mend: None,
            is_needed: false,
        }
    }

    fn missing(what: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Finding {
        let mend = Some(mend.into());
        Finding {
            mend,
            ..Finding::there(what, says)
        }
    }

    fn needed(self, is_needed: bool) -> Finding {
        Finding { is_needed, ..self }
    }
}

impl Doctor {
    pub fn execute(self) -> Result<Exit> {
        let world = WorldArguments {
            world: self.folder,
            ..WorldArguments::default()
        };
        let (mut findings, needs_cargo) = of_world(&world);
        findings.push(of_cache());
        let rust = match needs_cargo {
            true => "the world here",
            false => "reducers in Rust",
        };
        findings.push(of_cargo(rust).needed(needs_cargo));
        findings.push(of_target(rust).needed(needs_cargo));
        findings.push(of_clang());
        let lld = "the package lld of your system, https://lld.llvm.org";
        findings.push(of_program(
            "wasm-ld",
            "wasm-ld",
            &["--version"],
            "reducers in C",
            lld,
        ));
        let node = "https://nodejs.org";
        for (what, program) in [("node", "node"), ("npm", NPM)] {
            findings.push(of_program(
                what,
                program,
                &["--version"],
                "AssemblyScript",
                node,
            ));
        }
        let fuzz = "cargo install --locked cargo-fuzz@0.13.2";
        findings.push(of_program(
            "cargo-fuzz",
            "cargo-fuzz",
            &["--version"],
            "fuzzing",
            fuzz,
        ));
        let nightly = "rustup toolchain install nightly --profile minimal";
        let arguments = ["run", "nightly", "rustc", "--version"];
        let sanitizer = "fuzzing with a sanitizer";
        findings.push(of_program(
            "nightly", "rustup", &arguments, sanitizer, nightly,
        ));
        let mut out = terminal::out();
        for finding in &findings {
            write!(out, "{}", line(finding))?;
        }
        let missing = |finding: &&Finding| finding.is_needed && finding.mend.is_some();
        Ok(match findings.iter().find(missing) {
            None => Exit::Holds,
            Some(_) => Exit::BadInput,
        })
    }
}

/// `npm` is a script, which Windows runs by its whole name only.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// The most columns of what a program says of itself.
const MOST_COLUMNS: usize = 60;

fn line(finding: &Finding) -> String {
    let Finding {
        what, says, mend, ..
    } = finding;
    let word = match mend {
        None => "ok",
        Some(_) => "missing",
    };
    let mend = mend
        .as_ref()
        .map_or(String::new(), |mend| format!(": {mend}"));
    printable_lines(&format!("{word:<8} {what:<14} {says}{mend}")) + "\n"
}

/// The first line of what a program says, if it says something, cut where it is long.
fn first_line(text: &str) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    let first = printable(first.unwrap_or("it is there"));
    first.chars().take(MOST_COLUMNS).collect()
}

/// A program that is asked for its version.
fn of_program(
    what: &'static str,
    program: &str,
    arguments: &[&str],
    purpose: &str,
    mend: &str,
) -> Finding {
    match run(program, arguments) {
        Ran::Well(text) => Finding::there(what, first_line(&text)),
        Ran::Failed => Finding::missing(what, format!("does not run, for {purpose}"), mend),
        Ran::TooLong => Finding::missing(what, format!("gives no answer, for {purpose}"), mend),
        Ran::Missing => Finding::missing(what, format!("for {purpose}"), mend),
    }
}

fn of_cargo(purpose: &str) -> Finding {
    let (what, mend) = ("Rust", "https://rustup.rs");
    match run(package::cargo(), &["--version"]) {
        Ran::Well(text) => Finding::there(what, first_line(&text)),
        Ran::TooLong => Finding::missing(what, "cargo gives no answer", mend),
        Ran::Failed | Ran::Missing => Finding::missing(what, format!("for {purpose}"), mend),
    }
}

/// The target is there if the compiler has a standard library for it.
fn of_target(purpose: &str) -> Finding {
    let what = "wasm32 target";
    let arguments = ["--print", "target-libdir", "--target", package::TARGET];
    let folder = run("rustc", &arguments).well();
    let is_there = folder.is_some_and(|folder| Path::new(folder.trim()).is_dir());
    match is_there {
        true => Finding::there(what, package::TARGET),
        false => {
            let mend = format!("rustup target add {}", package::TARGET);
            Finding::missing(what, format!("for {purpose}"), mend)
        }
    }
}

/// There are clangs that cannot make wasm.
fn of_clang() -> Finding {
    let (what, purpose) = ("clang", "reducers in C");
    let mend = "the package clang of your system, https://releases.llvm.org";
    match run("clang", &["--print-targets"]) {
        Ran::Well(text) if !text.contains("wasm32") => {
            Finding::missing(what, "it cannot make wasm, which reducers in C need", mend)
        }
        Ran::Well(_) => of_program(what, "clang", &["--version"], purpose, mend),
        Ran::Failed => Finding::missing(what, "it does not say whether it can make wasm", mend),
        Ran::TooLong | Ran::Missing => Finding::missing(what, format!("for {purpose}"), mend),
    }
}

fn of_cache() -> Finding {
    let what = "cache";
    let mend = "name a folder of your own in SIM_CACHE_DIR";
    let Some(folder) = default_cache_dir() else {
        return Finding::missing(
            what,
            "no folder for compiled code, so starts are slow",
            mend,
        );
    };
    let shown = folder.display();
    if CodeCache::open(&folder).is_none() {
        let says = format!("{shown} is not yours alone or cannot be made, so starts are slow");
        return Finding::missing(what, says, mend);
    }
    match files::probe(&folder.join("doctor")) {
        Ok(()) => Finding::there(what, format!("compiled code is kept in {shown}")),
        Err(error) => {
            let says = format!("{shown} cannot be written ({error}), so starts are slow");
            Finding::missing(what, says, mend)
        }
    }
}

/// What is to be said of the folder, and whether its wasm is built by cargo.
fn of_world(world: &WorldArguments) -> (Vec<Finding>, bool) {
    let what = "world";
    let folder = world.folder();
    let shown = folder.display();
    let layout = match world.layout() {
        Ok(Some(layout)) => layout,
        Ok(None) => {
            let says = format!("no {SIM_TOML} and no folder air here, so the built-in world runs");
            return (vec![Finding::there(what, says)], false);
        }
        Err(error) => return (vec![wrong(what, &folder, &error)], false),
    };
    let mut findings = vec![match of_documents(&layout) {
        Ok(says) => Finding::there(what, format!("{shown}: {says}")),
        Err(error) => wrong(what, &folder, &error),
    }];
    let declared = layout.declared.as_ref();
    let mut is_built = false;
    let modules = declared.into_iter().flat_map(sim_declared::File::wasm);
    let monitors = declared.into_iter().flat_map(sim_declared::File::monitors);
    for (module, wasm) in modules.chain(monitors) {
        findings.push(match wasm {
            Wasm::File(file) => of_wasm(module, &folder.join(file)),
            Wasm::Package {
                folder: package, ..
            } => {
                is_built = true;
                of_package(module, &folder.join(package))
            }
        });
    }
    (findings, is_built)
}

fn of_documents(layout: &Layout) -> Result<String> {
    let air = sim_air::load(&sources(&layout.documents())?)?;
    if let Some(declared) = &layout.declared {
        sim_declared::check(declared, &air)?;
    }
    let documents = counted(air.documents.len() as u64, "document");
    Ok(match layout.declared {
        Some(_) => format!("{documents} and {SIM_TOML}"),
        None => documents,
    })
}

/// `sim check` says all of it.
fn wrong(what: &'static str, folder: &Path, error: &anyhow::Error) -> Finding {
    let first = error.to_string();
    let says = format!("{}: {}", folder.display(), first_line(&first));
    let mend = format!("sim check {}", super::shell::argument(folder));
    Finding::missing(what, says, mend).needed(true)
}

fn of_wasm(module: &str, file: &Path) -> Finding {
    let (what, shown) = ("wasm", file.display());
    match file.is_file() {
        true => Finding::there(what, format!("{shown} of {module}")),
        false => {
            let mend = "build it, as the README of the world says";
            Finding::missing(what, format!("{shown} of {module}"), mend).needed(true)
        }
    }
}

fn of_package(module: &str, package: &Path) -> Finding {
    // Without a `.` in the middle.
    let package: PathBuf = package.components().collect();
    let (what, shown) = ("wasm", package.display());
    match package.join("Cargo.toml").is_file() {
        true => Finding::there(
            what,
            format!("the package in {shown} is built for {module}"),
        ),
        false => {
            let mend = format!("name the folder of its Cargo.toml in {SIM_TOML}");
            let says = format!("no package in {shown}, for {module}");
            Finding::missing(what, says, mend).needed(true)
        }
    }
}
