//! `sim run`: its summary, what it says of a failure, and how it ends.

use std::process::Command;

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("campaigns", "summary", summary),
        trial("campaigns", "jobs_do_not_matter", jobs_do_not_matter),
        trial(
            "campaigns",
            "failures_are_told_apart",
            failures_are_told_apart,
        ),
        trial(
            "campaigns",
            "a_seed_alone_is_compared",
            a_seed_alone_is_compared,
        ),
        trial("campaigns", "little_address_space", little_address_space),
        trial("campaigns", "failure", failure),
        trial("campaigns", "cases_are_kept_apart", cases_are_kept_apart),
        trial("campaigns", "seeds", seeds),
        trial("campaigns", "nothing_ran", nothing_ran),
        trial("campaigns", "never_seen", never_seen),
        trial(
            "campaigns",
            "hidden_state_is_nondeterminism",
            hidden_state_is_nondeterminism,
        ),
        trial("campaigns", "other_worlds", other_worlds),
        trial(
            "campaigns",
            "exit_codes_are_documented",
            exit_codes_are_documented,
        ),
    ]
}

fn summary() {
    let said = Place::new().sim("run --seeds 0..200");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.err.contains("steps per second"), "{}", said.err);
    expect![[r#"
        200 seeds, 9392 turns, 4088 steps through demo/RetrySM@1
        8 runs had faults for as many turns as they may, and came to rest then

        decisions
          start      1014
          deliver    2643
          duplicate   362
          drop        111
          redeliver   111
          step       2563
          receipt       0
          fire       1006
          inject      539
          advance     486
          snapshot    509
          crash        48

        faults
          work answered transient   1008
          work answered terminal      46
          work silent                 43
          message reordered           93
          message duplicated         362
          message dropped            111
          message redelivered        111
          spurious event             545
          second start               704
          timer early                 54
          timer late                 386
          timer twice                209
          timer out of order           8
          timer error or timeout     119
          crash before the append     13
          crash after the append      13
          crash before dispatch       22
          recovery from a snapshot    19

        invariant           holds  not applicable  violated
        conforms              200               0         0
        bounded               200               0         0
        pure                   14             186         0
        replays                29             171         0
        intents_granted       139              61         0
        plans_succeed         200               0         0
        assertions              0             200         0
        attempts_bounded      200               0         0
        backoff_exact         139              61         0
        retry_waits           137              63         0
        terminal_absorbing     92             108         0
        outcome_justified     200               0         0
        one_timer             139              61         0
        intent_faithful       200               0         0
        stale_ignored         172              28         0
        contract_kept         200               0         0
        converges             200               0         0

        sometimes
          done_first_try         62
          done_after_retry       84
          done_in_backoff         8
          failed_at_once         26
          failed_by_exhaustion   88
          failed_without_retry   38
          next_request           87
          second_start_ignored  138
          restart_ignored        28
          end_absorbs            72
          duplicate_ignored      45
          stray_ignored          78
          reordered              22
          redelivered            63
          timer_early            26
          timer_late             76
          timer_twice_ignored    40
          timer_out_of_order      4
          timer_error_accepted   39
          delay_saturated        15
          crash_recovered         4
          snapshot_recovered      2
          crash_cut_short         2
          done_by_healing        77
          attempt_past_32         5
          attempt_past_64         4
          attempt_past_128        0
          attempt_past_256        0
          long_id                 2
          long_payload            5
          near_case              18
          near_prefix             9
          near_space              2
          near_form               1
          near_nul                6
          near_number             3
          near_hash               2
          near_long               1
          near_escape             1

        sometimes, of the documents: 20 of 20 seen

        (some must be seen only in campaigns of 2000 seeds or more)
        digest xxh3:0f5608d382dfd5e3c9ec52330111e9a3
        everything holds
    "#]]
    .assert_eq(&said.out);
}

fn jobs_do_not_matter() {
    for (bug, rest) in [
        ("any-timer-accepted", "--no-shrink"),
        ("state-grows", ""),
        ("restart-after-done", "--most-failures 3"),
    ] {
        let run = |jobs| {
            let place = Place::new();
            place.planted(bug);
            let run = format!("run --seeds 0..500 --wasm {bug}.wasm --case-dir found {rest}");
            let said = place.sim(&format!("{run} --jobs {jobs}"));
            (said.code, said.out, place.list("found"))
        };
        let one = run(1);
        assert_eq!(one.0, 1);
        for jobs in [2, 7] {
            assert_eq!(run(jobs), one, "{bug}, {jobs} jobs");
        }
    }
}

/// One campaign lists each failure once, with all that it violates, and a story that is no longer
/// than what was found; copies do not count.
fn failures_are_told_apart() {
    let place = Place::new();
    place.planted("restart-after-done");
    let run = "run --wasm restart-after-done.wasm --seeds 0..3000 --format json";
    let said = place.sim(&format!("{run} --case-dir found"));
    let events = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON"));
    let events: Vec<_> = events.collect();
    let shrunk = events.iter().filter(|event| event["event"] == "shrunk");
    let mut failures = Vec::new();
    for event in shrunk {
        assert!(
            event["decisions"].as_u64() <= event["decisions_before"].as_u64(),
            "{event}"
        );
        failures.push(event["signature"].as_str().expect("it is text").to_owned());
    }
    let told = failures.len();
    failures.sort();
    failures.dedup();
    assert_eq!(failures.len(), told, "each is told once");
    expect![[r#"
        attempts_bounded, retry_waits, terminal_absorbing, intent_faithful: start: Done to Working, WorkRequested
        attempts_bounded, retry_waits, terminal_absorbing: start: Done to Working, WorkRequested
        attempts_bounded, terminal_absorbing, intent_faithful: start: Done to Working, WorkRequested
        attempts_bounded, terminal_absorbing: start: Done to Working, WorkRequested"#]].assert_eq(&failures.join("\n"));
    // One campaign later all are known.
    let again = place.sim(&format!("{run} --case-dir found"));
    assert!(!again.out.contains("\"was_known\":false"));
    assert_eq!(again.out.matches("\"was_known\":true").count(), told);
}

/// A seed that is run by itself shows what a reducer remembers of other runs (unless it recovers
/// from a crash at once, which begins with fresh instances).
fn a_seed_alone_is_compared() {
    let place = Place::new();
    place.planted("hidden-state");
    for seed in [0, 3, 1_000] {
        let said = place.sim(&format!("run --wasm hidden-state.wasm --seed {seed}"));
        assert_eq!(said.code, 3, "{}", said.out);
        assert!(said.out.contains("differs at"), "{}", said.out);
    }
}

/// Where the pool of instances can't be reserved, the same is done without it.
#[cfg(unix)]
fn little_address_space() {
    const LIMIT_KIB: u64 = 64 << 20;
    let place = Place::new();
    let run = format!("{} run --seeds 0..20", env!("CARGO_BIN_EXE_sim"));
    let little = Command::new("sh")
        .current_dir(place.path(""))
        .args(["-c", &format!("ulimit -v {LIMIT_KIB} && {run} --jobs 1")])
        .output()
        .expect("the command can be run");
    let err = String::from_utf8_lossy(&little.stderr);
    assert_eq!(little.status.code(), Some(0), "{err}");
    let little = String::from_utf8_lossy(&little.stdout).into_owned();
    assert_eq!(little, place.sim("run --seeds 0..20").out);
}

#[cfg(not(unix))]
fn little_address_space() {}

fn failure() {
    let place = Place::new();
    place.planted("attempt-limit-off-by-one");
    let run = "run --wasm attempt-limit-off-by-one.wasm --case-dir found --most-failures 1";
    let said = place.sim(run);
    assert_eq!(said.code, 1);
    let told = said
        .out
        .split_once("violation")
        .expect("a violation is told")
        .1;
    let told = told.split_once("\n\n").expect("figures follow").0;
    expect![[r#"
        : seed 40
          seen in 252 runs
          attempts_bounded at turn 3: attempts never exceed max_attempts (0 counts as 1)
            expected no wait after attempt 1 of "r1", its last
            found    a timer for 0 ns
          faults: ok 4, transient 37, terminal 4, drop 10, advance 10, reorder 10, timer_early 40, timer_late 40, timer_status 40
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
        case:   found/attempts_bounded-35b14c05eb89.json
        replay: cargo run --release -- replay found/attempts_bounded-35b14c05eb89.json --wasm attempt-limit-off-by-one.wasm
        shrunk from 5 decisions to 4 in 162 attempts"#]].assert_eq(told);
    // It is the example of the README, which keeps cases in `corpus/`.
    for line in told.lines().take_while(|line| !line.is_empty()) {
        assert!(
            readme().contains(&line.replace("found/", "corpus/")),
            "README lacks {line:?}"
        );
    }
    // The command that it prints shows the same, without `cargo run --release --`.
    let command = told
        .lines()
        .find_map(|line| line.strip_prefix("replay: cargo run --release -- "));
    let replayed = place.sim(command.expect("a command is printed"));
    assert_eq!(replayed.code, 1);
    assert!(
        replayed.out.contains("violates attempts_bounded"),
        "{}",
        replayed.out
    );
    let digest = |text: &str| text.lines().last().map(str::to_owned);
    let case = std::fs::read_to_string(place.path(&format!("found/{}", place.list("found")[0])));
    let digest = digest(&replayed.out)
        .expect("a digest is printed")
        .replace("digest ", "");
    assert!(
        case.expect("it can be read").contains(&digest),
        "the digest is that of the run"
    );
}

/// Found again, a case is known; another one does not replace it.
fn cases_are_kept_apart() {
    let place = Place::new();
    place.planted("ok-of-another-request");
    let run = "run --wasm ok-of-another-request.wasm --case-dir found --no-shrink";
    place.sim(&format!("{run} --seeds 0..200"));
    let first = place.list("found");
    assert!(!first.is_empty());
    assert!(
        first
            .iter()
            .all(|name| name.starts_with("outcome_justified-")),
        "{first:?}"
    );
    // Whoever finds it, it is the same.
    for seeds in ["0..200", "0..201"] {
        let said = place.sim(&format!("{run} --seeds {seeds}"));
        for name in &first {
            let known = format!("case:   found/{name} (known before)");
            assert!(said.out.contains(&known), "{}", said.out);
        }
    }
    place.sim(&format!("{run} --seeds 200..400"));
    let both = place.list("found");
    assert!(both.len() > first.len() && first.iter().all(|name| both.contains(name)));
}

fn seeds() {
    let place = Place::new();
    let run = |seeds: &str| {
        let said = place.sim(&format!("run {seeds}"));
        assert_eq!(said.code, 0, "{seeds}: {}", said.err);
        said.out
    };
    let number = run("--seed 81985529216486895");
    assert!(number.starts_with("1 seed"), "{number}");
    let commit = run("--seed 0123456789abcdef0123456789abcdef01234567");
    assert_eq!(number, commit, "a commit id is its first 16 digits");
    assert_ne!(number, run("--seed 42"));
    assert_eq!(run("--seed 42"), run("--seeds 42..43"));
}

fn nothing_ran() {
    let said = Place::new().sim("run --seeds 5..5");
    assert_eq!((said.code, said.out.as_str()), (4, ""));
    expect![[r#"
        nothing ran: the range of seeds is empty
    "#]]
    .assert_eq(&said.err);
}

/// Runs that end before anything can be done.
fn never_seen() {
    let said = Place::new().sim("run --turns 5 --seeds 0..2000");
    assert_eq!(said.code, 5, "{}", said.err);
    let never = said
        .out
        .lines()
        .filter(|line| line.starts_with("never seen"));
    expect![[r#"
        never seen: timer_out_of_order: a timer fired before one that was due earlier
        never seen: attempt_past_32: a request had more than 32 attempts
        never seen: attempt_past_64: a request had more than 64 attempts
        never seen: attempt_past_128: a request had more than 128 attempts
        never seen: attempt_past_256: a request had more than 256 attempts
        never seen: near_number: an answer of a request whose id is the same number was ignored"#]]
    .assert_eq(&never.collect::<Vec<_>>().join("\n"));
}

/// What only the history of an instance explains cannot be replayed, and is told as that.
fn hidden_state_is_nondeterminism() {
    let place = Place::new();
    place.planted("hidden-state");
    let said = place.sim("run --wasm hidden-state.wasm --case-dir found --seeds 0..500");
    assert_eq!(said.code, 3, "{}", said.out);
    assert!(
        said.out.contains("a step is not a function of its input"),
        "{}",
        said.out
    );
}

/// A world that nobody described: its requests are made from its schemas.
fn other_worlds() {
    let place = Place::new();
    let http = super::absolute_root().join("sim/tests/fixtures/worlds/http");
    let said = place.sim(&format!("run --world {} --seeds 0..200", http.display()));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    place.world();
    for name in ["schemas", "module", "plans", "manifest"] {
        let path = place.path(&format!("world/{name}.air.json"));
        let text = std::fs::read_to_string(&path).expect("it can be read");
        std::fs::write(path, text.replace("demo/Retry", "my/Retry")).expect("it can be written");
    }
    place.write("mine.wasm", retry_world::WASM);
    let said = place.sim("run --world world --seeds 0..50");
    assert_eq!(said.code, 2);
    expect![[r#"
        error: no wasm for the reducer `my/RetrySM@1`: say which with `--wasm FILE`
    "#]]
    .assert_eq(&said.err);
}

fn exit_codes_are_documented() {
    let said = Place::new().sim("--help");
    assert_eq!(said.code, 0);
    let codes = said
        .out
        .split_once("Exit codes:")
        .expect("they are in the help")
        .1;
    assert_eq!(codes.lines().filter(|line| !line.is_empty()).count(), 9);
    assert_eq!(Place::new().sim("--version").code, 0);
    let path = super::absolute_root().join("docs/commands.md");
    let page = std::fs::read_to_string(path).expect("it can be read");
    for line in codes
        .lines()
        .filter_map(|line| line.trim().split_once("  "))
    {
        assert!(
            page.contains(&format!("| {} | {} |", line.0, line.1)),
            "the page lacks {line:?}"
        );
    }
}

fn readme() -> String {
    let path = super::absolute_root().join("README.md");
    std::fs::read_to_string(path).expect("it can be read")
}
