//! Reducers: their schemas, the effects they emit, the slots these go through, and the arms in
//! which the receipts come back.

use std::collections::{BTreeMap, BTreeSet};

use super::capabilities::{Capabilities, cap_types};
use super::events;
use super::index::WorldDocuments;
use super::schemas::find_schema;
use crate::air::ids::{EffectId, GrantId};
use crate::air::{Reducer, SlotBinding};
use crate::documents::{Abi, Body, Document, Manifest, Module, Origin};
use crate::json::file::File;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem};
use crate::text::quote::quote;
use crate::types::Type;
use crate::types::schemas::{SchemaId, Schemas};

const CONTEXT: &str = "sys/ReducerContext@1";
const DEFAULT_SLOT: &str = "default";

pub struct Reducers {
    pub list: Vec<Reducer>,
    /// Whether every reducer could be read, so that a name not found is unknown indeed.
    pub complete: bool,
}

/// What the parts of one check have in common.
struct ReducerChecker<'c> {
    schemas: &'c Schemas,
    capabilities: &'c Capabilities,
    sound: bool,
}

pub fn check(
    world: &WorldDocuments,
    manifest: &Manifest,
    schemas: &Schemas,
    capabilities: &Capabilities,
    sound: bool,
    files: &[File],
    problems: &mut Problems,
) -> Reducers {
    let checker = ReducerChecker {
        schemas,
        capabilities,
        sound,
    };
    let mut reducers = Reducers {
        list: Vec::new(),
        complete: true,
    };
    for document in world.of_kind("defmodule") {
        let Body::Module(module) = &document.body else {
            continue;
        };
        let name = document.name.it.as_str();
        let binding = manifest
            .bindings
            .iter()
            .find(|(module, _)| module.it == name);
        let slots = binding.map_or(&[][..], |(_, slots)| slots);
        match &module.abi {
            Abi::Reducer { .. } => {
                let file = files.get(document.file).map_or("", |file| &file.name);
                let reducer = checker.reducer(document, module, slots, file, problems);
                if let Abi::Reducer { event, .. } = &module.abi
                    && sound
                {
                    events::check(world, schemas, name, event, problems);
                }
                reducers.complete &= reducer.is_some();
                reducers.list.extend(reducer);
            }
            Abi::Pure {
                input,
                output,
                context,
            } => {
                for name in [Some(input), Some(output), context.as_ref()] {
                    name.map(|name| find_schema(name, schemas, problems));
                }
            }
        }
    }
    for (module, _) in &manifest.bindings {
        world.find("defmodule", module, problems);
    }
    reducers
}

impl ReducerChecker<'_> {
    fn reducer(
        &self,
        document: &Document,
        module: &Module,
        bindings: &[(At<String>, At<String>)],
        file: &str,
        problems: &mut Problems,
    ) -> Option<Reducer> {
        let Abi::Reducer {
            state,
            event,
            context,
            annotations,
            effects_emitted,
            cap_slots,
        } = &module.abi
        else {
            return None;
        };
        let mut find = |name: &At<String>| find_schema(name, self.schemas, problems);
        let (state_id, event_id) = (find(state), find(event));
        let key_schema = module.key_schema.as_ref().map(&mut find);
        let context_id = context.as_ref().map(&mut find);
        let annotations = annotations.as_ref().map(&mut find);
        if let Some(context) = context.as_ref().filter(|context| context.it != CONTEXT) {
            let message = format!(
                "a reducer cannot be given {} as its context",
                quote(&context.it)
            );
            problems.push(Problem::new(context.place, message).expected(CONTEXT));
        }
        let mut emitted = Vec::new();
        for kind in effects_emitted {
            let Some(id) = self.capabilities.effect(kind, problems) else {
                continue;
            };
            if self.capabilities.effects[id.index()].origin == Origin::Plan {
                let message = format!("{} is an effect of plans only", quote(&kind.it));
                problems.push(Problem::new(kind.place, message));
            } else {
                emitted.push((id, kind));
            }
        }
        let slots = self.slots(cap_slots, bindings, &emitted, problems);
        let (state, event_id) = (state_id?, event_id?);
        let has_form = events::has_form(self.schemas, event_id);
        let receipt_arms = match self.sound && has_form {
            true => self.receipt_arms(event_id, event, &emitted, problems),
            false => BTreeMap::new(),
        };
        Some(Reducer {
            name: document.name.it.clone(),
            file: file.to_owned(),
            state,
            event: event_id,
            context: context_id.flatten(),
            annotations: annotations.flatten(),
            key_schema: key_schema.flatten(),
            effects_emitted: emitted.iter().map(|(id, _)| *id).collect(),
            slots,
            wasm_hash: module.wasm_hash.as_ref().map(|hash| hash.it),
            receipt_arms,
        })
    }

    fn slots(
        &self,
        declared: &[(At<String>, At<String>)],
        bindings: &[(At<String>, At<String>)],
        emitted: &[(EffectId, &At<String>)],
        problems: &mut Problems,
    ) -> BTreeMap<String, SlotBinding> {
        let mut slots = BTreeMap::new();
        let known: BTreeSet<&str> = cap_types(self.capabilities).collect();
        for (slot, cap_type) in declared {
            if !known.contains(cap_type.it.as_str()) {
                problems.push_unknown("cap type", cap_type, known.iter().copied());
            }
            slots.insert(
                slot.it.clone(),
                SlotBinding {
                    cap_type: cap_type.it.clone(),
                    grant: None,
                },
            );
        }
        // The slot `default` need not be declared. What it stands for is known by the effects,
        // as long as they agree.
        let types = emitted
            .iter()
            .map(|(id, _)| &self.capabilities.effects[id.index()].cap_type);
        let types: BTreeSet<&String> = types.collect();
        if let (true, 1, Some(cap_type)) = (declared.is_empty(), types.len(), types.first()) {
            let binding = SlotBinding {
                cap_type: (*cap_type).clone(),
                grant: None,
            };
            slots.insert(DEFAULT_SLOT.to_owned(), binding);
        }
        for (slot, grant) in bindings {
            let Some(binding) = slots.get_mut(&slot.it) else {
                problems.push_unknown("slot", slot, slots.keys().map(String::as_str));
                continue;
            };
            let Some(id) = self.capabilities.grant(grant, problems) else {
                continue;
            };
            let found = &self.capabilities.grants[id.index()].cap_type;
            if *found != binding.cap_type {
                // AgentOS takes it too, and denies what comes.
                let message = format!(
                    "{} grants {}: what goes through the slot {} is always denied",
                    quote(&grant.it),
                    quote(found),
                    quote(&slot.it)
                );
                let expected = format!("a grant of {}", quote(&binding.cap_type));
                problems.push(Problem::warning(grant.place, message).expected(expected));
            }
            binding.grant = Some(id);
        }
        if let Some(binding) = slots.get_mut(DEFAULT_SLOT).filter(|it| it.grant.is_none()) {
            binding.grant = self.only_grant(&binding.cap_type);
        }
        slots
    }

    fn only_grant(&self, cap_type: &str) -> Option<GrantId> {
        let grants = self.capabilities.grants.iter().enumerate();
        let mut fitting = grants.filter(|(_, grant)| grant.cap_type == cap_type);
        match (fitting.next(), fitting.next()) {
            (Some((index, _)), None) => Some(GrantId::new(index)),
            _ => None,
        }
    }

    /// The arm in which each effect's receipt comes back; none if that is the event itself.
    fn receipt_arms(
        &self,
        event: SchemaId,
        event_name: &At<String>,
        emitted: &[(EffectId, &At<String>)],
        problems: &mut Problems,
    ) -> BTreeMap<EffectId, Option<String>> {
        let mut found = BTreeMap::new();
        for (id, kind) in emitted {
            let effect = &self.capabilities.effects[id.index()];
            let Some(receipt_event) = effect.receipt_event else {
                let message = format!(
                    "a reducer cannot emit {}: no built-in event brings its receipt",
                    quote(&kind.it)
                );
                problems.push(Problem::new(kind.place, message).hint("emit it from a plan"));
                continue;
            };
            if events::leads_to(self.schemas, event, receipt_event) {
                found.insert(*id, None);
                continue;
            }
            let tags = match self.schemas.resolve(self.schemas.ty(event)) {
                Type::Variant(variant) => {
                    let arms = variant.arms().iter();
                    let mut tags: Vec<&String> = Vec::new();
                    tags.extend(
                        { arms }
                            .filter(|arm| {
                                events::ref_leads_to(self.schemas, &arm.ty, receipt_event)
                            })
                            .map(|arm| &arm.tag),
                    );
                    tags
                }
                _ => Vec::new(),
            };
            if let [tag] = tags.as_slice() {
                found.insert(*id, Some((*tag).clone()));
                continue;
            }
            let receipt = quote(self.schemas.name(receipt_event)).replace('`', "");
            let message = format!(
                "{} has {} arms for the receipts of {}",
                quote(&event_name.it),
                tags.len(),
                quote(&kind.it)
            );
            let problem = Problem::new(event_name.place, message).expected(format!(
                "{receipt} itself, or a variant with one arm of type {{\"ref\":\"{receipt}\"}}"
            ));
            problems.push(problem);
        }
        found
    }
}
