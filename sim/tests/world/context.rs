//! The context that a reducer gets if its module asks for one, and that a replay gives it again.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::kernel::{Kernel, World};
use sim::trace::Recovery;
use sim::trace::Trace;

use super::{follow, small_world, trial};

pub fn trials() -> Vec<Trial> {
    vec![trial(
        "context",
        "tells_the_run_so_far",
        tells_the_run_so_far,
    )]
}

/// A reducer whose state is, as bytes, the whole input of its last step.
fn mirror() -> Vec<u8> {
    let text = r#"(module (memory (export "memory") 1)
        (data (i32.const 40000) "\a1\65state\59..\59")
        (func (export "alloc") (param i32) (result i32) (i32.const 1024))
        (func $put (param $at i32) (param $number i32)
            (i32.store8 (local.get $at) (i32.shr_u (local.get $number) (i32.const 8)))
            (i32.store8 offset=1 (local.get $at) (local.get $number)))
        (func (export "step") (param $input i32) (param $length i32) (result i32 i32)
            (call $put (i32.const 40008) (i32.add (local.get $length) (i32.const 3)))
            (call $put (i32.const 40011) (local.get $length))
            (memory.copy (i32.const 40013) (local.get $input) (local.get $length))
            (i32.const 40000) (i32.add (local.get $length) (i32.const 13))))"#;
    wat::parse_str(text).expect("the fixture is well-formed")
}

/// A world whose reducer declares a context.
pub fn world() -> World {
    let edits = [
        (
            "\"state\": \"t/State@1\"",
            "\"context\": \"sys/ReducerContext@1\", \"state\": \"t/Bytes@1\"",
        ),
        (
            "{\"$kind\": \"defschema\", \"name\": \"t/Text@1\"",
            "{\"$kind\": \"defschema\", \"name\": \"t/Bytes@1\", \"type\": {\"bytes\": {}}},
             {\"$kind\": \"defschema\", \"name\": \"t/Text@1\"",
        ),
        (
            "{\"name\": \"t/Text@1\"}]",
            "{\"name\": \"t/Text@1\"}, {\"name\": \"t/Bytes@1\"}]",
        ),
    ];
    small_world(&edits, &mirror())
}

/// The field `ctx` of an input envelope.
fn context_of(envelope: &[u8]) -> Option<&[u8]> {
    let mut decoder = minicbor::Decoder::new(envelope);
    for _ in 0..decoder.map().ok()?? {
        match decoder.str().ok()? {
            "ctx" => return decoder.bytes().ok(),
            _ => decoder.skip().ok()?,
        }
    }
    None
}

/// The contexts of all steps, as JSON.
fn contexts(world: &World, trace: &Trace) -> Vec<serde_json::Value> {
    let schemas = &world.air.schemas;
    let schema = schemas
        .find("sys/ReducerContext@1")
        .expect("it is built in");
    let context = |step: &sim::trace::Step| {
        let state = trace.bytes(step.after.expect("there is a state"));
        let envelope = state
            .strip_prefix(&[0xd9, 0xd9, 0xf7])
            .expect("states are canonical");
        let envelope = minicbor::Decoder::new(envelope)
            .bytes()
            .expect("the state is bytes");
        let context = context_of(envelope).expect("a context was given");
        let value = schemas.decode(schema, context).expect("it fits its schema");
        schemas.value_to_json(schema, &value)
    };
    trace.steps.iter().map(context).collect()
}

fn tells_the_run_so_far() {
    let world = world();
    let event = r#"{"inject":"t/Event@1","value":{"answer":{"id":"a","ok":true}}}"#;
    let schedule = format!(r#"{event},{{"advance":"clock","at_ns":7}},{event}"#);
    let (trace, checked) = follow(&world, "", &schedule);
    assert_eq!(checked.violations, []);
    let mut contexts = contexts(&world, &trace);
    let hash = |name: &str| {
        contexts
            .iter()
            .map(|context| context[name].clone())
            .collect::<Vec<_>>()
    };
    let manifest = world.air.manifest_hash.to_string();
    assert_eq!(hash("manifest_hash"), [manifest.as_str(), &manifest]);
    assert_eq!(
        hash("event_hash")[0],
        hash("event_hash")[1],
        "the same event"
    );
    let entropy = hash("entropy");
    assert_ne!(entropy[0], entropy[1], "each step has its own");
    assert_eq!(
        entropy[0].as_str().map(str::len),
        Some(88),
        "64 bytes in base64"
    );
    for context in &mut contexts {
        for name in ["manifest_hash", "event_hash", "entropy"] {
            context
                .as_object_mut()
                .expect("it is a record")
                .remove(name);
        }
    }
    let lines: Vec<String> = contexts.iter().map(ToString::to_string).collect();
    expect![[r#"
        {"cell_mode":false,"journal_height":1,"key":null,"logical_now_ns":0,"now_ns":0,"reducer":"t/Machine@1"}
        {"cell_mode":false,"journal_height":2,"key":null,"logical_now_ns":7,"now_ns":7,"reducer":"t/Machine@1"}"#]].assert_eq(&lines.join("\n"));
    let mut kernel = Kernel::new(&world).expect("the reducer can be run");
    let mut rebuilt = trace.clone();
    let recovered = kernel.recover(&mut rebuilt, Recovery::Journal, false);
    assert_eq!(recovered, Ok(()));
    let reducer = world
        .air
        .reducer_ids()
        .next()
        .expect("the world has a reducer");
    let state = kernel.state(reducer, None).map(|span| rebuilt.bytes(span));
    let last = trace.steps.last().and_then(|step| step.after);
    assert_eq!(
        state,
        last.map(|span| trace.bytes(span)),
        "a replay gives the same context"
    );
}
