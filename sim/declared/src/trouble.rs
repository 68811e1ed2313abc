//! What is wrong in the file, and where: reported as the problems of documents are.

use sim_air::{Diagnostic, Diagnostics, Severity, suggest};

/// The problems of one file, until they are reported.
pub(crate) struct Troubles<'a> {
    file: &'a str,
    text: &'a str,
    list: Vec<(usize, Diagnostic)>,
}

/// A problem that is being described.
pub(crate) struct Trouble<'t>(&'t mut Diagnostic);

impl<'a> Troubles<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Troubles<'a> {
        Troubles {
            file,
            text,
            list: Vec::new(),
        }
    }

    /// Notes a problem of what begins at a byte of the file.
    pub fn add(&mut self, offset: usize, message: impl Into<String>) -> Trouble<'_> {
        let (line, column) = place(self.text, offset);
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            file: self.file.to_owned(),
            pointer: String::new(),
            line,
            column,
            message: message.into(),
            expected: None,
            hint: None,
        };
        self.list.push((offset, diagnostic));
        let last = self.list.last_mut().expect("it was just put there");
        Trouble(&mut last.1)
    }

    /// A name that nothing known has.
    pub fn unknown<'c>(
        &mut self,
        offset: usize,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'c str> + Clone,
    ) {
        let hint = suggest(name, known.clone());
        let mut names: Vec<&str> = known.into_iter().take(MOST_NAMES).collect();
        names.sort_unstable();
        let expected = match names.is_empty() {
            true => "there is none".to_owned(),
            false => format!("one of {}", names.join(", ")),
        };
        let trouble = self.add(offset, format!("unknown {what}: `{name}`"));
        trouble.expected(expected).maybe_hint(hint);
    }

    /// All of them, in order; an error if there is one.
    pub fn done(mut self) -> Result<(), Diagnostics> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by_key(|(offset, _)| *offset);
        let list = self.list.into_iter().map(|(_, diagnostic)| diagnostic);
        Err(Diagnostics {
            list: list.collect(),
            hidden: [0, 0],
        })
    }
}

/// So many names are listed of what might have been meant.
const MOST_NAMES: usize = 24;

impl Trouble<'_> {
    pub fn expected(self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint.into()))
    }

    pub fn maybe_hint(self, hint: Option<String>) -> Self {
        self.0.hint = hint;
        self
    }
}

/// Line and column, from 1, of a byte; columns in characters.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, text[start..offset].chars().count() + 1)
}
