//! One word for one thing: words that are not used, and what is said instead.
//!
//! A word is found in code, in comments and in texts, as a part of a name too: `as_stray`,
//! `StrayEvent`. Names that others keep in files and command lines stay as they are.

/// A word that is not used, and what is said instead.
const BANNED: [(&str, &str); 11] = [
    ("stray", "spurious"),
    ("strays", "spurious events"),
    ("stale", "spurious of an event, outdated of anything else"),
    ("whitelist", "allow list"),
    ("blacklist", "deny list"),
    ("sanity", "say what is checked"),
    ("healing", "liveness phase"),
    ("heals", "has a liveness phase"),
    ("healed", "was in its liveness phase"),
    ("goal", "sometimes, of a property"),
    ("goals", "sometimes, of properties"),
];

/// Where a word stands in a name that cannot be changed any more: of a property, of a planted bug,
/// of a number of a fault mix, of an option, of a case of the corpus, of an event and its fields.
const KEPT: [&str; 13] = [
    "stale_ignored",
    "stray_ignored",
    "trap-in-backoff-stale",
    "TrapInBackoffStale",
    "\"stray\"",
    "alias = \"stale\"",
    "stray 40",
    "done_by_healing",
    "healing_bound",
    "heals-after-silence-and-a-drop",
    "missed_goals",
    "\"goals\"",
    "`goals`",
];

/// The words of a text that are not used: line, word, and what is said instead.
pub fn banned(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut line = line.to_owned();
        for kept in KEPT {
            line = line.replace(kept, "");
        }
        let words = words(&line);
        for (word, instead) in BANNED {
            if words.iter().any(|it| it == word) {
                found.push((number, word, instead));
            }
        }
    }
    found
}

/// The words of a line in small letters: of `asStray_now` these are `as`, `stray` and `now`.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for char in line.chars() {
        let is_letter = char.is_alphabetic();
        if !is_letter || (char.is_uppercase() && was_small) {
            words.push(String::new());
        }
        if is_letter {
            let word = words.last_mut().expect("there is always one");
            word.extend(char.to_lowercase());
        }
        was_small = char.is_lowercase();
    }
    words
}
