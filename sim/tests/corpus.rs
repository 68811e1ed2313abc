//! The cases of `corpus/`: the shipped reducer holds on each, and each catches what it is about.
//!
//! With `UPDATE_EXPECT=1` a case that holds is written anew, with the digest, the hashes and the
//! layout of today; the rest of it is a person's.

use std::fmt::Write;
use std::path::Path;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::air::{Source, load};
use sim::campaign::{Effort, Runner};
use sim::cases::{Case, CaseVerdict, Found, WorldHashes, store};
use sim::models;

use crate::support::{planted_world, retry_world, root, trial};

/// The cases of this repository. What else is in the folder, as what campaigns find goes there, is
/// replayed if it is of this world, and is no matter of the others.
const KEPT: [&str; 32] = [
    "answers-of-a-stranger",
    "answers-without-an-id",
    "copy-of-an-error-in-the-next-attempt",
    "crash-before-a-timer-is-set",
    "crash-before-an-error-is-in-the-journal",
    "crash-before-an-error-is-seen",
    "delays-at-the-end-of-time",
    "done-at-the-first-try",
    "empty-request-id",
    "error-dropped-and-redelivered",
    "error-twice-in-one-wait",
    "heals-after-silence-and-a-drop",
    "next-request-and-the-answers-of-the-last",
    "no-attempts-means-one",
    "numbers-above-32-bits",
    "ok-after-failed",
    "ok-in-the-wait",
    "restart-after-the-end",
    "second-start-in-an-attempt",
    "silence-and-a-late-answer",
    "start-of-another-request-in-a-wait",
    "terminal-error-at-once",
    "terminal-error-in-the-second-attempt",
    "timer-at-the-end-of-time",
    "timer-before-it-is-due",
    "timer-of-a-stranger",
    "timer-of-the-first-wait-in-the-second",
    "timer-that-could-not-be-had",
    "timer-that-nobody-set",
    "timer-twice-in-one-attempt",
    "timers-out-of-order",
    "waits-double-until-the-last-attempt",
];

pub fn trials() -> Vec<Trial> {
    let paths = store::list(&root("corpus")).expect("the corpus is there");
    let mut trials: Vec<Trial> = paths
        .into_iter()
        .map(|path| {
            let is_kept = KEPT.contains(&stem(&path).as_str());
            let is_foreign = !is_kept && !is_of_this_world(&path);
            let name = format!("corpus::{}", stem(&path));
            trial(name, move || holds(&path)).with_ignored_flag(is_foreign)
        })
        .collect();
    trials.push(trial("corpus_is_whole".to_owned(), is_whole));
    trials.push(trial("corpus_is_worth_keeping".to_owned(), worth_keeping));
    trials.push(trial(
        "null_in_a_case_is_a_value".to_owned(),
        null_is_a_value,
    ));
    trials
}

/// Whether a file is a case of the retry world.
fn is_of_this_world(path: &Path) -> bool {
    let air = &retry_world().air;
    store::read(path).is_ok_and(|case| case.bind(air).is_ok())
}

fn is_whole() {
    for name in KEPT {
        let path = root(&format!("corpus/{name}.json"));
        assert!(is_of_this_world(&path), "{name}");
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn holds(path: &Path) {
    let world = retry_world();
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    runner.set_effort(Effort::Thorough);
    let mut case = store::read(path).expect("it is a case");
    let scenario = case.bind(&world.air).expect("it is a case of this world");
    let checked = runner.replay(&scenario);
    assert_eq!(checked.violations, []);
    if case.verdict != Some(CaseVerdict::Holds) {
        // It was found on another reducer, and its digest is that run's. What that one did wrong
        // may be what made its last decisions possible.
        return;
    }
    assert!(
        checked.skipped.is_empty(),
        "not possible: decisions {:?}",
        checked.skipped
    );
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        case.world = WorldHashes::of(world);
        case.digest = Some(checked.digest.to_string());
        // Another trial may be reading it.
        let beside = path.with_extension("new");
        std::fs::write(&beside, case.to_text()).expect("it can be written");
        std::fs::rename(&beside, path).expect("it can be written");
    }
    assert_eq!(
        Some(checked.digest.to_string()),
        case.digest,
        "the trace is another"
    );
    let text = std::fs::read_to_string(path).expect("it can be read");
    assert_eq!(text, case.to_text(), "the layout is another");
}

/// The only value of a unit, and the plainest of an option, is written and read like any other.
fn null_is_a_value() {
    let documents = r#"[
        {"$kind": "defschema", "name": "t/Nothing@1", "type": {"unit": {}}},
        {"$kind": "manifest", "air_version": "1", "schemas": [{"name": "t/Nothing@1"}],
        "modules": [], "plans": [], "effects": [], "caps": [], "policies": []}]"#;
    let source = Source {
        file: "world.air.json".to_owned(),
        text: documents.to_owned(),
    };
    let air = load(&[source]).expect("it is a world");
    let text = r#"{"format": "sim-case/1", "found_by": {"driver": "hand"},
        "world": {"manifest": "", "reducers": {}}, "requests": [],
        "schedule": [{"inject": "t/Nothing@1", "value": null}]}"#;
    let case = Case::parse(text).expect("it is a case");
    assert_eq!(Case::parse(&case.to_text()).ok().as_ref(), Some(&case));
    let scenario = case.bind(&air).expect("it is a case of this world");
    let found = Found {
        about: None,
        found_by: case.found_by.clone(),
        world: case.world.clone(),
        judged: None,
    };
    assert_eq!(Case::new(&air, &scenario, found), case);
}

/// Which cases catch which planted bug. A bug that none catches asks for a case.
fn worth_keeping() {
    let read = |name: &str| store::read(&root(&format!("corpus/{name}.json")));
    let cases = KEPT.map(|name| (name.to_owned(), read(name).expect("it is a case")));
    let mut found = String::new();
    for (number, name) in planted::BUGS {
        let world = planted_world(*number);
        let model = models::of(&world);
        let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
        let mut catches = cases.iter().filter(|(_, case)| {
            let scenario = case.bind(&world.air).expect("it is a case of this world");
            runner.renew().expect("there is room for an instance");
            !runner.replay(&scenario).violations.is_empty()
        });
        let shown: Vec<&str> = catches
            .by_ref()
            .take(3)
            .map(|(name, _)| name.as_str())
            .collect();
        let more = catches.count();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let _ = writeln!(found, "{name}: {}{more}", shown.join(", "));
    }
    expect![[r#"
        attempt-limit-off-by-one: no-attempts-means-one, ok-after-failed, restart-after-the-end and 2 more
        exponent-off-by-one: answers-of-a-stranger, answers-without-an-id, copy-of-an-error-in-the-next-attempt and 21 more
        ok-after-failed: ok-after-failed
        err-counted-in-backoff: error-twice-in-one-wait
        any-timer-accepted: timer-of-a-stranger, timer-of-the-first-wait-in-the-second
        ok-of-another-request: answers-of-a-stranger, answers-without-an-id, next-request-and-the-answers-of-the-last
        backoff-wraps: delays-at-the-end-of-time
        second-start-resets: second-start-in-an-attempt
        timer-without-key: answers-of-a-stranger, answers-without-an-id, copy-of-an-error-in-the-next-attempt and 22 more
        restart-after-done: restart-after-the-end
        payload-lost-on-retry: answers-without-an-id, copy-of-an-error-in-the-next-attempt, crash-before-a-timer-is-set and 16 more
        attempt-counted-at-err: answers-of-a-stranger, answers-without-an-id, copy-of-an-error-in-the-next-attempt and 22 more
        state-grows: answers-of-a-stranger, answers-without-an-id, crash-before-a-timer-is-set and 14 more
        trap-in-backoff-stale: answers-of-a-stranger, error-twice-in-one-wait
        nat-truncated-to-32-bits: delays-at-the-end-of-time, numbers-above-32-bits
        two-timers: answers-of-a-stranger, answers-without-an-id, copy-of-an-error-in-the-next-attempt and 22 more
        wrong-req-id-in-intent: answers-of-a-stranger, answers-without-an-id, copy-of-an-error-in-the-next-attempt and 28 more
        loops-for-ever-on-terminal-err: terminal-error-at-once, terminal-error-in-the-second-attempt
        memory-hog: restart-after-the-end, second-start-in-an-attempt
        timer-status-error-ignored: timer-that-could-not-be-had
        hidden-state: 
        leaks: 
        timer-accepted-when-working: timer-that-nobody-set
        undeclared-effect-kind: answers-of-a-stranger, answers-without-an-id, copy-of-an-error-in-the-next-attempt and 22 more
        empty-req-id-matches-any: answers-without-an-id
        terminal-err-ignored: terminal-error-at-once, terminal-error-in-the-second-attempt
        ok-ignored-after-retry: copy-of-an-error-in-the-next-attempt, crash-before-a-timer-is-set, crash-before-an-error-is-in-the-journal and 9 more
        timer-timeout-ignored-at-last-wait: timer-that-could-not-be-had
        start-accepted-in-backoff: start-of-another-request-in-a-wait
        hidden-start: delays-at-the-end-of-time, next-request-and-the-answers-of-the-last
        terminal-err-retried: terminal-error-at-once, terminal-error-in-the-second-attempt
        ok-refused-in-later-wait: 
        start-after-failed-dropped: 
        timer-after-the-end: no-attempts-means-one, ok-after-failed, restart-after-the-end and 2 more
        work-after-the-end: copy-of-an-error-in-the-next-attempt, crash-before-a-timer-is-set, crash-before-an-error-is-in-the-journal and 14 more
        start-without-payload-dropped: empty-request-id
        start-above-i64-dropped: delays-at-the-end-of-time
        shift-wraps-at-32: 
        shift-wraps-at-64: 
        trap-at-attempt-28: 
        ids-without-case: 
        ids-by-prefix: 
        ids-trimmed: 
        ids-in-one-form: 
        ids-cut-to-64-bytes: 
        ids-by-hash: 
        ids-as-numbers: 
        ids-up-to-nul: 
        payload-cut-on-retry: 
        next-request-keeps-the-delay: delays-at-the-end-of-time
    "#]].assert_eq(&found);
}
