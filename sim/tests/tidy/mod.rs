//! The sources are in order: modules of a crate import in one direction, each file opens with what
//! it owns, lines fit, words are the usual ones, what a crate shows is used, and the harness has no
//! words of its guests.
//!
//! What the compiler keeps between crates is kept here within one.

mod guests;
mod imports;
mod tokens;
mod unused;
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
    let trials: [(&str, fn()); 9] = [
        ("modules_import_in_one_direction", one_direction),
        ("a_planted_circle_is_seen", planted),
        ("files_open_with_what_they_own", openings),
        ("lines_fit", lines),
        (
            "harness_does_not_know_its_guests",
            guests::words_of_the_harness,
        ),
        ("words_are_the_usual_ones", usual_words),
        ("a_planted_word_is_seen", planted_word),
        ("what_is_shown_is_used", shown_is_used),
        ("a_planted_function_is_seen", planted_function),
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

fn usual_words() {
    let rust = folders()
        .into_iter()
        .flat_map(|it| imports::rust_files(&it));
    let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs"].map(root);
    let pages = pages.into_iter().flat_map(|it| match it.is_dir() {
        true => entries(&it),
        false => vec![it],
    });
    let is_read = |file: &PathBuf| !file.parent().is_some_and(|it| it.ends_with("tidy"));
    let files: Vec<PathBuf> = rust.chain(pages).filter(is_read).collect();
    assert!(files.len() > 300, "the sources are elsewhere");
    let mut wrong = Vec::new();
    for file in files {
        for (line, word, instead) in words::banned(&read(&file)) {
            let file = shown(&file);
            wrong.push(format!("{file}:{line}: `{word}`, here it is {instead}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn planted_word() {
    let text = "/// A Stray event.\nfn as_stray() {}\nstruct FewStrays;\nlet far = \"astray\";\n\
        \"stale_ignored\"\nmissed_goals\nstruct ArmGoals;\n// Healing.\n";
    let found = words::banned(text).into_iter();
    let found: Vec<_> = found.map(|(line, word, _)| (line, word)).collect();
    assert_eq!(
        found,
        [
            (1, "stray"),
            (2, "stray"),
            (3, "strays"),
            (7, "goals"),
            (8, "healing"),
        ]
    );
}

/// What only trials use, to look into what they try.
const FOR_TRIALS: [&str; 1] = ["schema_names"];

fn shown_is_used() {
    let mut names = unused::Names::default();
    let inner = crates();
    for folder in folders() {
        for file in imports::rust_files(&folder) {
            let is_inner = inner
                .iter()
                .any(|it| file.starts_with(it.join("src")) && *it != root("sim"));
            let is_trial = file
                .components()
                .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches");
            if !is_trial {
                names.add(&shown(&file), &tokens::tokens(&read(&file)), is_inner);
            }
        }
    }
    let mut unused = names.unused();
    unused.retain(|it| !FOR_TRIALS.iter().any(|name| it.ends_with(name)));
    assert!(unused.is_empty(), "nothing uses\n{}", unused.join("\n"));
}

fn planted_function() {
    let mut names = unused::Names::default();
    let shows = "pub fn used() {}\npub const fn idle() {}\npub const FREE: u8 = 1;\n\
        pub(crate) fn inner() {}\n// idle, FREE\n";
    names.add("a.rs", &tokens::tokens(shows), true);
    names.add("b.rs", &tokens::tokens("fn main() { a::used(); }"), false);
    assert_eq!(names.unused(), ["a.rs:2: idle", "a.rs:3: FREE"]);
}

/// The files of a folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths.filter(|path| path.is_file()).collect()
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
