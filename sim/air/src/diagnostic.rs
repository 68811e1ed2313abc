//! What is wrong with a document, and where: file, JSON pointer, line and column.
//!
//! Checks note a [`Place`], two numbers; pointer, line and column are worked out at the end, and
//! only for what is reported. The order of the report is by file and position, never by check.

use std::collections::BTreeSet;
use std::fmt;

use crate::builtins;
use crate::documents::At;
use crate::json::File;
use crate::text::printable::printable;
use crate::text::quote::quote;
use crate::text::suggest::suggest;

/// At most so many problems are reported for one load, errors first; the rest are counted.
const MAX_DIAGNOSTICS: usize = 200;
/// After so many problems nobody asks what was meant: looking for it costs time.
const MAX_SUGGESTIONS: usize = 500;

/// A document file: its name, used in messages only, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    pub file: String,
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

/// One problem. `line` and `column` count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
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

/// Every problem of a world that is refused, in order of file and position. One is an error.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Diagnostics {
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
    pub fn count(&self) -> usize {
        self.list.len() + self.hidden_count
    }
}

/// A byte offset into one of the files: the first byte of a value, or of a member's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    pub file: usize,
    pub offset: usize,
}

/// A problem as a check sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub severity: Severity,
    pub place: Place,
    pub message: String,
    pub expected: Option<String>,
    pub hint: Option<String>,
}

impl Problem {
    /// An error.
    pub fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            place,
            message: message.into(),
            expected: None,
            hint: None,
        }
    }

    pub fn warning(place: Place, message: impl Into<String>) -> Problem {
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

/// The problems found so far.
#[derive(Default, Debug)]
pub struct Problems {
    list: Vec<Problem>,
    /// Names of documents that are there and could not be read: what refers to them is right.
    unread: BTreeSet<String>,
    /// Kinds and names of documents that are there and that the manifest does not list.
    unlisted: BTreeSet<(&'static str, String)>,
}

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        self.list.push(problem);
    }

    /// A document of that name is there, with problems of its own.
    pub fn push_unread(&mut self, name: &str) {
        self.unread.insert(name.to_owned());
    }

    /// A document of that name is there, and is no part of the world.
    pub fn push_unlisted(&mut self, kind: &'static str, name: &str) {
        self.unlisted.insert((kind, name.to_owned()));
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
        let is_it = |(kind, unlisted): &(&str, String)| *kind == what && *unlisted == name.it;
        let unlisted = self.unlisted.iter().any(is_it);
        let unlisted =
            unlisted.then(|| "its document is there: list it in the manifest".to_owned());
        let what = what.strip_prefix("def").unwrap_or(what);
        let problem = Problem::new(name.place, format!("unknown {what}: {}", quote(&name.it)))
            .maybe_hint(self.suggest(&name.it, known))
            .maybe_hint(builtins::unmodelled(&name.it))
            .maybe_hint(unlisted);
        self.push(problem);
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(Problem::is_error)
    }

    /// Why the world is refused, or what it is warned of.
    pub fn into_report(mut self, files: &[File]) -> Result<Warnings, Diagnostics> {
        self.list.sort_by_key(|problem| problem.place);
        // Two checks, or two ways to the same place, may find the same.
        let mut seen = BTreeSet::new();
        { &mut self.list }.retain(|it| seen.insert((it.place, it.message.clone())));
        let (mut errors, mut warnings): (Vec<Problem>, Vec<Problem>) =
            self.list.into_iter().partition(Problem::is_error);
        let hidden_errors = cut(&mut errors, MAX_DIAGNOSTICS, "problems");
        let room = MAX_DIAGNOSTICS - errors.len();
        let hidden_warnings = cut(&mut warnings, room, "warnings");
        let is_refused = !errors.is_empty();
        debug_assert!(is_refused || hidden_errors == 0);
        let mut list = errors;
        list.append(&mut warnings);
        list.sort_by_key(|problem| problem.place);
        let list: Vec<Diagnostic> = list.into_iter().map(|it| locate(it, files)).collect();
        match is_refused {
            true => Err(Diagnostics {
                list,
                hidden: [hidden_errors, hidden_warnings],
            }),
            false => Ok(Warnings {
                list,
                hidden_count: hidden_warnings,
            }),
        }
    }
}

/// Leaves out what is too much, and lets the last one say so. Gives how many that are.
fn cut(list: &mut Vec<Problem>, most: usize, what: &str) -> usize {
    let hidden = list.len().saturating_sub(most);
    list.truncate(most);
    if hidden > 0
        && let Some(last) = list.last_mut()
    {
        let more = format!("{hidden} more {what} are not shown");
        let hint = last.hint.take();
        last.hint = Some(hint.map_or(more.clone(), |hint| format!("{hint}; {more}")));
    }
    hidden
}

fn locate(problem: Problem, files: &[File]) -> Diagnostic {
    let Problem {
        severity,
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
        severity,
        file,
        pointer,
        line,
        column,
        message,
        expected,
        hint,
    }
}
