//! How much of what goes wrong in a run: a list of named integers.
//!
//! A seed draws its own mix (swarm testing: Groce et al., ISSTA 2012): each kind of fault is off
//! in half of the seeds or more, so that those that hide one another also run apart.
//! [`Faults::fixed`] is one mix for all seeds, with every kind on at its average: what swarm is
//! measured against.

use std::sync::Arc;

use crate::answers::{Answers, Often, Outcome};
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
            /// All of them, in the order of reports and case files.
            pub const ALL: [Knob; [$($name),*].len()] = [$(Knob::$variant),*];

            /// The one that reports and case files call so.
            pub fn named(name: &str) -> Option<Knob> {
                Knob::ALL.into_iter().find(|knob| knob.name() == name)
            }

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
    /// The weight of no answer to work, relative to those of its answers.
    Silence "silence";
    /// Weights of decisions, relative to [`Faults::PROGRESS`]: a spurious event arrives.
    Spurious "stray";
    /// Something in flight is delivered, and stays in flight.
    Duplicate "duplicate";
    /// Something in flight is lost, for now.
    Drop "drop";
    /// What was lost is delivered after all.
    Redeliver "redeliver";
    /// A request is started that was started before.
    SecondStart "second_start";
    /// Time goes on, and nothing else happens.
    Advance "advance";
    /// The kernel writes a snapshot.
    Snapshot "snapshot";
    /// Percentages: how often progress is not the oldest thing in flight.
    Reorder "reorder";
    /// How often the next request starts while another is under way.
    StartEarly "start_early";
    /// How often a timer fires before it is due.
    TimerEarly "timer_early";
    /// How often a timer fires after it was due.
    TimerLate "timer_late";
    /// How often a timer that fires stays, so that it can fire again.
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
#[derive(Clone, Debug)]
pub struct Faults {
    knobs: [u32; COUNT],
    /// The weights of the answers to work, by name, in order. Of others it is 0.
    answers: Arc<[(Arc<str>, u32)]>,
}

/// Whether they are the same numbers; the order of the answers is that of whoever lists them.
impl PartialEq for Faults {
    fn eq(&self, other: &Faults) -> bool {
        let has_all_of = |one: &Faults, other: &Faults| {
            let mut answers = other.answers.iter();
            answers.all(|(name, weight)| one.answer(name) == *weight)
        };
        self.knobs == other.knobs && has_all_of(self, other) && has_all_of(other, self)
    }
}

impl Eq for Faults {}

/// Where the mixes of a campaign come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    /// Each seed draws its own.
    Swarm,
    /// [`Faults::fixed`] for every seed.
    Fixed,
}

/// How far the run of a seed goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// As long as a scenario says, with all kinds of faults.
    Usual,
    /// Long, with hardly a fault and nothing that ends a request: what shows only after many
    /// rounds hides behind the faults of usual runs.
    Deep,
    /// The same, until a byte has overflowed.
    Deepest,
}

impl Depth {
    /// One seed in so many goes deep, and of those one in so many deeper still.
    const DEEP: Ratio = Ratio::new(1, 32);
    const DEEPEST: Ratio = Ratio::new(1, 4);

    /// The depth of a seed, by a stream that nothing else is drawn from.
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
    pub fn fixed(answers: &Answers) -> Faults {
        let mut knobs = [10; COUNT];
        knobs[Knob::Silence as usize] = Often::RARELY.average();
        knobs[FIRST_PERCENTAGE..].fill(18);
        knobs[Knob::Crash as usize] = 1;
        Faults {
            knobs,
            answers: weights(answers, |outcome| outcome.often.average()),
        }
    }

    /// A seed's own mix.
    pub fn draw(stream: &mut Stream, depth: Depth, answers: &Answers) -> Faults {
        let mut knobs = [0; COUNT];
        if depth != Depth::Usual {
            // At most one kind of fault, and little of it.
            let kinds = (COUNT - FIRST_DECISION) as u32;
            let kind = FIRST_DECISION + stream.below(2 * kinds) as usize;
            if let Some(weight) = knobs.get_mut(kind) {
                *weight = 2;
            }
            let weight = |outcome: &Outcome| u32::from(outcome.goes_on) * Faults::MOST;
            let answers = weights(answers, weight);
            return Faults { knobs, answers };
        }
        let answers = weights(answers, |outcome| outcome.often.draw(stream));
        knobs[Knob::Silence as usize] = Often::RARELY.draw(stream);
        for weight in &mut knobs[FIRST_DECISION..FIRST_PERCENTAGE] {
            *weight = WEIGHTS[stream.below(8) as usize];
        }
        for percent in &mut knobs[FIRST_PERCENTAGE..] {
            *percent = PERCENT[stream.below(8) as usize];
        }
        knobs[Knob::Crash as usize] = CRASH_PERCENT[stream.below(8) as usize];
        Faults { knobs, answers }
    }

    /// A mix of given numbers, of faults and of answers by name; the others are 0. None if one is
    /// above [`Faults::MOST`].
    pub fn of(
        numbers: impl IntoIterator<Item = (Knob, u32)>,
        answers: impl IntoIterator<Item = (Arc<str>, u32)>,
    ) -> Option<Faults> {
        let mut knobs = [0; COUNT];
        for (knob, number) in numbers {
            knobs[knob as usize] = number;
        }
        let answers: Arc<[_]> = answers.into_iter().collect();
        let mut weights = answers.iter().map(|(_, weight)| *weight);
        let fits = |number| number <= Faults::MOST;
        (knobs.into_iter().all(fits) && weights.all(fits)).then_some(Faults { knobs, answers })
    }

    /// The same without one kind of fault.
    pub fn without(mut self, knob: Knob) -> Faults {
        self.knobs[knob as usize] = 0;
        self
    }

    /// The number of a knob, from 0 to [`Faults::MOST`]: a weight, or a percentage.
    #[inline]
    pub fn weight(&self, knob: Knob) -> u32 {
        self.knobs[knob as usize]
    }

    /// The number of a knob that is a percentage, as a ratio.
    #[inline]
    pub fn ratio(&self, knob: Knob) -> Ratio {
        Ratio::new(self.knobs[knob as usize].min(100), 100)
    }

    /// The weights of a world's answers, in its order, and at last that of silence.
    pub fn of_answers(&self, answers: &Answers) -> Vec<u32> {
        let outcomes = answers.outcomes().iter();
        let weights = outcomes.map(|outcome| self.answer(&outcome.name));
        weights.chain([self.weight(Knob::Silence)]).collect()
    }

    fn answer(&self, name: &str) -> u32 {
        let mut known = self.answers.iter();
        let found = known.find(|(other, _)| **other == *name);
        found.map_or(0, |(_, weight)| *weight)
    }

    /// What is on, in order, by the names of files and reports: answers, then faults.
    pub fn on(&self) -> impl Iterator<Item = (String, u32)> {
        let of_answers = self.answers.iter();
        let of_answers = of_answers.map(|(name, weight)| (name_of_weight(name), *weight));
        let knobs = Knob::ALL.into_iter().zip(self.knobs);
        let of_faults = knobs.map(|(knob, number)| (knob.name().to_owned(), number));
        let all = of_answers.chain(of_faults);
        all.filter(|(_, number)| *number > 0)
    }
}

/// What the weight of an answer is called: as the answer, unless a kind of fault is called so.
fn name_of_weight(answer: &str) -> String {
    match Knob::named(answer) {
        None => answer.to_owned(),
        Some(_) => format!("{ANSWER}{answer}"),
    }
}

/// The answer whose weight is called so.
pub fn answer_of_weight(name: &str) -> &str {
    name.strip_prefix(ANSWER).unwrap_or(name)
}

const ANSWER: &str = "answer ";

fn weights(answers: &Answers, mut weight: impl FnMut(&Outcome) -> u32) -> Arc<[(Arc<str>, u32)]> {
    let outcomes = answers.outcomes().iter();
    outcomes
        .map(|outcome| (outcome.name.clone(), weight(outcome)))
        .collect()
}
