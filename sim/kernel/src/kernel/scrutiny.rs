//! Whether a step is a function of its input: the same step on a used, a fresh and a dirtied
//! instance.
//!
//! The used one is the kernel's own. The dirtied one takes the step again and again, each time
//! after one that has nothing to do with it, so that a counter or a flag in its memory shows. A
//! step that needs more memory each time it is taken leaks. What is found is recorded with the
//! step; judging it is for the invariants.

use twox_hash::XxHash3_128;

use sim_host::{Code, Instance, Output, StepError};
use sim_record::trace::Scrutiny;

/// How many of a kernel's steps are scrutinised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sampling {
    /// No step.
    Never,
    /// One step in [`SAMPLE`] since the instances were renewed.
    Sampled,
    /// Every step, and each for leaks: as far as [`MOST_BYTES`] go in a run, and one step in
    /// [`FURTHER`] after that.
    Every,
}

/// A check costs about as much as fifty bare steps, so this makes a campaign a few hundredths
/// slower.
const SAMPLE: u64 = 256;
/// How often the dirtied instance takes the step, in a sample and if every step is scrutinised.
const ROUNDS: [u32; 2] = [16, 64];
/// Steps before the memory of a leaking reducer is looked at, and then again. Half a page of 64 KiB
/// has to be lost in so many steps, or it is not seen.
const LEAK_STEPS: u32 = 512;

/// What all thorough checks of a run may take through a reducer: about two thousand usual ones.
const MOST_BYTES: u64 = 1 << 31;
/// A step costs as much as so many bytes, beside its own.
const STEP_BYTES: usize = 512;
/// Steps of a thorough check: each round is two.
const THOROUGH_STEPS: u64 = 1 + 2 * (ROUNDS[1] + LEAK_STEPS) as u64;
/// Where thorough checks have taken what they may, one step in so many is checked in short.
const FURTHER: u64 = 64;

/// The instances beside those of the kernel, and how far the sample is.
pub(super) struct Scrutineer {
    pub sampling: Sampling,
    steps: u64,
    /// What the thorough checks of this run took, and the steps since they may take no more.
    spent_bytes: u64,
    further: u64,
    /// The next check is for leaks too: see [`super::Kernel::look_for_leaks`].
    pub leaks_due: bool,
    pairs: Vec<Option<Pair>>,
}

/// Of one reducer.
struct Pair {
    fresh: Instance,
    dirtied: Instance,
    /// The envelope of an earlier check, which has nothing to do with the present one.
    unrelated: Vec<u8>,
}

impl Scrutineer {
    pub fn new(reducer_count: usize) -> Scrutineer {
        let mut pairs = Vec::new();
        pairs.resize_with(reducer_count, || None);
        Scrutineer {
            sampling: Sampling::Never,
            steps: 0,
            spent_bytes: 0,
            further: 0,
            leaks_due: false,
            pairs,
        }
    }

    /// Forgets what the dirtied instances went through, and where the sample is.
    pub fn renew(&mut self) {
        self.steps = 0;
        self.pairs.iter_mut().for_each(|pair| *pair = None);
    }

    /// A run begins.
    pub fn begin(&mut self) {
        self.spent_bytes = 0;
        self.further = 0;
    }

    /// Whether the next step is to be scrutinised.
    pub fn is_due(&mut self) -> bool {
        match self.sampling {
            Sampling::Never => false,
            Sampling::Every => true,
            Sampling::Sampled => {
                self.steps += 1;
                self.steps.is_multiple_of(SAMPLE)
            }
        }
    }

    /// Holds the answer of the `used` instance against those of the others.
    pub fn check(
        &mut self,
        reducer: usize,
        code: &Code,
        envelope: &[u8],
        answer: (&Result<(), StepError>, &Output),
    ) -> Scrutiny {
        let is_thorough = self.sampling == Sampling::Every && self.can_spend(envelope);
        if self.sampling == Sampling::Every && !is_thorough {
            self.further += 1;
            if !self.further.is_multiple_of(FURTHER) {
                return Scrutiny::None;
            }
        }
        let check_leaks = std::mem::take(&mut self.leaks_due) || is_thorough;
        let checked = self.pair(reducer, code).and_then(|pair| {
            let limit_bytes = code.limits().memory_bytes;
            pair.check(envelope, answer, (is_thorough, check_leaks), limit_bytes)
        });
        // An instance that cannot be made is the host's matter: the step is not comparable.
        checked.unwrap_or(Scrutiny::None)
    }

    /// Whether a thorough check of a step may be afforded; if so, it is.
    fn can_spend(&mut self, envelope: &[u8]) -> bool {
        let bytes = THOROUGH_STEPS * (envelope.len() + STEP_BYTES) as u64;
        let can = self.spent_bytes + bytes <= MOST_BYTES;
        self.spent_bytes += if can { bytes } else { 0 };
        can
    }

    fn pair(&mut self, reducer: usize, code: &Code) -> Result<&mut Pair, StepError> {
        let slot = &mut self.pairs[reducer];
        match slot {
            Some(pair) => Ok(pair),
            None => Ok(slot.insert(Pair {
                fresh: code.instance()?,
                dirtied: code.instance()?,
                unrelated: Vec::new(),
            })),
        }
    }
}

/// One step in so many is held against many rounds where steps are taken alone: by what it is, so
/// that it does not matter who takes it.
const ALONE: u128 = 16;
/// Rounds of the others.
const FEW_ROUNDS: u32 = 4;

/// Holds the answer that an instance gave while it was fresh against those that it gives from then
/// on, each after a step that has nothing to do with it: one of those `between`, in turn.
pub(super) fn check_alone(
    instance: &mut Instance,
    envelope: &[u8],
    (ran, expected): (&Result<(), StepError>, &Output),
    between: &[&[u8]],
) -> Scrutiny {
    if ran.is_err() {
        // It leaves a fresh instance behind, which nothing has dirtied.
        return Scrutiny::Passed;
    }
    let rounds = match XxHash3_128::oneshot(envelope) % ALONE {
        0 => ROUNDS[1],
        _ => FEW_ROUNDS,
    };
    let mut output = Output::default();
    for round in 0..rounds as usize {
        let ran_again = instance.step_encoded(envelope, &mut output);
        if let Some(what) = difference((ran, expected), (&ran_again, &output)) {
            return Scrutiny::differs("a dirtied instance", what);
        }
        if let Some(other) = between.get(round % between.len().max(1)) {
            let _ = instance.step_encoded(other, &mut output);
        }
    }
    Scrutiny::Passed
}

impl Pair {
    fn check(
        &mut self,
        envelope: &[u8],
        (ran, used): (&Result<(), StepError>, &Output),
        (is_thorough, check_leaks): (bool, bool),
        limit_bytes: usize,
    ) -> Result<Scrutiny, StepError> {
        let mut expected = Output::default();
        self.fresh.renew()?;
        let expected_ran = self.fresh.step_encoded(envelope, &mut expected);
        if let Some(what) = difference((&expected_ran, &expected), (ran, used)) {
            return Ok(Scrutiny::differs("a used instance", what));
        }
        if self.unrelated.is_empty() {
            self.unrelated = envelope.to_vec();
        }
        let mut output = Output::default();
        // A step that fails takes a fresh instance each time, which nothing has dirtied.
        let rounds = match expected_ran {
            Ok(()) => ROUNDS[usize::from(is_thorough)],
            Err(_) => 1,
        };
        for _ in 0..rounds {
            // It may fail: only the mark that it leaves in memory matters.
            let _ = self.dirtied.step_encoded(&self.unrelated, &mut output);
            let ran = self.dirtied.step_encoded(envelope, &mut output);
            if let Some(what) = difference((&expected_ran, &expected), (&ran, &output)) {
                return Ok(Scrutiny::differs("a dirtied instance", what));
            }
        }
        self.unrelated.clear();
        self.unrelated.extend_from_slice(envelope);
        if check_leaks && expected_ran.is_ok() {
            self.fresh.renew_late(true);
            let found = self.leak(envelope, limit_bytes);
            self.fresh.renew_late(false);
            return found;
        }
        Ok(Scrutiny::Passed)
    }

    /// Takes a step over and over on the fresh instance: once it has been taken often enough, it
    /// has all the memory that it needs.
    fn leak(&mut self, envelope: &[u8], limit_bytes: usize) -> Result<Scrutiny, StepError> {
        let mut output = Output::default();
        let mut take = |instance: &mut Instance| -> Result<usize, StepError> {
            for _ in 0..LEAK_STEPS {
                instance.step_encoded(envelope, &mut output)?;
            }
            Ok(instance.memory_bytes())
        };
        let once = take(&mut self.fresh)?;
        let twice = take(&mut self.fresh)?;
        // The host renews an instance whose memory comes near its limit.
        let was_renewed = self.fresh.steps_since_renewal() < u64::from(2 * LEAK_STEPS);
        if was_renewed {
            let what = format!("its memory was used up within {} steps", 2 * LEAK_STEPS);
            return Ok(Scrutiny::Leaks(what.into()));
        }
        if twice > once {
            let step_bytes = (twice - once).div_ceil(LEAK_STEPS as usize);
            let lasts = limit_bytes / step_bytes;
            let what = format!(
                "about {step_bytes} bytes a step, so that an instance lasts for {lasts} steps or so"
            );
            return Ok(Scrutiny::Leaks(what.into()));
        }
        Ok(Scrutiny::Passed)
    }
}

/// What is not the same in two answers.
fn difference(
    expected: (&Result<(), StepError>, &Output),
    found: (&Result<(), StepError>, &Output),
) -> Option<&'static str> {
    match (expected.0, found.0) {
        (Ok(()), Ok(())) if expected.1 == found.1 => None,
        (Ok(()), Ok(())) if expected.1.state() != found.1.state() => Some("another state"),
        (Ok(()), Ok(())) => Some("other events, effects or annotations"),
        (Err(expected), Err(found)) if expected == found => None,
        (Err(_), Err(_)) => Some("another error"),
        (Ok(()), Err(_)) => Some("an error where a fresh one answers"),
        (Err(_), Ok(())) => Some("an answer where a fresh one fails"),
    }
}
