//! `defmodule`: a reducer or a pure function in wasm, and its ABI.

use super::fields::{self, Fields};
use crate::hash::Hash;
use crate::problems::list::Problems;
use crate::problems::problem::At;
use crate::text::patterns::Pattern;

pub const FIELDS: &[&str] = &["name", "module_kind", "wasm_hash", "key_schema", "abi"];

pub struct Module {
    /// None: absent or all zeros.
    pub wasm_hash: Option<At<Hash>>,
    pub key_schema: Option<At<String>>,
    pub abi: Abi,
}

pub enum Abi {
    Reducer {
        state: At<String>,
        event: At<String>,
        context: Option<At<String>>,
        annotations: Option<At<String>>,
        effects_emitted: Vec<At<String>>,
        /// Slot and cap type.
        cap_slots: Vec<(At<String>, At<String>)>,
    },
    Pure {
        input: At<String>,
        output: At<String>,
        context: Option<At<String>>,
    },
}

impl Module {
    pub fn read(fields: &Fields, problems: &mut Problems) -> Option<Module> {
        let kinds = [("reducer", true), ("pure", false)];
        let reducer = fields.choice("module_kind", &kinds, problems);
        let wasm_hash = fields.hash("wasm_hash", problems);
        let key_schema = fields.optional_text("key_schema", Pattern::Name, problems);
        let abi = fields.required("abi", problems)?;
        let form = if reducer? { "reducer" } else { "pure" };
        let abi = Fields::of(abi, "abi", &[form], problems)?.required(form, problems)?;
        let abi = match form {
            "reducer" => {
                let names = &[
                    "state",
                    "event",
                    "context",
                    "annotations",
                    "effects_emitted",
                    "cap_slots",
                ];
                read_reducer(&Fields::of(abi, "abi.reducer", names, problems)?, problems)
            }
            _ => {
                let names = &["input", "output", "context"];
                read_pure(&Fields::of(abi, "abi.pure", names, problems)?, problems)
            }
        };
        Some(Module {
            wasm_hash: wasm_hash?,
            key_schema: key_schema?,
            abi: abi?,
        })
    }
}

fn read_reducer(fields: &Fields, problems: &mut Problems) -> Option<Abi> {
    let state = fields.text("state", Pattern::Name, problems);
    let event = fields.text("event", Pattern::Name, problems);
    let context = fields.optional_text("context", Pattern::Name, problems);
    let annotations = fields.optional_text("annotations", Pattern::Name, problems);
    let effects_emitted = fields.texts("effects_emitted", Pattern::Kind, problems);
    let slots = fields.named("cap_slots", Pattern::Identifier, problems);
    let slots = slots.into_iter().filter_map(|(slot, cap_type)| {
        Some((slot, fields::text(cap_type, Pattern::Kind, problems)?))
    });
    let cap_slots = slots.collect();
    Some(Abi::Reducer {
        state: state?,
        event: event?,
        context: context?,
        annotations: annotations?,
        effects_emitted,
        cap_slots,
    })
}

fn read_pure(fields: &Fields, problems: &mut Problems) -> Option<Abi> {
    let input = fields.text("input", Pattern::Name, problems);
    let output = fields.text("output", Pattern::Name, problems);
    let context = fields.optional_text("context", Pattern::Name, problems);
    Some(Abi::Pure {
        input: input?,
        output: output?,
        context: context?,
    })
}
