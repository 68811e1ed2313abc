//! `sim replay`: a case as a table, its verdict and its digest.

mod compared;
mod regression;
mod written;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

pub(super) use compared::not_asked;
use written::{Replayed, Written};

use super::errors::error_text;
use super::input::{Leaks, Loaded, WorldArguments};
use super::readers::{For, Format, Output};
use super::{Exit, cases, shell, stepper, terminal};
use crate::models;
use sim_cases::{Case, CaseVerdict, store};
use sim_kernel::World;
use sim_record::interrupt::Interrupt;
use sim_record::scenario::Scenario;
use sim_report::event::{
    self, BadCase, CaseDone, Event, Finished, Nondeterminism, Readers, Started,
};
use sim_report::timeline::Timeline;
use sim_report::turns::Rows;
use sim_search::campaign::{Checked, Effort, Runner};
use sim_simulator::End;

/// Replay cases: turn by turn, the verdict, the digest; without one, list the corpus
#[derive(Args)]
#[command(after_help = "Example: sim replay corpus/ok-after-failed.json --html timeline.html")]
pub(super) struct Replay {
    /// Case files, folders of them (`*.json`), or `-` for standard input
    #[arg(value_name = "CASE|FOLDER")]
    cases: Vec<PathBuf>,
    #[command(flatten)]
    world: WorldArguments,
    #[command(flatten)]
    output: Output,
    /// Only the verdict of each case
    #[arg(long)]
    brief: bool,
    /// Show every turn of a long run
    #[arg(long)]
    all: bool,
    /// Show the last turns, so many
    #[arg(long, value_name = "N", conflicts_with_all = ["all", "around"])]
    last: Option<usize>,
    /// Show the turns about this one
    #[arg(long, value_name = "TURN", conflicts_with = "all")]
    around: Option<usize>,
    /// With --around, so many before it and after it
    #[arg(long, value_name = "N", default_value_t = 10, requires = "around")]
    context: usize,
    #[command(flatten)]
    written: Written,
    /// Walk through the run in the terminal, turn by turn
    #[arg(long, conflicts_with_all = ["brief", "format", "emit_regression", "mermaid"])]
    step: bool,
}

/// How this program was called.
fn program() -> String {
    let cargo = "cargo run --release --".to_owned();
    match (std::env::var_os("CARGO"), std::env::args_os().next()) {
        (None, Some(program)) => shell::quoted(program),
        _ => cargo,
    }
}

/// The command that replays a case on the same world, to be pasted into a shell.
pub fn command(path: &Path, world: &WorldArguments) -> String {
    command_of(&program(), path, world)
}

/// The same, of a program that is called so.
pub fn command_of(program: &str, path: &Path, world: &WorldArguments) -> String {
    let mut command = format!("{program} replay {}", shell::argument(path));
    let mut option = |name: &str, value: &OsStr| {
        // A value that begins with a dash would be taken for an option of its own.
        let separator = match value.as_encoded_bytes().first() {
            Some(b'-') => '=',
            _ => ' ',
        };
        command.push_str(&format!(" {name}{separator}{}", shell::quoted(value)));
    };
    if let Some(folder) = &world.world {
        option("--world", folder.as_os_str());
    }
    for wasm in &world.wasm {
        option("--wasm", OsStr::new(wasm));
    }
    for expected in &world.expect {
        option("--expect", OsStr::new(expected));
    }
    if world.leaks == Leaks::Deny {
        option("--leaks", OsStr::new("deny"));
    }
    command
}

/// What is said of a case that failed on the same wasm and does not any more.
pub(super) const HELD: &str = "it failed when it was written, on this very wasm, and holds now: \
    a step is not a function of its input, another version of sim wrote it, or it was edited";

/// Replays the scenario of a case and tells it, with a line of progress.
fn watched(
    runner: &mut Runner<'_>,
    world: &World,
    (case, scenario): (&Case, &Scenario),
) -> (Checked, Timeline) {
    let progress = terminal::Progress::new(None, "turns");
    let watched = sim_session::watched(runner, world, scenario, &case.marks(), |turns| {
        progress.update(turns as u64, |seconds| format!("{seconds:.0} s"));
    });
    progress.finish();
    watched
}

/// What replays the cases: the world's reducer, and the one that is built in if that is another.
struct Replayer<'a> {
    world: &'a World,
    runner: Runner<'a>,
    reference: Option<Runner<'a>>,
    interrupt: Interrupt,
}

impl Replayer<'_> {
    fn interrupt_by(&mut self, interrupt: &Interrupt) {
        self.interrupt = interrupt.clone();
        self.runner.set_interrupt(interrupt.clone());
        if let Some(reference) = &mut self.reference {
            reference.set_interrupt(interrupt.clone());
        }
    }
}

impl Replay {
    pub fn execute(self) -> Result<Exit> {
        if self.cases.is_empty() && !self.written.is_asked() {
            return list(&cases::corpus()?);
        }
        let cases = cases::expanded(&self.cases, cases::is_json)?;
        if (self.written.is_asked() || self.step) && cases.len() != 1 {
            let are = if cases.is_empty() {
                "none is"
            } else {
                "several are"
            };
            bail!(
                "`--html`, `--mermaid`, `--emit-regression` and `--step` are of one case, and {are} \
                given"
            );
        }
        if cases.is_empty() {
            terminal::note("nothing ran: no files named `*.json` in what was given");
            return Ok(Exit::NothingRan);
        }
        if self.written.takes_output() && self.output.format != Format::Human {
            bail!("`--format` says what standard output is, and so does `-`");
        }
        self.written.probe()?;
        let loaded = self.world.load()?;
        let built_in = self.world.built_in();
        let model = models::of(&loaded.world);
        let mut runner = Runner::new(&loaded.world, &*model)?;
        runner.set_effort(Effort::Thorough);
        let mut replayer = Replayer {
            world: &loaded.world,
            runner,
            reference: match &built_in {
                Some(built_in) => Some(Runner::new(&built_in.world, &*model)?),
                None => None,
            },
            interrupt: Interrupt::default(),
        };
        if self.step {
            return self.step(&cases[0], &mut replayer);
        }
        self.replay_all(&cases, &loaded, &mut replayer)
    }

    fn rows(&self) -> Rows {
        match (self.all, self.last, self.around) {
            (true, _, _) => Rows::All,
            (_, Some(count), _) => Rows::Last(count),
            (_, _, Some(turn)) => Rows::Around {
                turn,
                context: self.context,
            },
            _ => Rows::default(),
        }
    }

    fn replay_all(
        &self,
        cases: &[PathBuf],
        loaded: &Loaded,
        replayer: &mut Replayer<'_>,
    ) -> Result<Exit> {
        let interrupt = terminal::interrupt();
        replayer.interrupt_by(&interrupt);
        let mut readers = match self.written.takes_output() {
            true => Readers::default(),
            false => self.output.readers(&For {
                loaded,
                interrupt: &interrupt,
                is_brief: self.brief,
                rows: self.rows(),
                pages: None,
            })?,
        };
        readers.tell(&Event::Started(Started {
            cases: Some(cases.len()),
            ..event::Started::of(&loaded.world, "replay", &loaded.notes)
        }))?;
        let mut exit = Exit::Holds;
        for path in cases {
            if interrupt.is_asked() {
                exit = exit.or(Exit::Interrupted);
                break;
            }
            // One bad file among many is reported, and the others are still replayed.
            match self.replay(path, replayer, &mut readers) {
                Ok(one) => exit = exit.or(one),
                Err(error) => {
                    let (file, error) = (path.display().to_string(), error_text(&error));
                    write!(terminal::err(), "{error}")?;
                    readers.tell(&Event::BadCase(BadCase {
                        file: &file,
                        error: &error,
                    }))?;
                    exit = exit.or(Exit::BadInput);
                }
            }
        }
        readers.tell(&Event::Finished(Finished {
            exit_code: exit as u8,
            exit: exit.meaning(),
            summary: None,
            violated: Vec::new(),
            failures: Vec::new(),
        }))?;
        Ok(exit)
    }

    fn replay(
        &self,
        path: &Path,
        replayer: &mut Replayer<'_>,
        readers: &mut Readers<'_>,
    ) -> Result<Exit> {
        let file = path.display().to_string();
        let (world, runner) = (replayer.world, &mut replayer.runner);
        let folder = self.world.world.as_deref();
        let (case, scenario) = cases::read(path, world, runner.answers(), folder)?;
        runner.renew()?;
        let (checked, timeline) = watched(runner, world, (&case, &scenario));
        if checked.end == End::Interrupted && checked.violations.is_empty() {
            terminal::note(&format!(
                "{file}: interrupted, and nothing was found until then"
            ));
            return Ok(Exit::Interrupted);
        }
        let once = runner.trace.clone();
        let properties = runner.checker().properties();
        let mut changes = compared::changes(&case, world, &properties, &checked);
        if let Some(reference) = &mut replayer.reference {
            reference.replay(&scenario);
            let is_stopped = !checked.violations.is_empty();
            changes.push(match once.difference(&reference.trace) {
                _ if replayer.interrupt.is_asked() => {
                    "the world's own reducer was not asked: interrupted".to_owned()
                }
                Some(difference) if is_stopped && difference.is_end() => {
                    "the world's own reducer does the same until here, and goes on".to_owned()
                }
                Some(difference) => {
                    let traces = (&once, &reference.trace);
                    let paths = compared::state_paths(world, traces, &difference);
                    format!("the world's own reducer differs at {difference}{paths}")
                }
                None => "the world's own reducer does the same".to_owned(),
            });
        }
        let done = CaseDone {
            file: &file,
            replay: &command(path, &self.world),
            about: case.about.as_deref(),
            violations: &timeline.violations,
            turns: timeline.turns.len(),
            skipped: checked.skipped.len(),
            any: &timeline.any,
            changes: &changes,
            digest: checked.digest,
            timeline: &timeline,
        };
        readers.tell(&Event::CaseDone(done))?;
        self.written.write(&Replayed {
            path,
            case: &case,
            arguments: &self.world,
            world,
            properties: &properties,
            done: &done,
        })?;
        runner.replay(&scenario);
        if replayer.interrupt.is_asked() {
            return Ok(verdict(world, &checked).or(Exit::Interrupted));
        }
        if let Some(difference) = once.difference(&runner.trace) {
            let what = format!("another replay differs at {difference}");
            let of = &file;
            readers.tell(&Event::Nondeterminism(Nondeterminism { of, what }))?;
            return Ok(Exit::Nondeterminism);
        }
        if once.turns.is_empty() {
            return Ok(Exit::NothingRan);
        }
        let has_failed = matches!(case.verdict, Some(CaseVerdict::Violated(_)))
            && not_asked(&case, &properties).is_none();
        let is_as_found = case.is_of(world) && !store::is_edited(path, &case);
        if has_failed && checked.violations.is_empty() && is_as_found {
            let (of, what) = (&file, HELD.to_owned());
            readers.tell(&Event::Nondeterminism(Nondeterminism { of, what }))?;
            return Ok(Exit::Nondeterminism);
        }
        Ok(verdict(world, &checked))
    }

    fn step(&self, path: &Path, replayer: &mut Replayer<'_>) -> Result<Exit> {
        let folder = self.world.world.as_deref();
        let answers = replayer.runner.answers();
        let (case, scenario) = cases::read(path, replayer.world, answers, folder)?;
        let (checked, timeline) = watched(&mut replayer.runner, replayer.world, (&case, &scenario));
        stepper::walk(&timeline)?;
        Ok(verdict(replayer.world, &checked))
    }
}

fn verdict(world: &World, checked: &Checked) -> Exit {
    match checked.violations.is_empty() {
        false => Exit::Violation,
        true if world.cut_by(checked.end).is_some() => Exit::Incomplete,
        true => Exit::Holds,
    }
}

/// The cases of a folder, a line each: what is known of them without a replay.
fn list(folder: &Path) -> Result<Exit> {
    let files = store::list(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut exit = Exit::Holds;
    let mut cases = Vec::new();
    for path in &files {
        match store::read(path) {
            Ok(case) => cases.push((path.display().to_string(), case)),
            Err(error) => {
                let error = anyhow::Error::from(error).context(path.display().to_string());
                write!(terminal::err(), "{}", error_text(&error))?;
                exit = Exit::BadInput;
            }
        }
    }
    let text = sim_report::cases::list(&cases, terminal::width());
    write!(terminal::out(), "{text}")?;
    if cases.is_empty() {
        terminal::note(&format!("no cases in {}", folder.display()));
        return Ok(exit.or(Exit::NothingRan));
    }
    terminal::note(&format!(
        "replay one of them with `{} replay FILE`",
        program()
    ));
    Ok(exit)
}
