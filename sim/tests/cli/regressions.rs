//! A case as a test in Rust: what is written, and that it can be built, fails while the bug is there,
//! and passes once it is gone.

use std::fs;

use expect_test::expect;
use libtest_mimic::Trial;

use super::{CASE, Place, trial};
use crate::rust_tests::built::{built, ran};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("regressions", "as_written", as_written),
        trial("regressions", "red_then_green", red_then_green),
        trial("regressions", "refusals", refusals),
    ]
}

/// A case of a planted bug, found and shrunk, with its path.
fn found(place: &Place) -> String {
    place.planted("attempt-limit-off-by-one");
    fs::rename(
        place.path("attempt-limit-off-by-one.wasm"),
        place.path("mine.wasm"),
    )
    .expect("it is there");
    let said = place.sim("run --seeds 0..200 --most-failures 1 --case-dir found --wasm mine.wasm");
    assert_eq!(said.code, 1, "{}", said.err);
    format!("found/{}", place.list("found")[0])
}

fn as_written() {
    let place = Place::new();
    let case = found(&place);
    let said = place.sim(&format!(
        "replay {case} --wasm mine.wasm --emit-regression -"
    ));
    assert_eq!(said.code, 1, "{}", said.err);
    expect![[r##"
        /// `attempts_bounded`: attempts never exceed max_attempts (0 counts as 1).
        /// Expected no wait after attempt 1 of "r1", its last, found a timer for 0 ns.
        /// A test of the case `found/attempts_bounded-35b14c05eb89.json`, in which everything holds.
        #[test]
        fn attempts_bounded_35b14c05eb89() {
            let case = r#"{
          "format": "sim-case/1",
          "found_by": {"driver":"seed","seed":40,"faults":{"advance":10,"drop":10,"ok":4,"reorder":10,"terminal":4,"timer_early":40,"timer_late":40,"timer_status":40,"transient":37}},
          "world": {"manifest":"sha256:0a254f58436a538f44f37124e890820833309278621bad44f2e18e63323657cc","reducers":{"demo/RetrySM@1":"sha256:f458b20418d9fb79154f6dec77b0f8462baffe30c05a01676f4fdff08511905d"}},
          "requests": [
            {"name":"r1","schema":"demo/RetryEvent@1","value":{"start":{"base_delay_ms":0,"max_attempts":1,"now_ns":0,"payload":"","req_id":"r1"}}}
          ],
          "schedule": [
            {"start":"r1"},
            {"deliver":"WorkRequested","req_id":"r1"},
            {"step":"WorkPlan","req_id":"r1","answer":"transient"},
            {"deliver":"err","req_id":"r1"}
          ],
          "verdict": {"violated":"attempts_bounded"},
          "digest": "xxh3:473947c2fe2e2641119f3befa5e87966"
        }"#;
            sim::testing::usual_world()
                .wasm("mine.wasm")
                .check_case(case);
        }
    "##]].assert_eq(&said.out);
    // With a folder, and all that may be said of a world; beside the table.
    place.world();
    let said = place.sim(&format!(
        "replay {case} --world world --wasm demo/RetrySM@1=mine.wasm --expect restless \
        --leaks deny --emit-regression regression.rs"
    ));
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.out.contains("violates attempts_bounded"),
        "{}",
        said.out
    );
    assert_eq!(said.err, "test: regression.rs\n");
    let source = fs::read_to_string(place.path("regression.rs")).expect("it is written");
    let (_, world) = source.split_once("}\"#;\n").expect("it has its case");
    expect![[r#"
            sim::testing::world("world")
                .wasm_of("demo/RetrySM@1", "mine.wasm")
                .expect("restless")
                .deny_leaks()
                .check_case(case);
        }
    "#]]
    .assert_eq(world);
}

/// Whatever a case and its file are called, and whatever it says of itself.
const HOSTILE: &str = "\\\"# }\\n*/ \\\"## \u{202e}\\\\ #[test]";

fn red_then_green() {
    let place = Place::new();
    let case = found(&place);
    let hostile = CASE.replace(
        "\"found_by\"",
        &format!("\"about\":\"{HOSTILE}\",\"found_by\""),
    );
    place.write("match.json", &hostile);
    place.write("7 of\u{e4}.json", CASE);
    let of_a_test = CASE.replace("\"holds\"", "{\"violated\":\"mine_alone\"}");
    place.write("of-a-test.json", of_a_test);
    let mut long = CASE.replace(
        "\"format\"",
        &format!("\"about\":\"{}\",\"format\"", "x ".repeat(20_000)),
    );
    long.push('\n');
    place.write("of-some-length.json", long);
    let mut sources = Vec::new();
    for case in [
        &*case,
        "match.json",
        "7 of\u{e4}.json",
        "of-a-test.json",
        "of-some-length.json",
    ] {
        let arguments = [
            "replay",
            case,
            "--wasm",
            "mine.wasm",
            "--emit-regression",
            "-",
        ];
        let said = place.sim_of(&arguments, &[]);
        assert!(said.err.is_empty(), "{}", said.err);
        sources.push(said.out);
    }
    assert!(
        sources[4].len() < 2_000 && sources[4].contains("check_case_file"),
        "{}",
        sources[4]
    );
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let program = built(&place.path(""), &sources);
    let results = |out: &str| {
        let lines = out
            .lines()
            .filter(|line| line.starts_with("test ") && line.contains(" ... "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let (_, out) = ran(&program, &place.path(""));
    expect![[r#"
        test attempts_bounded_35b14c05eb89 ... FAILED
        test case_7_of ... ok
        test case_match ... ok
        test of_a_test ... FAILED
        test of_some_length ... ok"#]]
    .assert_eq(&results(&out));
    assert!(out.contains(">3    0     deliver err"), "{out}");
    let refused = "violated `mine_alone`, which is no property of this test: add it";
    assert!(out.contains(refused), "{out}");
    place.write("mine.wasm", retry_world::WASM);
    let (_, out) = ran(&program, &place.path(""));
    expect![[r#"
        test attempts_bounded_35b14c05eb89 ... ok
        test case_7_of ... ok
        test case_match ... ok
        test of_a_test ... FAILED
        test of_some_length ... ok"#]]
    .assert_eq(&results(&out));
}

fn refusals() {
    let place = Place::new();
    place.write("one.json", CASE);
    place.write("two.json", CASE);
    place.write("there.rs", "fn mine() {}");
    let mut said = String::new();
    for arguments in [
        "one.json --emit-regression there.rs",
        "one.json --emit-regression nowhere/new.rs",
        "one.json --emit-regression - --format json",
        "one.json two.json --emit-regression new.rs",
        "--emit-regression one.json",
        "one.json --emit-regression new.rs --step",
    ] {
        let refused = place.sim(&format!("replay {arguments}"));
        assert_eq!((refused.code, &*refused.out), (2, ""), "{arguments}");
        said.push_str(refused.err.lines().next().unwrap_or_default());
        said.push('\n');
    }
    expect![[r#"
        error: there.rs is there: a test is written as a new file
        error: cannot write nowhere/new.rs
        error: `--format` says what standard output is, and so does `-`
        error: `--html`, `--mermaid`, `--emit-regression` and `--step` are of one case, and several are given
        error: `--html`, `--mermaid`, `--emit-regression` and `--step` are of one case, and none is given
        error: the argument '--emit-regression <FILE>' cannot be used with '--step'
    "#]]
    .assert_eq(&said);
    assert_eq!(place.list(""), ["one.json", "there.rs", "two.json"]);
}
