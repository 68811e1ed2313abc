//! What a run is, as plain data: seeds and streams, scenarios and decisions, the trace and its
//! digest.

#![warn(missing_docs)]

mod answers;
mod decision;
pub mod interrupt;
pub mod marks;
pub mod random;
pub mod scenario;
pub mod trace;
