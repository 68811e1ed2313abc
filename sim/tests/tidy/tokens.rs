//! Sources in pieces: words and signs, apart from comments and literals.

use std::collections::BTreeSet;

/// A word, `::`, or one other character, outside of comments and literals.
pub struct Token {
    pub line: usize,
    pub text: String,
    is_code: bool,
}

/// The code of a source.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = pieces(source);
    tokens.retain(|token| token.is_code);
    tokens
}

/// The lines that are in a literal that goes on over several: snapshots and documents, as they are.
pub fn quoted_lines(source: &str) -> BTreeSet<usize> {
    let literals = pieces(source).into_iter();
    let literals = literals.filter(|it| it.text.ends_with(['"', '#']) && it.text.contains('\n'));
    let lines = literals.flat_map(|it| it.line..=it.line + it.text.matches('\n').count());
    lines.collect()
}

fn pieces(source: &str) -> Vec<Token> {
    let mut pieces = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let is_word = |char: char| char.is_alphanumeric() || char == '_';
        let (length, is_code) = if let Some(length) = no_code(rest) {
            (length, false)
        } else if is_word(first) {
            (rest.find(|char| !is_word(char)).unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        let (text, after) = rest.split_at(length);
        pieces.push(Token {
            line,
            text: text.to_owned(),
            is_code,
        });
        line += text.matches('\n').count();
        rest = after;
    }
    pieces
}

/// The length of a comment or a literal that begins here. Comments do not nest in this workspace.
fn no_code(source: &str) -> Option<usize> {
    let up_to = |end: &str, from: usize| {
        let found = source[from..].find(end);
        found.map_or(source.len(), |at| from + at + end.len())
    };
    if source.starts_with("//") {
        return Some(up_to("\n", 0));
    }
    if source.starts_with("/*") {
        return Some(up_to("*/", 2));
    }
    if let Some(raw) = source.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return Some(up_to(&end, hashes + 2));
        }
    }
    if source.starts_with('"') {
        return Some(closed_by(source, '"'));
    }
    // A quote that is closed is a character; one that is not begins a lifetime.
    let inner = source.strip_prefix('\'')?;
    let is_char = inner.starts_with('\\') || inner.chars().nth(1) == Some('\'');
    is_char.then(|| closed_by(source, '\''))
}

/// The length of a literal in such quotes, with escapes in it.
fn closed_by(source: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, char) in source.char_indices().skip(1) {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if char == quote => return at + 1,
            _ => {}
        }
    }
    source.len()
}
