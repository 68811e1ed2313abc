//! The target `plans`: expressions and plans, held against a slow and obvious reference.
//!
//! An input is bytes from which a world is made: schemas, effects, one plan, and a row of ticks,
//! receipts and events. Its documents go through `sim::air::load`; what is accepted is evaluated
//! and run by `sim` and, beside it, by a reference that is written from the text of the format.
//! They must agree on every value, every error, every step.
//!
//! - `dice`: choices from bytes. `draw`, `expressions`, `generate`: worlds from choices.
//! - `types`, `value`, `fit`, `read`, `forms`, `evaluate`, `interpret`: the reference.
//! - `compare`: both, side by side.
//!
//! What is refused is compared with nothing; but a world in which nothing odd was made must be
//! accepted, and its expressions are never of a wrong type.

mod compare;
mod dice;
mod draw;
mod evaluate;
mod expressions;
mod fit;
mod forms;
mod generate;
mod interpret;
mod read;
mod types;
mod value;

use std::collections::BTreeMap;

use anyhow::Result;

use crate::seeds::{self, Sown};

pub use compare::Difference;
pub use forms::OPERATORS;

/// How an execution ended.
#[derive(Debug)]
pub enum Ending {
    /// The loader refused the world, in which something odd was made.
    Refused,
    Agrees(Tally),
}

/// What an execution came by.
#[derive(Debug)]
pub struct Tally {
    /// Nothing odd was made.
    pub clean: bool,
    /// No limit of `sim` on work or depth ended the comparison early: the reference has none.
    pub within_limits: bool,
    pub notes: Notes,
}

/// How often the reference met things, by name: operators, operations of steps, errors, guards.
#[derive(Default, Debug)]
pub struct Notes(pub BTreeMap<&'static str, u32>);

impl Notes {
    pub fn note(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    pub fn add(&mut self, other: &Notes) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }
}

/// A fault in the reference, by which a test sees that the comparison notices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Planted {
    Nothing,
    SetKeepsTwins,
    NoShortCircuit,
    DivisionFloors,
    AllInts,
    GuardsIgnored,
    SkippedIsUnsettled,
    SeesEarlierEvents,
    LastMatch,
    InvariantsIgnored,
    HighestIdFirst,
    LocalsUnjudged,
}

impl Planted {
    pub const FAULTS: [Planted; 11] = [
        Planted::SetKeepsTwins,
        Planted::NoShortCircuit,
        Planted::DivisionFloors,
        Planted::AllInts,
        Planted::GuardsIgnored,
        Planted::SkippedIsUnsettled,
        Planted::SeesEarlierEvents,
        Planted::LastMatch,
        Planted::InvariantsIgnored,
        Planted::HighestIdFirst,
        Planted::LocalsUnjudged,
    ];
}

/// The inputs that the project keeps.
///
/// # Errors
/// If a file cannot be read.
pub fn seeds() -> Result<Vec<Sown>> {
    seeds::files(&crate::settings::folder("fuzz/seeds/plans"))
}

/// Runs an input.
///
/// # Panics
/// If `sim` and the reference differ: the message shows the documents and both results.
pub fn run(data: &[u8]) -> Ending {
    match hold(data, Planted::Nothing) {
        Ok(ending) => ending,
        Err(Difference(text)) => panic!("{text}"),
    }
}

/// The same with a fault in the reference, and a difference as a value.
///
/// # Errors
/// If `sim` and the reference differ.
pub fn hold(data: &[u8], planted: Planted) -> Result<Ending, Difference> {
    compare::compare(&generate::world(data), planted)
}

/// The documents that an input means, to look at.
pub fn documents(data: &[u8]) -> serde_json::Value {
    generate::world(data).documents
}

/// What the reference makes of an expression that refers to nothing that is there: a value, or
/// the class of an error.
pub fn evaluate_alone(expression: &serde_json::Value) -> String {
    match evaluate::alone(expression) {
        Ok(value) => format!("{value:?}"),
        Err(class) => format!("{class:?}"),
    }
}
