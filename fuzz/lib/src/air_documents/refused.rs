//! What must hold of a report, of errors or of warnings: it can be followed to a place in the text,
//! and shown on a terminal.
//!
//! Does not verify that the place is the best one, nor what the message says.

use anyhow::{Context, Result, ensure};
use sim::air::{Diagnostic, Diagnostics, Severity, Source};

use super::Subject;
use crate::json::Tree;

/// The most problems of one report.
const MOST: usize = 200;

/// Checks a report on one text; `tree` if the text is JSON.
pub fn check(
    subject: &Subject,
    diagnostics: &Diagnostics,
    source: &Source,
    tree: Option<&Tree>,
) -> Result<()> {
    let mut reasons = diagnostics.list.iter();
    ensure!(
        reasons.any(|it| it.severity == Severity::Error),
        "refused without a reason"
    );
    list(subject, &diagnostics.list, source, tree)
}

/// Checks what is said of one text, whether it is refused or not.
pub fn list(
    subject: &Subject,
    list: &[Diagnostic],
    source: &Source,
    tree: Option<&Tree>,
) -> Result<()> {
    ensure!(list.len() <= MOST, "a report of {} problems", list.len());
    for diagnostic in list {
        place(diagnostic, source, tree)
            .and_then(|()| shown(diagnostic, &(subject.show)(diagnostic)))
            .with_context(|| format!("a report says {diagnostic:?}"))?;
    }
    ensure!(
        list.is_sorted_by_key(|diagnostic| (diagnostic.line, diagnostic.column)),
        "a report that is not in order:\n{list:?}"
    );
    Ok(())
}

fn place(diagnostic: &Diagnostic, source: &Source, tree: Option<&Tree>) -> Result<()> {
    ensure!(
        diagnostic.file == source.file,
        "the place is in another file"
    );
    let line = diagnostic
        .line
        .checked_sub(1)
        .and_then(|index| source.text.split('\n').nth(index));
    let line = line.context("there is no such line")?;
    let before = diagnostic.column.checked_sub(1);
    let before = before.context("columns count from 1")?;
    ensure!(
        before <= line.chars().count(),
        "the line has no such column"
    );
    if let Some(tree) = tree {
        ensure!(tree.has(&diagnostic.pointer), "the pointer leads nowhere");
        let is_top = (diagnostic.line, diagnostic.column) == (1, 1);
        let begins = |first: char| first.is_ascii_digit() || "\"{[-tfn".contains(first);
        ensure!(
            is_top || line.chars().nth(before).is_some_and(begins),
            "no value and no name begins there"
        );
    }
    Ok(())
}

/// A text of the input must not reach the terminal as an order to it, nor look like a line of
/// the report's own.
fn shown(diagnostic: &Diagnostic, text: &str) -> Result<()> {
    let lines = 2 + [&diagnostic.expected, &diagnostic.hint]
        .into_iter()
        .flatten()
        .count();
    ensure!(
        text.split('\n').count() == lines,
        "a line of the report is not its own"
    );
    let raw = text.chars().find(|it| it.is_control() && *it != '\n');
    ensure!(raw.is_none(), "shown with the control character {raw:?}");
    Ok(())
}
