//! Routes from the schema of one arm of a reducer's event: the event is put into that arm. And
//! reducers whose event is one schema and no variant.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::kernel::{Kernel, World};
use sim::trace::{CrashPoint, Recovery, Trace};

use super::{constant_reducer, follow, journal, reducer_answering, small_world, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("routes", "an_event_is_put_into_its_arm", put_into_its_arm),
        trial("routes", "an_arm_without_a_value", without_a_value),
        trial("routes", "keys_are_looked_for_outside", keys),
        trial("routes", "both_ways_at_once", both_ways),
        trial("routes", "another_name_for_the_event", another_name),
        trial("routes", "receipts_find_their_reducer", receipts),
        trial("routes", "an_event_that_is_a_receipt", event_is_a_receipt),
    ]
}

const FAMILY: &str = "{\"event\": \"t/Event@1\", \"reducer\": \"t/Machine@1\"}";

/// Of each step: the schema and the event as the reducer saw them.
fn seen(world: &World, trace: &Trace) -> Vec<String> {
    let schemas = &world.air.schemas;
    let step = |step: &sim::trace::Step| {
        let bytes = trace.bytes(step.event);
        let value = schemas.decode(step.schema, bytes).expect("it fits");
        assert_eq!(
            schemas.encode(step.schema, &value).as_deref(),
            Ok(bytes),
            "it is canonical"
        );
        let json = schemas.value_to_json(step.schema, &value);
        format!("{} {json}", schemas.name(step.schema))
    };
    trace.steps.iter().map(step).collect()
}

/// Recoveries, of whichever kind and wherever the crash was, come to the same states and journal.
fn recovers(world: &World, trace: &Trace) {
    for recovery in Recovery::ALL {
        let mut kernel = Kernel::new(world).expect("the reducer can be run");
        let mut rebuilt = trace.clone();
        let recovered = kernel.recover(&mut rebuilt, recovery, false);
        assert_eq!(recovered, Ok(()), "{recovery:?}");
        let bytes = |(reducer, key, state): (_, Option<&[u8]>, _)| {
            (
                reducer,
                key.map(<[u8]>::to_vec),
                rebuilt.bytes(state).to_vec(),
            )
        };
        let states: Vec<_> = kernel.states().map(bytes).collect();
        assert!(!states.is_empty());
        for (_, key, state) in states {
            let same_cell =
                |step: &&sim::trace::Step| step.key.map(|id| trace.bytes(id).to_vec()) == key;
            let last = trace
                .steps
                .iter()
                .rev()
                .find(same_cell)
                .expect("it took a step");
            assert_eq!(last.after.map(|id| trace.bytes(id)), Some(&*state));
        }
    }
}

fn put_into_its_arm() {
    let route = "{\"event\": \"t/Answer@1\", \"reducer\": \"t/Machine@1\"}";
    let world = small_world(&[(FAMILY, route)], &constant_reducer());
    assert_eq!(world.air.warnings.list, []);
    let event = r#"{"inject":"t/Answer@1","value":{"id":"a","ok":true}}"#;
    let (trace, checked) = follow(&world, "", event);
    assert_eq!(checked.violations, []);
    expect![[r#"t/Event@1 {"answer":{"id":"a","ok":true}}"#]]
        .assert_eq(&seen(&world, &trace).join("\n"));
    // The journal has it as it came.
    expect![[r#"
        manifest
        domain_event t/Answer@1 {"id":"a","ok":true} at 0
    "#]]
    .assert_eq(&journal(&world.air, &trace));
    recovers(&world, &trace);
    for point in CrashPoint::ALL {
        let crash = event.replace(
            "\"inject\"",
            &format!("\"crash\":\"{}\",\"inject\"", point.name()),
        );
        let (trace, checked) = follow(&world, "", &format!("{crash},{event}"));
        assert_eq!(checked.violations, [], "{}", point.name());
        assert!(trace.turns.iter().all(|turn| turn.divergence.is_none()));
        recovers(&world, &trace);
    }
}

/// An arm of unit has no `$value`, and one of an option has null.
fn without_a_value() {
    let arms = "\"start\": {\"ref\": \"t/Start@1\"}, \"ping\": {\"ref\": \"t/Nothing@1\"}, \
                \"note\": {\"ref\": \"t/Maybe@1\"},";
    let schemas = "{\"$kind\": \"defschema\", \"name\": \"t/Nothing@1\", \"type\": {\"unit\": {}}},
        {\"$kind\": \"defschema\", \"name\": \"t/Maybe@1\", \"type\":
          {\"option\": {\"text\": {}}}},
        {\"$kind\": \"defschema\", \"name\": \"t/Text@1\"";
    let routes = "{\"event\": \"t/Nothing@1\", \"reducer\": \"t/Machine@1\"},
        {\"event\": \"t/Maybe@1\", \"reducer\": \"t/Machine@1\"}";
    let edits = [
        ("\"start\": {\"ref\": \"t/Start@1\"},", arms),
        ("{\"$kind\": \"defschema\", \"name\": \"t/Text@1\"", schemas),
        (
            "{\"name\": \"t/Text@1\"}]",
            "{\"name\": \"t/Text@1\"}, {\"name\": \"t/Nothing@1\"}, {\"name\": \"t/Maybe@1\"}]",
        ),
        (FAMILY, routes),
    ];
    let world = small_world(&edits, &constant_reducer());
    let schedule = r#"{"inject":"t/Nothing@1","value":null},
        {"inject":"t/Maybe@1","value":null},{"inject":"t/Maybe@1","value":"a"}"#;
    let (trace, checked) = follow(&world, "", schedule);
    assert_eq!(checked.violations, []);
    let expected = [
        "t/Event@1 {\"ping\":null}",
        "t/Event@1 {\"note\":null}",
        "t/Event@1 {\"note\":\"a\"}",
    ];
    assert_eq!(seen(&world, &trace), expected);
    assert_eq!(
        trace.bytes(trace.steps[0].event),
        b"\xd9\xd9\xf7\xa1\x64$tag\x64ping"
    );
    recovers(&world, &trace);
}

/// `key_field` is a path into the event as it is routed: without `$value`.
fn keys() {
    let keyed = "\"module_kind\": \"reducer\", \"key_schema\": \"t/Text@1\",";
    let routes = "{\"event\": \"t/Answer@1\", \"reducer\": \"t/Machine@1\", \"key_field\": \"id\"},
        {\"event\": \"t/Event@1\", \"reducer\": \"t/Machine@1\", \"key_field\": \"$value.id\"}";
    let edits = [("\"module_kind\": \"reducer\",", keyed), (FAMILY, routes)];
    let world = small_world(&edits, &constant_reducer());
    let schedule = r#"{"inject":"t/Answer@1","value":{"id":"a","ok":true}},
        {"inject":"t/Event@1","value":{"answer":{"id":"a","ok":false}}},
        {"inject":"t/Answer@1","value":{"id":"b","ok":true}}"#;
    let (trace, checked) = follow(&world, "", schedule);
    assert_eq!(checked.violations, []);
    let keys: Vec<&[u8]> = trace
        .steps
        .iter()
        .map(|step| trace.bytes(step.key.expect("it is keyed")))
        .collect();
    let (a, b) = (&b"\xd9\xd9\xf7\x61a"[..], &b"\xd9\xd9\xf7\x61b"[..]);
    assert_eq!(keys, [a, a, b]);
    let before: Vec<bool> = trace
        .steps
        .iter()
        .map(|step| step.before.is_some())
        .collect();
    assert_eq!(before, [false, true, false]);
    recovers(&world, &trace);
}

/// An event goes through each route from its own schema, and through no other.
fn both_ways() {
    let routes = format!("{{\"event\": \"t/Answer@1\", \"reducer\": \"t/Machine@1\"}}, {FAMILY}");
    let world = small_world(&[(FAMILY, &routes)], &constant_reducer());
    let schedule = r#"{"inject":"t/Answer@1","value":{"id":"a","ok":true}},
        {"inject":"t/Event@1","value":{"start":{"id":"a","n":"1"}}}"#;
    let (trace, checked) = follow(&world, "", schedule);
    assert_eq!(checked.violations, []);
    assert_eq!(trace.steps.len(), 2);
}

/// The event's schema is a ref to another: events of that are events of the reducer's.
fn another_name() {
    let alias = "{\"$kind\": \"defschema\", \"name\": \"t/Alias@1\", \"type\":
          {\"ref\": \"t/Event@1\"}},
        {\"$kind\": \"defschema\", \"name\": \"t/Text@1\"";
    let edits = [
        ("{\"$kind\": \"defschema\", \"name\": \"t/Text@1\"", alias),
        (
            "{\"name\": \"t/Text@1\"}]",
            "{\"name\": \"t/Text@1\"}, {\"name\": \"t/Alias@1\"}]",
        ),
        ("\"event\": \"t/Event@1\",\n", "\"event\": \"t/Alias@1\",\n"),
    ];
    let world = small_world(&edits, &constant_reducer());
    let event = r#"{"inject":"t/Event@1","value":{"start":{"id":"a","n":"1"}}}"#;
    let (trace, checked) = follow(&world, "", event);
    assert_eq!(checked.violations, []);
    assert_eq!(
        seen(&world, &trace),
        ["t/Alias@1 {\"start\":{\"id\":\"a\",\"n\":1}}"]
    );
    recovers(&world, &trace);
}

/// A reducer that asks for a timer due at 5 ns, with every step.
fn asking() -> Vec<u8> {
    let params = b"\xa2\x63key\xf6\x6ddeliver_at_ns\x05";
    let effect = [b"\xa2\x64kind\x69timer.set\x6bparams_cbor\x55", &params[..]].concat();
    reducer_answering(
        &[
            b"\xa2\x65state\x48\xa1\x65count\x01\x67effects\x81",
            &effect[..],
        ]
        .concat(),
    )
}

/// The reducer is routed events of one arm alone, and gets the receipts of what it asks for.
fn receipts() {
    let route = "{\"event\": \"t/Answer@1\", \"reducer\": \"t/Machine@1\"}";
    let world = small_world(&[(FAMILY, route)], &asking());
    let schedule = r#"{"inject":"t/Answer@1","value":{"id":"a","ok":true}},{"fire":"timer"}"#;
    let (trace, checked) = follow(&world, "", schedule);
    assert_eq!(checked.violations, []);
    let seen = seen(&world, &trace);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[1].starts_with("t/Event@1 {\"timer\":{"), "{}", seen[1]);
    recovers(&world, &trace);
    // Another event of that schema is routed to nobody.
    let start = r#"{"inject":"t/Event@1","value":{"start":{"id":"a","n":"1"}}}"#;
    let (trace, _) = follow(&world, "", start);
    assert_eq!(trace.steps, []);
}

fn event_is_a_receipt() {
    let edits = [
        (
            "\"event\": \"t/Event@1\",\n",
            "\"event\": \"sys/TimerFired@1\",\n",
        ),
        (
            FAMILY,
            "{\"event\": \"sys/TimerFired@1\", \"reducer\": \"t/Machine@1\"}",
        ),
    ];
    let world = small_world(&edits, &asking());
    assert_eq!(world.air.warnings.list, []);
    let fired = r#"{"inject":"sys/TimerFired@1","value":{"intent_hash":
        "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "reducer":"t/Machine@1","effect_kind":"timer.set","adapter_id":"x","status":"ok",
        "requested":{"deliver_at_ns":1,"key":null},"receipt":{"delivered_at_ns":1,"key":null},
        "cost_cents":null,"signature":""}}"#;
    let (trace, checked) = follow(&world, "", &format!("{fired},{{\"fire\":\"TimerFired\"}}"));
    assert_eq!(checked.violations, []);
    expect![[r#"
        sys/TimerFired@1 {"adapter_id":"x","cost_cents":null,"effect_kind":"timer.set","intent_hash":"sha256:0000000000000000000000000000000000000000000000000000000000000000","receipt":{"delivered_at_ns":1,"key":null},"reducer":"t/Machine@1","requested":{"deliver_at_ns":1,"key":null},"signature":"","status":"ok"}
        sys/TimerFired@1 {"adapter_id":"sim","cost_cents":null,"effect_kind":"timer.set","intent_hash":"sha256:8b4038bdb07c7b10c67ca31ca0f6c07e1cc80ea2d433ddb409eb9c6e94aa2978","receipt":{"delivered_at_ns":5,"key":null},"reducer":"t/Machine@1","requested":{"deliver_at_ns":5,"key":null},"signature":"","status":"ok"}"#]].assert_eq(&seen(&world, &trace).join("\n"));
    recovers(&world, &trace);
}
