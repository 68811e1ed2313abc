//! The event of a reducer: one schema, or a variant that takes in others, each in an arm.
//!
//! What AgentOS refuses of it is refused here: a plain value, an arm that is no `ref`, two arms of
//! one schema. An event of an arm's schema can then be put into that arm, and nowhere else.

use super::index::WorldDocuments;
use crate::air::Wrap;
use crate::documents::{Body, RawForm, RawType};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::quote::quote;
use crate::types::Type;
use crate::types::schemas::{SchemaId, Schemas};

/// How an event of some schema is one of a reducer's event schema.
pub enum Fit {
    /// As it is.
    Itself,
    Arm(Wrap),
}

/// Whether the schema is the target, or a ref that leads to it.
pub fn leads_to(schemas: &Schemas, schema: SchemaId, target: SchemaId) -> bool {
    schema == target || ref_leads_to(schemas, schemas.ty(schema), target)
}

/// Whether the type is a ref that leads to the target.
pub fn ref_leads_to(schemas: &Schemas, ty: &Type, target: SchemaId) -> bool {
    let mut ty = ty;
    while let Type::Ref(id) = ty {
        if *id == target {
            return true;
        }
        ty = schemas.ty(*id);
    }
    false
}

/// How an event of the schema `routed` becomes one of `event`, if it does.
pub fn fit(schemas: &Schemas, routed: SchemaId, event: SchemaId) -> Option<Fit> {
    if leads_to(schemas, event, routed) {
        return Some(Fit::Itself);
    }
    let Type::Variant(variant) = schemas.resolve(schemas.ty(event)) else {
        return None;
    };
    let arms = || variant.arms().iter();
    let direct = arms().find(|arm| arm.ty == Type::Ref(routed));
    let arm = direct.or_else(|| arms().find(|arm| ref_leads_to(schemas, &arm.ty, routed)))?;
    Some(Fit::Arm(Wrap {
        tag: arm.tag.clone(),
        unit: arm.unit,
    }))
}

/// Whether the schema is that of a record or a variant, as a reducer's event must be.
pub fn has_form(schemas: &Schemas, event: SchemaId) -> bool {
    let ty = schemas.resolve(schemas.ty(event));
    matches!(ty, Type::Record(_) | Type::Variant(_))
}

/// Checks the form of a reducer's event. The schemas must be sound.
pub fn check(
    world: &WorldDocuments,
    schemas: &Schemas,
    reducer: &str,
    event: &At<String>,
    problems: &mut Problems,
) {
    // What a chain of refs leads to, as it is written.
    let mut name = event.it.as_str();
    let (document, ty) = loop {
        let found = world.of_kind("defschema").iter();
        let found = { found }.find(|document| document.name.it == name);
        let Some((document, Body::Schema(schema))) = found.map(|it| (it, &it.body)) else {
            return;
        };
        match &schema.ty.form {
            RawForm::Ref(next) => name = &next.it,
            _ => break (document, &schema.ty),
        }
    };
    let of = format!("the event of {}", quote(reducer));
    match &ty.form {
        RawForm::Record(_) => {}
        RawForm::Variant(arms) => {
            // The arms of what is built in are not the author's to mend.
            let is_built_in = document.file == 0;
            arms_are_schemas(arms, |tag, ty| {
                let place = if is_built_in { event.place } else { ty.place };
                (place, format!("the arm {} of {of}", quote(tag)))
            })
            .into_iter()
            .for_each(|problem| problems.push(problem));
        }
        _ => {
            let id = schemas.find(&event.it);
            let found = id.map(|id| schemas.describe(schemas.resolve(schemas.ty(id))));
            let found = found.unwrap_or_default();
            let problem = Problem::new(event.place, format!("{of} is {found}"));
            problems.push(problem.expected("a record, or a variant whose arms are refs"));
        }
    }
}

/// What is wrong with the arms of a variant that is a reducer's event.
fn arms_are_schemas(
    arms: &[(String, RawType)],
    place: impl Fn(&str, &RawType) -> (SourcePlace, String),
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (tag, ty) in arms {
        let (place, what) = place(tag, ty);
        let RawForm::Ref(schema) = &ty.form else {
            let problem = Problem::new(place, format!("{what} is not a ref"));
            problems.push(
                problem
                    .expected("{\"ref\":…}, to a schema with a name")
                    .hint("the event travels as one of that schema"),
            );
            continue;
        };
        if let Some((_, other)) = seen.iter().find(|(name, _)| *name == schema.it) {
            let message = format!("{what} is {}, as is {}", quote(&schema.it), quote(other));
            let hint = "give each arm a schema of its own: an event is put into an arm by its \
                        schema";
            problems.push(Problem::new(place, message).hint(hint));
        }
        seen.push((&schema.it, tag));
    }
    problems
}
