//! AIR v1 documents: reading, checking, hashing, values and expressions.
//!
//! Texts go in, an [`Air`] comes out in which every reference is an index and every load-time check
//! holds. This crate does no I/O, runs no plan and no reducer, and knows no faults. All it reads is
//! untrusted: sizes and depths are bounded, and each refusal names the place.
//!
//! ```
//! use sim_air::{Source, load};
//!
//! let text = r#"[
//!   {"$kind": "defschema", "name": "demo/Point@1", "type": {"record": {"x": {"int": {}}}}},
//!   {"$kind": "manifest", "air_version": "1", "schemas": [{"name": "demo/Point@1"}],
//!    "modules": [], "plans": [], "effects": [], "caps": [], "policies": []}
//! ]"#;
//! let source = Source { file: "point.air.json".to_owned(), text: text.to_owned() };
//! let air = load(&[source])?;
//! assert!(air.schemas.find("demo/Point@1").is_some());
//! # Ok::<(), sim_air::Diagnostics>(())
//! ```
//!
//! # Rooms
//!
//! Each room may use those above it, and none below: `cargo test -p sim -- tidy::` fails otherwise.
//! Imports name the module that owns a thing, never this page.
//!
//! ```text
//! text        pieces of text: patterns of names, quoting, suggestions, what is safe to print
//! builtins    the names under `sys/`, and their documents
//! problems    what is wrong, and where: in a document, in a value
//! hash        SHA-256, and how it is written
//! cbor        items of CBOR: written canonically, read leniently
//! json        JSON with positions; its canonical CBOR
//! types       types, and the table of schemas
//! value       values of a schema: canonical bytes, trees, JSON
//! expr        expressions: read, typed, evaluated
//! documents   documents one by one, their names still names; pinning
//! air         the checked world, its names resolved
//! check       from documents to a world: what shows across documents
//! ```
//!
//! Expressions lie below the checks, since plans are checked by the types of what is in them, and
//! below the checked world, which holds them. They need no document: their surroundings are given
//! as names and types. Where the format is silent, the choice is explained where it is made.
//!
//! # What only the crates beside this one need
//!
//! [`cbor`] is the hot path: envelopes and states are written, and read where they are known to be
//! canonical, without a tree. [`printable`] and its like make texts of others safe to print.
//! [`Pattern`] tells names among the constants of a wasm binary. [`at_pointer`] words a place in
//! a message. Ids such as [`SchemaId`] can be made of a number, for packed states; a number that no
//! world gave panics where it is used.

#![warn(missing_docs)]

mod air;
mod builtins;
pub mod cbor;
mod check;
mod documents;
mod expr;
mod hash;
mod json;
mod problems;
mod text;
mod types;
mod value;

// Worlds: load, pin, and what is wrong with one.
pub use check::load;
pub use documents::pin::pin;
pub use problems::diagnostic::{Diagnostic, Diagnostics, Severity, Source, Warnings};

// What a world holds.
pub use air::allow_lists::AllowLists;
pub use air::effects::{AskedEffect, Cap, Effect, Enforcer, Grant, Rule};
pub use air::ids::{EffectId, GrantId, PlanId, ReducerId};
pub use air::plans::{Edge, Op, Plan, PlanStep};
pub use air::{Air, DocumentInfo, PureModule, Reducer, Route, SlotBinding, Trigger, Wrap};
pub use documents::{Origin, OriginKind};

// Values, their types and their hashes.
pub use hash::{Hash, ParseHashError};
pub use json::canonical::canonical_cbor;
pub use problems::value_error::ValueError;
pub use types::schemas::{MOST_NODES, SchemaId, Schemas};
pub use types::{Arm, Field, MapType, RecordType, Type, VariantType};
pub use value::Value;

// Expressions.
pub use expr::{EvalError, Expr, ExprOrValue, Operator, Reference, Root, Scope};

// For the crates beside this one.
pub use problems::value_error::at_pointer;
pub use text::patterns::Pattern;
pub use text::printable::{printable, printable_json, printable_lines};
pub use text::suggest::suggest;
