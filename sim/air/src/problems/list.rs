//! The problems of one load, until they are reported.

use std::collections::BTreeSet;

use super::diagnostic::{Diagnostic, Diagnostics, Warnings};
use super::problem::{At, Location, Problem, SourcePlace};
use crate::builtins;
use crate::text::quote::quote;
use crate::text::suggest::suggest;

/// At most so many problems are reported for one load, errors first; the rest are counted.
const MAX_DIAGNOSTICS: usize = 200;
/// Suggestions for so many problems at most: each has to be looked for, which takes time.
const MAX_SUGGESTIONS: usize = 500;

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

    /// Why the world is refused, or what it is warned of. `locate` says where a place is, as people
    /// look for it.
    pub fn into_report(
        mut self,
        locate: impl Fn(SourcePlace) -> Location,
    ) -> Result<Warnings, Diagnostics> {
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
        assert!(is_refused || hidden_errors == 0);
        let mut list = errors;
        list.append(&mut warnings);
        list.sort_by_key(|problem| problem.place);
        let list: Vec<Diagnostic> = list.into_iter().map(|it| report(it, &locate)).collect();
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

fn report(problem: Problem, locate: impl Fn(SourcePlace) -> Location) -> Diagnostic {
    let Problem {
        severity,
        place,
        message,
        expected,
        hint,
    } = problem;
    let Location {
        file,
        pointer,
        line,
        column,
    } = locate(place);
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
