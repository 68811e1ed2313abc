//! Texts of others, made safe to print: names, values and messages of documents, cases, files and
//! wasm. What they hold is no order to a terminal, no line of its own, and no command to a CI that
//! reads the output.

use std::borrow::Cow;

/// Commands that a CI finds anywhere in a line: GitHub and Azure Pipelines, Azure Pipelines,
/// TeamCity.
const COMMANDS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// The text as one line, or a part of one: characters that are not seen are escaped (controls,
/// breaks of lines, what turns the direction of writing, what has no width, what is no character),
/// and so is the first character of a command.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let indent = text.len() - text.trim_start().len();
    for (at, char) in text.char_indices() {
        let rest = &text[at..];
        // GitHub takes `::` at the beginning of a line for a command, whatever blanks come before.
        let begins_command = at == indent && rest.starts_with("::") || begins_command(rest);
        match char {
            _ if is_hidden(char) => shown.extend(char.escape_debug()),
            _ if begins_command => shown.extend(char.escape_unicode()),
            _ => shown.push(char),
        }
    }
    shown
}

/// A text that has lines of its own: each of them [`printable`].
pub fn printable_lines(text: &str) -> String {
    let lines = text.split('\n').map(printable);
    lines.collect::<Vec<_>>().join("\n")
}

/// A part of a text in JSON, between its quotes: what [`printable`] escapes is escaped as JSON does
/// it, so that it means the same.
pub fn printable_json(fragment: &str) -> Cow<'_, str> {
    let is_safe = |(at, char)| !is_hidden(char) && !begins_command(&fragment[at..]);
    if fragment.char_indices().all(is_safe) {
        return Cow::Borrowed(fragment);
    }
    let mut escaped = String::with_capacity(fragment.len() + 16);
    for (at, char) in fragment.char_indices() {
        match is_safe((at, char)) {
            true => escaped.push(char),
            false => {
                let mut units = [0; 2];
                let units = char.encode_utf16(&mut units).iter();
                escaped.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    Cow::Owned(escaped)
}

fn begins_command(text: &str) -> bool {
    // Most characters are not even asked further.
    text.starts_with("##") && COMMANDS.iter().any(|command| text.starts_with(command))
}

/// Controls, separators of lines and paragraphs, and what Unicode calls format characters and
/// noncharacters.
fn is_hidden(char: char) -> bool {
    let is_format = matches!(char,
        '\u{ad}'
        | '\u{600}'..='\u{605}'
        | '\u{61c}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}');
    char.is_control() || is_format || u32::from(char) & 0xfffe == 0xfffe
}
