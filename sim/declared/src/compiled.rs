//! Conditions in a form that is evaluated without a copy of what they look at.
//!
//! The crate `cel` needs values made as it sees them, which takes longer than what is then done
//! with them. What most conditions are made of is [built](mod@build) into a [`Node`], which reads
//! canonical bytes where they lie. The crate stays the judge: a condition that holds something else
//! is not built, what cannot be told is [`Halt::Unsure`], and an error is put in words by the
//! crate.
//!
//! ```text
//! item     what a node gives
//! lists    what lists and maps hold
//! node     what conditions are built of
//! build    a condition, built
//! run      a condition, evaluated
//! ```

mod build;
mod item;
mod lists;
mod node;
mod run;

pub(crate) use build::build;
pub(crate) use item::{Halt, Item, first};
pub(crate) use node::{Node, Variable};
pub(crate) use run::{Surroundings, evaluate, holds};
