//! What adapters answer: blobs that were put are there to be got, receipts say what was asked for,
//! and a campaign sees many of them.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use sim::air::{self, Source, Value};
use sim::campaign::Runner;
use sim::kernel::World;
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};
use sim::trace::{Record, Trace};

use super::{constant_reducer, follow, reducer_answering, scenario, small_world, trial};
use crate::support::code;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("receipts", "blobs_are_remembered", blobs_are_remembered),
        trial(
            "receipts",
            "shared_fields_are_those_asked_for",
            shared_fields,
        ),
        trial("receipts", "given_receipts_are_followed", given_receipts),
        trial("receipts", "campaigns_see_many", campaigns_see_many),
        trial("receipts", "services_repeat_themselves", repeated),
    ]
}

/// A reducer that asks for a blob at every event, and a plan that puts that blob and then charges.
fn world() -> World {
    let text = r#"[
      {"$kind": "defschema", "name": "b/Go@1", "type": {"record": {"id": {"text": {}}}}},
      {"$kind": "defschema", "name": "b/Put@1", "type": {"record": {"order": {"text": {}}}}},
      {"$kind": "defschema", "name": "b/Event@1", "type": {"variant": {
        "go": {"ref": "b/Go@1"}, "got": {"ref": "sys/BlobGetResult@1"}}}},
      {"$kind": "defschema", "name": "b/State@1", "type": {"record": {"count": {"nat": {}}}}},
      {"$kind": "defschema", "name": "b/Charge@1", "type": {"record": {
        "order": {"text": {}}, "cents": {"nat": {}}}}},
      {"$kind": "defschema", "name": "b/Charged@1", "type": {"record": {
        "order": {"text": {}}, "cents": {"int": {}}, "id": {"text": {}}}}},
      {"$kind": "defeffect", "name": "b/charge@1", "kind": "pay.charge", "params_schema": "b/Charge@1",
        "receipt_schema": "b/Charged@1", "cap_type": "pay", "origin_scope": "plan"},
      {"$kind": "defcap", "name": "b/pay@1", "cap_type": "pay", "schema": {"record": {}}},
      {"$kind": "defmodule", "name": "b/Machine@1", "module_kind": "reducer",
        "abi": {"reducer": {"state": "b/State@1", "event": "b/Event@1",
          "effects_emitted": ["blob.get"], "cap_slots": {"default": "blob"}}}},
      {"$kind": "defplan", "name": "b/Plan@1", "input": "b/Put@1",
        "steps": [
          {"id": "a_put", "op": "emit_effect", "kind": "blob.put", "cap": "blobs",
            "params": {"record": {"blob_ref": {"hash": "HASH"}, "bytes": {"bytes_b64": "AQID"}}},
            "bind": {"effect_id_as": "put"}},
          {"id": "b_wait", "op": "await_receipt", "for": {"ref": "@var:put"}, "bind": {"as": "is_put"}},
          {"id": "c_pay", "op": "emit_effect", "kind": "pay.charge", "cap": "money",
            "params": {"record": {"order": {"ref": "@plan.input.order"}, "cents": {"nat": 7}}},
            "bind": {"effect_id_as": "pay"}},
          {"id": "d_wait", "op": "await_receipt", "for": {"ref": "@var:pay"}, "bind": {"as": "is_paid"}},
          {"id": "e_end", "op": "end"}],
        "edges": [{"from": "a_put", "to": "b_wait"}, {"from": "b_wait", "to": "c_pay"},
          {"from": "c_pay", "to": "d_wait"}, {"from": "d_wait", "to": "e_end"}]},
      {"$kind": "defpolicy", "name": "b/policy@1", "rules": [{"when": {}, "decision": "allow"}]},
      {"$kind": "manifest", "air_version": "1",
        "schemas": [{"name": "b/Go@1"}, {"name": "b/Put@1"}, {"name": "b/Event@1"},
          {"name": "b/State@1"}, {"name": "b/Charge@1"}, {"name": "b/Charged@1"}],
        "modules": [{"name": "b/Machine@1"}], "plans": [{"name": "b/Plan@1"}],
        "effects": [{"name": "sys/blob.put@1"}, {"name": "sys/blob.get@1"}, {"name": "b/charge@1"}],
        "caps": [{"name": "sys/blob@1"}, {"name": "b/pay@1"}], "policies": [{"name": "b/policy@1"}],
        "defaults": {"policy": "b/policy@1", "cap_grants": [
          {"name": "blobs", "cap": "sys/blob@1", "params": {"record": {}}},
          {"name": "money", "cap": "b/pay@1", "params": {"record": {}}}]},
        "module_bindings": {"b/Machine@1": {"slots": {"default": "blobs"}}},
        "routing": {"events": [{"event": "b/Event@1", "reducer": "b/Machine@1"}]},
        "triggers": [{"event": "b/Put@1", "plan": "b/Plan@1"}]}]"#;
    let source = Source {
        file: "world.air.json".to_owned(),
        text: text.replace("HASH", &hash()),
    };
    let air = air::load(&[source]).unwrap_or_else(|error| panic!("{error}"));
    World::new(air, vec![code(&getting())])
}

fn hash() -> String {
    format!("sha256:{}", "5".repeat(64))
}

/// Answers every event with a state and a `blob.get` of that hash.
fn getting() -> Vec<u8> {
    let mut params = b"\xa1\x68blob_ref\x78\x47".to_vec();
    params.extend_from_slice(hash().as_bytes());
    let mut output = b"\xa2\x65state\x48\xa1\x65count\x01\x67effects\x81\xa2".to_vec();
    output.extend_from_slice(b"\x64kind\x68blob.get\x6bparams_cbor\x58");
    output.push(params.len() as u8);
    output.extend_from_slice(&params);
    reducer_answering(&output)
}

const GO: &str = r#"{"inject":"b/Event@1","value":{"go":{"id":"a"}}}"#;
const PUT: &str = r#"{"inject":"b/Put@1","value":{"order":"o1"}}"#;

/// The receipt events that reached the reducer: status, size and bytes.
fn got(world: &World, trace: &Trace) -> Vec<(String, u64, Vec<u8>)> {
    let schemas = &world.air.schemas;
    let events = trace.steps.iter().filter_map(|step| {
        let event = schemas.decode(step.schema, trace.bytes(step.event)).ok()?;
        let Value::Variant { tag, value } = event else {
            return None;
        };
        let receipt = value.field("receipt").filter(|_| tag == "got")?;
        let Some(Value::Bytes(bytes)) = receipt.field("bytes") else {
            return None;
        };
        let size = receipt.field("size").and_then(Value::as_nat);
        let status = value.field("status").and_then(Value::as_text)?;
        Some((status.to_owned(), size?, bytes.clone()))
    });
    events.collect()
}

fn blobs_are_remembered() {
    let world = world();
    let fire = r#"{"fire":"got"}"#;
    let put = format!(r#"{PUT},{{"step":"Plan"}},{{"receipt":"blob.put","answer":"ok"}}"#);
    let (trace, checked) = follow(&world, "", &format!("{GO},{fire},{put},{fire}"));
    assert_eq!(checked.violations, []);
    let expected = [
        ("error".to_owned(), 0, vec![]),
        ("ok".to_owned(), 3, vec![1, 2, 3]),
    ];
    assert_eq!(got(&world, &trace), expected);
    // What was not answered ok was not put.
    let refused = put.replace("\"ok\"", "\"terminal\"");
    let (trace, _) = follow(&world, "", &format!("{GO},{refused},{fire}"));
    assert_eq!(got(&world, &trace), expected[..1]);
    // A crash of the kernel leaves the store as it is.
    let crash = GO.replace("\"inject\"", "\"crash\":\"after_append\",\"inject\"");
    let (trace, _) = follow(&world, "", &format!("{put},{crash},{fire}"));
    assert_eq!(got(&world, &trace), expected[1..]);
}

/// Receipts in the journal, as JSON.
fn receipts(world: &World, trace: &Trace, kind: &str) -> Vec<serde_json::Value> {
    let records = trace.journal.iter().filter_map(|record| match record {
        Record::EffectReceipt {
            effect, receipt, ..
        } => {
            let effect = &world.air.effects[effect.index()];
            let schemas = &world.air.schemas;
            let value = schemas.decode(effect.receipt, trace.bytes(*receipt)).ok()?;
            (effect.kind == kind).then(|| schemas.value_to_json(effect.receipt, &value))
        }
        _ => None,
    });
    records.collect()
}

const PAY: &str = r#"{"step":"Plan"},{"receipt":"blob.put","answer":"ok"},{"step":"Plan"},
    {"step":"Plan"}"#;

/// Those of one name and one type; `cents` has another one.
fn shared_fields() {
    let world = world();
    let schedule = format!(r#"{PUT},{PAY},{{"receipt":"pay.charge","answer":"ok"}}"#);
    let (trace, _) = follow(&world, "", &schedule);
    let expected = serde_json::json!({"order": "o1", "cents": 0, "id": ""});
    assert_eq!(receipts(&world, &trace, "pay.charge"), [expected]);
}

fn given_receipts() {
    let world = world();
    let value = r#"{"order":"o2","cents":-5,"id":"x"}"#;
    let receipt = format!(r#"{{"receipt":"pay.charge","answer":"ok","value":{value}}}"#);
    let (trace, _) = follow(&world, "", &format!("{PUT},{PAY},{receipt}"));
    let expected: serde_json::Value = serde_json::from_str(value).expect("it is JSON");
    assert_eq!(receipts(&world, &trace, "pay.charge"), [expected]);
}

/// To a reducer, too: what it is told first it is told again, and an error tells nothing of it.
fn repeated() {
    let mut world = world();
    let given = |bytes: &str, rest: &str| {
        let value = format!(r#"{{"blob_ref":"{}","size":1,"bytes":"{bytes}"}}"#, hash());
        format!(r#"{{"fire":"got","value":{value}{rest}}}"#)
    };
    let fire = r#"{"fire":"got"}"#;
    let error = given("AA==", r#","status":"error""#);
    let (first, other) = (given("AQ==", ""), given("Ag==", ""));
    let schedule = format!("{GO},{error},{first},{fire},{error},{first}");
    let bytes = |world: &World, schedule: &str| {
        let (trace, _) = follow(world, "", schedule);
        let got = got(world, &trace).into_iter();
        got.map(|(_, _, bytes)| bytes).collect::<Vec<_>>()
    };
    // Each by itself: it is not there.
    let expected: [&[u8]; 5] = [&[0], &[1], &[], &[0], &[1]];
    assert_eq!(bytes(&world, &schedule), expected);
    assert_eq!(bytes(&world, &format!("{GO},{first},{other}")), [[1], [2]]);
    world.declared = Some(Source {
        file: "sim.toml".to_owned(),
        text: "format = \"sim/1\"\n[same]\n\"blob.get\" = \"params.blob_ref\"\n".to_owned(),
    });
    let expected: [&[u8]; 5] = [&[0], &[1], &[1], &[0], &[1]];
    assert_eq!(bytes(&world, &schedule), expected);
    let model = models::of(&world);
    let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
    let contrary = scenario(&world, "", &format!("{GO},{first},{other}"));
    assert_eq!(runner.replay(&contrary).skipped, [2]);
}

/// More than the three plain statuses, and more than one receipt of another effect.
fn campaigns_see_many() {
    let (http, charge) = (small_world(&[], &constant_reducer()), world());
    for (world, kind, field, least) in [
        (&http, "http.request", "status", 8),
        (&charge, "pay.charge", "cents", 4),
    ] {
        let model = models::of(world);
        let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
        let mut seen = BTreeSet::new();
        for seed in (0..300).map(Seed) {
            let scenario =
                runner.scenario(seed, PlanMode::AsWritten, Bounds::default(), Mix::Swarm);
            runner.seed(seed, &scenario);
            for receipt in receipts(world, &runner.trace, kind) {
                seen.insert(receipt[field].to_string());
            }
        }
        assert!(seen.len() >= least, "{kind}: {seen:?}");
    }
}
