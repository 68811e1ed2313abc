//! Many seeds: each one run, checked and counted, on as many threads as wanted.
//!
//! Work is split into chunks of seeds of a fixed size, each begun on fresh wasm instances, and
//! chunks are taken into the summary in the order of their seeds, so that the summary is the same
//! for any number of jobs. Nothing is
//! printed or written here: failures are handed out with all that is needed to do so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use sha2::{Digest, Sha256};

use crate::air::Hash;
use crate::invariants::{self, Checker, Crashes, GOALS, Replays, Violation};
use crate::random::{Component, Seed, Stream};
use crate::reducer::{Code, StepError};
use crate::scenario::{Bounds, Decision, Faults, Mix, PlanMode, Scenario};
use crate::shrink::{self, Refused, Shrunk, Subject};
use crate::simulator::{Chooser, End, Scripted, Seeded, Simulator};
use crate::trace::{Answer, Choice, CrashPoint, Difference, Recovery, Remark, Status, Trace, Turn};
use crate::workload::Workload;
use crate::world::{Sampling, World};

/// Seeds that are run as one piece of work.
const CHUNK: u64 = 64;

/// One chunk in so many looks for leaks, the first of a campaign among them.
const CHUNKS_PER_LEAK_CHECK: u64 = 16;

/// Wasm instances that a [`Runner`] may hold: to run, to try recoveries, and two to scrutinise; and
/// two of its twin's, if every seed is run twice.
const INSTANCES_OF_A_RUNNER: usize = 6;

/// A campaign on too few seeds is not asked to reach every goal.
pub const SEEDS_FOR_GOALS: u64 = 2_000;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    pub seeds: Range<u64>,
    pub jobs: usize,
    pub plans: PlanMode,
    pub bounds: Bounds,
    pub mix: Mix,
    pub effort: Effort,
    /// Run every seed a second time, on fresh instances, and compare the two.
    pub twice: bool,
    /// Once so many seeds have failed, no further chunk is run; the counts are of whole chunks.
    pub most_failures: usize,
}

/// How much is done beside the runs themselves, for `pure` and `replays`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// Nothing: where only the other invariants matter.
    Plain,
    /// Steps are scrutinised, and recoveries tried, now and then.
    Sampled,
    /// Every step is scrutinised, and recoveries tried after every turn.
    Thorough,
}

/// The kinds of fault that a summary counts, as reports call them.
pub const FAULTS: [&str; 18] = [
    "work failed (transient)",
    "work failed (terminal)",
    "work silent",
    "message reordered",
    "message duplicated",
    "message dropped",
    "message redelivered",
    "stray event",
    "second start",
    "timer early",
    "timer late",
    "timer twice",
    "timer out of order",
    "timer error or timeout",
    "crash before the append",
    "crash after the append",
    "crash before dispatch",
    "recovery from a snapshot",
];

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
    /// Runs in which each invariant had something to say and held.
    pub holds: [u64; invariants::COUNT],
    pub not_applicable: [u64; invariants::COUNT],
    pub violated: [u64; invariants::COUNT],
    /// Runs that reached each goal.
    pub goals: [u64; GOALS.len()],
    /// SHA-256 over the digests of all runs, in order of their seeds.
    pub digest: Hash,
    pub failures: Vec<Failure>,
    /// Seeds whose second run was not the same, and where it first differed.
    pub unequal: Vec<(Seed, Difference)>,
    /// Stopped at `most_failures`, before all seeds were run.
    pub cut_short: bool,
}

/// A seed whose run violated something.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub seed: Seed,
    /// The violations of the first bad turn.
    pub violations: Vec<Violation>,
    pub digest: Hash,
    /// The scenario with the decisions of the run.
    pub scenario: Scenario,
}

/// The counts of one chunk, and the digest of each run.
struct Chunk {
    counts: Counts,
    digests: Vec<Hash>,
    failures: Vec<Failure>,
    unequal: Vec<(Seed, Difference)>,
}

#[derive(Clone, Default)]
struct Counts {
    turns: u64,
    steps: u64,
    bounded_runs: u64,
    decisions: [u64; Decision::KINDS.len()],
    faults: [u64; FAULTS.len()],
    holds: [u64; invariants::COUNT],
    not_applicable: [u64; invariants::COUNT],
    violated: [u64; invariants::COUNT],
    goals: [u64; GOALS.len()],
}

/// Runs the seeds. `progress` is told, in order, how many seeds and steps are done.
pub fn run(
    world: &World,
    workload: &dyn Workload,
    options: &Options,
    mut progress: impl FnMut(u64, u64),
) -> Result<Summary, StepError> {
    let seed_count = options.seeds.end.saturating_sub(options.seeds.start);
    let chunk_count = seed_count.div_ceil(CHUNK);
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
                while !stop.load(Ordering::Relaxed) {
                    let index = next_chunk.fetch_add(1, Ordering::Relaxed);
                    if index >= chunk_count {
                        break;
                    }
                    let start = options.seeds.start + index * CHUNK;
                    let seeds = start..options.seeds.end.min(start.saturating_add(CHUNK));
                    let chunk = match &mut runner {
                        Ok(runner) => runner.chunk(index, seeds, options),
                        Err(error) => Err(error.clone()),
                    };
                    if sender.send((index, chunk)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let merged = merge(receiver, options, chunk_count, &mut progress);
        stop.store(true, Ordering::Relaxed);
        merged
    })
}

/// Takes chunks in order until all are there or enough seeds have failed.
fn merge(
    receiver: mpsc::Receiver<(u64, Result<Chunk, StepError>)>,
    options: &Options,
    chunk_count: u64,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Summary, StepError> {
    let mut early = BTreeMap::new();
    let mut counts = Counts::default();
    let mut hasher = Sha256::default();
    let (mut seeds, mut merged) = (0, 0);
    let mut failures = Vec::new();
    let mut unequal = Vec::new();
    for (index, chunk) in receiver {
        early.insert(index, chunk);
        while let Some(chunk) = early.remove(&merged) {
            let chunk = chunk?;
            merged += 1;
            seeds += chunk.digests.len() as u64;
            counts.add(&chunk.counts);
            chunk
                .digests
                .iter()
                .for_each(|digest| Digest::update(&mut hasher, digest.as_bytes()));
            failures.extend(chunk.failures);
            unequal.extend(chunk.unequal);
            progress(seeds, counts.steps);
            if failures.len() >= options.most_failures {
                failures.truncate(options.most_failures);
                let cut_short = merged < chunk_count;
                return Ok(counts.summary(seeds, hasher, (failures, unequal), cut_short));
            }
        }
    }
    Ok(counts.summary(seeds, hasher, (failures, unequal), false))
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.turns += other.turns;
        self.steps += other.steps;
        self.bounded_runs += other.bounded_runs;
        let add = |into: &mut [u64], from: &[u64]| {
            into.iter_mut()
                .zip(from)
                .for_each(|(into, from)| *into += from);
        };
        add(&mut self.decisions, &other.decisions);
        add(&mut self.faults, &other.faults);
        add(&mut self.holds, &other.holds);
        add(&mut self.not_applicable, &other.not_applicable);
        add(&mut self.violated, &other.violated);
        add(&mut self.goals, &other.goals);
    }

    fn summary(
        self,
        seeds: u64,
        hasher: Sha256,
        (failures, unequal): (Vec<Failure>, Vec<(Seed, Difference)>),
        cut_short: bool,
    ) -> Summary {
        Summary {
            seeds,
            turns: self.turns,
            steps: self.steps,
            bounded_runs: self.bounded_runs,
            decisions: self.decisions,
            faults: self.faults,
            holds: self.holds,
            not_applicable: self.not_applicable,
            violated: self.violated,
            goals: self.goals,
            digest: Hash::from_bytes(hasher.finalize().into()),
            failures,
            unequal,
            cut_short,
        }
    }

    fn count_turn(&mut self, turn: &Turn) {
        self.decisions[turn.choice.kind()] += 1;
        self.count_faults(&turn.choice, &turn.remark);
    }

    fn count_faults(&mut self, choice: &Choice, remark: &Remark) {
        let Remark {
            reordered,
            repeated,
            early,
            late,
            second_start,
        } = *remark;
        let mut count = |index: usize, happened: bool| self.faults[index] += u64::from(happened);
        match choice {
            Choice::Start { .. } => count(8, second_start),
            Choice::Deliver(_) => count(3, reordered),
            Choice::Duplicate(_) => count(4, true),
            Choice::Drop(_) => count(5, true),
            Choice::Redeliver(_) => count(6, true),
            Choice::Step {
                answer: Some(answer),
                ..
            }
            | Choice::Receipt { answer, .. } => {
                count(0, *answer == Answer::Transient);
                count(1, *answer == Answer::Terminal);
                count(2, *answer == Answer::Silence);
            }
            Choice::Inject { .. } => count(7, true),
            Choice::Fire { status, .. } => {
                count(9, early);
                count(10, late);
                count(11, repeated);
                count(12, reordered);
                count(13, *status != Status::Ok);
            }
            Choice::Crash {
                point,
                recovery,
                during,
            } => {
                count(14, *point == CrashPoint::BeforeAppend);
                count(15, *point == CrashPoint::AfterAppend);
                count(16, *point == CrashPoint::BeforeDispatch);
                count(17, *recovery == Recovery::Snapshot);
                // What does not arrive does nothing yet.
                if *point != CrashPoint::BeforeAppend {
                    self.count_faults(during, remark);
                }
            }
            Choice::Step { answer: None, .. } | Choice::Advance { .. } | Choice::Snapshot => {}
        }
    }
}

impl Summary {
    /// Goals that no run reached, of a campaign that is large enough to be asked.
    pub fn missed_goals(&self) -> Vec<&'static str> {
        let asked = self.seeds >= SEEDS_FOR_GOALS && self.failures.is_empty();
        let missed = GOALS
            .iter()
            .zip(self.goals)
            .filter(|(_, count)| *count == 0);
        missed
            .filter(|_| asked)
            .map(|((name, _), _)| *name)
            .collect()
    }
}

fn crashes(effort: Effort) -> Option<Crashes> {
    (effort == Effort::Thorough).then_some(Crashes::Everywhere)
}

/// Runs and checks scenarios, one after the other, on one thread.
pub struct Runner<'w> {
    world: &'w World,
    simulator: Simulator<'w>,
    checker: Checker<'w>,
    replays: Replays<'w>,
    effort: Effort,
    workload: &'w dyn Workload,
    pub trace: Trace,
}

/// What a shrinker tells on its way.
pub enum Progress<'a> {
    /// A candidate is run.
    Attempt,
    /// The best scenario so far, after so many attempts.
    Improved(&'a Scenario, u32),
}

/// How a checked run went. The trace is in the runner.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    pub violations: Vec<Violation>,
    pub digest: Hash,
    pub end: End,
    /// Indices of decisions of the schedule that were not possible.
    pub skipped: Vec<usize>,
}

impl<'w> Runner<'w> {
    pub fn new(world: &'w World, workload: &'w dyn Workload) -> Result<Runner<'w>, StepError> {
        let simulator = Simulator::new(world, workload)?;
        let checker = Checker::new(&world.air);
        Ok(Runner {
            world,
            simulator,
            checker,
            replays: Replays::new(world)?,
            effort: Effort::Plain,
            workload,
            trace: Trace::default(),
        })
    }

    /// Fresh wasm instances: see [`Simulator::renew`].
    pub fn renew(&mut self) -> Result<(), StepError> {
        self.simulator.renew()
    }

    /// How much is done beside the runs, from now on.
    pub fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
        self.simulator.scrutinise(match effort {
            Effort::Plain => Sampling::Never,
            Effort::Sampled => Sampling::Sampled,
            Effort::Thorough => Sampling::Every,
        });
    }

    /// The requests and the fault mix of a seed, with nothing decided. It heals at the end.
    pub fn scenario(&self, seed: Seed, plans: PlanMode, bounds: Bounds, mix: Mix) -> Scenario {
        let requests = self
            .workload
            .requests(&mut Stream::new(seed, Component::Requests));
        Scenario {
            requests,
            plans,
            bounds,
            heal: true,
            faults: Some(match mix {
                Mix::Swarm => Faults::draw(&mut Stream::new(seed, Component::Faults)),
                Mix::Fixed => Faults::FIXED,
            }),
            schedule: Vec::new(),
        }
    }

    /// Runs a seed and checks it.
    pub fn seed(&mut self, seed: Seed, scenario: &Scenario) -> Checked {
        let mut chooser = Seeded::new(seed, scenario.faults);
        self.run(seed, scenario, &mut chooser)
    }

    /// Runs a scenario as `chooser` decides, and checks it; `seed` says how closely.
    pub fn run(&mut self, seed: Seed, scenario: &Scenario, chooser: &mut dyn Chooser) -> Checked {
        self.checker.reset();
        let checker = &mut self.checker;
        let outcome = self
            .simulator
            .run(scenario, chooser, &mut self.trace, |trace| {
                checker.observe(trace)
            });
        let crashes = match self.effort {
            Effort::Sampled => self.drawn_crashes(seed),
            effort => crashes(effort),
        };
        self.finish(outcome.end, Vec::new(), crashes)
    }

    /// The invariants, for the self-test to silence one.
    pub fn checker_mut(&mut self) -> &mut Checker<'w> {
        &mut self.checker
    }

    /// One seed in [`CHUNK`] tries two recoveries, after turns that it draws.
    fn drawn_crashes(&self, seed: Seed) -> Option<Crashes> {
        let turns = self.trace.turns.len() as u32;
        let mut stream = Stream::new(seed, Component::Samples);
        let is_drawn = stream.below(CHUNK as u32) == 0 && turns > 0;
        is_drawn.then(|| Crashes::At {
            journal: stream.below(turns) as usize,
            snapshot: stream.below(turns) as usize,
        })
    }

    /// Follows the schedule of a scenario and checks what happens.
    pub fn replay(&mut self, scenario: &Scenario) -> Checked {
        self.checker.reset();
        let checker = &mut self.checker;
        let mut chooser = Scripted::new(scenario);
        let outcome = self
            .simulator
            .run(scenario, &mut chooser, &mut self.trace, |trace| {
                checker.observe(trace)
            });
        let crashes = crashes(self.effort);
        self.finish(outcome.end, chooser.skipped, crashes)
    }

    /// The shortest scenario that violates what this one violates, by way of [`shrink::shrink`].
    pub fn shrink(
        &mut self,
        scenario: &Scenario,
        invariant: usize,
        attempts: u32,
        progress: impl FnMut(Progress<'_>),
    ) -> Result<Shrunk, Refused> {
        let whole = self.whole(scenario, invariant);
        let whole = whole.ok_or(Refused::DoesNotFail)?;
        let subject = Subject {
            air: &self.world.air,
            workload: self.workload,
        };
        // Both closures tell.
        let progress = RefCell::new(progress);
        let oracle = |candidate: &Scenario| {
            progress.borrow_mut()(Progress::Attempt);
            self.violates(candidate, invariant)
        };
        let improved = |best: &Scenario, attempts| {
            progress.borrow_mut()(Progress::Improved(best, attempts));
        };
        let mut shrunk = shrink::shrink(&whole, subject, attempts, oracle, improved)?;
        // What it healed by may have needed more turns than are left.
        let turns = shrunk.scenario.schedule.len() as u32;
        shrunk.scenario.bounds.turns = scenario.bounds.turns.max(turns);
        Ok(shrunk)
    }

    /// What is to be shrunk of a scenario that violates an invariant: the same with the decisions
    /// of its healing, if it fails so too, or else as it is. From here on the runner makes no more
    /// effort than it takes to see it; None if it is not seen at all.
    fn whole(&mut self, scenario: &Scenario, invariant: usize) -> Option<Scenario> {
        for effort in [Effort::Plain, Effort::Thorough] {
            self.set_effort(effort);
            if self.violates(scenario, invariant).is_some() {
                let whole = scenario.with_healing_of(&self.trace);
                return self
                    .violates(&whole, invariant)
                    .or_else(|| self.violates(scenario, invariant));
            }
        }
        None
    }

    /// Whether a scenario violates an invariant: if so, with the decisions that were taken up to
    /// there. This is what shrinking asks.
    pub fn violates(&mut self, scenario: &Scenario, invariant: usize) -> Option<Scenario> {
        let violates = |runner: &mut Self| {
            let violations = runner.replay(scenario).violations;
            violations.iter().any(|found| found.invariant == invariant)
        };
        // Few candidates fail. Those that do are believed only if fresh instances say so too, or
        // what a reducer remembers of the runs before could pass for a shorter schedule.
        if !violates(self) || self.renew().is_err() || !violates(self) {
            return None;
        }
        Some(scenario.with_schedule_of(&self.trace))
    }

    fn finish(&mut self, end: End, skipped: Vec<usize>, crashes: Option<Crashes>) -> Checked {
        self.checker.finish(&self.trace);
        if let Some(crashes) = crashes
            && self.checker.violations().is_empty()
        {
            let found = self.replays.check(&self.trace, &crashes);
            self.checker.note_replays(found);
        }
        let violations = self.checker.violations().to_vec();
        Checked {
            violations,
            digest: self.trace.digest(),
            end,
            skipped,
        }
    }

    /// What the last run was checked against, and the goals that it reached.
    pub fn checker(&self) -> &Checker<'w> {
        &self.checker
    }

    fn chunk(
        &mut self,
        index: u64,
        seeds: Range<u64>,
        options: &Options,
    ) -> Result<Chunk, StepError> {
        self.renew()?;
        self.set_effort(options.effort);
        if index.is_multiple_of(CHUNKS_PER_LEAK_CHECK) {
            self.simulator.look_for_leaks();
        }
        let mut twin = match options.twice {
            true => Some(Runner::new(self.world, self.workload)?),
            false => None,
        };
        let mut chunk = Chunk {
            counts: Counts::default(),
            digests: Vec::new(),
            failures: Vec::new(),
            unequal: Vec::new(),
        };
        for seed in seeds.map(Seed) {
            let scenario = self.scenario(seed, options.plans, options.bounds, options.mix);
            let checked = self.seed(seed, &scenario);
            self.count(&mut chunk.counts, &checked);
            chunk.digests.push(checked.digest);
            if let Some(twin) = &mut twin {
                twin.renew()?;
                twin.seed(seed, &scenario);
                // What is only seen where it is looked at more closely ends the one run alone.
                let stopped = !checked.violations.is_empty();
                let difference = self.trace.difference(&twin.trace);
                let difference = difference.filter(|found| !(stopped && found.is_end()));
                chunk.unequal.extend(difference.map(|found| (seed, found)));
            }
            if !checked.violations.is_empty() {
                chunk.failures.push(Failure {
                    seed,
                    violations: checked.violations,
                    digest: checked.digest,
                    scenario: scenario.with_schedule_of(&self.trace),
                });
            }
        }
        Ok(chunk)
    }

    fn count(&self, counts: &mut Counts, checked: &Checked) {
        counts.turns += self.trace.turns.len() as u64;
        counts.steps += self.trace.steps.len() as u64;
        counts.bounded_runs += u64::from(matches!(
            checked.end,
            End::TurnBound | End::TraceBound | End::HealingBound
        ));
        self.trace
            .turns
            .iter()
            .for_each(|turn| counts.count_turn(turn));
        for (index, applied) in self.checker.applied().iter().enumerate() {
            let violated = checked
                .violations
                .iter()
                .any(|found| found.invariant == index);
            counts.violated[index] += u64::from(violated);
            counts.holds[index] += u64::from(*applied && !violated);
            counts.not_applicable[index] += u64::from(!applied);
        }
        let goals = self.checker.goals();
        for (index, count) in counts.goals.iter_mut().enumerate() {
            *count += u64::from(goals.contains(index));
        }
    }
}
