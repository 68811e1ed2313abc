//! `sim explore`: every schedule of a small world.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::input::{Loaded, WorldArguments, jobs, project_folder};
use super::terminal::{self, Progress};
use super::{Exit, replay};
use crate::campaign::{Effort, Runner};
use crate::corpus::{self, CaseVerdict, Found, FoundBy, WorldHashes, store};
use crate::explore::{self, Counterexample, Explored, Limits, Options, Outcome};
use crate::invariants::{GoalSet, Goals};
use crate::report::event::Case;
use crate::report::human;
use crate::report::text::{Look, Text};
use crate::report::turns::turns;
use crate::workload::{self, Small, Workload};

/// Explore every schedule of a small world, breadth first.
#[derive(Args)]
#[command(after_help = "Example: sim explore --requests 2 --max-attempts 3 --duplicates 2")]
pub(super) struct Explore {
    /// Requests that may be started
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    requests: u32,
    /// Attempts that each may have
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=16))]
    max_attempts: u64,
    /// The wait after the first attempt
    #[arg(long, value_name = "N", default_value_t = 10)]
    base_delay_ms: u64,
    /// Messages and timers that are sent twice
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=8))]
    duplicates: u8,
    /// Messages that are dropped, and perhaps redelivered
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    drops: u8,
    /// Events that nobody sent, and second starts
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    stale: u8,
    /// Crashes, at any point of an event's arrival
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=4))]
    crashes: u8,
    /// Decisions in a row
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    depth: u32,
    /// About how much memory may be used
    #[arg(long, value_name = "N", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    memory_mib: u32,
    /// Threads; the output is the same for any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    world: WorldArguments,
    /// Folder in which a counterexample is written as a case [default: corpus]
    #[arg(long, value_name = "DIR")]
    case_dir: Option<PathBuf>,
}

/// What was reached, and what of the documents never was.
fn goals(text: &mut Text, goals: &Goals, reached: &GoalSet) {
    let all = || goals.list().iter().enumerate();
    let reached = |index: usize| reached.contains(index);
    let of_model = all().filter(|(index, goal)| goal.is_of_model && reached(*index));
    let names: Vec<&str> = of_model.map(|(_, goal)| goal.name.as_str()).collect();
    if !names.is_empty() {
        text.line(format!("goals: {}", names.join(", ")));
    }
    let of_documents = || all().filter(|(_, goal)| !goal.is_of_model);
    let count = of_documents().filter(|(index, _)| reached(*index)).count();
    let all = of_documents().count();
    text.line(format!("goals of the documents: {count} of {all} reached"));
    for (_, goal) in of_documents().filter(|(index, _)| !reached(*index)) {
        text.line(format!("  never: {}", goal.says));
    }
}

impl Explore {
    pub fn execute(self) -> Result<Exit> {
        let loaded = self.world.load()?;
        let workload = workload::of(&loaded.world.air);
        let options = self.options(&*workload)?;
        let progress = Progress::new(None, "states");
        let explored = explore::run(
            &loaded.world,
            &*workload,
            &options,
            |states, taken, depth| {
                progress.update(states, |seconds| {
                    format!("depth {depth}, {:.0} transitions/s", taken as f64 / seconds)
                });
            },
        )?;
        progress.finish();
        let seconds = progress.elapsed().as_secs_f64();
        let rate = explored.transitions as f64 / seconds;
        let exit = self.report(&loaded, &*workload, &explored)?;
        let memory_bytes = explored.memory_bytes as f64;
        terminal::note(&format!(
            "{rate:.0} transitions per second, {seconds:.1} s; {:.1} MiB at the most, {:.0} bytes a state",
            memory_bytes / f64::from(1 << 20),
            memory_bytes / explored.states as f64
        ));
        Ok(exit)
    }

    fn options(&self, workload: &dyn Workload) -> Result<Options> {
        let small = Small {
            requests: self.requests,
            max_attempts: self.max_attempts,
            base_delay_ms: self.base_delay_ms,
        };
        let requests = workload.small_requests(&small);
        if requests.is_empty() {
            bail!("nothing to explore: no client can send this world an event");
        }
        let jobs = jobs(self.jobs);
        Ok(Options {
            limits: Limits {
                requests,
                duplicates: self.duplicates,
                drops: self.drops,
                stale: self.stale,
                crashes: self.crashes,
                depth: self.depth,
            },
            jobs,
            memory_bytes: (self.memory_mib as usize) << 20,
            invariant: None,
            deduplicate: true,
            interrupt: terminal::interrupt(),
        })
    }

    /// The result on standard output: the same on any machine.
    fn report(
        &self,
        loaded: &Loaded,
        workload: &dyn Workload,
        explored: &Explored,
    ) -> Result<Exit> {
        let mut text = Text::default();
        loaded.notes.iter().for_each(|note| text.line(note));
        text.line(format!(
            "{} states, {} transitions, depth {}",
            explored.states, explored.transitions, explored.depth
        ));
        let is_violated = matches!(explored.outcome, Outcome::Violated(_));
        if !is_violated {
            goals(&mut text, &Goals::of(&loaded.world), &explored.goals);
        }
        let depth = explored.depth;
        let exit = match &explored.outcome {
            Outcome::Complete => {
                text.look(
                    Look::Good,
                    "complete: every schedule within these bounds holds",
                );
                Exit::Holds
            }
            Outcome::DepthBound => {
                text.line(format!(
                    "every schedule of up to {depth} decisions holds; there are longer ones"
                ));
                Exit::Incomplete
            }
            Outcome::MemoryBound => {
                text.line(format!(
                    "stopped: {} MiB are in use. Every schedule of up to {depth} decisions holds.\n\
                     hint: choose smaller bounds, or more with --memory-mib",
                    explored.memory_bytes >> 20
                ));
                Exit::Incomplete
            }
            Outcome::Interrupted => {
                text.line(format!(
                    "interrupted: every schedule of up to {depth} decisions holds"
                ));
                Exit::Interrupted
            }
            Outcome::Violated(found) => self.counterexample(&mut text, loaded, workload, found)?,
        };
        write!(terminal::out(), "{text}")?;
        Ok(exit)
    }

    fn counterexample(
        &self,
        text: &mut Text,
        loaded: &Loaded,
        workload: &dyn Workload,
        found: &Counterexample,
    ) -> Result<Exit> {
        let world = &loaded.world;
        let mut runner = Runner::new(world, workload)?;
        runner.set_effort(Effort::Thorough);
        let (checked, timeline) = replay::watched(&mut runner, world, &found.scenario);
        let Some(first) = found.violations.first() else {
            bail!("a counterexample that violates nothing");
        };
        let name = first.name();
        let verdict = CaseVerdict::Violated(name.to_owned());
        let case = corpus::Case::new(
            &world.air,
            &found.scenario,
            Found {
                about: None,
                found_by: FoundBy::explorer(),
                world: WorldHashes::of(world),
                judged: Some((verdict, checked.digest)),
            },
        );
        let folder = self
            .case_dir
            .clone()
            .unwrap_or_else(|| project_folder("corpus"));
        let path = store::write(&folder, name, &case)
            .with_context(|| format!("cannot write a case in {}", folder.display()))?;
        let decisions = found.scenario.schedule.len();
        text.look(
            Look::Bad,
            format!("violation: no shorter schedule than these {decisions} decisions"),
        );
        text.append(human::violations(&timeline.violations));
        text.append(turns(&timeline, 0, terminal::width()));
        let written = Case {
            file: path.display().to_string(),
            replay: replay::command(&path, &self.world),
        };
        human::case_lines(text, &written);
        let is_same = checked
            .violations
            .iter()
            .any(|violation| violation.name() == name);
        if !is_same {
            text.look(Look::Bad, "its replay differs from the exploration");
            return Ok(Exit::Nondeterminism);
        }
        Ok(Exit::Violation)
    }
}
