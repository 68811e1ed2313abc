//! `sim shrink`: what it prints, what it writes and where, and what it refuses.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::cases::{Case, store};

use super::{Place, absolute_root, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("shrinking", "shrink", shrink),
        trial("shrinking", "to_a_file", to_a_file),
        trial("shrinking", "a_start_of_nobody", a_start_of_nobody),
        trial("shrinking", "few_attempts", few_attempts),
        trial("shrinking", "statistics", statistics),
        trial("shrinking", "refusals", refusals),
    ]
}

/// A place with a planted reducer, and a case that a campaign of some seeds found on it.
fn place_of(bug: &str, seeds: &str) -> (Place, String) {
    let place = Place::new();
    place.planted(bug);
    let run = format!("run --wasm {bug}.wasm --case-dir found --seeds {seeds} --no-shrink");
    assert_eq!(place.sim(&run).code, 1);
    let case = format!("found/{}", place.list("found")[0]);
    (place, case)
}

fn place(bug: &str) -> (Place, String) {
    place_of(bug, "0..1")
}

fn read(place: &Place, name: &str) -> Case {
    store::read(&place.path(name)).expect("it is a case")
}

fn shrink() {
    let bug = "attempt-limit-off-by-one";
    let (place, case) = place(bug);
    let said = place.sim(&format!("shrink {case} --wasm {bug}.wasm"));
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    let told = said.out.split_once('\n').expect("the wasm is told first").1;
    expect![[r#"
        turn  time  decision                 event                   state              out                     verdict
        0     0     start r1                 base_delay_ms 0 (any),  new: anchor_ns 0,  WorkRequested of "r1"
                                             max_attempts 1, now_ns  attempt 1, pc
                                             0 (any), payload ""     "Working"
                                             (any), req_id "r1"
        1     0     deliver WorkRequested    payload ""                                 begins WorkPlan of
                    of "r1"                                                             "r1"
        2     0     step WorkPlan of "r1":                                              err of "r1"
                    transient
        >3    0     deliver err of "r1"      message "try again",    pc "Working" →     timer of "r1", due 0    attempts_bounded
                                             transient true          "Backoff"
          (any): the failure is the same with other values there, one at a time
          attempts_bounded at turn 3: attempts never exceed max_attempts (0 counts as 1)
            expected no wait after attempt 1 of "r1", its last
            found    a timer for 0 ns
        shrunk from 9 decisions to 4 in 197 attempts
        case:   found/attempts_bounded-35b14c05eb89.json
        replay: cargo run --release -- replay found/attempts_bounded-35b14c05eb89.json --wasm attempt-limit-off-by-one.wasm
    "#]].assert_eq(told);
    // It is the example of the README.
    let readme = std::fs::read_to_string(absolute_root().join("README.md")).expect("it is there");
    for line in told.lines().take_while(|line| !line.starts_with("  ")) {
        assert!(readme.contains(line), "README lacks {line:?}");
    }
    let mut names = place.list("found");
    names.retain(|name| format!("found/{name}") != case);
    let [shrunk] = &names[..] else {
        panic!("one case is written beside: {names:?}");
    };
    let (before, after) = (
        read(&place, &case),
        read(&place, &format!("found/{shrunk}")),
    );
    assert_eq!(after.found_by, before.found_by);
    assert_eq!(after.verdict, before.verdict);
    let replayed = place.sim(&format!("replay found/{shrunk} --wasm {bug}.wasm"));
    assert_eq!(replayed.code, 1, "{}", replayed.out);
    let digest = format!("digest {}", after.digest.expect("it was judged"));
    assert_eq!(replayed.out.lines().last(), Some(digest.as_str()));
    // Shrunk again there is nothing to gain, and the same file is the answer.
    let again = place.sim(&format!("shrink found/{shrunk} --wasm {bug}.wasm"));
    assert!(again.out.contains("from 4 decisions to 4"), "{}", again.out);
    assert_eq!(place.list("found").len(), 2);
}

/// A start that nobody sent becomes a request's, and what a request needs less for is found.
fn a_start_of_nobody() {
    let place = Place::new();
    place.planted("timer-accepted-when-working");
    let start = |id: &str| {
        format!(
            r#""value":{{"start":{{"base_delay_ms":0,"max_attempts":3,"now_ns":0,"payload":"",
                "req_id":"{id}"}}}}"#
        )
    };
    let case = format!(
        r#"{{"format": "sim-case/1", "found_by": {{"driver":"hand"}},
            "world": {{"manifest":"sha256:{hash}","reducers":{{}}}},
            "requests": [{{"name":"r1","schema":"demo/RetryEvent@1",{}}}],
            "schedule": [
                {{"inject":"demo/RetryEvent@1",{}}},
                {{"deliver":"WorkRequested","req_id":"do_work"}},
                {{"step":"WorkPlan","req_id":"do_work","answer":"transient"}},
                {{"deliver":"err","req_id":"do_work"}},
                {{"fire":"timer","req_id":"do_work","twice":true}},
                {{"fire":"timer","req_id":"do_work"}}
            ]}}"#,
        start("r1"),
        start("do_work"),
        hash = "0".repeat(64)
    );
    place.write("case.json", case);
    let said = place.sim("shrink case.json --wasm timer-accepted-when-working.wasm --out to.json");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.contains("from 6 decisions to 2"), "{}", said.out);
}

/// To a file, which may be the case itself.
fn to_a_file() {
    let bug = "second-start-resets";
    let (place, case) = place_of(bug, "0..10");
    let text = std::fs::read_to_string(place.path(&case)).expect("it can be read");
    let said = place.sim(&format!("shrink {case} --wasm {bug}.wasm --out short.json"));
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    assert_eq!(read(&place, "short.json").decision_count(), 2);
    place.write("itself.json", text);
    let said = place.sim(&format!(
        "shrink itself.json --wasm {bug}.wasm --out itself.json"
    ));
    assert_eq!(said.code, 1, "{}", said.err);
    assert_eq!(read(&place, "itself.json"), read(&place, "short.json"));
    // What is as short stays, and what is no case.
    let said = place.sim(&format!("shrink {case} --wasm {bug}.wasm --out short.json"));
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("as short: it stays"), "{}", said.err);
    place.write("notes.json", "somebody's");
    let said = place.sim(&format!("shrink {case} --wasm {bug}.wasm --out notes.json"));
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("is no case, and is not written over"),
        "{}",
        said.err
    );
    let notes = std::fs::read_to_string(place.path("notes.json"));
    assert_eq!(notes.expect("it is there"), "somebody's");
}

/// What is found with few attempts is written, fails, and can be shrunk further.
fn few_attempts() {
    let bug = "attempt-limit-off-by-one";
    let (place, case) = place(bug);
    let shrink = |from: &str, attempts: u32, to: &str| {
        let said = place.sim(&format!(
            "shrink {from} --wasm {bug}.wasm --attempts {attempts} --out {to}"
        ));
        assert_eq!(said.code, 1, "{}", said.err);
        let exhausted = said
            .out
            .contains("more may shrink it further (`sim shrink --attempts`)");
        (exhausted, read(&place, to).decision_count())
    };
    let before = read(&place, &case).decision_count();
    assert_eq!(shrink(&case, 1, "one.json"), (true, before));
    let (exhausted, some) = shrink("one.json", 30, "some.json");
    assert!(exhausted && 4 < some && some < before, "{some} of {before}");
    assert_eq!(shrink("some.json", 2_000, "all.json"), (false, 4));
}

/// What each pass did comes after the result, which is the same with it.
fn statistics() {
    let bug = "attempt-limit-off-by-one";
    let (place, case) = place(bug);
    let shrink = format!("shrink {case} --wasm {bug}.wasm --out short.json");
    let without = place.sim(&shrink).out;
    std::fs::remove_file(place.path("short.json")).expect("it was written");
    let said = place.sim(&format!("{shrink} --stats"));
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    let table = said.out.strip_prefix(&without);
    expect![[r#"
        pass                   attempts  improvements  decisions removed
        delete_groups                 0             0                  0
        plain_numbers_of_long         0             0                  0
        delete_chunks                50             3                  3
        delete_requests              13             3                  0
        simplify_decisions            8             2                  2
        delete_returns                0             0                  0
        simplify_values               5             3                  0
        delete_windows                3             0                  0
        delete_pairs                  3             0                  0
        tell_otherwise              108             0                  0
        lower_numbers                 0             0                  0
        delete_rounds                 5             0                  0
        copy_later                    0             0                  0
        delete_triples                2             0                  0
    "#]]
    .assert_eq(table.expect("the result comes first"));
}

fn refusals() {
    let (place, case) = place("attempt-limit-off-by-one");
    let holds = absolute_root().join("corpus/ok-after-failed.json");
    let mut found = String::new();
    for command in [
        format!("shrink {case}"),
        format!("shrink {}", holds.display()),
        "shrink nowhere.json".to_owned(),
        format!("shrink {case} --attempts 0"),
        format!("shrink {case} --attempts 10000001"),
    ] {
        let said = place.sim(&command);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
        found.push_str(&said.err);
    }
    expect![[r#"
        error: found/attempts_bounded-3e8ab9160e88.json
          1: it does not fail on this world: nothing to shrink
        hint: it violated attempts_bounded on another reducer: give that one with `--wasm FILE`, or replay it to see what changed
        error: ROOT/corpus/ok-after-failed.json
          1: it does not fail on this world: nothing to shrink
        hint: it held when it was written, too: shrink one that fails
        error: nowhere.json
          1: cannot read it
          2: No such file or directory (os error 2)
        error: invalid value '0' for '--attempts <N>': 0 is not in 1..=10000000

        For more information, try '--help'.
        error: invalid value '10000001' for '--attempts <N>': 10000001 is not in 1..=10000000

        For more information, try '--help'.
    "#]].assert_eq(&found);
    // The name of the temporary file that cannot be made is another each time.
    let said = place.sim(&format!(
        "shrink {case} --wasm attempt-limit-off-by-one.wasm --out {case}/where.json"
    ));
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    let cannot = format!("error: cannot write the shrunk case in {case}\n");
    assert!(said.err.starts_with(&cannot), "{}", said.err);
    assert_eq!(place.list("found").len(), 1, "nothing is written");
}
