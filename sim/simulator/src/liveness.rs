//! The chooser of the liveness phase: no new faults, and what went wrong is made good.
//!
//! What is in flight is delivered and what was dropped redelivered, oldest first; work that was
//! silent, and all other work, answers ok; timers fire when they are due. It ends when nothing is
//! left to do. It draws nothing: this phase of a run is a function of where its faults left it.

use super::{Chooser, Flight, Situation, enabled};
use sim_air::Air;
use sim_record::scenario::Bounds;
use sim_record::trace::{Choice, Trace};

/// Chooses in the liveness phase.
pub struct Liveness;

/// Turns that a step of a plan takes at the most: its tick, its receipt, and the delivery of the
/// event that it raises.
const TURNS_PER_STEP: usize = 3;
/// So many times what is needed is allowed, since an answer may lead to something more.
const SLACK: usize = 2;

/// The most turns of a liveness phase.
///
/// What is in flight when faults stop is taken in one turn, and begins one instance of each plan at
/// the most. Nothing is copied or lost any more, so that what was sent too often or too late is
/// ignored, and comes to an end with these plans. Only what is still under way goes on, and that
/// is what `bounds.liveness_turns` are for.
pub(super) fn most_turns(air: &Air, bounds: &Bounds, flight: &Flight) -> u32 {
    let steps: usize = air.plans.iter().map(|plan| plan.steps.len()).sum();
    let turns_each = SLACK * (1 + TURNS_PER_STEP * steps);
    let turns = flight.count().saturating_mul(turns_each);
    let turns = u32::try_from(turns).unwrap_or(u32::MAX);
    bounds.liveness_turns.max(turns)
}

impl Chooser for Liveness {
    fn choose(&mut self, situation: &Situation<'_>, _trace: &mut Trace) -> Option<Choice> {
        let flight = situation.flight;
        let next = enabled::messages(flight)
            .chain(enabled::dropped(flight))
            .chain(enabled::plans(flight))
            .chain(enabled::effects(flight))
            .next();
        let timers = enabled::timers(flight);
        let next = next.or_else(|| timers.min_by_key(|timer| timer.age(flight)))?;
        Some(next.plain(flight))
    }
}
