//! Effects, caps, grants, policies and secrets.

use std::collections::BTreeSet;

use super::super::builtins;
use super::super::diagnostic::{Place, Problem, Problems};
use super::super::documents::{At, Body, Manifest, RawGrant, RawRule};
use super::super::json::quote;
use super::super::model::{Cap, Effect, EffectId, Grant, GrantId, Rule};
use super::super::types::{SchemaId, Schemas};
use super::super::value::Value;
use super::index::World;
use super::schemas;

pub struct Capabilities {
    pub effects: Vec<Effect>,
    pub caps: Vec<Cap>,
    pub grants: Vec<Grant>,
}

impl Capabilities {
    pub fn effect(&self, kind: &At<String>, problems: &mut Problems) -> Option<EffectId> {
        let found = self
            .effects
            .iter()
            .position(|effect| effect.kind == kind.it);
        if found.is_none() {
            let known = self.effects.iter().map(|effect| effect.kind.as_str());
            problems.push_unknown("effect kind", kind, known);
        }
        found.map(EffectId::new)
    }

    pub fn grant(&self, name: &At<String>, problems: &mut Problems) -> Option<GrantId> {
        let found = self.grants.iter().position(|grant| grant.name == name.it);
        if found.is_none() {
            let known = self.grants.iter().map(|grant| grant.name.as_str());
            problems.push_unknown("grant", name, known);
        }
        found.map(GrantId::new)
    }
}

/// A schema by name; reports one that is not known.
pub fn schema(name: &At<String>, schemas: &Schemas, problems: &mut Problems) -> Option<SchemaId> {
    let found = schemas.find(&name.it);
    if found.is_none() {
        problems.push_unknown("defschema", name, schemas.ids().map(|id| schemas.name(id)));
    }
    found
}

pub fn check(
    world: &World,
    manifest: &Manifest,
    schemas: &mut Schemas,
    sound: bool,
    problems: &mut Problems,
) -> Capabilities {
    let effects = effects(world, schemas, problems);
    let caps = caps(world, schemas, sound, problems);
    let mut grants: Vec<Grant> = Vec::new();
    for raw in &manifest.grants {
        if grants.iter().any(|grant| grant.name == raw.name.it) {
            let message = format!("a second grant with the name {}", quote(&raw.name.it));
            problems.push(Problem::new(raw.name.place, message));
            continue;
        }
        grants.extend(grant(raw, world, &caps, schemas, sound, problems));
    }
    Capabilities {
        effects,
        caps,
        grants,
    }
}

fn effects(world: &World, schemas: &Schemas, problems: &mut Problems) -> Vec<Effect> {
    let mut effects: Vec<Effect> = Vec::new();
    for document in world.of_kind("defeffect") {
        let Body::Effect(raw) = &document.body else {
            continue;
        };
        if effects.iter().any(|effect| effect.kind == raw.kind.it) {
            let message = format!("a second effect of the kind {}", quote(&raw.kind.it));
            problems.push(Problem::new(raw.kind.place, message));
            continue;
        }
        let params = schema(&raw.params, schemas, problems);
        let receipt = schema(&raw.receipt, schemas, problems);
        let (Some(params), Some(receipt)) = (params, receipt) else {
            continue;
        };
        let events = builtins::RECEIPT_EVENTS.iter();
        let event = { events }.find(|(kind, _)| document.file == 0 && *kind == raw.kind.it);
        effects.push(Effect {
            name: document.name.it.clone(),
            kind: raw.kind.it.clone(),
            params,
            receipt,
            cap_type: raw.cap_type.clone(),
            origin: raw.origin,
            receipt_event: event.and_then(|(_, event)| schemas.find(event)),
        });
    }
    effects
}

/// One cap per document, in their order, so that a grant can name it by index.
fn caps(world: &World, schemas: &mut Schemas, sound: bool, problems: &mut Problems) -> Vec<Cap> {
    let mut caps = Vec::new();
    for document in world.of_kind("defcap") {
        let Body::Cap(raw) = &document.body else {
            continue;
        };
        let name = document.name.it.clone();
        let purpose = format!("parameters of {name}");
        let schema = match sound {
            true => schemas::anonymous(&purpose, &raw.ty, schemas, problems),
            false => None,
        };
        let schema = schema.unwrap_or(SchemaId(0));
        caps.push(Cap {
            name,
            cap_type: raw.cap_type.clone(),
            schema,
        });
    }
    // Caps are anonymous schemas too: what may be absent in them is worked out with the rest.
    if sound {
        schemas.finish();
    }
    caps
}

fn grant(
    raw: &RawGrant,
    world: &World,
    caps: &[Cap],
    schemas: &Schemas,
    sound: bool,
    problems: &mut Problems,
) -> Option<Grant> {
    let index = world.find("defcap", &raw.cap, problems)?;
    let cap = caps.get(index)?;
    let mut params = Value::Null;
    if sound {
        match schemas.value_from_json(cap.schema, &raw.params.node.to_plain()) {
            Ok(value) => params = value,
            Err(error) => {
                let offset = raw.params.node.follow(&error.path).start;
                let place = Place {
                    offset,
                    ..raw.params.place()
                };
                let name = quote(&raw.cap.it);
                let message = format!("params do not fit {name}: found {}", error.found);
                problems.push(Problem::new(place, message).expected(error.expected));
            }
        }
    }
    Some(Grant {
        name: raw.name.it.clone(),
        cap: index,
        cap_type: cap.cap_type.clone(),
        params,
        expiry_ns: raw.expiry_ns,
    })
}

/// Checks every policy, and gives the rules of the default one.
pub fn policy(
    world: &World,
    manifest: &Manifest,
    capabilities: &Capabilities,
    problems: &mut Problems,
) -> Vec<Rule> {
    let mut all = Vec::new();
    for document in world.of_kind("defpolicy") {
        let Body::Policy(policy) = &document.body else {
            continue;
        };
        let rules: Vec<Rule> = policy
            .rules
            .iter()
            .map(|raw| rule(raw, world, capabilities, problems))
            .collect();
        all.push(rules);
    }
    let chosen = manifest.policy.as_ref();
    let chosen = chosen.and_then(|name| world.find("defpolicy", name, problems));
    match chosen {
        Some(index) if index < all.len() => all.swap_remove(index),
        _ => Vec::new(),
    }
}

fn rule(
    raw: &RawRule,
    world: &World,
    capabilities: &Capabilities,
    problems: &mut Problems,
) -> Rule {
    if let Some(kind) = &raw.effect_kind {
        capabilities.effect(kind, problems);
    }
    if let Some(grant) = &raw.cap_name {
        capabilities.grant(grant, problems);
    }
    if let Some(cap_type) = &raw.cap_type {
        let known: BTreeSet<&str> = cap_types(capabilities).collect();
        if !known.contains(cap_type.it.as_str()) {
            problems.push_unknown("cap type", cap_type, known);
        }
    }
    if let Some(name) = &raw.origin_name {
        let known: Vec<&str> = world
            .names("defplan")
            .chain(world.names("defmodule"))
            .collect();
        if !known.contains(&name.it.as_str()) {
            problems.push_unknown("plan or reducer", name, known);
        }
    }
    let text = |at: &Option<At<String>>| at.as_ref().map(|at| at.it.clone());
    Rule {
        effect_kind: text(&raw.effect_kind),
        cap_name: text(&raw.cap_name),
        cap_type: text(&raw.cap_type),
        origin_kind: raw.origin_kind,
        origin_name: text(&raw.origin_name),
        allow: raw.allow,
    }
}

pub fn cap_types(capabilities: &Capabilities) -> impl Iterator<Item = &str> {
    let of_caps = capabilities.caps.iter().map(|cap| cap.cap_type.as_str());
    of_caps.chain(
        capabilities
            .effects
            .iter()
            .map(|effect| effect.cap_type.as_str()),
    )
}

/// Secrets are not modelled beyond this: what they name must exist.
pub fn secrets(world: &World, capabilities: &Capabilities, problems: &mut Problems) {
    for document in world.of_kind("defsecret") {
        let Body::Secret(secret) = &document.body else {
            continue;
        };
        for grant in &secret.allowed_caps {
            capabilities.grant(grant, problems);
        }
        for plan in &secret.allowed_plans {
            world.find("defplan", plan, problems);
        }
    }
}
