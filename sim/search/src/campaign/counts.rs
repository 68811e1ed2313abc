//! What is counted of the runs of a campaign.

use super::{Checked, Failure, Runner, Summary};
use sim_air::ReducerId;
use sim_model::invariants::{self, Goals};
use sim_record::random::Seed;
use sim_record::scenario::Verb;
use sim_record::trace::{
    Answer, Choice, CrashPoint, Difference, Digest, Recovery, Remark, Status, Turn,
};
use std::collections::BTreeMap;

/// The kinds of fault that a summary counts, as reports call them.
pub const FAULTS: [&str; 18] = [
    "work failed (transient)",
    "work failed (terminal)",
    "work silent",
    "message reordered",
    "message duplicated",
    "message dropped",
    "message redelivered",
    "stray event",
    "second start",
    "timer early",
    "timer late",
    "timer twice",
    "timer out of order",
    "timer error or timeout",
    "crash before the append",
    "crash after the append",
    "crash before dispatch",
    "recovery from a snapshot",
];

#[derive(Clone)]
pub(super) struct Counts {
    pub turns: u64,
    pub steps: u64,
    pub bounded_runs: u64,
    pub decisions: [u64; Verb::ALL.len()],
    pub faults: [u64; FAULTS.len()],
    pub holds: [u64; invariants::COUNT],
    pub not_applicable: [u64; invariants::COUNT],
    pub violated: [u64; invariants::COUNT],
    /// By goal of the world.
    pub goals: Vec<u64>,
    pub leaks: BTreeMap<ReducerId, String>,
}

impl Counts {
    /// Nothing yet, in a world of so many goals.
    pub fn empty(goals: usize) -> Counts {
        Counts {
            turns: 0,
            steps: 0,
            bounded_runs: 0,
            decisions: [0; Verb::ALL.len()],
            faults: [0; FAULTS.len()],
            holds: [0; invariants::COUNT],
            not_applicable: [0; invariants::COUNT],
            violated: [0; invariants::COUNT],
            goals: vec![0; goals],
            leaks: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, other: &Counts) {
        self.turns += other.turns;
        self.steps += other.steps;
        self.bounded_runs += other.bounded_runs;
        let add = |into: &mut [u64], from: &[u64]| {
            into.iter_mut()
                .zip(from)
                .for_each(|(into, from)| *into += from);
        };
        add(&mut self.decisions, &other.decisions);
        add(&mut self.faults, &other.faults);
        add(&mut self.holds, &other.holds);
        add(&mut self.not_applicable, &other.not_applicable);
        add(&mut self.violated, &other.violated);
        add(&mut self.goals, &other.goals);
        for (reducer, what) in &other.leaks {
            self.leaks.entry(*reducer).or_insert_with(|| what.clone());
        }
    }

    pub fn summary(
        self,
        (goals, judged_by): (Goals, Vec<usize>),
        seeds: u64,
        digest: Digest,
        (failures, unequal): (Vec<Failure>, Vec<(Seed, Difference)>),
        (cut_short, interrupted): (bool, bool),
    ) -> Summary {
        Summary {
            seeds,
            turns: self.turns,
            steps: self.steps,
            bounded_runs: self.bounded_runs,
            decisions: self.decisions,
            faults: self.faults,
            judged_by,
            holds: self.holds,
            not_applicable: self.not_applicable,
            violated: self.violated,
            goals: goals.list().iter().cloned().zip(self.goals).collect(),
            leaks: self.leaks,
            digest,
            failures,
            unequal,
            cut_short,
            interrupted,
        }
    }

    fn count_turn(&mut self, turn: &Turn) {
        self.decisions[turn.choice.verb() as usize] += 1;
        let faults = &mut self.faults;
        faults_of(&turn.choice, &turn.remark, &mut |index| faults[index] += 1);
    }

    /// Counts the last run of a runner.
    pub fn count_run(&mut self, runner: &Runner<'_>, checked: &Checked) {
        self.turns += runner.trace.turns.len() as u64;
        self.steps += runner.trace.steps.len() as u64;
        self.bounded_runs += u64::from(checked.end.is_bound());
        runner
            .trace
            .turns
            .iter()
            .for_each(|turn| self.count_turn(turn));
        for (index, applied) in runner.checker().applied().iter().enumerate() {
            let violated = checked
                .violations
                .iter()
                .any(|found| found.invariant == index);
            self.violated[index] += u64::from(violated);
            self.holds[index] += u64::from(*applied && !violated);
            self.not_applicable[index] += u64::from(!applied);
        }
        let reached = runner.checker().reached();
        for (index, count) in self.goals.iter_mut().enumerate() {
            *count += u64::from(reached.contains(index));
        }
        if let Some((reducer, what)) = runner.checker().leak() {
            self.leaks.entry(reducer).or_insert_with(|| what.to_owned());
        }
    }
}

/// The kinds of fault that a decision is: indices into [`FAULTS`].
pub fn faults_of(choice: &Choice, remark: &Remark, note: &mut impl FnMut(usize)) {
    let Remark {
        reordered,
        repeated,
        early,
        late,
        second_start,
    } = *remark;
    let mut note_if = |index: usize, happened: bool| {
        if happened {
            note(index);
        }
    };
    match choice {
        Choice::Start { .. } => note_if(8, second_start),
        Choice::Deliver(_) => note_if(3, reordered),
        Choice::Duplicate(_) => note_if(4, true),
        Choice::Drop(_) => note_if(5, true),
        Choice::Redeliver(_) => note_if(6, true),
        Choice::Step {
            answer: Some(answer),
            ..
        }
        | Choice::Receipt { answer, .. } => {
            note_if(0, *answer == Answer::Transient);
            note_if(1, *answer == Answer::Terminal);
            note_if(2, *answer == Answer::Silence);
        }
        Choice::Inject { .. } => note_if(7, true),
        Choice::Fire { status, .. } => {
            note_if(9, early);
            note_if(10, late);
            note_if(11, repeated);
            note_if(12, reordered);
            note_if(13, *status != Status::Ok);
        }
        Choice::Crash {
            point,
            recovery,
            during,
        } => {
            note_if(14, *point == CrashPoint::BeforeAppend);
            note_if(15, *point == CrashPoint::AfterAppend);
            note_if(16, *point == CrashPoint::BeforeDispatch);
            note_if(17, *recovery == Recovery::Snapshot);
            // What does not arrive does nothing yet.
            if *point != CrashPoint::BeforeAppend {
                faults_of(during, remark, note);
            }
        }
        Choice::Step { answer: None, .. } | Choice::Advance { .. } | Choice::Snapshot => {}
    }
}
