//! The answers that the work of a world may get, by name.
//!
//! A world's model lists them, the plain one first. Files, reports and schedules have their names;
//! a trace has their places in the list ([`Answer`]), and the list beside. That no answer comes is
//! a fault of the environment and in no list: [`Answer::SILENCE`].

use std::num::NonZeroU8;
use std::sync::Arc;

use crate::random::Stream;

/// An answer by its place in the list of its world, from 1: one or none takes a byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Answer(NonZeroU8);

impl Answer {
    /// The first of every list: that by which a run goes on without a fault.
    pub const PLAIN: Answer = Answer(NonZeroU8::MIN);
    /// None comes, for now.
    pub const SILENCE: Answer = Answer(NonZeroU8::MAX);

    /// The answer at a place of the list, from 0.
    pub const fn nth(place: u8) -> Answer {
        Answer(NonZeroU8::MIN.saturating_add(place))
    }

    /// Its place in the list; for silence, one that no list has.
    #[inline]
    pub const fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// An answer as the author of a world knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// As files and reports call it.
    pub name: Arc<str>,
    /// How often it is given.
    pub often: Often,
    /// Whether what asked for the work goes on with it: runs that are to go deep give no other.
    pub goes_on: bool,
}

/// How often an answer is given: the weight that the mix of a seed draws for it, relative to those
/// of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Often {
    least: u32,
    /// How many different weights there are, from the least on.
    weights: u32,
    /// How far apart they are.
    apart: u32,
}

impl Often {
    /// 1 to 10.
    pub const NOW_AND_THEN: Often = Often::new(1, 10, 1);
    /// 10 to 39.
    pub const MOSTLY: Often = Often::new(10, 30, 1);
    /// Never in half of the seeds, else 4.
    pub const RARELY: Often = Often::new(0, 2, 4);

    /// About so often: from half of it to one and a half. 0 is never.
    pub const fn about(weight: u32) -> Often {
        Often::new(
            weight.div_ceil(2),
            if weight == 0 { 1 } else { weight + 1 },
            1,
        )
    }

    const fn new(least: u32, weights: u32, apart: u32) -> Often {
        Often {
            least,
            weights,
            apart,
        }
    }

    pub(crate) fn draw(self, stream: &mut Stream) -> u32 {
        self.least + self.apart * stream.below(self.weights)
    }

    /// The average of what is drawn, rounded up.
    pub(crate) const fn average(self) -> u32 {
        self.least + (self.apart * (self.weights - 1)).div_ceil(2)
    }
}

impl Outcome {
    /// One that is given now and then, and with which what asked goes on no longer.
    pub fn new(name: &str) -> Outcome {
        Outcome {
            name: name.into(),
            often: Often::NOW_AND_THEN,
            goes_on: false,
        }
    }

    /// The same, given so often.
    pub fn given(self, often: Often) -> Outcome {
        Outcome { often, ..self }
    }

    /// The same, with which what asked for the work goes on.
    pub fn going_on(self) -> Outcome {
        Outcome {
            goes_on: true,
            ..self
        }
    }
}

/// The name of silence, which no answer has.
pub const SILENCE: &str = "silence";

/// The answers of a world, in its order. Cheap to clone.
///
/// ```
/// use sim_record::trace::{Answer, Answers, Often, Outcome};
///
/// let answers = Answers::new([
///     Outcome::new("paid"),
///     Outcome::new("try_later").given(Often::MOSTLY).going_on(),
///     Outcome::new("declined"),
/// ]);
/// assert_eq!(answers.named("declined"), Some(Answer::nth(2)));
/// assert_eq!(answers.named("silence"), Some(Answer::SILENCE));
/// assert_eq!(answers.named("maybe"), None);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers(Arc<[Outcome]>);

/// One plain answer, and no other.
impl Default for Answers {
    fn default() -> Answers {
        Answers::new([Outcome::new("ok")])
    }
}

impl Answers {
    /// # Panics
    /// If there are none or more than 100, if two have one name, or if one is called silence.
    pub fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Answers {
        let outcomes: Arc<[Outcome]> = outcomes.into_iter().collect();
        assert!(
            (1..=Answers::MOST).contains(&outcomes.len()),
            "a world's work has 1 to {} answers",
            Answers::MOST
        );
        for (place, outcome) in outcomes.iter().enumerate() {
            let is_taken = outcomes[..place]
                .iter()
                .any(|other| other.name == outcome.name);
            assert!(
                !is_taken && &*outcome.name != SILENCE,
                "the name {:?} is taken",
                outcome.name
            );
        }
        Answers(outcomes)
    }

    /// The most answers of a world.
    pub const MOST: usize = 100;

    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    /// How many there are beside silence.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All but silence, in order.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = Answer> + use<> {
        (0..self.0.len() as u8).map(Answer::nth)
    }

    /// What is known of them, in order.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.0
    }

    /// All but silence, and the simplest first: the plain one, those that end what asked for the
    /// work, those with which it goes on.
    pub fn simplest_first(&self) -> Vec<Answer> {
        let mut all: Vec<Answer> = self.all().collect();
        all.sort_by_key(|answer| (*answer != Answer::PLAIN, self.0[answer.place()].goes_on));
        all
    }

    /// The answer of a name, silence among them; None if this world's work has none such.
    pub fn named(&self, name: &str) -> Option<Answer> {
        if name == SILENCE {
            return Some(Answer::SILENCE);
        }
        self.all()
            .zip(&*self.0)
            .find_map(|(answer, outcome)| (&*outcome.name == name).then_some(answer))
    }

    /// Whether what asked for the work goes on asking with an answer of this list.
    pub fn goes_on(&self, answer: Answer) -> bool {
        let outcome = self.0.get(answer.place());
        outcome.is_some_and(|outcome| outcome.goes_on)
    }

    /// The name of an answer of this list. Of a place that it does not have: silence.
    pub fn name(&self, answer: Answer) -> &str {
        let outcome = self.0.get(answer.place());
        outcome.map_or(SILENCE, |outcome| &outcome.name)
    }
}
