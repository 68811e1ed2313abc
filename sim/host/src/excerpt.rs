//! Texts that the guest or the engine chose, cut short and made safe to print. Knows no error.

use sim_air::printable;

/// How much of a name chosen by the guest goes into a message, in characters.
const EXCERPT_CHARS_MAX: usize = 80;

/// A name chosen by the guest, made safe to print: cut short, control characters escaped.
pub(super) fn excerpt(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .take(EXCERPT_CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(EXCERPT_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// How much of what the engine says of a module goes into a message, in characters.
const REASON_CHARS_MAX: usize = 400;

/// What the engine says of a module, in one line and safe to print: it may quote a name of any
/// length, as it is.
pub(super) fn reason(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.collect::<Vec<_>>().join(" ");
    match said.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => printable(&said[..end]) + "…",
        None => printable(&said),
    }
}
