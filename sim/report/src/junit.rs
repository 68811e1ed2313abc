//! Events as a JUnit report, written at the end. Of a campaign each invariant is a test, and each
//! `sometimes`; of a replay each case is one. A failure's text has the command that shows it again.
//!
//! No times are in it: the report of the same seeds is the same. Texts of others are made printable
//! first: XML has no way to write most of what is escaped then.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::event::{Case, CaseDone, Event, Finished, Reader, Shrunk, Violation};
use super::human;
use super::timeline::{Timeline, Violated};
use super::turns::{DEFAULT_WIDTH, turns};
use super::words::counted;
use sim_air::{printable, printable_lines};
use sim_model::{Asked, Property};
use sim_search::campaign::Summary;

/// Writes one JUnit document, at the end.
pub struct JUnit<W> {
    out: W,
    command: &'static str,
    /// By invariant, what its failures are.
    failures: BTreeMap<String, String>,
    nondeterminism: String,
    cases: Vec<TestCase>,
}

impl<W: Write> JUnit<W> {
    /// A reader that writes there.
    pub fn new(out: W) -> JUnit<W> {
        JUnit {
            out,
            command: "",
            failures: BTreeMap::new(),
            nondeterminism: String::new(),
            cases: Vec::new(),
        }
    }
}

impl<W: Write> Reader for JUnit<W> {
    fn read(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Started(started) => self.command = started.command,
            Event::SeedDone(_) | Event::Why(_) => {}
            Event::Violation(found) => self.violation(found),
            Event::Shrunk(shrunk) => self.shrunk(shrunk),
            Event::Nondeterminism(found) => {
                let text = format!("{}: {}", found.of, found.what);
                let _ = writeln!(self.nondeterminism, "{}", printable(&text));
            }
            Event::CaseDone(done) => self.case_done(done),
            Event::BadCase(bad) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_type("bad input");
                status.set_description(printable_lines(bad.error));
                let mut case = TestCase::new(printable(bad.file), status);
                case.set_classname("corpus");
                self.cases.push(case);
            }
            Event::Finished(finished) => self.finished(finished)?,
        }
        Ok(())
    }
}

impl<W: Write> JUnit<W> {
    fn violation(&mut self, found: &Violation<'_>) {
        if let Some(case) = found.case {
            self.failed(found.found_by, found.violations, found.timeline, case);
        }
    }

    fn shrunk(&mut self, shrunk: &Shrunk<'_>) {
        self.failed(
            shrunk.found_by,
            shrunk.violations,
            shrunk.timeline,
            shrunk.case,
        );
    }

    fn failed(
        &mut self,
        found_by: &str,
        violations: &[Violated],
        timeline: &Timeline,
        case: &Case,
    ) {
        let mut told = failure_text(violations, timeline, &case.replay);
        if let Some(unwritten) = &case.unwritten {
            let _ = writeln!(told, "case not written: {}", unwritten.because);
            told.push_str(&unwritten.text);
        }
        for violated in violations {
            let text = self.failures.entry(violated.invariant.clone()).or_default();
            let _ = writeln!(text, "{found_by}");
            text.push_str(&told);
        }
    }

    fn case_done(&mut self, done: &CaseDone<'_>) {
        let mut case = TestCase::new(printable(done.file), TestCaseStatus::success());
        if let Some(first) = done.violations.first() {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let text = failure_text(done.violations, done.timeline, done.replay);
            status
                .set_type(&*first.invariant)
                .set_message(&*first.says)
                .set_description(text);
            case.status = status;
        }
        if done.turns == 0 && done.skipped > 0 {
            case.status = TestCaseStatus::skipped();
            case.status
                .set_message("no decision of the case was possible");
        }
        case.set_classname("corpus");
        self.cases.push(case);
    }

    fn finished(&mut self, finished: &Finished<'_>) -> anyhow::Result<()> {
        let mut report = Report::new("sim");
        let mut suite = TestSuite::new(format!("sim {}", self.command));
        suite.add_test_cases(std::mem::take(&mut self.cases));
        if let Some(summary) = finished.summary {
            suite.add_test_cases(self.invariants(summary));
            suite.add_test_cases(sometimes(summary));
            suite.add_test_case(runs_end(summary));
            suite.add_test_cases(missing(summary));
        }
        suite.add_test_case(test(
            "determinism",
            "the same run gives the same results",
            Some(&self.nondeterminism).filter(|text| !text.is_empty()),
        ));
        report.add_test_suite(suite);
        report.serialize(&mut self.out)?;
        self.out.flush()?;
        Ok(())
    }

    fn invariants(&self, summary: &Summary) -> Vec<TestCase> {
        let tests = summary.judged.iter().map(|one| {
            let Property { name, says, .. } = &*one.property;
            let failure = self.failures.get(&**name);
            let mut test = test(name, says, failure);
            if failure.is_none() && one.holds == 0 {
                // It had nothing to say, which is not a pass.
                test.status = TestCaseStatus::skipped();
                test.status.set_message("not applicable in any run");
            }
            test.set_classname("invariants");
            test
        });
        tests.collect()
    }
}

/// That runs were not cut short.
fn runs_end(summary: &Summary) -> TestCase {
    let runs = counted(summary.cut_runs, "run");
    let text = format!("{runs} of {} were cut short by a bound", summary.seeds);
    let failure = Some(&text).filter(|_| summary.is_cut());
    test("runs_end", "runs come to their end", failure)
}

/// That the results of all seeds are there, where they are not.
fn missing(summary: &Summary) -> Option<TestCase> {
    let missing = summary.missing.iter();
    let missing = missing.map(|seeds| format!("{}..{}", seeds.start, seeds.end));
    let text = format!("missing: {}", missing.collect::<Vec<_>>().join(", "));
    let says = "the results of all seeds are there";
    (!summary.missing.is_empty()).then(|| test("whole", says, Some(&text)))
}

/// What some campaign must see.
fn sometimes(summary: &Summary) -> Vec<TestCase> {
    let missed = summary.missed();
    let asked = summary.sometimes.iter();
    let asked = asked.filter(|one| one.asked != Asked::Never);
    let tests = asked.map(|one| {
        let property = &*one.property;
        let text = format!(
            "no run of {} saw it: {}",
            counted(summary.seeds, "seed"),
            printable(&property.says)
        );
        let failure = missed.contains(&property).then_some(&text);
        let mut test = test(&printable(&property.name), "a campaign sees it", failure);
        if let Asked::From(least) = one.asked
            && summary.seeds < least
        {
            test.status = TestCaseStatus::skipped();
            let asked = format!("asked of campaigns of {least} seeds or more");
            test.status.set_message(asked);
        }
        test.set_classname("goals");
        test
    });
    tests.collect()
}

fn test(name: &str, says: &str, failure: Option<&String>) -> TestCase {
    let Some(text) = failure else {
        return TestCase::new(name, TestCaseStatus::success());
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_type(name)
        .set_message(says)
        .set_description(text);
    TestCase::new(name, status)
}

fn failure_text(violations: &[Violated], timeline: &Timeline, replay: &str) -> String {
    let mut text = human::violations(violations).plain();
    text.push_str(&turns(timeline, 0, DEFAULT_WIDTH).plain());
    let _ = writeln!(text, "replay: {}", printable(replay));
    text
}
