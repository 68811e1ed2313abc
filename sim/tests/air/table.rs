//! Small worlds, each the base world with an edit or two, and what becomes of them: the odd that is
//! fine, what is taken with a warning, and what is refused. Messages are in `refusals` and
//! `warnings`; here it is the verdict alone, and that nothing else is said.

use libtest_mimic::Trial;
use sim::air::load;

use super::{Edit, edited, trial};

pub fn trials() -> Vec<Trial> {
    vec![trial("table::verdicts", verdicts)]
}

struct World {
    what: &'static str,
    /// `fine`, `warned` with the number of warnings, or `refused`.
    verdict: &'static str,
    edits: Vec<Edit<'static>>,
}

fn verdicts() {
    let worlds = worlds();
    let mut wrong = Vec::new();
    for world in &worlds {
        let (found, said) = match load(&edited(&world.edits)) {
            Err(diagnostics) => ("refused".to_owned(), diagnostics.to_string()),
            Ok(air) if air.warnings.list.is_empty() => ("fine".to_owned(), String::new()),
            Ok(air) => {
                let found = format!("warned {}", air.warnings.count());
                (found, format!("{:#?}", air.warnings.list))
            }
        };
        if found != world.verdict {
            let World { what, verdict, .. } = world;
            wrong.push(format!("{what}: expected {verdict}, found {found}: {said}"));
        }
    }
    assert!(worlds.len() >= 60);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A verdict and what the world is, then its edits: `-` what is replaced, `+` by what.
fn worlds() -> Vec<World> {
    let mut worlds: Vec<World> = Vec::new();
    let mut old = None;
    for line in WORLDS.lines().filter(|line| !line.starts_with('#')) {
        let world = worlds.last_mut();
        if let Some(text) = line.strip_prefix("  - ") {
            old = Some(text);
        } else if let Some(text) = line.strip_prefix("  + ") {
            let old = old.take().expect("what is replaced comes first");
            world
                .expect("a verdict comes first")
                .edits
                .push((old, text));
        } else if let Some((verdict, what)) = line.split_once(": ") {
            worlds.push(World {
                what,
                verdict,
                edits: Vec::new(),
            });
        } else {
            assert!(line.is_empty(), "neither a verdict nor an edit: {line}");
        }
    }
    worlds
}

const WORLDS: &str = r##"
# The lists of the manifest, hashes, names.
fine: the base world
fine: a hash of zeros
  - [{"name": "t/Start@1"}
  + [{"name": "t/Start@1", "hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000"}
fine: the right hash
  - [{"name": "t/Start@1"}
  + [{"name": "t/Start@1", "hash": "sha256:da145fee7f3c2fa21fcc389b9b2839fbaca9ec880328b4675116b77128a61d16"}
warned 1: an outdated hash
  - [{"name": "t/Start@1"}
  + [{"name": "t/Start@1", "hash": "sha256:da145fee7f3c2fa21fcc389b9b2839fbaca9ec880328b4675116b77128a61d17"}
warned 1: an empty hash
  - [{"name": "t/Start@1"}
  + [{"name": "t/Start@1", "hash": ""}
warned 1: half a hash
  - [{"name": "t/Start@1"}
  + [{"name": "t/Start@1", "hash": "sha256:"}
refused: a hash too short
  - [{"name": "t/Start@1"}
  + [{"name": "t/Start@1", "hash": "sha256:00"}
warned 1: wasm that was never hashed
  - "module_kind": "reducer",
  + "module_kind": "reducer", "wasm_hash": "sha256:",
warned 1: an unlisted schema
  - {"$kind": "defschema", "name": "t/Text@1"
  + {"$kind": "defschema", "name": "t/More@1", "type": {"nat": {}}}, {"$kind": "defschema", "name": "t/Text@1"
refused: an unlisted schema that is used
  - , {"name": "t/Text@1"}]
  + ]
refused: an unlisted plan that is triggered
  - "plans": [{"name": "t/Ask@1"}]
  + "plans": []
refused: an unknown field
  - "module_kind": "reducer",
  + "module_kind": "reducer", "note": "x",
fine: a comment
  - "module_kind": "reducer",
  + "module_kind": "reducer", "$comment": {"x": 1},
refused: a namespace in upper case
  - {"$kind": "defschema", "name": "t/Text@1"
  + {"$kind": "defschema", "name": "T/Text@1"
refused: a schema that refers to itself
  - "type": {"text": {}}
  + "type": {"list": {"ref": "t/Text@1"}}
fine: a built-in enforcer in `modules`
  - [{"name": "t/Machine@1"}]
  + [{"name": "t/Machine@1"}, {"name": "sys/CapEnforceHttpOut@1"}]
fine: an effect that is listed and not used
  - [{"name": "sys/timer.set@1"}, {"name": "sys/http.request@1"}]
  + [{"name": "sys/timer.set@1"}, {"name": "sys/http.request@1"}, {"name": "sys/blob.get@1"}]
refused: an effect of a reducer that is not listed
  - [{"name": "sys/timer.set@1"}, {"name": "sys/http.request@1"}]
  + [{"name": "sys/http.request@1"}]
refused: an effect of a plan that is not listed
  - [{"name": "sys/timer.set@1"}, {"name": "sys/http.request@1"}]
  + [{"name": "sys/timer.set@1"}]
refused: a built-in cap that is granted and not listed
  - [{"name": "t/timer@1"}, {"name": "sys/http.out@1"}]
  + [{"name": "t/timer@1"}]

# Events, routes, keys.
fine: an event that is a record
  - "event": "t/Event@1",
  + "event": "t/Start@1",
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": []
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Start@1", "reducer": "t/Machine@1"}
fine: an event that is a receipt
  - "event": "t/Event@1",
  + "event": "sys/TimerFired@1",
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "sys/TimerFired@1", "reducer": "t/Machine@1"}
refused: an event that is the receipt of another effect
  - "event": "t/Event@1",
  + "event": "sys/BlobGetResult@1",
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "sys/BlobGetResult@1", "reducer": "t/Machine@1"}
refused: an event that is text
  - "event": "t/Event@1",
  + "event": "t/Text@1",
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": []
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Text@1", "reducer": "t/Machine@1"}
refused: an arm that is no ref
  - "start": {"ref": "t/Start@1"}
  + "start": {"record": {"id": {"text": {}}}}
refused: two arms of one schema
  - "start": {"ref": "t/Start@1"}
  + "start": {"ref": "t/Start@1"}, "again": {"ref": "t/Start@1"}
fine: two arms, one by another name
  - "start": {"ref": "t/Start@1"}
  + "start": {"ref": "t/Start@1"}, "again": {"ref": "t/Alias@1"}
  - {"$kind": "defschema", "name": "t/Text@1"
  + {"$kind": "defschema", "name": "t/Alias@1", "type": {"ref": "t/Start@1"}}, {"$kind": "defschema", "name": "t/Text@1"
  - {"name": "t/Text@1"}]
  + {"name": "t/Text@1"}, {"name": "t/Alias@1"}]
fine: an arm of unit, by a ref
  - "start": {"ref": "t/Start@1"}
  + "start": {"ref": "t/Start@1"}, "stop": {"ref": "t/Stop@1"}
  - {"$kind": "defschema", "name": "t/Text@1"
  + {"$kind": "defschema", "name": "t/Stop@1", "type": {"unit": {}}}, {"$kind": "defschema", "name": "t/Text@1"
  - {"name": "t/Text@1"}]
  + {"name": "t/Text@1"}, {"name": "t/Stop@1"}]
fine: a route from an arm's schema
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Answer@1", "reducer": "t/Machine@1"}
fine: routes from an arm's schema and the whole
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Answer@1", "reducer": "t/Machine@1"}, {"event": "t/Event@1", "reducer": "t/Machine@1"}
fine: a route from the receipt's schema
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "sys/TimerFired@1", "reducer": "t/Machine@1"}, {"event": "t/Start@1", "reducer": "t/Machine@1"}
refused: a route from a schema of no arm
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/State@1", "reducer": "t/Machine@1"}
refused: the same route twice
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Answer@1", "reducer": "t/Machine@1"}, {"event": "t/Answer@1", "reducer": "t/Machine@1"}
warned 1: no route at all
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + 
fine: a keyed reducer
  - "module_kind": "reducer",
  + "module_kind": "reducer", "key_schema": "t/Text@1",
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Event@1", "reducer": "t/Machine@1", "key_field": "$value.id"}
fine: a keyed reducer by the schema of an arm
  - "module_kind": "reducer",
  + "module_kind": "reducer", "key_schema": "t/Text@1",
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Start@1", "reducer": "t/Machine@1", "key_field": "id"}
refused: a key inside the arm that an event is put into
  - "module_kind": "reducer",
  + "module_kind": "reducer", "key_schema": "t/Text@1",
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Start@1", "reducer": "t/Machine@1", "key_field": "$value.id"}
refused: an arm without the key
  - "module_kind": "reducer",
  + "module_kind": "reducer", "key_schema": "t/Text@1",
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Event@1", "reducer": "t/Machine@1", "key_field": "$value.n"}
fine: a receipt arm without the key, of no effect
  - "module_kind": "reducer",
  + "module_kind": "reducer", "key_schema": "t/Text@1",
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": []
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Event@1", "reducer": "t/Machine@1", "key_field": "$value.id"}
refused: a key that may be null
  - "module_kind": "reducer",
  + "module_kind": "reducer", "key_schema": "t/Text@1",
  - {"event": "t/Event@1", "reducer": "t/Machine@1"}
  + {"event": "t/Answer@1", "reducer": "t/Machine@1", "key_field": "id"}
  - "id": {"text": {}}, "ok": {"bool": {}}
  + "id": {"option": {"text": {}}}, "ok": {"bool": {}}

# Effects, slots, grants, policies, enforcers.
refused: a reducer that emits an effect of plans
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": ["http.request"]
refused: a slot with a bad name
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": ["timer.set"], "cap_slots": {"1": "timer"}
fine: slots that are not declared
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": ["timer.set"]
fine: a slot for no effect, without a grant
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer", "more": "blob"}
warned 1: a slot for an effect, without a grant
  - "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}
  + "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer", "more": "timer"}
warned 1: no grant for an effect
  - {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}},
  + 
warned 1: two grants, and no binding
  - {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}},
  + {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}}, {"name": "tock", "cap": "t/timer@1", "params": {"record": {}}},
fine: two grants, one of them bound
  - {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}},
  + {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}}, {"name": "tock", "cap": "t/timer@1", "params": {"record": {}}},
  - "routing":
  + "module_bindings": {"t/Machine@1": {"slots": {"default": "tock"}}}, "routing":
warned 1: a slot bound to a grant of another type
  - "routing":
  + "module_bindings": {"t/Machine@1": {"slots": {"default": "http"}}}, "routing":
refused: a plan's effect under a grant of another type
  - "cap": "http",
  + "cap": "tick",
  - "required_caps": ["http"]
  + "required_caps": ["tick"]
refused: a slot bound to a grant that is not there
  - "routing":
  + "module_bindings": {"t/Machine@1": {"slots": {"default": "tack"}}}, "routing":
fine: parameters without a record
  - {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}},
  + {"name": "tick", "cap": "t/timer@1", "params": {}},
warned 1: a grant that expires at once
  - "expiry_ns": 9
  + "expiry_ns": "0"
warned 1: no policy
  - "policy": "t/policy@1", 
  + 
warned 2: a policy without rules
  - "rules": [
  + "rules": [], "$comment": [
warned 1: a policy that denies the timer
  - {"when": {"effect_kind": "timer.set"}, "decision": "allow"}
  + {"when": {"effect_kind": "timer.set"}, "decision": "deny"}
warned 1: a policy that says nothing of the timer
  - {"when": {"effect_kind": "timer.set"}, "decision": "allow"}
  + {"when": {"effect_kind": "timer.set", "origin_kind": "plan"}, "decision": "allow"}
warned 1: a rule for nobody
  - {"when": {}, "decision": "deny"}
  + {"when": {"origin_name": "t/Nobody@1"}, "decision": "deny"}
refused: a rule for an unknown kind
  - {"when": {}, "decision": "deny"}
  + {"when": {"effect_kind": "no.kind"}, "decision": "deny"}
refused: a rule for an unknown grant
  - {"when": {}, "decision": "deny"}
  + {"when": {"cap_name": "nobody"}, "decision": "deny"}
warned 1: a rule for an unknown cap type
  - {"when": {}, "decision": "deny"}
  + {"when": {"cap_type": "nothing"}, "decision": "deny"}
warned 1: a rule for a kind that is not listed
  - {"when": {}, "decision": "deny"}
  + {"when": {"effect_kind": "blob.get"}, "decision": "deny"}
warned 1: a rule after one that matches all
  - {"when": {}, "decision": "deny"}
  + {"when": {}, "decision": "deny"}, {"when": {}, "decision": "allow"}
warned 1: a list of hosts without hosts
  - {"hosts": ["h"]}
  + {"hosts": []}
fine: a host in upper case
  - {"hosts": ["h"]}
  + {"hosts": ["H"]}
warned 1: another host
  - {"hosts": ["h"]}
  + {"hosts": ["g"]}
fine: a host that only the input tells
  - {"op": "concat", "args": [{"text": "https://h/"}, {"ref": "@plan.input.id"}]}
  + {"op": "concat", "args": [{"text": "https://"}, {"ref": "@plan.input.id"}]}
warned 1: another method
  - {"hosts": ["h"]}
  + {"methods": ["POST"]}
fine: a path of which the beginning is known
  - {"hosts": ["h"]}
  + {"path_prefixes": ["/a"]}
fine: the built-in enforcer by name
  - "cap_type": "timer", "schema": {"record": {}}
  + "cap_type": "timer", "schema": {"record": {}}, "enforcer": {"module": "sys/CapAllowAll@1"}
refused: an enforcer that is not there
  - "cap_type": "timer", "schema": {"record": {}}
  + "cap_type": "timer", "schema": {"record": {}}, "enforcer": {"module": "t/Guard@1"}
refused: an enforcer that is a reducer
  - "cap_type": "timer", "schema": {"record": {}}
  + "cap_type": "timer", "schema": {"record": {}}, "enforcer": {"module": "t/Machine@1"}

# Plans and expressions.
refused: an output without a result
  - "result": "done"
  + "$comment": 1
warned 1: a plan of one step
  - {"$kind": "defcap"
  + {"$kind": "defplan", "name": "t/One@1", "input": "t/Start@1", "steps": [{"id": "end", "op": "end"}]}, {"$kind": "defcap"
  - "plans": [{"name": "t/Ask@1"}]
  + "plans": [{"name": "t/One@1"}, {"name": "t/Ask@1"}]
refused: a plan without steps
  - {"$kind": "defcap"
  + {"$kind": "defplan", "name": "t/One@1", "input": "t/Start@1", "steps": []}, {"$kind": "defcap"
  - "plans": [{"name": "t/Ask@1"}]
  + "plans": [{"name": "t/One@1"}, {"name": "t/Ask@1"}]
warned 2: a plan that nothing starts, and that awaits any event
  - [{"event": "t/Start@1", "plan": "t/Ask@1", "correlate_by": "id"}]
  + []
  - {"op": "eq", "args": [{"ref": "@event.id"}, {"ref": "@var:correlation_id"}]}
  + {"bool": true}
fine: no correlation, and any event
  - , "correlate_by": "id"
  + 
  - "where": 
  + "$comment": 
fine: `where` on the event's key and the input
  - {"op": "eq", "args": [{"ref": "@event.id"}, {"ref": "@var:correlation_id"}]}
  + {"op": "eq", "args": [{"ref": "@event.id"}, {"ref": "@plan.input.id"}]}
warned 1: `where` on the event's key alone
  - {"op": "eq", "args": [{"ref": "@event.id"}, {"ref": "@var:correlation_id"}]}
  + {"op": "eq", "args": [{"ref": "@event.id"}, {"text": "x"}]}
refused: `where` on something else
  - {"op": "eq", "args": [{"ref": "@event.id"}, {"ref": "@var:correlation_id"}]}
  + {"op": "eq", "args": [{"ref": "@event.ok"}, {"bool": true}]}
warned 1: a guard that is always true
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "or", "args": [{"bool": true}, {"ref": "@var:answer.ok"}]}
refused: a guard that is no bool
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"ref": "@var:got.status"}
refused: a field that the receipt lacks
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "lt", "args": [{"ref": "@var:got.state"}, {"int": 300}]}
fine: a field of the receipt by `get`
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "lt", "args": [{"op": "get", "args": [{"ref": "@var:got"}, {"text": "status"}]}, {"int": 300}]}
refused: no field of the receipt by `get`
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "lt", "args": [{"op": "get", "args": [{"ref": "@var:got"}, {"text": "state"}]}, {"int": 300}]}
fine: an entry of a map, which may be there
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "eq", "args": [{"op": "get", "args": [{"ref": "@var:got.headers"}, {"text": "a"}]}, {"text": "b"}]}
fine: null where it may be
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "eq", "args": [{"ref": "@var:got.body_ref"}, {"null": {}}]}
warned 1: null where it never is
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "eq", "args": [{"ref": "@var:got.status"}, {"null": {}}]}
fine: a hash in a text
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "eq", "args": [{"ref": "@var:call"}, {"text": "sha256:da145fee7f3c2fa21fcc389b9b2839fbaca9ec880328b4675116b77128a61d16"}]}
fine: int and nat
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "eq", "args": [{"ref": "@var:got.status"}, {"ref": "@plan.input.n"}]}
refused: text and nat
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "eq", "args": [{"ref": "@plan.input.id"}, {"ref": "@plan.input.n"}]}
warned 1: records of other fields
  - {"op": "lt", "args": [{"ref": "@var:got.status"}, {"int": 300}]}
  + {"op": "eq", "args": [{"ref": "@plan.input"}, {"ref": "@var:got.timings"}]}
refused: a division by zero
  - {"op": "gt", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}
  + {"op": "gt", "args": [{"op": "mod", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}, {"nat": 0}]}
warned 1: a division by zero that may not be reached
  - {"op": "gt", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}
  + {"op": "or", "args": [{"op": "eq", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}, {"op": "gt", "args": [{"op": "mod", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}, {"nat": 0}]}]}
refused: an arm that is not there
  - {"variant": {"tag": "answer", "value": {"ref": "@var:answer"}}}
  + {"variant": {"tag": "anwser", "value": {"ref": "@var:answer"}}}
refused: a record that lacks a field
  - {"variant": {"tag": "answer", "value": {"ref": "@var:answer"}}}
  + {"variant": {"tag": "answer", "value": {"record": {"ok": {"bool": true}}}}}
refused: a record with a field too many
  - {"variant": {"tag": "answer", "value": {"ref": "@var:answer"}}}
  + {"variant": {"tag": "answer", "value": {"record": {"id": {"text": "a"}, "ok": {"bool": true}, "n": {"nat": 1}}}}}
fine: a record without a field that may be absent
  - "id": {"text": {}}, "ok": {"bool": {}}
  + "id": {"text": {}}, "ok": {"option": {"bool": {}}}
  - {"variant": {"tag": "answer", "value": {"ref": "@var:answer"}}}
  + {"variant": {"tag": "answer", "value": {"record": {"id": {"text": "a"}}}}}
"##;
