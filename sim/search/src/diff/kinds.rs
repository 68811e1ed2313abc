//! The kinds of differences between two versions, and how a turn of one is compared with the same
//! turn of the other. Runs nothing.
//!
//! Documents may differ too, so that things are compared by their names, and values by their
//! canonical bytes.

use std::fmt;

use serde_json::Value as Json;
use sim_air::{Air, SchemaId};
use sim_kernel::World;
use sim_record::scenario::Verb;
use sim_record::trace::{Trace, Turn};

/// One of the two versions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// The version that was there before.
    Old,
    /// The version that is to take its place.
    New,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Old => Side::New,
            Side::New => Side::Old,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Side::Old => "old",
            Side::New => "new",
        })
    }
}

/// In what way two runs of the same decisions differ, without values. Equal for what is taken for
/// the same difference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DifferenceKind {
    /// A decision is possible on one side alone.
    Possible {
        /// Where it is.
        on: Side,
        /// What it does.
        verb: Verb,
    },
    /// One side refuses a step: it traps, or answers what its documents do not allow.
    Refused {
        /// Which.
        by: Side,
        /// The reducer that is stepped.
        reducer: String,
    },
    /// The events that go out.
    Events(Outgoing),
    /// The effects that are asked for.
    Effects(Outgoing),
    /// One side violates a property.
    Violated {
        /// Which.
        by: Side,
        /// The name of the property.
        property: String,
    },
    /// What goes out is the same in the whole run, and a state is not.
    State {
        /// The first reducer whose state is another.
        reducer: String,
    },
}

impl DifferenceKind {
    /// Whether nothing but a state differs.
    pub fn is_state(&self) -> bool {
        matches!(self, DifferenceKind::State { .. })
    }
}

/// How what goes out of a turn differs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outgoing {
    /// The new version has one more, of this name.
    More(String),
    /// It has one less.
    Less(String),
    /// It has another.
    Other {
        /// What the old version has.
        old: String,
        /// What the new one has.
        new: String,
        /// Fields whose values differ, if both have the same name.
        fields: Vec<String>,
    },
    /// It has the same in another order.
    Order,
}

/// A turn of a run on one side.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub world: &'a World,
    pub trace: &'a Trace,
    pub turn: &'a Turn,
}

/// Something that goes out: its name, its schema, its canonical bytes, and whether the gate let it
/// pass.
struct Out<'a> {
    name: &'a str,
    schema: SchemaId,
    bytes: &'a [u8],
    is_allowed: bool,
}

impl Out<'_> {
    fn is(&self, other: &Out<'_>) -> bool {
        (self.name, self.bytes, self.is_allowed) == (other.name, other.bytes, other.is_allowed)
    }
}

impl<'a> At<'a> {
    fn reducer(self, index: usize) -> &'a str {
        &self.world.air.reducers[index].name
    }

    /// The reducers that refuse a step of the turn.
    fn refused(self) -> Vec<&'a str> {
        let steps = self.trace.steps_of(self.turn).iter();
        let refused = steps.filter(|step| step.fault.is_some());
        refused
            .map(|step| self.reducer(step.reducer.index()))
            .collect()
    }

    fn events(self) -> Vec<Out<'a>> {
        let events = self.trace.emitted_in(&self.turn.emitted).iter();
        let events = events.map(|event| Out {
            name: self.world.air.schemas.name(event.schema),
            schema: event.schema,
            bytes: self.trace.bytes(event.value),
            is_allowed: true,
        });
        events.collect()
    }

    fn effects(self) -> Vec<Out<'a>> {
        let effects = self.trace.intents_in(&self.turn.intents).iter();
        let effects = effects.map(|intent| {
            let effect = &self.world.air.effects[intent.effect.index()];
            Out {
                name: &effect.kind,
                schema: effect.params,
                bytes: self.trace.bytes(intent.params),
                is_allowed: intent.allowed,
            }
        });
        effects.collect()
    }
}

/// In what way that differs which goes out of the same turn on both sides.
pub(super) fn out_differs(old: At<'_>, new: At<'_>) -> Option<DifferenceKind> {
    let refused = [old.refused(), new.refused()];
    for by in [Side::Old, Side::New] {
        let [mine, others] = [by, by.other()].map(|side| &refused[side as usize]);
        if let Some(reducer) = mine.iter().find(|name| !others.contains(name)) {
            let reducer = (*reducer).to_owned();
            return Some(DifferenceKind::Refused { by, reducer });
        }
    }
    let airs = (&old.world.air, &new.world.air);
    let events = lists_differ(airs, &old.events(), &new.events());
    let effects = || lists_differ(airs, &old.effects(), &new.effects());
    events
        .map(DifferenceKind::Events)
        .or_else(|| effects().map(DifferenceKind::Effects))
}

fn lists_differ(airs: (&Air, &Air), old: &[Out<'_>], new: &[Out<'_>]) -> Option<Outgoing> {
    if old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.is(b)) {
        return None;
    }
    let (lost, gained) = (without(old, new), without(new, old));
    Some(match (lost.first(), gained.first()) {
        (None, None) => Outgoing::Order,
        (None, Some(one)) => Outgoing::More(one.name.to_owned()),
        (Some(one), None) => Outgoing::Less(one.name.to_owned()),
        (Some(first), Some(one)) => {
            let namesake = gained.iter().find(|it| it.name == first.name);
            Outgoing::Other {
                old: first.name.to_owned(),
                new: namesake.unwrap_or(one).name.to_owned(),
                fields: namesake.map_or(Vec::new(), |it| fields(airs, first, it)),
            }
        }
    })
}

/// What is in a list and not in the other; what is there twice must be there twice.
fn without<'a, 'b>(list: &'a [Out<'b>], other: &[Out<'b>]) -> Vec<&'a Out<'b>> {
    let mut left: Vec<&Out<'_>> = other.iter().collect();
    let missing = list.iter().filter(|one| {
        let place = left.iter().position(|it| it.is(one));
        place.map(|place| left.remove(place)).is_none()
    });
    missing.collect()
}

/// The fields that are not the same, and `allowed` if the gate did not say the same.
fn fields((old_air, new_air): (&Air, &Air), old: &Out<'_>, new: &Out<'_>) -> Vec<String> {
    let json = |air: &Air, out: &Out<'_>| {
        let value = air.schemas.decode(out.schema, out.bytes).ok()?;
        Some(air.schemas.value_to_json(out.schema, &value))
    };
    let mut names = match (json(old_air, old), json(new_air, new)) {
        (Some(old), Some(new)) => changed_fields(old, new),
        _ => Vec::new(),
    };
    if old.is_allowed != new.is_allowed {
        names.push("allowed".to_owned());
    }
    names
}

/// The names of the fields whose values differ, in order; of variants those within the same arm.
fn changed_fields(old: Json, new: Json) -> Vec<String> {
    let (Json::Object(old), Json::Object(new)) = (old, new) else {
        return Vec::new();
    };
    if let (1, 1, Some((tag, inner))) = (old.len(), new.len(), old.iter().next())
        && let Some(other) = new.get(tag)
        && inner.is_object()
    {
        return changed_fields(inner.clone(), other.clone());
    }
    let names = old.keys().chain(new.keys());
    let mut names: Vec<String> = names
        .filter(|name| old.get(*name) != new.get(*name))
        .cloned()
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The first reducer of the turn whose state is not the same on both sides.
pub(super) fn state_differs(old: At<'_>, new: At<'_>) -> Option<String> {
    let [old_steps, new_steps] = [old, new].map(|at| at.trace.steps_of(at.turn));
    let state = |at: At<'_>, id: Option<_>| id.map(|id| at.trace.bytes(id).to_vec());
    let mut pairs = old_steps.iter().zip(new_steps);
    let differs = pairs.find_map(|(a, b)| {
        let name = old.reducer(a.reducer.index());
        let is_same = name == new.reducer(b.reducer.index())
            && state(old, a.key) == state(new, b.key)
            && state(old, a.after) == state(new, b.after);
        (!is_same).then(|| name.to_owned())
    });
    let longer = match old_steps.len() > new_steps.len() {
        true => old_steps.get(new_steps.len()).map(|step| (old, step)),
        false => new_steps.get(old_steps.len()).map(|step| (new, step)),
    };
    differs.or_else(|| longer.map(|(at, step)| at.reducer(step.reducer.index()).to_owned()))
}
