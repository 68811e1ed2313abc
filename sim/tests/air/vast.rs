//! Small documents whose types are vast: refs that multiply what they lead to. Types without a
//! value of bearable size are refused where they begin to be so; of all others values are drawn,
//! within a bound.

use std::fmt::Write;

use libtest_mimic::Trial;
use sim::air::{self, Air, MOST_NODES, Source, Value};
use sim::model::sample;
use sim::random::{Component, Seed, Stream};

use super::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("vast::refused", refused),
        trial("vast::a_state_without_tags", state),
        trial("vast::drawn_within_bounds", drawn),
    ]
}

/// A world whose event is `t/B0@1`: `depth` schemas, each made of the next, then `leaf`.
fn world(depth: usize, each: impl Fn(&str) -> String, leaf: &str, state: &str) -> Source {
    let mut schemas = String::new();
    let mut names = String::new();
    for level in 0..=depth {
        let next = format!("{{\"ref\": \"t/B{}@1\"}}", level + 1);
        let ty = if level < depth {
            each(&next)
        } else {
            leaf.to_owned()
        };
        let _ = write!(
            schemas,
            "{{\"$kind\": \"defschema\", \"name\": \"t/B{level}@1\", \"type\": {ty}}},"
        );
        let _ = write!(names, "{{\"name\": \"t/B{level}@1\"}},");
    }
    let text = format!(
        r#"[{schemas}
        {{"$kind": "defschema", "name": "t/S@1", "type": {state}}},
        {{"$kind": "defmodule", "name": "t/M@1", "module_kind": "reducer",
          "abi": {{"reducer": {{"state": "t/S@1", "event": "t/B0@1", "effects_emitted": [],
                              "cap_slots": {{}}}}}}}},
        {{"$kind": "manifest", "air_version": "1", "schemas": [{names} {{"name": "t/S@1"}}],
          "modules": [{{"name": "t/M@1"}}], "plans": [], "effects": [], "caps": [], "policies": [],
          "routing": {{"events": [{{"event": "t/B0@1", "reducer": "t/M@1"}}]}}}}]"#
    );
    Source {
        file: "vast.air.json".to_owned(),
        text,
    }
}

fn record(width: usize, of: &str) -> String {
    let fields = (0..width).map(|field| format!("\"f{field}\": {of}"));
    format!(
        "{{\"record\": {{{}}}}}",
        fields.collect::<Vec<_>>().join(", ")
    )
}

const TEXT: &str = r#"{"text": {}}"#;
const BYTES: &str = r#"{"bytes": {}}"#;

fn refused() {
    let sources = [
        world(28, |next| record(2, next), TEXT, TEXT),
        world(28, |next| record(8, next), TEXT, TEXT),
        world(3, |next| record(200, next), TEXT, TEXT),
        world(12, |next| record(2, next), r#"{"unit": {}}"#, TEXT),
        // No arm is small.
        world(
            13,
            |next| {
                let pair = record(2, next);
                record(
                    1,
                    &format!(r#"{{"variant": {{"a": {pair}, "b": {pair}}}}}"#),
                )
            },
            TEXT,
            TEXT,
        ),
        // One arm is, and the other could never be drawn.
        world(
            1,
            |next| {
                let vast = record(90, &record(90, next));
                format!(r#"{{"variant": {{"a": {{"unit": {{}}}}, "b": {vast}}}}}"#)
            },
            TEXT,
            TEXT,
        ),
        // Neither could what an option holds.
        world(
            1,
            |next| {
                let vast = record(90, &record(90, next));
                record(1, &format!(r#"{{"option": {vast}}}"#))
            },
            TEXT,
            TEXT,
        ),
    ];
    for source in sources {
        let error = air::load(&[source]).expect_err("it is vast");
        assert_eq!(error.list.len(), 1, "{error}");
        let text = error.to_string();
        for part in [
            "a value of `t/B",
            &format!("has more than {MOST_NODES} fields and values at least"),
            "at vast.air.json:1:",
            "hint: refs multiply what they lead to",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

/// What a state may be is looked through for tags, and a vast one not to its end.
fn state() {
    // Options, so that each level has a small value.
    let each = |next: &str| record(100, &format!(r#"{{"option": {next}}}"#));
    let source = world(20, each, TEXT, r#"{"ref": "t/B0@1"}"#);
    let air = air::load(&[source]).expect("it has a small value");
    let wasm = wat::parse_str(
        r#"(module (memory (export "memory") 1)
            (func (export "alloc") (param i32) (result i32) (i32.const 0))
            (func (export "step") (param i32 i32) (result i32 i32)
                (i32.const 0) (i32.const 0)))"#,
    );
    let wasm = wasm.expect("it is well-formed");
    let limits = sim::host::Limits::default();
    let code = sim::host::Code::load(&wasm, limits, None).expect("it is a reducer");
    let world = sim::kernel::World::new(air, vec![code]);
    let properties = sim::model::Properties::of(&world, &*sim::models::of(&world));
    assert!(properties.count() < 1_000);
}

fn nodes(value: &Value) -> u64 {
    1 + match value {
        Value::List(items) => items.iter().map(nodes).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| nodes(value)).sum(),
        Value::Variant { value, .. } => nodes(value),
        _ => 0,
    }
}

fn drawn() {
    let option = |next: &str| record(9, &format!(r#"{{"option": {next}}}"#));
    let list = |next: &str| record(5, &format!(r#"{{"list": {next}}}"#));
    let map = |next: &str| {
        record(
            3,
            &format!(r#"{{"map": {{"key": {{"text": {{}}}}, "value": {next}}}}}"#),
        )
    };
    let variant = |next: &str| {
        let pair = record(2, next);
        record(
            1,
            &format!(r#"{{"variant": {{"a": {pair}, "b": {pair}, "z": {{"unit": {{}}}}}}}}"#),
        )
    };
    let sources = [
        world(7, |next| record(3, next), TEXT, TEXT),
        world(7, |next| record(3, next), BYTES, TEXT),
        world(20, option, BYTES, TEXT),
        world(20, list, BYTES, TEXT),
        world(20, map, TEXT, TEXT),
        world(14, variant, TEXT, TEXT),
    ];
    for source in sources {
        let air: Air = air::load(&[source]).expect("it has small values");
        let schemas = &air.schemas;
        let event = schemas.find("t/B0@1").expect("it is there");
        let ty = schemas.ty(event);
        let plainest = sample::plainest(schemas, ty);
        assert!(nodes(&plainest) <= u64::from(MOST_NODES));
        let mut drawn = Vec::new();
        for seed in 0..20 {
            let mut stream = Stream::new(Seed(seed), Component::Samples);
            let value = sample::arbitrary(schemas, ty, &mut stream);
            assert!(nodes(&value) <= u64::from(MOST_NODES), "{}", nodes(&value));
            let bytes = schemas.encode(event, &value).expect("it fits");
            // So many nodes with their keys, and so many bytes of texts.
            assert!(bytes.len() < 64 * MOST_NODES as usize, "{}", bytes.len());
            drawn.push(bytes);
        }
        drawn.dedup();
        assert!(drawn.len() > 1, "they differ");
    }
}
