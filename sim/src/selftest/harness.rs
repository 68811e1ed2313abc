//! Faults in the harness itself, and the check that notices each.
//!
//! Every check is run twice: with nothing planted it must be content, with the fault it must not.

use std::cell::Cell;

use anyhow::{Context, bail};

use super::Subject;
use sim_model::{Crashes, Replays};
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Mix, PlanMode, Scenario};
use sim_record::trace::{Choice, Record, Trace};
use sim_search::campaign::{Effort, Runner};
use sim_simulator::{Chooser, Seeded, Situation};

/// A fault that is planted in the harness.
pub struct Sabotage {
    /// What is wrong, in words.
    pub name: &'static str,
    /// What notices it.
    pub noticed_by: &'static str,
    /// Whether the check is content, with the fault or without it.
    check: fn(&Subject<'_>, bool) -> anyhow::Result<bool>,
}

impl Sabotage {
    /// Whether the check notices the fault, and nothing where there is none.
    ///
    /// # Errors
    /// If a reducer cannot be run, or the world is not one in which the fault would show.
    pub fn is_noticed(&self, subject: &Subject<'_>) -> anyhow::Result<bool> {
        Ok((self.check)(subject, false)? && !(self.check)(subject, true)?)
    }
}

/// All of them, in the order of reports.
pub const HARNESS: [Sabotage; 6] = [
    Sabotage {
        name: "an invariant that never fires",
        noticed_by: "the planted bug that it is about",
        check: invariant_fires,
    },
    Sabotage {
        name: "a chooser that draws from outside the seed",
        noticed_by: "the second run of a seed (--twice)",
        check: seed_decides,
    },
    Sabotage {
        name: "a trace that misses a field",
        noticed_by: "the comparison of a run with its replay",
        check: trace_is_whole,
    },
    Sabotage {
        name: "a recovery that skips a record",
        noticed_by: "the invariant `replays`",
        check: recovery_is_whole,
    },
    Sabotage {
        name: "a snapshot that is older than it says",
        noticed_by: "the invariant `replays`",
        check: snapshot_is_true,
    },
    Sabotage {
        name: "a schedule that is not followed to its end",
        noticed_by: "the digest of a run and its replay",
        check: schedule_is_followed,
    },
];

const SEEDS: u64 = 200;
/// What says of any world that a step does not trap.
const BOUNDED: &str = "bounded";

fn scenario(runner: &Runner<'_>, seed: Seed) -> Scenario {
    runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm)
}

/// A run of some length, with its trace in the runner.
fn long_run(runner: &mut Runner<'_>) -> anyhow::Result<Scenario> {
    for seed in (0..SEEDS).map(Seed) {
        let scenario = scenario(runner, seed);
        runner.seed(seed, &scenario);
        if runner.trace.steps.len() >= 20 {
            return Ok(scenario.with_schedule_of(&runner.trace));
        }
    }
    bail!("no seed in {SEEDS} takes twenty steps")
}

fn invariant_fires(subject: &Subject<'_>, sabotaged: bool) -> anyhow::Result<bool> {
    // A step that traps is judged by nothing else.
    let mut bugs = subject.bugs.iter();
    let traps = bugs.find(|bug| bug.properties == [BOUNDED]);
    let traps = traps.context("no planted bug is about `bounded` alone")?;
    let world = subject.planted(traps)?;
    let model = (subject.model)(&world);
    let mut runner = Runner::new(&world, &*model)?;
    let bounded = runner.checker().properties().find(BOUNDED);
    if let Some(bounded) = bounded.filter(|_| sabotaged) {
        runner.checker_mut().mute(bounded);
    }
    Ok((0..SEEDS).map(Seed).any(|seed| {
        let scenario = scenario(&runner, seed);
        !runner.seed(seed, &scenario).violations.is_empty()
    }))
}

/// Leaves the seed's decisions as they are, but for one in a hundred of all that were ever made.
struct Wayward<'a> {
    seeded: Seeded,
    decisions: &'a Cell<u64>,
}

impl Chooser for Wayward<'_> {
    fn choose(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        self.decisions.set(self.decisions.get() + 1);
        let choice = self.seeded.choose(situation, trace);
        if self.decisions.get().is_multiple_of(100) {
            let to_ns = situation.now_ns.saturating_add(1);
            return Some(Choice::Advance { to_ns });
        }
        choice
    }
}

fn seed_decides(subject: &Subject<'_>, sabotaged: bool) -> anyhow::Result<bool> {
    let world = subject.shipped()?;
    let model = (subject.model)(&world);
    let mut runner = Runner::new(&world, &*model)?;
    let decisions = Cell::new(0);
    let mut digest = |seed: Seed| {
        let scenario = scenario(&runner, seed);
        let seeded = Seeded::new(seed, scenario.faults.as_ref(), runner.answers());
        if !sabotaged {
            return runner.seed(seed, &scenario).digest;
        }
        let mut chooser = Wayward {
            seeded,
            decisions: &decisions,
        };
        runner.run(seed, &scenario, &mut chooser).digest
    };
    Ok((0..SEEDS)
        .map(Seed)
        .all(|seed| digest(seed) == digest(seed)))
}

/// The run and its replay tell the same, field by field.
fn trace_is_whole(subject: &Subject<'_>, sabotaged: bool) -> anyhow::Result<bool> {
    let world = subject.shipped()?;
    let model = (subject.model)(&world);
    let mut runner = Runner::new(&world, &*model)?;
    let scenario = long_run(&mut runner)?;
    let mut run = runner.trace.clone();
    if sabotaged && let Some(step) = run.steps.iter_mut().find(|step| step.before != step.after) {
        step.after = step.before;
    }
    runner.replay(&scenario);
    Ok(run.difference(&runner.trace).is_none())
}

fn recovery_is_whole(subject: &Subject<'_>, sabotaged: bool) -> anyhow::Result<bool> {
    let world = subject.shipped()?;
    let model = (subject.model)(&world);
    let mut runner = Runner::new(&world, &*model)?;
    long_run(&mut runner)?;
    let mut run = runner.trace.clone();
    let changes = run.steps.iter().find(|step| step.before != step.after);
    let event = changes.map(|step| step.event);
    let lost = run.journal.iter().position(
        |record| matches!(record, Record::DomainEvent { value, .. } if Some(*value) == event),
    );
    if let Some(lost) = lost.filter(|_| sabotaged) {
        run.journal.remove(lost);
        for turn in &mut run.turns {
            turn.journal.start -= u32::from(turn.journal.start as usize > lost);
            turn.journal.end -= u32::from(turn.journal.end as usize > lost);
        }
    }
    Ok(Replays::new(&world)?
        .check(&mut run, &Crashes::Everywhere)
        .is_none())
}

/// A snapshot record that holds the state before the last change is not believed.
fn snapshot_is_true(subject: &Subject<'_>, sabotaged: bool) -> anyhow::Result<bool> {
    let world = subject.shipped()?;
    let model = (subject.model)(&world);
    let mut runner = Runner::new(&world, &*model)?;
    let mut replays = Replays::new(&world)?;
    for seed in (0..SEEDS).map(Seed) {
        let scenario = scenario(&runner, seed);
        runner.seed(seed, &scenario);
        let mut run = runner.trace.clone();
        let started = run.steps.first().and_then(|step| step.after);
        let old = run.journal.iter_mut().find_map(|record| match record {
            Record::Snapshot { state, .. } if *state != started => Some(state),
            _ => None,
        });
        let Some(old) = old.filter(|old| old.is_some()) else {
            continue;
        };
        if sabotaged {
            *old = started;
        }
        return Ok(replays.check(&mut run, &Crashes::Everywhere).is_none());
    }
    bail!("no seed in {SEEDS} takes a snapshot after a change")
}

fn schedule_is_followed(subject: &Subject<'_>, sabotaged: bool) -> anyhow::Result<bool> {
    let world = subject.shipped()?;
    let model = (subject.model)(&world);
    let mut runner = Runner::new(&world, &*model)?;
    runner.set_effort(Effort::Plain);
    let mut scenario = long_run(&mut runner)?;
    let digest = runner.trace.digest();
    if sabotaged {
        // The last decisions may be those that the second phase takes anyway.
        scenario.schedule.truncate(scenario.schedule.len() / 2);
    }
    Ok(runner.replay(&scenario).digest == digest)
}
