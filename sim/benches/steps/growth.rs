//! Whether cost grows in a straight line, with seeds and with steps, and memory does not.

use std::fs;

use sim::campaign::Runner;
use sim::random::Seed;
use sim::scenario::{Bounds, Faults, Knob, PlanMode, Scenario};

use super::rounds::{Contender, compare};
use super::subject::Subject;

const SIZES: [u64; 4] = [10, 100, 1_000, 10_000];
const ROUNDS: usize = 11;
/// What is done in a round, so that the smallest is not lost in the noise.
const UNITS: u64 = 10_000;

pub fn measure(subject: &Subject) {
    seeds(subject);
    println!();
    lengths(subject);
}

fn seeds(subject: &Subject) {
    println!("seeds of a campaign   steps/s   of 10,000 seeds   peak memory, MiB");
    // Upwards, as a peak says nothing of what comes before it where it can't be set back.
    let peaks = SIZES.map(|seeds| {
        forget_peak();
        subject.campaign(seeds, 1, true);
        peak_mib()
    });
    let contenders = SIZES.map(|seeds| {
        Contender::new("", move || {
            let campaigns = UNITS / seeds;
            (0..campaigns)
                .map(|_| subject.campaign(seeds, 1, true).steps)
                .sum()
        })
    });
    let figures = compare(ROUNDS, contenders.into());
    for ((seeds, each), peak) in SIZES.iter().zip(&figures).zip(peaks) {
        let times = each.times(&figures[SIZES.len() - 1]);
        let peak = peak.map_or("unknown".to_owned(), |peak| format!("{peak:.1}"));
        println!(
            "{seeds:>19}   {:>7.0}   {times:>15.2}   {peak:>16}",
            each.rate()
        );
    }
}

fn lengths(subject: &Subject) {
    println!("turns of a run   steps of a run    steps/s   of 10,000 turns");
    let mut steps = SIZES.map(|turns| {
        let mut runner = subject.runner();
        run(&mut runner, &long(subject, turns))
    });
    let contenders = SIZES.map(|turns| {
        let mut runner = subject.runner();
        let scenario = long(subject, turns);
        Contender::new("", move || {
            let runs = UNITS / turns;
            (0..runs).map(|_| run(&mut runner, &scenario)).sum()
        })
    });
    let figures = compare(ROUNDS, contenders.into());
    for ((turns, each), steps) in SIZES.iter().zip(&figures).zip(&mut steps) {
        let times = each.times(&figures[SIZES.len() - 1]);
        println!(
            "{turns:>14}   {steps:>14}   {:>8.0}   {times:>15.2}",
            each.rate()
        );
    }
}

fn run(runner: &mut Runner<'_>, scenario: &Scenario) -> u64 {
    runner.seed(Seed(0), scenario);
    runner.trace.steps.len() as u64
}

/// A run that goes on to so many turns, for its requests may be tried without end and never
/// succeed, no spurious event says that they did, and nothing is lost. Without crashes, which cost a replay
/// of all that was before.
fn long(subject: &Subject, turns: u64) -> Scenario {
    let endless = retry_world::small(3, u64::MAX, 10);
    let answers = subject.model.answers();
    let fixed = Faults::fixed(&answers);
    let off = [Knob::Silence, Knob::Spurious, Knob::Drop, Knob::Crash];
    let on = Knob::ALL.into_iter().filter(|knob| !off.contains(knob));
    let knobs = on.map(|knob| (knob, fixed.weight(knob)));
    let outcomes = answers.outcomes().iter();
    let going_on = outcomes.filter(|outcome| outcome.goes_on);
    let weights = going_on.map(|outcome| (outcome.name.clone(), 1));
    Scenario {
        requests: subject.model.scene(&endless).requests,
        plans: PlanMode::Answered,
        bounds: Bounds {
            turns: turns as u32,
            ..Bounds::default()
        },
        liveness: false,
        faults: Faults::of(knobs, weights),
        schedule: Vec::new(),
    }
}

/// Has the system measure the peak from here on, where it can.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that was resident, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
