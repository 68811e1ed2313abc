//! What a property of a test may answer.

use std::fmt::Display;

/// What a property may answer: a bool; nothing, if it asserts; an error that says what is wrong; or
/// an option of one of these, where None is that it has nothing to say. One that panics is
/// violated.
pub trait Outcome {
    /// What it comes to.
    fn judged(self) -> Judged;
}

/// What a property said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Judged {
    /// It holds.
    Holds,
    /// It has nothing to say of this. That never counts as a pass.
    NothingToSay,
    /// It does not hold, and what is wrong if it says so.
    Violated(Option<String>),
}

impl Outcome for bool {
    fn judged(self) -> Judged {
        match self {
            true => Judged::Holds,
            false => Judged::Violated(None),
        }
    }
}

impl Outcome for () {
    fn judged(self) -> Judged {
        Judged::Holds
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn judged(self) -> Judged {
        match self {
            Ok(()) => Judged::Holds,
            Err(error) => Judged::Violated(Some(error.to_string())),
        }
    }
}

impl<T: Outcome> Outcome for Option<T> {
    fn judged(self) -> Judged {
        self.map_or(Judged::NothingToSay, T::judged)
    }
}
