//! Takes what came of chunks into the summary, in the order of their seeds.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::chunks::{Chunks, Part};
use super::counts::Counts;
use super::summary::note;
use super::{CampaignOptions, Failure, Sighted, Sighting, Stop, Summary, Told};
use sim_host::StepError;
use sim_model::Properties;
use sim_record::random::Seed;
use sim_record::trace::{Answers, Difference, Digest};

/// Takes parts in the order of their seeds, whenever they come.
pub(super) struct Merger<'a, T, S = Sighting> {
    options: &'a CampaignOptions,
    tell: T,
    properties: Properties,
    /// Parts of chunks whose turn it is not yet.
    early: BTreeMap<u64, VecDeque<Result<Part<S>, StepError>>>,
    chunk_count: u64,
    /// The chunk whose turn it is.
    chunk: u64,
    counts: Counts,
    seeds: u64,
    digest: Digest,
    failures: Vec<Failure<S>>,
    unequal: Vec<(Seed, Difference)>,
    missing: Vec<Range<u64>>,
    is_over: bool,
    error: Option<StepError>,
}

impl<'a, T: FnMut(Told<'_, S>), S: Sighted> Merger<'a, T, S> {
    pub fn new(
        properties: Properties,
        answers: Answers,
        options: &'a CampaignOptions,
        chunk_count: u64,
        tell: T,
    ) -> Merger<'a, T, S> {
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
            missing: Vec::new(),
            is_over: false,
            error: None,
        }
    }

    /// Takes what a thread has; false once no more is wanted.
    pub fn take(&mut self, part: Result<Part<S>, (u64, StepError)>) -> bool {
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

    fn take_in_order(&mut self, part: Part<S>) {
        self.seeds += part.runs.len() as u64;
        self.counts.add(&part.counts);
        self.unequal.extend(part.unequal);
        for failure in part.failures {
            self.take_failure(failure);
        }
        for ran in &part.runs {
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

    fn take_failure(&mut self, failure: Failure<S>) {
        let is_full = match self.options.stop {
            Stop::AfterFailures(most) => self.failures.len() >= most,
            Stop::Never => false,
        };
        let mut known = self.failures.iter();
        let is_known =
            known.any(|known| known.sighting.signature() == failure.sighting.signature());
        if is_known || !is_full {
            if !is_known {
                (self.tell)(Told::Found(&failure));
            }
            note(&mut self.failures, failure);
        }
    }

    /// The next chunks are not there.
    pub fn miss(&mut self, chunks: &Chunks, missing: Range<u64>) {
        if missing.is_empty() {
            return;
        }
        let seeds = chunks.seeds(missing.start).start..chunks.seeds(missing.end - 1).end;
        self.missing.push(seeds);
        self.chunk = missing.end;
    }

    /// The summary of it all, with the failures that are sighted so.
    pub fn finish<E: From<StepError>>(
        self,
        sighted: impl FnOnce(Vec<Failure<S>>) -> Result<Vec<Failure>, E>,
    ) -> Result<Summary, E> {
        if let Some(error) = self.error {
            return Err(error.into());
        }
        let length = |seeds: &Range<u64>| seeds.end.saturating_sub(seeds.start);
        let missing: u64 = self.missing.iter().map(length).sum();
        let is_cut_short = self.is_over && self.chunk < self.chunk_count;
        let is_interrupted = !self.is_over && self.seeds + missing < length(&self.options.seeds);
        let found = (sighted(self.failures)?, self.unequal);
        let ended = (is_cut_short, is_interrupted);
        let mut summary =
            self.counts
                .summary(&self.properties, self.seeds, self.digest, found, ended);
        summary.missing = self.missing;
        Ok(summary)
    }
}
