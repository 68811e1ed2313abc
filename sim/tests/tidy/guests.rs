//! The harness does not know the retry machine: none of its words stands in a source of the
//! harness, comments and examples included.
//!
//! A world is a guest. What the harness says of one it takes from documents and models.

use super::{imports, read, shown};
use crate::support::{root, subject};

/// Words of the retry world, in small letters. The names of its properties are asked for too.
/// `attempt` alone is none: shrinking makes attempts.
const WORDS: [&str; 12] = [
    "anchor_ns",
    "backoff",
    "base-delay",
    "base_delay",
    "max-attempts",
    "max_attempts",
    "req_id",
    "retry",
    "startwork",
    "workerr",
    "workok",
    "workrequested",
];

/// Files that may have such words: which, and why. Take one out once it has none.
const EXCEPTED: [(&str, &[&str], &str); 3] = [
    (
        "sim/cases/src/entry.rs",
        &["req_id"],
        "case files have had the word from the first version on",
    ),
    (
        "sim/cases/src/written.rs",
        &["req_id"],
        "case files have had the word from the first version on",
    ),
    (
        "sim/src/worlds.rs",
        &["attempts_bounded", "max-attempts", "retry"],
        "it lists the worlds that come with the command, and has examples of their words",
    ),
];

/// The sources of the harness: what users of other worlds build on.
fn folders() -> Vec<std::path::PathBuf> {
    let crates = super::crates().into_iter().map(|it| it.join("src"));
    crates
        .chain(["fuzz/lib/src", "sdk/src"].map(root))
        .collect()
}

pub fn words_of_the_harness() {
    let properties = subject().properties().expect("the reducer can be loaded");
    let of_model = properties
        .must_hold()
        .filter(|(_, property)| property.is_of_model);
    let names: Vec<String> = of_model
        .map(|(_, property)| property.name.to_string())
        .collect();
    assert!(!names.is_empty(), "the model has properties");
    let words = || WORDS.into_iter().chain(names.iter().map(String::as_str));
    let mut wrong = Vec::new();
    let mut used = Vec::new();
    for file in folders().iter().flat_map(|it| imports::rust_files(it)) {
        let name = shown(&file);
        let excepted = EXCEPTED.iter().filter(|(of, ..)| *of == name);
        let may: Vec<&str> = excepted.flat_map(|(_, words, _)| *words).copied().collect();
        for (number, line) in (1..).zip(read(&file).to_lowercase().lines()) {
            for word in words().filter(|word| line.contains(word)) {
                match may.contains(&word) {
                    true => used.push((name.clone(), word.to_owned())),
                    false => wrong.push(format!("{name}:{number}: `{word}`")),
                }
            }
        }
    }
    for (file, words, why) in EXCEPTED {
        for word in words {
            if !used.contains(&(file.to_owned(), (*word).to_owned())) {
                wrong.push(format!("{file} has no `{word}` (\"{why}\"): take it out"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "the harness has words of the retry world:\n{}",
        wrong.join("\n")
    );
}
