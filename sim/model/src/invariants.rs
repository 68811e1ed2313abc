//! What must hold in every run, and what must happen sometimes.
//!
//! Invariants read the trace, the validated AIR and what its author declared, nothing else; only
//! [`Replays`] runs something, a kernel of its own that it recovers from a trace's journal. Each
//! answers: holds, violated (where, expected, found), or not applicable, and the last never counts
//! as a pass. [`ALL`] is the one list of them. What is not checked here: see each file's opening
//! lines.

mod bounded;
mod conforms;
mod goals;
mod intents_granted;
mod plans_succeed;
mod pure;
mod replays;
mod retry;
mod signature;

use crate::workload::retry::Retry;
use sim_air::ReducerId;
use sim_kernel::World;
use sim_record::trace::{Choice, End, Key, Packer, Scrutiny, Trace, Turn, Unpacker};

pub use goals::{Asked, Goal, GoalSet, Goals, SEEDS_FOR_ARMS, SEEDS_FOR_GOALS};
pub use replays::{Crashes, Replays};
pub use signature::{Signature, without_values};

/// An invariant: its name, which worlds it is about, and what it says.
pub struct Invariant {
    pub name: &'static str,
    /// Only checked on the retry machine.
    pub retry_only: bool,
    /// A run goes on after it is violated: what follows is still what the documents say.
    pub goes_on: bool,
    pub known_by: KnownBy,
    pub says: &'static str,
}

/// What tells one failure that violates an invariant from another: see [`Signature`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KnownBy {
    /// The turn: its event, how the state changed, what went out.
    Turn,
    /// The turn, and what was found in it.
    Both,
    /// What was found: the run as a whole is to blame, or a plan.
    Found,
}

impl Invariant {
    /// Whether it is about a world at all.
    pub fn is_about(&self, world: &World) -> bool {
        !self.retry_only || Retry::of(&world.air).is_some()
    }
}

const fn any_world(name: &'static str, says: &'static str) -> Invariant {
    Invariant {
        name,
        retry_only: false,
        goes_on: false,
        known_by: KnownBy::Turn,
        says,
    }
}

const fn going_on(name: &'static str, says: &'static str) -> Invariant {
    Invariant {
        goes_on: true,
        ..any_world(name, says)
    }
}

impl Invariant {
    const fn known_by(self, known_by: KnownBy) -> Invariant {
        Invariant { known_by, ..self }
    }
}

const fn retry_only(name: &'static str, says: &'static str) -> Invariant {
    Invariant {
        retry_only: true,
        ..any_world(name, says)
    }
}

/// Every invariant, in the order in which they are reported.
pub const ALL: [Invariant; COUNT] = [
    any_world(
        "conforms",
        "outputs fit their schemas, and effects are declared and bound",
    )
    .known_by(KnownBy::Both),
    any_world(
        "bounded",
        "no step traps or exceeds its fuel, memory or output bound",
    )
    .known_by(KnownBy::Both),
    any_world(
        "pure",
        "a step gives the same bytes on a used, a fresh and a dirtied instance",
    ),
    any_world(
        "replays",
        "recovery from journal or snapshot gives the same states and open intents",
    )
    .known_by(KnownBy::Found),
    going_on(
        "intents_granted",
        "the effect gate lets every effect pass that is asked for",
    )
    .known_by(KnownBy::Found),
    going_on("plans_succeed", "no plan ends in an error").known_by(KnownBy::Found),
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
    )
    .known_by(KnownBy::Found),
];

/// The invariants that are about a world: indices into [`ALL`].
pub fn about(world: &World) -> Vec<usize> {
    let all = ALL.iter().enumerate();
    let about = all.filter(|(_, invariant)| invariant.is_about(world));
    about.map(|(index, _)| index).collect()
}

/// What is told where no invariant knows what a world is for.
pub const OF_ANY_WORLD: &str =
    "judged by what any world must hold; no model says what this one is for";

/// Whether there is an invariant among these that knows what the world is for.
pub fn have_model(judged_by: &[usize]) -> bool {
    judged_by.iter().any(|index| ALL[*index].retry_only)
}

/// How many invariants there are.
pub const COUNT: usize = 16;

const CONFORMS: usize = 0;
const BOUNDED: usize = 1;
const PURE: usize = 2;
const REPLAYS: usize = 3;
const INTENTS_GRANTED: usize = 4;
const PLANS_SUCCEED: usize = 5;
const FIRST_OF_RETRY: usize = 6;
const CONVERGES: usize = 15;

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
    world: &'w World,
    retry: Option<retry::Observer>,
    found: Found,
    goals: Goals,
    reached: GoalSet,
    /// The first step that was seen to lose memory, and how much.
    leak: Option<(ReducerId, Box<str>)>,
    turns_seen: usize,
    /// The kernel has been rebuilt in this run.
    has_crashed: bool,
    last_states: replays::LastStates,
}

/// What the invariants said so far.
#[derive(Default)]
struct Found {
    applied: [bool; COUNT],
    violations: Vec<Violation>,
    muted: Option<usize>,
}

impl Found {
    fn is_violated(&self, invariant: usize) -> bool {
        self.violations
            .iter()
            .any(|found| found.invariant == invariant)
    }

    /// Whether all that was found leaves the run as it is.
    fn goes_on(&self) -> bool {
        self.violations
            .iter()
            .all(|found| ALL[found.invariant].goes_on)
    }

    #[inline]
    fn note(&mut self, turn: usize, invariant: usize, finding: Finding) {
        match finding {
            Finding::NotApplicable => {}
            _ if self.muted == Some(invariant) => {}
            // The first time counts.
            Finding::Violated(_) if self.is_violated(invariant) => {}
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
    pub fn new(world: &'w World) -> Checker<'w> {
        Checker {
            world,
            retry: Retry::of(&world.air).map(retry::Observer::new),
            found: Found::default(),
            goals: Goals::of(world),
            reached: GoalSet::default(),
            leak: None,
            turns_seen: 0,
            has_crashed: false,
            last_states: replays::LastStates::default(),
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
        self.reached.clear();
        self.leak = None;
        self.turns_seen = 0;
        self.has_crashed = false;
        self.last_states.clear();
        if let Some(retry) = &mut self.retry {
            retry.reset();
        }
    }

    /// Looks at the turns that are new. False once something is violated after which the run is
    /// not what it should be.
    pub fn observe(&mut self, trace: &Trace) -> bool {
        while let Some(turn) = trace.turns.get(self.turns_seen) {
            self.observe_turn(trace, turn);
            let index = self.turns_seen;
            self.goals
                .of_turn(self.world, trace, index, &mut self.reached);
            self.turns_seen += 1;
        }
        self.found.goes_on()
    }

    fn observe_turn(&mut self, trace: &Trace, turn: &Turn) {
        let (index, found, reached) = (self.turns_seen, &mut self.found, &mut self.reached);
        self.has_crashed |= matches!(turn.choice, Choice::Crash { .. });
        if self.has_crashed {
            found.note(index, REPLAYS, replays::check_turn(turn));
            for step in turn.steps.clone() {
                let finding = self.last_states.check(trace, step as usize);
                found.note(index, REPLAYS, finding);
            }
        }
        for step in trace.steps_of(turn) {
            found.note(index, CONFORMS, conforms::check(step));
            let forbids_leaks = self.world.expected.forbids_leaks;
            found.note(index, BOUNDED, bounded::check(step, forbids_leaks));
            found.note(index, PURE, pure::check(step));
            if let (Scrutiny::Leaks(what), None) = (&step.scrutiny, &self.leak) {
                self.leak = Some((step.reducer, what.clone()));
            }
            if let Some(retry) = &mut self.retry {
                retry.observe(trace, turn, step, reached, |check, finding| {
                    found.note(index, FIRST_OF_RETRY + check, finding);
                });
            }
        }
        if !turn.intents.is_empty() {
            found.note(
                index,
                INTENTS_GRANTED,
                intents_granted::check(self.world, trace, turn),
            );
        }
        if !self.world.air.plans.is_empty() {
            found.note(
                index,
                PLANS_SUCCEED,
                plans_succeed::check(self.world, trace, turn),
            );
        }
        if self.retry.is_some() {
            goals::retry::of_turn(reached, turn);
        }
    }

    /// Looks at the run as a whole, once it has ended. Nothing more is asked of a run that is not
    /// what it should be, nor of one that was interrupted.
    pub fn finish(&mut self, trace: &Trace) {
        if trace.end == Some(End::Interrupted) {
            return;
        }
        let Some(last) = trace.turns.len().checked_sub(1) else {
            return;
        };
        if let Some(retry) = self.retry.as_ref().filter(|_| self.found.goes_on()) {
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

    /// Violations in the order in which they were found, each invariant's first.
    pub fn violations(&self) -> &[Violation] {
        &self.found.violations
    }

    /// Whether an invariant had anything to say in this run.
    pub fn applied(&self) -> &[bool; COUNT] {
        &self.found.applied
    }

    /// The goals that the run reached.
    pub fn reached(&self) -> &GoalSet {
        &self.reached
    }

    /// The goals of the world.
    pub fn goals(&self) -> &Goals {
        &self.goals
    }

    /// The first step of the run that was seen to lose memory, and how much.
    pub fn leak(&self) -> Option<(ReducerId, &str)> {
        let leak = self.leak.as_ref();
        leak.map(|(reducer, what)| (*reducer, &**what))
    }
}
