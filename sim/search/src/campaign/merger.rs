//! Takes what came of chunks into the summary, in the order of their seeds.

use std::collections::{BTreeMap, VecDeque};

use super::chunks::Part;
use super::counts::Counts;
use super::summary::note;
use super::{CampaignOptions, Failure, Stop, Summary, Told};
use sim_host::StepError;
use sim_model::Properties;
use sim_record::random::Seed;
use sim_record::trace::{Answers, Difference, Digest};

/// Takes parts in the order of their seeds, whenever they come.
pub(super) struct Merger<'a, T> {
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
    pub fn new(
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
    pub fn take(&mut self, part: Result<Part, (u64, StepError)>) -> bool {
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

    pub fn finish(self) -> Result<Summary, StepError> {
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
