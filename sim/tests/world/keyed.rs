//! Keyed reducers: a cell for each key, with a state of its own.

use libtest_mimic::Trial;
use sim::kernel::World;
use sim::trace::Trace;

use super::{constant_reducer, follow, small_world, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("keyed", "cells_are_apart", cells_are_apart),
        trial("keyed", "null_deletes_the_cell", null_deletes_the_cell),
        trial("keyed", "event_without_a_key", event_without_a_key),
        trial(
            "keyed",
            "receipts_find_their_cell",
            receipts_find_their_cell,
        ),
        trial(
            "keyed",
            "receipts_find_their_cell_by_arms",
            receipts_find_their_cell_by_arms,
        ),
        trial(
            "keyed",
            "forged_receipts_name_a_cell",
            forged_receipts_name_a_cell,
        ),
        trial(
            "keyed",
            "receipts_survive_crashes",
            receipts_survive_crashes,
        ),
    ]
}

fn world(wasm: &[u8]) -> World {
    let keyed = "\"module_kind\": \"reducer\", \"key_schema\": \"t/Text@1\",";
    let route = "\"reducer\": \"t/Machine@1\", \"key_field\": \"$value.id\"}]";
    let edits = [
        ("\"module_kind\": \"reducer\",", keyed),
        ("\"reducer\": \"t/Machine@1\"}]", route),
        (
            "{\"when\": {}, \"decision\": \"deny\"}",
            "{\"when\": {}, \"decision\": \"allow\"}",
        ),
    ];
    small_world(&edits, wasm)
}

/// The same, with a route from the schema of a single arm.
fn world_of_arms(wasm: &[u8]) -> World {
    let keyed = "\"module_kind\": \"reducer\", \"key_schema\": \"t/Text@1\",";
    let edits = [
        ("\"module_kind\": \"reducer\",", keyed),
        (
            "{\"event\": \"t/Event@1\", \"reducer\": \"t/Machine@1\"}]",
            "{\"event\": \"t/Start@1\", \"reducer\": \"t/Machine@1\", \"key_field\": \"id\"}]",
        ),
        (
            "{\"when\": {}, \"decision\": \"deny\"}",
            "{\"when\": {}, \"decision\": \"allow\"}",
        ),
    ];
    small_world(&edits, wasm)
}

fn event(id: &str) -> String {
    format!(r#"{{"inject":"t/Event@1","value":{{"start":{{"id":"{id}","n":"1"}}}}}}"#)
}

/// Of each step: its key, and whether there was a state before and after.
fn steps(trace: &Trace) -> Vec<(Vec<u8>, bool, bool)> {
    let step = |step: &sim::trace::Step| {
        let key = step
            .key
            .map_or(Vec::new(), |span| trace.bytes(span).to_vec());
        (key, step.before.is_some(), step.after.is_some())
    };
    trace.steps.iter().map(step).collect()
}

const A: &[u8] = &[0xd9, 0xd9, 0xf7, 0x61, b'a'];
const B: &[u8] = &[0xd9, 0xd9, 0xf7, 0x61, b'b'];

fn cells_are_apart() {
    let schedule = [event("a"), event("b"), event("a")].join(",");
    let (trace, checked) = follow(&world(&constant_reducer()), "", &schedule);
    assert_eq!(checked.violations, []);
    let expected = [(A, false, true), (B, false, true), (A, true, true)];
    assert_eq!(
        steps(&trace),
        expected.map(|(key, before, after)| (key.to_vec(), before, after))
    );
}

/// The state that there was, if any, is gone with it.
fn null_deletes_the_cell() {
    // Answers `{state: {count: 1}}` and `{state: null}` by turns.
    let text = r#"(module (memory (export "memory") 1) (global $odd (mut i32) (i32.const 0))
        (data (i32.const 64) "\a1\65state\48\a1\65count\01")
        (data (i32.const 96) "\a1\65state\f6")
        (func (export "alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "step") (param i32 i32) (result i32 i32)
            (global.set $odd (i32.xor (global.get $odd) (i32.const 1)))
            (if (result i32 i32) (global.get $odd)
                (then (i32.const 64) (i32.const 16))
                (else (i32.const 96) (i32.const 8)))))"#;
    let wasm = wat::parse_str(text).expect("the fixture is well-formed");
    let schedule = [event("a"), event("a"), event("a")].join(",");
    let (trace, checked) = follow(&world(&wasm), "", &schedule);
    assert_eq!(checked.violations, []);
    let expected = [(false, true), (true, false), (false, true)];
    let expected = expected.map(|(before, after)| (A.to_vec(), before, after));
    assert_eq!(steps(&trace), expected);
}

/// A reducer that asks for the same timer at every event, whatever its cell.
fn asking() -> Vec<u8> {
    let params = b"\xa2\x63key\xf6\x6ddeliver_at_ns\x05";
    let mut output = b"\xa2\x65state\x48\xa1\x65count\x01\x67effects\x81\xa2".to_vec();
    output.extend_from_slice(b"\x64kind\x69timer.set\x6bparams_cbor\x55");
    output.extend_from_slice(params);
    super::reducer_answering(&output)
}

/// Two cells ask for timers that are equal to the byte: each gets its own receipt, in any order.
fn receipts_find_their_cell() {
    let world = world(&asking());
    let fire = |nth: u32| format!(r#"{{"fire":"timer","nth":{nth}}}"#);
    for (first, second, expected) in [(1, 1, [A, B]), (2, 1, [B, A])] {
        let schedule = [event("a"), event("b"), fire(first), fire(second)].join(",");
        let (trace, checked) = follow(&world, "", &schedule);
        assert_eq!(checked.violations, []);
        let keys: Vec<Vec<u8>> = steps(&trace).into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, [A, B, expected[0], expected[1]]);
    }
}

/// A receipt is of the reducer's own event schema, whatever is routed to it.
fn receipts_find_their_cell_by_arms() {
    let start = |id: &str| format!(r#"{{"inject":"t/Start@1","value":{{"id":"{id}","n":"1"}}}}"#);
    let fire = r#"{"fire":"timer","nth":2}"#.to_owned();
    let schedule = [start("a"), start("b"), fire].join(",");
    let (trace, checked) = follow(&world_of_arms(&asking()), "", &schedule);
    assert_eq!(checked.violations, []);
    let keys: Vec<Vec<u8>> = steps(&trace).into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, [A, B, B]);
}

/// A receipt that nobody sent says which cell it is for, and is not judged to lack a key.
fn forged_receipts_name_a_cell() {
    let timer = r#"{"inject":"t/Event@1","cell":"b","value":{"timer":{"intent_hash":
        "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "reducer":"t/Machine@1","effect_kind":"timer.set","adapter_id":"x","status":"ok",
        "requested":{"deliver_at_ns":1,"key":null},"receipt":{"delivered_at_ns":1,"key":null},
        "cost_cents":null,"signature":""}}}"#;
    let (trace, checked) = follow(&world(&constant_reducer()), "", timer);
    assert_eq!(checked.violations, []);
    assert_eq!(steps(&trace)[0].0, B);
}

/// What is open, and whose it is, comes back from the journal and from a snapshot.
fn receipts_survive_crashes() {
    let world = world(&asking());
    for recover in ["journal", "snapshot"] {
        let crash = format!(r#""crash":"before_dispatch","recover":"{recover}""#);
        let schedule = [
            event("a"),
            r#"{"snapshot":"kernel"}"#.to_owned(),
            event("b").replace("\"inject\"", &format!("{crash},\"inject\"")),
            r#"{"fire":"timer","nth":2}"#.to_owned(),
            r#"{"fire":"timer"}"#.to_owned(),
        ]
        .join(",");
        let (trace, checked) = follow(&world, "", &schedule);
        assert_eq!(checked.violations, [], "{recover}");
        let keys: Vec<Vec<u8>> = steps(&trace).into_iter().map(|(key, ..)| key).collect();
        // The timer of the first cell is asked for again, and so is there twice.
        assert!(keys[2..].contains(&A.to_vec()), "{recover}: {keys:?}");
    }
}

/// The arm `timer` has no `id`: the event reaches no cell, and that is told.
fn event_without_a_key() {
    let timer = r#"{"inject":"t/Event@1","value":{"timer":{"intent_hash":
        "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "reducer":"t/Machine@1","effect_kind":"timer.set","adapter_id":"x","status":"ok",
        "requested":{"deliver_at_ns":1,"key":null},"receipt":{"delivered_at_ns":1,"key":null},
        "cost_cents":null,"signature":""}}}"#;
    let (_, checked) = follow(&world(&constant_reducer()), "", timer);
    let violation = checked.violations.first().expect("it is told");
    assert_eq!(
        (violation.name(), violation.expected.as_str()),
        ("conforms", "a key in the event")
    );
}
