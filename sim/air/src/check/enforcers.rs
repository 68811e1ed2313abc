//! What judges whether a grant covers an effect's parameters: a built-in enforcer, or a pure
//! module of the world's own.
//!
//! AgentOS hands an enforcer `sys/CapCheckInput@1` and reads `sys/CapCheckOutput@1`, whatever its
//! `abi.pure` says; here it is checked that the schemas it declares can hold these.

use super::index::WorldDocuments;
use super::schemas::find_schema;
use crate::air::PureModule;
use crate::air::effects::{Cap, Enforcer, Grant};
use crate::builtins;
use crate::documents::{Abi, Body};
use crate::expr::forms::fits;
use crate::json::file::File;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem};
use crate::text::quote::quote;
use crate::types::Type;
use crate::types::schemas::{SchemaId, Schemas};

/// Gives each cap its enforcer. The modules are those of caps that some grant is of.
pub fn check(
    world: &WorldDocuments,
    caps: &mut [Cap],
    grants: &[Grant],
    schemas: &Schemas,
    (files, sound): (&[File], bool),
    problems: &mut Problems,
) -> Vec<PureModule> {
    let mut modules: Vec<PureModule> = Vec::new();
    let documents = world.of_kind("defcap").iter();
    let documents = documents.filter_map(|document| match &document.body {
        Body::Cap(cap) => Some(cap),
        _ => None,
    });
    for (index, (raw, cap)) in documents.zip(caps).enumerate() {
        let Some(name) = &raw.enforcer else {
            if cap.cap_type == "http.out" {
                cap.enforcer = Enforcer::AllowLists;
            }
            continue;
        };
        cap.enforcer = match name.it.as_str() {
            builtins::HTTP_ENFORCER => Enforcer::AllowLists,
            builtins::ALLOW_ALL => Enforcer::AllowAll,
            _ => {
                let module = module(world, name, schemas, (files, sound), problems);
                let is_granted = grants.iter().any(|grant| grant.cap == index);
                Enforcer::Module(module.filter(|_| is_granted).map(|module| {
                    let known = modules.iter().position(|it| it.name == module.name);
                    known.unwrap_or_else(|| {
                        modules.push(module);
                        modules.len() - 1
                    })
                }))
            }
        };
    }
    modules
}

fn module(
    world: &WorldDocuments,
    name: &At<String>,
    schemas: &Schemas,
    (files, sound): (&[File], bool),
    problems: &mut Problems,
) -> Option<PureModule> {
    let index = world.find("defmodule", name, problems)?;
    let document = world.of_kind("defmodule").get(index)?;
    let Body::Module(module) = &document.body else {
        return None;
    };
    let Abi::Pure {
        input,
        output,
        context,
    } = &module.abi
    else {
        let message = format!("{} is a reducer, and enforces nothing", quote(&name.it));
        problems.push(Problem::new(name.place, message).expected("a module of kind `pure`"));
        return None;
    };
    // What is not known is reported with the module.
    let mut silent = Problems::default();
    let mut find = |name: &At<String>| find_schema(name, schemas, &mut silent);
    let (input_id, output_id) = (find(input), find(output));
    let context_id = context.as_ref().map(&mut find);
    if let Some(context) = context
        .as_ref()
        .filter(|it| it.it != builtins::PURE_CONTEXT)
    {
        let message = format!(
            "a pure module cannot be given {} as its context",
            quote(&context.it)
        );
        let problem = Problem::new(context.place, message);
        problems.push(problem.expected(builtins::PURE_CONTEXT));
    }
    let (input_id, output_id) = (input_id?, output_id?);
    if sound {
        holds(
            schemas,
            input,
            (builtins::CHECK_INPUT, input_id),
            true,
            problems,
        );
        holds(
            schemas,
            output,
            (builtins::CHECK_OUTPUT, output_id),
            false,
            problems,
        );
    }
    Some(PureModule {
        name: name.it.clone(),
        file: files
            .get(document.file)
            .map(|file| file.name.clone())
            .unwrap_or_default(),
        input: input_id,
        output: output_id,
        context: context_id.flatten(),
        wasm_hash: module.wasm_hash.as_ref().map(|hash| hash.it),
    })
}

/// Checks that what goes in fits what the module declares, or that what it declares can come out.
fn holds(
    schemas: &Schemas,
    name: &At<String>,
    (known, declared): (&str, SchemaId),
    goes_in: bool,
    problems: &mut Problems,
) {
    let Some(check) = schemas.find(known) else {
        return;
    };
    let (check, declared) = (Type::Ref(check), Type::Ref(declared));
    let (message, holds) = match goes_in {
        true => (
            format!(
                "an enforcer is given `{known}`, which {} does not hold",
                quote(&name.it)
            ),
            fits(schemas, &check, &declared),
        ),
        false => (
            format!(
                "an enforcer answers `{known}`, and no {} is one",
                quote(&name.it)
            ),
            fits(schemas, &declared, &check),
        ),
    };
    if !holds {
        problems.push(Problem::new(name.place, message).expected(known));
    }
}
