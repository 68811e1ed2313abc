//! `sim coverage`.

use std::fs;

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, absolute_root, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("coverage", "names_and_blocks", names_and_blocks),
        trial("coverage", "folders", folders),
        trial("coverage", "shipped", shipped),
        trial("coverage", "bad_case", bad_case),
        trial("coverage", "nothing_ran", nothing_ran),
        trial("coverage", "bad_wasm", bad_wasm),
    ]
}

/// Would refuse what no envelope begins with.
const NAMED: &str = r#"(module
    (memory (export "memory") 1)
    (data (i32.const 64) "\a1\65state\f6")
    (func $give_room (export "alloc") (param i32) (result i32) (i32.const 1024))
    (func $refuse (if (i32.const 0) (then (nop))) (unreachable))
    (func $unused)
    (func (export "step") (param i32 i32) (result i32 i32)
        (if (i32.eq (i32.load8_u (local.get 0)) (i32.const 0xa2)) (then (call $refuse)))
        (i32.const 64) (i32.const 8)))"#;

fn case(name: &str) -> String {
    let path = absolute_root().join("corpus").join(format!("{name}.json"));
    fs::read_to_string(path).expect("it can be read")
}

fn named() -> Place {
    let place = Place::new();
    place.world();
    place.write("named.wasm", wat::parse_str(NAMED).expect("it is valid"));
    place.write("a.json", case("ok-after-failed"));
    place
}

/// Names of the name section; an unwritten `else` is a block like others.
fn names_and_blocks() {
    let said = named().sim("coverage a.json --world world --wasm named.wasm --blocks");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    expect![[r#"
        demo/RetrySM@1 runs named.wasm, given by hand (sha256:317a6583410e4d4cb4e1dfde14a83cac65563c10374de2eedbda8a3391ddbb60)
        demo/RetrySM@1 (sha256:317a6583410e4d4cb4e1dfde14a83cac65563c10374de2eedbda8a3391ddbb60), 1 case, 1 turn
        reached  blocks  function
              1       1  give_room
              0       4  refuse
              0       1  unused
              3       4  step
        2 of 4 functions, 4 of 10 blocks reached
        never reached
        offset  block     function
        0x4c    function  refuse
        0x50    then      refuse
        0x51    else      refuse
        0x52    join      refuse
        0x56    function  unused
        0x64    then      step
    "#]].assert_eq(&said.out);
}

/// Cases are files named so, or without extension; all count together.
fn folders() {
    let place = named();
    place.write("folder/b.json", case("ok-after-failed"));
    place.write("folder/0123abcd", case("ok-in-the-wait"));
    place.write("folder/README.md", "not a case");
    place.write("folder/.hidden", "not a case");
    place.write("folder/deeper/c.json", "not looked at");
    let said = place.sim("coverage folder a.json --world world --wasm named.wasm");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let head = said.out.lines().nth(1).unwrap_or_default();
    assert!(head.contains("3 cases"), "{}", said.out);
}

/// The corpus by default. What it reaches differs with the reducer, so little is said of it here.
fn shipped() {
    let place = Place::new();
    place.corpus();
    let said = place.sim("coverage");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(
        said.out.starts_with("demo/RetrySM@1 (sha256:"),
        "{}",
        said.out
    );
    for line in ["alloc", "step", "func["] {
        assert!(said.out.contains(line), "{}", said.out);
    }
    assert!(said.out.ends_with(" blocks reached\n"), "{}", said.out);
    assert_eq!(said.out, place.sim("coverage").out);
}

fn bad_case() {
    let place = named();
    place.write("folder/0123abcd", b"\xff\x00");
    place.write("folder/b.json", "{}");
    place.write("folder/c.json", case("ok-after-failed"));
    let said = place.sim("coverage folder nowhere --world world --wasm named.wasm");
    assert_eq!(said.code, 2);
    assert!(said.out.contains(" 1 case,"), "{}", said.out);
    expect![[r#"
        error: folder/0123abcd
          1: cannot read it
          2: expected UTF-8 text, and byte 0 is not
        error: folder/b.json
          1: expected a case file, a JSON object with `"format": "sim-case/1"`
          2: missing field `format` at line 1 column 2
        error: nowhere
          1: cannot read it
          2: No such file or directory (os error 2)
    "#]]
    .assert_eq(&said.err);
}

fn nothing_ran() {
    let place = named();
    place.write("empty/README.md", "no cases");
    let said = place.sim("coverage empty --world world --wasm named.wasm");
    assert_eq!((said.code, said.err.as_str()), (4, ""));
    assert!(said.out.contains("nothing ran: 0 cases"), "{}", said.out);
}

fn bad_wasm() {
    let place = named();
    let text = NAMED.replace("(func $unused)", r#"(func (export "__sim_coverage"))"#);
    place.write("odd.wasm", wat::parse_str(text).expect("it is valid"));
    let said = place.sim("coverage a.json --world world --wasm odd.wasm");
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    expect![[r#"
        error: odd.wasm
          1: coverage can't be had of this module: an export named `__sim_coverage`, as coverage has it
    "#]].assert_eq(&said.err);
}
