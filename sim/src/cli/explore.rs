//! `sim explore`: every schedule of a small world.

mod kept;
mod result;
mod sizes;
mod together;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};

use super::input::{WorldArguments, jobs};
use super::terminal::{self, Progress};
use super::{Exit, reporting};
use crate::models;
use crate::worlds::examples;
pub(super) use kept::hint as checkpoint_hint;
use sim_declared::File;
use sim_model::{Model, Scene, Small};
use sim_record::trace::{Answer, Answers};
use sim_search::explore::{self, ExploreOptions, Limits, Store};
use sizes::Sizes;
use together::Together;
pub(super) use together::hint as peers_hint;

/// Explore every schedule of a small world, breadth first.
#[derive(Args)]
#[command(after_help = examples::EXPLORE)]
pub(super) struct Explore {
    /// Requests that may be started [default: 2, or as sim.toml says; so are the next four]
    #[arg(
        long,
        value_name = "N",
        value_parser = value_parser!(u32).range(1..=4)
    )]
    requests: Option<u32>,
    #[command(flatten)]
    sizes: Sizes,
    /// Work answers like this alone, by name, such as ok; it goes deep, not wide
    #[arg(long, value_name = "ANSWER")]
    only: Option<String>,
    /// Messages and timers that are sent twice
    #[arg(
        long,
        value_name = "N",
        value_parser = value_parser!(u8).range(0..=8)
    )]
    duplicates: Option<u8>,
    /// Messages that are dropped, and perhaps redelivered
    #[arg(
        long,
        value_name = "N",
        value_parser = value_parser!(u8).range(0..=8)
    )]
    drops: Option<u8>,
    /// Spurious events, and second starts
    #[arg(
        long,
        alias = "stale",
        value_name = "N",
        value_parser = value_parser!(u8).range(0..=8)
    )]
    spurious: Option<u8>,
    /// Crashes, at any point of an event's arrival
    #[arg(
        long,
        value_name = "N",
        value_parser = value_parser!(u8).range(0..=4)
    )]
    crashes: Option<u8>,
    /// Vary nothing: only requests that are alike
    #[arg(long)]
    alike: bool,
    /// Take independent decisions in every order
    #[arg(long)]
    no_reduction: bool,
    /// Tell requests apart that are alike
    #[arg(long)]
    no_symmetry: bool,
    /// Decisions in a row, ends of plans aside
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        value_parser = value_parser!(u32).range(1..=100_000)
    )]
    depth: u32,
    /// About how much memory may be used, by all threads together; what is more goes to disk
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
    /// Folder of checkpoints, and of what goes to disk
    #[arg(long, value_name = "DIR")]
    checkpoint_dir: Option<PathBuf>,
    /// Go on from the last checkpoint of --checkpoint-dir, if there is one
    #[arg(long, requires = "checkpoint_dir")]
    resume: bool,
    #[command(flatten)]
    together: Together,
    /// Threads; the output is the same for any number, unless memory ends it [default: all cores]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    world: WorldArguments,
    /// Folder in which a counterexample is written as a case
    #[arg(long, value_name = "DIR", default_value = "corpus")]
    case_dir: PathBuf,
}

/// What is held is told for each state where there are so many.
const MANY_STATES: u64 = 100_000;

/// The bounds of the small worlds: as the command line says, as `sim.toml` does, or the usual ones.
#[derive(Clone, Copy)]
struct Sized {
    requests: u32,
    duplicates: u8,
    drops: u8,
    spurious: u8,
    crashes: u8,
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
        let sized = self.sized(loaded.declared.as_ref());
        let scenes = self.scenes(&*model, sized)?;
        reporting::probe(&self.case_dir)?;
        let store = self.store(&loaded, sized, &scenes)?;
        // Before Ctrl-C is caught: it ends a process that waits for others.
        let processes = self.join(&store)?;
        let options = self.options(sized, store);
        let progress = Progress::new(None, "states");
        let work = (scenes, &options);
        let mut before = None;
        let told = |told: explore::Progress| {
            // What was done before it went on took none of this time.
            let before = *before.get_or_insert_with(|| {
                if told.states > 1 {
                    let explore::Progress { states, depth, .. } = told;
                    terminal::note(&format!("going on from {states} states, depth {depth}"));
                }
                told.transitions
            });
            progress.update(told.states, |seconds| {
                let rate = (told.transitions - before) as f64 / seconds;
                format!(
                    "depth {}, {} in the frontier, {rate:.0} transitions/s, {seconds:.0} s",
                    told.depth, told.frontier
                )
            });
        };
        let tour = processes
            .explore(|peers| explore::tour_among(peers, (&loaded.world, &*model), work, told))?;
        progress.finish();
        let seconds = progress.elapsed().as_secs_f64();
        let explored = &tour.explored;
        let taken = explored.transitions - before.unwrap_or(explored.transitions);
        let rate = taken as f64 / seconds;
        let exit = self.report(&loaded, &*model, sized, &tour)?;
        let memory_bytes = explored.memory_bytes as f64;
        let most = tour.visits.iter().map(|visit| visit.states).max();
        let each = match most {
            // What the engine takes does not count then.
            Some(most) if most >= MANY_STATES => {
                format!(", {:.0} bytes a state", memory_bytes / most as f64)
            }
            _ => String::new(),
        };
        terminal::note(&format!(
            "{rate:.0} transitions per second, {seconds:.1} s; {:.1} MiB at the most{each}",
            memory_bytes / f64::from(1 << 20),
        ));
        Ok(exit)
    }

    fn sized(&self, declared: Option<&File>) -> Sized {
        let usual = declared
            .map(|file| file.explore().clone())
            .unwrap_or_default();
        Sized {
            requests: self.requests.or(usual.requests).unwrap_or(2).clamp(1, 4),
            duplicates: self.duplicates.or(usual.duplicates).unwrap_or(1).min(8),
            drops: self.drops.or(usual.drops).unwrap_or(0).min(8),
            spurious: self.spurious.or(usual.spurious).unwrap_or(1).min(8),
            crashes: self.crashes.or(usual.crashes).unwrap_or(0).min(4),
        }
    }

    fn small(&self, sized: Sized) -> Small {
        Small {
            requests: sized.requests,
            sizes: self.sizes.0.clone(),
        }
    }

    /// The small worlds: that in which nothing is varied first.
    fn scenes(&self, model: &dyn Model, sized: Sized) -> Result<Vec<Scene>> {
        let mut scenes = model.scenes(&self.small(sized));
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

    fn options(&self, sized: Sized, store: Store) -> ExploreOptions {
        ExploreOptions {
            limits: Limits {
                scene: Scene::default(),
                duplicates: sized.duplicates,
                drops: sized.drops,
                spurious: sized.spurious,
                crashes: sized.crashes,
                depth: self.depth,
            },
            jobs: jobs(self.jobs),
            memory_bytes: (self.memory_mib as usize) << 20,
            store,
            most_states: self.most_states,
            property: None,
            symmetry: !self.no_symmetry,
            deduplicate: true,
            reduce: !self.no_reduction,
            interrupt: terminal::interrupt(),
        }
    }

    /// The bounds in words.
    fn bounds(&self, model: &dyn Model, sized: Sized) -> String {
        let some = |count: u64, one: &str, more: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {more}"),
        };
        let mut bounds = vec![some(sized.requests.into(), "request", "requests")];
        let small = self.small(sized);
        for size in model.sizes() {
            if let Some((one, more)) = size.counts {
                bounds.push(some(small.get(size), one, more));
            }
        }
        let faults = [
            (sized.duplicates, "duplicate", "duplicates"),
            (sized.drops, "drop", "drops"),
            (sized.spurious, "spurious event", "spurious events"),
            (sized.crashes, "crash", "crashes"),
        ];
        let faults = faults.into_iter().filter(|(count, ..)| *count > 0);
        bounds.extend(faults.map(|(count, one, more)| some(count.into(), one, more)));
        if let Some(only) = &self.only {
            bounds.push(format!("only {only}"));
        }
        bounds.join(", ")
    }
}
