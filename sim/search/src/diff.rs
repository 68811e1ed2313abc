//! How two versions of a world differ, by what they do: each case and each seed runs on both.
//!
//! The runs are cut into pieces of work as a campaign's are, each begun on fresh instances, and
//! taken together in order, so that the result is the same for any number of jobs. Of each kind of
//! difference the run with the fewest decisions is kept, and made shorter. Nothing is printed or
//! written here.

mod kinds;
mod pair;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

pub use kinds::{DifferenceKind, Outgoing, Side};
pub use pair::{Incomparable, Lockstep, Sides, Versions};

use crate::campaign::{Chunks, most_runners};
use crate::threads;
use pair::Unknown;
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::Scenario;

/// How many shorter schedules are tried for one kind.
const MOST_ATTEMPTS: usize = 1_000;

/// What to run on both sides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cases of the old version.
    pub cases: Vec<Scenario>,
    /// Seeds of the old version.
    pub seeds: Range<u64>,
    /// Threads. The result is the same for any number.
    pub jobs: usize,
    /// Ends it soon after this is asked.
    pub interrupt: Interrupt,
}

/// Where a run is from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RunFrom {
    /// A case, by its place in [`Options::cases`].
    Case(usize),
    /// A seed.
    Seed(u64),
}

impl fmt::Display for RunFrom {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunFrom::Case(index) => write!(out, "case {index}"),
            RunFrom::Seed(seed) => write!(out, "seed {seed}"),
        }
    }
}

/// What is known of one kind of difference.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many runs have it.
    pub runs: u64,
    /// The first of them: cases come before seeds.
    pub first: RunFrom,
    /// The one with the fewest decisions.
    pub shortest: RunFrom,
    /// The schedule of that one, up to the difference, as the old version's.
    pub scenario: Scenario,
}

/// What came of all runs.
#[derive(Clone, Default, Debug)]
pub struct Differences {
    /// Runs that were compared.
    pub runs: u64,
    /// Runs in which what goes out differs.
    pub out: u64,
    /// Runs in which nothing but a state differs.
    pub state: u64,
    /// Runs that a bound ended before their end, compared up to there.
    pub cut: u64,
    /// Runs that a violation of the old version or of both ended before their end, and in which
    /// nothing that goes out differs up to there.
    pub stopped: u64,
    /// Turns that were compared.
    pub turns: u64,
    /// Each kind. That of a state counts where nothing else differs.
    pub kinds: BTreeMap<DifferenceKind, Found>,
    /// Not all was run.
    pub is_interrupted: bool,
}

impl Differences {
    /// Whether most runs were compared up to where they were ended, and not to their end.
    pub fn are_mostly_short(&self) -> bool {
        2 * (self.cut + self.stopped) > self.runs
    }

    fn count(&mut self, run: RunFrom, lockstep: Lockstep) {
        if lockstep.is_interrupted {
            self.is_interrupted = true;
            return;
        }
        self.runs += 1;
        self.turns += lockstep.turns as u64;
        self.cut += u64::from(lockstep.is_cut);
        let is_out = lockstep
            .differs
            .as_ref()
            .is_some_and(|(kind, _)| !kind.is_state());
        self.stopped += u64::from(lockstep.is_stopped && !is_out && !lockstep.is_cut);
        let Some((kind, _)) = lockstep.differs else {
            return;
        };
        match kind.is_state() {
            true => self.state += 1,
            false => self.out += 1,
        }
        let found = Found {
            runs: 1,
            first: run,
            shortest: run,
            scenario: lockstep.scenario,
        };
        self.note(kind, found);
    }

    /// Runs are noted in their order.
    fn note(&mut self, kind: DifferenceKind, found: Found) {
        let Some(known) = self.kinds.get_mut(&kind) else {
            self.kinds.insert(kind, found);
            return;
        };
        known.runs += found.runs;
        if found.scenario.schedule.len() < known.scenario.schedule.len() {
            known.shortest = found.shortest;
            known.scenario = found.scenario;
        }
    }

    fn add(&mut self, other: Differences) {
        self.runs += other.runs;
        self.out += other.out;
        self.state += other.state;
        self.cut += other.cut;
        self.stopped += other.stopped;
        self.turns += other.turns;
        self.is_interrupted |= other.is_interrupted;
        for (kind, found) in other.kinds {
            self.note(kind, found);
        }
    }
}

/// Runs all of it; `tell` is told how many runs are done.
///
/// # Errors
/// If a reducer cannot be run, or the new version does not know what the old one is sent: of the
/// first run of which that is so.
pub fn run(
    versions: Versions<'_>,
    options: &Options,
    mut tell: impl FnMut(u64),
) -> Result<Differences, Incomparable> {
    let chunks = Chunks::of(&options.seeds);
    let cases = options.cases.len() as u64;
    let count = cases + chunks.count;
    let next = AtomicU64::new(0);
    let work = |sink: &mut dyn FnMut((u64, Result<Differences, Incomparable>)) -> bool| {
        let mut sides = None;
        while !options.interrupt.is_asked() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let runs = match index.checked_sub(cases) {
                None => vec![RunFrom::Case(index as usize)],
                Some(chunk) => chunks.seeds(chunk).map(RunFrom::Seed).collect(),
            };
            if !sink((index, piece(versions, options, &mut sides, &runs))) {
                break;
            }
        }
    };
    let (sender, receiver) = mpsc::channel();
    let mut parts = BTreeMap::new();
    let mut done = 0;
    let mut take = |(index, part): (u64, Result<Differences, Incomparable>)| {
        done += part.as_ref().map_or(0, |part| part.runs);
        tell(done);
        parts.insert(index, part);
        true
    };
    std::thread::scope(|scope| {
        // Two runners for each thread.
        let jobs = 0..options.jobs.clamp(1, (most_runners() / 2).max(1));
        let works = jobs.map(|_| {
            let (sender, work) = (sender.clone(), &work);
            move || work(&mut |part| sender.send(part).is_ok())
        });
        let begun = threads::begin(scope, works);
        drop(sender);
        if begun == 0 {
            work(&mut take);
        }
        for part in receiver {
            take(part);
        }
    });
    let mut all = Differences {
        is_interrupted: (parts.len() as u64) < count,
        ..Differences::default()
    };
    for part in parts.into_values() {
        all.add(part?);
    }
    Ok(all)
}

/// A piece of work, on fresh instances.
fn piece<'w>(
    versions: Versions<'w>,
    options: &Options,
    sides: &mut Option<Sides<'w>>,
    runs: &[RunFrom],
) -> Result<Differences, Incomparable> {
    let sides = match sides {
        Some(sides) => sides,
        None => sides.insert(Sides::new(versions, &options.interrupt)?),
    };
    sides.renew()?;
    let mut found = Differences::default();
    for run in runs {
        let lockstep = match run {
            RunFrom::Case(index) => sides.schedule(&options.cases[*index]),
            RunFrom::Seed(seed) => sides.seed(Seed(*seed)),
        };
        let because = |because: Unknown| Incomparable::Scenario {
            run: run.to_string(),
            because,
        };
        found.count(*run, lockstep.map_err(because)?);
        if found.is_interrupted {
            break;
        }
    }
    Ok(found)
}

/// A shorter schedule that shows the same kind of difference: decisions are left out one at a time,
/// from the last to the first, and then requests that nothing starts. None if fresh instances do
/// not show it at all.
///
/// # Errors
/// If an instance cannot be had.
pub fn shortened(
    sides: &mut Sides<'_>,
    kind: &DifferenceKind,
    scenario: &Scenario,
) -> Result<Option<Scenario>, Incomparable> {
    let shows = |scenario: &Scenario, sides: &mut Sides<'_>| {
        let lockstep = sides.schedule(scenario).ok()?;
        let (found, _) = lockstep.differs?;
        (found == *kind).then_some(lockstep.scenario)
    };
    sides.renew()?;
    let Some(mut best) = shows(scenario, sides) else {
        return Ok(None);
    };
    let mut attempts = 0;
    let mut end = best.schedule.len();
    while let Some(index) = best.schedule.len().min(end).checked_sub(1)
        && attempts < MOST_ATTEMPTS
    {
        end = index;
        let mut schedule = best.schedule.clone();
        schedule.remove(index);
        attempts += 1;
        let shorter = shows(&best.with_schedule(schedule), sides);
        if let Some(shorter) = shorter.filter(|it| it.schedule.len() < best.schedule.len()) {
            best = shorter;
        }
    }
    let mut fewer = best.clone();
    fewer
        .requests
        .retain(|request| is_started(&best, &request.name));
    best = shows(&fewer, sides).unwrap_or(best);
    sides.renew()?;
    Ok(shows(&best, sides))
}

fn is_started(scenario: &Scenario, name: &str) -> bool {
    use sim_record::scenario::Decision;
    let mut decisions = scenario.schedule.iter();
    decisions.any(|it| matches!(it.without_crash(), Decision::Start { request } if request == name))
}
