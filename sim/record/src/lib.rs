//! What a run is, as plain data: seeds and streams, scenarios and decisions, the trace and its
//! digest.

#![warn(missing_docs)]

mod answers;
#[expect(
    missing_docs,
    reason = "its fields are words of case files, which docs/cases.md explains"
)]
mod decision;
pub mod interrupt;
pub mod random;
pub mod scenario;
pub mod trace;
