//! `sim diff`: what it says of two versions is so, of the machine that ships and of planted bugs.

use std::fs;

use libtest_mimic::Trial;

use super::{Place, Said, trial};
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("diffing", "itself", itself),
        trial("diffing", "another_delay", another_delay),
        trial("diffing", "another_effect", another_effect),
        trial("diffing", "a_trap", a_trap),
        trial("diffing", "other_words", other_words),
        trial("diffing", "folders_of_worlds", folders),
        trial("diffing", "other_documents", other_documents),
        trial("diffing", "jobs_do_not_matter", jobs),
        trial("diffing", "cases_show_it_again", cases),
        trial("diffing", "nothing_to_run", nothing),
        trial("diffing", "ended_early", ended_early),
        trial("diffing", "refusals", refusals),
    ]
}

/// The machine that ships, as `old.wasm`, and one with a planted bug, as `new.wasm`.
fn versions(bug: &str) -> Place {
    let place = Place::new();
    place.write("old.wasm", retry_world::WASM);
    place.planted(bug);
    fs::rename(place.path(&format!("{bug}.wasm")), place.path("new.wasm")).expect("it is there");
    place
}

fn diff(place: &Place, more: &str) -> Said {
    let said = place.sim(&format!("diff old.wasm new.wasm {more}"));
    assert!(said.code != 2, "{}", said.err);
    said
}

/// The lines that name a kind of difference.
fn kinds(said: &Said) -> Vec<&str> {
    let lines = said.out.lines().skip(2);
    let mut lines: Vec<&str> = lines.filter(|line| !line.starts_with([' ', '>'])).collect();
    lines.pop();
    lines
}

fn last(said: &Said) -> &str {
    said.out.lines().last().unwrap_or_default()
}

fn itself() {
    let place = Place::new();
    place.corpus();
    place.write("old.wasm", retry_world::WASM);
    place.write("new.wasm", retry_world::WASM);
    let said = diff(&place, "--seeds 0..300");
    assert_eq!((said.code, kinds(&said)), (0, vec![]), "{}", said.out);
    let cases = place.list("corpus").len();
    assert_eq!(last(&said), format!("equal within {} runs", 300 + cases));
    // The machine without any of its bugs is the same, in other wasm.
    place.write("new.wasm", retry_world::planted_wasm(0));
    let said = diff(&place, "--seeds 0..300");
    assert_eq!(last(&said), format!("equal within {} runs", 300 + cases));
}

/// That both sides have this in the turn that differs.
fn has(said: &Said, old: &str, new: &str) {
    for line in [format!("\n    old: {old}"), format!("\n    new: {new}")] {
        assert!(said.out.contains(&line), "{line}: {}", said.out);
    }
}

fn another_delay() {
    let said = diff(&versions("exponent-off-by-one"), "--seeds 0..200");
    assert_eq!(said.code, 1, "{}", said.err);
    let kind =
        "the new version asks for another effect of the same name: timer.set, in deliver_at_ns";
    assert_eq!(kinds(&said), [kind], "{}", said.out);
    has(&said, "effect timer.set ", "effect timer.set ");
    assert!(last(&said).starts_with("different: in "), "{}", said.out);
}

fn another_effect() {
    let said = diff(&versions("attempt-limit-off-by-one"), "--seeds 0..200");
    assert_eq!(said.code, 1, "{}", said.err);
    let kind = "the new version asks for one effect more: timer.set";
    assert_eq!(kinds(&said), [kind], "{}", said.out);
    has(&said, "nothing goes out of ", "effect timer.set ");
    assert!(
        said.out.contains(", has 2 decisions:\n"),
        "it is shortened: {}",
        said.out
    );
}

fn a_trap() {
    let place = versions("trap-in-backoff-stale");
    let said = diff(&place, "--seeds 0..200");
    let kind = "the new version alone refuses a step of demo/RetrySM@1";
    assert_eq!((said.code, kinds(&said)), (1, vec![kind]), "{}", said.out);
    assert!(said.out.contains("    new: refuses: "), "{}", said.out);
    // And the other way round.
    let said = place.sim("diff new.wasm old.wasm --seeds 0..200");
    let kind = "the old version alone refuses a step of demo/RetrySM@1";
    assert_eq!((said.code, kinds(&said)), (1, vec![kind]), "{}", said.out);
}

fn other_words() {
    let place = Place::new();
    place.write("old.wasm", retry_world::WASM);
    place.write("new.wasm", retry_world::planted_wasm(planted::OTHER_WORDS));
    let said = diff(&place, "--seeds 0..200");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(kinds(&said), ["only a state differs, of demo/RetrySM@1"]);
    let end = "equal in what goes out within 200 runs; states differ in ";
    assert!(last(&said).starts_with(end), "{}", said.out);
}

fn folders() {
    let place = versions("exponent-off-by-one");
    place.world();
    let by_wasm = diff(&place, "--seeds 0..50");
    for versions in ["world new.wasm", "old.wasm new.wasm --world world"] {
        let said = place.sim(&format!("diff {versions} --seeds 0..50"));
        assert_eq!(said.code, 1, "{}", said.err);
        assert_eq!(kinds(&said), kinds(&by_wasm));
        assert_eq!(last(&said), last(&by_wasm));
    }
    let said = place.sim("diff world world --seeds 0..50");
    assert_eq!((said.code, last(&said)), (0, "equal within 50 runs"));
}

/// Documents that are others: a gate that denies, and a world that has nothing of what is sent.
fn other_documents() {
    let place = Place::new();
    place.world();
    fs::rename(place.path("world"), place.path("old")).expect("it is there");
    place.world_with(
        "policies",
        "\"decision\": \"allow\"",
        "\"decision\": \"deny\"",
    );
    let said = place.sim("diff old world --seeds 0..50");
    let kind = "the new version asks for another effect of the same name: timer.set, in allowed";
    assert_eq!(
        (said.code, kinds(&said)),
        (1, vec![kind]),
        "{}{}",
        said.out,
        said.err
    );
    let lease = root("examples/lease");
    let said = place.sim(&format!("diff old {} --seeds 0..50", lease.display()));
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    let what = "the new version cannot take seed 0 of the old one";
    assert!(said.err.contains(what), "{}", said.err);
}

fn jobs() {
    let place = versions("attempt-limit-off-by-one");
    place.corpus();
    let one = diff(&place, "--seeds 0..300 --jobs 1");
    let four = diff(&place, "--seeds 0..300 --jobs 4");
    assert_eq!((one.code, &one.out), (four.code, &four.out));
    assert!(one.out.contains("corpus/"), "a case shows it: {}", one.out);
}

/// What is written shows the same kind again, as the one case of a corpus.
fn cases() {
    let place = versions("exponent-off-by-one");
    let said = diff(&place, "--seeds 0..100 --case-dir found");
    let names = place.list("found");
    assert_eq!(names.len(), kinds(&said).len(), "{}", said.out);
    let again = diff(&place, "--seeds 0..0 --corpus found");
    assert_eq!((again.code, kinds(&again)), (1, kinds(&said)));
    for name in names {
        let said = place.sim(&format!("replay found/{name} --wasm old.wasm --brief"));
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
}

fn nothing() {
    let place = versions("exponent-off-by-one");
    let said = diff(&place, "--seeds 3..3");
    assert_eq!((said.code, said.out.as_str()), (4, ""));
    // Cases of other worlds are left out of the usual folder, and said.
    place.write("corpus/other.json", "{}");
    let said = diff(&place, "--seeds 3..3");
    assert_eq!(said.code, 4);
    assert!(said.err.contains("left out 1 case"), "{}", said.err);
}

/// Where both end soon, little was compared: that is not called equal.
fn ended_early() {
    let place = Place::new();
    for (bug, code, end) in [
        // It is violated by nearly every start, and by few runs.
        (
            "wrong-req-id-in-intent",
            6,
            "100 runs: equal up to where they ended, ",
        ),
        ("ok-after-failed", 0, "equal within 100 runs"),
    ] {
        place.planted(bug);
        let said = place.sim(&format!("diff {bug}.wasm {bug}.wasm --seeds 0..100"));
        assert_eq!(said.code, code, "{}{}", said.out, said.err);
        assert!(last(&said).starts_with(end), "{}", said.out);
        let why = "ended where the old version violates a property: compared up to there\n";
        assert!(said.out.contains(why), "{}", said.out);
    }
}

fn refusals() {
    let place = versions("exponent-off-by-one");
    place.world();
    place.write("bad.wasm", "no wasm");
    place.write("cases/bad.json", "{}");
    for (arguments, what) in [
        ("old.wasm", "<NEW>"),
        ("old.wasm none.wasm", "error: no none.wasm here"),
        ("old.wasm bad.wasm", "error: the new version\n  1: bad.wasm"),
        ("old.wasm other=new.wasm", "there is no module `other`"),
        (
            "world new.wasm --world world",
            "world is the folder of a world",
        ),
        (
            "old.wasm new.wasm --seeds 9..1",
            "the range ends before it begins",
        ),
        ("old.wasm new.wasm --corpus none", "error: no folder none"),
        ("old.wasm new.wasm --corpus cases", "error: cases/bad.json"),
    ] {
        let said = place.sim(&format!("diff {arguments}"));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments}");
        assert!(said.err.contains(what), "{arguments}: {}", said.err);
    }
}
