//! Events as annotations of GitHub's workflows: an error for each failure, where its case file is.
//!
//! The form of these commands is that of GitHub's "Workflow commands for GitHub Actions".

use std::io::Write;

use super::event::{Case, Event, Reader};
use super::timeline::Violated;
use sim_air::{printable, printable_lines};

/// Writes annotations, a line each.
pub struct GitHub<W>(pub W);

impl<W: Write> Reader for GitHub<W> {
    fn read(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Violation(found) => match found.case {
                Some(case) => self.violated(found.found_by, found.violations, case),
                // It is reported once it is shrunk.
                None => Ok(()),
            },
            Event::Shrunk(shrunk) => self.violated(shrunk.found_by, shrunk.violations, shrunk.case),
            Event::CaseDone(done) if !done.violations.is_empty() => {
                let case = Case {
                    file: done.file.to_owned(),
                    replay: done.replay.to_owned(),
                    was_known: true,
                    unwritten: None,
                };
                self.violated("replay", done.violations, &case)
            }
            Event::Nondeterminism(found) => {
                let text = format!("{}: {}", found.of, found.what);
                self.error(None, "not deterministic", &printable(&text))
            }
            Event::BadCase(bad) => self.error(Some(bad.file), "not a case", bad.error),
            _ => Ok(()),
        }
    }
}

impl<W: Write> GitHub<W> {
    fn violated(
        &mut self,
        found_by: &str,
        violations: &[Violated],
        case: &Case,
    ) -> anyhow::Result<()> {
        let Some(first) = violations.first() else {
            return Ok(());
        };
        let lines = [
            format!("{found_by}, turn {}: {}", first.turn, first.says),
            format!("expected {}", first.expected),
            format!("found {}", first.found),
            format!("replay: {}", case.replay),
        ];
        let lines = lines.map(|line| printable(&line));
        self.error(Some(&case.file), &first.invariant, &lines.join("\n"))
    }

    /// An annotation. The text may have lines of its own.
    fn error(&mut self, file: Option<&str>, title: &str, text: &str) -> anyhow::Result<()> {
        let file = file.map_or(String::new(), |file| format!("file={},", property(file)));
        let (title, text) = (property(title), data(&printable_lines(text)));
        writeln!(self.0, "::error {file}title={title}::{text}")?;
        Ok(())
    }
}

/// The part after the command, with lines of its own.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&printable(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}
