//! A problem as a check notes it: what, and two numbers that say where.

use super::diagnostic::Severity;

/// A byte offset into one of the files: the first byte of a value, or of a member's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SourcePlace {
    pub file: usize,
    pub offset: usize,
}

/// A place as people look for it. `line` and `column` count from 1, columns in characters.
pub struct Location {
    pub file: String,
    /// JSON pointer (RFC 6901) into the file; empty for the whole of it.
    pub pointer: String,
    pub line: usize,
    pub column: usize,
}

/// Something that was read, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct At<T> {
    pub it: T,
    pub place: SourcePlace,
}

/// A problem as a check sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub severity: Severity,
    pub place: SourcePlace,
    pub message: String,
    pub expected: Option<String>,
    pub hint: Option<String>,
}

impl Problem {
    /// An error.
    pub fn new(place: SourcePlace, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            place,
            message: message.into(),
            expected: None,
            hint: None,
        }
    }

    pub fn warning(place: SourcePlace, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Warning,
            ..Problem::new(place, message)
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

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
