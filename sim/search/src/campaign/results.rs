//! Campaigns of many machines: the results of some chunks, as they are written down, and the
//! summary of them all.
//!
//! A chunk is begun on fresh instances and knows nothing of others, so that its results are the
//! same wherever and however often it is run. They hold what was counted and what every run came
//! to, but of a failing run no more than tells it apart: whoever puts the results together runs its
//! chunk again, and sees at once whether it is the same there.

use serde::{Deserialize, Serialize};

use super::chunks::{Chunks, Part};
use super::counts::{Counts, MOST_TEXT_BYTES, Written};
use super::merger::Merger;
use super::summary::{Sighted, note};
use super::{CampaignOptions, Failure, Ran, Summary, Told, on_threads};
use sim_host::StepError;
use sim_kernel::World;
use sim_model::{Model, Properties, Signature};
use sim_record::random::Seed;
use sim_record::trace::{Difference, Digest, End};

/// What came of one chunk of seeds. Equal wherever it was run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkResults {
    /// Which, from 0.
    pub chunk: u64,
    /// Of each seed, in order: the digest of its run, its turns, its steps, and why it ended.
    runs: Vec<(Digest, u32, u32, End)>,
    counts: Written,
    /// Seeds that violated something, in order.
    violated: Vec<u64>,
    /// One for each signature, in the order in which they were found.
    failures: Vec<Failed>,
    /// Seeds whose second run was not the same.
    unequal: Vec<(u64, Difference)>,
}

/// A failure of a chunk, without what it takes to show it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    violates: Vec<String>,
    what: String,
    /// How many runs showed it.
    runs: u64,
    /// The simplest of them.
    seed: u64,
    size: usize,
}

/// What tells a run apart whose scenario is not at hand.
struct Seen {
    signature: Signature,
    size: usize,
}

impl Sighted for Seen {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn size(&self) -> usize {
        self.size
    }
}

/// Why results could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError<E> {
    /// They could not be had.
    #[error(transparent)]
    Results(E),
    /// They are none of this campaign.
    #[error("the results of chunk {chunk} cannot be of this campaign: {what}")]
    Foreign {
        /// Which.
        chunk: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A failing run is another one here.
    #[error(
        "seed {} failed where its results come from, and does not fail so here: {what}",
        .seed.0
    )]
    Differs {
        /// Which.
        seed: Seed,
        /// How it failed.
        what: Signature,
    },
    /// It was asked to end before the failures were seen again.
    #[error("interrupted before the failures were seen again")]
    Interrupted,
    /// A reducer cannot be run.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl ChunkResults {
    fn of(part: &Part) -> ChunkResults {
        let violated = part.runs.iter().filter(|ran| ran.is_violated);
        let failures = part.failures.iter().map(|failure| {
            let signature = failure.sighting.signature();
            Failed {
                violates: signature
                    .violates
                    .iter()
                    .map(|one| one.to_string())
                    .collect(),
                what: signature.what.clone(),
                runs: failure.runs,
                seed: failure.seed.0,
                size: failure.sighting.size(),
            }
        });
        let unequal = part.unequal.iter();
        ChunkResults {
            chunk: part.chunk,
            runs: part
                .runs
                .iter()
                .map(|ran| (ran.digest, ran.turns, ran.steps, ran.end))
                .collect(),
            counts: part.counts.written(),
            violated: violated.map(|ran| ran.seed.0).collect(),
            failures: failures.collect(),
            unequal: unequal.map(|(seed, what)| (seed.0, what.clone())).collect(),
        }
    }

    /// How many of its runs violated something.
    pub fn violated(&self) -> usize {
        self.violated.len()
    }

    /// What tells its failures apart, in the order in which they were found.
    pub fn signatures(&self) -> impl Iterator<Item = Signature> {
        self.failures.iter().map(Failed::signature)
    }

    /// How many of its seeds were not the same a second time.
    pub fn unequal(&self) -> usize {
        self.unequal.len()
    }

    /// What was written down, if it can be of this campaign.
    fn part(
        self,
        chunks: &Chunks,
        world: &World,
        (properties, empty): (&Properties, Counts),
    ) -> Result<Part<Seen>, &'static str> {
        let seeds = chunks.seeds(self.chunk);
        if self.runs.len() as u64 != seeds.end - seeds.start {
            return Err("not as many runs as it has seeds");
        }
        if self.runs.iter().any(|(.., end)| *end == End::Interrupted) {
            return Err("a run that was interrupted");
        }
        let unequal = || self.unequal.iter().map(|(seed, _)| seed);
        if !self.violated.is_sorted_by(|a, b| a < b) || !unequal().is_sorted_by(|a, b| a < b) {
            return Err("its seeds are out of order");
        }
        let is_within = |seed: &u64| seeds.contains(seed);
        let failing = self.failures.iter().map(|one| &one.seed);
        let mut named = self.violated.iter().chain(unequal()).chain(failing);
        if !named.all(is_within) {
            return Err("a seed of another chunk");
        }
        self.failures
            .iter()
            .try_for_each(|one| one.check(properties, &self.violated))?;
        if self.violated.is_empty() != self.failures.is_empty() {
            return Err("runs that violate something and no failures, or the other way");
        }
        let runs = seeds.clone().zip(&self.runs);
        let runs: Vec<Ran> = runs
            .map(|(seed, (digest, turns, steps, end))| Ran {
                seed: Seed(seed),
                digest: *digest,
                turns: *turns,
                steps: *steps,
                end: *end,
                is_violated: self.violated.binary_search(&seed).is_ok(),
            })
            .collect();
        let failures = self.failures.iter().map(|failed| Failure {
            runs: failed.runs,
            seed: Seed(failed.seed),
            sighting: Seen {
                signature: failed.signature(),
                size: failed.size,
            },
        });
        let unequal = self.unequal.iter();
        let counts = empty.read(world, &runs, &self.counts)?;
        if counts.has_violations() == self.violated.is_empty() {
            return Err("properties that are violated and no runs, or the other way");
        }
        Ok(Part {
            chunk: self.chunk,
            counts,
            failures: failures.collect(),
            unequal: unequal
                .map(|(seed, what)| (Seed(*seed), what.clone()))
                .collect(),
            runs,
            is_last: true,
        })
    }
}

impl Failed {
    /// Whether it can be one of these seeds' failures.
    fn check(&self, properties: &Properties, violated: &[u64]) -> Result<(), &'static str> {
        if violated.binary_search(&self.seed).is_err() {
            return Err("a failure of a seed that violates nothing");
        }
        if self.violates.is_empty() {
            return Err("a failure of no property");
        }
        let mut names = self.violates.iter();
        if names.any(|name| properties.find(name).is_none()) {
            return Err("a failure of a property that there is not");
        }
        match self.what.len() > MOST_TEXT_BYTES {
            true => Err("a text is too long"),
            false => Ok(()),
        }
    }

    fn signature(&self) -> Signature {
        Signature {
            violates: self.violates.iter().map(|one| one.clone().into()).collect(),
            what: self.what.clone(),
        }
    }
}

/// Runs some chunks of a campaign. `done` is given the results of each that was run to its end, and
/// says whether more are wanted.
///
/// # Errors
/// If a reducer cannot be run.
pub fn run_chunks(
    world: &World,
    model: &dyn Model,
    options: &CampaignOptions,
    wanted: impl IntoIterator<Item = u64, IntoIter: Send>,
    mut done: impl FnMut(ChunkResults) -> bool,
) -> Result<(), StepError> {
    let chunks = Chunks::of(&options.seeds);
    let mut begun: Vec<Part> = Vec::new();
    let mut error = None;
    on_threads((world, model, options), wanted, &mut |part| {
        let part = match part {
            Ok(part) => part,
            Err((_, found)) => {
                error = Some(found);
                return false;
            }
        };
        let place = begun.iter().position(|one| one.chunk == part.chunk);
        let joined = match place {
            None => part,
            Some(place) => joined(begun.swap_remove(place), part),
        };
        if !joined.is_last {
            begun.push(joined);
            return true;
        }
        // One that was interrupted is run again another time.
        !chunks.is_whole(&joined) || done(ChunkResults::of(&joined))
    });
    error.map_or(Ok(()), Err)
}

/// What came of the seeds of a chunk, and what came of those that follow.
fn joined(mut part: Part, next: Part) -> Part {
    part.counts.add(&next.counts);
    part.runs.extend(next.runs);
    part.unequal.extend(next.unequal);
    for failure in next.failures {
        note(&mut part.failures, failure);
    }
    part.is_last = next.is_last;
    part
}

/// Puts the results of all chunks together: what [`run`](super::run()) comes to on one machine.
/// `there` are the chunks that there are results of, in order, and `results` gives them; `tell` is
/// told each seed, in order.
///
/// # Errors
/// See [`MergeError`].
pub fn merge<E>(
    world: &World,
    model: &dyn Model,
    options: &CampaignOptions,
    there: impl IntoIterator<Item = u64>,
    mut results: impl FnMut(u64) -> Result<ChunkResults, E>,
    mut tell: impl FnMut(&Ran),
) -> Result<Summary, MergeError<E>> {
    let chunks = Chunks::of(&options.seeds);
    let properties = Properties::of(world, model);
    let (count, answers) = (properties.count(), model.answers());
    let empty = || Counts::empty(count, answers.clone());
    let told = |told: Told<'_, Seen>| match told {
        Told::Ran(ran) => tell(ran),
        Told::Found(_) => {}
    };
    let mut merger = Merger::new(
        properties.clone(),
        answers.clone(),
        options,
        chunks.count,
        told,
    );
    let mut next = 0;
    let mut is_over = false;
    for chunk in there.into_iter().take_while(|chunk| *chunk < chunks.count) {
        if options.interrupt.is_asked() {
            is_over = true;
            break;
        }
        merger.miss(&chunks, next..chunk);
        next = chunk + 1;
        let results = results(chunk).map_err(MergeError::Results)?;
        let part = results.part(&chunks, world, (&properties, empty()));
        let part = part.map_err(|what| MergeError::Foreign { chunk, what })?;
        if !merger.take(Ok(part)) {
            is_over = true;
            break;
        }
    }
    if !is_over {
        merger.miss(&chunks, next..chunks.count);
    }
    merger.finish(|failures| sighted((world, model, options), failures))
}

/// The failures with what it takes to show them: their chunks are run again.
fn sighted<E>(
    (world, model, options): (&World, &dyn Model, &CampaignOptions),
    failures: Vec<Failure<Seen>>,
) -> Result<Vec<Failure>, MergeError<E>> {
    let chunks = Chunks::of(&options.seeds);
    let mut wanted: Vec<u64> = failures
        .iter()
        .map(|one| chunks.holding(one.seed))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut again: Vec<Failure> = Vec::new();
    let mut error = None;
    on_threads((world, model, options), wanted, &mut |part| match part {
        Ok(part) => {
            again.extend(part.failures);
            true
        }
        Err((_, found)) => {
            error = Some(found);
            false
        }
    });
    if let Some(error) = error {
        return Err(error.into());
    }
    let sighted = failures.into_iter().map(|failure| {
        let is_it = |one: &&Failure| {
            one.seed == failure.seed && one.sighting.signature == failure.sighting.signature
        };
        let found = again.iter().find(is_it);
        let found = found.ok_or_else(|| match options.interrupt.is_asked() {
            true => MergeError::Interrupted,
            false => MergeError::Differs {
                seed: failure.seed,
                what: failure.sighting.signature,
            },
        })?;
        Ok(Failure {
            runs: failure.runs,
            seed: failure.seed,
            sighting: found.sighting.clone(),
        })
    });
    sighted.collect()
}
