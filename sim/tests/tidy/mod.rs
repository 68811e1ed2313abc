//! The sources are in order: modules of a crate import in one direction, each file opens with what
//! it owns, lines fit, and the harness has no words of its guests.
//!
//! What the compiler keeps between crates is kept here within one.

mod imports;
mod tokens;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::support::{root, trial};

/// Folders that still have lines that are too long. Take a name out once that is over.
const WIDE: [&str; 2] = ["benches", "tests"];
/// The most columns of a line. What is quoted over several lines may be wider.
const MOST_COLUMNS: usize = 100;

pub fn trials() -> Vec<Trial> {
    let trials: [(&str, fn()); 5] = [
        ("modules_import_in_one_direction", one_direction),
        ("a_planted_circle_is_seen", planted),
        ("files_open_with_what_they_own", openings),
        ("lines_fit", lines),
        ("harness_does_not_know_its_guests", words::of_the_harness),
    ];
    let trials = trials.into_iter();
    trials
        .map(|(name, test)| trial(format!("tidy::{name}"), test))
        .collect()
}

/// The crates in `sim/`, that itself included, by their folders.
fn crates() -> Vec<PathBuf> {
    let entries = fs::read_dir(root("sim")).expect("the folder is there");
    let folders = entries.map(|entry| entry.expect("it can be read").path());
    let mut folders: Vec<PathBuf> = folders
        .chain([root("sim")])
        .filter(|folder| folder.join("src").is_dir())
        .collect();
    folders.sort();
    folders
}

fn one_direction() {
    let mut wrong = Vec::new();
    for folder in crates() {
        let name = name(&folder);
        let circles = imports::of(&folder.join("src")).circles();
        if !circles.is_empty() {
            wrong.push(format!("circles in {name}: {}", circles.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A circle of three modules: closed by a path in a group, by one from `super`, and by a name that
/// the root shows again. What only looks like a path closes none.
fn planted() {
    let files = [
        (
            "lib.rs",
            "pub use a::deep::Thing;\nmod a;\nmod b;\nmod c;\n",
        ),
        ("a/mod.rs", "mod deep;\nuse crate::{b::X, d};\n"),
        ("a/deep.rs", "use super::super::c::Y;\nuse super::deep;\n"),
        ("b.rs", "fn f() -> crate::Thing { /* crate::c */ }\n"),
        (
            "c.rs",
            "const S: &str = \"crate::b \\\" crate::b\"; // crate::a\n",
        ),
        (
            "d.rs",
            "const C: [char; 2] = ['\"', '\\''];\nuse crate::c;\n",
        ),
    ];
    let folder = tempfile::tempdir().expect("there is room for a folder");
    fs::create_dir(folder.path().join("a")).expect("it can be made");
    for (file, text) in files {
        fs::write(folder.path().join(file), text).expect("it can be written");
    }
    let expected = "a, b:\n    a -> b, as in a/mod.rs:2\n    b -> a, as in b.rs:1";
    assert_eq!(imports::of(folder.path()).circles(), [expected]);
    let closing = "use crate::b;\nstruct S<'a>(&'a str);\n";
    fs::write(folder.path().join("c.rs"), closing).expect("it can be written");
    let circles = imports::of(folder.path()).circles();
    assert_eq!(circles.len(), 1);
    assert!(circles[0].starts_with("a, b, c, d:\n"), "{}", circles[0]);
}

/// The folders of sources: crates, and what `sim` itself has.
fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(root("sim")).expect("the folder is there");
    let folders = entries.map(|entry| entry.expect("it can be read").path());
    let mut folders: Vec<PathBuf> = folders
        .chain(["examples", "fuzz", "reducer", "sdk"].map(root))
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    folders
}

fn openings() {
    let files = folders()
        .into_iter()
        .flat_map(|it| imports::rust_files(&it));
    let mute = files.filter(|file| !read(file).starts_with("//!"));
    let mute: Vec<String> = mute.map(|file| shown(&file)).collect();
    assert!(mute.is_empty(), "no opening `//!`: {}", mute.join("\n"));
}

fn lines() {
    let mut wrong = Vec::new();
    for folder in folders() {
        let name = name(&folder);
        let files = imports::rust_files(&folder).into_iter();
        let long: Vec<String> = files.flat_map(|file| long_lines(&file)).collect();
        match (WIDE.contains(&&*name), long.is_empty()) {
            (false, false) => wrong.push(format!("long lines in {name}:\n{}", long.join("\n"))),
            (true, true) => wrong.push(format!("no long lines in {name}: take it out of `WIDE`")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn long_lines(file: &Path) -> Vec<String> {
    let text = read(file);
    let quoted = tokens::quoted_lines(&text);
    let lines = (1..).zip(text.lines()).filter(|(number, line)| {
        let columns = line.chars().count();
        columns > MOST_COLUMNS && !quoted.contains(number)
    });
    let file = shown(file);
    lines
        .map(|(number, _)| format!("{file}:{number}"))
        .collect()
}

fn name(folder: &Path) -> String {
    let name = folder.file_name().expect("it has a name");
    name.to_string_lossy().into_owned()
}

/// The path of a file from the root of the workspace.
fn shown(file: &Path) -> String {
    let short = file.strip_prefix(root(""));
    short.unwrap_or(file).display().to_string()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("it can be read")
}
