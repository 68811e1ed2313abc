//! What is known of a world: what its clients send, what answers, whose an event is, what must
//! hold.
//!
//! A world brings a [`Model`]: what its author knows. It asks for properties through [`Watch`]es,
//! as do the harness itself, for what must hold in any world, and the documents of the world. A
//! [`Checker`] holds a run against all of them. [`generic`] is the model of a world that brings
//! none.
//!
//! This crate draws only from streams that it is given, and runs nothing but what
//! [`Replays`] recovers.

#![warn(missing_docs)]

mod any_world;
mod assertions;
mod checker;
pub mod constants;
mod documents;
pub mod generic;
mod model;
mod observer;
mod outline;
mod planted;
mod pool;
mod property;
pub mod receipts;
pub mod sample;
mod signature;
pub mod texts;

pub use any_world::{Crashes, Replays, Unrecovered, is_of_any_world};
pub use checker::{Checker, Memory, OF_ANY_WORLD, Properties};
pub use model::{Model, Reply, Scene, Size, Small, Spurious, Work};
pub use observer::{Looks, Observer, Seen, Verdicts, Violation, Watch};
pub use planted::{PlantedBug, Shape};
pub use property::{
    Asked, Finding, Kind, KnownBy, Property, PropertySet, SEEDS_FOR_ARMS, SEEDS_FOR_SOMETIMES,
};
pub use signature::{Signature, without_values};
