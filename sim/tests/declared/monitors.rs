//! Properties that are reducers themselves: what they see, what they may say, and where it counts.

use std::fs;
use std::sync::OnceLock;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::air::cbor::{
    ARRAY, MAP, NULL, TAG_KEY, VALUE_KEY, write_bytes, write_head, write_nat, write_text,
};

use super::{CLIENTS, LEASES, count, leases, leases_of, trial, violation};
use crate::cli::{Place, Said};
use crate::examples::wasm_of;
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("monitors", "what_they_see", what_they_see),
        trial("monitors", "everywhere", everywhere),
        trial("monitors", "what_they_may_not_say", what_they_may_not_say),
        trial("monitors", "that_say_nothing", that_say_nothing),
        trial(
            "monitors",
            "that_remember_elsewhere",
            that_remember_elsewhere,
        ),
        trial("monitors", "refusals", refusals),
    ]
}

/// Counts steps; the third is one too many.
fn counting() -> &'static [u8] {
    static WASM: OnceLock<Vec<u8>> = OnceLock::new();
    WASM.get_or_init(|| {
        let source = root("sim/tests/fixtures/counting_monitor.rs");
        wasm_of(&fs::read_to_string(source).expect("it is there"))
    })
}

const MONITOR: &str = "\n[monitors.m]\nwasm = \"m.wasm\"\n";

/// The world of leases with a monitor.
fn watched(wasm: &[u8], more: &str) -> Place {
    let place = leases(&format!("{MONITOR}{more}"));
    place.write("w/m.wasm", wasm);
    place
}

fn run(place: &Place) -> Said {
    place.sim("run --world w --case-dir found --seeds 0..100")
}

fn what_they_see() {
    let place = watched(counting(), "reaches = [\"second\", \"rest\", \"never\"]\n");
    let said = run(&place);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(count(&said.out, "m judged") > 90, "{}", said.out);
    assert!(count(&said.out, "m: second") > 10, "{}", said.out);
    assert!(count(&said.out, "m: rest") > 0, "{}", said.out);
    assert_eq!(count(&said.out, "m: never"), 0, "{}", said.out);
    expect![[r#"
          m at turn 2: the monitor m finds nothing wrong
            expected two steps at most
            found    3
    "#]]
    .assert_eq(&violation(&said.out));
}

/// A run, a replay, the explorer and the shrinker judge by it, and a case knows it.
fn everywhere() {
    let place = watched(counting(), "reaches = [\"second\", \"rest\"]\n");
    let explored = place.sim("explore --world w --case-dir found --requests 3 --duplicates 0");
    assert_eq!(explored.code, 1, "{}{}", explored.out, explored.err);
    let found: Vec<_> = fs::read_dir(place.path("found"))
        .expect("a case was written")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    assert_eq!(
        found.len(),
        1,
        "one failure, by what was expected: {found:?}"
    );
    let case = fs::read_to_string(&found[0]).expect("it can be read");
    assert!(case.contains("\"monitors\":{\"m\":\"sha256:") || case.contains("\"m\": \"sha256:"));
    let name = found[0]
        .file_name()
        .expect("it has a name")
        .to_string_lossy();
    let replayed = place.sim(&format!("replay --world w found/{name}"));
    assert_eq!(replayed.code, 1, "{}", replayed.out);
    assert!(replayed.out.contains("found    3"), "{}", replayed.out);
    // Fewer steps would not fail.
    let decisions = replayed.out.matches("start ").count();
    assert_eq!(decisions, 3, "{}", replayed.out);
    place.write("w/m.wasm", constant(&said(&[verdict("holds", None)])));
    let other = place.sim(&format!("replay --world w found/{name}"));
    assert!(
        other.out.contains("the monitor m was sha256:"),
        "{}",
        other.out
    );
    assert!(
        other
            .out
            .contains("when the case was written, it violated m"),
        "{}",
        other.out
    );
}

/// A monitor that gives the same envelope whatever it is given.
fn constant(envelope: &[u8]) -> Vec<u8> {
    by_turns(envelope, envelope, u32::MAX)
}

/// One that gives another envelope after so many calls.
fn by_turns(first: &[u8], then: &[u8], calls: u32) -> Vec<u8> {
    let data = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let (one, other): (String, String) = (data(first), data(then));
    let start = 1024 + first.len();
    let (first, then) = (first.len(), then.len());
    let text = format!(
        r#"(module
          (memory (export "memory") 8)
          (global $calls (mut i32) (i32.const 0))
          (data (i32.const 1024) "{one}{other}")
          (func (export "alloc") (param i32) (result i32) (i32.const 262144))
          (func (export "step") (param i32 i32) (result i32 i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (result i32 i32) (i32.gt_u (global.get $calls) (i32.const {calls}))
              (then (i32.const {start}) (i32.const {then}))
              (else (i32.const 1024) (i32.const {first})))))"#
    );
    wat::parse_str(text).expect("it is a module")
}

/// An output envelope with these events.
fn said(events: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    write_head(&mut out, MAP, 2);
    write_text(&mut out, "state");
    out.push(NULL);
    write_text(&mut out, "domain_events");
    write_head(&mut out, ARRAY, events.len() as u64);
    for (schema, value) in events {
        write_head(&mut out, MAP, 2);
        write_text(&mut out, "schema");
        write_text(&mut out, schema);
        write_text(&mut out, "value");
        write_bytes(&mut out, value);
    }
    out
}

/// A verdict with a text, if it has one.
fn verdict(tag: &str, text: Option<&str>) -> (&'static str, Vec<u8>) {
    let mut out = Vec::new();
    write_head(&mut out, MAP, 1 + u64::from(text.is_some()));
    out.extend_from_slice(TAG_KEY);
    write_text(&mut out, tag);
    if let Some(text) = text {
        out.extend_from_slice(VALUE_KEY);
        write_text(&mut out, text);
    }
    ("sim/Verdict@1", out)
}

/// An output envelope that asks for a timer.
fn asking() -> Vec<u8> {
    let mut out = Vec::new();
    write_head(&mut out, MAP, 2);
    write_text(&mut out, "state");
    out.push(NULL);
    write_text(&mut out, "effects");
    write_head(&mut out, ARRAY, 1);
    write_head(&mut out, MAP, 2);
    write_text(&mut out, "kind");
    write_text(&mut out, "timer.set");
    write_text(&mut out, "params_cbor");
    write_bytes(&mut out, b"\xa0");
    out
}

/// An output envelope with a large state.
fn large() -> Vec<u8> {
    let mut out = Vec::new();
    write_head(&mut out, MAP, 1);
    write_text(&mut out, "state");
    write_bytes(&mut out, &[0; 70_000]);
    out
}

fn what_they_may_not_say() {
    let mut number = Vec::new();
    write_nat(&mut number, 7);
    let envelopes = [
        asking(),
        large(),
        said(&[("demo/Other@1", number.clone())]),
        said(&[("sim/Verdict@1", number)]),
        said(&[("sim/Verdict@1", Vec::new())]),
        said(&[verdict("maybe", None)]),
        said(&[verdict("holds", Some("yes"))]),
        said(&[verdict("reached", None)]),
        said(&[verdict("reached", Some("elsewhere"))]),
        said(&[verdict("violated", Some("all of it"))]),
        b"\xff".to_vec(),
    ];
    let told: String = envelopes
        .iter()
        .map(|envelope| {
            let place = watched(&constant(envelope), "reaches = [\"here\"]\n");
            let said = run(&place);
            assert_eq!(said.code, 1, "{}{}", said.out, said.err);
            violation(&said.out)
        })
        .collect();
    expect![[r#"
        m at turn 0: the monitor m finds nothing wrong
          expected a monitor asks for nothing
          found    `timer.set`
        m at turn 0: the monitor m finds nothing wrong
          expected a monitor's state of at most 65536 bytes
          found    70000 bytes
        m at turn 0: the monitor m finds nothing wrong
          expected an event of the schema `sim/Verdict@1`
          found    `demo/Other@1`
        m at turn 0: the monitor m finds nothing wrong
          expected a `sim/Verdict@1`: holds, violated with `expected` and `found`, or reached with a name
          found    unexpected type u8 at position 0: expected map
        m at turn 0: the monitor m finds nothing wrong
          expected a `sim/Verdict@1`: holds, violated with `expected` and `found`, or reached with a name
          found    end of input bytes
        m at turn 0: the monitor m finds nothing wrong
          expected a `sim/Verdict@1`: holds, violated with `expected` and `found`, or reached with a name
          found    another arm, or one without its value
        m at turn 0: the monitor m finds nothing wrong
          expected a `sim/Verdict@1`: holds, violated with `expected` and `found`, or reached with a name
          found    unexpected type string at position 0: expected map
        m at turn 0: the monitor m finds nothing wrong
          expected a `sim/Verdict@1`: holds, violated with `expected` and `found`, or reached with a name
          found    another arm, or one without its value
        m at turn 0: the monitor m finds nothing wrong
          expected a name that `reaches` of the monitor lists
          found    `elsewhere`
        m at turn 0: the monitor m finds nothing wrong
          expected a `sim/Verdict@1`: holds, violated with `expected` and `found`, or reached with a name
          found    unexpected type string at position 0: expected map
        m at turn 0: the monitor m finds nothing wrong
          expected the monitor judges
          found    output envelope, at its top (byte 0): expected a map, found a break
    "#]].assert_eq(&told);
}

fn that_say_nothing() {
    let place = watched(&constant(&said(&[])), "");
    let said = run(&place);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("m judged"), "{}", said.out);
    let place = watched(&constant(&said_holds()), "reaches = [\"here\"]\n");
    let said = run(&place);
    assert_eq!(said.code, 5, "{}{}", said.out, said.err);
    assert!(said.out.contains("m: here"), "{}", said.out);
}

fn said_holds() -> Vec<u8> {
    said(&[verdict("holds", None)])
}

/// What it says is not decided by its state and the turn.
fn that_remember_elsewhere() {
    let place = watched(&by_turns(&said(&[]), &said_holds(), 40), "");
    let said = run(&place);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("a fresh instance gave another answer"),
        "{}",
        said.out
    );
}

fn refusals() {
    let told = |more: &str, wasm: Option<&[u8]>, command: &str| {
        let place = leases_of(&format!("{LEASES}{CLIENTS}{more}"));
        if let Some(wasm) = wasm {
            place.write("w/m.wasm", wasm);
        }
        let said = place.sim(command);
        assert_eq!(said.code, 2, "{}{}", said.out, said.err);
        said.err
    };
    let check = |more: &str| told(more, None, "check w");
    let run = |wasm: Option<&[u8]>| told(MONITOR, wasm, "run --world w");
    let both = "\n[monitors.m]\nwasm = \"m.wasm\"\npackage = \"m\"\n";
    let taken = "\n[properties.m]\nalways = \"true\"\n";
    let all = [
        check("\n[monitors.m]\nsays = \"x\"\n"),
        check(both),
        check(&format!("{MONITOR}{taken}")),
        check("\n[monitors.pure]\nwasm = \"m.wasm\"\n"),
        check(&format!("{MONITOR}reaches = [\"a\", \"a\"]\n")),
        check(&format!("{MONITOR}reach = []\n")),
        run(None),
        run(Some(b"no wasm")),
        run(Some(b"\0asm\x01\0\0\0")),
    ];
    expect![[r#"
        error: `m` needs a `wasm` or a `package`, one of them
          at w/sim.toml:37:1
        error: `m` needs a `wasm` or a `package`, one of them
          at w/sim.toml:37:1
        error: `m` is there twice
          at w/sim.toml:37:1
          hint: properties, monitors and assertions share their names
        1 error
        error: `pure` is what any world must hold
          at w/sim.toml:37:1
          hint: call it otherwise: reports would speak of two things by one name
        1 error
        error: `a` is there twice
          at w/sim.toml:39:17
        1 error
        error: unknown key: `reach`
          at w/sim.toml:39:1
          expected: one of features, package, reaches, says, wasm
        error: no w/m.wasm: w/sim.toml says that `m` is there
        hint: build it first, as the README of the world says
        error: the monitor `m`, w/m.wasm
          1: not a valid core wasm module: expected it to begin with `\0asm`; text format must be assembled first
        error: the monitor `m`, w/m.wasm
          1: export `memory` is missing: expected a memory
    "#]].assert_eq(&all.concat());
}
