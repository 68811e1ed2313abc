//! Events for people: failures as tables, figures at the end. Progress is another reader's matter.

use std::io::Write;
use std::ops::Range;

use super::event::{Case, CaseDone, Event, Failed, Finished, Reader, Shrunk, Violation};
use super::marked;
use super::summary::summary;
use super::table::Table;
use super::text::{Look, Text};
use super::timeline::{Timeline, Violated};
use super::turns::{DEFAULT_WIDTH, Rows, rows, turns};
use super::words::{self, counted};
use sim_kernel::World;
use sim_model::Property;

/// Turns before a violation that are shown with it.
const TURNS_BEFORE: usize = 6;

/// Writes for a person in a terminal.
pub struct Human<'a, W> {
    /// Where to.
    pub out: W,
    /// What is reported on.
    pub world: &'a World,
    /// The width of its tables, in columns of characters.
    pub width: u16,
    /// Only the verdicts of cases.
    pub is_brief: bool,
    /// Which turns of a case are shown.
    pub rows: Rows,
    /// No escapes for colours, whatever `out` makes of them.
    pub is_plain: bool,
}

impl<'a, W> Human<'a, W> {
    /// Without colours, and always of the same width.
    pub fn plain(out: W, world: &'a World) -> Human<'a, W> {
        Human {
            out,
            world,
            width: DEFAULT_WIDTH,
            is_brief: false,
            rows: Rows::default(),
            is_plain: true,
        }
    }
}

impl<W: Write> Reader for Human<'_, W> {
    fn read(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        let mut text = Text::default();
        match event {
            Event::Started(started) => {
                let notes = started.notes.iter();
                notes.for_each(|note| text.look(Look::Faint, note));
            }
            // Errors go to standard error, whatever the form.
            Event::SeedDone(_) | Event::BadCase(_) => return Ok(()),
            Event::Violation(violation) => self.violation(&mut text, violation),
            Event::Shrunk(shrunk) => self.shrunk(&mut text, shrunk),
            Event::Nondeterminism(found) => {
                text.look(Look::Bad, format!("{}: {}", found.of, found.what));
            }
            Event::CaseDone(done) => self.case_done(&mut text, done),
            Event::Why(why) => text.append(why.text(self.width)),
            Event::Finished(finished) => self.finished(&mut text, finished),
        }
        match self.is_plain {
            true => self.out.write_all(text.plain().as_bytes())?,
            false => write!(self.out, "{text}")?,
        }
        self.out.flush()?;
        Ok(())
    }
}

impl<W> Human<'_, W> {
    fn violation(&self, text: &mut Text, found: &Violation<'_>) {
        // What is being shrunk is shown once it is short.
        if let Some(case) = found.case {
            text.look(Look::Bad, format!("violation: {}", found.found_by));
            runs_line(text, found.runs);
            self.story(text, found.violations, &found.faults, found.timeline);
            case_lines(text, case);
            text.line("");
        }
    }

    fn shrunk(&self, text: &mut Text, shrunk: &Shrunk<'_>) {
        text.look(Look::Bad, format!("violation: {}", shrunk.found_by));
        runs_line(text, shrunk.runs);
        self.story(text, shrunk.violations, &shrunk.faults, shrunk.timeline);
        case_lines(text, shrunk.case);
        shrunk_line(text, shrunk);
        text.line("");
    }

    /// What was violated and the turns that led there.
    fn story(
        &self,
        text: &mut Text,
        violations: &[Violated],
        faults: &[(String, u32)],
        timeline: &Timeline,
    ) {
        text.append(self::violations(violations));
        if !faults.is_empty() {
            let on = faults
                .iter()
                .map(|(name, number)| format!("{name} {number}"));
            let on = on.collect::<Vec<_>>().join(", ");
            text.look(Look::Faint, format!("  faults: {on}"));
        }
        let first = violations.first().map_or(0, |first| first.turn);
        let from = first.saturating_sub(TURNS_BEFORE);
        if from > 0 {
            let before = counted(from as u64, "turn");
            text.look(Look::Faint, format!("  … {before} before"));
        }
        text.append(turns(timeline, from, self.width));
        legend(text, timeline);
    }

    fn case_done(&self, text: &mut Text, done: &CaseDone<'_>) {
        match done.violations.first() {
            None => text.look(Look::Good, format!("{}: holds", done.file)),
            Some(first) => {
                let verdict = format!("{}: violates {}", done.file, first.invariant);
                text.look(Look::Bad, verdict);
            }
        }
        if !self.is_brief {
            if let Some(about) = done.about {
                text.line(about);
            }
            text.append(rows(done.timeline, self.rows, self.width));
            legend(text, done.timeline);
        }
        text.append(violations(done.violations));
        if done.skipped > 0 {
            text.line(match done.skipped {
                1 => "1 decision was not possible and was skipped".to_owned(),
                skipped => format!("{skipped} decisions were not possible and were skipped"),
            });
            if done.turns == 0 {
                text.line("nothing ran: no decision of the case was possible");
            }
        }
        done.changes.iter().for_each(|change| text.line(change));
        text.look(Look::Faint, format!("digest {}", done.digest));
    }

    fn finished(&self, text: &mut Text, finished: &Finished<'_>) {
        let Some(seen) = finished.summary else {
            return;
        };
        if seen.cut_short {
            let failures = seen.failures.len();
            text.line(format!(
                "stopped: as many failures were found as were asked for ({failures})"
            ));
            text.line("");
        }
        text.append(summary(self.world, seen));
        for property in seen.missed() {
            let Property { name, says, .. } = property;
            text.look(Look::Bad, format!("never seen: {name}: {says}"));
        }
        let is_meant = |property: &&Property| {
            let kinds = ["accepted", "delivered", "started"];
            kinds.iter().any(|kind| property.name.starts_with(kind))
        };
        if seen.missed().iter().any(is_meant) {
            text.line(
                "hint: where it is meant, say so: --expect unaccepted=EVENT or unstarted=PLAN",
            );
        }
        if seen.is_cut() {
            text.look(
                Look::Bad,
                "half of the runs or more were cut short by a bound: \
                 what comes after it was not tested",
            );
            text.line(match seen.restless_runs == seen.cut_runs {
                true => {
                    "hint: they did not come to rest once faults had stopped; where that is meant, \
                     as with a heartbeat, say so: --expect restless"
                }
                false => "hint: --turns N makes runs shorter, so that they end before it",
            });
        }
        failures(text, &finished.failures);
        missing(text, &seen.missing);
        if seen.interrupted {
            text.line("interrupted: these are the seeds that were run until then");
        }
        let look = if finished.exit_code == 0 {
            Look::Good
        } else {
            Look::Bad
        };
        text.look(look, finished.exit);
    }
}

/// Characters of a signature in the table of all.
const MOST_OF_A_SIGNATURE: usize = 76;

/// So many ranges of seeds are listed at most.
const MOST_MISSING: usize = 20;

/// The seeds whose results are not there.
fn missing(text: &mut Text, missing: &[Range<u64>]) {
    for seeds in missing.iter().take(MOST_MISSING) {
        let Range { start, end } = seeds;
        text.look(Look::Bad, format!("missing: the seeds {start}..{end}"));
    }
    let all = missing.len();
    if all > MOST_MISSING {
        text.look(Look::Bad, format!("missing: {all} such ranges in all"));
    }
    if all > 0 {
        text.line("hint: start the shards again: what is done is skipped");
    }
}

/// Each failure that was found, with its case.
fn failures(text: &mut Text, failures: &[Failed]) {
    if failures.is_empty() {
        return;
    }
    let head = ["failure", "runs", "decisions", "case"];
    let mut table = Table::new(head).align_right(&[1, 2]);
    for one in failures {
        let cells = [
            words::clip(&one.signature, MOST_OF_A_SIGNATURE),
            one.runs.to_string(),
            one.decisions.to_string(),
            one.case.clone(),
        ];
        table.row(Look::Bad, cells);
    }
    text.append(table.text());
    text.line("");
}

/// What was violated, expected and found.
pub fn violations(violations: &[Violated]) -> Text {
    let mut text = Text::default();
    for violated in violations {
        let Violated {
            invariant,
            says,
            turn,
            expected,
            found,
        } = violated;
        text.look(Look::Bad, format!("  {invariant} at turn {turn}: {says}"));
        text.line(format!("    expected {expected}"));
        text.line(format!("    found    {found}"));
    }
    text
}

/// What the marks in a table mean, if it has some.
pub fn legend(text: &mut Text, timeline: &Timeline) {
    if !timeline.any.is_empty() {
        text.look(Look::Faint, format!("  {}", marked::LEGEND));
    }
}

/// In how many runs a failure was seen, beside the one that is shown.
fn runs_line(text: &mut Text, runs: u64) {
    match runs {
        0 => text.look(Look::Faint, "  met while another failure was shrunk"),
        1 => {}
        _ => text.look(Look::Faint, format!("  seen in {runs} runs")),
    }
}

/// Where a case is, and how to see it again.
pub fn case_lines(text: &mut Text, case: &Case) {
    match &case.unwritten {
        None if case.was_known => text.line(format!("case:   {} (known before)", case.file)),
        None => text.line(format!("case:   {}", case.file)),
        Some(unwritten) => {
            text.look(
                Look::Bad,
                format!("case:   not written: {}", unwritten.because),
            );
            if unwritten.text.is_empty() {
                return;
            }
            text.line(&unwritten.text);
            text.line(format!("save it as {}, then", case.file));
        }
    }
    text.line(format!("replay: {}", case.replay));
}

/// What shrinking came to.
pub fn shrunk_line(text: &mut Text, shrunk: &Shrunk<'_>) {
    let Shrunk {
        decisions_before: from,
        decisions: to,
        attempts,
        ..
    } = shrunk;
    let from = counted(*from as u64, "decision");
    let attempts = counted(*attempts, "attempt");
    text.line(format!("shrunk from {from} to {to} in {attempts}"));
    if shrunk.is_exhausted {
        text.line(format!(
            "stopped after {attempts}: more may shrink it further (`sim shrink --attempts`)"
        ));
    }
}
