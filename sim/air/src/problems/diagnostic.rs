//! A problem as it is reported: file, JSON pointer, line and column.

use std::fmt;

use crate::text::printable::printable;

/// A document file: its name, used in messages only, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// What messages call it; nothing is read from there.
    pub file: String,
    /// JSON: one document, or an array of them. At most 8 MiB.
    pub text: String,
}

/// What becomes of a world that has the problem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// It is refused.
    Error,
    /// It is taken, and is probably not what its author meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One problem, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// What becomes of the world.
    pub severity: Severity,
    /// The file, by [`Source::file`].
    pub file: String,
    /// JSON pointer (RFC 6901) into the file; empty for the whole of it.
    pub pointer: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What should have been there.
    pub expected: Option<String>,
    /// What to do next.
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

/// Every problem of a world that is refused, in order of file and position. One is an error.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Diagnostics {
    /// In order of file and position; 200 at most, errors first.
    pub list: Vec<Diagnostic>,
    /// How many more errors there are, and how many more warnings.
    pub hidden: [usize; 2],
}

/// The errors: they are why the world is refused.
impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.list.iter().filter(|it| it.severity == Severity::Error);
        for (index, diagnostic) in errors.enumerate() {
            if index > 0 {
                out.write_str("\n")?;
            }
            write!(out, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// What a world that is taken is warned of.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Warnings {
    /// In order of file and position.
    pub list: Vec<Diagnostic>,
    /// How many more there are.
    pub hidden_count: usize,
}

impl Warnings {
    /// How many there are, shown or not.
    pub fn count(&self) -> usize {
        self.list.len() + self.hidden_count
    }
}
