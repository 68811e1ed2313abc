//! The simulator's loop, in a world small enough to write down: what each decision does to what is
//! in flight and to the clock, and how a phase ends.

use std::fmt::Write;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use sim::kernel::World;
use sim::models;
use sim::scenario::{Bounds, Scenario};
use sim::simulator::{
    Chooser, End, Flight, InFlight, Message, Outcome, Scripted, Simulator, Situation,
};
use sim::trace::{Choice, Trace};

use super::{START, scenario, small_world, trial};
use crate::support::retry_world;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("turns", "messages_come_and_go", messages),
        trial("turns", "plans_and_timers", plans_and_timers),
        trial("turns", "effects_of_plans", effects),
        trial("turns", "a_crash_asks_again", crash),
        trial("turns", "what_is_not_possible_is_left_out", left_out),
        trial("turns", "what_was_wrong_is_made_good", liveness),
        trial("turns", "the_observer_ends_a_run", observer),
        trial("turns", "a_bound_counts_what_is_left_out", bound),
    ]
}

/// After each turn: the clock in ns, and what is in flight. Silent ones have a `~`, copies a `+`.
fn table(trace: &Trace, flight: &Flight) -> String {
    fn named<T>(trace: &Trace, of: &InFlight<T>, mark: &str) -> String {
        let id = of.correlation.map(|id| trace.text(id));
        let id = id.map(|id| format!("({id})")).unwrap_or_default();
        let label = trace.text(of.label);
        match of.due_ns {
            0 => format!("{mark}{label}{id}"),
            due_ns => format!("{mark}{label}{id}@{due_ns}"),
        }
    }
    let mark = |is_marked, mark| if is_marked { mark } else { "" };
    let messages = |list: &[InFlight<Message>]| -> Vec<String> {
        let list = list.iter();
        list.map(|it| named(trace, it, mark(it.body.copy, "+")))
            .collect()
    };
    let plans = flight.plans.iter();
    let plans = plans.map(|it| named(trace, it, mark(it.body.silent, "~")));
    let effects = flight.pending.iter();
    let effects = effects.map(|it| named(trace, it, mark(it.body.silent, "~")));
    let timers = flight.timers.iter();
    let timers = timers.map(|it| named(trace, it, mark(it.body.copy, "+")));
    let lists = [
        ("messages", messages(&flight.messages)),
        ("dropped", messages(&flight.dropped)),
        ("plans", plans.collect()),
        ("effects", effects.collect()),
        ("timers", timers.collect()),
    ];
    let mut out = String::new();
    for (name, list) in lists {
        if !list.is_empty() {
            let _ = write!(out, "  {name} {}", list.join(" "));
        }
    }
    out
}

/// Follows a schedule and writes down what is in flight after each turn.
fn follow(world: &World, scenario: &Scenario) -> (String, Outcome, Vec<usize>) {
    let model = models::of(world);
    let mut simulator = Simulator::new(world, &*model).expect("the reducer can be run");
    let mut trace = Trace::default();
    let mut chooser = Scripted::new(scenario);
    let mut out = String::new();
    let outcome = simulator.run(scenario, &mut chooser, &mut trace, |trace, flight| {
        let turn = trace.turns.last().expect("a turn was taken");
        let choice = turn.choice.without_crash();
        let crash = match turn.choice {
            Choice::Crash { .. } => "crash at ",
            _ => "",
        };
        let label = choice.item().map(|item| trace.text(item.label));
        let decision = format!("{crash}{} {}", choice.verb().name(), label.unwrap_or(""));
        let line = table(trace, flight);
        let _ = writeln!(out, "{:<23} {:>2}{line}", decision.trim(), turn.at_ns);
        true
    });
    (out, outcome, chooser.skipped)
}

fn check(world: &World, requests: &str, schedule: &str, expected: &Expect) {
    let (out, outcome, skipped) = follow(world, &scenario(world, requests, schedule));
    assert_eq!(outcome.end, End::Finished);
    assert!(skipped.is_empty(), "not possible: {skipped:?}");
    assert_eq!(outcome.skipped, 0);
    expected.assert_eq(&out);
}

/// Without a delay, and anchored at 7 ns: its timers are due then.
const SOON: &str = r#"{"name":"r1","schema":"demo/RetryEvent@1","value":{"start":{"req_id":"r1",
    "payload":"p","max_attempts":3,"base_delay_ms":0,"now_ns":7}}}"#;

fn messages() {
    let schedule = r#"
        {"start":"r1"},
        {"duplicate":"WorkRequested","req_id":"r1"},
        {"drop":"WorkRequested","req_id":"r1"},
        {"advance":"clock","at_ns":5},
        {"deliver":"WorkRequested","req_id":"r1"},
        {"redeliver":"WorkRequested","req_id":"r1"},
        {"inject":"demo/RetryEvent@1","value":{"ok":{"req_id":"r2"}}},
        {"snapshot":"kernel"}"#;
    check(
        retry_world(),
        SOON,
        schedule,
        &expect![[r#"
            start                    0  messages WorkRequested(r1)
            duplicate WorkRequested  0  messages WorkRequested(r1) +WorkRequested(r1)
            drop WorkRequested       0  messages +WorkRequested(r1)  dropped WorkRequested(r1)
            advance                  5  messages +WorkRequested(r1)  dropped WorkRequested(r1)
            deliver WorkRequested    5  dropped WorkRequested(r1)  plans WorkPlan(r1)@5
            redeliver WorkRequested  5  plans WorkPlan(r1)@5 WorkPlan(r1)@5
            inject                   5  plans WorkPlan(r1)@5 WorkPlan(r1)@5
            snapshot                 5  plans WorkPlan(r1)@5 WorkPlan(r1)@5
        "#]],
    );
}

fn plans_and_timers() {
    let schedule = r#"
        {"start":"r1"},
        {"deliver":"WorkRequested","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1","answer":"silence"},
        {"step":"WorkPlan","req_id":"r1","answer":"transient"},
        {"step":"WorkPlan","req_id":"r1"},
        {"deliver":"err","req_id":"r1"},
        {"fire":"timer","req_id":"r1","at_ns":3,"twice":true},
        {"fire":"timer","req_id":"r1","at_ns":9}"#;
    check(
        retry_world(),
        SOON,
        schedule,
        &expect![[r#"
            start                    0  messages WorkRequested(r1)
            deliver WorkRequested    0  plans WorkPlan(r1)
            step WorkPlan            0  plans ~WorkPlan(r1)
            step WorkPlan            0  messages err(r1)  plans WorkPlan(r1)
            step WorkPlan            0  messages err(r1)
            deliver err              0  timers timer(r1)@7
            fire timer               3  messages WorkRequested(r1)@3  timers +timer(r1)@7
            fire timer               9  messages WorkRequested(r1)@3
        "#]],
    );
}

const ASK: &str = r#"{"name":"a","schema":"t/Start@1","value":{"id":"a","n":"1"}}"#;

fn effects() {
    let world = small_world(&[], &super::constant_reducer());
    let schedule = r#"
        {"start":"a"},
        {"step":"Ask"},
        {"step":"Ask"},
        {"receipt":"http.request","answer":"silence"},
        {"receipt":"http.request","answer":"ok"},
        {"step":"Ask"}"#;
    check(
        &world,
        ASK,
        schedule,
        &expect![[r#"
            start                    0  plans Ask
            step Ask                 0  plans Ask
            step Ask                 0  plans Ask  effects http.request
            receipt http.request     0  plans Ask  effects ~http.request
            receipt http.request     0  plans Ask
            step Ask                 0  plans Ask
        "#]],
    );
}

/// A timer that the kernel asked for is asked for again, and what was in flight still is.
fn crash() {
    let schedule = r#"
        {"start":"r1","crash":"before_append"},
        {"start":"r1","crash":"after_append"},
        {"deliver":"WorkRequested","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1","answer":"transient"},
        {"deliver":"err","req_id":"r1","crash":"before_dispatch"},
        {"start":"r1","crash":"after_append"},
        {"fire":"timer","req_id":"r1"}"#;
    check(
        retry_world(),
        SOON,
        schedule,
        &expect![[r#"
            crash at start           0
            crash at start           0  messages WorkRequested(r1)
            deliver WorkRequested    0  plans WorkPlan(r1)
            step WorkPlan            0  messages err(r1)  plans WorkPlan(r1)
            crash at deliver err     0  plans WorkPlan(r1)  timers timer(r1)@7
            crash at start           0  plans WorkPlan(r1)  timers timer(r1)@7 +timer(r1)@7
            fire timer               7  messages WorkRequested(r1)@7  plans WorkPlan(r1)  timers +timer(r1)@7
        "#]],
    );
}

/// A decision that is not possible changes nothing and is counted; the next one is taken.
fn left_out() {
    let world = retry_world();
    let schedule = r#"
        {"deliver":"WorkRequested","req_id":"r1"},
        {"start":"r1"},
        {"deliver":"WorkRequested","req_id":"r2"},
        {"deliver":"WorkRequested","req_id":"r1","nth":2},
        {"fire":"timer","req_id":"r1"},
        {"redeliver":"WorkRequested","req_id":"r1"},
        {"advance":"clock","at_ns":0},
        {"deliver":"WorkRequested","req_id":"r1"}"#;
    let (out, outcome, skipped) = follow(world, &scenario(world, SOON, schedule));
    assert_eq!((outcome.end, outcome.skipped), (End::Finished, 6));
    assert_eq!(skipped, [0, 2, 3, 4, 5, 6]);
    expect![[r#"
        start                    0  messages WorkRequested(r1)
        deliver WorkRequested    0  plans WorkPlan(r1)
    "#]]
    .assert_eq(&out);
}

/// What was dropped comes, what was silent answers, timers fire when they are due.
fn liveness() {
    let world = retry_world();
    let schedule = r#"
        {"start":"r1"},
        {"deliver":"WorkRequested","req_id":"r1"},
        {"step":"WorkPlan","req_id":"r1","answer":"transient"},
        {"deliver":"err","req_id":"r1"},
        {"fire":"timer","req_id":"r1"},
        {"drop":"WorkRequested","req_id":"r1"}"#;
    let scenario = Scenario {
        liveness: true,
        ..scenario(world, SOON, schedule)
    };
    let (out, outcome, _) = follow(world, &scenario);
    assert_eq!(outcome.end, End::Finished);
    expect![[r#"
        start                    0  messages WorkRequested(r1)
        deliver WorkRequested    0  plans WorkPlan(r1)
        step WorkPlan            0  messages err(r1)  plans WorkPlan(r1)
        deliver err              0  plans WorkPlan(r1)  timers timer(r1)@7
        fire timer               7  messages WorkRequested(r1)@7  plans WorkPlan(r1)
        drop WorkRequested       7  dropped WorkRequested(r1)@7  plans WorkPlan(r1)
        redeliver WorkRequested  7  plans WorkPlan(r1) WorkPlan(r1)@7
        step WorkPlan            7  plans WorkPlan(r1)@7
        step WorkPlan            7  messages ok(r1)@7  plans WorkPlan(r1)@7
        deliver ok               7  plans WorkPlan(r1)@7
        step WorkPlan            7
    "#]]
    .assert_eq(&out);
}

/// Decides the same again and again, and counts how often it is asked and told.
struct Stubborn {
    choice: Choice,
    asked: u32,
    skipped: u32,
}

impl Stubborn {
    fn deciding(choice: Choice) -> Stubborn {
        Stubborn {
            choice,
            asked: 0,
            skipped: 0,
        }
    }
}

impl Chooser for Stubborn {
    fn choose(&mut self, _: &Situation<'_>, _: &mut Trace) -> Option<Choice> {
        self.asked += 1;
        Some(self.choice.clone())
    }

    fn skipped(&mut self) {
        self.skipped += 1;
    }
}

fn observer() {
    let world = retry_world();
    let model = models::of(world);
    let mut simulator = Simulator::new(world, &*model).expect("the reducer can be run");
    let mut trace = Trace::default();
    // A liveness phase would follow, had it not been stopped.
    let scenario = Scenario {
        liveness: true,
        ..scenario(world, START, "")
    };
    let mut chooser = Stubborn::deciding(Choice::Start { request: 0 });
    let outcome = simulator.run(&scenario, &mut chooser, &mut trace, |trace, _| {
        trace.turns.len() < 3
    });
    assert_eq!(outcome.end, End::Stopped);
    assert_eq!((trace.end, trace.liveness_from), (Some(End::Stopped), None));
    assert_eq!(
        (trace.turns.len(), chooser.asked, chooser.skipped),
        (3, 3, 0)
    );
    assert!(!trace.is_quiescent, "work is in flight");
}

fn bound() {
    let world = retry_world();
    let model = models::of(world);
    let mut simulator = Simulator::new(world, &*model).expect("the reducer can be run");
    let mut trace = Trace::default();
    let mut scenario = scenario(world, START, "");
    scenario.bounds = Bounds {
        turns: 10,
        ..Bounds::default()
    };
    let mut chooser = Stubborn::deciding(Choice::Start { request: 1 });
    let outcome = simulator.run(&scenario, &mut chooser, &mut trace, |_, _| true);
    assert_eq!((outcome.end, outcome.skipped), (End::TurnBound, 10));
    assert_eq!(
        (trace.turns.len(), chooser.asked, chooser.skipped),
        (0, 10, 10)
    );
    let mut chooser = Stubborn::deciding(Choice::Snapshot);
    let outcome = simulator.run(&scenario, &mut chooser, &mut trace, |_, _| true);
    assert_eq!((outcome.end, outcome.skipped), (End::TurnBound, 0));
    assert_eq!(trace.turns.len(), 10);
    assert!(trace.is_quiescent, "nothing is in flight");
}
