//! Bad input of every kind: exit code 2, an error that says where and what, and never a panic.
//!
//! What a reducer does wrong when it runs is no bad input but a finding: exit code 1.

use std::fmt::Write;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;

use super::{CASE, Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("bad_input", "arguments", arguments),
        trial("bad_input", "worlds", worlds),
        trial(
            "bad_input",
            "wasm_that_is_no_reducer",
            wasm_that_is_no_reducer,
        ),
        trial("bad_input", "wasm_that_misbehaves", wasm_that_misbehaves),
        trial(
            "bad_input",
            "pinned_to_another_wasm",
            pinned_to_another_wasm,
        ),
        trial("bad_input", "cases", cases),
        trial("bad_input", "control_characters", control_characters),
        trial("bad_input", "huge_and_deep_cases", huge_and_deep_cases),
    ]
}

/// Runs each command, all of which must end with exit code 2 and say nothing on standard output.
fn check(place: &Place, commands: &[&str], expected: &Expect) {
    let mut found = String::new();
    for command in commands {
        let said = place.sim(command);
        assert_eq!(
            (said.code, said.out.as_str()),
            (2, ""),
            "sim {command}: {}",
            said.err
        );
        let _ = writeln!(found, "$ sim {command}\n{}", said.err);
    }
    expected.assert_eq(&found);
}

fn arguments() {
    let place = Place::new();
    check(
        &place,
        &[
            "run --seeds 5",
            "run --seeds 9..3",
            "run --seed 12x",
            "run --seed 18446744073709551616",
            "run --seed 18446744073709551615",
            "run --jobs 0",
            "run --turns 0",
            "replay one.json two.json --step",
        ],
        &expect![[r#"
            $ sim run --seeds 5
            error: invalid value '5' for '--seeds <A..B>': expected A..B, two numbers such as 0..1000

            For more information, try '--help'.

            $ sim run --seeds 9..3
            error: invalid value '9..3' for '--seeds <A..B>': the range ends before it begins: 9 is above 3

            For more information, try '--help'.

            $ sim run --seed 12x
            error: invalid value '12x' for '--seed <SEED>': expected a seed: a number from 0 to 18446744073709551615, or 40 hex digits of a commit

            For more information, try '--help'.

            $ sim run --seed 18446744073709551616
            error: invalid value '18446744073709551616' for '--seed <SEED>': expected a seed: a number from 0 to 18446744073709551615, or 40 hex digits of a commit

            For more information, try '--help'.

            $ sim run --seed 18446744073709551615
            error: seed 18446744073709551615 is the end of the range

            $ sim run --jobs 0
            error: invalid value '0' for '--jobs <N>': 0 is not in 1..=1024

            For more information, try '--help'.

            $ sim run --turns 0
            error: invalid value '0' for '--turns <N>': 0 is not in 1..=100000

            For more information, try '--help'.

            $ sim replay one.json two.json --step
            error: `--html`, `--mermaid`, `--emit-regression` and `--step` are of one case, and several are given

        "#]],
    );
}

fn worlds() {
    let place = Place::new();
    place.write("empty/readme.txt", "");
    place.write("no-json/a.air.json", "{");
    place.write("not-text/a.air.json", [0xff, 0xfe]);
    check(
        &place,
        &[
            "run --world nowhere",
            "check nowhere",
            "check empty",
            "check no-json",
            "check not-text",
        ],
        &expect![[r#"
            $ sim run --world nowhere
            error: cannot read the world's folder nowhere
              1: No such file or directory (os error 2)

            $ sim check nowhere
            error: cannot read the world's folder nowhere
              1: No such file or directory (os error 2)

            $ sim check empty
            error: empty has no documents: expected files named `*.air.json`

            $ sim check no-json
            error: not JSON: EOF while parsing an object
              at no-json/a.air.json:1:1
            1 error

            $ sim check not-text
            error: cannot read not-text/a.air.json
              1: expected UTF-8 text, and byte 0 is not

        "#]],
    );
    let mut found = String::new();
    for (document, from, to) in [
        (
            "schemas",
            "\"req_id\": {\"text\": {}}",
            "\"req_id\": {\"txet\": {}}",
        ),
        ("module", "\"module_kind\"", "\"module_knid\""),
        ("policies", "defpolicy", "defpolcy"),
        (
            "manifest",
            "\"plan\": \"demo/WorkPlan@1\"",
            "\"plan\": \"demo/WorkPaln@1\"",
        ),
        (
            "plans",
            "\"edges\": [",
            "\"edges\": [{\"from\": \"finish\", \"to\": \"answer\"}, ",
        ),
        (
            "manifest",
            "{\"name\": \"demo/WorkOk@1\"}",
            "{\"name\": \"demo/WorkOk@1\", \"hash\": \"sha256:1111\"}",
        ),
    ] {
        let place = Place::new();
        place.world_with(document, from, to);
        let said = place.sim("run --world world --seeds 0..10");
        assert_eq!(said.code, 2, "{to}");
        let _ = writeln!(found, "# {to}\n{}", said.err);
    }
    expect![[r##"
        # "req_id": {"txet": {}}
        error: unknown type `txet`
          at world/schemas.air.json:7:20 (/0/type/record/req_id/txet)
          expected: one of bool, int, nat, dec128, bytes, text, time, duration, hash, uuid, unit, record, variant, list, set, map, option, ref

        # "module_knid"
        error: defmodule lacks the field `module_kind`
          at world/module.air.json:1:1
        defmodule has no field `module_knid`
          at world/module.air.json:4:3 (/module_knid)
          expected: one of name, module_kind, wasm_hash, key_schema, abi
          hint: did you mean `module_kind`?

        # defpolcy
        error: unknown policy: `demo/allow-all@1`
          at world/manifest.air.json:16:25 (/policies/0/name)
        unknown policy: `demo/allow-all@1`
          at world/manifest.air.json:18:15 (/defaults/policy)
        unknown `$kind`: the text `defpolcy`
          at world/policies.air.json:2:12 (/$kind)
          expected: one of defschema, defmodule, defplan, defcap, defeffect, defpolicy, defsecret, manifest
          hint: did you mean `defpolicy`?

        # "plan": "demo/WorkPaln@1"
        error: unknown plan: `demo/WorkPaln@1`
          at world/manifest.air.json:23:58 (/triggers/0/plan)
          hint: did you mean `demo/WorkPlan@1`?

        # "edges": [{"from": "finish", "to": "answer"}, 
        error: the edges form a cycle: answer -> finish -> answer
          at world/plans.air.json:26:49 (/edges/1)

        # {"name": "demo/WorkOk@1", "hash": "sha256:1111"}
        error: `sha256:1111` is not a hash
          at world/manifest.air.json:7:39 (/schemas/2/hash)
          expected: `sha256:` and 64 lowercase hex digits

    "##]].assert_eq(&found);
}

const GUEST: &str = r#"(memory (export "memory") 1)
    (func (export "alloc") (param i32) (result i32) (i32.const 1024))"#;

fn assemble(body: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {body})")).expect("the fixture is well-formed")
}

fn wasm_that_is_no_reducer() {
    let place = Place::new();
    place.write("truncated.wasm", &retry_world::WASM[..20_000]);
    place.write("text.wasm", "not wasm at all");
    place.write("empty.wasm", "");
    place.write(
        "imports.wasm",
        assemble("(import \"env\" \"now\" (func (result i64)))"),
    );
    place.write("exports.wasm", assemble("(memory (export \"memory\") 1)"));
    place.write(
        "form.wasm",
        assemble(&format!("{GUEST} (func (export \"step\") (param i64))")),
    );
    place.write("start.wasm", assemble(&format!(
        "{GUEST} (func (export \"step\") (param i32 i32 i32)) (func $loop (loop (br 0))) (start $loop)"
    )));
    check(
        &place,
        &[
            "run --wasm nowhere.wasm",
            "run --wasm truncated.wasm",
            "run --wasm text.wasm",
            "run --wasm empty.wasm",
            "run --wasm imports.wasm",
            "run --wasm exports.wasm",
            "run --wasm form.wasm",
            "run --wasm start.wasm",
            "run --wasm demo/Other@1=truncated.wasm",
            "run --wasm exports.wasm --wasm imports.wasm",
        ],
        &expect![[r#"
            $ sim run --wasm nowhere.wasm
            error: cannot read nowhere.wasm
              1: No such file or directory (os error 2)

            $ sim run --wasm truncated.wasm
            error: truncated.wasm
              1: not a valid core wasm module: unexpected end-of-file (at offset 0x4489)

            $ sim run --wasm text.wasm
            error: text.wasm
              1: not a valid core wasm module: expected it to begin with `\0asm`; text format must be assembled first

            $ sim run --wasm empty.wasm
            error: empty.wasm
              1: not a valid core wasm module: it is truncated in its header

            $ sim run --wasm imports.wasm
            error: imports.wasm
              1: expected no imports, found 1 (env::now); build for wasm32-unknown-unknown, no host calls

            $ sim run --wasm exports.wasm
            error: exports.wasm
              1: export `alloc` is missing: expected func (i32) -> (i32)

            $ sim run --wasm form.wasm
            error: form.wasm
              1: export `step`: expected func (i32, i32, i32) -> () or func (i32, i32) -> (i32, i32), found func (i64) -> ()

            $ sim run --wasm start.wasm
            error: start.wasm
              1: a fresh instance can't be made
              2: reducer used up its 50000000 units of fuel; in loop; raise the fuel per step, or look for a loop

            $ sim run --wasm demo/Other@1=truncated.wasm
            error: `--wasm demo/Other@1=truncated.wasm`: there is no module `demo/Other@1`: expected one of demo/RetrySM@1

            $ sim run --wasm exports.wasm --wasm imports.wasm
            error: `--wasm imports.wasm`: `demo/RetrySM@1` has its wasm already

        "#]],
    );
}

/// A reducer that is one, and then breaks its bounds: each is found, told and written as a case.
fn wasm_that_misbehaves() {
    let step = |body: &str| {
        assemble(&format!(
            "{GUEST} (func (export \"step\") (param i32 i32) (result i32 i32) {body})"
        ))
    };
    let mut found = String::new();
    for (name, body) in [
        ("loops", "(loop (br 0)) unreachable"),
        (
            "grows",
            "(loop (drop (memory.grow (i32.const 1))) (br 0)) unreachable",
        ),
        ("points-outside", "(i32.const -8) (i32.const 100)"),
        ("garbage", "(i32.const 0) (i32.const 3)"),
        ("traps", "unreachable"),
    ] {
        let place = Place::new();
        place.write("bad.wasm", step(body));
        let said = place.sim("run --wasm bad.wasm --seed 1 --case-dir found --no-shrink");
        assert_eq!(said.code, 1, "{name}: {}", said.err);
        let lines = said
            .out
            .lines()
            .skip_while(|line| !line.starts_with("violation"));
        let lines: Vec<&str> = lines.take(4).collect();
        let _ = writeln!(
            found,
            "# {name}\n{}\n{:?}",
            lines.join("\n"),
            place.list("found").len()
        );
    }
    expect![[r#"
        # loops
        violation: seed 1
          bounded at turn 0: no step traps or exceeds its fuel, memory or output bound
            expected the step ends by itself, within its bounds
            found    reducer used up its 50000000 units of fuel; in step; raise the fuel per step, or look for a loop
        1
        # grows
        violation: seed 1
          bounded at turn 0: no step traps or exceeds its fuel, memory or output bound
            expected the step ends by itself, within its bounds
            found    reducer asked for 67174400 bytes of memory, its limit is 67108864; in step
        1
        # points-outside
        violation: seed 1
          bounded at turn 0: no step traps or exceeds its fuel, memory or output bound
            expected the step ends by itself, within its bounds
            found    output at 0xfffffff8, 100 bytes long, lies outside the memory of 65536 bytes
        1
        # garbage
        violation: seed 1
          conforms at turn 0: outputs fit their schemas, and effects are declared and bound
            expected an output envelope
            found    output envelope, at its top (byte 0): expected a map, found an unsigned integer
        1
        # traps
        violation: seed 1
          bounded at turn 0: no step traps or exceeds its fuel, memory or output bound
            expected the step ends by itself, within its bounds
            found    reducer trapped: wasm `unreachable` instruction executed; in step
        1
    "#]].assert_eq(&found);
}

fn pinned_to_another_wasm() {
    let place = Place::new();
    let pin = format!(
        "\"wasm_hash\": \"sha256:{}\", \"module_kind\"",
        "1".repeat(64)
    );
    place.world_with("module", "\"module_kind\"", &pin);
    check(
        &place,
        &["run --world world", "check world"],
        &expect![[r#"
            $ sim run --world world
            error: `demo/RetrySM@1` is pinned to another wasm in world/module.air.json
              1: its pin is sha256:1111111111111111111111111111111111111111111111111111111111111111
              2: the wasm in use is sha256:f2b55359e32304ca5c721a5927a691e592ecab64627a07ebb0e146b79bf86770
            hint: pin it with `sim check --pin world`

            $ sim check world
            error: `demo/RetrySM@1` is pinned to another wasm in world/module.air.json
              1: its pin is sha256:1111111111111111111111111111111111111111111111111111111111111111
              2: the wasm in use is sha256:f2b55359e32304ca5c721a5927a691e592ecab64627a07ebb0e146b79bf86770
            hint: pin it with `sim check --pin world`

        "#]],
    );
    let place = Place::new();
    place.world_with("module", "\"module_kind\"", &pin);
    let said = place.sim("check world --pin");
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        place.sim("run --world world --seeds 0..64").code,
        0,
        "the pin is right now"
    );
    // What is given by hand runs whatever is pinned, and the summary says so.
    place.planted("wrong-req-id-in-intent");
    let said =
        place.sim("run --world world --seed 1 --wasm wrong-req-id-in-intent.wasm --case-dir found");
    let first = said.out.lines().next().unwrap_or_default();
    assert!(first.contains("given by hand"), "{first}");
}

fn cases() {
    let place = Place::new();
    let edit = |name: &str, from: &str, to: &str| {
        assert!(CASE.contains(from), "the case has no {from}");
        place.write(&format!("{name}.json"), CASE.replacen(from, to, 1));
    };
    place.write("text.json", "not JSON");
    place.write("other.json", "{\"format\": 3}");
    edit("newer", "sim-case/1", "sim-case/2");
    edit("field", "\"digest\":", "\"dijest\": 1, \"digest\":");
    edit("decision", "{\"start\":\"r1\"}", "{\"stop\":\"r1\"}");
    edit(
        "two",
        "{\"start\":\"r1\"}",
        "{\"start\":\"r1\",\"drop\":\"err\"}",
    );
    edit(
        "unfit",
        "{\"start\":\"r1\"}",
        "{\"start\":\"r1\",\"twice\":true}",
    );
    edit("nth", "{\"start\":\"r1\"}", "{\"drop\":\"err\",\"nth\":0}");
    edit(
        "time",
        "{\"start\":\"r1\"}",
        "{\"advance\":\"clock\",\"at_ms\":18446744073709551615}",
    );
    edit("value", "\"max_attempts\":1", "\"max_attempts\":-1");
    edit("schema", "demo/RetryEvent@1", "demo/Other@1");
    edit(
        "twin",
        "}}}]",
        "}}},{\"name\":\"r1\",\"schema\":\"demo/RetryEvent@1\",\"value\":{}}]",
    );
    edit(
        "turns",
        "\"requests\"",
        "\"options\":{\"turns\":4000000000},\"requests\"",
    );
    edit("number", "\"max_attempts\":1", "\"max_attempts\":0.1");
    edit("again", "\"payload\":", "\"req_id\":\"r2\",\"payload\":");
    edit("reducers", "{}}", "{\"a\":\"b\",\"a\":\"c\"}}");
    edit(
        "faults",
        "\"hand\"",
        "\"hand\",\"faults\":{\"ok\":1,\"ok\":2}",
    );
    check(
        &place,
        &[
            "replay nowhere.json",
            "replay text.json",
            "replay other.json",
            "replay newer.json",
            "replay field.json",
            "replay decision.json",
            "replay two.json",
            "replay unfit.json",
            "replay nth.json",
            "replay time.json",
            "replay value.json",
            "replay schema.json",
            "replay twin.json",
            "replay turns.json",
            "replay number.json",
            "replay again.json",
            "replay reducers.json",
            "replay faults.json",
        ],
        &expect![[r#"
            $ sim replay nowhere.json
            error: nowhere.json
              1: cannot read it
              2: No such file or directory (os error 2)

            $ sim replay text.json
            error: text.json
              1: expected a case file, a JSON object with `"format": "sim-case/1"`
              2: expected ident at line 1 column 2

            $ sim replay other.json
            error: other.json
              1: expected a case file, a JSON object with `"format": "sim-case/1"`
              2: invalid type: integer `3`, expected a string at line 1 column 12

            $ sim replay newer.json
            error: newer.json
              1: the format is `sim-case/2`, and this version reads `sim-case/1`: a newer `sim` wrote it

            $ sim replay field.json
            error: field.json
              1: not a case of format `sim-case/1`
              2: unknown field `dijest`, expected one of `format`, `about`, `found_by`, `world`, `options`, `requests`, `schedule`, `verdict`, `digest` at line 5 column 58

            $ sim replay decision.json
            error: decision.json
              1: not a case of format `sim-case/1`
              2: unknown field `stop`, expected one of `at_ms`, `at_ns`, `start`, `deliver`, `duplicate`, `drop`, `redeliver`, `step`, `receipt`, `fire`, `inject`, `advance`, `snapshot`, `req_id`, `nth`, `answer`, `status`, `twice`, `value`, `any`, `cell`, `crash`, `recover` at line 5 column 23

            $ sim replay two.json
            error: two.json
              1: at `/schedule/0`: `start` and `drop` in one decision

            $ sim replay unfit.json
            error: unfit.json
              1: at `/schedule/0`: `twice` does not go with `start`

            $ sim replay nth.json
            error: nth.json
              1: at `/schedule/0`: `nth` counts from 1

            $ sim replay time.json
            error: time.json
              1: at `/schedule/0`: `at_ms` is past the end of time

            $ sim replay value.json
            error: value.json
              1: at `/requests/0/value/start/max_attempts`: `demo/RetryEvent@1`: expected a whole number up to 64 bits (a great one as text), found the number -1

            $ sim replay schema.json
            error: schema.json
              1: at `/requests/0`: this world has no schema `demo/Other@1`

            $ sim replay twin.json
            error: twin.json
              1: at `/requests/1/name`: a second request named `r1`

            $ sim replay turns.json
            error: turns.json
              1: at `/options/turns`: expected at most 100000 turns, found 4000000000

            $ sim replay number.json
            error: number.json
              1: not a case of format `sim-case/1`
              2: the number 0.1 is not an integer of 64 bits at line 4 column 40

            $ sim replay again.json
            error: again.json
              1: not a case of format `sim-case/1`
              2: the field `req_id` is here twice at line 4 column 16

            $ sim replay reducers.json
            error: reducers.json
              1: not a case of format `sim-case/1`
              2: the field `a` is here twice at line 2 column 50

            $ sim replay faults.json
            error: faults.json
              1: not a case of format `sim-case/1`
              2: the field `ok` is here twice at line 1 column 72

        "#]],
    );
}

/// What a file says is shown, and is no order to the terminal.
fn control_characters() {
    let place = Place::new();
    let order = "\\u001b[2J\\r";
    let edit = |name: &str, from: &str, to: &str| {
        place.write(&format!("{name}.json"), CASE.replacen(from, to, 1));
    };
    edit(
        "field",
        "\"digest\":",
        &format!("\"{order}\": 1, \"digest\":"),
    );
    edit("format", "sim-case/1", order);
    edit("schema", "demo/RetryEvent@1", order);
    check(
        &place,
        &[
            "replay field.json",
            "replay format.json",
            "replay schema.json",
        ],
        &expect![[r#"
            $ sim replay field.json
            error: field.json
              1: not a case of format `sim-case/1`
              2: unknown field `\u{1b}[2J\r`, expected one of `format`, `about`, `found_by`, `world`, `options`, `requests`, `schedule`, `verdict`, `digest` at line 5 column 63

            $ sim replay format.json
            error: format.json
              1: the format is `\u{1b}[2J\r`, and this version reads `sim-case/1`: a newer `sim` wrote it

            $ sim replay schema.json
            error: schema.json
              1: at `/requests/0`: this world has no schema `\u{1b}[2J\r`

        "#]],
    );
    let about = format!("\"about\":\"{order} about\",\"found_by\"");
    edit("about", "\"found_by\"", &about);
    let said = place.sim("replay about.json");
    assert_eq!(said.code, 0, "{}", said.err);
    let line = said.out.lines().nth(1);
    assert_eq!(line, Some("\\u{1b}[2J\\r about"));
}

fn huge_and_deep_cases() {
    let place = Place::new();
    place.write("long.json", format!("{}{}", CASE, " ".repeat(100 << 20)));
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let nested = format!("\"r1\",\"value\":{}", deep("[", "]"));
    place.write("deep.json", CASE.replacen("\"r1\"", &nested, 1));
    place.write("deeper.json", deep("{\"a\":", "}"));
    check(
        &place,
        &["replay long.json", "replay deep.json", "replay deeper.json"],
        &expect![[r#"
            $ sim replay long.json
            error: long.json
              1: cannot read it
              2: it is larger than 16 MiB, the most that is read

            $ sim replay deep.json
            error: deep.json
              1: not a case of format `sim-case/1`
              2: recursion limit exceeded at line 3 column 162

            $ sim replay deeper.json
            error: deeper.json
              1: expected a case file, a JSON object with `"format": "sim-case/1"`
              2: expected value at line 1 column 50001

        "#]],
    );
}
