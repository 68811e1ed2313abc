//! `sim explore`: every schedule of a small world.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::builder::RangedU64ValueParser;
use clap::{Arg, ArgMatches, Args, FromArgMatches, value_parser};

use super::input::{Loaded, WorldArguments, jobs};
use super::terminal::{self, Progress};
use super::{Exit, replay, run};
use crate::models;
use crate::worlds::examples;
use sim_cases::FoundBy;
use sim_model::{
    Model, OF_ANY_WORLD, Properties, Property, PropertySet, SEEDS_FOR_ARMS, Scene, Signature, Small,
};
use sim_record::trace::{Answer, Answers};
use sim_report::human;
use sim_report::text::{Look, Text};
use sim_report::turns::turns;
use sim_search::campaign::{Effort, Runner, Sighting};
use sim_search::explore::{self, Counterexample, ExploreOptions, Limits, Outcome, Tour, Visit};
use sim_session::{Finding, Session, Settings};

/// Explore every schedule of a small world, breadth first.
#[derive(Args)]
#[command(after_help = examples::EXPLORE)]
pub(super) struct Explore {
    /// Requests that may be started
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = value_parser!(u32).range(1..=4)
    )]
    requests: u32,
    #[command(flatten)]
    sizes: Sizes,
    /// Work answers like this alone, by name, such as ok; it goes deep, not wide
    #[arg(long, value_name = "ANSWER")]
    only: Option<String>,
    /// Messages and timers that are sent twice
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = value_parser!(u8).range(0..=8)
    )]
    duplicates: u8,
    /// Messages that are dropped, and perhaps redelivered
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = value_parser!(u8).range(0..=8)
    )]
    drops: u8,
    /// Spurious events, and second starts
    #[arg(
        long,
        alias = "stale",
        value_name = "N",
        default_value_t = 1,
        value_parser = value_parser!(u8).range(0..=8)
    )]
    spurious: u8,
    /// Crashes, at any point of an event's arrival
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = value_parser!(u8).range(0..=4)
    )]
    crashes: u8,
    /// Vary nothing: only requests that are alike
    #[arg(long)]
    alike: bool,
    /// Decisions in a row
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        value_parser = value_parser!(u32).range(1..=100_000)
    )]
    depth: u32,
    /// About how much memory may be used, by all threads together
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4_096,
        value_parser = value_parser!(u32).range(32..=1_048_576)
    )]
    memory_mib: u32,
    /// About how many states may be met before it ends
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000_000,
        value_parser = value_parser!(u64).range(1..)
    )]
    most_states: u64,
    /// Threads; the output is the same for any number, unless memory ends it [default: all cores]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    world: WorldArguments,
    /// Folder in which a counterexample is written as a case
    #[arg(long, value_name = "DIR", default_value = "corpus")]
    case_dir: PathBuf,
}

/// What was seen, and what of the documents never was: how much that is.
fn sometimes(text: &mut Text, properties: &Properties, reached: &PropertySet) -> usize {
    let all = || {
        properties
            .sometimes()
            .map(|(rank, property, _)| (rank, property))
    };
    let reached = |rank: usize| reached.contains(rank);
    let of_model = all().filter(|(rank, property)| property.is_of_model && reached(*rank));
    let names: Vec<&str> = of_model.map(|(_, property)| &*property.name).collect();
    if !names.is_empty() {
        text.line(format!("sometimes: {}", names.join(", ")));
    }
    let of_documents = || all().filter(|(_, property)| !property.is_of_model);
    let count = of_documents().filter(|(index, _)| reached(*index)).count();
    let all = of_documents().count();
    text.line(format!(
        "sometimes, of the documents: {count} of {all} seen"
    ));
    for (_, property) in of_documents().filter(|(index, _)| !reached(*index)) {
        text.line(format!("  never: {}", property.says));
    }
    all - count
}

/// An answer of a world by name.
fn answer(answers: &Answers, name: &str) -> Result<Answer> {
    let given = |answer: &Answer| *answer != Answer::SILENCE;
    if let Some(answer) = answers.named(name).filter(given) {
        return Ok(answer);
    }
    let names = answers.outcomes().iter().map(|outcome| &*outcome.name);
    let names: Vec<&str> = names.collect();
    bail!(
        "--only {name}: no answer of this world's work, which has {}",
        names.join(", ")
    )
}

/// What was explored, and what was varied in it.
fn visits(text: &mut Text, tour: &Tour) {
    for visit in tour.visits.iter().filter(|visit| visit.is_whole) {
        text.line(format!("  {}: {} states", visit.varied, visit.states));
    }
    let varied: Vec<&Visit> = tour.visits.iter().filter(|visit| !visit.is_whole).collect();
    if varied.is_empty() {
        return;
    }
    let states: u64 = varied.iter().map(|visit| visit.states).sum();
    let names: Vec<&str> = varied.iter().map(|visit| visit.varied.as_str()).collect();
    text.lines(format!(
        "  varied, one thing at a time, with one fault of each kind at most: \
         {states} states\n    {}",
        names.join("; ")
    ));
}

/// What every exploration must see and this one did not, each as a line.
fn never_seen(properties: &Properties, reached: &PropertySet) -> Vec<String> {
    let all = properties.sometimes();
    let asked =
        all.filter(|(_, property, asked)| !property.is_of_model && asked.of(SEEDS_FOR_ARMS));
    let missed = asked.filter(|(rank, ..)| !reached.contains(*rank));
    let line = |property: &Property| {
        let Property { name, says, .. } = property;
        format!("never seen: {name}: {says}")
    };
    missed.map(|(_, property, _)| line(property)).collect()
}

/// Numbers by which the small worlds of models are made larger, each an option of its own.
struct Sizes(BTreeMap<String, u64>);

impl Args for Sizes {
    fn augment_args(command: clap::Command) -> clap::Command {
        models::sizes().fold(command, |command, size| {
            let range = RangedU64ValueParser::<u64>::new().range(0..=size.most);
            let argument = Arg::new(size.name)
                .long(size.name)
                .help(format!("{} [default: {}]", size.says, size.usual))
                .value_name("N")
                .value_parser(range);
            command.arg(argument)
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Sizes::augment_args(command)
    }
}

impl FromArgMatches for Sizes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Sizes, clap::Error> {
        let numbers = models::sizes().filter_map(|size| {
            let number = matches.get_one::<u64>(size.name)?;
            Some((size.name.to_owned(), *number))
        });
        Ok(Sizes(numbers.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Sizes::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Explore {
    pub fn execute(self) -> Result<Exit> {
        let mut loaded = self.world.load()?;
        loaded.note_warnings(&self.world.folder());
        let model = models::surveyed(&mut loaded.world).context("the reducer cannot be run")?;
        loaded.note_clients(&*model);
        let scenes = self.scenes(&*model)?;
        run::probe(&self.case_dir)?;
        let options = self.options();
        let progress = Progress::new(None, "states");
        let work = (scenes, &options);
        let tour = explore::tour(&loaded.world, &*model, work, |states, taken, depth| {
            progress.update(states, |seconds| {
                format!("depth {depth}, {:.0} transitions/s", taken as f64 / seconds)
            });
        })?;
        progress.finish();
        let seconds = progress.elapsed().as_secs_f64();
        let explored = &tour.explored;
        let rate = explored.transitions as f64 / seconds;
        let exit = self.report(&loaded, &*model, &tour)?;
        let memory_bytes = explored.memory_bytes as f64;
        let most = tour.visits.iter().map(|visit| visit.states).max();
        terminal::note(&format!(
            "{rate:.0} transitions per second, {seconds:.1} s; {:.1} MiB at the most, \
             {:.0} bytes a state",
            memory_bytes / f64::from(1 << 20),
            memory_bytes / most.unwrap_or(1) as f64
        ));
        Ok(exit)
    }

    fn small(&self) -> Small {
        Small {
            requests: self.requests,
            sizes: self.sizes.0.clone(),
        }
    }

    /// The small worlds: that in which nothing is varied first.
    fn scenes(&self, model: &dyn Model) -> Result<Vec<Scene>> {
        let mut scenes = model.scenes(&self.small());
        if self.alike {
            scenes.truncate(1);
        }
        if let Some(only) = &self.only {
            let only = answer(&model.answers(), only)?;
            scenes.iter_mut().for_each(|scene| scene.only = Some(only));
        }
        if scenes.iter().all(|scene| scene.requests.is_empty()) {
            bail!("nothing to explore: no client can send this world an event");
        }
        Ok(scenes)
    }

    fn options(&self) -> ExploreOptions {
        ExploreOptions {
            limits: Limits {
                scene: Scene::default(),
                duplicates: self.duplicates,
                drops: self.drops,
                spurious: self.spurious,
                crashes: self.crashes,
                depth: self.depth,
            },
            jobs: jobs(self.jobs),
            memory_bytes: (self.memory_mib as usize) << 20,
            most_states: self.most_states,
            property: None,
            deduplicate: true,
            interrupt: terminal::interrupt(),
        }
    }

    /// The bounds in words.
    fn bounds(&self, model: &dyn Model) -> String {
        let some = |count: u64, one: &str, more: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {more}"),
        };
        let mut bounds = vec![some(self.requests.into(), "request", "requests")];
        let small = self.small();
        for size in model.sizes() {
            if let Some((one, more)) = size.counts {
                bounds.push(some(small.get(size), one, more));
            }
        }
        let faults = [
            (self.duplicates, "duplicate", "duplicates"),
            (self.drops, "drop", "drops"),
            (self.spurious, "spurious event", "spurious events"),
            (self.crashes, "crash", "crashes"),
        ];
        let faults = faults.into_iter().filter(|(count, ..)| *count > 0);
        bounds.extend(faults.map(|(count, one, more)| some(count.into(), one, more)));
        if let Some(only) = &self.only {
            bounds.push(format!("only {only}"));
        }
        bounds.join(", ")
    }

    /// The result on standard output: the same on any machine.
    fn report(&self, loaded: &Loaded, model: &dyn Model, tour: &Tour) -> Result<Exit> {
        let explored = &tour.explored;
        let mut text = Text::default();
        loaded.notes.iter().for_each(|note| text.line(note));
        text.line(format!(
            "{} states, {} transitions, depth {}",
            explored.states, explored.transitions, explored.depth
        ));
        let is_violated = matches!(explored.outcome, Outcome::Violated(_));
        let mut missed = Vec::new();
        let mut unseen = 0;
        if !is_violated {
            visits(&mut text, tour);
            let all = Properties::of(&loaded.world, model);
            unseen = sometimes(&mut text, &all, &explored.sometimes);
            // Where only one answer is given, not all can be accepted.
            if self.only.is_none() {
                missed = never_seen(&all, &explored.sometimes);
            }
            if !all.have_model() {
                text.line(OF_ANY_WORLD);
            }
            text.line("a reducer that remembers its steps may escape this: sim run looks for that");
        }
        let depth = explored.depth;
        let bounds = self.bounds(model);
        let never = match unseen {
            0 => String::new(),
            count => format!("; {count} `sometimes` of the documents were never seen"),
        };
        let exit = match &explored.outcome {
            Outcome::Complete if !missed.is_empty() => {
                for line in missed {
                    text.look(Look::Bad, line);
                }
                text.look(
                    Look::Bad,
                    format!("incomplete: every schedule of {bounds} holds, and tests too little"),
                );
                Exit::NeverSeen
            }
            Outcome::Complete => {
                text.look(
                    Look::Good,
                    format!("complete: every schedule within these bounds holds: {bounds}{never}"),
                );
                Exit::Holds
            }
            Outcome::DepthBound => {
                text.line(format!(
                    "every schedule of {bounds} and up to {depth} decisions holds; \
                     there are longer ones"
                ));
                Exit::Incomplete
            }
            Outcome::StateBound => {
                text.lines(format!(
                    "stopped at {} states. Every schedule of {bounds} and up to {depth} decisions \
                     holds.\n\
                     hint: choose smaller bounds, or more with --most-states",
                    explored.states
                ));
                Exit::Incomplete
            }
            Outcome::MemoryBound => {
                text.lines(format!(
                    "stopped: {} MiB are in use. Every schedule of {bounds} and up to {depth} \
                     decisions holds.\n\
                     hint: choose smaller bounds, or more with --memory-mib",
                    explored.memory_bytes >> 20
                ));
                Exit::Incomplete
            }
            Outcome::Interrupted => {
                text.line(format!(
                    "interrupted: every schedule of {bounds} and up to {depth} decisions holds"
                ));
                Exit::Interrupted
            }
            Outcome::Violated(found) => self.counterexample(&mut text, loaded, model, found)?,
        };
        write!(terminal::out(), "{text}")?;
        Ok(exit)
    }

    fn counterexample(
        &self,
        text: &mut Text,
        loaded: &Loaded,
        model: &dyn Model,
        found: &Counterexample,
    ) -> Result<Exit> {
        let world = &loaded.world;
        let mut runner = Runner::new(world, model)?;
        runner.set_effort(Effort::Thorough);
        let scenario = &found.scenario;
        let (checked, timeline) = sim_session::watched(&mut runner, world, scenario, |_| {});
        let sightings = runner.sightings(scenario, &checked);
        let Some(first) = found.violations.first() else {
            bail!("a counterexample that violates nothing");
        };
        let violates = |seen: &Sighting| seen.signature.violates.contains(&first.property.name);
        let seen = sightings.into_iter().find(violates);
        let is_same = seen.is_some();
        let finding = Finding {
            found_by: FoundBy::explorer(),
            runs: 1,
            sighting: seen.unwrap_or_else(|| Sighting {
                signature: Signature::unseen(&found.violations),
                violations: found.violations.clone(),
                digest: runner.trace.digest(),
                scenario: found.scenario.clone(),
            }),
        };
        let command = |path: &Path| replay::command(path, &self.world);
        let settings = Settings {
            folder: self.case_dir.clone(),
            budget: None,
            most_failures: 1,
            replay: &command,
            progress: &|_| {},
        };
        let mut session = Session::new(world, model, settings)?;
        let written = session.write(&finding, &finding.sighting.signature);
        let decisions = found.scenario.schedule.len();
        text.look(
            Look::Bad,
            format!("violation: no shorter schedule than these {decisions} decisions"),
        );
        text.append(human::violations(&timeline.violations));
        text.append(turns(&timeline, 0, terminal::width()));
        human::case_lines(text, &written);
        if !is_same {
            text.look(Look::Bad, "its replay differs from the exploration");
            return Ok(Exit::Nondeterminism);
        }
        Ok(Exit::Violation)
    }
}
