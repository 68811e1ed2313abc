//! Fields that don't matter to a failure: found when it is shrunk or explored, and shown by replays.

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};
use sim::cases::{Case, store};
use sim::marks::Marks;

use super::{Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("marks", "shrunk_and_replayed", shrunk_and_replayed),
        trial("marks", "of_the_explorer", of_the_explorer),
        trial("marks", "of_decisions", of_decisions),
    ]
}

const BUG: &str = "attempt-limit-off-by-one";

/// What each of these fields is does not matter: only that the one attempt is the last.
const ANY: [&str; 3] = [
    "/requests/0/value/start/now_ns",
    "/requests/0/value/start/payload",
    "/requests/0/value/start/base_delay_ms",
];

fn read(place: &Place, name: &str) -> Case {
    store::read(&place.path(name)).expect("it is a case")
}

/// The events of a kind among lines of JSON.
fn events(out: &str, kind: &str) -> Vec<Json> {
    let lines = out.lines().map(serde_json::from_str);
    let events: Vec<Json> = lines.map(|line| line.expect("it is JSON")).collect();
    let is_of = |event: &Json| event["event"] == kind;
    events.into_iter().filter(is_of).collect()
}

fn shrunk_and_replayed() {
    let place = Place::new();
    place.planted(BUG);
    let run = format!("run --wasm {BUG}.wasm --case-dir found --seeds 0..1 --format json");
    let said = place.sim(&run);
    assert_eq!(said.code, 1, "{}", said.err);
    let [shrunk] = &events(&said.out, "shrunk")[..] else {
        panic!("{}", said.out);
    };
    assert_eq!(shrunk["any"], json!(ANY));
    let [name] = &place.list("found")[..] else {
        panic!("one case is written");
    };
    let name = format!("found/{name}");
    let case = read(&place, &name);
    assert_eq!(case.marks().pointers(), ANY);

    let replay = format!("replay {name} --wasm {BUG}.wasm");
    let said = place.sim(&format!("{replay} --html page.html"));
    assert_eq!(said.code, 1, "{}", said.err);
    assert_eq!(said.out.matches("(any)").count(), 4, "{}", said.out);
    assert!(said.out.contains("\n  (any): the failure"), "{}", said.out);
    let page = std::fs::read_to_string(place.path("page.html")).expect("it is written");
    assert!(
        page.contains(r#"\"max_attempts\":1,\"now_ns\":0 (any)"#),
        "{page}"
    );
    assert!(page.contains("(any): the failure"), "{page}");
    let done = events(
        &place.sim(&format!("{replay} --format json")).out,
        "case_done",
    );
    assert_eq!(done[0]["any"], json!(ANY));

    // Without marks it is the same case, under the same name; shrunk again it stays as it is, and
    // is marked only where that file is named.
    let plain = case.clone().with_marks(&Marks::default()).to_text();
    place.write(&name, &plain);
    let said = place.sim(&replay);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(!said.out.contains("(any)"), "{}", said.out);
    let shrink = format!("shrink {name} --wasm {BUG}.wasm");
    assert!(place.sim(&shrink).out.contains("(known before)"));
    assert_eq!(read(&place, &name).to_text(), plain);
    let said = place.sim(&format!("{shrink} --out {name}"));
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    assert_eq!(read(&place, &name), case);
    assert_eq!(place.list("found").len(), 1);
}

fn of_the_explorer() {
    let place = Place::new();
    place.planted(BUG);
    let explore = format!("explore --max-attempts 1 --wasm {BUG}.wasm --case-dir found");
    let said = place.sim(&explore);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.contains("\n  (any): the failure"), "{}", said.out);
    let case = read(&place, &format!("found/{}", place.list("found")[0]));
    let marks = case.marks().pointers();
    assert!(marks.contains(&ANY[1].to_owned()), "{marks:?}");
    assert!(!marks.iter().any(|place| place.ends_with("max_attempts")));
}

/// Marks of decisions are shown where they are taken, also after others that were skipped.
fn of_decisions() {
    let place = Place::new();
    place.write(
        "case.json",
        r#"{"format":"sim-case/1","found_by":{"driver":"hand"},"world":{"manifest":"","reducers":{}},
        "requests":[],
        "schedule":[
          {"inject":"demo/RetryEvent@1","value":{"err":{"message":"m","req_id":"r1","transient":true}}},
          {"deliver":"ok","req_id":"r1"},
          {"inject":"demo/RetryEvent@1","value":{"err":{"message":"m","req_id":"r1","transient":true}},
           "any":["/err/message"]},
          {"inject":"demo/RetryEvent@1","value":{"ok":{"req_id":"r1"}},"any":["/ok/req_id"]}
        ]}"#,
    );
    let said = place.sim("replay case.json");
    assert_eq!(said.code, 0, "{}", said.err);
    let at = |turn: usize, text: &str| {
        let row = said
            .out
            .lines()
            .skip_while(|line| !line.starts_with(&turn.to_string()));
        let row = row.take_while(|line| !line.starts_with(&(turn + 1).to_string()));
        row.collect::<Vec<_>>().join(" ").contains(text)
    };
    assert!(!at(0, "(any)"), "{}", said.out);
    assert!(at(1, "(any)"), "{}", said.out);
    assert!(at(2, "(any)"), "{}", said.out);
}
