//! Bugs that are planted in a reducer, to see whether they are found.
//!
//! Plain data: a world's author lists them, and the harness's self-test searches them. Never runs
//! anything.

use crate::Small;

/// A reducer with one thing wrong, and what must report it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlantedBug {
    /// Its name, as a command is given it: `second-order-dropped`.
    pub name: &'static str,
    /// What is wrong, in a sentence.
    pub says: &'static str,
    /// The reducer that has it.
    pub wasm: Vec<u8>,
    /// The properties that are about it; to violate one of them is to find it.
    pub properties: &'static [&'static str],
    /// The small world in which the explorer must find it; None if it cannot.
    pub shape: Option<Shape>,
    /// It takes a hundred decisions and more to see it.
    pub is_deep: bool,
}

impl PlantedBug {
    /// Whether the property of a name is about it.
    pub fn is_about(&self, property: &str) -> bool {
        self.properties.contains(&property)
    }
}

/// A small world, and how much may go wrong in it. A violation that is found in a run and shrunk
/// must be as short as the shortest that there is here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// What is requested.
    pub small: Small,
    /// Messages and timers that are sent twice.
    pub duplicates: u8,
    /// Spurious events.
    pub spurious: u8,
    /// The most decisions in a row.
    pub depth: u32,
    /// Every scene is explored, not only that in which nothing is varied.
    pub is_varied: bool,
}
