//! `sim explore`, `sim selftest`, and the flags of `sim run` that look more closely.

use std::process::Command;
use std::time::Duration;

use expect_test::expect;
use libtest_mimic::Trial;

use super::shards::{begin, wait};
use super::{Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("exploring", "complete", complete),
        trial("exploring", "counterexample", counterexample),
        trial("exploring", "long_counterexample", long_counterexample),
        trial("exploring", "one_answer", one_answer),
        trial("exploring", "bounds", bounds),
        trial("exploring", "refusals", refusals),
        trial("exploring", "killed", killed),
        trial("exploring", "full_disk", full_disk),
        trial("exploring", "twice", twice),
        trial("exploring", "thorough", thorough),
        trial("exploring", "selftest", selftest),
    ]
}

fn complete() {
    let place = Place::new();
    let said = place.sim("explore --max-attempts 2 --duplicates 1 --drops 1 --spurious 0");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("transitions per second"), "{}", said.err);
    expect![[r#"
        21425 states, 37994 transitions, depth 280
          requests that are alike: 1000 states
          varied, one thing at a time, with one fault of each kind at most: 20425 states
            max_attempts 0; max_attempts 1; base_delay_ms 0; base_delay_ms 18446744073709551615; now_ns 9007199254740993; now_ns 18446744073709551615; payload ""; payload of 300 bytes; payload "{\"a:b\": 'c\\d'}"; req_id "a:b\"c\\d"; req_id ""; req_id of 300 bytes; the next request with req_id "R1"; the next request with req_id "a"; the next request with req_id "r1 "; the next request with req_id ""; the next request with payload "q"; the next request with payload ""; the next request with max_attempts 1; the next request with max_attempts 0; the next request with base_delay_ms 7; the next request with base_delay_ms 0; the next request with now_ns 5; 70 attempts that all fail
        states that differ by which of 2 requests is which are one
        sometimes: done_first_try, done_after_retry, done_in_backoff, failed_at_once, failed_by_exhaustion, failed_without_retry, next_request, second_start_ignored, end_absorbs, duplicate_ignored, stray_ignored, reordered, redelivered, timer_late, timer_twice_ignored, timer_out_of_order, timer_error_accepted, delay_saturated, attempt_past_32, attempt_past_64, long_id, near_case, near_space
        sometimes, of the documents: 20 of 20 seen
        sim run looks for reducers that remember earlier steps; this does so only in part
        complete: every schedule within these bounds holds: 2 requests, 2 attempts, 1 duplicate, 1 drop
    "#]].assert_eq(&said.out);
    let many = place.sim("explore --max-attempts 2 --duplicates 1 --drops 1 --spurious 0 --jobs 3");
    assert_eq!(many.out, said.out);
}

const WIDE: &str = "explore --alike --max-attempts 3 --duplicates 2 --spurious 0 --no-reduction";

/// Killed at odd moments and gone on with, it comes to the same. What is not of it is refused.
fn killed() {
    let place = Place::new();
    let calm = place.sim(WIDE);
    let resumed = format!("{WIDE} --checkpoint-dir kept --resume");
    let mut cut = 0;
    for round in 0..12 {
        let mut child = begin(&place, &resumed);
        wait(Duration::from_millis(150 + round * 97 % 700));
        let has_ended = child.try_wait().expect("it is a child").is_some();
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        cut += usize::from(!has_ended);
    }
    assert!(cut > 0, "none was killed");
    let said = place.sim(&resumed);
    assert_eq!((said.code, &said.out), (0, &calm.out), "{}", said.err);
    let said = place.sim(&resumed);
    assert_eq!((said.code, &said.out), (0, &calm.out), "{}", said.err);
    let mut found = String::new();
    for command in [
        format!("{WIDE} --checkpoint-dir kept"),
        format!("{resumed} --crashes 1"),
        format!("{WIDE} --resume"),
    ] {
        let said = place.sim(&command);
        assert_eq!((said.code, &*said.out), (2, ""), "{command}");
        found.extend(said.err.lines().take(2).map(|line| format!("{line}\n")));
    }
    expect![[r#"
        error: kept has an exploration already
        error: kept has another exploration: crashes is 0 there, and 1 here
        error: the following required arguments were not provided:
          --checkpoint-dir <DIR>
    "#]]
    .assert_eq(&found);
}

/// What cannot be written is named, and nothing is said to hold.
fn full_disk() {
    let place = Place::new();
    let sim = env!("CARGO_BIN_EXE_sim");
    let script = format!("trap '' XFSZ; ulimit -f 64; exec {sim} {WIDE} --checkpoint-dir kept");
    let said = Command::new("bash")
        .args(["-c", &script])
        .current_dir(place.path(""))
        .output()
        .expect("there is a shell");
    assert_eq!(said.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&said.stdout), "");
    let error = String::from_utf8_lossy(&said.stderr);
    expect![[r#"
        note: no folder air here: the built-in retry world
        error: what is not held in memory cannot be kept on disk, or read again
          1: kept/scene-1/keys-1
          2: File too large (os error 27)
    "#]]
    .assert_eq(&error);
}

/// It is longer than a run of a campaign, and its case replays all the same.
fn long_counterexample() {
    let place = Place::new();
    place.planted("shift-wraps-at-64");
    let explore = "explore --wasm shift-wraps-at-64.wasm --case-dir found";
    let said = place.sim(explore);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(
        said.out
            .contains("no shorter schedule than these 260 decisions"),
        "{}",
        said.out
    );
    let found = place.list("found");
    let replay = format!(
        "replay --brief found/{} --wasm shift-wraps-at-64.wasm",
        found[0]
    );
    assert_eq!(place.sim(&replay).code, 1);
}

/// What cannot happen within the bounds that were asked for is not asked of them.
fn one_answer() {
    let place = Place::new();
    for only in ["ok", "transient", "terminal"] {
        let said = place.sim(&format!(
            "explore --alike --only {only} --spurious 0 --requests 1"
        ));
        assert_eq!(said.code, 0, "{only}: {}", said.out);
    }
    let said = place.sim("explore --alike --requests 1 --most-states 100");
    assert_eq!(said.code, 6, "{}", said.out);
    assert!(said.out.contains("more with --most-states"), "{}", said.out);
}

fn counterexample() {
    let place = Place::new();
    place.planted("second-start-resets");
    let explore = "explore --spurious 1 --wasm second-start-resets.wasm --case-dir found";
    let said = place.sim(explore);
    assert_eq!(said.code, 1, "{}", said.err);
    let told = said.out.split_once('\n').expect("the wasm is told first").1;
    expect![[r#"
        84 states, 329 transitions, depth 1
        violation: no shorter schedule than these 2 decisions
          attempts_bounded at turn 1: attempts never exceed max_attempts (0 counts as 1)
            expected attempt 2 in the state: so many were requested
            found    attempt 1
          retry_waits at turn 1: attempt k+1 is requested when the k-th timer fires, and not before
            expected attempt 2 of "r1" only after 1 of its timers fired
            found    requested after 0
          stale_ignored at turn 1: events that are not awaited change nothing
            expected nothing: a request is under way
            found    WorkRequested of "r1", and the state stays Working at attempt 1
        turn  time  decision          event                           state              out                    verdict
        0     0     start r1          base_delay_ms 10 (any),         new: anchor_ns 0,  WorkRequested of "r1"
                                      max_attempts 3 (any), now_ns 0  attempt 1, pc
                                      (any), payload "p" (any),       "Working"
                                      req_id "r1"
        >1    0     start r1 (second  base_delay_ms 10 (any),         unchanged          WorkRequested of "r1"  attempts_bounded
                    start)            max_attempts 3 (any), now_ns 0                     (number 2)             retry_waits
                                      (any), payload "p" (any),                                                 stale_ignored
                                      req_id "r1"
          (any): the failure is the same with other values there, one at a time
        case:   found/attempts_bounded-96e596e0e509.json
        replay: cargo run --release -- replay found/attempts_bounded-96e596e0e509.json --wasm second-start-resets.wasm
    "#]].assert_eq(told);
    let found = place.list("found");
    let replay = format!("replay found/{} --wasm second-start-resets.wasm", found[0]);
    assert_eq!(place.sim(&replay).code, 1);
}

fn bounds() {
    let place = Place::new();
    let said = place.sim("explore --depth 4");
    assert_eq!(said.code, 6);
    let last = said.out.lines().last();
    assert_eq!(
        last,
        Some(
            "every schedule of 2 requests, 3 attempts, 1 duplicate, 1 spurious event and up to 4 \
            decisions holds; there are longer ones"
        )
    );
    let small = "explore --memory-mib 32 --requests 2 --duplicates 2 --drops 2 --spurious 2";
    let said = place.sim(small);
    assert_eq!(said.code, 6);
    assert!(
        said.out
            .contains("hint: choose smaller bounds, or more with --memory-mib"),
        "{}",
        said.out
    );
}

fn refusals() {
    let place = Place::new();
    let mut found = String::new();
    for command in [
        "explore --requests 0",
        "explore --requests 5",
        "explore --max-attempts 1001",
        "explore --duplicates 9",
        "explore --crashes 5",
        "explore --depth 0",
        "explore --memory-mib 31",
        "selftest --starts 0",
    ] {
        let said = place.sim(command);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{command}");
        found.push_str(said.err.lines().next().unwrap_or_default());
        found.push('\n');
    }
    expect![[r#"
        error: invalid value '0' for '--requests <N>': 0 is not in 1..=4
        error: invalid value '5' for '--requests <N>': 5 is not in 1..=4
        error: invalid value '1001' for '--max-attempts <N>': 1001 is not in 0..=1000
        error: invalid value '9' for '--duplicates <N>': 9 is not in 0..=8
        error: invalid value '5' for '--crashes <N>': 5 is not in 0..=4
        error: invalid value '0' for '--depth <N>': 0 is not in 1..=100000
        error: invalid value '31' for '--memory-mib <N>': 31 is not in 32..=1048576
        error: invalid value '0' for '--starts <N>': 0 is not in 1..=1000
    "#]]
    .assert_eq(&found);
}

/// What an instance remembers of the runs before shows in a second run on fresh ones.
fn twice() {
    let place = Place::new();
    let said = place.sim("run --twice --seeds 0..64");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(!said.out.contains("differs"), "{}", said.out);
    // With a chunk begun on fresh instances, a counter shows from one seed to the next.
    place.planted("leaks");
    for (leaks, code) in [("advise", 0), ("deny", 1)] {
        let run = format!("run --twice --seeds 0..64 --wasm leaks.wasm --leaks {leaks}");
        let said = place.sim(&format!("{run} --case-dir found"));
        assert_eq!(said.code, code, "a leak is no difference: {}", said.out);
    }
    place.planted("hidden-start");
    let said = place
        .sim("run --twice --seeds 0..64 --wasm hidden-start.wasm --no-shrink --case-dir found");
    assert_eq!(said.code, 3, "{}", said.out);
    let differs = |line: &&str| line.contains("its second run differs at turn");
    let first = said.out.lines().find(differs);
    assert!(
        first.is_some_and(|line| line.ends_with("differs")),
        "{}",
        said.out
    );
}

fn thorough() {
    let place = Place::new();
    let said = place.sim("run --thorough --seeds 0..8 --case-dir found");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!place.path("found").exists(), "nothing was found");
    let counts = |name: &str| {
        let line = said.out.lines().find(|line| line.starts_with(name));
        let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
        (words[1].to_owned(), words[2].to_owned())
    };
    let all = ("8".to_owned(), "0".to_owned());
    assert_eq!(counts("pure"), all);
    assert_eq!(counts("replays"), all);
}

fn selftest() {
    let place = Place::new();
    let said = place.sim("selftest --starts 1 --shrinks 0");
    assert_eq!(said.code, 0, "{}", said.out);
    let bugs = said.out.lines().take_while(|line| !line.is_empty()).count();
    assert!(bugs > planted::BUGS.len(), "a line for each, and the head");
    assert_eq!(said.out.matches(": noticed by ").count(), 6, "{}", said.out);
}
