//! What a move touches that others do not share, and what the last one left to be touched.

use sim_air::SchemaId;
use sim_record::trace::{Asker, Choice, Key, Packer, Trace, Unpacker, ValueId};
use sim_simulator::{Flight, InFlight, Message, Simulator, find};

/// What the last move left to be touched by the next, if that was a quiet one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Focus {
    /// The last move was loud, or nothing has happened yet: anything may come next.
    #[default]
    Anything,
    /// A message, by its schema and value.
    Message(SchemaId, ValueId),
    /// A message that was dropped.
    Dropped(SchemaId, ValueId),
    /// A plan instance, by its number.
    Plan(u32),
}

/// What a move touches that others do not share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Touches {
    /// A message.
    Message(SchemaId, ValueId),
    /// One that was dropped.
    Dropped(SchemaId, ValueId),
    /// A plan instance.
    Plan(u32),
}

/// Whether a decision touches what is in focus.
pub fn is_touched(flight: &Flight, focus: Focus, choice: &Choice) -> bool {
    let focus = match focus {
        Focus::Anything => return true,
        Focus::Message(schema, value) => Touches::Message(schema, value),
        Focus::Dropped(schema, value) => Touches::Dropped(schema, value),
        Focus::Plan(instance) => Touches::Plan(instance),
    };
    touched(flight, choice).contains(&focus)
}

/// What a decision touches that others do not share. Who asked for the same is told in the order
/// in which they did, so that all of them are touched.
pub fn touched(flight: &Flight, choice: &Choice) -> Vec<Touches> {
    let message = |list: &[InFlight<Message>], item| {
        let message = &list[find(list, item)?];
        Some((message.body.schema, message.body.value))
    };
    let touched = match choice.without_crash() {
        Choice::Deliver(item) | Choice::Duplicate(item) | Choice::Drop(item) => {
            message(&flight.messages, item).map(|(schema, value)| Touches::Message(schema, value))
        }
        Choice::Redeliver(item) => {
            message(&flight.dropped, item).map(|(schema, value)| Touches::Dropped(schema, value))
        }
        Choice::Step { plan, .. } => {
            find(&flight.plans, plan).map(|index| Touches::Plan(flight.plans[index].body.instance))
        }
        Choice::Receipt { effect, .. } => {
            let Some(index) = find(&flight.pending, effect) else {
                return Vec::new();
            };
            let hash = flight.pending[index].body.open.hash;
            let pending = flight.pending.iter().map(|pending| pending.body.open);
            let alike = pending.filter(|open| open.hash == hash);
            return alike
                .filter_map(|open| match open.asker {
                    Asker::Plan { instance, .. } => Some(Touches::Plan(instance)),
                    Asker::Reducer { .. } => None,
                })
                .collect();
        }
        _ => None,
    };
    touched.into_iter().collect()
}

impl Focus {
    pub fn pack(self, packer: &mut Packer<'_>) {
        match self {
            Focus::Anything => packer.number(0),
            Focus::Message(schema, value) => packer.number(1).count(schema.index()).value(value),
            Focus::Dropped(schema, value) => packer.number(2).count(schema.index()).value(value),
            Focus::Plan(instance) => packer.number(3).number(instance.into()),
        };
    }

    pub fn unpack(packed: &mut Unpacker<'_>) -> Focus {
        let message = |packed: &mut Unpacker<'_>| {
            let schema = SchemaId::new(packed.count());
            (schema, packed.value())
        };
        match packed.number() {
            0 => Focus::Anything,
            1 => {
                let (schema, value) = message(packed);
                Focus::Message(schema, value)
            }
            2 => {
                let (schema, value) = message(packed);
                Focus::Dropped(schema, value)
            }
            _ => Focus::Plan(packed.small()),
        }
    }

    /// Writes what decides which moves are left; nothing where all are.
    pub fn write_key(self, simulator: &Simulator<'_>, trace: &Trace, key: &mut Key) {
        match self {
            Focus::Anything => {}
            Focus::Message(schema, value) => {
                key.word(1).word(schema.index() as u64).value(trace, value);
            }
            Focus::Dropped(schema, value) => {
                key.word(2).word(schema.index() as u64).value(trace, value);
            }
            Focus::Plan(instance) => {
                // By what it is, as among all instances.
                let element = simulator.plan_element(instance, trace, key);
                key.word(3).set(trace, element.into_iter());
            }
        }
    }
}
