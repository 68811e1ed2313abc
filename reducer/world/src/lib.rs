//! The retry world as one piece: its documents, the wasm of its reducer, its model, and the bugs
//! that are planted in the reducer.
//!
//! A guest of the harness, which the command has in its list of worlds. Owns what is built of the
//! reducers and the table of planted bugs; runs and judges nothing.

#![warn(missing_docs)]

mod bugs;

pub use bugs::bugs;
pub use retry_model::{Misfit, SIZES, model, small};

/// The documents, names and texts, in order of their names.
pub const DOCUMENTS: [(&str, &str); 6] = [
    (
        "capabilities.air.json",
        include_str!("../../../air/capabilities.air.json"),
    ),
    (
        "manifest.air.json",
        include_str!("../../../air/manifest.air.json"),
    ),
    (
        "module.air.json",
        include_str!("../../../air/module.air.json"),
    ),
    (
        "plans.air.json",
        include_str!("../../../air/plans.air.json"),
    ),
    (
        "policies.air.json",
        include_str!("../../../air/policies.air.json"),
    ),
    (
        "schemas.air.json",
        include_str!("../../../air/schemas.air.json"),
    ),
];

/// What the documents call the reducer.
pub const REDUCER: &str = "demo/RetrySM@1";

/// The reducer as it ships, built from `reducer/` by this crate's build script.
pub const WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/retry_sm.wasm"));

/// All planted bugs in one binary: see the crate `planted`.
const PLANTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/planted.wasm"));

/// The reducer with a planted bug, by its number; 0 is none. From 100 on it is the deep machine,
/// for the documents in `fuzz/deep/air`: see `planted::DEEP`.
///
/// # Panics
/// If the embedded wasm does not have its marker exactly once.
pub fn planted_wasm(number: u8) -> Vec<u8> {
    let mut wasm = PLANTED.to_vec();
    let is_selected = planted::select(&mut wasm, number);
    assert!(is_selected, "the planted wasm has its marker once");
    wasm
}
