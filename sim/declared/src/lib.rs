//! `sim.toml`: what the author of a world declares of it.
//!
//! A [`File`] is what the file says, strictly read; [`Declared`] is what it means in a world, a
//! [`Model`](sim_model::Model) like any other: its clients, answers and correlation are drawn from,
//! its properties are watched. `docs/sim-toml.md` is the reference of the format.
//!
//! # Rooms
//!
//! Each may use those above it.
//!
//! ```text
//! trouble     what is wrong in the file, and where
//! written     what the file may hold, by its keys
//! file        the file, read
//! numbers     whole numbers as conditions know them
//! fields      records, maps and variants as conditions see them
//! functions   what conditions may call beside what CEL has
//! shape       what a variable may be: names are checked against the schemas
//! compiled    conditions that are evaluated without a copy of what they look at
//! expand      names for expressions, and what stands in their place
//! condition   a condition: parsed, checked, evaluated
//! path        where in a value something stands
//! bundles     ids
//! given       values that are declared: drawn, listed, worked out
//! correlation whose things are
//! clients     what clients send
//! answers     what work is answered
//! assertions  what reducers are said to assert
//! names       names of what is asked of runs
//! moments     what of a run conditions are evaluated at
//! definitions what the names of a file stand for
//! memory      what is remembered of a run
//! properties  counters, and what must hold
//! same        by what services know work again
//! watched     counters and properties in groups
//! at          one moment of a run
//! scene       what compiled conditions see of it
//! known       what was found out before
//! evaluate    what conditions say of one moment
//! judge       watches runs
//! monitors    properties that are reducers themselves
//! model       all of it, as the model of a world
//! ```
//!
//! What conditions mean is what the crate `cel` makes of them; compiled ones say the same, which
//! `agreement` tries on what chance makes. The order in which a map is gone through is settled in
//! `fields`, for the crate leaves it to chance; arithmetic that mixes `int` and `uint`, in
//! `functions`.

#![warn(missing_docs)]

#[cfg(test)]
mod agreement;
mod answers;
mod antecedent;
mod assertions;
mod at;
mod bugs;
mod bundles;
mod clients;
mod compiled;
mod condition;
mod correlation;
mod definitions;
mod evaluate;
mod expand;
mod fields;
mod file;
mod functions;
mod given;
mod judge;
mod known;
mod late;
mod looks;
mod memory;
mod model;
mod moments;
mod monitors;
mod names;
mod numbers;
mod path;
mod properties;
mod rules;
mod same;
mod scene;
mod shape;
mod spans;
mod trouble;
mod watched;
mod whose;
mod written;

pub use bugs::Bug;
pub use file::{File, Wasm};
pub use model::{Declared, check};
pub use written::{Campaign, Explore};
