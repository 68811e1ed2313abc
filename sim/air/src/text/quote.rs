//! Names and texts as messages show them: in backquotes, and cut if they are long.

/// The text in backquotes, cut if it is long.
pub fn quote(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("`{}…`", text[..end].escape_debug()),
        None => format!("`{}`", text.escape_debug()),
    }
}

/// "one of a, b", cut if there are many.
pub fn one_of<'a>(names: impl Iterator<Item = &'a String>) -> String {
    const MAX_NAMES: usize = 12;
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return "no field at all".to_owned();
    }
    if names.len() > MAX_NAMES {
        names.truncate(MAX_NAMES);
        names.push("…");
    }
    format!("one of {}", names.join(", "))
}
