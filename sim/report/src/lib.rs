//! Reports of results: for people, for machines, as pages. Readers only: nothing is run or
//! judged here.
//!
//! A run is a [`timeline`], a campaign or a replay a stream of [`event`]s. Tables, JSON,
//! JUnit, annotations and pages read these and nothing else.

#![warn(missing_docs)]

pub mod cases;
pub mod coverage;
pub mod differing;
pub mod event;
mod figures;
pub mod github;
pub mod human;
pub mod json_lines;
pub mod junit;
pub mod marked;
pub mod mermaid;
pub mod moment;
pub mod page;
pub mod paths;
mod summary;
pub mod table;
pub mod text;
pub mod timeline;
pub mod turns;
pub mod why;
pub mod words;
