//! Routing of events to reducers, and triggers of plans.

use std::collections::{BTreeMap, BTreeSet};

use super::events::{self, Fit};
use super::index::WorldDocuments;
use super::modules::Reducers;
use super::schemas::find_schema;
use crate::air::ids::{PlanId, ReducerId};
use crate::air::{Reducer, Route, Trigger};
use crate::builtins;
use crate::documents::{Body, Manifest, RawRoute};
use crate::expr::paths::follow;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem};
use crate::text::quote::quote;
use crate::text::suggest::suggest;
use crate::types::schemas::{SchemaId, Schemas};
use crate::types::{Arm, Type};

/// How the plans of the world are started.
pub struct Starts {
    pub triggers: Vec<Trigger>,
    /// For the plans that are started with one.
    pub correlations: BTreeMap<PlanId, Correlation>,
}

/// What `correlate_by` says: a path into the event, and the type of what is there.
pub struct Correlation {
    pub path: Vec<String>,
    pub ty: Type,
}

pub fn routes(
    world: &WorldDocuments,
    manifest: &Manifest,
    schemas: &Schemas,
    reducers: &Reducers,
    sound: bool,
    problems: &mut Problems,
) -> Vec<Route> {
    for reducer in &manifest.inboxes {
        find_reducer(world, reducers, reducer, problems);
    }
    let mut seen = BTreeSet::new();
    let mut routes = Vec::new();
    for raw in &manifest.routes {
        let event = find_schema(&raw.event, schemas, problems);
        let Some(id) = find_reducer(world, reducers, &raw.reducer, problems) else {
            continue;
        };
        let Some(event) = event else { continue };
        let reducer = &reducers.list[id.index()];
        let wrap = match events::fit(schemas, event, reducer.event) {
            Some(Fit::Itself) => None,
            Some(Fit::Arm(wrap)) => Some(wrap),
            None => {
                if sound {
                    problems.push(takes_other_events(raw, reducer, schemas));
                }
                continue;
            }
        };
        if !seen.insert((event, id)) {
            problems.push(Problem::new(raw.place, "the same route twice"));
        }
        match (&raw.key_field, reducer.key_schema) {
            (Some(field), Some(key)) if sound => {
                let is_whole = wrap.is_none();
                check_key(field, (event, is_whole), schemas, key, problems);
            }
            (Some(field), None) => {
                let message = format!("{} is not keyed", quote(&reducer.name));
                let hint = "leave `key_field` out, or give the module a `key_schema`";
                problems.push(Problem::new(field.place, message).hint(hint));
            }
            (None, Some(_)) => {
                let message = format!(
                    "{} is keyed: the route needs `key_field`",
                    quote(&reducer.name)
                );
                problems.push(Problem::new(raw.place, message));
            }
            _ => {}
        }
        let key_field = raw.key_field.as_ref().map(|field| field.it.clone());
        routes.push(Route {
            event,
            reducer: id,
            key_field,
            wrap,
        });
    }
    routes
}

fn takes_other_events(raw: &RawRoute, reducer: &Reducer, schemas: &Schemas) -> Problem {
    let message = format!("{} takes other events", quote(&reducer.name));
    let event = schemas.name(reducer.event);
    let expected = match schemas.resolve(schemas.ty(reducer.event)) {
        Type::Variant(_) => format!("{event}, or the schema of one of its arms"),
        _ => event.to_owned(),
    };
    Problem::new(raw.event.place, message).expected(expected)
}

fn find_reducer(
    world: &WorldDocuments,
    reducers: &Reducers,
    name: &At<String>,
    problems: &mut Problems,
) -> Option<ReducerId> {
    let found = reducers
        .list
        .iter()
        .position(|reducer| reducer.name == name.it);
    if found.is_none() && world.names("defmodule").any(|known| known == name.it) {
        if reducers.complete {
            let message = format!("{} is not a reducer", quote(&name.it));
            problems.push(Problem::new(name.place, message));
        }
    } else if found.is_none() {
        problems.push_unknown("defmodule", name, world.names("defmodule"));
    }
    found.map(ReducerId::new)
}

/// The key must be there in every event but the receipts, which know their cell. A field is
/// looked for in the event as it is routed, before it is put into an arm.
fn check_key(
    field: &At<String>,
    (event, is_whole): (SchemaId, bool),
    schemas: &Schemas,
    key: SchemaId,
    problems: &mut Problems,
) {
    let receipts = builtins::RECEIPT_EVENTS.iter();
    let receipts: Vec<SchemaId> = { receipts }
        .filter_map(|(_, name)| schemas.find(name))
        .collect();
    let is_receipt = |arm: &Arm| {
        let leads = |receipt: &SchemaId| events::ref_leads_to(schemas, &arm.ty, *receipt);
        is_whole && receipts.iter().any(leads)
    };
    match field_type(&field.it, event, schemas, is_receipt) {
        Ok(ty) if schemas.same(&ty, schemas.ty(key)) => {}
        Ok(ty) => {
            let found = schemas.describe(&ty);
            let message = format!("{} is {found}", quote(&field.it));
            let problem = Problem::new(field.place, message);
            problems.push(problem.expected(format!("the key schema, {}", schemas.name(key))));
        }
        Err((why, hint)) => {
            let problem = Problem::new(field.place, why);
            let problem = problem.hint("an event without a key can be routed to no cell");
            problems.push(problem.maybe_hint(hint));
        }
    }
}

pub fn starts(
    world: &WorldDocuments,
    manifest: &Manifest,
    schemas: &Schemas,
    sound: bool,
    problems: &mut Problems,
) -> Starts {
    let mut starts = Starts {
        triggers: Vec::new(),
        correlations: BTreeMap::new(),
    };
    let mut seen = BTreeMap::new();
    for raw in &manifest.triggers {
        let event = find_schema(&raw.event, schemas, problems);
        let index = world.find("defplan", &raw.plan, problems);
        let (Some(event), Some(index)) = (event, index) else {
            continue;
        };
        let plan = PlanId::new(index);
        if let Some(document) = world.of_kind("defplan").get(index)
            && let Body::Plan(body) = &document.body
            && body.input.it != raw.event.it
        {
            let message = format!("{} takes another input", quote(&raw.plan.it));
            let problem = Problem::new(raw.event.place, message);
            problems.push(problem.expected(body.input.it.clone()));
        }
        let ty = match &raw.correlate_by {
            Some(field) if sound => match field_type(&field.it, event, schemas, |_| false) {
                Ok(ty) => Some(ty),
                Err((why, hint)) => {
                    problems.push(Problem::new(field.place, why).maybe_hint(hint));
                    continue;
                }
            },
            _ => None,
        };
        // A plan has one trigger per event, and its input is one schema: so one trigger in all.
        if seen.insert(plan, ()).is_some() {
            let message = format!("a second trigger of {}", quote(&raw.plan.it));
            problems.push(Problem::new(raw.place, message));
            continue;
        }
        let correlate_by = raw.correlate_by.as_ref().map(|field| field.it.clone());
        if let Some(field) = &correlate_by {
            let correlation = Correlation {
                path: field.split('.').map(str::to_owned).collect(),
                ty: ty.unwrap_or(Type::Text),
            };
            starts.correlations.insert(plan, correlation);
        }
        starts.triggers.push(Trigger {
            event,
            plan,
            correlate_by,
        });
    }
    starts
}

/// The type of a field of an event. In a variant, `$value.` leads into every arm that is not
/// `exempt`, and the field must have one type in all of them.
fn field_type(
    field: &str,
    event: SchemaId,
    schemas: &Schemas,
    exempt: impl Fn(&Arm) -> bool,
) -> Result<Type, (String, Option<String>)> {
    let path: Vec<String> = field.split('.').map(str::to_owned).collect();
    let describe = |why: String| (format!("{}: {why}", quote(field)), None);
    let event_name = quote(schemas.name(event));
    let Type::Variant(variant) = schemas.resolve(schemas.ty(event)) else {
        let ty = follow(schemas, schemas.ty(event), &path).map_err(|why| {
            let names = match schemas.resolve(schemas.ty(event)) {
                Type::Record(record) => suggest(field, record.fields().iter().map(|it| &*it.name)),
                _ => None,
            };
            (format!("{} of {event_name}: {why}", quote(field)), names)
        })?;
        let ty = ty.ok_or_else(|| describe("its type depends on the value".to_owned()))?;
        return Ok(ty.into_owned());
    };
    let Some((_, rest)) = path.split_first().filter(|(first, _)| *first == "$value") else {
        let hint = format!("did you mean `$value.{field}`?");
        return Err((format!("{event_name} is a variant"), Some(hint)));
    };
    let mut found: Option<Type> = None;
    for arm in variant.arms().iter().filter(|arm| !exempt(arm)) {
        let ty = follow(schemas, &arm.ty, rest)
            .map_err(|why| describe(format!("{why} in the arm `{}`", arm.tag)))?
            .ok_or_else(|| describe("its type depends on the value".to_owned()))?
            .into_owned();
        match &found {
            Some(other) if !schemas.same(other, &ty) => {
                let why = format!("it has another type in the arm `{}`", arm.tag);
                return Err(describe(why));
            }
            _ => found = Some(ty),
        }
    }
    found.ok_or_else(|| describe("no arm has it".to_owned()))
}
