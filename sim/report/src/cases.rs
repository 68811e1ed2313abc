//! Cases as a list, a line each.

use super::table::Table;
use super::text::{Look, Text};
use super::words;
use sim_cases::{Case, CaseVerdict};

/// Columns that are left to what a case is about, at least.
const LEAST_ABOUT: usize = 24;

/// Files and their cases: how many decisions, what came of them when they were written, what they
/// are about, as much as fits into a line.
pub fn list(cases: &[(String, Case)], width: u16) -> Text {
    let rows = cases.iter().map(|(file, case)| {
        let verdict = match &case.verdict {
            None => "an input",
            Some(CaseVerdict::Holds) => "held",
            Some(CaseVerdict::Violated(name)) => name,
        };
        let about = case
            .about
            .clone()
            .unwrap_or_else(|| case.found_by.to_string());
        (file, case.decision_count().to_string(), verdict, about)
    });
    let rows: Vec<_> = rows.collect();
    let before = rows
        .iter()
        .map(|(file, _, verdict, _)| file.len() + verdict.len());
    let before = before.max().unwrap_or(0) + "decisions".len() + 6;
    let left = usize::from(width)
        .saturating_sub(before + 1)
        .max(LEAST_ABOUT);
    let mut table = Table::new(["case", "decisions", "when written", "about"]).align_right(&[1]);
    for (file, decisions, verdict, about) in rows {
        let cells = [
            file.clone(),
            decisions,
            verdict.to_owned(),
            words::clip(&about, left),
        ];
        table.row(Look::Plain, cells);
    }
    table.text()
}
