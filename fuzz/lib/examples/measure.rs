//! How fast `reducer_events` is, and how soon it finds planted bugs: the tables of
//! `docs/fuzzing.md`.
//!
//! ```text
//! cargo fuzz build reducer_events
//! cargo run --release -p sim_fuzz --example measure -- deep       # with and without each part
//! cargo run --release -p sim_fuzz --example measure -- planted    # the bugs of the retry machine
//! cargo run --release -p sim_fuzz --example measure -- rate
//! ```
//!
//! Each trial is a process of its own, with another seed, an empty folder, and eight cases to start
//! from that the simulator drew and in which no bug shows. Its time is that of the process, from
//! its start until the bug was confirmed, shrunk and written; executions are those that libFuzzer
//! counts. The seeded simulator runs in this process; its executions are seeds.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use planted::{BUGS, DEEP};
use retry_world::planted_wasm;
use sim::air::{self, Air};
use sim::campaign::{Effort, Runner};
use sim::cases::{Case, Found, FoundBy, WorldHashes};
use sim::cli::sources;
use sim::kernel::World;
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};
use sim::selftest::planted_world;
use sim_fuzz::settings::project_folder;

/// Cases that a trial starts from.
const STARTS: usize = 8;
/// Seeds of the simulator are this far apart between trials.
const SEEDS_APART: u64 = 1_000_000_000;
/// Seeds that the simulator runs on the same wasm instances, as a campaign does.
const SEEDS_PER_INSTANCE: u64 = 64;
/// Decisions of an input when the rate is measured.
const RATE_DECISIONS: &str = "8";

/// Measure the fuzz target `reducer_events`
#[derive(Parser)]
struct Arguments {
    what: What,
    /// Trials of each kind
    #[arg(long, default_value_t = 5)]
    trials: u64,
    /// The most seconds of one trial
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Only bugs whose name contains this
    #[arg(long, default_value = "")]
    bug: String,
    /// Only setups whose name contains this
    #[arg(long, default_value = "")]
    setup: String,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    /// The deep bugs, with and without each kind of feedback and the mutator
    Deep,
    /// The bugs that are planted in the retry machine
    Planted,
    /// Executions a second, on both machines without a bug
    Rate,
}

/// How a bug is searched.
struct Setup {
    name: &'static str,
    /// None: by the seeded simulator.
    fuzzer: Option<[(&'static str, &'static str); 2]>,
}

const fn fuzzer(name: &'static str, feedback: &'static str, mutator: &'static str) -> Setup {
    Setup {
        name,
        fuzzer: Some([
            ("SIM_FUZZ_FEEDBACK", feedback),
            ("SIM_FUZZ_MUTATOR", mutator),
        ]),
    }
}

const SETUPS: [Setup; 7] = [
    fuzzer(
        "all feedback, our mutator",
        "blocks,compares,states",
        "structured",
    ),
    fuzzer(
        "blocks and compares, our mutator",
        "blocks,compares",
        "structured",
    ),
    fuzzer("blocks, our mutator", "blocks", "structured"),
    fuzzer("no feedback, our mutator", "none", "structured"),
    fuzzer("all feedback, bytes", "blocks,compares,states", "bytes"),
    fuzzer("no feedback, bytes", "none", "bytes"),
    Setup {
        name: "seeded simulator",
        fuzzer: None,
    },
];

/// A machine with a bug, or without.
struct Subject {
    name: &'static str,
    number: u8,
    /// Of its documents.
    folder: PathBuf,
}

impl Subject {
    fn retry(number: u8, name: &'static str) -> Subject {
        Subject {
            name,
            number,
            folder: project_folder("air"),
        }
    }

    fn deep(number: u8, name: &'static str) -> Subject {
        Subject {
            name,
            number,
            folder: project_folder("fuzz").join("deep/air"),
        }
    }

    fn air(&self) -> Result<Air> {
        Ok(air::load(&sources(&self.folder)?)?)
    }

    fn world(&self) -> Result<World> {
        Ok(planted_world(&self.air()?, &planted_wasm(self.number))?)
    }
}

/// One trial.
struct Trial {
    found: bool,
    time: Duration,
    executions: u64,
}

/// The trials of one bug and setup.
struct Row(Vec<Trial>);

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<&Trial> = self.0.iter().filter(|trial| trial.found).collect();
        write!(out, "{}/{} | ", found.len(), self.0.len())?;
        let mut times: Vec<Duration> = found.iter().map(|trial| trial.time).collect();
        let mut executions: Vec<u64> = found.iter().map(|trial| trial.executions).collect();
        times.sort_unstable();
        executions.sort_unstable();
        match (times.last(), times.get(times.len() / 2)) {
            (Some(slowest), Some(median)) => write!(
                out,
                "{:.1} s | {:.1} s | {}",
                median.as_secs_f64(),
                slowest.as_secs_f64(),
                executions[executions.len() / 2]
            ),
            _ => {
                let most = self.0.iter().map(|trial| trial.executions).max();
                write!(out, " |  | none in {}", most.unwrap_or(0))
            }
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let is_asked = |subject: &Subject| subject.name.contains(&arguments.bug);
    match arguments.what {
        What::Deep => {
            let deep = DEEP
                .iter()
                .map(|(number, name)| Subject::deep(*number, name));
            table(&arguments, deep.filter(is_asked), &SETUPS)
        }
        What::Planted => {
            let bugs = BUGS
                .iter()
                .map(|(number, name)| Subject::retry(*number, name));
            let setups = [&SETUPS[0], &SETUPS[SETUPS.len() - 1]];
            table(&arguments, bugs.filter(is_asked), setups)
        }
        What::Rate => rates(&arguments),
    }
}

fn table<'a>(
    arguments: &Arguments,
    subjects: impl Iterator<Item = Subject>,
    setups: impl IntoIterator<Item = &'a Setup> + Clone,
) -> Result<()> {
    println!("| bug | setup | found | median | slowest | executions, median |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for subject in subjects {
        let is_asked = |setup: &&Setup| setup.name.contains(&arguments.setup);
        for setup in setups.clone().into_iter().filter(is_asked) {
            let row = (0..arguments.trials).map(|trial| {
                let most = Duration::from_secs(arguments.seconds);
                match &setup.fuzzer {
                    None => simulate(&subject, trial, most),
                    Some(variables) => fuzz(&subject, trial, most, variables),
                }
            });
            let row = Row(row.collect::<Result<_>>()?);
            println!("| {} | {} | {row} |", subject.name, setup.name);
        }
    }
    Ok(())
}

fn rates(arguments: &Arguments) -> Result<()> {
    println!("| machine | feedback | executions a second |");
    println!("| --- | --- | --- |");
    for subject in [Subject::retry(0, "retry"), Subject::deep(100, "deep")] {
        for feedback in ["blocks,compares,states", "none"] {
            let variables = [
                ("SIM_FUZZ_FEEDBACK", feedback),
                ("SIM_FUZZ_DECISIONS", RATE_DECISIONS),
            ];
            let most = Duration::from_secs(arguments.seconds);
            let trial = fuzz(&subject, 0, most, &variables)?;
            let rate = trial.executions as f64 / trial.time.as_secs_f64();
            println!("| {} | {feedback} | {rate:.0} |", subject.name);
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn now() -> Instant {
    Instant::now()
}

/// Fuzzes until a bug is found or the time is over.
fn fuzz(
    subject: &Subject,
    trial: u64,
    most: Duration,
    variables: &[(&str, &str)],
) -> Result<Trial> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    for name in ["corpus", "seeds", "cases"] {
        fs::create_dir(path(name))?;
    }
    fs::write(path("planted.wasm"), planted_wasm(subject.number))?;
    starts(subject, &path("seeds"))?;
    let mut command = Command::new(binary()?);
    command
        .current_dir(folder.path())
        .arg("corpus")
        .arg(format!("-seed={}", trial + 1))
        .arg(format!("-max_total_time={}", most.as_secs()))
        .arg("-print_final_stats=1")
        .env("SIM_FUZZ_WORLD", fs::canonicalize(&subject.folder)?)
        .env("SIM_FUZZ_WASM", path("planted.wasm"))
        .env("SIM_FUZZ_SEEDS", path("seeds"))
        .env("SIM_FUZZ_CASES", path("cases"))
        .envs(variables.iter().copied())
        .stdout(Stdio::null());
    let start = now();
    let output = command.output()?;
    let time = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    let executions = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .and_then(|count| count.trim().parse().ok());
    let Some(executions) = executions else {
        bail!("{} did not run to its end:\n{said}", subject.name);
    };
    let found = said.contains("\nviolation: ");
    if !output.status.success() && !found {
        bail!("{} ended otherwise:\n{said}", subject.name);
    }
    Ok(Trial {
        found,
        time,
        executions,
    })
}

/// The newest build of the target.
fn binary() -> Result<PathBuf> {
    const NAME: &str = "release/reducer_events";
    let target = project_folder("target");
    let mut built = Vec::new();
    for entry in fs::read_dir(&target).with_context(|| target.display().to_string())? {
        let path = entry?.path().join(NAME);
        if path.is_file() {
            built.push(path);
        }
    }
    match built.as_slice() {
        [path] => Ok(fs::canonicalize(path)?),
        [] => bail!("there is no target: run `cargo fuzz build reducer_events`"),
        several => bail!("there are several: {several:?}"),
    }
}

/// Cases to start from, in which nothing is violated.
fn starts(subject: &Subject, folder: &Path) -> Result<()> {
    let world = subject.world()?;
    let model = models::of(&world);
    let mut runner = Runner::new(&world, &*model)?;
    let mut seed = Seed(0);
    let mut written = 0;
    while written < STARTS {
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        runner.renew()?;
        if runner.seed(seed, &scenario).violations.is_empty() {
            let found = Found {
                about: None,
                found_by: FoundBy::seed(seed.0, &scenario),
                world: WorldHashes::of(&world),
                judged: None,
            };
            let case = Case::new(&world.air, &scenario.with_schedule_of(&runner.trace), found);
            fs::write(folder.join(format!("{}.json", seed.0)), case.to_text())?;
            written += 1;
        }
        seed.0 += 1;
    }
    Ok(())
}

/// Runs seeds until one fails or the time is over.
fn simulate(subject: &Subject, trial: u64, most: Duration) -> Result<Trial> {
    let world = subject.world()?;
    let model = models::of(&world);
    let start = now();
    let mut runner = Runner::new(&world, &*model)?;
    runner.set_effort(Effort::Sampled);
    let mut executions = 0;
    let mut found = false;
    while !found && start.elapsed() < most {
        if executions % SEEDS_PER_INSTANCE == 0 {
            runner.renew()?;
        }
        if executions % (16 * SEEDS_PER_INSTANCE) == 0 {
            runner.look_for_leaks();
        }
        let seed = Seed(trial * SEEDS_APART + executions);
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        found = !runner.seed(seed, &scenario).violations.is_empty();
        executions += 1;
    }
    Ok(Trial {
        found,
        time: start.elapsed(),
        executions,
    })
}
