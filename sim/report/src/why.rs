//! Why a case fails, for people and for machines: after which turn the failure still comes if
//! chance takes over, which decisions it needs, and the schedule beside it that holds.
//!
//! Figures are counts. What is made of them, shares and intervals, is made of integers alone
//! ([`interval`]), so that it is the same text everywhere.

pub mod interval;
mod lines;
mod table;

use schemars::JsonSchema;
use serde::Serialize;

use super::text::{Look, Text};
use super::timeline::Violated;
use super::words;
use interval::Interval;
pub use lines::lines;
use sim_kernel::World;
use sim_record::scenario::Scenario;
use sim_search::explore::Counts;
use sim_search::why::{self, Changed, Fate};

/// Why a case fails.
#[derive(Serialize, JsonSchema)]
pub struct Why<'a> {
    /// Its path.
    pub file: &'a str,
    /// The command that replays it.
    pub replay: &'a str,
    /// The failure that this is about.
    pub violation: Violated,
    /// It comes in the liveness phase, in which nothing is decided.
    pub is_in_liveness: bool,
    /// It shows only once the run has ended.
    pub is_at_end: bool,
    /// What continuations are drawn from.
    pub seed: u64,
    /// How many there are of each turn.
    pub continuations: u32,
    /// What comes if chance takes over: before the first decision, after it, and so on.
    pub after: Vec<After>,
    /// After so many decisions, and after each that follows, all continuations fail.
    pub all_fail_from: Option<usize>,
    /// After so many decisions every schedule that goes on fails. Left null where they were not
    /// counted.
    pub certain_from: Option<usize>,
    /// The turn after which more continuations fail than before it, by the most.
    pub largest_step: Option<usize>,
    /// How schedules were counted.
    pub counted: Option<CountedBy>,
    /// Why they were not.
    pub uncounted: Option<String>,
    /// Each decision, and what comes of the case with another or none in its place.
    pub decisions: Vec<WhyDecision>,
    /// The closest schedule that does not fail.
    pub closest: Option<ClosestSchedule>,
}

/// Chance takes over after some decisions of the case.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct After {
    /// How many.
    pub taken: usize,
    /// How many continuations fail.
    pub failing: u32,
    /// The interval of 95 % in which their share lies, in hundredths of a percent.
    pub low: u32,
    /// Its other end.
    pub high: u32,
    /// The schedules that go on, if they were counted.
    pub schedules: Option<Schedules>,
}

/// Schedules that go on.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct Schedules {
    /// Those that fail.
    pub failing: u64,
    /// All.
    pub all: u64,
}

/// How schedules were counted.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct CountedBy {
    /// Different states that were met.
    pub states: u64,
    /// What a schedule has at the most, which is what the case has: copies.
    pub duplicates: u8,
    /// Messages that are lost.
    pub drops: u8,
    /// Spurious events, and second starts.
    pub spurious: u8,
    /// Crashes.
    pub crashes: u8,
}

/// A decision of the case, and what comes of the case with another or none in its place.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct WhyDecision {
    /// Its turn.
    pub turn: usize,
    /// In words.
    pub decision: String,
    /// With none in its place: `fails`, `later`, `holds`, `open`, or `violates` and a name.
    pub without: String,
    /// With others.
    pub instead: Vec<WhyInstead>,
}

/// Another decision, and what comes of it.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct WhyInstead {
    /// In words.
    pub decision: String,
    /// As `without`.
    pub fate: String,
}

/// A schedule that differs from the case's in one decision, and does not fail.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct ClosestSchedule {
    /// Where it differs.
    pub turn: usize,
    /// The case's decision there, in words.
    pub decision: String,
    /// The other; null if there is none.
    pub instead: Option<String>,
    /// Decisions after it that are not possible any more.
    pub skipped: usize,
}

/// What names a case beside what was found.
pub struct Of<'a> {
    /// Its path.
    pub file: &'a str,
    /// The command that replays it.
    pub replay: &'a str,
    /// What is asked about, with the turn that it has in a replay.
    pub violation: Violated,
    /// It comes in the liveness phase.
    pub is_in_liveness: bool,
    /// What continuations are drawn from.
    pub seed: u64,
}

impl<'a> Why<'a> {
    /// What was found of a case, in words and plain numbers.
    pub fn of(world: &World, scenario: &Scenario, of: Of<'a>, found: &why::Why) -> Why<'a> {
        let words = |decision| words::decision(world, decision, &[]);
        let decisions = found.decisions.iter().enumerate();
        let decisions = decisions.map(|(turn, changed)| decision(world, turn, changed));
        let closest = found.closest.as_ref().map(|closest| ClosestSchedule {
            turn: closest.turn,
            decision: words(&scenario.schedule[closest.turn]),
            instead: closest.instead.as_ref().map(words),
            skipped: closest.skipped,
        });
        Why {
            file: of.file,
            replay: of.replay,
            violation: of.violation,
            is_in_liveness: of.is_in_liveness,
            is_at_end: found.is_at_end,
            seed: of.seed,
            continuations: found.continuations,
            after: after(found),
            all_fail_from: found.all_fail_from(),
            certain_from: found.certain_from(),
            largest_step: found.largest_step(),
            counted: found.counts.as_ref().ok().map(CountedBy::from),
            uncounted: found.counts.as_ref().err().map(ToString::to_string),
            decisions: decisions.collect(),
            closest,
        }
    }

    /// For a person: the turns as a table, and what follows from them.
    pub fn text(&self, width: u16) -> Text {
        let mut text = Text::default();
        let Violated { invariant, .. } = &self.violation;
        text.look(Look::Bad, format!("{}: violates {invariant}", self.file));
        text.append(table::table(self, width));
        text.look(Look::Faint, format!("  {}", table::LEGEND));
        lines(self).iter().for_each(|line| text.line(line));
        text
    }
}

fn after(found: &why::Why) -> Vec<After> {
    let counts = found.counts.as_ref().ok();
    let all = found.failing.iter().enumerate();
    let all = all.map(|(taken, failing)| {
        let Interval { low, high } = Interval::of(*failing, found.continuations);
        let counted = counts.and_then(|counts| counts.after.get(taken));
        After {
            taken,
            failing: *failing,
            low,
            high,
            schedules: counted.map(|it| Schedules {
                failing: it.failing,
                all: it.schedules,
            }),
        }
    });
    all.collect()
}

fn decision(world: &World, turn: usize, changed: &Changed) -> WhyDecision {
    let instead = changed.instead.iter().map(|other| WhyInstead {
        decision: words::decision(world, &other.decision, &[]),
        fate: fate(&other.fate),
    });
    WhyDecision {
        turn,
        decision: words::decision(world, &changed.decision, &[]),
        without: fate(&changed.without),
        instead: instead.collect(),
    }
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Fails => FAILS.to_owned(),
        Fate::Later => "later".to_owned(),
        Fate::Other(name) => format!("violates {name}"),
        Fate::Holds => "holds".to_owned(),
        Fate::Open => "open".to_owned(),
    }
}

/// What a changed case does that keeps the failure.
const FAILS: &str = "fails";

impl WhyDecision {
    /// How many others in its place keep the failure.
    fn keeping(&self) -> usize {
        let others = self.instead.iter();
        others.filter(|other| other.fate == FAILS).count()
    }

    /// Whether the failure comes without it, or with another in its place.
    fn can_be_changed(&self) -> bool {
        self.without == FAILS || self.keeping() > 0
    }
}

impl From<&Counts> for CountedBy {
    fn from(counts: &Counts) -> CountedBy {
        let [duplicates, drops, spurious, crashes] = counts.faults;
        CountedBy {
            states: counts.states,
            duplicates,
            drops,
            spurious,
            crashes,
        }
    }
}
