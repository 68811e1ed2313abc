//! The rule of what is enabled against the simulator: in every situation of a walk it takes each
//! decision that is enabled, and leaves out each that is not.

use libtest_mimic::Trial;
use sim::campaign::Runner;
use sim::kernel::World;
use sim::model::Model;
use sim::models;
use sim::random::{Component, Seed, Stream};
use sim::scenario::{Bounds, Mix, PlanMode, Scenario};
use sim::simulator::{Enabled, Saved, Simulator, Situation, enabled};
use sim::trace::{Answer, Choice, CrashPoint, Packer, Recovery, Status, Trace, Unpacker};

use crate::support::{http_world, retry_world, trial};

const SEEDS: u64 = 12;
const TURNS: usize = 40;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let walks = move |world: &World| match seed {
        Some(seed) => walk(world, seed),
        None => (0..SEEDS).for_each(|seed| walk(world, Seed(seed))),
    };
    vec![
        trial("enabled::in_the_retry_world".to_owned(), move || {
            walks(retry_world());
        }),
        trial("enabled::in_the_http_world".to_owned(), move || {
            walks(&http_world());
        }),
    ]
}

fn walk(world: &World, seed: Seed) {
    let model = models::of(world);
    let runner = Runner::new(world, &*model).expect("the reducer can be run");
    let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
    let mut simulator = Simulator::new(world, &*model).expect("the reducer can be run");
    let mut trace = Trace::default();
    let mut stream = Stream::new(seed, Component::Samples);
    let mut saved = Saved::default();
    let mut now_ns = 0;
    simulator.begin(&scenario, &mut trace);
    for _ in 0..TURNS {
        let mut bytes = Vec::new();
        simulator.pack(&mut trace, &mut Packer::new(&mut bytes));
        saved.unpack(&mut Unpacker::new(&bytes), &trace);
        let situation = situation(&scenario, &*model, &saved, now_ns);
        let mut taken = Vec::new();
        for choice in choices(&situation) {
            simulator.go_on_from(&saved, &mut trace);
            let is_taken = simulator.take_turn(&scenario, choice.clone(), &mut trace);
            assert_eq!(is_taken, situation.is_enabled(&choice), "{choice:?}");
            if is_taken {
                taken.push(choice);
            }
        }
        let Some(choice) = stream.pick(&taken) else {
            break;
        };
        simulator.go_on_from(&saved, &mut trace);
        simulator.take_turn(&scenario, choice.clone(), &mut trace);
        now_ns = trace.turns.last().map_or(now_ns, |turn| turn.at_ns);
    }
}

fn situation<'a>(
    scenario: &'a Scenario,
    model: &'a dyn Model,
    saved: &'a Saved,
    now_ns: u64,
) -> Situation<'a> {
    Situation {
        now_ns,
        scenario,
        model,
        flight: &saved.flight,
        started: &saved.started,
    }
}

/// What is listed, what else can be decided about the same things, and the same with things that
/// are not there.
fn choices(situation: &Situation<'_>) -> Vec<Choice> {
    let flight = situation.flight;
    let listed = enabled::starts(situation.started)
        .chain(enabled::messages(flight))
        .chain(enabled::dropped(flight))
        .chain(enabled::plans(flight))
        .chain(enabled::effects(flight))
        .chain(enabled::timers(flight));
    let listed: Vec<Choice> = listed.map(|enabled| enabled.plain(flight)).collect();
    for choice in &listed {
        assert!(situation.is_enabled(choice), "{choice:?}");
    }
    // Those that wait for something are not listed.
    let waiting = (0..flight.plans.len()).map(|index| Enabled::Plan(index).plain(flight));
    let mut all = Vec::new();
    for choice in listed.into_iter().chain(waiting) {
        all.extend(variants(&choice));
        all.push(choice);
    }
    let absent = all.iter().filter_map(|choice| {
        let mut absent = choice.clone();
        absent.item_mut()?.nth += 1_000;
        Some(absent)
    });
    let absent: Vec<Choice> = absent.collect();
    all.extend(absent);
    let crashes: Vec<Choice> = all.iter().map(crash).collect();
    all.extend(crashes);
    let requests = situation.started.len() as u32;
    all.extend((0..=requests).map(|request| Choice::Start { request }));
    let now_ns = situation.now_ns;
    all.extend([now_ns, now_ns.saturating_add(1)].map(|to_ns| Choice::Advance { to_ns }));
    all.push(Choice::Snapshot);
    all
}

const ANSWERS: [Answer; 4] = [
    Answer::PLAIN,
    Answer::nth(1),
    Answer::nth(2),
    Answer::SILENCE,
];

fn variants(choice: &Choice) -> Vec<Choice> {
    match *choice {
        Choice::Deliver(item) => vec![Choice::Duplicate(item), Choice::Drop(item)],
        Choice::Step { plan, .. } => {
            let step = |answer| Choice::Step { plan, answer };
            let answers = [None].into_iter().chain(ANSWERS.map(Some));
            answers.map(step).collect()
        }
        Choice::Receipt { effect, .. } => {
            let receipt = |answer| Choice::Receipt {
                effect,
                answer,
                value: None,
            };
            ANSWERS.map(receipt).to_vec()
        }
        Choice::Fire { timer, .. } => {
            let fire = |status| Choice::Fire {
                timer,
                at_ns: None,
                status,
                twice: status != Status::Ok,
                value: None,
            };
            Status::ALL.map(fire).to_vec()
        }
        _ => Vec::new(),
    }
}

fn crash(choice: &Choice) -> Choice {
    Choice::Crash {
        point: CrashPoint::AfterAppend,
        recovery: Recovery::Journal,
        during: Box::new(choice.clone()),
    }
}
