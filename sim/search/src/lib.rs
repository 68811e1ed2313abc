//! Many runs of a world: campaigns, exploration, and of what was found the shortest run and its
//! causes.

#![warn(missing_docs)]

pub mod campaign;
pub mod diff;
pub mod explore;
pub mod identity;
pub mod marking;
pub mod shrink;
pub mod threads;
pub mod why;
