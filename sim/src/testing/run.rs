//! Runs what a test says, and tells what came of it as the commands do.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::Test;
use super::model::Extended;
use crate::cli::{Exit, WorldArguments, replay_command_of};
use crate::models;
use sim_cases::{Case, CaseVerdict, store};
use sim_kernel::World;
use sim_model::Properties;
use sim_record::scenario::Bounds;
use sim_report::event::{CaseDone, Event, Failed, Finished, Reader, Readers};
use sim_report::human::Human;
use sim_search::campaign::{self, CampaignOptions, Effort, Runner, Stop, Summary, Told};
use sim_search::shrink::Budget;
use sim_session::{Finding, Session, Settings};

/// What came of a test. Shown, it is what `sim run` or `sim replay` prints.
#[derive(Debug)]
pub struct Report {
    exit: Exit,
    text: String,
    failures: Vec<Failed>,
}

impl Report {
    /// Whether everything holds, and all was seen that should have been.
    pub fn holds(&self) -> bool {
        self.exit == Exit::Holds
    }

    /// How it ended, as the command would have.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The failures of a campaign, each with its case.
    pub fn failures(&self) -> &[Failed] {
        &self.failures
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// The command that replays a case, as one types it in the folder of the crate.
fn command(path: &Path, arguments: &WorldArguments) -> String {
    replay_command_of("sim", path, arguments)
}

/// Loads what a test is about. Gives back the rest of it.
fn loaded(mut test: Test) -> Result<(Test, World, Extended)> {
    let mut world = test.source.load()?.world;
    let asked = Arc::new(std::mem::take(&mut test.properties));
    let model = match test.model.take() {
        Some(make) => make(&world),
        None => models::surveyed(&mut world).context("the reducer cannot be run")?,
    };
    let model = Extended { model, asked };
    check_names(&Properties::of(&world, &model), &model)?;
    Ok((test, world, model))
}

/// Names are those of case files, and tell properties apart.
fn check_names(properties: &Properties, model: &Extended) -> Result<()> {
    let mut known = BTreeSet::new();
    for rank in 0..properties.count() {
        let name = &properties.get(rank).name;
        if !known.insert(name.clone()) {
            bail!(
                "`{name}` is the name of two properties of this world: those that any world has, \
                and those of its model, have theirs"
            );
        }
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let mut names = model.asked.names();
    match names.find(|name| !(1..=64).contains(&name.len()) || !name.bytes().all(is_plain)) {
        None => Ok(()),
        Some(name) => bail!(
            "`{name}` names a property, and with it files: expected 1 to 64 letters, digits, `_` \
             and `-`"
        ),
    }
}

pub(super) fn campaign(test: Test) -> Result<Report> {
    let (test, world, model) = loaded(test)?;
    if test.seeds.is_empty() {
        bail!("nothing runs: the range of seeds is empty");
    }
    store::probe(&test.cases).context("cases cannot be written: name a folder by `cases`")?;
    let usual = CampaignOptions::of(test.seeds.clone());
    let options = CampaignOptions {
        jobs: test.jobs.unwrap_or(usual.jobs).max(1),
        plans: test.plans,
        bounds: Bounds {
            turns: test.turns,
            ..usual.bounds
        },
        stop: Stop::AfterFailures(test.most_failures),
        ..usual
    };
    let arguments = test.source.arguments();
    let replay = |path: &Path| command(path, &arguments);
    let settings = Settings {
        folder: test.cases.clone(),
        budget: Some(Budget::default()),
        most_failures: test.most_failures,
        replay: &replay,
        progress: &|_| {},
    };
    let mut session = Session::new(&world, &model, settings)?;
    let summary = campaign::run(&world, &model, &options, |told| {
        if let Told::Found(failure) = told {
            // What cannot be kept is reported whole at the end.
            drop(session.keep(&Finding::from(failure)));
        }
    })
    .context("the reducer cannot be run")?;
    let mut out = Vec::new();
    let mut readers = readers(&world, &mut out);
    let found = summary.failures.iter().map(Finding::from);
    let settled = session.settle(found, &mut readers)?;
    let exit = Exit::of(settled).or(seen(&summary));
    if summary.failures.is_empty() {
        readers.tell(&Event::Finished(Finished {
            exit_code: exit as u8,
            exit: exit.meaning(),
            summary: Some(&summary),
            violated: Vec::new(),
            failures: Vec::new(),
        }))?;
    }
    drop(readers);
    Ok(report(exit, out, session.failures()))
}

/// How a campaign ends that violated nothing.
fn seen(summary: &Summary) -> Exit {
    match (summary.missed().is_empty(), summary.is_cut()) {
        (false, _) => Exit::NeverSeen,
        (true, true) => Exit::Incomplete,
        (true, false) => Exit::Holds,
    }
}

fn readers<'a>(world: &'a World, out: &'a mut Vec<u8>) -> Readers<'a> {
    let human: Box<dyn Reader + 'a> = Box::new(Human::plain(out, world));
    Readers(vec![human])
}

fn report(exit: Exit, out: Vec<u8>, failures: Vec<Failed>) -> Report {
    Report {
        exit,
        text: String::from_utf8_lossy(&out).into_owned(),
        failures,
    }
}

pub(super) fn case_of_file(test: Test, path: &Path) -> Result<Report> {
    let name = path.display().to_string();
    let case = store::read(path).with_context(|| name.clone())?;
    replay(test, &case, &name)
}

pub(super) fn case_of_text(test: Test, text: &str) -> Result<Report> {
    let case = Case::parse(text).context("the case of this test")?;
    replay(test, &case, "the case of this test")
}

fn replay(test: Test, case: &Case, name: &str) -> Result<Report> {
    let (test, world, model) = loaded(test)?;
    if let Some(CaseVerdict::Violated(property)) = &case.verdict
        && Properties::of(&world, &model).find(property).is_none()
    {
        bail!("{name} violated `{property}`, which is no property of this test: add it");
    }
    let mut runner = Runner::new(&world, &model)?;
    runner.set_effort(Effort::Thorough);
    let bound = case
        .check_answers(runner.answers())
        .and_then(|()| case.bind(&world.air));
    let scenario = bound.with_context(|| name.to_owned())?;
    let marks = case.marks();
    let (checked, timeline) = sim_session::watched(&mut runner, &world, &scenario, &marks, |_| {});
    let exit = match checked.violations.is_empty() {
        false => Exit::Violation,
        true if timeline.turns.is_empty() => Exit::NothingRan,
        true if world.cut_by(checked.end).is_some() => Exit::Incomplete,
        true => Exit::Holds,
    };
    let mut out = Vec::new();
    readers(&world, &mut out).tell(&Event::CaseDone(CaseDone {
        file: name,
        replay: &command(Path::new(name), &test.source.arguments()),
        about: case.about.as_deref(),
        violations: &timeline.violations,
        turns: timeline.turns.len(),
        skipped: checked.skipped.len(),
        any: &timeline.any,
        changes: &[],
        digest: checked.digest,
        timeline: &timeline,
    }))?;
    Ok(report(exit, out, Vec::new()))
}
