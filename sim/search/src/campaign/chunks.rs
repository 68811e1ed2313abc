//! Pieces of work: how seeds are cut into chunks, and what comes of one.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use super::counts::Counts;
use super::summary::note;
use super::{CampaignOptions, Checked, Failure, Ran, Runner, Sighting};
use sim_host::StepError;
use sim_model::Signature;
use sim_record::random::Seed;
use sim_record::scenario::Scenario;
use sim_record::trace::Difference;
use sim_simulator::End;

/// Seeds that are run as one piece of work, at least and at most. In larger ones more steps are
/// remembered, smaller ones keep more threads busy to the end.
const CHUNK: RangeInclusive<u64> = 64..=1_024;

/// The pieces of work of a campaign, unless they would be too small or too large: for a few threads
/// enough to share.
const CHUNKS: u64 = 16;

/// One chunk in so many looks for leaks, the first of a campaign among them.
const CHUNKS_PER_LEAK_CHECK: u64 = 16;

/// What came of some seeds of a chunk, in order.
pub(super) struct Part<S = Sighting> {
    pub chunk: u64,
    pub counts: Counts,
    pub runs: Vec<Ran>,
    pub failures: Vec<Failure<S>>,
    pub unequal: Vec<(Seed, Difference)>,
    /// It is the last of its chunk.
    pub is_last: bool,
}

impl Part {
    pub fn empty(chunk: u64, runner: &Runner<'_>) -> Part {
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

/// How seeds are cut into chunks: by the seeds alone, so that all is the same for any number of
/// jobs, and of machines.
#[derive(Clone, Debug)]
pub struct Chunks {
    seeds: Range<u64>,
    /// Seeds in one of them.
    size: u64,
    /// How many there are.
    pub count: u64,
}

impl Chunks {
    /// The chunks of a campaign of these seeds.
    pub fn of(seeds: &Range<u64>) -> Chunks {
        let all = seeds.end.saturating_sub(seeds.start);
        let size = (all / CHUNKS).clamp(*CHUNK.start(), *CHUNK.end());
        Chunks {
            seeds: seeds.clone(),
            size,
            count: all.div_ceil(size),
        }
    }

    /// The seeds of a chunk.
    pub fn seeds(&self, index: u64) -> Range<u64> {
        let start = self.seeds.start + index * self.size;
        start..self.seeds.end.min(start.saturating_add(self.size))
    }

    /// Whether all seeds of a chunk were run to their end.
    pub(super) fn is_whole<S>(&self, part: &Part<S>) -> bool {
        let seeds = self.seeds(part.chunk);
        let mut ends = part.runs.iter().map(|ran| ran.end);
        part.runs.len() as u64 == seeds.end - seeds.start && ends.all(|end| end != End::Interrupted)
    }

    /// The chunk that a seed of the campaign is in.
    pub(super) fn holding(&self, seed: Seed) -> u64 {
        seed.0.saturating_sub(self.seeds.start) / self.size
    }
}

/// Runs and checks the seeds of one chunk, on fresh instances. What is new in it is handed on at
/// once, the rest when the chunk is done.
pub(super) fn run_chunk(
    runner: &mut Runner<'_>,
    (chunk, seeds): (u64, Range<u64>),
    options: &CampaignOptions,
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
    let mut known: BTreeSet<Signature> = BTreeSet::new();
    let mut part = Part::empty(chunk, runner);
    for seed in seeds.map(Seed) {
        let scenario = runner.scenario(seed, options.plans, options.bounds, options.mix);
        let mut checked = runner.seed(seed, &scenario);
        let difference = match &mut twin {
            None => None,
            Some(twin) => {
                let (difference, end) = twin_differs(runner, twin, (seed, &scenario), &checked)?;
                if end == End::Interrupted {
                    checked.end = end;
                }
                difference
            }
        };
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
        part.unequal.extend(difference.map(|found| (seed, found)));
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

/// Where the second run of a seed, on fresh instances, is not the same as the first, and how it
/// ended: of one that was interrupted nothing is known.
fn twin_differs(
    runner: &Runner<'_>,
    twin: &mut Runner<'_>,
    (seed, scenario): (Seed, &Scenario),
    checked: &Checked,
) -> Result<(Option<Difference>, End), StepError> {
    twin.renew()?;
    let end = twin.seed(seed, scenario).end;
    if end == End::Interrupted {
        return Ok((None, end));
    }
    // What is only seen where it is looked at more closely ends the one run alone.
    let stopped = !checked.violations.is_empty();
    let difference = runner.trace.difference(&twin.trace);
    let difference = difference.filter(|found| !(stopped && found.is_end()));
    Ok((difference, end))
}
