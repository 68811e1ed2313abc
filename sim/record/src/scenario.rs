//! All that one run needs, as plain data: requests, bounds, and, once run, the decisions taken.
//!
//! The seed is only a label: what is kept, shrunk and replayed is the scenario. Decisions are
//! given by name here, so that they still mean the same when others before them are gone.
//! Reading and writing files is the corpus's matter.

mod faults;

use std::fmt;

use crate::trace::{Answer, Choice, CrashPoint, Item, Recovery, Status, Trace, ValueId};
pub use faults::{Depth, Faults, Knob, Mix};
use sim_air::SchemaId;

/// What a run starts from, and the decisions that make it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    pub requests: Vec<Request>,
    pub plans: PlanMode,
    pub bounds: Bounds,
    /// After the schedule, faults stop: what was dropped is redelivered, timers fire, what was
    /// silent answers ok, until nothing is left to do.
    pub heal: bool,
    /// The mix that a seeded run draws its faults by.
    pub faults: Option<Faults>,
    pub schedule: Vec<Decision>,
}

/// A request that the environment may start, any number of times.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Request {
    /// What the schedule calls it; unique in the scenario.
    pub name: String,
    pub schema: SchemaId,
    /// Canonical bytes.
    pub value: Vec<u8>,
}

/// Where the answers of plans that await nothing come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanMode {
    /// An answer is chosen, and stands in for the event that the plan would raise.
    Answered,
    /// Plans run to the letter.
    AsWritten,
}

/// Where a run ends if nothing else ends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    pub turns: u32,
    /// Turns of healing, after the others: so many, or more where much is in flight when it begins.
    pub healing_turns: u32,
    /// Bytes of trace: messages, states and journal together.
    pub trace_bytes: usize,
    /// Things in flight, those that were dropped or are silent among them.
    pub in_flight: usize,
    /// Bytes that go through steps, in recoveries too: see [`Trace::work_bytes`].
    pub work_bytes: u64,
}

impl Bounds {
    /// The most turns that anyone may ask for.
    pub const MOST_TURNS: u32 = 100_000;
    /// The most decisions of a schedule: those turns, and what such a run heals by.
    pub const MOST_DECISIONS: usize = 200_000;
    /// The most requests of a scenario.
    pub const MOST_REQUESTS: usize = 1_000;
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            turns: 160,
            healing_turns: 1_000,
            trace_bytes: 256 << 20,
            in_flight: 4_096,
            work_bytes: 1 << 30,
        }
    }
}

/// A decision of the environment, by name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Decision {
    /// Send a request's first event.
    Start {
        request: String,
    },
    /// Deliver a message in flight.
    Deliver(ItemName),
    /// Put a second copy of a message in flight.
    Duplicate(ItemName),
    /// Take a message out of flight.
    Drop(ItemName),
    /// Deliver a message that was dropped.
    Redeliver(ItemName),
    /// Let a plan instance take its next step; `answer` stands in for the event it would raise.
    Step {
        plan: ItemName,
        answer: Option<Answer>,
    },
    /// Answer an effect that a plan awaits.
    Receipt {
        effect: ItemName,
        answer: Answer,
        /// The canonical receipt, where it is not the plain one of that answer.
        value: Option<Vec<u8>>,
    },
    /// Fire a timer: when it is due, or at a time. `twice` leaves a copy that can fire again.
    Fire {
        timer: ItemName,
        at_ns: Option<u64>,
        status: Status,
        twice: bool,
        /// The canonical receipt, where it is not the plain one.
        value: Option<Vec<u8>>,
    },
    /// Deliver an event that nobody sent.
    Inject {
        schema: SchemaId,
        value: Vec<u8>,
        /// The canonical key of the cell that it goes to, where it tells of a receipt.
        cell: Option<Vec<u8>>,
    },
    Advance {
        to_ns: u64,
    },
    /// Have the kernel write down all that it knows.
    Snapshot,
    /// Have the kernel die while an event arrives, and rebuild it. See [`Choice::Crash`].
    Crash {
        point: CrashPoint,
        recovery: Recovery,
        during: Box<Decision>,
    },
}

/// Something in flight by name. See [`Item`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ItemName {
    pub label: String,
    pub req_id: Option<String>,
    pub nth: u32,
}

impl Decision {
    /// Whether it brings an event that nobody sent.
    pub fn is_stray(&self) -> bool {
        match self {
            Decision::Inject { .. } => true,
            Decision::Crash { during, .. } => during.is_stray(),
            _ => false,
        }
    }

    /// The kinds, as reports and case files call them.
    pub const KINDS: [&'static str; 12] = [
        "start",
        "deliver",
        "duplicate",
        "drop",
        "redeliver",
        "step",
        "receipt",
        "fire",
        "inject",
        "advance",
        "snapshot",
        "crash",
    ];
}

impl Choice {
    /// An index into [`Decision::KINDS`].
    pub fn kind(&self) -> usize {
        match self {
            Choice::Start { .. } => 0,
            Choice::Deliver(_) => 1,
            Choice::Duplicate(_) => 2,
            Choice::Drop(_) => 3,
            Choice::Redeliver(_) => 4,
            Choice::Step { .. } => 5,
            Choice::Receipt { .. } => 6,
            Choice::Fire { .. } => 7,
            Choice::Inject { .. } => 8,
            Choice::Advance { .. } => 9,
            Choice::Snapshot => 10,
            Choice::Crash { .. } => 11,
        }
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.label)?;
        if let Some(req_id) = &self.req_id {
            write!(out, " of {req_id:?}")?;
        }
        if self.nth > 1 {
            write!(out, " (number {})", self.nth)?;
        }
        Ok(())
    }
}

impl Scenario {
    /// The same scenario with the decisions that a run of it took, up to its healing.
    pub fn with_schedule_of(&self, trace: &Trace) -> Scenario {
        let end = trace.healing_from.unwrap_or(trace.turns.len());
        Scenario {
            schedule: self.schedule_of(trace, end),
            ..self.clone()
        }
    }

    /// The same with the decisions up to a turn. If that is one of its healing, it heals.
    pub fn with_schedule_up_to(&self, trace: &Trace, turn: usize) -> Scenario {
        match trace.healing_from {
            Some(healing) if turn >= healing => self.with_schedule_of(trace),
            _ => Scenario {
                heal: false,
                schedule: self.schedule_of(trace, (turn + 1).min(trace.turns.len())),
                ..self.clone()
            },
        }
    }

    /// The same scenario with all decisions of a run of it, those of its healing too, so that it
    /// need not heal.
    pub fn with_healing_of(&self, trace: &Trace) -> Scenario {
        let turns = trace.turns.len() as u32;
        Scenario {
            heal: false,
            bounds: Bounds {
                turns: self.bounds.turns.max(turns),
                ..self.bounds
            },
            schedule: self.schedule_of(trace, trace.turns.len()),
            ..self.clone()
        }
    }

    fn schedule_of(&self, trace: &Trace, end: usize) -> Vec<Decision> {
        trace.turns[..end]
            .iter()
            .map(|turn| self.decision(trace, &turn.choice))
            .collect()
    }

    /// A decision of a run of this scenario, by name.
    pub fn decision(&self, trace: &Trace, choice: &Choice) -> Decision {
        let item = |item: &Item| ItemName {
            label: trace.text(item.label).to_owned(),
            req_id: item.req_id.map(|name| trace.text(name).to_owned()),
            nth: item.nth,
        };
        let bytes = |value: &Option<ValueId>| value.map(|id| trace.bytes(id).to_vec());
        match choice {
            Choice::Start { request } => Decision::Start {
                request: self.requests[*request as usize].name.clone(),
            },
            Choice::Deliver(message) => Decision::Deliver(item(message)),
            Choice::Duplicate(message) => Decision::Duplicate(item(message)),
            Choice::Drop(message) => Decision::Drop(item(message)),
            Choice::Redeliver(message) => Decision::Redeliver(item(message)),
            Choice::Step { plan, answer } => Decision::Step {
                plan: item(plan),
                answer: *answer,
            },
            Choice::Receipt {
                effect,
                answer,
                value,
            } => Decision::Receipt {
                effect: item(effect),
                answer: *answer,
                value: bytes(value),
            },
            Choice::Fire {
                timer,
                at_ns,
                status,
                twice,
                value,
            } => Decision::Fire {
                timer: item(timer),
                at_ns: *at_ns,
                status: *status,
                twice: *twice,
                value: bytes(value),
            },
            Choice::Inject {
                schema,
                value,
                cell,
            } => Decision::Inject {
                schema: *schema,
                value: trace.bytes(*value).to_vec(),
                cell: bytes(cell),
            },
            Choice::Advance { to_ns } => Decision::Advance { to_ns: *to_ns },
            Choice::Snapshot => Decision::Snapshot,
            Choice::Crash {
                point,
                recovery,
                during,
            } => Decision::Crash {
                point: *point,
                recovery: *recovery,
                during: Box::new(self.decision(trace, during)),
            },
        }
    }

    /// A decision by name as a choice of a run; None if it names a request that there isn't.
    pub fn choice(&self, trace: &mut Trace, decision: &Decision) -> Option<Choice> {
        let mut item = |name: &ItemName| Item {
            label: trace.name(&name.label),
            req_id: name.req_id.as_deref().map(|text| trace.name(text)),
            nth: name.nth,
        };
        Some(match decision {
            Decision::Start { request } => {
                let index = self
                    .requests
                    .iter()
                    .position(|known| known.name == *request)?;
                Choice::Start {
                    request: index as u32,
                }
            }
            Decision::Deliver(message) => Choice::Deliver(item(message)),
            Decision::Duplicate(message) => Choice::Duplicate(item(message)),
            Decision::Drop(message) => Choice::Drop(item(message)),
            Decision::Redeliver(message) => Choice::Redeliver(item(message)),
            Decision::Step { plan, answer } => Choice::Step {
                plan: item(plan),
                answer: *answer,
            },
            Decision::Receipt {
                effect,
                answer,
                value,
            } => Choice::Receipt {
                effect: item(effect),
                answer: *answer,
                value: value.as_ref().map(|bytes| trace.store(bytes)),
            },
            Decision::Fire {
                timer,
                at_ns,
                status,
                twice,
                value,
            } => Choice::Fire {
                timer: item(timer),
                at_ns: *at_ns,
                status: *status,
                twice: *twice,
                value: value.as_ref().map(|bytes| trace.store(bytes)),
            },
            Decision::Inject {
                schema,
                value,
                cell,
            } => Choice::Inject {
                schema: *schema,
                value: trace.store(value),
                cell: cell.as_ref().map(|key| trace.store(key)),
            },
            Decision::Advance { to_ns } => Choice::Advance { to_ns: *to_ns },
            Decision::Snapshot => Choice::Snapshot,
            Decision::Crash {
                point,
                recovery,
                during,
            } => Choice::Crash {
                point: *point,
                recovery: *recovery,
                during: Box::new(self.choice(trace, during)?),
            },
        })
    }
}
