//! Why a case fails: after which of its turns the failure still comes if chance takes over, which
//! of its decisions it needs, and which schedule beside it does not fail.
//!
//! The failure is a violation of one property, whatever the turn, the values and what else is
//! violated with it. It is asked for in three ways, each in a file of its own: `chance` has the
//! scheduler of campaigns go on after each turn, many times; `explore::schedules` counts all
//! schedules that go on, where they are few; `changes` takes one decision out, or another in its
//! place, and leaves the rest as it was.
//!
//! Probabilities are counts. The same case, seed and options give the same result for any number
//! of jobs, on any machine. Nothing is printed or written here.

mod chance;
mod changes;

use sim_host::StepError;
use sim_kernel::World;
use sim_model::Model;
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::Scenario;
use sim_simulator::Scripted;

use crate::campaign::{Effort, Runner, Shown};
use crate::explore::{self, Counts, Uncounted};
pub use changes::{Changed, Closest, Fate, Instead};

/// The most continuations of a turn that anyone may ask for.
pub const MOST_CONTINUATIONS: u32 = 1_000_000;
/// Continuations of a turn by default.
pub const DEFAULT_CONTINUATIONS: u32 = 1_000;
/// States that are met by default to count schedules.
pub const DEFAULT_STATES: u64 = 10_000;

/// How closely it is looked at a case.
#[derive(Clone, Debug)]
pub struct Options {
    /// What all continuations are drawn from.
    pub seed: Seed,
    /// How many go on after each turn, from 1 to [`MOST_CONTINUATIONS`].
    pub continuations: u32,
    /// How many states may be met to count schedules; with 0 none are.
    pub most_states: u64,
    /// Threads. The results are the same for any number.
    pub jobs: usize,
    /// Ends it soon after this is asked.
    pub interrupt: Interrupt,
}

/// A case that fails.
#[derive(Clone, Copy)]
pub struct Failing<'a> {
    /// Its schedule was taken from a run, up to the turn that is wrong, or up to the liveness
    /// phase if it is wrong in that.
    pub scenario: &'a Scenario,
    /// The place of the property that it violates.
    pub rank: usize,
    /// How closely one has to look to see it.
    pub effort: Effort,
    /// Whether it is wrong in the liveness phase.
    pub is_late: bool,
}

/// What is known of a failure.
#[derive(Debug)]
pub struct Why {
    /// How many continuations of each turn there were.
    pub continuations: u32,
    /// How many of them failed: after none of the case's decisions, after the first, and so on to
    /// the last.
    pub failing: Vec<u32>,
    /// The schedules that go on, where they can be counted.
    pub counts: Result<Counts, Uncounted>,
    /// Each decision of the case, and what comes of the case with another or none in its place.
    pub decisions: Vec<Changed>,
    /// The schedule closest to the case's that does not fail, if there is one that differs in one
    /// decision.
    pub closest: Option<Closest>,
    /// Nothing is wrong before the run has ended, and is judged as a whole.
    pub is_at_end: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It fails, and then it does not: a step is not a function of its input.
    #[error("the same decisions do not always fail")]
    NotDeterministic,
    /// It was asked to stop.
    #[error("it was interrupted")]
    Interrupted,
    /// An instance cannot be had.
    #[error("the reducer cannot be run")]
    Step(#[from] StepError),
}

/// Looks why a case fails. `progress` is told how many continuations were run.
///
/// # Errors
/// If it does not fail each time, or no instance can be had, or it was interrupted.
pub fn why(
    world: &World,
    model: &dyn Model,
    (failing, options): (Failing<'_>, &Options),
    progress: impl FnMut(u64),
) -> Result<Why, NoAnswer> {
    let mut runner = Runner::new(world, model)?;
    runner.set_interrupt(options.interrupt.clone());
    runner.set_effort(failing.effort);
    let mut scripted = Scripted::new(failing.scenario);
    let shown = runner.until(failing.scenario, &mut scripted, failing.rank);
    let shown = shown.ok_or(match options.interrupt.is_asked() {
        true => NoAnswer::Interrupted,
        false => NoAnswer::NotDeterministic,
    })?;
    let failing_runs = chance::sampled((world, model), (failing, options), progress)?;
    let is_at_end = shown == Shown::AtEnd;
    let of_last = failing_runs.last().copied();
    if !is_at_end && !failing.is_late && of_last != Some(options.continuations) {
        return Err(NoAnswer::NotDeterministic);
    }
    let counts = match (failing.is_late, failing.effort) {
        (true, _) => Err(Uncounted::Liveness),
        (_, Effort::Thorough) => Err(Uncounted::Unseen),
        _ => {
            let bounds = (options.most_states, &options.interrupt);
            explore::count(world, model, (failing.scenario, failing.rank), bounds)
        }
    };
    let decisions = changes::all(&mut runner, failing)?;
    let closest = changes::closest(&mut runner, failing, &decisions)?;
    if options.interrupt.is_asked() {
        return Err(NoAnswer::Interrupted);
    }
    Ok(Why {
        continuations: options.continuations,
        failing: failing_runs,
        counts,
        decisions,
        closest,
        is_at_end,
    })
}

impl Why {
    /// After how many decisions all continuations failed, there and after each that follows. None
    /// if some went another way to the end.
    pub fn all_fail_from(&self) -> Option<usize> {
        first_of_rest(&self.failing, |failing| *failing == self.continuations)
    }

    /// After how many decisions every schedule that goes on fails. None if some do not to the end,
    /// or they were not counted.
    pub fn certain_from(&self) -> Option<usize> {
        let counts = self.counts.as_ref().ok()?;
        first_of_rest(&counts.after, |it| it.failing == it.schedules)
    }

    /// The turn after which more continuations failed than before it, by the most: the first such.
    /// None where it never grows.
    pub fn largest_step(&self) -> Option<usize> {
        let steps = self.failing.windows(2).enumerate();
        let grows = steps.map(|(turn, pair)| (turn, pair[1].saturating_sub(pair[0])));
        let largest = grows.max_by_key(|(turn, by)| (*by, std::cmp::Reverse(*turn)));
        largest.filter(|(_, by)| *by > 0).map(|(turn, _)| turn)
    }
}

/// The first place from which on this is so of all.
fn first_of_rest<T>(all: &[T], is_so: impl Fn(&T) -> bool) -> Option<usize> {
    let rest = all.iter().rev().take_while(|it| is_so(it)).count();
    (rest > 0).then(|| all.len() - rest)
}
