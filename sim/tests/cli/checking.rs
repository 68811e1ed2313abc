//! `sim check`: errors and warnings, where they are printed, and what they do to the exit code.

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("checking", "warnings", warnings),
        trial("checking", "strict", strict),
        trial("checking", "errors_and_warnings", errors_and_warnings),
        trial("checking", "others_run_with_warnings", others_run),
        trial("checking", "our_own_documents_are_strict", our_own),
        trial("checking", "enforcers", enforcers),
    ]
}

/// A world with two warnings in its manifest, and one in another file.
fn warned() -> Place {
    let place = Place::new();
    place.world_with(
        "manifest",
        "{\"name\": \"demo/WorkOk@1\"}",
        "{\"name\": \"demo/WorkOk@1\", \"hash\": \"sha256:\"}",
    );
    let manifest = place.path("world/manifest.air.json");
    let text = std::fs::read_to_string(&manifest).expect("it can be read");
    let outdated = "{\"name\": \"demo/WorkErr@1\", \"hash\": \
        \"sha256:1111111111111111111111111111111111111111111111111111111111111111\"}";
    place.write(
        "world/manifest.air.json",
        text.replace("{\"name\": \"demo/WorkErr@1\"}", outdated),
    );
    place.write(
        "world/more.air.json",
        r#"{"$kind": "defschema", "name": "demo/More@1", "type": {"unit": {}}}"#,
    );
    place
}

fn warnings() {
    let place = warned();
    let said = place.sim("check world");
    assert_eq!(said.code, 0, "{}", said.err);
    expect![[r#"
        warning: `sha256:` alone is no hash, and counts as none
          at world/manifest.air.json:7:39 (/schemas/2/hash)
          hint: leave `hash` out, or give all of it
        warning: the hash is not that of `demo/WorkErr@1`
          at world/manifest.air.json:8:40 (/schemas/3/hash)
          expected: sha256:21944d6bdf50346f4e031ec1348992ee63f42e10337056069ffe922a7e208dd4
          hint: leave `hash` out while the document still changes
        warning: `demo/More@1` is not in the manifest
          at world/more.air.json:1:32 (/name)
          hint: add it to `schemas`, or remove the document
    "#]]
    .assert_eq(&said.err);
    let last = said.out.lines().last().unwrap_or_default();
    assert_eq!(last, "12 documents: no errors, 3 warnings");
}

fn strict() {
    let place = warned();
    let said = place.sim("check world --strict");
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert_eq!(said.err.matches("warning: ").count(), 3, "{}", said.err);
    let last = said.err.lines().last().unwrap_or_default();
    assert_eq!(last, "error: 3 warnings: `--strict` refuses them");
    let place = Place::new();
    place.world();
    let said = place.sim("check world --strict");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

/// Both are told, by their places.
fn errors_and_warnings() {
    let place = warned();
    let manifest = place.path("world/manifest.air.json");
    let text = std::fs::read_to_string(&manifest).expect("it can be read");
    let text = text.replace(
        "\"plan\": \"demo/WorkPlan@1\"",
        "\"plan\": \"demo/WorkPaln@1\"",
    );
    place.write("world/manifest.air.json", text);
    let said = place.sim("check world");
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    expect![[r#"
        warning: `sha256:` alone is no hash, and counts as none
          at world/manifest.air.json:7:39 (/schemas/2/hash)
          hint: leave `hash` out, or give all of it
        warning: the hash is not that of `demo/WorkErr@1`
          at world/manifest.air.json:8:40 (/schemas/3/hash)
          expected: sha256:21944d6bdf50346f4e031ec1348992ee63f42e10337056069ffe922a7e208dd4
          hint: leave `hash` out while the document still changes
        error: unknown plan: `demo/WorkPaln@1`
          at world/manifest.air.json:23:58 (/triggers/0/plan)
          hint: did you mean `demo/WorkPlan@1`?
        warning: `demo/More@1` is not in the manifest
          at world/more.air.json:1:32 (/name)
          hint: add it to `schemas`, or remove the document
        1 error, 3 warnings
    "#]]
    .assert_eq(&said.err);
    // Elsewhere the errors alone are told: they are why nothing runs.
    let said = place.sim("run --world world");
    assert_eq!(said.code, 2);
    expect![[r#"
        error: unknown plan: `demo/WorkPaln@1`
          at world/manifest.air.json:23:58 (/triggers/0/plan)
          hint: did you mean `demo/WorkPlan@1`?
    "#]]
    .assert_eq(&said.err);
}

fn others_run() {
    let place = warned();
    place.corpus();
    for (command, notes) in [
        ("run --world world --seeds 0..3 --no-shrink", 1),
        ("run --world world --seeds 0..3 --format json", 1),
        ("explore --world world --max-attempts 1", 1),
        ("coverage --world world", 0),
    ] {
        let said = place.sim(command);
        assert!([0, 5].contains(&said.code), "{command}: {}", said.err);
        let note = "note: 3 warnings in the documents: sim check world\n";
        assert_eq!(
            said.err.matches(note).count(),
            notes,
            "{command}: {}",
            said.err
        );
        assert!(!said.out.contains("warning"), "{command}: {}", said.out);
    }
    let place = Place::new();
    place.world();
    let said = place.sim("run --world world --seeds 0..3");
    assert!(!said.err.contains("note:"), "{}", said.err);
}

/// What the repository holds has no warnings, and its CI asks for that.
fn our_own() {
    let place = Place::new();
    for folder in ["air", "sim/tests/fixtures/worlds/http", "fuzz/deep/air"] {
        let folder = crate::support::root(folder);
        let said = place.sim(&format!("check {} --strict", folder.display()));
        assert_eq!(
            (said.code, said.err.as_str()),
            (0, ""),
            "{}",
            folder.display()
        );
    }
    let ci = std::fs::read_to_string(crate::support::root(".ci/run")).expect("it can be read");
    assert!(ci.contains("cargo run --locked -- check air --strict"));
}

const MACHINE: &str = r#"(module (memory (export "memory") 1)
    (data (i32.const 64) "\a1\65state\48\a1\65count\01")
    (func (export "alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "step") (param i32 i32) (result i32 i32) (i32.const 64) (i32.const 16)))"#;
/// Answers `{constraints_ok: true}`.
const GUARD: &str = r#"(module (memory (export "memory") 1)
    (data (i32.const 64) "\a1\66output\51\a1\6econstraints_ok\f5")
    (func (export "alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "run") (param i32 i32) (result i32 i32) (i32.const 64) (i32.const 26)))"#;

/// The wasm of an enforcer is given, pinned and told of as that of a reducer.
fn enforcers() {
    let place = Place::new();
    let base = include_str!("../air/base.air.json");
    let guard = r#"{"$kind": "defmodule", "name": "t/Guard@1", "module_kind": "pure", "abi":
        {"pure": {"input": "sys/CapCheckInput@1", "output": "sys/CapCheckOutput@1"}}},
      {"$kind": "defcap", "name": "t/guard@1", "cap_type": "http.out", "schema": {"record": {}},
        "enforcer": {"module": "t/Guard@1"}},
      {"$kind": "defsecret""#;
    let text = base
        .replace("{\"$kind\": \"defsecret\"", guard)
        .replace(
            "\"sys/http.out@1\", \"params\": {\"hosts\": [\"h\"]}",
            "\"t/guard@1\", \"params\": {}",
        )
        .replace(
            "{\"name\": \"sys/http.out@1\"}",
            "{\"name\": \"t/guard@1\"}",
        )
        .replace(
            "[{\"name\": \"t/Machine@1\"}]",
            "[{\"name\": \"t/Machine@1\"}, {\"name\": \"t/Guard@1\"}]",
        );
    place.write("world/all.air.json", &text);
    for (name, text) in [("machine.wasm", MACHINE), ("guard.wasm", GUARD)] {
        place.write(name, wat::parse_str(text).expect("it is well-formed"));
    }
    let said = place.sim("check world --strict");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(
        said.out.contains("\nt/Guard@1: not pinned\n"),
        "{}",
        said.out
    );
    let refused = |arguments: &str| {
        let said = place.sim(&format!(
            "run --world world --seeds 0..3 --case-dir found {arguments}"
        ));
        assert_eq!(said.code, 2, "{}", said.err);
        said.err
    };
    expect![[r#"
        error: no wasm for the enforcer `t/Guard@1`: say which with `--wasm t/Guard@1=FILE`
        error: machine.wasm
          1: export `run` is missing: expected func (i32, i32, i32) -> () or func (i32, i32) -> (i32, i32)
        error: `--wasm t/Guard@1=guard.wasm`: `t/Guard@1` has its wasm already
    "#]].assert_eq(
        &[
            refused("--wasm machine.wasm"),
            refused("--wasm machine.wasm --wasm t/Guard@1=machine.wasm"),
            refused("--wasm machine.wasm --wasm t/Guard@1=guard.wasm --wasm t/Guard@1=guard.wasm"),
        ]
        .concat(),
    );
    let both = "--wasm t/Machine@1=machine.wasm --wasm t/Guard@1=guard.wasm";
    let said = place.sim(&format!(
        "run --world world --seeds 0..3 --case-dir found --expect denied=http.request --expect plan-error=Ask {both}"
    ));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out
            .contains("t/Guard@1 runs guard.wasm, given by hand"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("check world --pin {both}"));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for name in ["t/Machine@1", "t/Guard@1"] {
        assert!(
            said.out.contains(&format!("\n{name}: pinned to sha256:")),
            "{}",
            said.out
        );
    }
    assert_ne!(
        std::fs::read_to_string(place.path("world/all.air.json")).ok(),
        Some(text)
    );
}
