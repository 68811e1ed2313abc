//! `sim explore`: every schedule of a small world.

mod result;
mod sizes;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};

use super::input::{WorldArguments, jobs};
use super::terminal::{self, Progress};
use super::{Exit, run};
use crate::models;
use crate::worlds::examples;
use sim_model::{Model, Scene, Small};
use sim_record::trace::{Answer, Answers};
use sim_search::explore::{self, ExploreOptions, Limits};
use sizes::Sizes;

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
}
