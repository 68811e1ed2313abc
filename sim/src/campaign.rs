//! Many seeds: each one run, checked and counted, on as many threads as wanted.
//!
//! Work is split into chunks of seeds of one size, each begun on fresh wasm instances, and
//! chunks are taken into the summary in the order of their seeds, so that the summary is the same
//! for any number of jobs. Nothing is printed or written here: failures are handed out with all
//! that is needed to do so.

mod counts;
mod runner;
mod survey;

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use crate::air::ReducerId;
use crate::interrupt::Interrupt;
use crate::invariants::{self, Goal, Goals, Violation};
use crate::random::Seed;
use crate::reducer::{Code, StepError};
use crate::scenario::{Bounds, Decision, Mix, PlanMode, Scenario};
use crate::simulator::End;
use crate::trace::{Difference, Digest};
use crate::workload::Workload;
use crate::world::World;
use counts::Counts;
pub use counts::{FAULTS, faults_of};
pub use runner::{Checked, Effort, Progress, Runner};
pub use survey::survey;

/// Seeds that are run as one piece of work, at least and at most. In larger ones more steps are
/// remembered, smaller ones keep more threads busy to the end.
const CHUNK: RangeInclusive<u64> = 64..=1_024;

/// The pieces of work of a campaign, unless they would be too small or too large: for a few threads
/// enough to share.
const CHUNKS: u64 = 16;

/// One chunk in so many looks for leaks, the first of a campaign among them.
const CHUNKS_PER_LEAK_CHECK: u64 = 16;

/// Wasm instances that a [`Runner`] may hold: to run, to try recoveries, and two to scrutinise; and
/// two of its twin's, if every seed is run twice.
const INSTANCES_OF_A_RUNNER: usize = 6;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    pub seeds: Range<u64>,
    pub jobs: usize,
    pub plans: PlanMode,
    pub bounds: Bounds,
    pub mix: Mix,
    pub effort: Effort,
    /// Take a step that was met before in the same chunk of seeds from memory.
    pub remember: bool,
    /// Run every seed a second time, on fresh instances, and compare the two.
    pub twice: bool,
    pub stop: Stop,
    pub interrupt: Interrupt,
}

/// When a campaign that finds something ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Once so many seeds have failed, no further chunk is run; the counts are of whole chunks.
    AfterFailures(usize),
    /// Never: all seeds are run, and of each invariant the shortest failure is kept.
    Never,
}

/// What a campaign saw. Equal for equal seeds, whatever the number of jobs.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    pub seeds: u64,
    pub turns: u64,
    /// Events through a reducer.
    pub steps: u64,
    /// Runs that ended at a bound rather than by themselves.
    pub bounded_runs: u64,
    pub decisions: [u64; Decision::KINDS.len()],
    pub faults: [u64; FAULTS.len()],
    /// The invariants that are about the world: indices into [`invariants::ALL`].
    pub judged_by: Vec<usize>,
    /// Runs in which each invariant had something to say and held.
    pub holds: [u64; invariants::COUNT],
    pub not_applicable: [u64; invariants::COUNT],
    pub violated: [u64; invariants::COUNT],
    /// The goals of the world, and how many runs reached each.
    pub goals: Vec<(Goal, u64)>,
    /// Reducers that lose memory from step to step, and how much.
    pub leaks: BTreeMap<ReducerId, String>,
    /// The digest over those of all runs, in order of their seeds.
    pub digest: Digest,
    /// Those that are kept, in the order in which they are told.
    pub failures: Vec<Failure>,
    /// Seeds whose second run was not the same, and where it first differed.
    pub unequal: Vec<(Seed, Difference)>,
    /// Stopped after so many failures, before all seeds were run.
    pub cut_short: bool,
    /// Stopped as it was asked to: the seeds of this summary are those that were run until then.
    pub interrupted: bool,
}

/// A seed that was run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ran {
    pub seed: Seed,
    pub digest: Digest,
    pub turns: u32,
    /// Events through a reducer.
    pub steps: u32,
    pub end: End,
    pub is_violated: bool,
}

/// A seed whose run violated something.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub seed: Seed,
    /// The violations of one turn.
    pub violations: Vec<Violation>,
    pub digest: Digest,
    /// The scenario with the decisions of the run, up to that turn.
    pub scenario: Scenario,
}

impl Failure {
    /// What makes one failure simpler than another of the same invariant.
    fn simplicity(&self) -> (usize, Seed) {
        (self.scenario.schedule.len(), self.seed)
    }
}

/// The counts of one chunk, and each of its runs.
struct Chunk {
    counts: Counts,
    runs: Vec<Ran>,
    failures: Vec<Failure>,
    unequal: Vec<(Seed, Difference)>,
}

/// Runs the seeds; `tell` is told each of them, in order.
pub fn run(
    world: &World,
    workload: &dyn Workload,
    options: &Options,
    mut tell: impl FnMut(&Ran),
) -> Result<Summary, StepError> {
    let seed_count = options.seeds.end.saturating_sub(options.seeds.start);
    // By the seeds alone, so that all is the same for any number of jobs.
    let chunk_seeds = (seed_count / CHUNKS).clamp(*CHUNK.start(), *CHUNK.end());
    let chunk_count = seed_count.div_ceil(chunk_seeds);
    let next_chunk = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::sync_channel(options.jobs * 4);
    std::thread::scope(|scope| {
        let most_jobs = Code::instances_max() / INSTANCES_OF_A_RUNNER;
        for _ in 0..options.jobs.clamp(1, most_jobs) {
            let sender = sender.clone();
            let (next_chunk, stop) = (&next_chunk, &stop);
            scope.spawn(move || {
                let mut runner = Runner::new(world, workload);
                if let (Ok(runner), true) = (&mut runner, options.remember) {
                    runner.remember_steps();
                }
                while !stop.load(Ordering::Relaxed) && !options.interrupt.is_asked() {
                    let index = next_chunk.fetch_add(1, Ordering::Relaxed);
                    if index >= chunk_count {
                        break;
                    }
                    let start = options.seeds.start + index * chunk_seeds;
                    let seeds = start..options.seeds.end.min(start.saturating_add(chunk_seeds));
                    let chunk = match &mut runner {
                        Ok(runner) => run_chunk(runner, index, seeds, options),
                        Err(error) => Err(error.clone()),
                    };
                    if sender.send((index, chunk)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let merged = merge(world, receiver, options, chunk_count, &mut tell);
        stop.store(true, Ordering::Relaxed);
        merged
    })
}

/// Takes chunks in order until all are there or enough seeds have failed.
fn merge(
    world: &World,
    receiver: mpsc::Receiver<(u64, Result<Chunk, StepError>)>,
    options: &Options,
    chunk_count: u64,
    tell: &mut impl FnMut(&Ran),
) -> Result<Summary, StepError> {
    let mut early = BTreeMap::new();
    let about = (Goals::of(world), invariants::about(world));
    let mut counts = Counts::empty(about.0.list().len());
    let mut digest = Digest::default();
    let (mut seeds, mut merged) = (0, 0);
    let mut failures = Vec::new();
    let mut unequal = Vec::new();
    for (index, chunk) in receiver {
        early.insert(index, chunk);
        while let Some(chunk) = early.remove(&merged) {
            let chunk = chunk?;
            merged += 1;
            seeds += chunk.runs.len() as u64;
            counts.add(&chunk.counts);
            for ran in &chunk.runs {
                digest = digest.then(ran.digest);
                tell(ran);
            }
            failures.extend(chunk.failures);
            unequal.extend(chunk.unequal);
            match options.stop {
                Stop::Never => keep_the_simplest(&mut failures),
                Stop::AfterFailures(most) if failures.len() >= most => {
                    failures.truncate(most);
                    let cut_short = merged < chunk_count;
                    let found = (failures, unequal);
                    return Ok(counts.summary(about, seeds, digest, found, (cut_short, false)));
                }
                Stop::AfterFailures(_) => {}
            }
        }
    }
    let asked = options.seeds.end.saturating_sub(options.seeds.start);
    let found = (failures, unequal);
    Ok(counts.summary(about, seeds, digest, found, (false, seeds < asked)))
}

/// Of each invariant the simplest failure stays, in the order of the invariants.
fn keep_the_simplest(failures: &mut Vec<Failure>) {
    let mut kept: BTreeMap<usize, Failure> = BTreeMap::new();
    for failure in failures.drain(..) {
        // A turn that violates several is told once, by the first of them.
        let Some(first) = failure.violations.first() else {
            continue;
        };
        match kept.get(&first.invariant) {
            Some(known) if known.simplicity() <= failure.simplicity() => {}
            _ => {
                kept.insert(first.invariant, failure);
            }
        }
    }
    failures.extend(kept.into_values());
}

impl Summary {
    /// Goals that no run reached and that are asked of a campaign of this size. Nothing is asked of
    /// one that found something.
    pub fn missed_goals(&self) -> Vec<&Goal> {
        let is_asked = |goal: &Goal| self.failures.is_empty() && goal.asked.of(self.seeds);
        let missed = self.goals.iter().filter(|(_, count)| *count == 0);
        missed
            .map(|(goal, _)| goal)
            .filter(|goal| is_asked(goal))
            .collect()
    }
}

/// Runs and checks the seeds of one chunk, on fresh instances.
fn run_chunk(
    runner: &mut Runner<'_>,
    index: u64,
    seeds: Range<u64>,
    options: &Options,
) -> Result<Chunk, StepError> {
    runner.renew()?;
    runner.set_effort(options.effort);
    if index.is_multiple_of(CHUNKS_PER_LEAK_CHECK) {
        runner.look_for_leaks();
    }
    let mut twin = match options.twice {
        true => Some(runner.twin()?),
        false => None,
    };
    let mut chunk = Chunk {
        counts: Counts::empty(runner.checker().goals().list().len()),
        runs: Vec::new(),
        failures: Vec::new(),
        unequal: Vec::new(),
    };
    for seed in seeds.map(Seed) {
        if options.interrupt.is_asked() {
            break;
        }
        let scenario = runner.scenario(seed, options.plans, options.bounds, options.mix);
        let checked = runner.seed(seed, &scenario);
        chunk.counts.count_run(runner, &checked);
        chunk.runs.push(Ran {
            seed,
            digest: checked.digest,
            turns: runner.trace.turns.len() as u32,
            steps: runner.trace.steps.len() as u32,
            end: checked.end,
            is_violated: !checked.violations.is_empty(),
        });
        if let Some(twin) = &mut twin {
            twin.renew()?;
            twin.seed(seed, &scenario);
            // What is only seen where it is looked at more closely ends the one run alone.
            let stopped = !checked.violations.is_empty();
            let difference = runner.trace.difference(&twin.trace);
            let difference = difference.filter(|found| !(stopped && found.is_end()));
            chunk.unequal.extend(difference.map(|found| (seed, found)));
        }
        for turn in checked.bad_turns() {
            let violations = checked.violations.iter().filter(|found| found.turn == turn);
            chunk.failures.push(Failure {
                seed,
                violations: violations.cloned().collect(),
                digest: checked.digest,
                scenario: scenario.with_schedule_up_to(&runner.trace, turn),
            });
        }
    }
    Ok(chunk)
}
