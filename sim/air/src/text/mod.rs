//! Pieces of text: what names look like, and how texts are shown.
//!
//! Nothing here knows JSON, documents or values.

pub mod patterns;
pub mod printable;
pub mod quote;
pub mod suggest;
