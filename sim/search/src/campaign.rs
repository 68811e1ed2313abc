//! Many seeds: each one run, checked and counted, on as many threads as wanted.
//!
//! Work is split into chunks of seeds of one size, each begun on fresh wasm instances, and
//! chunks are taken into the summary in the order of their seeds, so that the summary is the same
//! for any number of jobs. Nothing is printed or written here: failures are handed out with all
//! that is needed to do so.

mod counts;
mod proof;
mod runner;
mod survey;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use crate::threads;
use counts::Counts;
pub use counts::{fault_names, faults_of};
pub use proof::{Progress, Proof};
pub use runner::{Checked, Effort, Runner, Sighting};
use sim_air::ReducerId;
use sim_host::{Code, StepError};
use sim_kernel::World;
use sim_model::{Asked, Model, Properties, Property, Signature};
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Mix, PlanMode, Scenario, Verb};
use sim_record::trace::{Answers, Difference, Digest};
use sim_simulator::End;
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
pub struct CampaignOptions {
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

/// What a campaign saw. Equal for equal seeds, whatever the number of jobs.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    pub seeds: u64,
    pub turns: u64,
    /// Events through a reducer.
    pub steps: u64,
    /// Runs that ended at a bound rather than by themselves.
    pub bounded_runs: u64,
    /// Of these, the ones that were cut short before their decisions ended: see [`End::cut_by`].
    pub cut_runs: u64,
    pub decisions: [u64; Verb::ALL.len()],
    /// How often each kind of fault happened, by its name: see [`fault_names`].
    pub faults: Vec<(Cow<'static, str>, u64)>,
    /// What must hold, and in how many runs it did.
    pub judged: Vec<Judged>,
    /// What must happen sometimes, and in how many runs it did.
    pub sometimes: Vec<Sometimes>,
    /// Reducers that lose memory from step to step, and how much.
    pub leaks: BTreeMap<ReducerId, String>,
    /// The digest over those of all runs, in order of their seeds.
    pub digest: Digest,
    /// One for each signature, in the order in which they were found.
    pub failures: Vec<Failure>,
    /// Seeds whose second run was not the same, and where it first differed.
    pub unequal: Vec<(Seed, Difference)>,
    /// Stopped after so many failures, before all seeds were run.
    pub cut_short: bool,
    /// Stopped as it was asked to: the seeds of this summary are those that were run until then.
    pub interrupted: bool,
}

/// A property that must hold, and how many runs there were of each kind.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    pub property: Arc<Property>,
    /// It had something to say, and held.
    pub holds: u64,
    pub not_applicable: u64,
    pub violated: u64,
}

/// A property that must be reached, and how many runs reached it.
#[derive(Clone, PartialEq, Debug)]
pub struct Sometimes {
    pub property: Arc<Property>,
    pub asked: Asked,
    pub runs: u64,
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

/// What runs have in common that fail in the same way, and the simplest of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// How many runs showed it.
    pub runs: u64,
    pub seed: Seed,
    pub sighting: Sighting,
}

impl Failure {
    /// What makes one run simpler than another that fails in the same way: it is shorter, and what
    /// happens in it could happen.
    fn simplicity(&self) -> (usize, Seed) {
        /// Decisions that a spurious event counts for.
        const SPURIOUS: usize = 10;
        let schedule = &self.sighting.scenario.schedule;
        let spurious = schedule
            .iter()
            .filter(|decision| decision.is_spurious())
            .count();
        (schedule.len() + spurious * (SPURIOUS - 1), self.seed)
    }

    /// Takes in another run that fails in the same way.
    fn join(&mut self, other: Failure) {
        let runs = self.runs + other.runs;
        if other.simplicity() < self.simplicity() {
            *self = other;
        }
        self.runs = runs;
    }
}

/// Adds a failure to a list with one for each signature; true if it is new.
fn note(failures: &mut Vec<Failure>, failure: Failure) -> bool {
    let mut known = failures.iter_mut();
    match known.find(|known| known.sighting.signature == failure.sighting.signature) {
        Some(known) => {
            known.join(failure);
            false
        }
        None => {
            failures.push(failure);
            true
        }
    }
}

/// What is told of a campaign while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// A failure as no seed before had one. It is told before the seed is.
    Found(&'a Failure),
    Ran(&'a Ran),
}

/// What came of some seeds of a chunk, in order.
struct Part {
    chunk: u64,
    counts: Counts,
    runs: Vec<Ran>,
    failures: Vec<Failure>,
    unequal: Vec<(Seed, Difference)>,
    /// It is the last of its chunk.
    is_last: bool,
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
    let next_chunk = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let work = |sink: &mut dyn FnMut(Result<Part, (u64, StepError)>) -> bool| {
        let mut runner = Runner::new(world, model);
        if let Ok(runner) = &mut runner {
            runner.set_interrupt(options.interrupt.clone());
            if options.remember {
                runner.remember_steps();
            }
        }
        let mut known = BTreeSet::new();
        while !stop.load(Ordering::Relaxed) && !options.interrupt.is_asked() {
            let index = next_chunk.fetch_add(1, Ordering::Relaxed);
            if index >= chunks.count {
                break;
            }
            let seeds = (index, chunks.seeds(index));
            let ran = match &mut runner {
                Ok(runner) => run_chunk(runner, seeds, options, &mut known, sink),
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
        let most_jobs = Code::instances_max() / INSTANCES_OF_A_RUNNER;
        let jobs = 0..options.jobs.clamp(1, most_jobs);
        let works = jobs.map(|_| {
            let (sender, work) = (sender.clone(), &work);
            move || work(&mut |part| sender.send(part).is_ok())
        });
        let count = threads::begin(scope, works);
        drop(sender);
        if count == 0 {
            work(&mut |part| merger.take(part));
        }
        for part in receiver {
            if !merger.take(part) {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    merger.finish()
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

/// How seeds are cut into chunks: by the seeds alone, so that all is the same for any number of
/// jobs.
struct Chunks {
    seeds: Range<u64>,
    /// Seeds in one of them.
    size: u64,
    count: u64,
}

impl Chunks {
    fn of(seeds: &Range<u64>) -> Chunks {
        let all = seeds.end.saturating_sub(seeds.start);
        let size = (all / CHUNKS).clamp(*CHUNK.start(), *CHUNK.end());
        Chunks {
            seeds: seeds.clone(),
            size,
            count: all.div_ceil(size),
        }
    }

    fn seeds(&self, index: u64) -> Range<u64> {
        let start = self.seeds.start + index * self.size;
        start..self.seeds.end.min(start.saturating_add(self.size))
    }
}

/// Takes parts in the order of their seeds, whenever they come.
struct Merger<'a, T> {
    options: &'a CampaignOptions,
    tell: T,
    properties: Properties,
    /// Parts of chunks whose turn it is not yet.
    early: BTreeMap<u64, VecDeque<Result<Part, StepError>>>,
    chunk_count: u64,
    /// The chunk whose turn it is.
    chunk: u64,
    counts: Counts,
    seeds: u64,
    digest: Digest,
    failures: Vec<Failure>,
    unequal: Vec<(Seed, Difference)>,
    is_over: bool,
    error: Option<StepError>,
}

impl<'a, T: FnMut(Told<'_>)> Merger<'a, T> {
    fn new(
        properties: Properties,
        answers: Answers,
        options: &'a CampaignOptions,
        chunk_count: u64,
        tell: T,
    ) -> Merger<'a, T> {
        Merger {
            options,
            tell,
            early: BTreeMap::new(),
            chunk_count,
            chunk: 0,
            counts: Counts::empty(properties.count(), answers),
            properties,
            seeds: 0,
            digest: Digest::default(),
            failures: Vec::new(),
            unequal: Vec::new(),
            is_over: false,
            error: None,
        }
    }

    /// Takes what a thread has; false once no more is wanted.
    fn take(&mut self, part: Result<Part, (u64, StepError)>) -> bool {
        let (chunk, part) = match part {
            Ok(part) => (part.chunk, Ok(part)),
            Err((chunk, error)) => (chunk, Err(error)),
        };
        self.early.entry(chunk).or_default().push_back(part);
        while let Some(part) = self
            .early
            .get_mut(&self.chunk)
            .and_then(VecDeque::pop_front)
        {
            match part {
                Ok(part) => self.take_in_order(part),
                Err(error) => {
                    self.error = Some(error);
                    self.is_over = true;
                }
            }
            if self.is_over {
                return false;
            }
        }
        true
    }

    fn take_in_order(&mut self, part: Part) {
        self.seeds += part.runs.len() as u64;
        self.counts.add(&part.counts);
        self.unequal.extend(part.unequal);
        let mut failures = part.failures.into_iter().peekable();
        for ran in &part.runs {
            while let Some(failure) = failures.next_if(|failure| failure.seed == ran.seed) {
                self.take_failure(failure);
            }
            self.digest = self.digest.then(ran.digest);
            (self.tell)(Told::Ran(ran));
        }
        if part.is_last {
            self.chunk += 1;
            self.is_over |= match self.options.stop {
                Stop::AfterFailures(most) => self.failures.len() >= most,
                Stop::Never => false,
            };
        }
    }

    fn take_failure(&mut self, failure: Failure) {
        let is_full = match self.options.stop {
            Stop::AfterFailures(most) => self.failures.len() >= most,
            Stop::Never => false,
        };
        let mut known = self.failures.iter();
        let is_known = known.any(|known| known.sighting.signature == failure.sighting.signature);
        if is_known || !is_full {
            if !is_known {
                (self.tell)(Told::Found(&failure));
            }
            note(&mut self.failures, failure);
        }
    }

    fn finish(self) -> Result<Summary, StepError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let seeds = &self.options.seeds;
        let asked = seeds.end.saturating_sub(seeds.start);
        let is_cut_short = self.is_over && self.chunk < self.chunk_count;
        let is_interrupted = !self.is_over && self.seeds < asked;
        let found = (self.failures, self.unequal);
        let ended = (is_cut_short, is_interrupted);
        Ok(self
            .counts
            .summary(&self.properties, self.seeds, self.digest, found, ended))
    }
}

impl Summary {
    /// What no run reached and is asked of a campaign of this size. Nothing is asked of one that
    /// found something.
    pub fn missed(&self) -> Vec<&Property> {
        let is_missed = |one: &&Sometimes| {
            self.failures.is_empty() && one.runs == 0 && one.asked.of(self.seeds)
        };
        let missed = self.sometimes.iter().filter(is_missed);
        missed.map(|one| &*one.property).collect()
    }

    /// Whether at least half of the runs did not come to their end: what they would have done after
    /// some bound is not known.
    pub fn is_cut(&self) -> bool {
        self.cut_runs > 0 && self.cut_runs >= self.seeds.div_ceil(2)
    }

    /// Whether one of the properties knows what the world is for.
    pub fn has_model(&self) -> bool {
        self.judged.iter().any(|one| one.property.is_of_model)
    }
}

/// Runs and checks the seeds of one chunk, on fresh instances. What is new to a thread is handed on
/// at once, the rest when the chunk is done.
fn run_chunk(
    runner: &mut Runner<'_>,
    (chunk, seeds): (u64, Range<u64>),
    options: &CampaignOptions,
    known: &mut BTreeSet<Signature>,
    sink: &mut dyn FnMut(Result<Part, (u64, StepError)>) -> bool,
) -> Result<(), StepError> {
    runner.renew()?;
    runner.set_effort(options.effort);
    if chunk.is_multiple_of(CHUNKS_PER_LEAK_CHECK) {
        runner.look_for_leaks();
    }
    let mut twin = match options.twice {
        true => Some(runner.twin()?),
        false => None,
    };
    let mut part = Part::empty(chunk, runner);
    for seed in seeds.map(Seed) {
        let scenario = runner.scenario(seed, options.plans, options.bounds, options.mix);
        let checked = runner.seed(seed, &scenario);
        if checked.end == End::Interrupted && checked.violations.is_empty() {
            // Of the rest of the run nothing is known.
            break;
        }
        part.counts.count_run(runner, &checked);
        part.runs.push(Ran {
            seed,
            digest: checked.digest,
            turns: runner.trace.turns.len() as u32,
            steps: runner.trace.steps.len() as u32,
            end: checked.end,
            is_violated: !checked.violations.is_empty(),
        });
        if let Some(twin) = &mut twin {
            let difference = twin_differs(runner, twin, (seed, &scenario), &checked)?;
            part.unequal.extend(difference.map(|found| (seed, found)));
        }
        let mut is_new = false;
        for sighting in runner.sightings(&scenario, &checked) {
            is_new |= known.insert(sighting.signature.clone());
            let failure = Failure {
                runs: 1,
                seed,
                sighting,
            };
            note(&mut part.failures, failure);
        }
        if is_new {
            let done = std::mem::replace(&mut part, Part::empty(chunk, runner));
            if !sink(Ok(done.sorted())) {
                return Ok(());
            }
        }
    }
    part.is_last = true;
    sink(Ok(part.sorted()));
    Ok(())
}

impl Part {
    fn empty(chunk: u64, runner: &Runner<'_>) -> Part {
        let properties = runner.checker().properties().count();
        Part {
            chunk,
            counts: Counts::empty(properties, runner.answers().clone()),
            runs: Vec::new(),
            failures: Vec::new(),
            unequal: Vec::new(),
            is_last: false,
        }
    }

    /// Its failures in order of their seeds.
    fn sorted(mut self) -> Part {
        self.failures.sort_by_key(|failure| failure.seed);
        self
    }
}

/// Where the second run of a seed, on fresh instances, is not the same as the first.
fn twin_differs(
    runner: &Runner<'_>,
    twin: &mut Runner<'_>,
    (seed, scenario): (Seed, &Scenario),
    checked: &Checked,
) -> Result<Option<Difference>, StepError> {
    twin.renew()?;
    twin.seed(seed, scenario);
    // What is only seen where it is looked at more closely ends the one run alone.
    let stopped = !checked.violations.is_empty();
    let difference = runner.trace.difference(&twin.trace);
    Ok(difference.filter(|found| !(stopped && found.is_end())))
}
