//! What a run is, as plain data: seeds and streams, scenarios and decisions, the trace and its
//! digest.

mod answers;
mod decision;
pub mod interrupt;
pub mod random;
pub mod scenario;
pub mod trace;
