//! What must hold in every run, and what must happen sometimes.
//!
//! Invariants read the trace and the validated AIR, nothing else; only [`Replays`] runs something,
//! a kernel of its own that it recovers from a trace's journal. Each answers: holds, violated
//! (where, expected, found), or not applicable, and the last never counts as a pass. [`ALL`] is
//! the one list of them. What is not checked here: see each file's opening lines.

mod bounded;
mod conforms;
mod goals;
mod pure;
mod replays;
mod retry;

use crate::air::Air;
use crate::trace::{Choice, Key, Packer, Trace, Unpacker};
use crate::workload::retry::Retry;

pub use goals::{GOALS, GoalSet};
pub use replays::{Crashes, Replays};

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
        "no step traps, exceeds its fuel, memory or output bound, or leaks memory",
    ),
    any_world(
        "pure",
        "a step gives the same bytes on a used, a fresh and a dirtied instance",
    ),
    any_world(
        "replays",
        "recovery from journal or snapshot gives the same states and open intents",
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
    retry_only(
        "contract_kept",
        "every event brings about the one state, work, timer or nothing that is due",
    ),
    retry_only(
        "converges",
        "once faults stop, every started request ends as Done or Failed",
    ),
];

/// How many invariants there are.
pub const COUNT: usize = 14;

const CONFORMS: usize = 0;
const BOUNDED: usize = 1;
const PURE: usize = 2;
const REPLAYS: usize = 3;
const FIRST_OF_RETRY: usize = 4;
const CONVERGES: usize = 13;

/// What an invariant found in one step.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Finding {
    NotApplicable,
    Holds,
    /// What was expected and what was found: rare, and small where it is not.
    Violated(Box<(String, String)>),
}

impl Finding {
    /// Holds if the condition does; the texts are made only when they are needed.
    fn check(holds: bool, texts: impl FnOnce() -> (String, String)) -> Finding {
        if holds {
            return Finding::Holds;
        }
        Finding::Violated(Box::new(texts()))
    }

    fn violated(expected: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding::Violated(Box::new((expected.into(), found.into())))
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
    /// The kernel has been rebuilt in this run.
    has_crashed: bool,
}

/// What the invariants said so far.
#[derive(Default)]
struct Found {
    applied: [bool; COUNT],
    violations: Vec<Violation>,
    muted: Option<usize>,
}

impl Found {
    #[inline]
    fn note(&mut self, turn: usize, invariant: usize, finding: Finding) {
        match finding {
            Finding::NotApplicable => {}
            _ if self.muted == Some(invariant) => {}
            Finding::Holds => self.applied[invariant] = true,
            Finding::Violated(texts) => {
                let (expected, found) = *texts;
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

/// See [`Checker::memory`].
#[derive(Clone, Copy, Default, Debug)]
pub struct Memory(retry::History);

impl Memory {
    pub fn pack(&self, packer: &mut Packer<'_>) {
        self.0.pack(packer);
    }

    /// Takes back what was packed, in a trace with the same values.
    pub fn unpack(packed: &mut Unpacker<'_>, trace: &Trace) -> Memory {
        Memory(retry::History::unpack(packed, trace))
    }

    /// Writes all that decides what the invariants will say.
    pub fn write_key(&self, trace: &Trace, key: &mut Key) {
        self.0.write_key(trace, key);
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
            has_crashed: false,
        }
    }

    /// From now on an invariant says nothing: a fault that the self-test plants.
    pub fn mute(&mut self, invariant: usize) {
        self.found.muted = Some(invariant);
    }

    /// Forgets the run before.
    pub fn reset(&mut self) {
        self.found.applied = [false; COUNT];
        self.found.violations.clear();
        self.goals = GoalSet::default();
        self.turns_seen = 0;
        self.has_crashed = false;
        if let Some(retry) = &mut self.retry {
            retry.reset();
        }
    }

    /// Looks at the turns that are new. False once anything is violated.
    pub fn observe(&mut self, trace: &Trace) -> bool {
        while let Some(turn) = trace.turns.get(self.turns_seen) {
            let (index, found, goals) = (self.turns_seen, &mut self.found, &mut self.goals);
            self.has_crashed |= matches!(turn.choice, Choice::Crash { .. });
            if self.has_crashed {
                found.note(index, REPLAYS, replays::check_turn(turn));
                for step in turn.steps.clone() {
                    found.note(index, REPLAYS, replays::check_step(trace, step as usize));
                }
            }
            for step in trace.steps_of(turn) {
                found.note(index, CONFORMS, conforms::check(self.air, trace, step));
                found.note(index, BOUNDED, bounded::check(step));
                found.note(index, PURE, pure::check(step));
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

    /// Looks at the run as a whole, once it has ended. Nothing more is asked of a run in which
    /// something was violated.
    pub fn finish(&mut self, trace: &Trace) {
        let Some(last) = trace.turns.len().checked_sub(1) else {
            return;
        };
        if let Some(retry) = self
            .retry
            .as_ref()
            .filter(|_| self.found.violations.is_empty())
        {
            self.found.note(last, CONVERGES, retry.finish(trace));
        }
    }

    /// What [`Replays`] found of the run.
    pub fn note_replays(&mut self, found: Option<Violation>) {
        self.found.applied[REPLAYS] = true;
        self.found.violations.extend(found);
    }

    /// What the invariants remember of a run so far.
    pub fn memory(&self) -> Memory {
        let history = self.retry.as_ref().map(retry::Observer::history);
        Memory(history.unwrap_or_default())
    }

    /// Begins in the middle of a run, of which the invariants remember this.
    pub fn go_on_from(&mut self, memory: Memory) {
        self.reset();
        if let Some(retry) = &mut self.retry {
            retry.go_on_from(memory.0);
        }
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
