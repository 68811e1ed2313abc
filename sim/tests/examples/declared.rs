//! Worlds to copy that have a `sim.toml`: the commands of their pages, in order.
//!
//! What is shipped holds, and each planted bug is found by the property that the page names. The
//! seeds are fewer than those of the pages, and enough.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use super::build;
use crate::support::{root, trial};

pub fn trials() -> Vec<Trial> {
    let worlds = WORLDS.iter().map(|world| {
        let name = format!("examples::{}", world.example);
        trial(name, || follow(world))
    });
    let explored = EXPLORED.iter().map(|example| {
        let name = format!("examples::explored::{example}");
        trial(name, move || explore(example))
    });
    worlds.chain(explored).collect()
}

/// Worlds whose small world is soon explored to its end. That of `commit` takes longer, and that of
/// `saga` has none: an order that cannot give up counts its attempts.
const EXPLORED: [&str; 2] = ["bank", "lease"];

fn explore(example: &str) {
    let place = tempfile::tempdir().expect("there is room for a folder");
    let arguments = format!("explore --world examples/{example} --case-dir found");
    let (code, out) = sim(place.path(), &arguments);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("\ncomplete: every schedule "), "{out}");
}

/// An example, and its bugs in the order of its page.
struct Example {
    example: &'static str,
    bugs: [Bug; 2],
}

/// What is found of a planted bug.
struct Bug {
    /// Properties that it violates, each in a run of its own.
    found_by: &'static [&'static str],
    /// The shortest run has at most so many decisions.
    most_decisions: usize,
}

const fn bug(found_by: &'static [&'static str], most_decisions: usize) -> Bug {
    Bug {
        found_by,
        most_decisions,
    }
}

const WORLDS: [Example; 4] = [
    Example {
        example: "bank",
        bugs: [bug(&["credited_once"], 6), bug(&["conserved"], 6)],
    },
    Example {
        example: "commit",
        bugs: [
            bug(&["commits_what_all_can"], 9),
            bug(&["all_or_nothing", "commits_what_all_can"], 13),
        ],
    },
    Example {
        example: "lease",
        bugs: [bug(&["holder_keeps_it"], 4), bug(&["tokens_grow"], 3)],
    },
    Example {
        example: "saga",
        bugs: [bug(&["charged_once"], 16), bug(&["stock_goes_back"], 9)],
    },
];

fn follow(world: &Example) {
    let place = tempfile::tempdir().expect("there is room for a folder");
    let folder = root("examples").join(world.example);
    let page = fs::read_to_string(folder.join("README.md")).expect("it has a page");
    let mut bugs = world.bugs.iter();
    let (mut checks, mut holds) = (0, 0);
    for line in page.split("```sh\n").skip(1).flat_map(commands) {
        let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
        let within = command.replace("target/bug", "bug");
        if let Some(arguments) = within.strip_prefix("cargo build ") {
            let arguments = arguments.replace(" --target-dir bug", "");
            build(&root("."), &place.path().join("bug"), &arguments);
        } else if let Some(arguments) = within.strip_prefix("cargo run --release -- ") {
            let (code, out) = sim(place.path(), arguments);
            match (arguments.split(' ').next(), comment) {
                (Some("check"), "") => {
                    assert_eq!(code, 0, "{line}\n{out}");
                    assert!(out.contains(": all checks pass\n"), "{out}");
                    checks += 1;
                }
                (Some("run"), "") => {
                    assert_eq!(code, 0, "{line}\n{out}");
                    assert!(out.contains("everything holds\n"), "{out}");
                    holds += 1;
                }
                (Some("run"), "exit code 1") => {
                    assert_eq!(code, 1, "{line}\n{out}");
                    let bug = bugs.next().expect("the page plants two");
                    check_found(bug, &out);
                }
                _ => panic!("{line}: the page does something else"),
            }
        }
    }
    assert_eq!((checks, holds, bugs.len()), (1, 1, 0));
    planted(world, place.path());
}

/// The bugs that the world's `sim.toml` plants, from one start.
fn planted(world: &Example, place: &Path) {
    let arguments = format!("selftest --world examples/{} --starts 1", world.example);
    let (code, out) = sim(place, &arguments);
    assert_eq!(code, 0, "{out}");
    for bug in &world.bugs {
        let is_found = bug.found_by.iter().any(|property| out.contains(property));
        assert!(is_found, "{:?}: {out}", bug.found_by);
    }
}

/// The lines of a block that follows.
fn commands(block: &str) -> impl Iterator<Item = &str> {
    block.split("```").next().unwrap_or_default().lines()
}

/// Runs a command in the root of the workspace. What is written goes to a folder.
fn sim(place: &Path, arguments: &str) -> (i32, String) {
    let in_place = |path: &str| place.join(path).display().to_string();
    let mut words: Vec<String> = Vec::new();
    for word in arguments.split(' ') {
        let word = match word.split_once("bug/") {
            Some((before, _)) if before.is_empty() || before.ends_with('=') => {
                word.replacen("bug/", &in_place("bug/target/"), 1)
            }
            _ if word == "found" => in_place("found"),
            _ => word.to_owned(),
        };
        words.push(word);
    }
    if words[0] == "run" {
        words.extend(["--seeds", "0..1500", "--most-failures", "3"].map(str::to_owned));
        if !words.iter().any(|word| word == "--case-dir") {
            words.extend(["--case-dir".to_owned(), in_place("found")]);
        }
    }
    let output = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(&words)
        .current_dir(root("."))
        .env("CARGO_TARGET_DIR", place.join("package"))
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("GITHUB_ACTIONS")
        .output()
        .expect("the command can be run");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = output.status.code().expect("the command was not killed");
    (code, text(output.stdout) + &text(output.stderr))
}

/// What a campaign tells of a planted bug.
fn check_found(bug: &Bug, out: &str) {
    let told: Vec<&str> = out.split("\nviolation: seed ").skip(1).collect();
    for property in bug.found_by {
        let first = format!("\n  {property} at turn ");
        assert!(
            told.iter().any(|one| one.contains(&first)),
            "no {property}: {out}"
        );
    }
    let decisions = told.iter().filter_map(|one| {
        let (_, shrunk) = one.split_once(" decisions to ")?;
        shrunk.split(' ').next()?.parse::<usize>().ok()
    });
    let least = decisions.min().expect("something is shrunk");
    assert!(least <= bug.most_decisions, "{least} decisions: {out}");
}
