//! Whole worlds: what a good one becomes, and that no text makes the loader fall over.

use libtest_mimic::Trial;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sim::air::{Air, EffectId, Op, Origin, Source, Type, load};

use super::generate::{Sample, sample};
use super::{BASE, base, edited, source, trial};
use crate::support::property;

pub fn trials(seed: u64) -> Vec<Trial> {
    vec![
        trial("worlds::base", base_world),
        trial("worlds::retry", || drop(world("air"))),
        trial("worlds::http", http_world),
        trial("worlds::order_of_files_and_layout_do_not_matter", layout),
        trial("worlds::documents_round_trip", move || {
            property(seed, 64)
                .run(&(sample(), any::<u64>()), round_trip)
                .expect("every layout is the same world");
        }),
        trial("worlds::slots", slots),
        trial("worlds::keyed", keyed),
        trial("worlds::damaged_texts", move || {
            let damage = (
                any::<proptest::sample::Index>(),
                0..40usize,
                "[\\[\\]{}\",:0-9a@/ ]{0,6}",
            );
            property(seed, 128).run(&damage, damaged).expect("no panic");
        }),
    ]
}

/// A folder of documents, by its path from the root of the workspace.
fn world(folder: &str) -> Air {
    let air = crate::support::documents(folder);
    assert_eq!(air.warnings.list, []);
    assert_eq!(air.reducers[0].name, "demo/RetrySM@1");
    assert_eq!(
        air.reducers[0].slots["default"]
            .grant
            .map(|grant| grant.index()),
        Some(0)
    );
    let event = air.schemas.name(air.reducers[0].event);
    assert_eq!(event, "demo/RetryEvent@1");
    air
}

fn base_world() {
    let air = load(&base()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(air.warnings.list, []);
    let reducer = &air.reducers[0];
    assert_eq!(reducer.file, "world.air.json");
    let arms = reducer.receipt_arms.values().map(Option::as_deref);
    assert_eq!(arms.collect::<Vec<_>>(), [Some("timer")]);
    assert_eq!(reducer.wasm_hash, None);
    let timer = reducer.effects_emitted[0];
    assert_eq!(air.effects[timer.index()].kind, "timer.set");
    assert_eq!(air.effects[timer.index()].origin, Origin::Reducer);
    let plan = &air.plans[0];
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        ids,
        ["a_url", "b_ask", "c_wait", "d_listen", "e_raise", "f_end"]
    );
    assert!(matches!(&plan.steps[2].op, Op::AwaitReceipt { handle, .. } if handle == "call"));
    assert_eq!(
        (plan.edges.len(), plan.invariants.len(), air.policy.len()),
        (5, 1, 3)
    );
    assert_eq!(air.triggers[0].correlate_by.as_deref(), Some("id"));
    assert_eq!(air.grants[1].expiry_ns, Some(9));
    let state = air.schemas.ty(reducer.state);
    let Type::Record(record) = state else {
        panic!("{state:?}")
    };
    assert!(record.field("last").is_some_and(|field| field.optional));
    let kinds: Vec<&str> = air.documents.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(
        (kinds.len(), kinds[0], kinds[10]),
        (11, "defschema", "manifest")
    );
}

fn http_world() {
    let air = world("sim/tests/fixtures/worlds/http");
    let emits = |op: &Op| matches!(op, Op::EmitEffect { .. });
    assert_eq!(
        air.plans[0]
            .steps
            .iter()
            .filter(|step| emits(&step.op))
            .count(),
        1
    );
    assert_eq!(
        air.plans[0]
            .edges
            .iter()
            .filter(|edge| edge.when.is_some())
            .count(),
        3
    );
    assert_eq!(air.grants[1].cap_type, "http.out");
}

fn layout() {
    let one = load(&base()).expect("it loads");
    let documents: Vec<serde_json::Value> = serde_json::from_str(BASE).expect("it is JSON");
    let mut sources: Vec<Source> = Vec::new();
    for (index, document) in documents.iter().enumerate().rev() {
        let text = serde_json::to_string_pretty(document).expect("it can be written");
        sources.push(Source {
            file: format!("{index}.air.json"),
            text,
        });
    }
    let many = load(&sources).expect("it loads");
    assert_eq!(one.manifest_hash, many.manifest_hash);
    assert_eq!(format!("{:?}", one.plans), format!("{:?}", many.plans));
    assert_eq!(format!("{:?}", one.schemas), format!("{:?}", many.schemas));
}

/// Documents with a generated schema among them, written anew with their fields in another order,
/// other white space and escapes: the same hashes and the same world.
fn round_trip((sample, noise): (Sample, u64)) -> Result<(), TestCaseError> {
    let mut documents: Vec<Json> = serde_json::from_str(BASE).expect("it is JSON");
    documents
        .push(json!({"$kind": "defschema", "name": "t/Extra@1", "type": sample.ty, "$comment": 1}));
    let manifest = documents
        .iter_mut()
        .find(|document| document["$kind"] == "manifest");
    let schemas = manifest.expect("there is one")["schemas"].as_array_mut();
    schemas
        .expect("it is a list")
        .push(json!({"name": "t/Extra@1"}));
    let documents = Json::Array(documents);
    let plain = load(&source(&documents.to_string())).expect("it loads");
    let mut text = String::new();
    let mut noise = noise;
    write_loosely(&documents, &mut noise, &mut text);
    let loose = load(&source(&text)).unwrap_or_else(|error| panic!("{error}\n{text}"));
    prop_assert_eq!(plain.manifest_hash, loose.manifest_hash);
    prop_assert_eq!(
        format!("{:?}", plain.documents),
        format!("{:?}", loose.documents)
    );
    prop_assert_eq!(
        format!("{:?}", plain.schemas),
        format!("{:?}", loose.schemas)
    );
    prop_assert_eq!(format!("{:?}", plain.plans), format!("{:?}", loose.plans));
    Ok(())
}

/// JSON as loose as it may be; which way, a stream of bits decides.
fn write_loosely(json: &Json, noise: &mut u64, out: &mut String) {
    let mut flip = || {
        *noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *noise >> 63 == 1
    };
    if flip() {
        out.push_str(" \r\n\t");
    }
    let backwards = flip();
    match json {
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_loosely(item, noise, out);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            if backwards {
                fields.reverse();
            }
            out.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_loosely(&Json::String(name.clone()), noise, out);
                out.push(':');
                write_loosely(value, noise, out);
            }
            out.push('}');
        }
        Json::String(text) if backwards => {
            let escaped = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            out.push_str(&format!("\"{}\"", escaped.collect::<String>()));
        }
        other => out.push_str(&other.to_string()),
    }
}

fn slots() {
    let grant = |edits: &[(&str, &str)]| {
        let air = load(&edited(edits)).unwrap_or_else(|error| panic!("{error}"));
        air.reducers[0]
            .slots
            .get("default")
            .cloned()
            .and_then(|slot| slot.grant)
    };
    let index = |edits: &[(&str, &str)]| grant(edits).map(|grant| grant.index());
    let second = (
        "{\"name\": \"tick\",",
        "{\"name\": \"tock\", \"cap\": \"t/timer@1\", \"params\": {\"record\": {}}}, {\"name\": \"tick\",",
    );
    let binding = (
        "\"routing\":",
        "\"module_bindings\": {\"t/Machine@1\": {\"slots\": {\"default\": \"tick\"}}}, \"routing\":",
    );
    let undeclared = (", \"cap_slots\": {\"default\": \"timer\"}", "");
    assert_eq!(index(&[]), Some(0), "the only grant of the type");
    assert_eq!(
        index(&[undeclared]),
        Some(0),
        "the slot need not be declared"
    );
    assert_eq!(index(&[second]), None, "two grants: neither is meant");
    assert_eq!(index(&[second, binding]), Some(1), "a binding decides");
    assert_eq!(
        index(&[second, binding, undeclared]),
        Some(1),
        "also when it is not declared"
    );
}

fn keyed() {
    let edits = [
        (
            "\"module_kind\": \"reducer\",",
            "\"module_kind\": \"reducer\", \"key_schema\": \"t/Text@1\",",
        ),
        (
            "\"reducer\": \"t/Machine@1\"}]",
            "\"reducer\": \"t/Machine@1\", \"key_field\": \"$value.id\"}]",
        ),
    ];
    let air = load(&edited(&edits)).unwrap_or_else(|error| panic!("{error}"));
    assert!(air.reducers[0].key_schema.is_some());
    assert_eq!(air.routes[0].key_field.as_deref(), Some("$value.id"));
    assert_eq!(
        air.reducers[0]
            .receipt_arms
            .keys()
            .map(|id: &EffectId| id.index())
            .next(),
        Some(0)
    );
}

/// Part of the text replaced by noise: an answer or a report, never a panic.
fn damaged(
    (at, count, noise): (proptest::sample::Index, usize, String),
) -> Result<(), TestCaseError> {
    let start = at.index(BASE.len());
    let end = (start + count).min(BASE.len());
    let mut text = BASE.to_owned();
    text.replace_range(start..end, &noise);
    if let Err(diagnostics) = load(&source(&text)) {
        prop_assert!(!diagnostics.list.is_empty());
        for diagnostic in &diagnostics.list {
            prop_assert!(diagnostic.line >= 1 && diagnostic.column >= 1);
            prop_assert!(diagnostic.line <= text.lines().count() + 1);
        }
    }
    Ok(())
}
