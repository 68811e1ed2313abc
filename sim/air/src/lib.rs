//! AIR v1 documents: reading, checking, hashing, values and expressions.
//!
//! Texts go in, an [`Air`] comes out in which every reference is an index and every load-time
//! check holds. This module does no I/O, runs no plan and no reducer, and knows no faults.
//! All it reads is untrusted: sizes and depths are bounded, and each refusal names the place.
//!
//! From the bottom up: `json` (text with positions), `cbor` (bytes), `types` and `value`, `codec`
//! and `value_json` (values of a schema), `documents` (one reader per `$kind`), `check` (what only
//! shows across documents), `expr` (parsing, static types, evaluation). Deliberate choices where
//! the format is silent are told where they are made.

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

pub use air::allow_lists::AllowLists;
pub use air::effects::{AskedEffect, Cap, Effect, Enforcer, Grant, Rule};
pub use air::ids::{EffectId, GrantId, PlanId, ReducerId};
pub use air::plans::{Edge, Op, Plan, PlanStep};
pub use air::{Air, DocumentInfo, PureModule, Reducer, Route, SlotBinding, Trigger, Wrap};
pub use check::load;
pub use documents::pin::pin;
pub use documents::{Origin, OriginKind};
pub use expr::{EvalError, Expr, ExprOrValue, Operator, Reference, Root, Scope};
pub use hash::{Hash, ParseHashError};
pub use json::canonical::canonical_cbor;
pub use problems::diagnostic::{Diagnostic, Diagnostics, Severity, Source, Warnings};
pub use problems::value_error::{ValueError, place};
pub use text::patterns::Pattern;
pub use text::printable::{printable, printable_json, printable_lines};
pub use types::schemas::{MOST_NODES, SchemaId, Schemas};
pub use types::{Arm, Field, MapType, RecordType, Type, VariantType};
pub use value::Value;
