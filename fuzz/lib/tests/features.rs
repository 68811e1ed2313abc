//! What lights which counters. One test, as the counters are libFuzzer's and there is one set.

use std::fs;

use retry_world::planted_wasm;
use sim_fuzz::features;
use sim_fuzz::input::EMPTY;
use sim_fuzz::reducer_events::{Ending, Subject, Target};
use sim_fuzz::settings::{Feedback, Settings, project_folder};
use tempfile::TempDir;

/// The deep machine without a bug.
const NO_BUG: u8 = 100;

/// How many counters one case of the deep world lights.
fn lit(case: &[u8], feedback: Feedback) -> usize {
    let folder = TempDir::new().expect("there is room");
    let wasm = folder.path().join("deep.wasm");
    fs::write(&wasm, planted_wasm(NO_BUG)).expect("it can be written");
    let mut settings = Settings::of(|name| match name {
        "SIM_FUZZ_WORLD" => Some(project_folder("fuzz").join("deep/air").into()),
        "SIM_FUZZ_WASM" => Some(wasm.clone().into()),
        _ => None,
    })
    .expect("all of this can be said");
    settings.feedback = feedback;
    let subject = Subject::load(settings).expect("the world can be loaded");
    let mut target = Target::new(&subject).expect("the reducer can be run");
    features::clear();
    let ending = target.run(case, &mut Vec::new()).expect("it is run");
    assert_eq!(ending, Ending::Holds);
    features::lit()
}

#[test]
fn each_kind_of_feedback_lights_its_own() {
    let magic = fs::read(project_folder("fuzz").join("deep/cases/magic.json"));
    let magic = String::from_utf8(magic.expect("it is there")).expect("it is text");
    // One bit away from what it is compared with.
    let near = magic.replace("1592642302", "1592642303");
    assert_ne!(near, magic);
    let only = |change: fn(&mut Feedback), case: &str| {
        let mut feedback = Feedback::NONE;
        change(&mut feedback);
        lit(case.as_bytes(), feedback)
    };
    assert_eq!(only(|_| {}, &near), 0);
    let blocks = only(|feedback| feedback.blocks = true, &near);
    assert!(blocks > 100, "{blocks}");
    let compares = |case| only(|feedback| feedback.compares = true, case);
    assert!(
        compares(&near) > compares(&magic),
        "it differs nowhere else"
    );
    let states = |case| only(|feedback| feedback.states = true, case);
    assert!(states(&near) > 5 && states(EMPTY) <= 1);
    // Parts of their own: none takes counters from another.
    let all = lit(near.as_bytes(), Feedback::ALL);
    assert_eq!(all, blocks + compares(&near) + states(&near));
}
