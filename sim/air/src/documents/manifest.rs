//! `manifest`: which documents make the world, and how they are wired.

use super::fields::{self, Fields};
use crate::hash::Hash;
use crate::json::{Json, Later};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::patterns::Pattern;

pub const FIELDS: &[&str] = &[
    "air_version",
    "schemas",
    "modules",
    "plans",
    "effects",
    "caps",
    "policies",
    "secrets",
    "defaults",
    "module_bindings",
    "routing",
    "triggers",
];
/// The lists of documents and the kind that each holds. All but the last are required.
pub const LISTS: [(&str, &str); 7] = [
    ("schemas", "defschema"),
    ("modules", "defmodule"),
    ("plans", "defplan"),
    ("effects", "defeffect"),
    ("caps", "defcap"),
    ("policies", "defpolicy"),
    ("secrets", "defsecret"),
];

pub struct Manifest<'a> {
    pub entries: Vec<ListEntry>,
    /// Where `defaults` is, or else the manifest itself.
    pub defaults: SourcePlace,
    pub policy: Option<At<String>>,
    pub grants: Vec<RawGrant<'a>>,
    pub bindings: Vec<Binding>,
    pub routes: Vec<RawRoute>,
    pub inboxes: Vec<At<String>>,
    pub triggers: Vec<RawTrigger>,
}

/// A module, and the grant of each of its slots.
pub type Binding = (At<String>, Vec<(At<String>, At<String>)>);

/// One line of one of the lists.
pub struct ListEntry {
    /// As `$kind` says it.
    pub kind: &'static str,
    pub name: At<String>,
    /// None: absent or all zeros.
    pub hash: Option<At<Hash>>,
}

pub struct RawGrant<'a> {
    pub name: At<String>,
    pub cap: At<String>,
    pub params: Later<'a>,
    pub expiry_ns: Option<At<u64>>,
}

pub struct RawRoute {
    pub place: SourcePlace,
    pub event: At<String>,
    pub reducer: At<String>,
    pub key_field: Option<At<String>>,
}

pub struct RawTrigger {
    pub place: SourcePlace,
    pub event: At<String>,
    pub plan: At<String>,
    pub correlate_by: Option<At<String>>,
}

impl<'a> Manifest<'a> {
    pub fn read(fields: &Fields<'a>, problems: &mut Problems) -> Option<Manifest<'a>> {
        fields.choice("air_version", &[("1", ())], problems);
        let mut entries = Vec::new();
        for (list, kind) in LISTS {
            if list != "secrets" {
                fields.required(list, problems);
            }
            for later in fields.items(list, problems) {
                entries.extend(read_entry(later, kind, problems));
            }
        }
        let mut manifest = Manifest {
            entries,
            defaults: fields.place(),
            policy: None,
            grants: Vec::new(),
            bindings: Vec::new(),
            routes: Vec::new(),
            inboxes: Vec::new(),
            triggers: Vec::new(),
        };
        if let Some(later) = fields.get("defaults") {
            manifest.read_defaults(later, problems);
        }
        for (module, later) in fields.named("module_bindings", Pattern::Name, problems) {
            manifest
                .bindings
                .extend(read_binding(module, later, problems));
        }
        if let Some(later) = fields.get("routing") {
            manifest.read_routing(later, problems);
        }
        for later in fields.items("triggers", problems) {
            manifest.triggers.extend(read_trigger(later, problems));
        }
        Some(manifest)
    }

    fn read_defaults(&mut self, later: Later<'a>, problems: &mut Problems) {
        self.defaults = later.place();
        let names = &["policy", "cap_grants"];
        let Some(fields) = Fields::of(later, "defaults", names, problems) else {
            return;
        };
        let policy = fields.optional_text("policy", Pattern::Name, problems);
        self.policy = policy.flatten();
        for later in fields.items("cap_grants", problems) {
            self.grants.extend(read_grant(later, problems));
        }
    }

    fn read_routing(&mut self, later: Later<'a>, problems: &mut Problems) {
        let names = &["events", "inboxes"];
        let Some(fields) = Fields::of(later, "routing", names, problems) else {
            return;
        };
        for later in fields.items("events", problems) {
            self.routes.extend(read_route(later, problems));
        }
        for later in fields.items("inboxes", problems) {
            let inbox = Fields::of(later, "inbox", &["source", "reducer"], problems);
            let Some(inbox) = inbox else { continue };
            inbox.text("source", Pattern::Free, problems);
            self.inboxes
                .extend(inbox.text("reducer", Pattern::Name, problems));
        }
    }
}

fn read_entry(later: Later, kind: &'static str, problems: &mut Problems) -> Option<ListEntry> {
    let fields = Fields::of(later, "entry", &["name", "hash"], problems)?;
    let name = fields.text("name", Pattern::Name, problems);
    let hash = fields.hash("hash", problems);
    Some(ListEntry {
        kind,
        name: name?,
        // What is wrong with it was said; the document is listed all the same.
        hash: hash.flatten(),
    })
}

fn read_grant<'a>(later: Later<'a>, problems: &mut Problems) -> Option<RawGrant<'a>> {
    let names = &["name", "cap", "params", "expiry_ns"];
    let fields = Fields::of(later, "grant", names, problems)?;
    let name = fields.text("name", Pattern::Identifier, problems);
    let cap = fields.text("cap", Pattern::Name, problems);
    let params = fields.required("params", problems);
    let expiry_ns = match fields.get("expiry_ns") {
        Some(later) => Some(At {
            it: nat(later, problems)?,
            place: later.place(),
        }),
        None => None,
    };
    Some(RawGrant {
        name: name?,
        cap: cap?,
        params: params?,
        expiry_ns,
    })
}

fn nat(later: Later, problems: &mut Problems) -> Option<u64> {
    let number = match &later.node.json {
        Json::Number(number) => number.as_u64(),
        Json::Text(text) => text.parse().ok(),
        _ => None,
    };
    if number.is_none() {
        let message = format!("{} does not do here", later.node.describe());
        problems.push(Problem::new(later.place(), message).expected("ns, up to 64 bits"));
    }
    number
}

fn read_binding(module: At<String>, later: Later, problems: &mut Problems) -> Option<Binding> {
    let fields = Fields::of(later, "binding", &["slots"], problems)?;
    fields.required("slots", problems)?;
    let slots = fields.named("slots", Pattern::Identifier, problems);
    let slots = slots.into_iter().filter_map(|(slot, grant)| {
        Some((slot, fields::text(grant, Pattern::Identifier, problems)?))
    });
    let slots = slots.collect();
    Some((module, slots))
}

fn read_route(later: Later, problems: &mut Problems) -> Option<RawRoute> {
    let fields = Fields::of(later, "route", &["event", "reducer", "key_field"], problems)?;
    let event = fields.text("event", Pattern::Name, problems);
    let reducer = fields.text("reducer", Pattern::Name, problems);
    let key_field = fields.optional_text("key_field", Pattern::Free, problems);
    Some(RawRoute {
        place: later.place(),
        event: event?,
        reducer: reducer?,
        key_field: key_field?,
    })
}

fn read_trigger(later: Later, problems: &mut Problems) -> Option<RawTrigger> {
    let fields = Fields::of(
        later,
        "trigger",
        &["event", "plan", "correlate_by"],
        problems,
    )?;
    let event = fields.text("event", Pattern::Name, problems);
    let plan = fields.text("plan", Pattern::Name, problems);
    let correlate_by = fields.optional_text("correlate_by", Pattern::Free, problems);
    Some(RawTrigger {
        place: later.place(),
        event: event?,
        plan: plan?,
        correlate_by: correlate_by?,
    })
}
