//! Diagrams for pull requests: one of the corpus, whole; where they go.

use std::fs;

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("diagrams", "of_a_case", of_a_case),
        trial("diagrams", "a_bug", a_bug),
        trial("diagrams", "where_they_go", where_they_go),
    ]
}

fn of_a_case() {
    let place = Place::new();
    place.corpus();
    let said = place.sim("replay corpus/timer-of-the-first-wait-in-the-second.json --mermaid");
    assert_eq!((said.code, &*said.err), (0, ""));
    expect![[r#"
        sequenceDiagram
            participant p0 as client
            participant p1 as RetrySM
            participant p2 as WorkPlan
            participant p3 as timer
            participant p4 as timer 2
            p0->>p1: 0 start r1
            Note over p1: new#58; anchor_ns 1000000, attempt 1, pc #34;Working#34;
            p1->>p2: 1 deliver WorkRequested of #34;r1#34;, sent in 0
            Note over p2: 2 step WorkPlan of #34;r1#34;#58; transient
            Note over p2: 3 step WorkPlan of #34;r1#34;
            p2->>p1: 4 deliver err of #34;r1#34;, sent in 2
            Note over p1: pc #34;Working#34; → #34;Backoff#34;
            p1->>p3: timer of #34;r1#34;, due 11 ms
            p3->>p1: 5 fire timer of #34;r1#34;, may fire again
            Note over p1: attempt 1 → 2, pc #34;Backoff#34; → #34;Working#34;
            p1->>p2: 6 deliver WorkRequested of #34;r1#34;, sent in 5
            Note over p2: 7 step WorkPlan of #34;r1#34;#58; transient
            Note over p2: 8 step WorkPlan of #34;r1#34;
            p2->>p1: 9 deliver err of #34;r1#34;, sent in 7
            Note over p1: pc #34;Working#34; → #34;Backoff#34;
            p1->>p4: timer of #34;r1#34; (number 2), due 21 ms
            p3-->>p1: 10 fire timer of #34;r1#34; (twice)
    "#]]
    .assert_eq(&said.out);
}

/// The turn that is wrong is marked, and says what is wrong.
fn a_bug() {
    let place = Place::new();
    place.planted("attempt-limit-off-by-one");
    let wasm = "--wasm attempt-limit-off-by-one.wasm";
    let run = format!("run --seeds 0..200 --most-failures 1 --case-dir found {wasm}");
    assert_eq!(place.sim(&run).code, 1);
    let said = place.sim(&format!("replay found {wasm} --mermaid"));
    assert_eq!((said.code, &*said.err), (1, ""));
    let (_, wrong) = said.out.split_once("    rect ").expect("a turn is marked");
    expect![[r#"
        rgba(255, 0, 0, 0.12)
            p2->>p1: 3 deliver err of #34;r1#34;, sent in 2
            Note over p1: pc #34;Working#34; → #34;Backoff#34;
            p1->>p3: timer of #34;r1#34;, due 0
            Note over p0,p3: violates attempts_bounded
            Note over p0,p3: expected no wait after attempt 1 of #34;r1#34;, its last
            Note over p0,p3: found a timer for 0 ns
            end
    "#]]
    .assert_eq(wrong);
}

fn where_they_go() {
    let place = Place::new();
    place.write("one.json", super::CASE);
    place.write("mine.txt", "mine");
    let to_output = place.sim("replay one.json --mermaid -").out;
    assert!(to_output.starts_with("sequenceDiagram\n"), "{to_output}");
    // Over another one, too.
    for _ in 0..2 {
        let said = place.sim("replay one.json --mermaid one.mmd");
        assert_eq!((said.code, &*said.err), (0, "diagram: one.mmd\n"));
        assert!(said.out.starts_with("one.json: holds\n"), "{}", said.out);
    }
    let written = fs::read_to_string(place.path("one.mmd")).expect("it is written");
    assert_eq!(written, to_output);
    let mut said = String::new();
    for arguments in [
        "one.json --mermaid mine.txt",
        "--mermaid one.json",
        "one.json --mermaid --format json",
        "one.json --mermaid - --emit-regression -",
        "one.json --html page --mermaid page",
        "one.json --mermaid nowhere/one.mmd",
    ] {
        let refused = place.sim(&format!("replay {arguments}"));
        assert_eq!((refused.code, &*refused.out), (2, ""), "{arguments}");
        said.push_str(refused.err.lines().next().unwrap_or_default());
        said.push('\n');
    }
    expect![[r#"
        error: mine.txt is there and is no diagram: remove it, or choose another place
        error: `--html`, `--mermaid`, `--emit-regression` and `--step` are of one case, and none is given
        error: `--format` says what standard output is, and so does `-`
        error: only one thing can be written to -
        error: only one thing can be written to page
        error: cannot write nowhere/one.mmd
    "#]].assert_eq(&said);
    assert_eq!(place.list(""), ["mine.txt", "one.json", "one.mmd"]);
}
