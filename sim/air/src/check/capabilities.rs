//! Effects, caps, grants and secrets.

use super::enforcers;
use super::index::WorldDocuments;
use super::schemas::{self, find_schema};
use crate::air::PureModule;
use crate::air::effects::{Cap, Effect, Enforcer, Grant};
use crate::air::ids::{EffectId, GrantId};
use crate::builtins;
use crate::documents::{Body, Manifest, RawGrant};
use crate::json::file::File;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::quote::quote;
use crate::types::schemas::{SchemaId, Schemas};
use crate::value::Value;

pub struct Capabilities {
    pub effects: Vec<Effect>,
    /// For each effect, whether the manifest lists it.
    pub listed: Vec<bool>,
    pub caps: Vec<Cap>,
    pub grants: Vec<Grant>,
    pub enforcers: Vec<PureModule>,
}

impl Capabilities {
    /// An effect that is used. One that is built in must be listed too: in AgentOS its kind is
    /// unknown at run time otherwise.
    pub fn effect(&self, kind: &At<String>, problems: &mut Problems) -> Option<EffectId> {
        let id = self.known_effect(kind, problems)?;
        if !self.listed[id.index()] {
            let name = &self.effects[id.index()].name;
            let message = format!(
                "{} is built in, and `effects` of the manifest does not list it",
                quote(&kind.it)
            );
            let hint = format!("add {{\"name\": \"{name}\"}} to `effects`");
            problems.push(Problem::new(kind.place, message).hint(hint));
        }
        Some(id)
    }

    /// An effect by its kind, listed or not; reports a kind that is not known.
    pub fn known_effect(&self, kind: &At<String>, problems: &mut Problems) -> Option<EffectId> {
        let mut effects = self.effects.iter();
        let found = effects.position(|effect| effect.kind == kind.it);
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

pub fn check(
    world: &WorldDocuments,
    manifest: &Manifest,
    schemas: &mut Schemas,
    (files, sound): (&[File], bool),
    problems: &mut Problems,
) -> Capabilities {
    let (effects, listed) = effects(world, schemas, problems);
    let mut caps = caps(world, schemas, sound, problems);
    let mut grants: Vec<Grant> = Vec::new();
    for raw in &manifest.grants {
        if grants.iter().any(|grant| grant.name == raw.name.it) {
            let message = format!("a second grant with the name {}", quote(&raw.name.it));
            problems.push(Problem::new(raw.name.place, message));
            continue;
        }
        grants.extend(grant(raw, world, &caps, schemas, sound, problems));
    }
    let enforcers = enforcers::check(world, &mut caps, &grants, schemas, (files, sound), problems);
    Capabilities {
        effects,
        listed,
        caps,
        grants,
        enforcers,
    }
}

fn effects(
    world: &WorldDocuments,
    schemas: &Schemas,
    problems: &mut Problems,
) -> (Vec<Effect>, Vec<bool>) {
    let mut effects: Vec<Effect> = Vec::new();
    let mut listed = Vec::new();
    for document in world.of_kind("defeffect") {
        let Body::Effect(raw) = &document.body else {
            continue;
        };
        if effects.iter().any(|effect| effect.kind == raw.kind.it) {
            let message = format!("a second effect of the kind {}", quote(&raw.kind.it));
            problems.push(Problem::new(raw.kind.place, message));
            continue;
        }
        let params = find_schema(&raw.params, schemas, problems);
        let receipt = find_schema(&raw.receipt, schemas, problems);
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
        listed.push(world.lists(document));
    }
    (effects, listed)
}

/// One cap per document, in their order, so that a grant can name it by index.
fn caps(
    world: &WorldDocuments,
    schemas: &mut Schemas,
    sound: bool,
    problems: &mut Problems,
) -> Vec<Cap> {
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
            enforcer: Enforcer::AllowAll,
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
    world: &WorldDocuments,
    caps: &[Cap],
    schemas: &Schemas,
    sound: bool,
    problems: &mut Problems,
) -> Option<Grant> {
    let index = world.find("defcap", &raw.cap, problems)?;
    let cap = caps.get(index)?;
    if !world.lists(world.of_kind("defcap").get(index)?) {
        let message = format!(
            "{} is built in, and `caps` of the manifest does not list it",
            quote(&raw.cap.it)
        );
        let hint = format!("add {{\"name\": \"{}\"}} to `caps`", raw.cap.it);
        problems.push(Problem::new(raw.cap.place, message).hint(hint));
    }
    let mut params = Value::Null;
    if sound {
        match schemas.value_from_json(cap.schema, &raw.params.node.to_plain()) {
            Ok(value) => params = value,
            Err(error) => {
                let offset = raw.params.node.follow(&error.path).start;
                let place = SourcePlace {
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
        expiry_ns: raw.expiry_ns.as_ref().map(|expiry| expiry.it),
    })
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
pub fn secrets(world: &WorldDocuments, capabilities: &Capabilities, problems: &mut Problems) {
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
