//! The structure-aware mutator: a scenario in, a slightly different one out.
//!
//! A mutation is a few edits, each drawn from a seed: of the schedule (insert, delete, duplicate,
//! swap, move, splice with another scenario, change one field) or of a request. New parts are made
//! by `arbitrary` from the same seed; numbers also come from compares that the guest made, see
//! `dictionary`. What is made need not be possible: a decision that is not is skipped when it runs.

mod decisions;
pub mod dictionary;
mod schedule;
mod values;

use arbitrary::{Result, Unstructured};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sim::air::Air;
use sim::model::Model;
use sim::random::{Component, Seed, Stream};
use sim::scenario::{Decision, Depth, Scenario};

use dictionary::Dictionary;

/// Random bytes for one mutation; when they are used up, what is drawn is the least there is.
const DICE_BYTES: usize = 1 << 9;
/// The most edits of one mutation.
const MOST_EDITS: u32 = 4;
/// The most requests of one scenario.
const MOST_REQUESTS: usize = 4;
/// The most crashes of one scenario.
const MOST_CRASHES: u32 = 2;

/// What new parts are made of.
pub struct Palette<'a> {
    pub air: &'a Air,
    pub model: &'a dyn Model,
    /// What was possible in runs so far.
    pub pool: &'a Pool,
    pub dictionary: &'a Dictionary,
    /// The answers that work may get, by name, silence among them.
    pub answers: Vec<String>,
    /// Request ids and other short texts.
    pub words: Vec<String>,
    /// Decisions that were possible when the run of this very scenario ended.
    pub possible: &'a [Decision],
    /// Changes bytes in place, as libFuzzer does.
    pub bytes: &'a mut dyn FnMut(&mut Vec<u8>),
}

/// Decisions seen possible in runs, each kind and name once.
#[derive(Default)]
pub struct Pool {
    decisions: Vec<Decision>,
}

impl Pool {
    /// Names are few, but made-up ids could become many.
    const MOST: usize = 256;

    pub fn note(&mut self, decision: &Decision) {
        if self.decisions.len() < Pool::MOST && !self.decisions.contains(decision) {
            self.decisions.push(decision.clone());
        }
    }
}

impl Palette<'_> {
    fn mutate_bytes(&mut self, bytes: &mut Vec<u8>) {
        (self.bytes)(bytes);
    }

    /// A stream for what the model makes.
    fn stream(&self, dice: &mut Unstructured<'_>) -> Result<Stream> {
        Ok(Stream::new(Seed(dice.arbitrary()?), Component::Requests))
    }
}

/// Mutates a scenario as a seed says.
pub fn mutate(scenario: &mut Scenario, palette: &mut Palette<'_>, seed: u32) {
    with_dice(seed, |dice| {
        let edits = 1 + dice.int_in_range(0..=MOST_EDITS)?.saturating_sub(1) / 2;
        for _ in 0..edits {
            edit(scenario, palette, dice)?;
        }
        Ok(())
    });
}

/// Takes a part of another scenario over, or ends as the other does.
pub fn splice(scenario: &mut Scenario, other: &Scenario, seed: u32) {
    with_dice(seed, |dice| {
        schedule::splice(&mut scenario.schedule, &other.schedule, dice)?;
        if scenario.requests.is_empty() || dice.ratio(1, 8)? {
            scenario.requests.clone_from(&other.requests);
        }
        Ok(())
    });
}

/// Running out of dice ends a mutation early, and is no error.
fn with_dice(seed: u32, edit: impl FnOnce(&mut Unstructured<'_>) -> Result<()>) {
    let mut bytes = [0; DICE_BYTES];
    ChaCha8Rng::seed_from_u64(seed.into()).fill_bytes(&mut bytes);
    let _ = edit(&mut Unstructured::new(&bytes));
}

/// Keeps a scenario small. Crashes above [`MOST_CRASHES`] do not happen: a recovery costs as much
/// as twenty other decisions, and splicing makes them many.
pub fn trim(scenario: &mut Scenario, most_decisions: usize) {
    scenario.schedule.truncate(most_decisions);
    scenario.requests.truncate(MOST_REQUESTS);
    let mut crashes = 0;
    for decision in &mut scenario.schedule {
        let Decision::Crash { during, .. } = decision else {
            continue;
        };
        crashes += 1;
        if crashes > MOST_CRASHES {
            *decision = std::mem::replace(during, Decision::Snapshot);
        }
    }
}

fn edit(
    scenario: &mut Scenario,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    match dice.int_in_range(0..=23)? {
        0..=8 => schedule::go_on(scenario, palette, dice),
        9..=11 => schedule::insert(scenario, palette, dice),
        12 | 13 => schedule::delete(&mut scenario.schedule, dice),
        14 => schedule::duplicate(&mut scenario.schedule, dice),
        15 => schedule::swap(&mut scenario.schedule, dice),
        16 => schedule::relocate(&mut scenario.schedule, dice),
        17..=19 => schedule::change(scenario, palette, dice),
        20..=22 => change_request(scenario, palette, dice),
        _ => change_options(scenario, dice),
    }
}

/// A larger request is not added.
const LARGE_REQUEST_BYTES: usize = 1_024;

/// Changes a leaf of a request's value; now and then adds or removes a request.
fn change_request(
    scenario: &mut Scenario,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    if scenario.requests.is_empty() || dice.ratio(1, 8)? {
        let mut stream = palette.stream(dice)?;
        for request in palette.model.requests(&mut stream, Depth::Usual) {
            let is_known = scenario
                .requests
                .iter()
                .any(|known| known.name == request.name);
            // An input has few bytes.
            if !is_known && request.value.len() <= LARGE_REQUEST_BYTES {
                scenario.requests.push(request);
            }
        }
        return Ok(());
    }
    let index = dice.choose_index(scenario.requests.len())?;
    if scenario.requests.len() > 1 && dice.ratio(1, 8)? {
        scenario.requests.remove(index);
        return Ok(());
    }
    let request = &mut scenario.requests[index];
    let place = (request.schema, &mut request.value);
    values::change(&palette.air.schemas, place, palette, dice)?;
    Ok(())
}

fn change_options(scenario: &mut Scenario, dice: &mut Unstructured<'_>) -> Result<()> {
    scenario.liveness = dice.ratio(1, 4)?;
    Ok(())
}
