//! What is wrong, and where: in a document, or in a value.
//!
//! Checks note a place, two numbers; pointer, line and column are worked out at the end, and only
//! for what is reported. The order of the report is by file and position, never by check. Nothing
//! here reads a file or finds a problem.

pub mod diagnostic;
pub mod list;
pub mod problem;
pub mod value_error;
