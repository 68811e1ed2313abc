//! What must be true of every seed: the shipped reducer holds, and the harness can be trusted.

use std::path::Path;

use libtest_mimic::Trial;
use sim::campaign::{self, CampaignOptions, Effort, Runner, Summary};
use sim::cases::{Case, CaseVerdict, Found, FoundBy, WorldHashes, store};
use sim::interrupt::Interrupt;
use sim::kernel::World;
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};

use crate::support::{http_world, planted_world, retry_world, trial};

/// Seeds that are tried when none is given.
const SEEDS: u64 = 300;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let seeded = |name: &str, test: fn(&World, Seed)| {
        trial(format!("seeds::{name}"), move || {
            each(seed, |seed| test(retry_world(), seed));
        })
    };
    vec![
        seeded("shipped_reducer_holds", holds),
        seeded("replay_is_the_run", replay_is_the_run),
        seeded("case_file_is_the_scenario", case_file_round_trips),
        trial(
            "seeds::bug_0_is_the_shipped_reducer".to_owned(),
            move || {
                let bare = planted_world(0);
                each(seed, |seed| {
                    assert_eq!(digest(&bare, seed), digest(retry_world(), seed))
                });
            },
        ),
        trial("seeds::http_world_holds".to_owned(), move || {
            let world = http_world();
            each(seed, |seed| holds(&world, seed));
            each(seed, |seed| replay_is_the_run(&world, seed));
        }),
        trial(
            "seeds::a_run_does_not_depend_on_the_one_before".to_owned(),
            move || {
                history_does_not_matter(seed.unwrap_or(Seed(0)));
            },
        ),
        trial("seeds::jobs_do_not_matter".to_owned(), move || {
            jobs(seed.unwrap_or(Seed(0)))
        }),
        trial("seeds::memory_does_not_matter".to_owned(), move || {
            memory_does_not_matter(seed.unwrap_or(Seed(0)));
        }),
        trial("seeds::plans_as_written".to_owned(), move || {
            each(seed, |seed| as_written(retry_world(), seed));
        }),
    ]
}

fn each(seed: Option<Seed>, mut test: impl FnMut(Seed)) {
    match seed {
        Some(seed) => test(seed),
        None => (0..SEEDS).map(Seed).for_each(test),
    }
}

/// Runs a seed on a runner of its own.
fn with_run<T>(world: &World, seed: Seed, look: impl FnOnce(&mut Runner<'_>, Run) -> T) -> T {
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
    let checked = runner.seed(seed, &scenario);
    let scenario = scenario.with_schedule_of(&runner.trace);
    look(&mut runner, Run { scenario, checked })
}

struct Run {
    scenario: sim::scenario::Scenario,
    checked: campaign::Checked,
}

fn digest(world: &World, seed: Seed) -> sim::trace::Digest {
    with_run(world, seed, |_, run| run.checked.digest)
}

fn holds(world: &World, seed: Seed) {
    with_run(world, seed, |_, run| {
        if !run.checked.violations.is_empty() {
            let case = keep(world, seed, &run);
            panic!("seed {seed}: {:?}\nkept as {case}", run.checked.violations);
        }
        assert!(
            !run.scenario.schedule.is_empty(),
            "seed {seed} decided nothing"
        );
    });
}

/// Writes a failing seed into the corpus, as a campaign does.
/// Keeps the run as a case in the target folder: no trial writes into the checkout.
fn keep(world: &World, seed: Seed, run: &Run) -> String {
    let name = run.checked.violations[0].name();
    let found = found(world, seed, run, CaseVerdict::Violated(name.to_owned()));
    let case = Case::new(&world.air, &run.scenario, found);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("found");
    let written = store::write(&folder, name, &case).expect("it can be written");
    written.path.display().to_string()
}

fn found(world: &World, seed: Seed, run: &Run, verdict: CaseVerdict) -> Found {
    Found {
        about: None,
        found_by: FoundBy::seed(seed.0, &run.scenario),
        world: WorldHashes::of(world),
        judged: Some((verdict, run.checked.digest)),
    }
}

fn replay_is_the_run(world: &World, seed: Seed) {
    with_run(world, seed, |runner, run| {
        let first = runner.trace.clone();
        let replayed = runner.replay(&run.scenario);
        assert_eq!(first.difference(&runner.trace), None, "seed {seed}");
        assert_eq!(replayed.digest, run.checked.digest, "seed {seed}");
        assert!(replayed.skipped.is_empty(), "seed {seed}");
    });
}

/// To text and back, also by way of another layout of the same JSON.
fn case_file_round_trips(world: &World, seed: Seed) {
    with_run(world, seed, |_, run| {
        let found = found(world, seed, &run, CaseVerdict::Holds);
        let case = Case::new(&world.air, &run.scenario, found);
        let text = case.to_text();
        let read = Case::parse(&text).expect("what is written can be read");
        assert_eq!(read, case, "seed {seed}");
        let bound = read.bind(&world.air).expect("what is written can be bound");
        assert_eq!(bound, run.scenario, "seed {seed}");
        let json: serde_json::Value = serde_json::from_str(&text).expect("a case is JSON");
        let pretty = serde_json::to_string_pretty(&json).expect("it can be written");
        let read = Case::parse(&pretty).expect("the layout does not matter");
        assert_eq!(read.to_text(), text, "seed {seed}");
    });
}

fn history_does_not_matter(seed: Seed) {
    let world = retry_world();
    let alone = digest(world, seed);
    with_run(world, Seed(seed.0 ^ 1), |runner, _| {
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        let after = runner.seed(seed, &scenario);
        assert_eq!(after.digest, alone);
    });
}

/// A campaign of several chunks, of which the last is not full.
fn campaign(world: &World, seed: Seed, jobs: usize, remember: bool) -> Summary {
    let model = models::of(world);
    let options = CampaignOptions {
        seeds: seed.0..seed.0.saturating_add(300),
        jobs,
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        mix: Mix::Swarm,
        effort: Effort::Sampled,
        remember,
        twice: false,
        stop: sim::campaign::Stop::AfterFailures(1_000),
        interrupt: Interrupt::default(),
    };
    campaign::run(world, &*model, &options, |_| {}).expect("the reducer can be run")
}

/// Not even for a reducer that answers by what it has in its memory.
fn jobs(seed: Seed) {
    for world in [retry_world(), &planted_world(bug("hidden-state"))] {
        for remember in [true, false] {
            let one = campaign(world, seed, 1, remember);
            assert_eq!(one.seeds, 300.min(u64::MAX - seed.0));
            for jobs in [2, 5] {
                let many = campaign(world, seed, jobs, remember);
                assert!(one == many, "{jobs} jobs, remember {remember}");
            }
        }
    }
}

/// What is recalled is what would have been taken.
fn memory_does_not_matter(seed: Seed) {
    let worlds = [&http_world(), &planted_world(bug("restart-after-done"))];
    for world in [retry_world()].into_iter().chain(worlds) {
        let recalled = campaign(world, seed, 1, true);
        assert!(recalled == campaign(world, seed, 1, false));
    }
}

fn bug(name: &str) -> u8 {
    let bug = planted::BUGS.iter().find(|(_, bug)| *bug == name);
    bug.expect("it is planted").0
}

/// The plan as its document says: every attempt fails, so each request ends as Failed or waits.
fn as_written(world: &World, seed: Seed) {
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    let scenario = runner.scenario(seed, PlanMode::AsWritten, Bounds::default(), Mix::Swarm);
    let checked = runner.seed(seed, &scenario);
    assert_eq!(checked.violations, [], "seed {seed}");
    let answered = runner.trace.turns.iter().any(|turn| {
        matches!(
            turn.choice,
            sim::trace::Choice::Step {
                answer: Some(_),
                ..
            }
        )
    });
    assert!(!answered, "seed {seed}: an answer was chosen");
}
