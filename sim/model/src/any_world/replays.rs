//! `replays`: after a crash at any point of a run, recovery gives what was there before.
//!
//! Verifies, at the end of a turn, that the journal so far gives the same state bytes of every
//! cell and the same open intents as the run had straight through, and that a snapshot taken then,
//! with the rest of the journal, does so at the end of the run. Rebuilding also derives every
//! intent, decision and plan step again and holds them against the journal. Of the crashes that a
//! run itself went through, it verifies that recovery found no such difference and that the next
//! step began from the state before. Does not verify that what is sent again is needed.

use std::collections::BTreeMap;

use crate::property::Finding;
use sim_air::ReducerId;
use sim_host::StepError;
use sim_kernel::{Kernel, World};
use sim_record::interrupt::Interrupt;
use sim_record::trace::{
    Cell, Choice, IntentHash, Record, Recovery, Step, Trace, Turn, ValueId, Values,
};

/// The crashes of the run itself.
pub(super) fn check_turn(turn: &Turn) -> Finding {
    match (&turn.divergence, &turn.choice) {
        (Some(what), _) => {
            Finding::violated("recovery derives what the journal holds", what.to_string())
        }
        (None, Choice::Crash { .. }) => Finding::Holds,
        (None, _) => Finding::NotApplicable,
    }
}

/// The state that the last step of each cell left, up to a step of the run. Kept once the run has
/// crashed.
#[derive(Default)]
pub(super) struct LastStates {
    states: BTreeMap<(ReducerId, Option<ValueId>), Option<ValueId>>,
    steps_seen: usize,
}

impl LastStates {
    pub fn clear(&mut self) {
        self.states.clear();
        self.steps_seen = 0;
    }

    /// The first step after a recovery begins where the last one before it ended.
    pub fn check(&mut self, trace: &Trace, index: usize) -> Finding {
        let cell = |step: &Step| (step.reducer, step.key);
        for step in &trace.steps[self.steps_seen..index] {
            self.states.insert(cell(step), step.after);
        }
        self.steps_seen = index;
        let step = &trace.steps[index];
        let Some(after) = self.states.get(&cell(step)) else {
            return Finding::NotApplicable;
        };
        Finding::check(*after == step.before, || {
            let expected = "the state that the last step before the crash left".to_owned();
            (expected, "recovery gave another".to_owned())
        })
    }
}

/// A recovery that gave something else than the run had straight through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unrecovered {
    /// The turn after which it was tried.
    pub turn: usize,
    /// What the journal says.
    pub expected: String,
    /// What the recovery came to.
    pub found: String,
}

/// Which recoveries of a finished run are tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Crashes {
    /// One from the journal after a turn, one from a snapshot after another.
    At {
        /// The turn after which the journal is replayed.
        journal: usize,
        /// The turn after which a snapshot is taken and restored.
        snapshot: usize,
    },
    /// Both after every turn; of a run that is long, or large, after as many of its turns as can be
    /// tried, evenly spread, the last among them.
    Everywhere,
}

/// How much is done again in all recoveries of a run, about: this is every turn of a run of 500
/// usual ones.
const MOST_WORK_BYTES: usize = 1 << 30;
/// A record that is done again counts as so many bytes of it.
const RECORD_BYTES: usize = 512;
/// So many turns are tried of any run.
const LEAST_TURNS: usize = 2;

/// The turns of a run after which recoveries are tried.
fn spread(run: &Trace) -> impl Fn(usize) -> bool + use<> {
    let turns = run.turns.len();
    // From the journal and from a snapshot, the whole of the run each time.
    let each = 2 * (run.journal.len() * RECORD_BYTES + run.work_bytes() as usize).max(1);
    let most = (MOST_WORK_BYTES / each).max(LEAST_TURNS);
    move |turn| turns <= most || (turn + 1) * most / turns > turn * most / turns
}

impl Crashes {
    /// The turn after which one recovers from the journal; None where that is many.
    fn journal(&self) -> Option<usize> {
        match self {
            Crashes::At { journal, .. } => Some(*journal),
            Crashes::Everywhere => None,
        }
    }

    fn snapshot(&self) -> Option<usize> {
        match self {
            Crashes::At { snapshot, .. } => Some(*snapshot),
            Crashes::Everywhere => None,
        }
    }
}

/// Tries recoveries on a kernel of its own.
pub struct Replays<'w> {
    kernel: Kernel<'w>,
    trace: Trace,
    interrupt: Interrupt,
}

/// What a run had straight through.
#[derive(Default)]
struct Straight {
    states: BTreeMap<(ReducerId, Option<Vec<u8>>), ValueId>,
    /// Hashes, and the cells that asked, oldest first: two cells may ask for the same.
    open: Vec<(IntentHash, Option<Cell>)>,
}

impl Straight {
    fn add(&mut self, run: &Trace, turn: &Turn, values: &Values) {
        for step in run.steps_of(turn) {
            let cell = (step.reducer, step.key.map(|key| values.bytes(key).to_vec()));
            match step.after {
                Some(state) => self.states.insert(cell, state),
                None => self.states.remove(&cell),
            };
        }
        // A turn's receipt comes before what its step asks for.
        for record in run.journal_in(&turn.journal) {
            if let Record::EffectReceipt { intent, cell, .. } = record
                && let Some(closed) = self.open.iter().position(|it| *it == (*intent, *cell))
            {
                self.open.remove(closed);
            }
        }
        let asked = run.intents_in(&turn.intents).iter();
        let allowed = asked.filter(|intent| intent.allowed);
        self.open
            .extend(allowed.map(|intent| (intent.hash, intent.asker.cell())));
    }

    /// What a recovered kernel has that the run had not.
    fn difference(&self, kernel: &Kernel<'_>) -> Option<(String, String)> {
        let found: BTreeMap<_, _> = kernel
            .states()
            .map(|(reducer, key, state)| ((reducer, key.map(<[u8]>::to_vec)), state))
            .collect();
        if found != self.states {
            let expected = "the state bytes that the run had".to_owned();
            return Some((expected, "recovery gave others".to_owned()));
        }
        let open = kernel.open_intents().iter();
        let open: Vec<_> = open.map(|open| (open.hash, open.asker.cell())).collect();
        let expected = format!("{} open intents, as the run had", self.open.len());
        let found = match open.len() == self.open.len() {
            true => "as many after recovery, and not the same".to_owned(),
            false => format!("{} after recovery", open.len()),
        };
        (open != self.open).then_some((expected, found))
    }
}

impl<'w> Replays<'w> {
    /// # Errors
    /// If an instance cannot be had.
    pub fn new(world: &'w World) -> Result<Replays<'w>, StepError> {
        Ok(Replays {
            kernel: Kernel::new(world)?,
            trace: Trace::default(),
            interrupt: Interrupt::default(),
        })
    }

    /// From now on no further recovery is tried after this is asked.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    /// Tries recoveries of a run; the first that does not give what the run had. None where it was
    /// interrupted says nothing.
    pub fn check(&mut self, run: &mut Trace, crashes: &Crashes) -> Option<Unrecovered> {
        // What recovery gives are then the same values, by the same ids.
        std::mem::swap(&mut self.trace.values, &mut run.values);
        let found = self.try_recoveries(run, crashes);
        std::mem::swap(&mut self.trace.values, &mut run.values);
        found
    }

    fn try_recoveries(&mut self, run: &Trace, crashes: &Crashes) -> Option<Unrecovered> {
        let ends: Vec<usize> = run
            .turns
            .iter()
            .map(|turn| turn.journal.end as usize)
            .collect();
        let is_spread = spread(run);
        let is_tried = |turn: usize, at: fn(&Crashes) -> Option<usize>| match at(crashes) {
            Some(at) => at == turn,
            None => is_spread(turn),
        };
        let from_journal = |turn| is_tried(turn, Crashes::journal);
        let from_snapshot = |turn| is_tried(turn, Crashes::snapshot);
        let mut straight = Straight::default();
        for (index, (turn, end)) in run.turns.iter().zip(&ends).enumerate() {
            if self.interrupt.is_asked() {
                return None;
            }
            straight.add(run, turn, &self.trace.values);
            if from_journal(index) {
                self.load(&run.journal[..*end]);
                if let Some(found) = self.recover(Recovery::Journal, &straight) {
                    return Some(unrecovered(index, found, "from the journal"));
                }
            }
        }
        for (index, end) in ends.iter().enumerate() {
            if self.interrupt.is_asked() {
                return None;
            }
            if from_snapshot(index)
                && let Some(found) = self.snapshot(run, *end, &straight)
            {
                return Some(unrecovered(index, found, "from a snapshot and the rest"));
            }
        }
        None
    }

    fn load(&mut self, journal: &[Record]) {
        self.trace.clear();
        self.trace.journal.extend_from_slice(journal);
    }

    fn recover(&mut self, recovery: Recovery, straight: &Straight) -> Option<(String, String)> {
        match self.kernel.recover(&mut self.trace, recovery, false) {
            Err(divergence) => Some((
                "recovery derives what the journal holds".to_owned(),
                divergence.to_string(),
            )),
            Ok(()) => straight.difference(&self.kernel),
        }
    }

    /// Comes to a point by way of the journal, keeps a snapshot, and goes on from that.
    fn snapshot(
        &mut self,
        run: &Trace,
        records: usize,
        straight: &Straight,
    ) -> Option<(String, String)> {
        self.load(&run.journal[..records]);
        let there = self
            .kernel
            .recover(&mut self.trace, Recovery::Journal, false);
        // What the journal alone does not give is reported of the journal.
        there.ok()?;
        self.kernel.save(&self.trace);
        self.load(&run.journal);
        self.recover(Recovery::Snapshot, straight)
    }
}

fn unrecovered(turn: usize, (expected, found): (String, String), how: &str) -> Unrecovered {
    Unrecovered {
        turn,
        expected: format!("{expected}, recovering {how} after this turn"),
        found,
    }
}
