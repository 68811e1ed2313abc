//! `sim why`: the turns of a failing case that matter.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum, value_parser};

use super::errors::Hinted;
use super::failing::DoesNotFail;
use super::input::{Loaded, WorldArguments, jobs};
use super::readers::{For, Format, Output};
use super::{Exit, cases, replay, terminal};
use crate::models;
use crate::worlds::examples;
use sim_cases::{Case, CaseVerdict, Found, WorldHashes, files};
use sim_model::{Model, Violation};
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::Scenario;
use sim_record::trace::Digest;
use sim_report::event::{self, Event, Finished, Started};
use sim_report::page;
use sim_report::timeline::Timeline;
use sim_report::turns::Rows;
use sim_report::why::{Of, Why as Told};
use sim_search::campaign::{Effort, Runner};
use sim_search::why::{self, Closest, Failing, NoAnswer, Options};

/// Show which turns of a failing case matter: how often it still fails from each on
#[derive(Args)]
#[command(after_help = format!("\
After each turn the scheduler of campaigns goes on, with faults of its own, and it is counted how
often the same property is violated. Where few schedules go on, all of them are counted. Then each
decision is left out, or replaced by another that is possible there. See docs/why.md.

{}", examples::WHY))]
pub(super) struct Why {
    /// Case file, or `-` for standard input
    #[arg(value_name = "CASE")]
    case: PathBuf,
    #[command(flatten)]
    world: WorldArguments,
    /// The property whose violation is the failure [default: the one that the case names, or the
    /// first]
    #[arg(long, value_name = "NAME")]
    property: Option<String>,
    /// Continuations of each turn
    #[arg(long, value_name = "N", default_value_t = why::DEFAULT_CONTINUATIONS,
        value_parser = value_parser!(u32).range(1..=i64::from(why::MOST_CONTINUATIONS)))]
    continuations: u32,
    /// What they are drawn from
    #[arg(long, value_name = "SEED", default_value = "0")]
    seed: Seed,
    /// Count schedules in so many states at the most; 0 counts none
    #[arg(long, value_name = "N", default_value_t = why::DEFAULT_STATES)]
    most_states: u64,
    /// Threads; the output is the same for any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// The form of standard output: human or json
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORM",
        hide_possible_values = true
    )]
    format: Form,
    /// Write a page with the curve beside the turns
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the closest schedule that does not fail, as a case
    #[arg(long, value_name = "FILE")]
    closest: Option<PathBuf>,
}

/// The form of standard output.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// A table, and what follows from it
    #[default]
    Human,
    /// Events, one JSON object a line
    Json,
}

impl From<Form> for Output {
    fn from(form: Form) -> Output {
        Output {
            format: match form {
                Form::Human => Format::Human,
                Form::Json => Format::Json,
            },
        }
    }
}

/// A case that was seen to fail.
struct Seen {
    violation: Violation,
    /// The decisions that were really taken, up to there.
    scenario: Scenario,
    effort: Effort,
    is_late: bool,
    timeline: Timeline,
    digest: Digest,
}

impl Why {
    pub fn execute(self) -> Result<Exit> {
        self.probe()?;
        let loaded = self.world.load()?;
        let model = models::of(&loaded.world);
        let interrupt = terminal::interrupt();
        let mut runner = Runner::new(&loaded.world, &*model)?;
        runner.set_interrupt(interrupt.clone());
        let folder = self.world.world.as_deref();
        let (case, scenario) = cases::read(&self.case, &loaded.world, runner.answers(), folder)?;
        let seen = self.seen(&mut runner, &loaded, (&case, &scenario))?;
        if interrupt.is_asked() {
            return Ok(Exit::Interrupted);
        }
        let Some(seen) = seen else {
            let told = DoesNotFail {
                path: &self.case,
                case: &case,
                loaded: &loaded,
                not_asked: replay::not_asked(&case, &runner.checker().properties()),
                nothing: "nothing to look into",
                verb: "look into",
            };
            return told.told();
        };
        let found = match self.look(&loaded, &*model, &seen, &interrupt) {
            Ok(found) => found,
            Err(NoAnswer::Interrupted) => return Ok(Exit::Interrupted),
            Err(NoAnswer::NotDeterministic) => {
                let what = sim_session::NOT_A_FUNCTION;
                writeln!(terminal::out(), "not deterministic: {what}")?;
                return Ok(Exit::Nondeterminism);
            }
            Err(error) => return Err(error.into()),
        };
        self.tell(&loaded, &seen, &found, &interrupt)?;
        if let (Some(path), Some(closest)) = (&self.closest, &found.closest) {
            write_closest(path, &loaded, &case, closest)?;
        }
        Ok(Exit::Violation)
    }

    /// Whether all can be written, to be known before much is done for it.
    fn probe(&self) -> Result<()> {
        if self.html.is_some() && self.html == self.closest {
            bail!("a page and a case cannot be written to the same file");
        }
        if let Some(path) = &self.html {
            page::file::probe(path)?;
        }
        if let Some(path) = &self.closest {
            if path.symlink_metadata().is_ok() {
                bail!(
                    "{} is there: a case is written as a new file",
                    path.display()
                );
            }
            files::probe(path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// The failure that is meant, on fresh instances, and looked at no closer than it takes. None
    /// if nothing is violated.
    fn seen(
        &self,
        runner: &mut Runner<'_>,
        loaded: &Loaded,
        (case, scenario): (&Case, &Scenario),
    ) -> Result<Option<Seen>> {
        let mut others = Vec::new();
        for effort in [Effort::Plain, Effort::Thorough] {
            runner.set_effort(effort);
            runner.renew()?;
            let marks = case.marks();
            let world = &loaded.world;
            let (checked, timeline) = sim_session::watched(runner, world, scenario, &marks, |_| {});
            let Some(violation) = self.meant(case, &checked.violations) else {
                others = checked.violations;
                continue;
            };
            let trace = &runner.trace;
            let is_late = trace
                .liveness_from
                .is_some_and(|from| violation.turn >= from);
            return Ok(Some(Seen {
                scenario: Scenario {
                    liveness: scenario.liveness,
                    ..scenario.with_schedule_up_to(trace, violation.turn)
                },
                violation: violation.clone(),
                effort,
                is_late,
                timeline,
                digest: checked.digest,
            }));
        }
        match (&self.property, &others[..]) {
            (Some(wanted), [_, ..]) => Err(self.violates_others(wanted, &others)),
            _ => Ok(None),
        }
    }

    /// The violation that is asked about: by name, or of what the case names, or the first.
    fn meant<'v>(&self, case: &Case, violations: &'v [Violation]) -> Option<&'v Violation> {
        let named = |name: &str| violations.iter().find(|it| it.name() == name);
        if let Some(name) = &self.property {
            return named(name);
        }
        let of_case = match &case.verdict {
            Some(CaseVerdict::Violated(name)) => named(name),
            _ => None,
        };
        of_case.or(violations.first())
    }

    fn violates_others(&self, wanted: &str, violations: &[Violation]) -> anyhow::Error {
        let names: Vec<&str> = violations.iter().map(Violation::name).collect();
        let what = format!("--property {wanted}: it does not violate that");
        let hint = format!("it violates {}", names.join(", "));
        Hinted::new(what, hint).context(self.case.display().to_string())
    }

    fn look(
        &self,
        loaded: &Loaded,
        model: &dyn Model,
        seen: &Seen,
        interrupt: &Interrupt,
    ) -> Result<why::Why, NoAnswer> {
        let failing = Failing {
            scenario: &seen.scenario,
            rank: seen.violation.rank,
            effort: seen.effort,
            is_late: seen.is_late,
        };
        let options = Options {
            seed: self.seed,
            continuations: self.continuations,
            most_states: self.most_states,
            jobs: jobs(self.jobs),
            interrupt: interrupt.clone(),
        };
        let turns = seen.scenario.schedule.len() as u64 + 1;
        let all = turns * u64::from(self.continuations);
        let progress = terminal::Progress::new(Some(all), "continuations");
        let found = why::why(&loaded.world, model, (failing, &options), |done| {
            progress.update(done, |seconds| format!("{seconds:.0} s"));
        });
        progress.finish();
        found
    }

    fn tell(
        &self,
        loaded: &Loaded,
        seen: &Seen,
        found: &why::Why,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let world = &loaded.world;
        let file = self.case.display().to_string();
        let of = Of {
            file: &file,
            replay: &replay::command(&self.case, &self.world),
            violation: (&seen.violation).into(),
            is_in_liveness: seen.is_late,
            seed: self.seed.0,
        };
        let told = Told::of(world, &seen.scenario, of, found);
        if let Some(path) = &self.html {
            let shown = (&told, &seen.timeline);
            page::file::write(path, &page::of_why(world, shown, seen.digest)?)?;
            terminal::note(&format!("page: {}", path.display()));
        }
        let mut readers = Output::from(self.format).readers(&For {
            loaded,
            interrupt,
            is_brief: false,
            rows: Rows::default(),
            pages: None,
        })?;
        readers.tell(&Event::Started(Started {
            cases: Some(1),
            ..event::Started::of(world, "why", &loaded.notes)
        }))?;
        readers.tell(&Event::Why(told))?;
        readers.tell(&Event::Finished(Finished {
            exit_code: Exit::Violation as u8,
            exit: Exit::Violation.meaning(),
            summary: None,
            violated: Vec::new(),
            failures: Vec::new(),
        }))
    }
}

/// Writes the closest schedule that does not fail, as a case.
fn write_closest(path: &Path, loaded: &Loaded, case: &Case, closest: &Closest) -> Result<()> {
    let found = Found {
        about: None,
        found_by: case.found_by.clone(),
        world: WorldHashes::of(&loaded.world),
        judged: Some((CaseVerdict::Holds, closest.digest)),
    };
    let text = Case::new(&loaded.world.air, &closest.scenario, found).to_text();
    files::replace(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    terminal::note(&format!("closest that holds: {}", path.display()));
    Ok(())
}
