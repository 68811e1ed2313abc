//! Documents one by one: from JSON to structures in which names are still names.
//!
//! A reader checks what shows in one document alone: fields, patterns, shapes. Whether a name
//! means anything is the business of `check`: nothing here looks from one document into another.
//! Expressions and values stay JSON here, since how they read depends on what surrounds them.

mod capability;
mod fields;
mod manifest;
mod module;
pub mod pin;
mod plan;
mod schema;

pub use capability::{Origin, OriginKind, RawCap, RawEffect, RawPolicy, RawRule, Secret};
pub use manifest::{LISTS, Manifest, RawGrant, RawRoute};
pub use module::{Abi, Module};
pub use plan::{RawOperation, RawPlan, RawStep};
pub use schema::{RawForm, RawType, Schema};

use self::fields::Fields;
use crate::builtins;
use crate::hash::Hash;
use crate::json::canonical::canonical_cbor;
use crate::json::file::File;
use crate::json::{Json, Later, Node};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::patterns::Pattern;
use crate::text::quote::quote;
use crate::text::suggest::suggest;

pub struct Document<'a> {
    /// As `$kind` says.
    pub kind: &'static str,
    /// The name; empty for the manifest.
    pub name: At<String>,
    pub file: usize,
    pub node: &'a Node,
    pub hash: Hash,
    pub body: Body<'a>,
}

pub enum Body<'a> {
    Schema(Schema),
    Module(Module),
    Plan(RawPlan<'a>),
    Cap(RawCap),
    Effect(RawEffect),
    Policy(RawPolicy),
    Secret(Secret),
    Manifest(Manifest<'a>),
}

const KINDS: [&str; 8] = [
    "defschema",
    "defmodule",
    "defplan",
    "defcap",
    "defeffect",
    "defpolicy",
    "defsecret",
    "manifest",
];

/// Reads every document of a file.
pub fn read<'a>(index: usize, file: &'a File, problems: &mut Problems) -> Vec<Document<'a>> {
    let Some(root) = &file.root else {
        return Vec::new();
    };
    let nodes = match &root.json {
        Json::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(root),
    };
    let built_in = file.name == builtins::FILE && index == 0;
    nodes
        .iter()
        .filter_map(|node| read_document(index, node, built_in, problems))
        .collect()
}

fn read_document<'a>(
    file: usize,
    node: &'a Node,
    built_in: bool,
    problems: &mut Problems,
) -> Option<Document<'a>> {
    let place = SourcePlace {
        file,
        offset: node.start,
    };
    let kind = kind(node, place)
        .map_err(|problem| problems.push(problem))
        .ok()?;
    let fields = Fields::of(Later { node, file }, kind, allowed(kind), problems)?;
    let name = match kind {
        "manifest" => Some(At {
            it: String::new(),
            place,
        }),
        _ => fields.text("name", Pattern::Name, problems),
    };
    if let Some(name) = name.as_ref().filter(|_| !built_in)
        && name.it.starts_with(builtins::RESERVED)
    {
        let message = format!(
            "{} is reserved: `sys/` is for what is built in",
            quote(&name.it)
        );
        problems.push(Problem::new(name.place, message).hint("choose a namespace of your own"));
    }
    let body = match kind {
        "defschema" => Schema::read(&fields, problems).map(Body::Schema),
        "defmodule" => Module::read(&fields, problems).map(Body::Module),
        "defplan" => RawPlan::read(&fields, problems).map(Body::Plan),
        "defcap" => RawCap::read(&fields, problems).map(Body::Cap),
        "defeffect" => RawEffect::read(&fields, problems).map(Body::Effect),
        "defpolicy" => RawPolicy::read(&fields, problems).map(Body::Policy),
        "defsecret" => Secret::read(&fields, problems).map(Body::Secret),
        _ => Manifest::read(&fields, problems).map(Body::Manifest),
    };
    if let (Some(name), None) = (&name, &body) {
        problems.push_unread(&name.it);
    }
    let hash = Hash::of(&canonical_cbor(&node.to_plain()));
    Some(Document {
        kind,
        name: name?,
        file,
        node,
        hash,
        body: body?,
    })
}

fn kind(node: &Node, place: SourcePlace) -> Result<&'static str, Problem> {
    let expected = format!("one of {}", KINDS.join(", "));
    if !matches!(node.json, Json::Object(_)) {
        let message = format!("a document is an object, not {}", node.describe());
        return Err(Problem::new(place, message));
    }
    let Some(kind) = node.member("$kind") else {
        return Err(Problem::new(place, "the document has no `$kind`").expected(expected));
    };
    let text = kind.as_text().unwrap_or_default();
    KINDS
        .into_iter()
        .find(|known| *known == text)
        .ok_or_else(|| {
            let message = format!("unknown `$kind`: {}", kind.describe());
            Problem::new(
                SourcePlace {
                    offset: kind.start,
                    ..place
                },
                message,
            )
            .expected(expected)
            .maybe_hint(suggest(text, KINDS))
        })
}

/// The fields that a kind of document may have, besides `$kind`.
fn allowed(kind: &str) -> &'static [&'static str] {
    match kind {
        "defschema" => schema::FIELDS,
        "defmodule" => module::FIELDS,
        "defplan" => plan::FIELDS,
        "defcap" => capability::CAP_FIELDS,
        "defeffect" => capability::EFFECT_FIELDS,
        "defpolicy" => capability::POLICY_FIELDS,
        "defsecret" => capability::SECRET_FIELDS,
        _ => manifest::FIELDS,
    }
}

/// Whether a file means to have a manifest, readable or not.
pub fn has_manifest(root: &Node) -> bool {
    let nodes = match &root.json {
        Json::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(root),
    };
    nodes
        .iter()
        .any(|node| node.member("$kind").and_then(Node::as_text) == Some("manifest"))
}
