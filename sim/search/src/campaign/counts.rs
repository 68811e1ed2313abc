//! What is counted of the runs of a campaign.

use super::{Checked, Failure, Judged, Ran, Runner, Sometimes, Summary};
use serde::{Deserialize, Serialize};
use sim_air::ReducerId;
use sim_kernel::World;
use sim_model::Properties;
use sim_record::random::Seed;
use sim_record::scenario::Verb;
use sim_record::trace::{
    Answer, Answers, Choice, CrashPoint, Difference, Digest, End, Recovery, Remark, Status, Turn,
};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Makes an enum of kinds of fault, and their names, out of one list.
macro_rules! faults {
    ($($kind:ident $name:literal;)*) => {
        /// A kind of fault beside the answers to work.
        #[derive(Clone, Copy)]
        enum Fault {
            $($kind,)*
        }

        /// As reports call them.
        const FAULTS: [&str; [$($name),*].len()] = [$($name),*];
    };
}

faults! {
    Silence "work silent";
    Reordered "message reordered";
    Duplicated "message duplicated";
    Dropped "message dropped";
    Redelivered "message redelivered";
    Spurious "spurious event";
    SecondStart "second start";
    TimerEarly "timer early";
    TimerLate "timer late";
    TimerTwice "timer twice";
    TimerReordered "timer out of order";
    TimerStatus "timer error or timeout";
    BeforeAppend "crash before the append";
    AfterAppend "crash after the append";
    BeforeDispatch "crash before dispatch";
    Snapshot "recovery from a snapshot";
}

/// All kinds of fault in a world with these answers, as reports call them: every answer but the
/// plain one, and then those of the environment.
pub fn fault_names(answers: &Answers) -> impl Iterator<Item = Cow<'static, str>> {
    let answers = answers.outcomes()[1..].iter();
    let answers = answers.map(|outcome| Cow::Owned(format!("work answered {}", outcome.name)));
    answers.chain(FAULTS.into_iter().map(Cow::Borrowed))
}

#[derive(Clone)]
pub(super) struct Counts {
    pub turns: u64,
    pub steps: u64,
    runs: u64,
    pub bounded_runs: u64,
    /// Of these, the ones whose faults took all the turns that they may.
    pub long_runs: u64,
    pub cut_runs: u64,
    restless_runs: u64,
    pub decisions: [u64; Verb::ALL.len()],
    /// By place in [`fault_names`].
    faults: Vec<u64>,
    answers: Answers,
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

/// The longest text of results that is believed.
pub(super) const MOST_TEXT_BYTES: usize = 1 << 16;

/// What is counted, but for what the runs themselves say: as it is written down.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    decisions: Vec<u64>,
    faults: Vec<u64>,
    /// Applied, violated, reached.
    tallies: Vec<[u64; 3]>,
    /// By index of the reducer.
    leaks: BTreeMap<usize, String>,
}

impl Counts {
    /// Nothing yet, in a world of so many properties and with these answers.
    pub fn empty(properties: usize, answers: Answers) -> Counts {
        Counts {
            turns: 0,
            steps: 0,
            runs: 0,
            bounded_runs: 0,
            long_runs: 0,
            cut_runs: 0,
            restless_runs: 0,
            decisions: [0; Verb::ALL.len()],
            faults: vec![0; fault_names(&answers).count()],
            answers,
            tallies: vec![Tally::default(); properties],
            leaks: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, other: &Counts) {
        self.turns += other.turns;
        self.steps += other.steps;
        self.runs += other.runs;
        self.bounded_runs += other.bounded_runs;
        self.long_runs += other.long_runs;
        self.cut_runs += other.cut_runs;
        self.restless_runs += other.restless_runs;
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
            long_runs: self.long_runs,
            cut_runs: self.cut_runs,
            restless_runs: self.restless_runs,
            decisions: self.decisions,
            faults: fault_names(&self.answers).zip(self.faults).collect(),
            judged: judged.collect(),
            sometimes: sometimes.collect(),
            leaks: self.leaks,
            digest,
            failures,
            unequal,
            cut_short,
            interrupted,
            missing: Vec::new(),
        }
    }

    /// As it is written down.
    pub fn written(&self) -> Written {
        let tallies = self.tallies.iter();
        let tallies = tallies.map(|one| [one.applied, one.violated, one.reached]);
        let leaks = self.leaks.iter();
        Written {
            decisions: self.decisions.to_vec(),
            faults: self.faults.clone(),
            tallies: tallies.collect(),
            leaks: leaks
                .map(|(reducer, what)| (reducer.index(), what.clone()))
                .collect(),
        }
    }

    /// What was written down of these runs, put into counts that have nothing yet.
    ///
    /// # Errors
    /// If that cannot be of these runs, or not of this world.
    pub fn read(
        mut self,
        world: &World,
        runs: &[Ran],
        written: &Written,
    ) -> Result<Counts, &'static str> {
        for ran in runs {
            self.turns += u64::from(ran.turns);
            self.steps += u64::from(ran.steps);
            self.count_end(world, ran.end);
        }
        let total = |counts: &[u64]| {
            let mut counts = counts.iter();
            counts.try_fold(0_u64, |sum, count| sum.checked_add(*count))
        };
        let decisions = written.decisions.as_slice().try_into();
        self.decisions = decisions.map_err(|_| "not as many decisions as there are")?;
        if total(&self.decisions) != Some(self.turns) {
            return Err("the decisions are not as many as the turns");
        }
        if written.faults.len() != self.faults.len() {
            return Err("not as many kinds of fault as there are");
        }
        // A crash may come while a fault happens.
        let most_faults = self.turns.saturating_mul(2);
        if written.faults.iter().any(|count| *count > most_faults) {
            return Err("more faults than its turns may have");
        }
        self.faults.clone_from(&written.faults);
        if written.tallies.len() != self.tallies.len() {
            return Err("not as many properties as there are");
        }
        for (tally, [applied, violated, reached]) in self.tallies.iter_mut().zip(&written.tallies) {
            let most = runs.len() as u64;
            if *applied > most || violated > applied || *reached > most {
                return Err("a property was judged in more runs than there are");
            }
            *tally = Tally {
                applied: *applied,
                violated: *violated,
                reached: *reached,
            };
        }
        if written
            .leaks
            .values()
            .any(|what| what.len() > MOST_TEXT_BYTES)
        {
            return Err("a text is too long");
        }
        let mut leaks = written.leaks.iter();
        self.leaks = leaks
            .try_fold(BTreeMap::new(), |mut leaks, (index, what)| {
                let (reducer, _) = world.reducers().nth(*index)?;
                leaks.insert(reducer, what.clone());
                Some(leaks)
            })
            .ok_or("a leak of a reducer that there is not")?;
        Ok(self)
    }

    /// Whether some run violated something.
    pub fn has_violations(&self) -> bool {
        self.tallies.iter().any(|tally| tally.violated > 0)
    }

    fn count_end(&mut self, world: &World, end: End) {
        self.runs += 1;
        self.bounded_runs += u64::from(end.is_bound());
        self.long_runs += u64::from(end == End::TurnBound);
        self.cut_runs += u64::from(world.cut_by(end).is_some());
        self.restless_runs += u64::from(end == End::LivenessBound);
    }

    fn count_turn(&mut self, turn: &Turn) {
        self.decisions[turn.choice.verb() as usize] += 1;
        let faults = &mut self.faults;
        faults_of(&self.answers, &turn.choice, &turn.remark, &mut |index| {
            faults[index] += 1;
        });
    }

    /// Counts the last run of a runner.
    pub fn count_run(&mut self, runner: &Runner<'_>, checked: &Checked) {
        self.turns += runner.trace.turns.len() as u64;
        self.steps += runner.trace.steps.len() as u64;
        self.count_end(runner.world, checked.end);
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

/// The kinds of fault that a decision is: places in [`fault_names`].
pub fn faults_of(
    answers: &Answers,
    choice: &Choice,
    remark: &Remark,
    note: &mut impl FnMut(usize),
) {
    let Remark {
        reordered,
        repeated,
        early,
        late,
        second_start,
        ..
    } = *remark;
    let environment = answers.len() - 1;
    let mut note_if = |fault: Fault, happened: bool| {
        if happened {
            note(environment + fault as usize);
        }
    };
    match choice {
        Choice::Start { .. } => note_if(Fault::SecondStart, second_start),
        Choice::Deliver(_) => note_if(Fault::Reordered, reordered),
        Choice::Duplicate(_) => note_if(Fault::Duplicated, true),
        Choice::Drop(_) => note_if(Fault::Dropped, true),
        Choice::Redeliver(_) => note_if(Fault::Redelivered, true),
        Choice::Step {
            answer: Some(answer),
            ..
        }
        | Choice::Receipt { answer, .. } => match *answer {
            Answer::PLAIN => {}
            Answer::SILENCE => note_if(Fault::Silence, true),
            other => note(other.place() - 1),
        },
        Choice::Inject { .. } => note_if(Fault::Spurious, true),
        Choice::Fire { status, .. } => {
            note_if(Fault::TimerEarly, early);
            note_if(Fault::TimerLate, late);
            note_if(Fault::TimerTwice, repeated);
            note_if(Fault::TimerReordered, reordered);
            note_if(Fault::TimerStatus, *status != Status::Ok);
        }
        Choice::Crash {
            point,
            recovery,
            during,
        } => {
            note_if(Fault::BeforeAppend, *point == CrashPoint::BeforeAppend);
            note_if(Fault::AfterAppend, *point == CrashPoint::AfterAppend);
            note_if(Fault::BeforeDispatch, *point == CrashPoint::BeforeDispatch);
            note_if(Fault::Snapshot, *recovery == Recovery::Snapshot);
            // What does not arrive does nothing yet.
            if *point != CrashPoint::BeforeAppend {
                faults_of(answers, during, remark, note);
            }
        }
        Choice::Step { answer: None, .. } | Choice::Advance { .. } | Choice::Snapshot => {}
    }
}
