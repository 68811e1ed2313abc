//! What the environment may say, and what is told of what it may not.

use std::ffi::OsString;

use sim_fuzz::settings::{Feedback, Mutator, Settings};

fn settings(variables: &[(&str, &str)]) -> Result<Settings, String> {
    Settings::of(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    })
    .map_err(|error| error.to_string())
}

#[test]
fn nothing_is_needed() {
    let settings = settings(&[]).expect("nothing is needed");
    assert_eq!(settings.feedback, Feedback::ALL);
    assert_eq!(settings.mutator, Mutator::Structured);
    assert_eq!(settings.most_decisions, 96);
    assert!(settings.world.folder().ends_with("air") && settings.world.wasm.is_empty());
    assert!(settings.seeds.ends_with("corpus") && settings.seeds.is_dir());
    assert!(settings.cases.ends_with("corpus"));
    assert!(!settings.goes_on);
}

#[test]
fn each_is_heard() {
    let settings = settings(&[
        ("SIM_FUZZ_WORLD", "world"),
        ("SIM_FUZZ_WASM", "demo/RetrySM@1=a.wasm, x/Other@1=b.wasm"),
        ("SIM_FUZZ_EXPECT", "denied=timer.set"),
        ("SIM_FUZZ_CASES", "found"),
        ("SIM_FUZZ_SEEDS", "start"),
        ("SIM_FUZZ_FEEDBACK", "states,blocks"),
        ("SIM_FUZZ_MUTATOR", "bytes"),
        ("SIM_FUZZ_DECISIONS", "8"),
        ("SIM_FUZZ_GO_ON", "1"),
    ])
    .expect("all of this can be said");
    assert_eq!(settings.world.folder().to_str(), Some("world"));
    assert_eq!(
        settings.world.wasm,
        ["demo/RetrySM@1=a.wasm", "x/Other@1=b.wasm"]
    );
    assert_eq!(settings.world.expect, ["denied=timer.set"]);
    assert_eq!(settings.cases.to_str(), Some("found"));
    assert_eq!(settings.seeds.to_str(), Some("start"));
    assert_eq!(settings.mutator, Mutator::Bytes);
    assert_eq!(settings.most_decisions, 8);
    assert!(settings.goes_on);
    let expected = Feedback {
        compares: false,
        ..Feedback::ALL
    };
    assert_eq!(settings.feedback, expected);
    assert!(settings.feedback.sees_guest());
    assert!(!Feedback::NONE.sees_guest());
}

#[test]
fn what_cannot_be_is_told() {
    for (variable, value, expected) in [
        (
            "SIM_FUZZ_FEEDBACK",
            "blocks, states",
            "SIM_FUZZ_FEEDBACK: expected a list of blocks, compares and states, or none; found \
            ` states`",
        ),
        (
            "SIM_FUZZ_MUTATOR",
            "clever",
            "SIM_FUZZ_MUTATOR: expected `structured` or `bytes`, found `clever`",
        ),
        (
            "SIM_FUZZ_GO_ON",
            "yes",
            "SIM_FUZZ_GO_ON: expected 0 or 1, found `yes`",
        ),
        (
            "SIM_FUZZ_DECISIONS",
            "0",
            "SIM_FUZZ_DECISIONS: expected a number from 1, found `0`",
        ),
        (
            "SIM_FUZZ_DECISIONS",
            "many",
            "SIM_FUZZ_DECISIONS: expected a number from 1, found `many`",
        ),
    ] {
        let error = settings(&[(variable, value)]).err();
        assert_eq!(error.as_deref(), Some(expected));
    }
}
