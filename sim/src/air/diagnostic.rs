//! What is wrong with a document, and where: file, JSON pointer, line and column.
//!
//! Checks note a [`Place`], two numbers; pointer, line and column are worked out at the end, and
//! only for what is reported. The order of the report is by file and position, never by check.

use std::collections::BTreeSet;
use std::fmt;

use super::builtins;
use super::documents::At;
use super::json::{File, quote};
use super::names::suggest;

/// At most so many problems are reported for one load; the rest are counted.
const MAX_DIAGNOSTICS: usize = 200;
/// After so many problems nobody asks what was meant: looking for it costs time.
const MAX_SUGGESTIONS: usize = 500;

/// A document file: its name, used in messages only, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    pub file: String,
    pub text: String,
}

/// One problem. `line` and `column` count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    pub file: String,
    /// JSON pointer (RFC 6901) into the file; empty for the whole of it.
    pub pointer: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
    pub expected: Option<String>,
    pub hint: Option<String>,
}

/// What documents hold is shown with control characters escaped, line breaks too: it is no order
/// to a terminal, and no line of the report's own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { line, column, .. } = self;
        let (message, file) = (printable(&self.message), printable(&self.file));
        write!(out, "{message}\n  at {file}:{line}:{column}")?;
        if !self.pointer.is_empty() {
            write!(out, " ({})", printable(&self.pointer))?;
        }
        if let Some(expected) = &self.expected {
            write!(out, "\n  expected: {}", printable(expected))?;
        }
        if let Some(hint) = &self.hint {
            write!(out, "\n  hint: {}", printable(hint))?;
        }
        Ok(())
    }
}

/// The text with its control characters escaped, and those that turn the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    let is_order = |char: char| {
        char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match is_order(char) {
            true => shown.extend(char.escape_debug()),
            false => shown.push(char),
        }
    }
    shown
}

/// Every problem of a load, in order of file and position. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str("\n")?;
            }
            write!(out, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// A byte offset into one of the files: the first byte of a value, or of a member's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    pub file: usize,
    pub offset: usize,
}

/// A problem as a check sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub place: Place,
    pub message: String,
    pub expected: Option<String>,
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem {
            place,
            message: message.into(),
            expected: None,
            hint: None,
        }
    }

    pub fn expected(mut self, expected: impl Into<String>) -> Problem {
        self.expected = Some(expected.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    pub fn maybe_hint(mut self, hint: Option<String>) -> Problem {
        self.hint = hint.or(self.hint);
        self
    }
}

/// The problems found so far.
#[derive(Default, Debug)]
pub struct Problems {
    list: Vec<Problem>,
    /// Names of documents that are there and could not be read: what refers to them is right.
    unread: BTreeSet<String>,
}

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        self.list.push(problem);
    }

    /// A document of that name is there, with problems of its own.
    pub fn push_unread(&mut self, name: &str) {
        self.unread.insert(name.to_owned());
    }

    /// Keeps the problem, if there is one, and goes on without the value.
    pub fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// Whether it is still worth while to look for what was meant.
    pub fn wants_hints(&self) -> bool {
        self.list.len() < MAX_SUGGESTIONS
    }

    pub fn suggest<'c>(
        &self,
        text: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<String> {
        if self.wants_hints() {
            suggest(text, candidates)
        } else {
            None
        }
    }

    /// A name that nothing known has. `what` may be the `$kind` of what was looked for.
    pub fn push_unknown<'c>(
        &mut self,
        what: &str,
        name: &At<String>,
        known: impl IntoIterator<Item = &'c str>,
    ) {
        if self.unread.contains(&name.it) {
            return;
        }
        let what = what.strip_prefix("def").unwrap_or(what);
        let problem = Problem::new(name.place, format!("unknown {what}: {}", quote(&name.it)))
            .maybe_hint(self.suggest(&name.it, known))
            .maybe_hint(builtins::unmodelled(&name.it));
        self.push(problem);
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The report, or nothing if there were no problems.
    pub fn into_diagnostics(mut self, files: &[File]) -> Option<Diagnostics> {
        self.list.sort_by_key(|problem| problem.place);
        self.list.dedup();
        let hidden = self.list.len().saturating_sub(MAX_DIAGNOSTICS);
        self.list.truncate(MAX_DIAGNOSTICS);
        let mut list: Vec<Diagnostic> = self.list.into_iter().map(|it| locate(it, files)).collect();
        if hidden > 0
            && let Some(last) = list.last_mut()
        {
            let more = format!("{hidden} more problems are not shown");
            last.hint = Some(
                last.hint
                    .take()
                    .map_or(more.clone(), |hint| format!("{hint}; {more}")),
            );
        }
        (!list.is_empty()).then_some(Diagnostics(list))
    }
}

fn locate(problem: Problem, files: &[File]) -> Diagnostic {
    let Problem {
        place,
        message,
        expected,
        hint,
    } = problem;
    let (file, pointer, line, column) = match files.get(place.file) {
        Some(file) => {
            let (line, column) = file.line_and_column(place.offset);
            (file.name.clone(), file.pointer(place.offset), line, column)
        }
        None => ("(no documents)".to_owned(), String::new(), 1, 1),
    };
    Diagnostic {
        file,
        pointer,
        line,
        column,
        message,
        expected,
        hint,
    }
}
