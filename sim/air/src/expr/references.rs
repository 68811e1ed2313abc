//! Reading references, and finding the names in them.

use std::collections::BTreeSet;

use super::{Reference, Root};
use crate::json::Later;
use crate::problems::problem::Problem;
use crate::text::quote::quote;
use crate::text::suggest::suggest;

/// The names an expression may use.
#[derive(Clone, Copy)]
pub struct NamesInScope<'a> {
    pub vars: &'a BTreeSet<String>,
    /// The steps that give a value.
    pub steps: &'a BTreeSet<String>,
    /// Whether `@event` means anything here.
    pub event: bool,
    /// Whether to look for what was meant by a name that is not known.
    pub hints: bool,
}

pub(super) fn reference(later: Later, names: NamesInScope) -> Result<Reference, Problem> {
    let text = later.node.as_text().unwrap_or_default();
    let forms = "`@plan.input`, `@var:name`, `@step:id` or `@event`, perhaps with `.field`";
    let found = if let Some(rest) = text.strip_prefix("@plan.input") {
        path(rest).map(|path| Reference {
            root: Root::Input,
            path,
        })
    } else if let Some(rest) = text.strip_prefix("@event") {
        if !names.event {
            let message = "`@event` means something in the `where` of `await_event` only";
            return Err(Problem::new(later.place(), message));
        }
        path(rest).map(|path| Reference {
            root: Root::Event,
            path,
        })
    } else if let Some(rest) = text.strip_prefix("@var:") {
        let (name, path) = declared(rest, names.vars, "variable", later, names.hints)?;
        path.map(|path| Reference {
            root: Root::Var(name),
            path,
        })
    } else if let Some(rest) = text.strip_prefix("@step:") {
        let (id, path) = declared(rest, names.steps, "step with a value", later, names.hints)?;
        path.map(|path| Reference {
            root: Root::Step(id),
            path,
        })
    } else {
        None
    };
    found.ok_or_else(|| {
        Problem::new(
            later.place(),
            format!("not a reference: {}", later.node.describe()),
        )
        .expected(forms)
    })
}

/// The longest declared name that the text begins with, since names may have dots too.
fn declared(
    text: &str,
    known: &BTreeSet<String>,
    what: &str,
    later: Later,
    hints: bool,
) -> Result<(String, Option<Vec<String>>), Problem> {
    let dots = text
        .char_indices()
        .filter(|(_, letter)| *letter == '.')
        .map(|(at, _)| at);
    let ends: Vec<usize> = dots.chain([text.len()]).collect();
    let end = ends
        .into_iter()
        .rev()
        .find(|end| known.contains(&text[..*end]));
    match end {
        Some(end) => Ok((text[..end].to_owned(), path(&text[end..]))),
        None => {
            let name = text.split('.').next().unwrap_or_default();
            let hint = hints
                .then(|| suggest(name, known.iter().map(String::as_str)))
                .flatten();
            let message = format!("unknown {what}: {}", quote(name));
            Err(Problem::new(later.place(), message).maybe_hint(hint))
        }
    }
}

/// `.a.b` or nothing.
fn path(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let steps: Vec<String> = text
        .strip_prefix('.')?
        .split('.')
        .map(str::to_owned)
        .collect();
    steps.iter().all(|step| !step.is_empty()).then_some(steps)
}
