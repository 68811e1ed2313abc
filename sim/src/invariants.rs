//! What must hold in every run, and what must happen sometimes.
//!
//! Invariants read the trace and the validated AIR, nothing else. Each answers: holds, violated
//! (where, expected, found), or not applicable, and the last never counts as a pass. [`ALL`] is
//! the one list of them. What is not checked here: see each file's opening lines.

mod bounded;
mod conforms;
mod goals;
mod retry;

use crate::air::Air;
use crate::trace::Trace;
use crate::workload::retry::Retry;

pub use goals::{GOALS, GoalSet};

/// An invariant: its name, which worlds it is about, and what it says.
pub struct Invariant {
    pub name: &'static str,
    /// Only checked on the retry machine.
    pub retry_only: bool,
    pub says: &'static str,
}

const fn any_world(name: &'static str, says: &'static str) -> Invariant {
    Invariant {
        name,
        retry_only: false,
        says,
    }
}

const fn retry_only(name: &'static str, says: &'static str) -> Invariant {
    Invariant {
        name,
        retry_only: true,
        says,
    }
}

/// Every invariant, in the order in which they are reported.
pub const ALL: [Invariant; COUNT] = [
    any_world(
        "conforms",
        "outputs fit their schemas, and effects are declared, bound and allowed",
    ),
    any_world(
        "bounded",
        "no step traps or exceeds its fuel, memory or output bound",
    ),
    retry_only(
        "attempts_bounded",
        "attempts never exceed max_attempts (0 counts as 1)",
    ),
    retry_only(
        "backoff_exact",
        "the k-th timer is set for anchor + base * 2^(k-1), saturating",
    ),
    retry_only(
        "retry_waits",
        "attempt k+1 is requested when the k-th timer fires, and not before",
    ),
    retry_only(
        "terminal_absorbing",
        "after Done or Failed the request's events change nothing",
    ),
    retry_only(
        "outcome_justified",
        "Done only on an ok; Failed only on an err that ends it",
    ),
    retry_only(
        "one_timer",
        "at most one timer of a request is outstanding, keyed by its id",
    ),
    retry_only(
        "intent_faithful",
        "WorkRequested and the state carry the request's own data",
    ),
    retry_only(
        "stale_ignored",
        "events that are not awaited change nothing",
    ),
];

/// How many invariants there are.
pub const COUNT: usize = 10;

const CONFORMS: usize = 0;
const BOUNDED: usize = 1;
const FIRST_OF_RETRY: usize = 2;

/// What an invariant found in one step.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Finding {
    NotApplicable,
    Holds,
    Violated { expected: String, found: String },
}

impl Finding {
    /// Holds if the condition does; the texts are made only when they are needed.
    fn check(holds: bool, texts: impl FnOnce() -> (String, String)) -> Finding {
        if holds {
            return Finding::Holds;
        }
        let (expected, found) = texts();
        Finding::Violated { expected, found }
    }
}

/// An invariant that does not hold, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// An index into [`ALL`].
    pub invariant: usize,
    /// The turn's index in the trace.
    pub turn: usize,
    pub expected: String,
    pub found: String,
}

impl Violation {
    pub fn name(&self) -> &'static str {
        ALL[self.invariant].name
    }
}

/// Checks one run, turn by turn, and remembers what goals it reached.
pub struct Checker<'w> {
    air: &'w Air,
    retry: Option<retry::Observer>,
    found: Found,
    goals: GoalSet,
    turns_seen: usize,
}

/// What the invariants said so far.
#[derive(Default)]
struct Found {
    applied: [bool; COUNT],
    violations: Vec<Violation>,
}

impl Found {
    fn note(&mut self, turn: usize, invariant: usize, finding: Finding) {
        match finding {
            Finding::NotApplicable => {}
            Finding::Holds => self.applied[invariant] = true,
            Finding::Violated { expected, found } => {
                self.applied[invariant] = true;
                self.violations.push(Violation {
                    invariant,
                    turn,
                    expected,
                    found,
                });
            }
        }
    }
}

impl<'w> Checker<'w> {
    pub fn new(air: &'w Air) -> Checker<'w> {
        Checker {
            air,
            retry: Retry::of(air).map(retry::Observer::new),
            found: Found::default(),
            goals: GoalSet::default(),
            turns_seen: 0,
        }
    }

    /// Forgets the run before.
    pub fn reset(&mut self) {
        self.found.applied = [false; COUNT];
        self.found.violations.clear();
        self.goals = GoalSet::default();
        self.turns_seen = 0;
        if let Some(retry) = &mut self.retry {
            retry.reset();
        }
    }

    /// Looks at the turns that are new. False once anything is violated.
    pub fn observe(&mut self, trace: &Trace) -> bool {
        while let Some(turn) = trace.turns.get(self.turns_seen) {
            let (index, found, goals) = (self.turns_seen, &mut self.found, &mut self.goals);
            for step in trace.steps_of(turn) {
                found.note(index, CONFORMS, conforms::check(self.air, trace, step));
                found.note(index, BOUNDED, bounded::check(step));
                if let Some(retry) = &mut self.retry {
                    retry.observe(trace, turn, step, goals, |check, finding| {
                        let invariant = check.map_or(CONFORMS, |check| FIRST_OF_RETRY + check);
                        found.note(index, invariant, finding);
                    });
                }
            }
            goals::of_turn(goals, turn);
            self.turns_seen += 1;
        }
        self.found.violations.is_empty()
    }

    /// Violations in the order in which they were found: those of the first bad turn.
    pub fn violations(&self) -> &[Violation] {
        &self.found.violations
    }

    /// Whether an invariant had anything to say in this run.
    pub fn applied(&self) -> &[bool; COUNT] {
        &self.found.applied
    }

    pub fn goals(&self) -> GoalSet {
        self.goals
    }
}
