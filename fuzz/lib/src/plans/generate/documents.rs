//! The documents of a generated world around its plan: schemas, effects, grants, manifest.

use serde_json::{Value as Json, json};

use super::{EFFECTS, EXPIRY_NS, LATE, OPEN, SHUT, START};
use crate::plans::types::Types;

pub fn documents(types: &Types, plan: &Json, correlate_by: Option<&str>) -> Json {
    let mut documents = Vec::new();
    let mut names = Vec::new();
    for (index, ty) in types.0.iter().enumerate() {
        let name = Types::name(index);
        names.push(json!({"name": name}));
        let ty = Types::document(ty);
        documents.push(json!({"$kind": "defschema", "name": name, "type": ty}));
    }
    for (kind, params, receipt) in EFFECTS {
        documents.push(json!({
            "$kind": "defeffect", "name": format!("t/{kind}@1"), "kind": kind,
            "params_schema": Types::name(params), "receipt_schema": Types::name(receipt),
            "cap_type": "talk", "origin_scope": "plan",
        }));
    }
    let no_fields = json!({"record": {}});
    let cap =
        json!({"$kind": "defcap", "name": "t/talk@1", "cap_type": "talk", "schema": no_fields});
    let policy = json!({"$kind": "defpolicy", "name": "t/policy@1", "rules": [
        {"when": {"cap_name": SHUT}, "decision": "deny"},
        {"when": {"origin_kind": "plan"}, "decision": "allow"}]});
    let grant = |name: &str| json!({"name": name, "cap": "t/talk@1", "params": {}});
    let mut late = grant(LATE);
    late["expiry_ns"] = json!(EXPIRY_NS);
    let mut trigger = json!({"event": Types::name(START), "plan": "t/Plan@1"});
    if let Some(field) = correlate_by {
        trigger["correlate_by"] = json!(field);
    }
    let effects: Vec<Json> = { EFFECTS.iter() }
        .map(|effect| json!({"name": format!("t/{}@1", effect.0)}))
        .collect();
    let manifest = json!({
        "$kind": "manifest", "air_version": "1", "schemas": names, "modules": [],
        "plans": [{"name": "t/Plan@1"}], "effects": effects, "caps": [{"name": "t/talk@1"}],
        "policies": [{"name": "t/policy@1"}],
        "defaults": {"policy": "t/policy@1", "cap_grants": [grant(OPEN), grant(SHUT), late]},
        "triggers": [trigger],
    });
    documents.extend([cap, policy, plan.clone(), manifest]);
    Json::Array(documents)
}
