//! `sim replay` and `sim check`.

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, absolute_root, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cases", "replay", replay),
        trial("cases", "replay_many", replay_many),
        trial("cases", "another_wasm", another_wasm),
        trial(
            "cases",
            "nothing_of_it_is_possible",
            nothing_of_it_is_possible,
        ),
        trial("cases", "check", check),
        trial("cases", "a_long_schedule", a_long_schedule),
        #[cfg(unix)]
        trial("cases", "others_may_read_them", others_may_read_them),
        trial(
            "cases",
            "stopped_before_the_other",
            stopped_before_the_other,
        ),
    ]
}

fn corpus(name: &str) -> String {
    absolute_root()
        .join("corpus")
        .join(format!("{name}.json"))
        .display()
        .to_string()
}

fn replay() {
    let said = Place::new().sim(&format!("replay {}", corpus("error-twice-in-one-wait")));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    expect![[r#"
        ROOT/corpus/error-twice-in-one-wait.json: holds
        The error of one attempt is delivered twice: the copy arrives in the wait that it began.
        turn  time  decision                          event                   state                     out
        0     0     start r1                          base_delay_ms 10,       new: anchor_ns 1000000,   WorkRequested of "r1"
                                                      max_attempts 3, now_ns  attempt 1, pc "Working"
                                                      1000000, payload
                                                      "do_work", req_id "r1"
        1     0     deliver WorkRequested of "r1"     payload "do_work"                                 begins WorkPlan of "r1"
        2     0     step WorkPlan of "r1": transient                                                    err of "r1"
        3     0     step WorkPlan of "r1"
        4     0     duplicate err of "r1"                                                               err of "r1" (number 2)
        5     0     deliver err of "r1"               message "try again",    pc "Working" → "Backoff"  timer of "r1", due 11 ms
                                                      transient true
        6     0     deliver err of "r1"               message "try again",    unchanged
                                                      transient true
        digest xxh3:9394e64b1c8e250f243cdfc43aba65b4
    "#]].assert_eq(&said.out);
}

/// One bad file among many is told, and the others are still replayed.
fn replay_many() {
    let cases = [
        corpus("done-at-the-first-try"),
        "nowhere.json".to_owned(),
        corpus("ok-after-failed"),
    ];
    let said = Place::new().sim(&format!("replay --brief {}", cases.join(" ")));
    assert_eq!(said.code, 2);
    expect![[r#"
        ROOT/corpus/done-at-the-first-try.json: holds
        digest xxh3:cbe9e0ffa33af00722221dcc5823ec7f
        ROOT/corpus/ok-after-failed.json: holds
        digest xxh3:702d2005cab6693e9de974f93e73f6e8
    "#]]
    .assert_eq(&said.out);
    expect![[r#"
        error: nowhere.json
          1: cannot read it
          2: No such file or directory (os error 2)
    "#]]
    .assert_eq(&said.err);
}

fn another_wasm() {
    let place = Place::new();
    place.planted("ok-after-failed");
    let case = corpus("ok-after-failed");
    let said = place.sim(&format!(
        "replay {case} --wasm ok-after-failed.wasm --brief"
    ));
    assert_eq!(said.code, 1);
    // The hash of the planted reducer is nobody's business here.
    let hash =
        sim::air::Hash::of(&std::fs::read(place.path("ok-after-failed.wasm")).expect("read"));
    expect![[r#"
        demo/RetrySM@1 runs ok-after-failed.wasm, given by hand (PLANTED)
        ROOT/corpus/ok-after-failed.json: violates terminal_absorbing
          terminal_absorbing at turn 5: after Done or Failed the request's events change nothing
            expected nothing: "r1" has ended as Failed
            found    nothing is asked for, and the state goes from Failed at attempt 1 to Done at attempt 1
        demo/RetrySM@1 was sha256:f2b55359e32304ca5c721a5927a691e592ecab64627a07ebb0e146b79bf86770 and is PLANTED
        when the case was written, it held
        the digest was xxh3:702d2005cab6693e9de974f93e73f6e8
        the world's own reducer differs at turn 5: `state` differs: pc is "Done" here, "Failed" there
        digest xxh3:5cebf0248491bccb1cbcace34ae62709
    "#]].assert_eq(&said.out.replace(&hash.to_string(), "PLANTED"));
}

fn nothing_of_it_is_possible() {
    let place = Place::new();
    let text = std::fs::read_to_string(corpus("done-at-the-first-try")).expect("it can be read");
    place.write(
        "odd.json",
        text.replace("{\"start\":\"r1\"}", "{\"start\":\"r9\"}"),
    );
    let said = place.sim("replay odd.json");
    assert_eq!(said.code, 4, "{}", said.out);
    assert!(said.out.contains("nothing ran"), "{}", said.out);
    let (head, _) = text.split_once("\"schedule\"").expect("it has one");
    place.write(
        "empty.json",
        format!("{head}\"schedule\": [], \"verdict\": \"holds\"}}"),
    );
    let said = place.sim("replay empty.json");
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
}

fn check() {
    let place = Place::new();
    place.world();
    let said = place.sim("check world");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    expect![[r#"
        defcap       demo/timer@1                 sha256:ce37df62ae6e2b899a7a75def8a7be035574cb89c83d5f6eb6c469aead4da7c0
        manifest     -                            sha256:5484b0b3ebfadc9fe6ff0a506e6e76de5bc0b3fd19517b49c498f7743d7411cc
        defmodule    demo/RetrySM@1               sha256:86104d5845345fc49446a33174f5773590097d42269d6baa4c74263f10c26edd
        defplan      demo/WorkPlan@1              sha256:d2fb585220b95855632efa92192478c5b42002e8148910b629c5f50ff4d53e43
        defpolicy    demo/allow-all@1             sha256:0c537fca0e10f6649ec81f7cc1751cd38ff3b41aea25766ef2645fc4eaa52e4a
        defschema    demo/StartWork@1             sha256:1296bdc2ae0e9d1194375d0e68e4a2a0d78f267be4f4b1096ed91b3dcef19f38
        defschema    demo/WorkRequested@1         sha256:8e2e5a8f4477efbf1670546e853d45b5475889fb579ab9b9fbbb1ef2b8a06536
        defschema    demo/WorkOk@1                sha256:2ecac22302b17bfe3c9f00196eaf664dc3565e99471b502002b1357bff2b6b27
        defschema    demo/WorkErr@1               sha256:21944d6bdf50346f4e031ec1348992ee63f42e10337056069ffe922a7e208dd4
        defschema    demo/RetryEvent@1            sha256:65b5aab4fb8068c603e997f037fc9d481a95621b2904af5f58b19ab077c1bed2
        defschema    demo/RetryState@1            sha256:416c1af245a3196cfa4301f3a266e784f952db0bcbc2c8645cfe87265ca1dea8
        demo/RetrySM@1: not pinned
        11 documents: all checks pass
    "#]].assert_eq(&said.out);
}

/// What is written down is followed to its end, however many turns a seed would have.
fn a_long_schedule() {
    let place = Place::new();
    let text = std::fs::read_to_string(corpus("done-at-the-first-try")).expect("it can be read");
    let start = "{\"start\":\"r1\"}";
    let many = vec![start; 200].join(",\n");
    place.write("long.json", text.replace(start, &many));
    let said = place.sim("replay long.json --format json");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("\"turns\":204,"), "{}", said.out);
    assert!(said.out.contains("\"skipped\":0,"), "{}", said.out);
}

/// A run that ends where it violates something is not told apart from one that goes on the same.
fn stopped_before_the_other() {
    let place = Place::new();
    place.planted("hidden-state");
    let said = place.sim(&format!(
        "replay {} --wasm hidden-state.wasm --brief",
        corpus("ok-after-failed")
    ));
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.out
            .contains("the world's own reducer does the same until here, and goes on"),
        "{}",
        said.out
    );
}

/// A case is for others, too.
#[cfg(unix)]
fn others_may_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.planted("attempt-limit-off-by-one");
    place.sim("run --seeds 0..20 --wasm attempt-limit-off-by-one.wasm --case-dir found");
    place.write("plain", "as any file is");
    let mode = |path: std::path::PathBuf| {
        let data = std::fs::metadata(path).expect("it is there");
        data.permissions().mode()
    };
    let case = format!("found/{}", place.list("found")[0]);
    assert_eq!(mode(place.path(&case)), mode(place.path("plain")));
}
