//! What reducers assert in their annotations: judged by name, missed where it is listed and never
//! came, refused where nobody would miss it.

use std::fs;
use std::sync::OnceLock;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::air::cbor::{ARRAY, MAP, TRUE, write_bytes, write_head, write_nat, write_text};

use super::{count, documents_of, trial, violation};
use crate::cli::Place;
use crate::examples::wasm_of;
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("assertions", "that_hold", that_hold),
        trial("assertions", "that_fail", that_fail),
        trial("assertions", "that_never_come", that_never_come),
        trial("assertions", "that_are_not_listed", that_are_not_listed),
        trial("assertions", "malformed", malformed),
        trial("assertions", "names", names),
    ]
}

const LISTED: &str = "
[assertions]
always = [\"the total stays below 100\"]
sometimes = [\"the total comes above 10\"]
reachable = [\"it is reset\"]
";

/// A world of the counter that asserts, whose clients add so much at a time.
fn counter(most: u32, requests: u32, more: &str) -> Place {
    static WASM: OnceLock<Vec<u8>> = OnceLock::new();
    let wasm = WASM.get_or_init(|| {
        let source = root("sim/tests/fixtures/asserting_counter.rs");
        wasm_of(&fs::read_to_string(source).expect("it is there"))
    });
    let place = documents_of("examples/counter/air");
    place.write("w/counter.wasm", wasm);
    place.write(
        "w/sim.toml",
        format!(
            "format = \"sim/1\"\n[reducers.\"counter/Counter@1\"]\nwasm = \"counter.wasm\"\n\
            [clients.add]\nevent = \"counter/Event@1\"\narm = \"increment\"\n\
            fields.by = {{ range = [1, {most}] }}\n\
            [clients.reset]\nevent = \"counter/Event@1\"\narm = \"reset\"\nweight = 2\n\
            [campaign]\nseeds = 200\nrequests = {requests}\n{more}"
        ),
    );
    place
}

fn ends(place: &Place, code: i32) -> String {
    let said = place.sim("run --world w --case-dir found");
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    said.out
}

fn that_hold() {
    let out = ends(&counter(4, 6, LISTED), 0);
    assert!(out.contains("\neverything holds\n"), "{out}");
    assert!(
        count(&out, "the total stays below 100 judged") > 150,
        "{out}"
    );
    assert!(count(&out, "the total comes above 10") > 0, "{out}");
    assert!(count(&out, "it is reset") > 0, "{out}");
}

fn that_fail() {
    let place = counter(60, 6, LISTED);
    expect![[r#"
        the total stays below 100 at turn 1: always asserted by a reducer
          expected the total stays below 100
          found    {"total": 100}
    "#]]
    .assert_eq(&violation(&ends(&place, 1)));
    // Listed or not, it is the same failure.
    let some = LISTED.replace("always = [\"the total stays below 100\"]\n", "");
    let place = counter(60, 6, &some);
    expect![[r#"
        assertions at turn 1: what reducers assert in their annotations holds
          expected the total stays below 100
          found    {"total": 100}
    "#]]
    .assert_eq(&violation(&ends(&place, 1)));
    let case = fs::read_dir(place.path("found"))
        .expect("it was written")
        .next();
    let name = case
        .expect("there is one")
        .expect("it can be read")
        .file_name();
    let replayed = place.sim(&format!(
        "replay --world w found/{}",
        name.to_string_lossy()
    ));
    assert!(
        replayed.out.contains("violates assertions"),
        "{}",
        replayed.out
    );
}

fn that_never_come() {
    let more = LISTED.replace("reachable = [", "reachable = [\"it is undone\", ");
    let out = ends(&counter(4, 6, &more), 5);
    assert!(out.contains("never seen: it is undone"), "{out}");
    let more = LISTED.replace("always = [", "always = [\"it is asserted\", ");
    let out = ends(&counter(4, 6, &more), 5);
    assert!(out.contains("it is asserted judged"), "{out}");
}

fn that_are_not_listed() {
    let out = ends(&counter(4, 6, ""), 1);
    expect![[r#"
        assertions at turn 0: what reducers assert in their annotations holds
          expected `the total comes above 10` under `sometimes` in `[assertions]` of sim.toml
          found    it is not listed, and would not be missed if it never came
    "#]]
    .assert_eq(&violation(&out));
    let wrong = LISTED
        .replace("sometimes", "x")
        .replace("always", "sometimes");
    let out = ends(&counter(4, 6, &wrong.replace("\nx", "\nalways")), 1);
    expect![[r#"
        assertions at turn 0: what reducers assert in their annotations holds
          expected `the total stays below 100` is asserted as sometimes
          found    always
    "#]]
    .assert_eq(&violation(&out));
    // Without a sim.toml they are judged, too.
    let place = counter(4, 6, "");
    fs::remove_file(place.path("w/sim.toml")).expect("it is there");
    let said = place.sim("run --world w --case-dir found --seeds 0..100 --wasm w/counter.wasm");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("assertions at turn"), "{}", said.out);
}

/// A counter that stays at 0 and annotates every step with this.
fn annotating(annotations: &[u8]) -> Vec<u8> {
    let mut state = Vec::new();
    write_head(&mut state, MAP, 1);
    write_text(&mut state, "total");
    write_nat(&mut state, 0);
    let mut out = Vec::new();
    write_head(&mut out, MAP, 2);
    write_text(&mut out, "state");
    write_bytes(&mut out, &state);
    write_text(&mut out, "ann");
    write_bytes(&mut out, annotations);
    let data: String = out.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(module
          (memory (export "memory") 8)
          (data (i32.const 1024) "{data}")
          (func (export "alloc") (param i32) (result i32) (i32.const 262144))
          (func (export "step") (param i32 i32) (result i32 i32)
            (i32.const 1024) (i32.const {})))"#,
        out.len()
    );
    wat::parse_str(text).expect("it is a module")
}

/// Annotations with an assertion of these texts.
fn asserting(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    write_head(&mut out, MAP, 2);
    write_text(&mut out, "note");
    write_text(&mut out, "of its own");
    write_text(&mut out, "assertions");
    write_head(&mut out, ARRAY, 1);
    write_head(&mut out, MAP, fields.len() as u64);
    for (key, value) in fields {
        write_text(&mut out, key);
        match *value {
            "true" => out.push(TRUE),
            text => write_text(&mut out, text),
        }
    }
    out
}

fn malformed() {
    let told = |annotations: &[u8], code: i32| {
        let place = counter(4, 6, "");
        place.write("w/counter.wasm", annotating(annotations));
        let said = place.sim("run --world w --case-dir found");
        assert_eq!(said.code, code, "{}{}", said.out, said.err);
        said.out
    };
    let always = ("kind", "always");
    let wrong = [
        asserting(&[always, ("message", "m")]),
        asserting(&[("kind", "never"), ("message", "m"), ("holds", "true")]),
        asserting(&[always, ("holds", "true")]),
        asserting(&[always, ("message", "m"), ("holds", "yes")]),
        asserting(&[always, ("message", "m"), ("holds", "true"), ("why", "x")]),
        b"\xa1\x6aassertions\x61x".to_vec(),
        b"\xa1\x6aassertions\x81".to_vec(),
    ];
    let wrong: String = wrong.iter().map(|it| violation(&told(it, 1))).collect();
    expect![[r#"
        assertions at turn 0: what reducers assert in their annotations holds
          expected assertions of a kind, a message, `holds`, and maybe details
          found    `holds` is missing
        assertions at turn 0: what reducers assert in their annotations holds
          expected assertions of a kind, a message, `holds`, and maybe details
          found    `never` is no kind of assertion
        assertions at turn 0: what reducers assert in their annotations holds
          expected assertions of a kind, a message, `holds`, and maybe details
          found    `message` is missing
        assertions at turn 0: what reducers assert in their annotations holds
          expected assertions of a kind, a message, `holds`, and maybe details
          found    unexpected type string at position 58: expected bool
        assertions at turn 0: what reducers assert in their annotations holds
          expected assertions of a kind, a message, `holds`, and maybe details
          found    an unknown key: `why`
        assertions at turn 0: what reducers assert in their annotations holds
          expected assertions of a kind, a message, `holds`, and maybe details
          found    unexpected type string at position 12: expected array
        assertions at turn 0: what reducers assert in their annotations holds
          expected assertions of a kind, a message, `holds`, and maybe details
          found    end of input bytes
    "#]]
    .assert_eq(&wrong);
    // Whatever else annotations are is the reducer's own.
    let own = [
        b"\x01".to_vec(),
        b"no cbor".to_vec(),
        Vec::new(),
        b"\xa1\x01\x02".to_vec(),
        b"\xd9\xd9\xf7\xa1\x6aassertions\x80".to_vec(),
        b"\xbf\x6aassertions\x9f\xff\xff".to_vec(),
        asserting(&[always, ("message", "m"), ("holds", "true")]),
    ];
    for own in own {
        told(&own, 0);
    }
}

fn names() {
    let place = counter(
        4,
        6,
        "[assertions]\nalways = [\"p\", \"conforms\", \"q\"]\nsometimes = [\"q\"]\n\
        [properties.p]\nalways = \"true\"\n",
    );
    let said = place.sim("check w");
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    expect![[r#"
        error: `p` is there twice
          at w/sim.toml:16:11
          hint: properties, monitors and assertions share their names
        error: `conforms` is what any world must hold
          at w/sim.toml:16:16
          hint: call it otherwise: reports would speak of two things by one name
        error: `q` is there twice
          at w/sim.toml:17:14
          hint: properties, monitors and assertions share their names
        3 errors
    "#]]
    .assert_eq(&said.err);
}
