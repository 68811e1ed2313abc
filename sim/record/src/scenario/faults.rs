//! How much of what goes wrong in a run: a list of named integers.
//!
//! A seed draws its own mix (swarm testing: Groce et al., ISSTA 2012): each kind of fault is off
//! in half of the seeds or more, so that those that hide one another also run apart.
//! [`Faults::FIXED`] is one mix for all seeds, with every kind on at its average: what swarm is
//! measured against.

use crate::random::{Ratio, Stream};

/// Makes the type and the names out of one list.
macro_rules! knobs {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// One number of a mix.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Knob {
            $($(#[$doc])* $variant,)*
        }

        impl Knob {
            pub const ALL: [Knob; [$($name),*].len()] = [$(Knob::$variant),*];

            /// As reports and case files call it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Knob::$variant => $name,)*
                }
            }
        }
    };
}

knobs! {
    /// Weights of the answers to work, relative to one another.
    Ok "ok";
    Transient "transient";
    Terminal "terminal";
    Silence "silence";
    /// Weights of decisions, relative to [`Faults::PROGRESS`].
    Spurious "stray";
    Duplicate "duplicate";
    Drop "drop";
    Redeliver "redeliver";
    SecondStart "second_start";
    Advance "advance";
    Snapshot "snapshot";
    /// Percentages: how often progress is not the oldest thing in flight.
    Reorder "reorder";
    /// How often the next request starts while another is under way.
    StartEarly "start_early";
    TimerEarly "timer_early";
    TimerLate "timer_late";
    TimerTwice "timer_twice";
    /// How often a timer's receipt says error or timeout.
    TimerStatus "timer_status";
    /// How often an arriving event meets a crash.
    Crash "crash";
}

const COUNT: usize = Knob::ALL.len();
const FIRST_DECISION: usize = Knob::Spurious as usize;
const FIRST_PERCENTAGE: usize = Knob::Reorder as usize;

/// The fault mix of one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Faults([u32; COUNT]);

/// Where the mixes of a campaign come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    /// Each seed draws its own.
    Swarm,
    /// [`Faults::FIXED`] for every seed.
    Fixed,
}

/// How far the run of a seed goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    Usual,
    /// Long, with hardly a fault and nothing that ends a request: what shows only after many
    /// attempts hides behind the faults of usual runs.
    Deep,
    /// The same, until a byte has overflowed.
    Deepest,
}

impl Depth {
    /// One seed in so many goes deep, and of those one in so many deeper still.
    const DEEP: Ratio = Ratio::new(1, 32);
    const DEEPEST: Ratio = Ratio::new(1, 4);

    pub fn draw(stream: &mut Stream) -> Depth {
        match stream.chance(Depth::DEEP) {
            true if stream.chance(Depth::DEEPEST) => Depth::Deepest,
            true => Depth::Deep,
            false => Depth::Usual,
        }
    }

    /// How many times as long as a usual run.
    pub fn factor(self) -> u32 {
        match self {
            Depth::Usual => 1,
            Depth::Deep => 3,
            Depth::Deepest => 9,
        }
    }
}

const WEIGHTS: [u32; 8] = [0, 0, 0, 0, 5, 10, 20, 40];
const PERCENT: [u32; 8] = [0, 0, 0, 0, 10, 20, 40, 70];
/// A crash costs a replay of the whole journal, and one tells much: it is rarer than the others.
const CRASH_PERCENT: [u32; 8] = [0, 0, 0, 0, 0, 0, 2, 4];

impl Faults {
    /// The weight of letting the run go on.
    pub const PROGRESS: u32 = 100;
    /// The weight of ending the run once nothing is left to go on.
    pub const STOP: u32 = 15;
    /// The largest number of a mix.
    pub const MOST: u32 = 100;

    /// The averages of what [`Faults::draw`] draws, rounded up.
    pub const FIXED: Faults = {
        let mut mix = [10; COUNT];
        mix[Knob::Ok as usize] = 6;
        mix[Knob::Transient as usize] = 25;
        mix[Knob::Terminal as usize] = 2;
        mix[Knob::Silence as usize] = 2;
        let mut index = FIRST_PERCENTAGE;
        while index < COUNT {
            mix[index] = 18;
            index += 1;
        }
        mix[Knob::Crash as usize] = 1;
        Faults(mix)
    };

    /// A seed's own mix.
    pub fn draw(stream: &mut Stream, depth: Depth) -> Faults {
        let mut mix = [0; COUNT];
        if depth != Depth::Usual {
            mix[Knob::Transient as usize] = 100;
            // At most one kind of fault, and little of it.
            let kinds = (COUNT - FIRST_DECISION) as u32;
            let kind = FIRST_DECISION + stream.below(2 * kinds) as usize;
            if let Some(weight) = mix.get_mut(kind) {
                *weight = 2;
            }
            return Faults(mix);
        }
        // Mostly transient errors, or there would be little to retry; other failures may be off.
        mix[Knob::Ok as usize] = 1 + stream.below(10);
        mix[Knob::Transient as usize] = 10 + stream.below(30);
        mix[Knob::Terminal as usize] = stream.below(2) * 4;
        mix[Knob::Silence as usize] = stream.below(2) * 4;
        for weight in &mut mix[FIRST_DECISION..FIRST_PERCENTAGE] {
            *weight = WEIGHTS[stream.below(8) as usize];
        }
        for percent in &mut mix[FIRST_PERCENTAGE..] {
            *percent = PERCENT[stream.below(8) as usize];
        }
        mix[Knob::Crash as usize] = CRASH_PERCENT[stream.below(8) as usize];
        Faults(mix)
    }

    /// A mix of given numbers; the others are 0. None if one is above [`Faults::MOST`].
    pub fn of(numbers: impl IntoIterator<Item = (Knob, u32)>) -> Option<Faults> {
        let mut mix = [0; COUNT];
        for (knob, number) in numbers {
            mix[knob as usize] = number;
        }
        let fits = mix.iter().all(|number| *number <= Faults::MOST);
        fits.then_some(Faults(mix))
    }

    #[inline]
    pub fn weight(&self, knob: Knob) -> u32 {
        self.0[knob as usize]
    }

    #[inline]
    pub fn ratio(&self, knob: Knob) -> Ratio {
        Ratio::new(self.0[knob as usize].min(100), 100)
    }

    /// Weights of ok, transient, terminal and silence.
    pub fn answers(&self) -> &[u32] {
        &self.0[..FIRST_DECISION]
    }

    /// What is on, in order.
    pub fn on(&self) -> impl Iterator<Item = (Knob, u32)> {
        let numbers = Knob::ALL.into_iter().zip(self.0);
        numbers.filter(|(_, number)| *number > 0)
    }
}
