//! Many seeds: each one run, checked and counted, on as many threads as wanted.
//!
//! Work is split into chunks of seeds of one size, each begun on fresh wasm instances, and
//! chunks are taken into the summary in the order of their seeds, so that the summary is the same
//! for any number of jobs. Nothing is printed or written here: failures are handed out with all
//! that is needed to do so.

mod chunks;
mod counts;
mod merger;
mod proof;
mod results;
mod runner;
mod summary;
mod survey;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use crate::threads;
pub use chunks::Chunks;
use chunks::{Part, run_chunk};
pub use counts::{fault_names, faults_of};
use merger::Merger;
pub use proof::{Progress, Proof};
pub use results::{ChunkResults, MergeError, merge, run_chunks};
pub(crate) use runner::Shown;
pub use runner::{Checked, Effort, Runner, Sighting};
use sim_host::{Code, StepError};
use sim_kernel::World;
use sim_model::{Model, Properties};
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Mix, PlanMode};
use sim_record::trace::Difference;
pub use summary::{Failure, Judged, Ran, Sighted, Sometimes, Summary};
pub use survey::survey;

/// Wasm instances that a [`Runner`] may hold: to run, to try recoveries, and two to scrutinise; and
/// two of its twin's, if every seed is run twice.
const INSTANCES_OF_A_RUNNER: usize = 6;

/// What to run.
#[derive(Clone, Debug)]
pub struct CampaignOptions {
    /// Each is one run.
    pub seeds: Range<u64>,
    /// Threads. The results are the same for any number.
    pub jobs: usize,
    /// Where the answers of plans come from.
    pub plans: PlanMode,
    /// Where a run ends if nothing else ends it.
    pub bounds: Bounds,
    /// Where the mixes of faults come from.
    pub mix: Mix,
    /// How much is done beside the runs.
    pub effort: Effort,
    /// Take a step that was met before in the same chunk of seeds from memory.
    pub remember: bool,
    /// Run every seed a second time, on fresh instances, and compare the two.
    pub twice: bool,
    /// When it ends early.
    pub stop: Stop,
    /// Ends it soon after this is asked.
    pub interrupt: Interrupt,
}

impl CampaignOptions {
    /// All of these seeds, on all cores; otherwise as `sim run` is where nothing is asked for.
    pub fn of(seeds: Range<u64>) -> CampaignOptions {
        CampaignOptions {
            seeds,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            plans: PlanMode::Answered,
            bounds: Bounds::default(),
            mix: Mix::Swarm,
            effort: Effort::Sampled,
            remember: true,
            twice: false,
            stop: Stop::Never,
            interrupt: Interrupt::default(),
        }
    }
}

/// When a campaign that finds something ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Once so many different failures are known, no further chunk is run; the counts are of whole
    /// chunks. Copies of a known one do not count.
    AfterFailures(usize),
    /// Never: all seeds are run.
    Never,
}

/// What is told of a campaign while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a, S = Sighting> {
    /// A failure as no seed before had one. It is told before the seed is.
    Found(&'a Failure<S>),
    /// A seed was run.
    Ran(&'a Ran),
}

/// Runs the seeds; `tell` is told each of them, in order, and each failure as soon as it is known.
pub fn run(
    world: &World,
    model: &dyn Model,
    options: &CampaignOptions,
    tell: impl FnMut(Told<'_>),
) -> Result<Summary, StepError> {
    let chunks = Chunks::of(&options.seeds);
    let properties = Properties::of(world, model);
    let mut merger = Merger::new(properties, model.answers(), options, chunks.count, tell);
    on_threads((world, model, options), 0..chunks.count, &mut |part| {
        merger.take(part)
    });
    merger.finish(Ok)
}

/// Runs some chunks of a campaign on as many threads as it wants. `take` is given what comes of
/// them, and says whether it wants more.
fn on_threads(
    (world, model, options): (&World, &dyn Model, &CampaignOptions),
    wanted: impl IntoIterator<Item = u64, IntoIter: Send>,
    take: &mut dyn FnMut(Result<Part, (u64, StepError)>) -> bool,
) {
    let chunks = Chunks::of(&options.seeds);
    let wanted = Mutex::new(wanted.into_iter());
    let next = || {
        let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.next()
    };
    let stop = AtomicBool::new(false);
    let work = |sink: &mut dyn FnMut(Result<Part, (u64, StepError)>) -> bool| {
        let mut runner = runner_for(world, model, options);
        while !stop.load(Ordering::Relaxed) && !options.interrupt.is_asked() {
            let Some(index) = next() else { break };
            let seeds = (index, chunks.seeds(index));
            let ran = match &mut runner {
                Ok(runner) => run_chunk(runner, seeds, options, sink),
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = ran
                && !sink(Err((index, error)))
            {
                break;
            }
        }
    };
    let (sender, receiver) = mpsc::sync_channel(options.jobs * 4);
    std::thread::scope(|scope| {
        let jobs = 0..options.jobs.clamp(1, most_runners());
        let works = jobs.map(|_| {
            let (sender, work) = (sender.clone(), &work);
            move || work(&mut |part| sender.send(part).is_ok())
        });
        let count = threads::begin(scope, works);
        drop(sender);
        if count == 0 {
            work(take);
        }
        for part in receiver {
            if !take(part) {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// How many runners may work at a time.
pub(crate) fn most_runners() -> usize {
    Code::instances_max() / INSTANCES_OF_A_RUNNER
}

/// A runner that runs seeds as a campaign does.
fn runner_for<'w>(
    world: &'w World,
    model: &'w dyn Model,
    options: &CampaignOptions,
) -> Result<Runner<'w>, StepError> {
    let mut runner = Runner::new(world, model)?;
    runner.set_interrupt(options.interrupt.clone());
    if options.remember {
        runner.remember_steps();
    }
    Ok(runner)
}

/// Other runs between which a seed is run again, to see whether it is the same after them.
const OTHERS: u64 = 64;

/// Where a seed's run is not the same after others, on the same instances, as it is alone: what a
/// seed that is run by itself would not show of a reducer that remembers something.
pub fn differs_after_others(
    world: &World,
    model: &dyn Model,
    options: &CampaignOptions,
    seed: Seed,
) -> Result<Option<Difference>, StepError> {
    let mut alone = Runner::new(world, model)?;
    alone.set_interrupt(options.interrupt.clone());
    let scenario = alone.scenario(seed, options.plans, options.bounds, options.mix);
    alone.seed(seed, &scenario);
    let mut after = alone.twin()?;
    for other in (1..=OTHERS).map(|distance| Seed(seed.0.wrapping_sub(distance))) {
        let usual = Bounds::default();
        let between = after.scenario(other, options.plans, usual, options.mix);
        after.seed(other, &between);
        after.seed(seed, &scenario);
        if options.interrupt.is_asked() {
            break;
        }
        let difference = alone.trace.difference(&after.trace);
        if difference.is_some() {
            return Ok(difference);
        }
    }
    Ok(None)
}
