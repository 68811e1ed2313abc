//! Plans: guards, receipts, awaited events, invariants.

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use serde_json::{Value as Json, json};
use sim::air;
use sim::kernel::World;

use super::{START, constant_reducer, follow, journal, small_world, trial};
use crate::support::{code, http_world, retry_world, root};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "plans",
            "one_branch_by_the_receipt",
            one_branch_by_the_receipt,
        ),
        trial("plans", "silence_waits", silence_waits),
        trial("plans", "as_written", as_written),
        trial("plans", "correlation", correlation),
        trial(
            "plans",
            "awaited_event_is_the_correlated_one",
            awaited_event,
        ),
        trial("plans", "guard_that_is_false_ends_it", guard_that_is_false),
        trial(
            "plans",
            "invariant_that_is_false_ends_it",
            invariant_that_is_false,
        ),
        trial("plans", "guards_wait_for_all_before", guards_wait),
        trial("plans", "skips_before_the_next_is_chosen", skips_first),
        trial(
            "plans",
            "receipt_of_an_effect_not_asked_for",
            receipt_of_nothing,
        ),
        trial(
            "plans",
            "variables_hold_what_they_are_declared_with",
            declared_variables,
        ),
        trial(
            "plans",
            "invariants_are_checked_after_a_raise",
            invariants_after_a_raise,
        ),
    ]
}

/// What the plan of the HTTP world raises for an answer of the server.
fn one_branch_by_the_receipt() {
    let world = http_world();
    let check = |answer: &str, expected: Expect| {
        let schedule = format!(
            r#"{{"start":"r1"}},{{"deliver":"WorkRequested","req_id":"r1"}},
            {{"step":"WorkPlan","req_id":"r1"}},
            {{"receipt":"http.request","req_id":"r1","answer":"{answer}"}},
            {{"step":"WorkPlan","req_id":"r1"}},{{"step":"WorkPlan","req_id":"r1"}},
            {{"step":"WorkPlan","req_id":"r1"}}"#
        );
        let (trace, checked) = follow(&world, START, &schedule);
        assert_eq!(checked.violations, []);
        let raised = trace.emitted.last().expect("the plan raised an event");
        let value = world
            .air
            .schemas
            .decode(raised.schema, trace.bytes(raised.value));
        let value = value.expect("it fits its schema");
        expected.assert_eq(
            &world
                .air
                .schemas
                .value_to_json(raised.schema, &value)
                .to_string(),
        );
        assert_eq!(trace.emitted.len(), 2, "one WorkRequested, one answer");
        assert!(journal(&world.air, &trace).ends_with("plan_ended well\n"));
    };
    check("ok", expect![[r#"{"ok":{"req_id":"r1"}}"#]]);
    check(
        "terminal",
        expect![[
            r#"{"err":{"message":"the server refused the work","req_id":"r1","transient":false}}"#
        ]],
    );
    check(
        "transient",
        expect![[r#"{"err":{"message":"the server failed","req_id":"r1","transient":true}}"#]],
    );
}

fn silence_waits() {
    let world = http_world();
    let schedule = r#"{"start":"r1"},{"deliver":"WorkRequested","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1"},
        {"receipt":"http.request","req_id":"r1","answer":"silence"}"#;
    let (trace, _) = follow(&world, START, schedule);
    expect![[r#"
        manifest
        domain_event demo/RetryEvent@1 {"start":{"base_delay_ms":10,"max_attempts":3,"now_ns":0,"payload":"p","req_id":"r1"}} at 0
        domain_event demo/WorkRequested@1 {"payload":"p","req_id":"r1"} at 0
        plan_step ask
        cap_decision allow
        policy_decision rule Some(0) allow true
        effect_intent http.request
    "#]].assert_eq(&journal(&world.air, &trace));
}

/// Without an answer the plan raises what its document says.
fn as_written() {
    let world = retry_world();
    let schedule = r#"{"start":"r1"},{"deliver":"WorkRequested","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1"},{"step":"WorkPlan","req_id":"r1"},
        {"deliver":"err","req_id":"r1"},{"fire":"timer","req_id":"r1"}"#;
    let (trace, checked) = follow(world, START, schedule);
    assert_eq!(checked.violations, []);
    expect![[r#"
        manifest
        domain_event demo/RetryEvent@1 {"start":{"base_delay_ms":10,"max_attempts":3,"now_ns":0,"payload":"p","req_id":"r1"}} at 0
        domain_event demo/WorkRequested@1 {"payload":"p","req_id":"r1"} at 0
        plan_step answer
        plan_step finish
        plan_ended well
        domain_event demo/RetryEvent@1 {"err":{"message":"work is not available","req_id":"r1","transient":true}} at 0
        cap_decision allow
        policy_decision rule Some(0) allow true
        effect_intent timer.set
        effect_receipt ok
        domain_event demo/RetryEvent@1 {"timer":{"adapter_id":"an adapter of a long name, in a region far away, of its second version","cost_cents":17,"effect_kind":"timer.set","intent_hash":"sha256:4ff445480bae07338f73338899c11aaad26afd1513374d351ff5ba1ceb00a4d5","receipt":{"delivered_at_ns":10000000,"key":"r1"},"reducer":"demo/RetrySM@1","requested":{"deliver_at_ns":10000000,"key":"r1"},"signature":"","status":"ok"}} at 10000000
    "#]].assert_eq(&journal(&world.air, &trace));
}

/// A plan without conditions, whose input is read for its correlation alone.
fn correlation() {
    let mut sources = sim::cli::sources(&root("air")).expect("they can be read");
    let by_input = "{\"ref\": \"@plan.input.req_id\"}";
    let plan = "\"plan\": \"demo/WorkPlan@1\"";
    for source in &mut sources {
        source.text = source
            .text
            .replace(by_input, "{\"ref\": \"@var:correlation_id\"}");
        source.text = source
            .text
            .replace(plan, &format!("{plan}, \"correlate_by\": \"req_id\""));
    }
    let air = air::load(&sources).unwrap_or_else(|error| panic!("{error}"));
    let world = World::new(air, vec![code(retry_world::WASM)]);
    let schedule = r#"{"start":"r1"},{"deliver":"WorkRequested","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1"},{"deliver":"err","req_id":"r1"}"#;
    let (_, checked) = follow(&world, START, schedule);
    assert_eq!(checked.violations, []);
}

const ASK: &str = r#"{"name":"a","schema":"t/Start@1","value":{"id":"a","n":"1"}}"#;

/// The plan of the small world up to where it awaits an answer with its own id.
const LISTENING: &str = r#"{"start":"a"},{"step":"Ask"},{"step":"Ask"},
    {"receipt":"http.request","answer":"ok"},{"step":"Ask"},{"step":"Ask"}"#;

fn awaited_event() {
    let world = small_world(&[], &constant_reducer());
    let schedule = format!(
        r#"{LISTENING},{{"inject":"t/Answer@1","value":{{"id":"b","ok":true}}}},
        {{"inject":"t/Answer@1","value":{{"id":"a","ok":false}}}},
        {{"inject":"t/Answer@1","value":{{"id":"a","ok":true}}}},
        {{"step":"Ask"}},{{"step":"Ask"}},{{"step":"Ask"}},{{"deliver":"answer"}}"#
    );
    let (trace, _) = follow(&world, ASK, &schedule);
    expect![[r#"
        manifest
        domain_event t/Start@1 {"id":"a","n":1} at 0
        plan_step a_url
        plan_step b_ask
        cap_decision allow
        policy_decision rule Some(0) allow true
        effect_intent http.request
        effect_receipt ok
        plan_step c_wait
        plan_step d_listen
        domain_event t/Answer@1 {"id":"b","ok":true} at 0
        domain_event t/Answer@1 {"id":"a","ok":false} at 0
        domain_event t/Answer@1 {"id":"a","ok":true} at 0
        plan_step d_listen
        plan_step e_raise
        plan_step f_end
        plan_result "done"
        plan_ended well
        domain_event t/Event@1 {"answer":{"id":"a","ok":false}} at 0
    "#]]
    .assert_eq(&journal(&world.air, &trace));
}

fn guard_that_is_false() {
    let world = small_world(&[], &constant_reducer());
    let schedule = r#"{"start":"a"},{"step":"Ask"},{"step":"Ask"},
        {"receipt":"http.request","answer":"terminal"},{"step":"Ask"}"#;
    let (trace, _) = follow(&world, ASK, schedule);
    expect![[r#"
        manifest
        domain_event t/Start@1 {"id":"a","n":1} at 0
        plan_step a_url
        plan_step b_ask
        cap_decision allow
        policy_decision rule Some(0) allow true
        effect_intent http.request
        effect_receipt ok
        plan_step c_wait
        plan_ended well
    "#]]
    .assert_eq(&journal(&world.air, &trace));
}

fn invariant_that_is_false() {
    let world = small_world(&[], &constant_reducer());
    let ask = ASK.replace("\"n\":\"1\"", "\"n\":\"0\"");
    let (trace, _) = follow(&world, &ask, r#"{"start":"a"},{"step":"Ask"}"#);
    expect![[r#"
        manifest
        domain_event t/Start@1 {"id":"a","n":0} at 0
        plan_step a_url
        plan_ended invariant 0 is false after step `a_url`
    "#]]
    .assert_eq(&journal(&world.air, &trace));
}

/// The small world with other members in its plan, which asks for no effect unless they do.
fn planned(members: Json) -> World {
    let text = include_str!("../air/base.air.json");
    let mut documents: Vec<Json> = serde_json::from_str(text).expect("it is JSON");
    let plan = { documents.iter_mut() }.find(|document| document["$kind"] == "defplan");
    let plan = plan.and_then(Json::as_object_mut).expect("there is one");
    let kept = ["$kind", "name", "input", "output"];
    plan.retain(|name, _| kept.contains(&name.as_str()));
    plan.extend(members.as_object().expect("members").clone());
    let text = Json::from(documents).to_string();
    let file = "world.air.json".to_owned();
    let air = air::load(&[air::Source { file, text }]).unwrap_or_else(|error| panic!("{error}"));
    World::new(air, vec![code(&constant_reducer())])
}

fn assign(id: &str, expr: Json) -> Json {
    json!({"id": id, "op": "assign", "expr": expr, "bind": {"as": format!("{id}_value")}})
}

/// The journal of a plan that takes so many steps, from its start on.
fn ticked(members: Json, steps: usize) -> String {
    let world = planned(members);
    let step = r#",{"step":"Ask"}"#.repeat(steps);
    let (trace, _) = follow(&world, ASK, &format!(r#"{{"start":"a"}}{step}"#));
    let journal = journal(&world.air, &trace);
    journal
        .lines()
        .skip(2)
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The guard of an edge may read what another predecessor sets, whichever edge is written first.
fn guards_wait() {
    let is_set = json!({"op": "eq", "args": [{"ref": "@var:z_value"}, {"nat": 1}]});
    let mut edges = vec![
        json!({"from": "a", "to": "m", "when": is_set}),
        json!({"from": "z", "to": "m"}),
    ];
    let steps = ["a", "m", "z"].map(|id| assign(id, json!({"nat": 1})));
    for _ in 0..2 {
        let journal = ticked(json!({"steps": steps, "edges": edges}), 3);
        assert_eq!(
            journal,
            "plan_step a\nplan_step z\nplan_step m\nplan_ended well\n"
        );
        edges.reverse();
    }
}

/// A step is ready as soon as what it does not wait for is skipped: `a` runs before `m`.
fn skips_first() {
    let steps = ["a", "b", "m", "z"].map(|id| assign(id, json!({"nat": 1})));
    let edges = json!([{"from": "b", "to": "a"}, {"from": "z", "to": "a"},
        {"from": "b", "to": "z", "when": {"bool": false}}]);
    let journal = ticked(json!({"steps": steps, "edges": edges}), 3);
    assert_eq!(
        journal,
        "plan_step b\nplan_step a\nplan_step m\nplan_ended well\n"
    );
}

/// An await for an effect that was skipped ends the plan, rather than wait for ever.
fn receipt_of_nothing() {
    let ask = json!({"id": "b", "op": "emit_effect", "kind": "http.request", "cap": "http",
        "params": {"method": "GET", "url": "https://h/", "headers": {}},
        "bind": {"effect_id_as": "call"}});
    let wait = json!({"id": "c", "op": "await_receipt", "for": {"ref": "@var:call"},
        "bind": {"as": "got"}});
    let steps = [assign("a", json!({"nat": 1})), ask, wait];
    let edges = json!([{"from": "a", "to": "b", "when": {"bool": false}},
        {"from": "a", "to": "c"}, {"from": "b", "to": "c"}]);
    let journal = ticked(json!({"steps": steps, "edges": edges}), 2);
    let ended = "plan_ended step `c`: `@var:call` has no value here\n";
    assert_eq!(journal, format!("plan_step a\nplan_step c\n{ended}"));
}

/// A variable of `locals` gets a value of its schema, canonical like any other.
fn declared_variables() {
    let set = |count: Json| {
        let expr = json!({"record": {"count": count}});
        let steps = json!([{"id": "a", "op": "assign", "expr": expr, "bind": {"as": "state"}},
            {"id": "b", "op": "end", "result": {"text": "done"}}]);
        let last = json!({"op": "eq", "args": [{"ref": "@var:state.last"}, {"null": {}}]});
        let edges = json!([{"from": "a", "to": "b", "when": last}]);
        let locals = json!({"state": "t/State@1"});
        ticked(json!({"steps": steps, "edges": edges, "locals": locals}), 1)
    };
    assert_eq!(
        set(json!({"int": 1})),
        "plan_step a\n",
        "`b` is next, its guard is true"
    );
    let less = json!({"op": "sub", "args": [{"int": 1}, {"int": 2}]});
    let why = "expected a whole number up to 64 bits, found a negative number";
    let ended = format!("plan_ended step `a`: at `/count`: {why}\n");
    assert_eq!(set(less), format!("plan_step a\n{ended}"));
}

/// An event is raised before the invariants are checked, as an effect is asked for before.
fn invariants_after_a_raise() {
    let value = json!({"answer": {"id": "a", "ok": true}});
    let world = planned(json!({"invariants": [{"bool": false}],
        "steps": [{"id": "a", "op": "raise_event", "event": "t/Event@1", "value": value}]}));
    let (trace, _) = follow(&world, ASK, r#"{"start":"a"},{"step":"Ask"}"#);
    assert_eq!(trace.emitted.len(), 1);
    let ended = "plan_step a\nplan_ended invariant 0 is false after step `a`\n";
    assert!(journal(&world.air, &trace).ends_with(ended));
}
