//! Every command in the README and in `docs/` does what the page says.
//!
//! A line of a block of shell, or a piece of code in a line, that begins with `cargo run --release
//! --` or `sim` is run, in the order of its page, in a copy of `corpus/` and `air/`; it ends with
//! 0, or as its comment says (`# exit code 1`). What the pages on failures, on turns that matter and
//! on documents show of output was really said. Of one that has a part to be filled in (`CASE`,
//! `my.wasm`) the options must exist. What cargo runs otherwise must name what there is: these commands are the tests
//! themselves, or too long for one.

mod tutorial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use crate::support::{self, COMMANDS, root};

pub fn trials() -> Vec<Trial> {
    let pages = pages().into_iter().map(|page| {
        let stem = page.file_stem().expect("it has a name").to_string_lossy();
        support::trial(format!("docs::{stem}"), {
            let page = page.clone();
            move || match page.ends_with("tutorial.md") {
                true => tutorial::follow(),
                false => follow(&page),
            }
        })
    });
    let mut trials: Vec<Trial> = pages.collect();
    trials.push(support::trial("docs::links".to_owned(), links));
    trials
}

/// The README and the pages of `docs/`.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(root("docs")).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let mut pages: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.push(root("README.md"));
    pages.sort();
    pages
}

/// Commands that take long, and what is run instead: the same of less.
const SHORTER: [(&str, &str); 12] = [
    (
        "run --seeds 0..200 --twice --thorough",
        "run --seeds 0..10 --twice --thorough",
    ),
    ("run --thorough", "run --thorough --seeds 0..20"),
    ("run --world shop", "run --world shop --seeds 0..500"),
    ("selftest", "selftest --starts 1 --shrinks 1"),
    (
        "selftest --starts 100 --shrinks 0",
        "selftest --starts 1 --shrinks 0",
    ),
    ("run --seeds 0..1000000", "run --seeds 0..1000"),
    (
        "run --seeds 0..1000000 --shard 1/3 --out results",
        "run --seeds 0..1000 --shard 1/3 --out results",
    ),
    (
        "run --seeds 0..1000000 --shard 2/3 --out results",
        "run --seeds 0..1000 --shard 2/3 --out results",
    ),
    (
        "run --seeds 0..1000000 --shard 3/3 --out results",
        "run --seeds 0..1000 --shard 3/3 --out results",
    ),
    (
        "run --seeds 0..100000 --shard 3/8 --out results",
        "run --seeds 0..1000 --shard 3/8 --out results",
    ),
    (
        "run --seeds 0..100000 --jobs 2",
        "run --seeds 0..1000 --jobs 2",
    ),
    (
        "run --seeds 0..100000 --jobs 2 --html report",
        "run --seeds 0..1000 --jobs 2 --html report",
    ),
];

/// What a person has to fill in.
const PLACEHOLDERS: [&str; 8] = ["BUG", "CASE", "DIR", "FILE", "FORM", "OLD", "my.wasm", "…"];

/// What is told of a command, and where.
struct Told<'a> {
    line: usize,
    command: &'a str,
    code: i32,
    /// In a block for people at a terminal.
    is_interactive: bool,
}

fn follow(page: &Path) {
    let text = fs::read_to_string(page).expect("it can be read");
    let place = tempfile::tempdir().expect("there is room for a folder");
    for folder in ["air", "corpus", "sim/tests/fixtures/slips"] {
        copy(&root(folder), &place.path().join(folder));
    }
    copy(
        &root("corpus"),
        &place.path().join("fuzz/corpus/reducer_events"),
    );
    let mut said = String::new();
    for told in commands(&text) {
        if let Err(what) = try_one(&told, place.path(), &mut said) {
            panic!(
                "{}:{}: `{}`: {what}",
                page.display(),
                told.line,
                told.command
            );
        }
    }
    if ["failures.md", "documents.md", "why.md"]
        .iter()
        .any(|name| page.ends_with(name))
    {
        let shown = text.split("```text\n").skip(1);
        let shown = shown.flat_map(|block| block.split("```").next());
        for line in shown.flat_map(str::lines) {
            assert!(
                said.lines().any(|other| other == line),
                "nothing said: {line}"
            );
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("it has a name");
        fs::copy(&path, to.join(name)).expect("it can be copied");
    }
}

/// The commands of a page, in order.
fn commands(text: &str) -> Vec<Told<'_>> {
    let mut told = Vec::new();
    let mut block = None;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        match (block, line.strip_prefix("```")) {
            (None, Some(kind)) => block = Some(kind),
            (Some(_), Some(_)) => block = None,
            (Some("sh"), None) if !line.trim().is_empty() => {
                let (command, comment) = line.split_once(" #").unwrap_or((line, ""));
                let code = comment.trim().strip_prefix("exit code ");
                told.push(Told {
                    line: line_number,
                    command: command.trim(),
                    code: code.map_or(0, |code| code.parse().expect("it is a number")),
                    is_interactive: false,
                });
            }
            (Some("console"), None) => {
                let command = line.strip_prefix("$ ");
                told.extend(command.map(|command| Told {
                    line: line_number,
                    command,
                    code: 0,
                    is_interactive: true,
                }));
            }
            (None, None) => {
                let pieces = line.split('`').skip(1).step_by(2);
                told.extend(
                    pieces
                        .filter(|piece| is_command(piece))
                        .map(|command| Told {
                            line: line_number,
                            command,
                            code: 0,
                            is_interactive: false,
                        }),
                );
            }
            _ => {}
        }
    }
    told
}

/// Whether a piece of code in a line is a command that could be run as it is.
fn is_command(piece: &str) -> bool {
    let first_of_sim = arguments(piece).and_then(|rest| rest.split(' ').next());
    first_of_sim.is_some_and(|word| COMMANDS.contains(&word))
        || piece.contains("cargo ") && piece.split(' ').count() > 2
}

/// What is said to our own command.
fn arguments(command: &str) -> Option<&str> {
    let built = command.strip_prefix("cargo run --release -- ");
    built.or_else(|| command.strip_prefix("sim "))
}

/// Tries a command; what it says is added to what was said.
fn try_one(told: &Told<'_>, place: &Path, said: &mut String) -> Result<(), String> {
    let Some(arguments) = arguments(told.command) else {
        return names_what_there_is(told.command);
    };
    // Said of a command, not to it: `sim run`, `sim replay`.
    let is_named = !arguments.contains(' ') && told.command.starts_with("sim ");
    let is_open = PLACEHOLDERS.iter().any(|open| arguments.contains(open));
    if is_named || is_open || told.is_interactive {
        return options_exist(arguments);
    }
    let shorter = SHORTER.iter().find(|(long, _)| *long == arguments);
    let arguments = shorter.map_or(arguments, |(_, short)| short);
    let output = Command::new("sh")
        .args(["-c", &format!("{} {arguments}", env!("CARGO_BIN_EXE_sim"))])
        .current_dir(place)
        .env_remove("GITHUB_ACTIONS")
        .output()
        .map_err(|error| error.to_string())?;
    let err = String::from_utf8_lossy(&output.stderr);
    said.push_str(&String::from_utf8_lossy(&output.stdout));
    said.push_str(&err);
    if output.status.code() == Some(told.code) {
        return Ok(());
    }
    Err(format!("it ended with {}\n{err}", output.status))
}

fn options_exist(arguments: &str) -> Result<(), String> {
    let command = arguments.split(' ').next().unwrap_or_default();
    let help = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args([command, "--help"])
        .output()
        .map_err(|error| error.to_string())?;
    let help = String::from_utf8_lossy(&help.stdout);
    for option in arguments.split(' ').filter(|word| word.starts_with("--")) {
        if !help.contains(&format!("{option} ")) {
            return Err(format!("there is no {option}"));
        }
    }
    Ok(())
}

/// Packages, fuzz targets and versions that a command of cargo names.
fn names_what_there_is(command: &str) -> Result<(), String> {
    let words: Vec<&str> = command
        .split(' ')
        .filter(|word| !word.contains('='))
        .collect();
    let after = |flag: &str| {
        let place = words.iter().position(|word| *word == flag)?;
        words.get(place + 1).copied()
    };
    let is_open = PLACEHOLDERS.iter().any(|open| command.contains(open));
    if let Some(package) = after("-p") {
        let folders = [
            "fuzz",
            "fuzz/lib",
            "reducer",
            "sim",
            "sim/browser",
            "reducer/planted",
        ];
        let is_one = |folder: &&str| {
            let manifest = fs::read_to_string(root(&format!("{folder}/Cargo.toml")));
            manifest.is_ok_and(|text| text.contains(&format!("name = \"{package}\"")))
        };
        if !folders.iter().any(is_one) {
            return Err(format!("there is no package {package}"));
        }
    }
    match words.as_slice() {
        _ if is_open => Ok(()),
        ["cargo", "fuzz", "run" | "cmin" | "build", target, ..]
        | ["cargo", "+nightly", "fuzz", "run" | "build", target, ..] => {
            let file = root(&format!("fuzz/fuzz_targets/{target}.rs"));
            file.exists()
                .then_some(())
                .ok_or(format!("there is no target {target}"))
        }
        ["cargo", "install", "--locked", "--path", folder] => {
            let folder = folder.strip_prefix("CLONE/").unwrap_or(folder);
            let manifest = root(&format!("{folder}/Cargo.toml"));
            manifest
                .exists()
                .then_some(())
                .ok_or(format!("there is no package in {folder}"))
        }
        ["cargo", "install", "--locked", tool] => {
            let ci = fs::read_to_string(root(".ci/run")).expect("it can be read");
            let is_same = *tool == "cargo-mutants" || ci.contains(tool);
            is_same
                .then_some(())
                .ok_or("CI has another version".to_owned())
        }
        [
            "cargo",
            "test" | "bench" | "fuzz" | "nextest" | "mutants" | "run",
            ..,
        ]
        | ["cargo", "+nightly", "fuzz", ..]
        | ["git", "clone", ..] => Ok(()),
        _ => Err("nothing is known of it".to_owned()),
    }
}

/// Pages link to what there is.
fn links() {
    for page in pages() {
        let text = fs::read_to_string(&page).expect("it can be read");
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.starts_with("http") {
                continue;
            }
            let folder = page.parent().expect("it is in a folder");
            assert!(folder.join(path).exists(), "{}: {target}", page.display());
        }
    }
}
