//! Enforcers of a world's own: what they are given, what their answers mean, and that a module
//! that fails denies in the same words every time.

use std::fmt::Write;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::air::{Air, load};
use sim::host::{Limits, PureCode};
use sim::kernel::{Kernel, World};
use sim::trace::Recovery;

use super::{constant_reducer, edited, follow, journal, trial};
use crate::support::code;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("enforcers", "are_asked", are_asked),
        trial("enforcers", "are_given", are_given),
        trial("enforcers", "failures_deny", failures_deny),
        trial("enforcers", "replays_are_the_same", replays_are_the_same),
        trial("enforcers", "built_in", built_in),
    ]
}

const GRANT: &str =
    "\"cap\": \"sys/http.out@1\", \"params\": {\"hosts\": [\"h\"]}, \"expiry_ns\": 9";

/// The base world with a cap whose enforcer is the module `t/Guard@1`.
fn guarded(context: &str) -> Air {
    let module = format!(
        "{{\"$kind\": \"defmodule\", \"name\": \"t/Guard@1\", \"module_kind\": \"pure\", \"abi\":
          {{\"pure\": {{{context} \"input\": \"sys/CapCheckInput@1\",
           \"output\": \"sys/CapCheckOutput@1\"}}}}}},
         {{\"$kind\": \"defcap\", \"name\": \"t/guard@1\", \"cap_type\": \"http.out\", \"schema\":
          {{\"record\": {{\"level\": {{\"nat\": {{}}}}}}}}, \"enforcer\": {{\"module\": \"t/Guard@1\"}}}},
         {{\"$kind\": \"defsecret\""
    );
    let edits = [
        ("{\"$kind\": \"defsecret\"", module.as_str()),
        (
            GRANT,
            "\"cap\": \"t/guard@1\", \"params\": {\"record\": {\"level\": {\"nat\": 3}}}",
        ),
        (
            "{\"name\": \"sys/http.out@1\"}",
            "{\"name\": \"t/guard@1\"}",
        ),
        (
            "[{\"name\": \"t/Machine@1\"}]",
            "[{\"name\": \"t/Machine@1\"}, {\"name\": \"t/Guard@1\"}]",
        ),
    ];
    load(&edited(&edits)).unwrap_or_else(|error| panic!("{error}"))
}

fn world(context: &str, guard: &str) -> World {
    let guard = wat::parse_str(guard).expect("the fixture is well-formed");
    let limits = Limits {
        fuel_per_step: 100_000,
        ..Limits::default()
    };
    let guard = PureCode::load(&guard, limits, None).unwrap_or_else(|error| panic!("{error}"));
    World::with_enforcers(
        guarded(context),
        vec![code(&constant_reducer())],
        vec![guard],
    )
}

/// A world whose enforcer declares a context.
pub fn with_context() -> World {
    world("\"context\": \"sys/PureContext@1\",", &run("(call $yes)"))
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// An envelope with an answer in it.
fn answer(text: &str) -> Vec<u8> {
    let json: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    let answer = sim::air::canonical_cbor(&json);
    [b"\xa1\x66output\x58", &[answer.len() as u8][..], &answer].concat()
}

const YES: &str = r#"{"constraints_ok": true}"#;
const NO: &str = r#"{"constraints_ok": false, "deny": {"code": "far", "message": "too far"}}"#;

/// A module with this body of `run`, which may answer yes or no.
fn guard(body: &str) -> String {
    let (yes, no) = (answer(YES), answer(NO));
    format!(
        r#"(module (memory (export "memory") 1)
            (data (i32.const 64) "{}") (data (i32.const 512) "{}")
            (func (export "alloc") (param i32) (result i32) (i32.const 8192))
            (func $yes (result i32 i32) (i32.const 64) (i32.const {}))
            (func $no (result i32 i32) (i32.const 512) (i32.const {}))
            {body})"#,
        escaped(&yes),
        escaped(&no),
        yes.len(),
        no.len()
    )
}

fn run(body: &str) -> String {
    guard(&format!(
        "(func (export \"run\") (param $input i32) (param $length i32) (result i32 i32) {body})"
    ))
}

/// A module that answers yes if these bytes are somewhere in its input.
fn seeker(bytes: &[u8]) -> String {
    let length = bytes.len();
    let body = format!(
        r#"(local $at i32) (local $of i32)
        (block $none (loop $next
          (br_if $none (i32.gt_u (i32.add (local.get $at) (i32.const {length}))
            (local.get $length)))
          (local.set $of (i32.const 0))
          (block $other (loop $byte
            (if (i32.eq (local.get $of) (i32.const {length})) (then (return (call $yes))))
            (br_if $other (i32.ne
              (i32.load8_u (i32.add (local.get $input)
                (i32.add (local.get $at) (local.get $of))))
              (i32.load8_u offset=1024 (local.get $of))))
            (local.set $of (i32.add (local.get $of) (i32.const 1)))
            (br $byte)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))
        (call $no)"#
    );
    let data = format!("(data (i32.const 1024) \"{}\")", escaped(bytes));
    run(&body).replacen(
        "(func (export \"alloc\")",
        &(data + " (func (export \"alloc\")"),
        1,
    )
}

const ASK: &str = r#"{"name":"a","schema":"t/Start@1","value":{"id":"a","n":"1"}}"#;

/// What the journal says once the plan has asked, at 7 ns.
fn said(world: &World) -> String {
    let schedule = r#"{"advance":"clock","at_ns":7},{"start":"a"},{"step":"Ask"},{"step":"Ask"}"#;
    let (trace, _) = follow(world, ASK, schedule);
    let journal = journal(&world.air, &trace);
    let line = journal
        .lines()
        .find(|line| line.starts_with("cap_decision"));
    let is_sent = journal.contains("effect_intent");
    format!("{}, sent: {is_sent}", line.unwrap_or_default())
}

fn are_asked() {
    let mut found = String::new();
    for body in ["(call $yes)", "(call $no)"] {
        let _ = writeln!(found, "{body}: {}", said(&world("", &run(body))));
    }
    // The other form of the ABI: pointer and length are written where it is told.
    let modern = guard(
        r#"(func (export "run") (param $ret i32) (param i32 i32) (local $pointer i32)
             (local $length i32)
             (call $no) (local.set $length) (local.set $pointer)
             (i32.store (local.get $ret) (local.get $pointer))
             (i32.store offset=4 (local.get $ret) (local.get $length)))"#,
    );
    let _ = writeln!(found, "in the other form: {}", said(&world("", &modern)));
    expect![[r#"
        (call $yes): cap_decision allow, sent: true
        (call $no): cap_decision the enforcer refuses it: far: too far, sent: false
        in the other form: cap_decision the enforcer refuses it: far: too far, sent: false
    "#]]
    .assert_eq(&found);
}

/// Each field of `sys/CapCheckInput@1`, and the context if it is declared.
fn are_given() {
    let with_context = "\"context\": \"sys/PureContext@1\",";
    let params: &[u8] = b"\xd9\xd9\xf7\xa4\x63url\x6bhttps://h/a\x66method\x63GET";
    for (context, bytes) in [
        ("", &b"\x67cap_def\x69t/guard@1"[..]),
        ("", b"\x6agrant_name\x64http"),
        ("", b"\x6acap_params\x4b\xd9\xd9\xf7\xa1\x65level\x03"),
        ("", b"\x6beffect_kind\x6chttp.request"),
        ("", params),
        ("", b"\x66origin\xa2\x64kind\x64plan\x64name\x67t/Ask@1"),
        ("", b"\x6elogical_now_ns\x07"),
        ("", b"\xa2\x65input\x58"),
        ("", b"\x67version\x01"),
        (with_context, b"\xa3\x63ctx\x58"),
        (with_context, b"\x66module\x69t/Guard@1"),
        (with_context, b"\x6ejournal_height\x04"),
    ] {
        let said = said(&world(context, &seeker(bytes)));
        assert_eq!(
            said,
            "cap_decision allow, sent: true",
            "{}",
            bytes.escape_ascii()
        );
    }
    let said = said(&world("", &seeker(b"\x63ctx")));
    assert!(
        said.ends_with("sent: false"),
        "a context that is not declared: {said}"
    );
}

fn failures_deny() {
    let mut found = String::new();
    let data = |bytes: &[u8]| {
        let data = format!("(data (i32.const 2048) \"{}\")", escaped(bytes));
        let body = format!("(i32.const 2048) (i32.const {})", bytes.len());
        run(&body).replacen(
            "(func (export \"alloc\")",
            &(data + " (func (export \"alloc\")"),
            1,
        )
    };
    for (what, module) in [
        ("a trap", run("unreachable")),
        ("no end", run("(loop $on (br $on)) (call $yes)")),
        ("no envelope", data(b"\x01")),
        ("another envelope", data(b"\xa1\x65state\xf6")),
        ("bytes that are no answer", data(b"\xa1\x66output\x41\x01")),
        (
            "an answer of no schema",
            data(&answer(r#"{"constraints_ok": 1}"#)),
        ),
        ("no reason", data(&answer(r#"{"constraints_ok": false}"#))),
        (
            "an order to the terminal",
            data(&answer(
                r#"{"constraints_ok": false, "deny": {"code": "\u001b[2J", "message": "\n"}}"#,
            )),
        ),
        ("outside its memory", run("(i32.const -1) (i32.const 9)")),
    ] {
        let world = world("", &module);
        let once = said(&world);
        assert_eq!(said(&world), once);
        let _ = writeln!(found, "{what}: {once}");
    }
    expect![[r#"
        a trap: cap_decision the enforcer refuses it: it trapped: wasm `unreachable` instruction executed; in run, sent: false
        no end: cap_decision the enforcer refuses it: it used up its 100000 units of fuel; in run, sent: false
        no envelope: cap_decision the enforcer refuses it: its answer is wrong: output envelope, at its top (byte 0): expected a map, found an unsigned integer, sent: false
        another envelope: cap_decision the enforcer refuses it: its answer is wrong: output envelope, at its top (byte 1): expected one of `output`, found `state`, sent: false
        bytes that are no answer: cap_decision the enforcer refuses it: its answer is wrong: at the top: expected a record, found a number, sent: false
        an answer of no schema: cap_decision the enforcer refuses it: its answer is wrong: at `/constraints_ok`: expected a bool, found a number, sent: false
        no reason: cap_decision the enforcer refuses it: it gives no reason, sent: false
        an order to the terminal: cap_decision the enforcer refuses it: \u{1b}[2J: \n, sent: false
        outside its memory: cap_decision the enforcer refuses it: output at 0xffffffff, 9 bytes long, lies outside the memory of 65536 bytes, sent: false
    "#]].assert_eq(&found);
}

/// A module that keeps something in its memory answers each time as if it were the first.
fn replays_are_the_same() {
    let body = "(if (result i32 i32) (i32.load (i32.const 4096))
        (then (call $no))
        (else (i32.store (i32.const 4096) (i32.const 1)) (call $yes)))";
    let world = world("\"context\": \"sys/PureContext@1\",", &run(body));
    let again = ASK.replace("\"name\":\"a\"", "\"name\":\"b\"");
    let schedule = r#"{"start":"a"},{"step":"Ask"},{"step":"Ask"},{"snapshot":"kernel"},
        {"start":"b"},{"step":"Ask","nth":2},{"step":"Ask","nth":2}"#;
    let (trace, checked) = follow(&world, &format!("{ASK},{again}"), schedule);
    assert_eq!(checked.violations, []);
    let intents: Vec<bool> = trace.intents.iter().map(|intent| intent.allowed).collect();
    assert_eq!(intents, [true, true]);
    for recovery in Recovery::ALL {
        let mut kernel = Kernel::new(&world).expect("the reducer can be run");
        let mut rebuilt = trace.clone();
        assert_eq!(kernel.recover(&mut rebuilt, recovery, false), Ok(()));
    }
}

/// A cap of one's own may name the built-in enforcer, which knows the allow-lists.
fn built_in() {
    let lists = "{\"record\": {\"hosts\": {\"option\": {\"set\": {\"text\": {}}}}}}";
    let cap = |enforcer: &str| {
        format!(
            "{{\"$kind\": \"defcap\", \"name\": \"t/http@1\", \"cap_type\": \"http.out\", \
             \"schema\": {lists}, \"enforcer\": {{\"module\": \"{enforcer}\"}}}},
             {{\"$kind\": \"defsecret\""
        )
    };
    for (enforcer, host, expected) in [
        (
            "sys/CapEnforceHttpOut@1",
            "H",
            "cap_decision allow, sent: true",
        ),
        (
            "sys/CapEnforceHttpOut@1",
            "other",
            "cap_decision the grant does not cover these parameters, sent: false",
        ),
        (
            "sys/CapAllowAll@1",
            "other",
            "cap_decision allow, sent: true",
        ),
    ] {
        let grant = format!("\"cap\": \"t/http@1\", \"params\": {{\"hosts\": [\"{host}\"]}}");
        let cap = cap(enforcer);
        let edits = [
            ("{\"$kind\": \"defsecret\"", cap.as_str()),
            (GRANT, &grant),
            ("{\"name\": \"sys/http.out@1\"}", "{\"name\": \"t/http@1\"}"),
        ];
        let world = super::small_world(&edits, &constant_reducer());
        assert_eq!(said(&world), expected, "{enforcer}");
    }
}
