//! What the fuzz targets do with an input; the targets themselves are glue to libFuzzer.
//!
//! ```text
//! bytes ─► input ─► scenario ─► simulator ─► invariants ─► ending
//!            ▲          │           └─► features ─► libFuzzer keeps what is new
//!            └─ mutate ◄┘
//! ```
//!
//! - [`settings`]: what the environment asks for. [`seeds`]: what a run starts from.
//!   [`glue`]: what all targets need between libFuzzer and these.
//! - [`input`]: case files as inputs. [`mutate`]: other cases from one. [`possible`]: what could
//!   go on.
//! - [`observe`]: abstract states. [`features`]: the counters that libFuzzer reads.
//! - [`reducer_events`]: one execution, from bytes to a verdict.
//! - [`air_documents`], [`case_files`]: likewise of what reads such files. [`json`]: their texts,
//!   written in other ways. [`mutate_json`]: other texts from one.
//! - [`wasm_modules`]: likewise of what loads and runs binaries, and the binaries.
//! - [`plans`]: expressions and plans against a reference of their own; needs none of the others.
//!
//! Nothing here links to libFuzzer, so all of it is built and tested like the rest.

pub mod air_documents;
pub mod case_files;
pub mod features;
pub mod glue;
pub mod input;
pub mod json;
pub mod mutate;
pub mod mutate_json;
pub mod observe;
pub mod plans;
pub mod possible;
pub mod reducer_events;
pub mod seeds;
pub mod settings;
pub mod wasm_modules;
