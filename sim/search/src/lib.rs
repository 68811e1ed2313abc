//! Many runs of a world: campaigns, exploration, and the shortest run of what was found.

#![warn(missing_docs)]

pub mod campaign;
pub mod explore;
pub mod identity;
pub mod marking;
pub mod shrink;
pub mod threads;
