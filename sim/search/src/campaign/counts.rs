//! What is counted of the runs of a campaign.

use super::{Checked, Failure, Judged, Runner, Sometimes, Summary};
use sim_air::ReducerId;
use sim_model::Properties;
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
    "spurious event",
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
    runs: u64,
    pub bounded_runs: u64,
    pub cut_runs: u64,
    pub decisions: [u64; Verb::ALL.len()],
    pub faults: [u64; FAULTS.len()],
    /// By property of the world.
    tallies: Vec<Tally>,
    pub leaks: BTreeMap<ReducerId, String>,
}

/// Runs in which a property had something to say, in which it was violated, in which it was
/// reached.
#[derive(Clone, Copy, Default)]
struct Tally {
    applied: u64,
    violated: u64,
    reached: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.applied += other.applied;
        self.violated += other.violated;
        self.reached += other.reached;
    }
}

impl Counts {
    /// Nothing yet, in a world of so many properties.
    pub fn empty(properties: usize) -> Counts {
        Counts {
            turns: 0,
            steps: 0,
            runs: 0,
            bounded_runs: 0,
            cut_runs: 0,
            decisions: [0; Verb::ALL.len()],
            faults: [0; FAULTS.len()],
            tallies: vec![Tally::default(); properties],
            leaks: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, other: &Counts) {
        self.turns += other.turns;
        self.steps += other.steps;
        self.runs += other.runs;
        self.bounded_runs += other.bounded_runs;
        self.cut_runs += other.cut_runs;
        let add = |into: &mut [u64], from: &[u64]| {
            into.iter_mut()
                .zip(from)
                .for_each(|(into, from)| *into += from);
        };
        add(&mut self.decisions, &other.decisions);
        add(&mut self.faults, &other.faults);
        for (into, from) in self.tallies.iter_mut().zip(&other.tallies) {
            into.add(from);
        }
        for (reducer, what) in &other.leaks {
            self.leaks.entry(*reducer).or_insert_with(|| what.clone());
        }
    }

    pub fn summary(
        self,
        properties: &Properties,
        seeds: u64,
        digest: Digest,
        (failures, unequal): (Vec<Failure>, Vec<(Seed, Difference)>),
        (cut_short, interrupted): (bool, bool),
    ) -> Summary {
        let judged = properties.must_hold().map(|(rank, property)| Judged {
            property: property.clone(),
            holds: self.tallies[rank].applied - self.tallies[rank].violated,
            not_applicable: self.runs - self.tallies[rank].applied,
            violated: self.tallies[rank].violated,
        });
        let sometimes = properties
            .sometimes()
            .map(|(rank, property, asked)| Sometimes {
                property: property.clone(),
                asked,
                runs: self.tallies[rank].reached,
            });
        Summary {
            seeds,
            turns: self.turns,
            steps: self.steps,
            bounded_runs: self.bounded_runs,
            cut_runs: self.cut_runs,
            decisions: self.decisions,
            faults: self.faults,
            judged: judged.collect(),
            sometimes: sometimes.collect(),
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
        self.runs += 1;
        self.bounded_runs += u64::from(checked.end.is_bound());
        self.cut_runs += u64::from(checked.end.cut_by().is_some());
        runner
            .trace
            .turns
            .iter()
            .for_each(|turn| self.count_turn(turn));
        let (applied, reached) = (runner.checker().applied(), runner.checker().reached());
        for (rank, tally) in self.tallies.iter_mut().enumerate() {
            tally.applied += u64::from(applied[rank]);
            tally.reached += u64::from(reached.contains(rank));
        }
        for found in &checked.violations {
            self.tallies[found.rank].violated += 1;
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
