//! `sim shrink`: a case made as short as it gets.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::failing::DoesNotFail;
use super::input::WorldArguments;
use super::terminal::{self, ShrinkProgress};
use super::{Exit, replay};
use crate::models;
use crate::worlds::examples;
use sim_cases::files;
use sim_cases::store;
use sim_record::marks::Marks;
use sim_report::event::Case;
use sim_report::human;
use sim_report::table::Table;
use sim_report::text::{Look, Text};
use sim_report::turns::turns;
use sim_search::campaign::{Effort, Runner};
use sim_search::shrink::{self, Budget, PassStatistics, Refused};
use sim_session::{Done, Finding, NOT_A_FUNCTION, Session, Settings};

/// Shrink a failing case to the shortest schedule that fails in the same way
#[derive(Args)]
#[command(after_help = format!("\
What is much shorter is written at once, so that nothing is lost when it is interrupted: to a file
`*.draft-N.json` of its own, which goes when the result is written. No other file is replaced or
removed. Other failures that are met on the way are written as cases of their own.

Fields whose value makes no difference to the failure are marked `(any)`, in the table and in the case:
a few other values are tried in the place of each. `--out CASE` marks a case that is as short as it gets.

{}", examples::SHRINK))]
pub(super) struct Shrink {
    /// Case file
    #[arg(value_name = "CASE")]
    case: PathBuf,
    #[command(flatten)]
    world: WorldArguments,
    /// The most candidates that are run
    #[arg(long, value_name = "N", default_value_t = shrink::DEFAULT_ATTEMPTS,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(shrink::MOST_ATTEMPTS)))]
    attempts: u32,
    /// Where the shrunk case is written, unless one as short is there [default: beside CASE, named
    /// by invariant and content]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show what each pass of the shrinker did: attempts, improvements, decisions removed
    #[arg(long)]
    stats: bool,
}

impl Shrink {
    pub fn execute(self) -> Result<Exit> {
        let name = || self.case.display().to_string();
        let case = store::read(&self.case).with_context(name)?;
        let loaded = self.world.load()?;
        let scenario = case.bind(&loaded.world.air).with_context(name)?;
        let model = models::of(&loaded.world);
        case.check_answers(&model.answers()).with_context(name)?;
        let folder = self.folder().to_owned();
        store::probe(&folder)
            .with_context(|| format!("cannot write the shrunk case in {}", folder.display()))?;
        let mut runner = Runner::new(&loaded.world, &*model)?;
        runner.set_effort(Effort::Thorough);
        let checked = runner.replay(&scenario);
        let Some(sighting) = runner.sightings(&scenario, &checked).into_iter().next() else {
            let not_asked = replay::not_asked(&case, &runner.checker().properties());
            let told = DoesNotFail {
                path: &self.case,
                case: &case,
                loaded: &loaded,
                not_asked,
                nothing: "nothing to shrink",
                verb: "shrink",
            };
            return told.told();
        };
        let command = |path: &Path| replay::command(path, &self.world);
        let shrinking = ShrinkProgress::default();
        let progress = |work| shrinking.show(work);
        let settings = Settings {
            folder,
            budget: None,
            most_failures: usize::MAX,
            replay: &command,
            progress: &progress,
        };
        let mut session = Session::new(&loaded.world, &*model, settings)?;
        let finding = Finding {
            found_by: case.found_by.clone(),
            runs: 1,
            sighting,
            marks: Marks::default(),
        };
        let budget = Budget {
            interrupt: terminal::interrupt(),
            ..Budget::from(self.attempts)
        };
        let confirmed = session.confirm(&finding)?;
        let done = match confirmed {
            Some(confirmed) => session.shrink(&finding, &confirmed, budget)?,
            None => Err(Refused::DoesNotFail),
        };
        let done = match done {
            Ok(done) => done,
            Err(Refused::DoesNotFail) => {
                writeln!(terminal::out(), "not deterministic: {NOT_A_FUNCTION}")?;
                return Ok(Exit::Nondeterminism);
            }
            Err(refused) => return Err(refused).with_context(name),
        };
        let from = case.decision_count();
        let mut text = Text::default();
        loaded.notes.iter().for_each(|note| text.line(note));
        let written = self.write(&mut session, &finding, &done)?;
        show(&mut text, from, &done, &written);
        for other in session.write_others(&finding, &done) {
            text.line(format!("another failure: {}", other.signature));
            human::case_lines(&mut text, &other.case);
        }
        if self.stats {
            text.append(statistics(&done.shrunk.passes));
        }
        write!(terminal::out(), "{text}")?;
        Ok(Exit::Violation)
    }

    /// Where cases are written.
    fn folder(&self) -> &Path {
        files::folder_of(self.out.as_ref().unwrap_or(&self.case))
    }

    fn write(&self, session: &mut Session<'_>, finding: &Finding, done: &Done) -> Result<Case> {
        let Some(out) = &self.out else {
            return Ok(session.write_shrunk(finding, done));
        };
        let case = session.shrunk_case(finding, done);
        let is_written = store::write_if_better(out, &case)
            .with_context(|| format!("cannot write {}", out.display()))?;
        if !is_written {
            terminal::note(&format!(
                "{} holds a case that is as short: it stays",
                out.display()
            ));
            return Ok(session.write_shrunk(finding, done));
        }
        session.discard(finding);
        Ok(Case {
            file: out.display().to_string(),
            replay: replay::command(out, &self.world),
            was_known: false,
            unwritten: None,
        })
    }
}

fn show(text: &mut Text, from: usize, done: &Done, written: &Case) {
    text.append(turns(&done.timeline, 0, terminal::width()));
    human::legend(text, &done.timeline);
    text.append(human::violations(&done.timeline.violations));
    human::shrunk_line(text, &done.told(1, from, written));
    human::case_lines(text, written);
}

/// A line for each pass, in the order in which they take turns.
fn statistics(passes: &[PassStatistics]) -> Text {
    let head = ["pass", "attempts", "improvements", "decisions removed"];
    let mut table = Table::new(head).align_right(&[1, 2, 3]);
    for pass in passes {
        let cells = [
            pass.name.to_owned(),
            pass.attempts.to_string(),
            pass.improvements.to_string(),
            pass.decisions_removed.to_string(),
        ];
        table.row(Look::Plain, cells);
    }
    table.text()
}
