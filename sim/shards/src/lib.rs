//! Campaigns of many machines. Each leaves the results of its chunks of seeds in a folder; whoever
//! has the folders has the whole.
//!
//! No machine knows of another. A chunk has the same results wherever it is run, and its file is
//! named by what is in it, so that a machine that is killed, started again, or started twice adds
//! nothing but what was missing.

#![warn(missing_docs)]

mod campaign;
mod folder;
mod shard;

pub use campaign::Campaign;
pub use folder::{Folder, FolderError, Folders};
pub use shard::{NoShard, SHARD_VARIABLES, Shard};
