//! Pages: what they hold, how large they are, and what they do to what is not to be trusted. What a
//! browser makes of them is tried in `sim/browser`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use sha2::{Digest, Sha256};
use sim::campaign::Runner;
use sim::models;
use sim::random::Seed;
use sim::report::event::CaseDone;
use sim::report::page;
use sim::report::timeline::{Arrow, Place, Recorder, Timeline};
use sim::scenario::{Bounds, Mix, PlanMode, Scenario};

use crate::support::{self, retry_world};

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let first = seed.unwrap_or(Seed(0));
    let trial =
        |name: &str, test: Box<dyn FnOnce() + Send>| support::trial(format!("pages::{name}"), test);
    vec![
        trial(
            "ask_nothing_of_a_network",
            Box::new(ask_nothing_of_a_network),
        ),
        trial("hash_what_may_run", Box::new(hash_what_may_run)),
        trial("names_are_no_markup", Box::new(names_are_no_markup)),
        trial(
            "two_hundred_turns_are_small",
            Box::new(move || two_hundred_turns_are_small(first)),
        ),
        trial("a_longer_run_is_cut", Box::new(a_longer_run_is_cut)),
        trial(
            "what_moves_is_drawn",
            Box::new(move || what_moves_is_drawn(first)),
        ),
    ]
}

const MOST_BYTES: usize = 300_000;

/// A seeded run of so many turns, told.
fn run(first: Seed, turns: usize) -> Timeline {
    let world = retry_world();
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    let bounds = Bounds {
        turns: turns as u32,
        ..Bounds::default()
    };
    for seed in (0..1_000).map(|more| Seed(first.0.wrapping_add(more))) {
        let scenario = runner.scenario(seed, PlanMode::Answered, bounds, Mix::Swarm);
        let scenario = Scenario {
            liveness: false,
            ..scenario
        };
        runner.seed(seed, &scenario);
        let taken = scenario.with_schedule_of(&runner.trace);
        if taken.schedule.len() != turns {
            continue;
        }
        let mut recorder = Recorder::new(world, &taken);
        let checked = runner.watch(&taken, |trace, flight| recorder.observe(trace, flight));
        return recorder.finish(&runner.trace, &checked.violations);
    }
    panic!("no run of {turns} turns in a thousand seeds");
}

fn page(timeline: &Timeline) -> String {
    let done = CaseDone {
        file: "case.json",
        replay: "sim replay case.json",
        about: Some("A case."),
        violations: &timeline.violations,
        turns: timeline.turns.len(),
        skipped: 0,
        any: &timeline.any,
        changes: &[],
        digest: Default::default(),
        timeline,
    };
    page::of_case(retry_world(), &done).expect("the template fits")
}

fn ask_nothing_of_a_network() {
    let page = page(&run(Seed(0), 20));
    for asks in [
        "http:", "https:", "src=", "url(h", "@import", "<link", "<base", "<iframe",
    ] {
        assert!(!page.contains(asks), "{asks}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// Whatever a decision takes has an arrow from where it was, or a move on its bar.
fn what_moves_is_drawn(first: Seed) {
    let timeline = run(first, 200);
    let mut kinds = std::collections::BTreeSet::new();
    for (index, turn) in timeline.turns.iter().enumerate() {
        let arrives = |from: &dyn Fn(&Arrow) -> bool| {
            let mut arrows = timeline.arrows.iter();
            arrows.any(|arrow| arrow.to_turn == index && from(arrow))
        };
        let mut bars = timeline.bars.iter();
        let is_moved = bars.any(|bar| bar.moves.iter().any(|(at, _)| *at == index));
        let is_drawn = match turn.kind {
            "start" | "inject" => arrives(&|arrow| arrow.from == Place::Client),
            "deliver" => arrives(&|arrow| arrow.from_turn < index),
            "redeliver" => arrives(&|arrow| arrow.from == Place::Lost),
            "drop" => arrives(&|arrow| arrow.to == Place::Lost),
            "fire" => is_moved && arrives(&|arrow| matches!(arrow.from, Place::Timer(_))),
            "step" => is_moved,
            _ => continue,
        };
        assert!(is_drawn, "turn {index}: {}", turn.decision);
        kinds.insert(turn.kind);
    }
    assert!(kinds.len() > 3, "{kinds:?}");
}

/// The policy lets this style and this script through, and no others.
fn hash_what_may_run() {
    let page = page(&run(Seed(0), 20));
    for element in ["style", "script"] {
        let open = format!("<{element}>");
        assert_eq!(page.matches(&open).count(), 1, "{open}");
        let text = page.split_once(&open).expect("it is there").1;
        let text = text
            .split_once(&format!("</{element}>"))
            .expect("it ends")
            .0;
        let hash = STANDARD.encode(Sha256::digest(text));
        assert!(
            page.contains(&format!("{element}-src 'sha256-{hash}'")),
            "{element}"
        );
    }
    // As attributes, both would be refused.
    assert!(!page.contains(" style=") && !page.contains(" onclick="));
}

fn names_are_no_markup() {
    let mut timeline = run(Seed(0), 20);
    let hostile = "</script><img src=x onerror=alert(1)>\u{202e}\"'&";
    let turn = &mut timeline.turns[3];
    turn.decision = hostile.to_owned();
    turn.out = vec![hostile.to_owned()];
    timeline.reducers[0] = "</svg><b>".to_owned();
    let page = page(&timeline);
    assert!(!page.contains("<img") && !page.contains("<b>") && !page.contains('\u{202e}'));
    assert!(page.contains("onerror=alert"), "it is shown as it is");
}

fn two_hundred_turns_are_small(first: Seed) {
    let timeline = run(first, 200);
    assert_eq!(timeline.turns.len(), 200);
    let page = page(&timeline);
    assert!(page.len() < MOST_BYTES, "{} bytes", page.len());
    assert_eq!(page.matches("role=\"option\"").count(), 200);
}

fn a_longer_run_is_cut() {
    let mut timeline = run(Seed(0), 20);
    let turn = timeline.turns[5].clone();
    timeline.turns.resize(12_500, turn);
    let page = page(&timeline);
    assert_eq!(page.matches("role=\"option\"").count(), 10_000);
    assert!(page.contains("2500 of 12500 turns are left out"));
}
