//! Bugs that a world plants: those that are found, those that are missed, those that cannot be had.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;

use super::{CLIENTS, LEASES, leases, leases_of, trial};
use crate::cli::{Place, Said};
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("bugs", "are_found", are_found),
        trial("bugs", "are_missed", are_missed),
        trial("bugs", "are_emitted", are_emitted),
        trial("bugs", "are_refused", are_refused),
    ]
}

const PROPERTIES: &str = r#"
[properties.tokens_grow]
always = "before == null || state.token >= before.token"
[properties.no_thousand]
always = "state.token < 1000"
"#;

/// A bug whose wasm is this.
fn bug(wasm: &str, found_by: &str) -> String {
    format!(
        "[bugs.the-bug]\nwasm.\"lease/Lease@1\" = \"{wasm}\"\nfound_by = [{found_by}]\n{PROPERTIES}"
    )
}

fn place(more: &str) -> Place {
    let place = leases(more);
    let wasm = fs::read(root("examples/lease/bugs/old-timer.wasm")).expect("it is checked in");
    place.write("w/bugs/old-timer.wasm", wasm);
    place
}

fn selftest(more: &str) -> Said {
    place(more).sim("selftest --world w --starts 2")
}

fn are_found() {
    let free = "[properties.early]\nnever = \"event.tag == 'timer' && changed && now < before.until_ns\"\n";
    let said = selftest(&(bug("bugs/old-timer.wasm", "\"early\"") + free));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let mut lines = said.out.lines();
    let row = lines.nth(1).expect("it has a row");
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!((words[0], words[2], words[3]), ("the-bug", "early", "2"));
    let silent = "no bug was found by: tokens_grow, no_thousand";
    assert_eq!(lines.next(), Some(silent), "{}", said.out);
}

/// What is right is no bug, and what is about something else does not find one.
fn are_missed() {
    let free = "[properties.early]\nnever = \"event.tag == 'timer' && changed && now < before.until_ns\"\n";
    for (wasm, found_by, instead) in [
        ("lease.wasm", "\"tokens_grow\"", ""),
        (
            "bugs/old-timer.wasm",
            "\"no_thousand\", \"bounded\"",
            ", early was violated instead",
        ),
    ] {
        let said = selftest(&(bug(wasm, found_by) + free));
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        let missed = format!("the-bug: missed from 2 starts{instead}\n");
        assert!(said.out.contains(&missed), "{}", said.out);
    }
}

fn are_emitted() {
    let place = place(&bug("bugs/old-timer.wasm", "\"tokens_grow\""));
    let said = place.sim("selftest --world w --emit the-bugs");
    assert_eq!(said.code, 2);
    let what = "no planted bug is called `the-bugs`; there are the-bug";
    assert!(said.err.contains(what), "{}", said.err);
    let written = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(["selftest", "--emit", "the-bug", "--world"])
        .arg(place.path("w"))
        .output()
        .expect("the command can be run")
        .stdout;
    let wasm = fs::read(root("examples/lease/bugs/old-timer.wasm")).expect("it is checked in");
    assert!(written == wasm);
}

fn are_refused() {
    let said = leases_of(&format!("{LEASES}{CLIENTS}{PROPERTIES}")).sim("selftest --world w");
    assert_eq!(said.code, 2);
    let what = "sim.toml plants no bugs";
    assert!(said.err.contains(what), "{}", said.err);
    let texts = [
        (bug("nowhere.wasm", "\"tokens_grow\""), "nowhere.wasm"),
        (
            bug("lease.wasm", ""),
            "the bug `the-bug` is found by nothing",
        ),
        (
            bug("lease.wasm", "\"token_grow\""),
            "unknown property: `token_grow`",
        ),
        (
            "[bugs.b]\nfeatures = [\"x\"]\nfound_by = [\"bounded\"]\n".to_owned(),
            "the bug `b` is in no reducer",
        ),
        (
            "[bugs.b]\nfound_by = [\"bounded\"]\n".to_owned(),
            "the bug `b` needs `features` or `wasm`, one of them",
        ),
        (
            "[bugs.b]\nwasm.\"lease/Leas@1\" = \"lease.wasm\"\nfound_by = [\"bounded\"]\n"
                .to_owned(),
            "unknown reducer: `lease/Leas@1`",
        ),
        (
            "[bugs.b]\nfeatures = [\"x\"]\n".to_owned(),
            "missing field `found_by`",
        ),
    ];
    for (text, what) in texts {
        let said = selftest(&text);
        assert_eq!(said.code, 2, "{text}: {}", said.out);
        assert!(said.err.contains(what), "{what}: {}", said.err);
    }
}
