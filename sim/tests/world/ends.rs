//! How a run ends: by itself, at a bound, or asked to stop; and what may then be said of it.

use libtest_mimic::Trial;
use sim::campaign::{self, CampaignOptions, Effort, Runner, Stop};
use sim::interrupt::Interrupt;
use sim::model::{Crashes, Replays};
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};
use sim::simulator::End;

use super::{START, scenario, trial};
use crate::support::{planted_world, retry_world};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("ends", "interrupted_within_a_run", interrupted_run),
        trial(
            "ends",
            "interrupted_between_recoveries",
            interrupted_recoveries,
        ),
        trial("ends", "backlog_is_no_livelock", backlog),
        trial("ends", "at_a_bound_of_its_own", bounds),
        trial("ends", "a_campaign_that_is_cut", cut_campaign),
        trial("ends", "another_bound_says_nothing", another_bound),
    ]
}

/// What is in flight when faults stop may need more than the usual turns of the liveness phase.
fn backlog() {
    let world = retry_world();
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    let bounds = Bounds {
        turns: 5_000,
        ..Bounds::default()
    };
    let scenario = runner.scenario(Seed(27_382), PlanMode::Answered, bounds, Mix::Swarm);
    let checked = runner.seed(Seed(27_382), &scenario);
    assert_eq!((checked.end, checked.violations), (End::TurnBound, vec![]));
    let from = runner.trace.liveness_from.expect("it has the phase");
    let turns = runner.trace.turns.len() - from;
    assert!(turns > 1_000, "{turns} turns are no backlog");
}

/// A campaign in which no run came to its end does not say that everything holds.
fn cut_campaign() {
    let world = retry_world();
    let is_cut = |in_flight| {
        let options = CampaignOptions {
            seeds: 0..8,
            jobs: 1,
            plans: PlanMode::Answered,
            bounds: Bounds {
                in_flight,
                ..Bounds::default()
            },
            mix: Mix::Swarm,
            effort: Effort::Plain,
            remember: true,
            twice: false,
            stop: Stop::Never,
            interrupt: Interrupt::default(),
        };
        let summary = campaign::run(world, &*models::of(world), &options, |_| {});
        summary.expect("the reducer can be run").is_cut()
    };
    assert!(is_cut(0));
    assert!(!is_cut(Bounds::default().in_flight));
}

/// What is in flight and what goes through steps is bounded, recoveries included.
fn bounds() {
    let world = retry_world();
    let ended = |schedule: &str, bounds: Bounds| {
        let mut scenario = scenario(world, START, schedule);
        scenario.bounds = Bounds {
            turns: 1_000,
            ..bounds
        };
        let model = models::of(world);
        let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
        let checked = runner.replay(&scenario);
        assert_eq!(checked.violations, []);
        (checked.end, runner.trace.turns.len())
    };
    let copies = [r#"{"duplicate":"WorkRequested","req_id":"r1"}"#; 50].join(",");
    let copies = format!(r#"{{"start":"r1"}},{copies}"#);
    let few = Bounds {
        in_flight: 20,
        ..Bounds::default()
    };
    assert_eq!(ended(&copies, few), (End::FlightBound, 21));
    assert_eq!(ended(&copies, Bounds::default()), (End::Finished, 51));
    let little = Bounds {
        work_bytes: 100_000,
        ..Bounds::default()
    };
    let starts = [r#"{"start":"r1"}"#; 100].join(",");
    assert_eq!(ended(&starts, little), (End::Finished, 100));
    let crashes = [r#"{"start":"r1","crash":"after_append"}"#; 100].join(",");
    let (end, turns) = ended(&crashes, little);
    assert_eq!(end, End::WorkBound);
    assert!((10..30).contains(&turns), "after {turns} turns");
}

/// A liveness phase that the bound of bytes cuts short has not been in vain.
fn another_bound() {
    let world = retry_world();
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    let seed = Seed(2_261);
    let whole = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
    runner.seed(seed, &whole);
    let bytes = runner.trace.size_bytes();
    let mut cut = 0;
    for trace_bytes in (bytes / 2..bytes).step_by(64) {
        let mut scenario = whole.clone();
        scenario.bounds.trace_bytes = trace_bytes;
        let checked = runner.seed(seed, &scenario);
        assert_eq!((checked.end, checked.violations), (End::TraceBound, vec![]));
        let is_liveness = runner.trace.liveness_from.is_some() && !runner.trace.is_quiescent;
        cut += u32::from(is_liveness);
    }
    assert!(cut > 5, "{cut} were cut in their liveness phase");
}

/// A run that is asked to stop takes no further turn, and is not said to have held.
fn interrupted_run() {
    let world = retry_world();
    let model = models::of(world);
    let bounds = Bounds {
        turns: 20,
        ..Bounds::default()
    };
    for is_liveness in [false, true] {
        let interrupt = Interrupt::default();
        let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
        runner.set_interrupt(interrupt.clone());
        runner.set_effort(Effort::Thorough);
        let long = (0..).map(Seed).find_map(|seed| {
            let scenario = runner.scenario(seed, PlanMode::Answered, bounds, Mix::Fixed);
            runner.seed(seed, &scenario);
            let from = runner.trace.liveness_from?;
            let is_long = runner.trace.turns.len() > from + 3;
            is_long.then(|| (scenario.with_schedule_of(&runner.trace), from))
        });
        let (whole, from) = long.expect("some liveness phase is long");
        let last = if is_liveness { from + 1 } else { from / 2 };
        let checked = runner.watch(&whole, |trace, _| {
            if trace.turns.len() == last {
                interrupt.ask();
            }
        });
        assert_eq!(checked.end, End::Interrupted);
        assert_eq!(runner.trace.turns.len(), last);
        assert_eq!(runner.trace.liveness_from.is_some(), is_liveness);
        assert_eq!(checked.violations, []);
        let applied = runner.checker().applied();
        for name in ["converges", "replays"] {
            let rank = runner.checker().properties().find(name);
            let is_applied = applied[rank.expect("it is one")];
            assert!(!is_applied, "{name} of half a run");
        }
    }
}

/// Recoveries after a run end as well: the planted bug that they would find is not found.
fn interrupted_recoveries() {
    let hidden = planted::BUGS
        .iter()
        .find(|(_, name)| *name == "hidden-state");
    let world = planted_world(hidden.expect("it is planted").0);
    let model = models::of(&world);
    let mut runner = Runner::new(&world, &*model).expect("the reducer can be run");
    let mut replays = Replays::new(&world).expect("the reducer can be run");
    let bad = (0..50).map(Seed).find(|seed| {
        let scenario = runner.scenario(*seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        runner.seed(*seed, &scenario);
        replays
            .check(&mut runner.trace, &Crashes::Everywhere)
            .is_some()
    });
    assert!(bad.is_some(), "recoveries find it");
    let interrupt = Interrupt::default();
    replays.set_interrupt(interrupt.clone());
    interrupt.ask();
    assert_eq!(replays.check(&mut runner.trace, &Crashes::Everywhere), None);
}
