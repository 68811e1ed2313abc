//! `--format`, annotations and colours: what machines read of a campaign and a replay.

use std::collections::BTreeSet;

use expect_test::expect;
use libtest_mimic::Trial;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;

use super::{Place, Said, absolute_root, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("formats", "json", json),
        trial("formats", "json_of_a_replay", json_of_a_replay),
        trial(
            "formats",
            "every_field_is_documented",
            every_field_is_documented,
        ),
        trial("formats", "jobs_do_not_matter", jobs_do_not_matter),
        trial("formats", "junit", junit),
        trial("formats", "junit_of_a_replay", junit_of_a_replay),
        trial("formats", "annotations", annotations),
        trial("formats", "colours", colours),
    ]
}

const BUG: &str = "attempt-limit-off-by-one";

/// A campaign of a planted bug.
fn campaign(place: &Place, arguments: &str) -> Said {
    place.planted(BUG);
    place.sim(&format!(
        "run --seeds 0..20 --most-failures 2 --wasm {BUG}.wasm --case-dir found {arguments}"
    ))
}

fn lines(said: &Said) -> Vec<Value> {
    let lines = said.out.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().expect("it has a kind"))
        .collect()
}

fn json() {
    let said = campaign(&Place::new(), "--format json");
    assert_eq!(said.code, 1);
    let events = lines(&said);
    let kinds = kinds(&events);
    assert_eq!(kinds[0], "started");
    assert_eq!(kinds[1..21], ["seed_done"; 20]);
    assert_eq!(kinds[21..], ["violation", "shrunk", "finished"]);
    assert_eq!(events[0]["schema"], 2);
    let [found, shrunk] = [&events[21], &events[22]];
    assert_eq!(shrunk["violations"][0]["invariant"], "attempts_bounded");
    assert_eq!(found["case"], Value::Null);
    assert_eq!(found["signature"], shrunk["signature"]);
    assert_eq!(events[23]["failures"][0]["signature"], found["signature"]);
    assert_eq!(events[23]["failures"][0]["case"], shrunk["case"]["file"]);
    // The verdicts of the seeds are those of the figures.
    let violated = events
        .iter()
        .filter(|event| event["is_violated"] == true)
        .count();
    let last = events.last().expect("there is a last one");
    assert_eq!(last["exit_code"], 1);
    assert_eq!(last["seeds"], 20);
    assert_eq!(last["invariants"]["attempts_bounded"]["violated"], violated);
    assert_eq!(found["runs"], violated, "one failure, seen so often");
    let turns = events.iter().filter_map(|event| event["turns"].as_u64());
    // Those of the seeds, and their sum in the last event.
    assert_eq!(
        Some(turns.sum::<u64>()),
        last["turns"].as_u64().map(|sum| 2 * sum)
    );
}

fn json_of_a_replay() {
    let corpus = absolute_root().join("corpus");
    let said = Place::new().sim(&format!(
        "replay --format json {} {}",
        corpus.join("ok-after-failed.json").display(),
        corpus.join("done-at-the-first-try.json").display(),
    ));
    assert_eq!(said.code, 0);
    let events = lines(&said);
    assert_eq!(
        kinds(&events),
        ["started", "case_done", "case_done", "finished"]
    );
    assert_eq!(events[0]["cases"], 2);
    assert_eq!(events[1]["digest"], "xxh3:702d2005cab6693e9de974f93e73f6e8");
    assert_eq!(events[3]["exit"], "everything holds");
}

/// What `docs/events.md` does not name is not in the schema.
fn every_field_is_documented() {
    let page = absolute_root().join("docs/events.md");
    let page = std::fs::read_to_string(page).expect("it can be read");
    let place = Place::new();
    let mut events = lines(&campaign(&place, "--format json"));
    let case = events[22]["case"]["file"]
        .as_str()
        .expect("it has a case")
        .to_owned();
    let replay = format!("replay {case} nowhere.json --format json --wasm {BUG}.wasm");
    let replay = place.sim(&replay);
    assert_eq!(replay.code, 2);
    events.extend(lines(&replay));
    place.planted("hidden-state");
    events.extend(lines(&place.sim(
        "run --seeds 0..200 --twice --wasm hidden-state.wasm --case-dir found --format json",
    )));
    let why = format!("why {case} --continuations 10 --format json --wasm {BUG}.wasm");
    events.extend(lines(&place.sim(&why)));
    let kinds: BTreeSet<&str> = kinds(&events).into_iter().collect();
    assert_eq!(kinds.len(), 9, "each kind of event was seen: {kinds:?}");
    for event in &events {
        let kind = event["event"].as_str().expect("it has a kind");
        let head = format!("## `{kind}`");
        let section = page
            .split_once(&head)
            .unwrap_or_else(|| panic!("no {head}"))
            .1;
        let section = section.split("\n## ").next().unwrap_or_default();
        for field in event.as_object().expect("it has fields").keys() {
            let named = section.contains(&format!("| `{field}` |"));
            assert!(named || field == "event", "{head} lacks `{field}`");
        }
    }
}

fn jobs_do_not_matter() {
    for form in ["json", "junit"] {
        let said = ["--jobs 1", "--jobs 3"].map(|jobs| {
            let place = Place::new();
            let said = campaign(&place, &format!("--format {form} --html pages {jobs}"));
            let pages = place.list("pages").into_iter().map(|name| {
                let page = std::fs::read(place.path(&format!("pages/{name}")));
                (name, page.expect("it can be read"))
            });
            (said.out, pages.collect::<Vec<_>>())
        });
        assert!(said[0].1.len() == 2, "an index and a failure");
        assert!(said[0] == said[1], "{form} or the pages differ");
    }
}

fn junit() {
    let said = campaign(&Place::new(), "--format junit");
    assert_eq!(said.code, 1);
    let report = Report::deserialize_from_str(&said.out).expect("it is a JUnit report");
    let suite = &report.test_suites[0];
    assert_eq!((report.failures, suite.failures), (1, 1));
    let status = |name: &str| {
        let mut cases = suite.test_cases.iter();
        let case = cases.find(|case| case.name.as_str() == name);
        &case.unwrap_or_else(|| panic!("{name} is a test")).status
    };
    assert!(matches!(status("conforms"), TestCaseStatus::Success { .. }));
    // Of so few seeds no `sometimes` is asked, and what is not asked is no pass.
    assert!(matches!(
        status("done_after_retry"),
        TestCaseStatus::Skipped { .. }
    ));
    let TestCaseStatus::NonSuccess {
        kind, description, ..
    } = status("attempts_bounded")
    else {
        panic!("it failed");
    };
    assert_eq!(*kind, NonSuccessKind::Failure);
    let text = description.as_ref().expect("it has a text").as_str();
    assert!(
        text.contains(
            "replay: cargo run --release -- replay found/attempts_bounded-35b14c05eb89.json"
        ),
        "{text}"
    );
    assert!(text.contains("expected no wait after attempt 1"), "{text}");
}

fn junit_of_a_replay() {
    let place = Place::new();
    campaign(&place, "");
    let name = place.list("found").remove(0);
    let said = place.sim(&format!(
        "replay found/{name} nowhere.json --wasm {BUG}.wasm --format junit"
    ));
    let report = Report::deserialize_from_str(&said.out).expect("it is a JUnit report");
    let cases = &report.test_suites[0].test_cases;
    assert_eq!(cases[0].name.as_str(), format!("found/{name}"));
    assert!(matches!(cases[0].status, TestCaseStatus::NonSuccess { .. }));
    let TestCaseStatus::NonSuccess {
        kind, description, ..
    } = &cases[1].status
    else {
        panic!("there is no such file");
    };
    assert_eq!(*kind, NonSuccessKind::Error);
    let text = description.as_ref().expect("it has a text").as_str();
    assert!(text.contains("cannot read it"), "{text}");
}

fn annotations() {
    let place = Place::new();
    place.planted(BUG);
    let run = format!("run --seeds 0..20 --most-failures 2 --wasm {BUG}.wasm --case-dir found");
    let said = place.sim_with(&run, &[("GITHUB_ACTIONS", "true")]);
    let told: Vec<&str> = said
        .err
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    expect![[r#"::error file=found/attempts_bounded-35b14c05eb89.json,title=attempts_bounded::seed 0, turn 3: attempts never exceed max_attempts (0 counts as 1)%0Aexpected no wait after attempt 1 of "r1", its last%0Afound a timer for 0 ns%0Areplay: cargo run --release -- replay found/attempts_bounded-35b14c05eb89.json --wasm attempt-limit-off-by-one.wasm"#]]
    .assert_eq(&told.join("\n"));
    // Standard output is as it is elsewhere.
    let elsewhere = Place::new();
    elsewhere.planted(BUG);
    assert_eq!(said.out, elsewhere.sim(&run).out);
}

/// Colours are where they are asked for, and escapes nowhere else.
fn colours() {
    let place = Place::new();
    let case = absolute_root().join("corpus/ok-after-failed.json");
    let replay = format!("replay --brief {}", case.display());
    assert!(!place.sim(&replay).out.contains('\x1b'));
    let always = format!("{replay} --color always");
    assert!(
        place.sim(&always).out.contains("\x1b[32m"),
        "a verdict is green"
    );
    let forced = [("CLICOLOR_FORCE", "1")];
    assert!(place.sim_with(&replay, &forced).out.contains('\x1b'));
    let refused = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    assert!(
        !place
            .sim_with(&format!("{replay} --color never"), &refused)
            .out
            .contains('\x1b')
    );
}
