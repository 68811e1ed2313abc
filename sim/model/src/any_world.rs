//! What must hold in every run of any world.

mod bounded;
mod conforms;
mod intents_granted;
mod plans_succeed;
mod pure;
mod replays;

use crate::assertions;
use crate::observer::{Looks, Observer, Seen, Verdicts, Watch};
use crate::property::{KnownBy, Property};
use sim_kernel::World;
use sim_record::trace::{Choice, Step};

pub use replays::{Crashes, Replays, Unrecovered};

/// The properties, in the order of their places below.
const PROPERTIES: [Property; 6] = [
    Property::always(
        "conforms",
        "outputs fit their schemas, and effects are declared and bound",
    )
    .known_by(KnownBy::Both),
    Property::always(
        "bounded",
        "no step traps or exceeds its fuel, memory or output bound",
    )
    .known_by(KnownBy::Both),
    Property::always(
        "pure",
        "a step gives the same bytes on a used, a fresh and a dirtied instance",
    ),
    Property::always(
        "replays",
        "recovery from journal or snapshot gives the same states and open intents",
    )
    .known_by(KnownBy::Found),
    Property::always(
        "intents_granted",
        "the effect gate lets every effect pass that is asked for",
    )
    .known_by(KnownBy::Found)
    .going_on(),
    Property::always("plans_succeed", "no plan ends in an error")
        .known_by(KnownBy::Found)
        .going_on(),
];

const CONFORMS: usize = 0;
const BOUNDED: usize = 1;
const PURE: usize = 2;
/// Also its place in the list of any world, of which these properties are the first.
pub(crate) const REPLAYS: usize = 3;
const INTENTS_GRANTED: usize = 4;
const PLANS_SUCCEED: usize = 5;

/// Whether what must hold in any world has a property of that name, so that no author's may be
/// called so.
pub fn is_of_any_world(name: &str) -> bool {
    PROPERTIES.iter().any(|property| property.name == name) || name == assertions::NAME
}

/// Watches a run for them.
pub(crate) struct AnyWorld<'w> {
    world: &'w World,
    /// The kernel has been rebuilt in this run.
    has_crashed: bool,
    last_states: replays::LastStates,
}

impl<'w> AnyWorld<'w> {
    pub fn watch(world: &'w World) -> Watch<'w> {
        let observer = AnyWorld {
            world,
            has_crashed: false,
            last_states: replays::LastStates::default(),
        };
        Watch::new(PROPERTIES.to_vec(), observer)
    }
}

impl Observer for AnyWorld<'_> {
    type Memory = ();

    /// What it says of a turn is said of that alone.
    fn looks(&self) -> Looks {
        Looks::STEPS
    }

    fn reset(&mut self) {
        self.has_crashed = false;
        self.last_states.clear();
    }

    fn begin_turn(&mut self, (): &mut (), seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        self.has_crashed |= matches!(seen.turn.choice, Choice::Crash { .. });
        if self.has_crashed {
            to.note(REPLAYS, replays::check_turn(seen.turn));
            for step in seen.turn.steps.clone() {
                let finding = self.last_states.check(seen.trace, step as usize);
                to.note(REPLAYS, finding);
            }
        }
    }

    fn step(&mut self, (): &mut (), _: &Seen<'_>, step: &Step, to: &mut Verdicts<'_>) {
        to.note(CONFORMS, conforms::check(step));
        let forbids_leaks = self.world.expected.forbids_leaks;
        to.note(BOUNDED, bounded::check(step, forbids_leaks));
        to.note(PURE, pure::check(step));
    }

    fn end_turn(&mut self, (): &mut (), seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        let (world, trace, turn) = (self.world, seen.trace, seen.turn);
        if !turn.intents.is_empty() {
            to.note(INTENTS_GRANTED, intents_granted::check(world, trace, turn));
        }
        if !world.air.plans.is_empty() {
            to.note(PLANS_SUCCEED, plans_succeed::check(world, trace, turn));
        }
    }
}
