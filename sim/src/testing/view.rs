//! What a property of a test is shown: a step of a reducer, the cells at the end of a run, and the
//! values in them. Values are decoded when they are first looked at. Judges nothing.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use sim_air::{Reducer, SchemaId, Value};
use sim_kernel::World;
use sim_model::Seen;
use sim_record::trace::{self, Trace, ValueId};
use sim_report::words;

/// A value or a part of one, which may not be there. To look into what is not there gives what is
/// not there, and of it every `as_…` is None.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Part<'v>(Option<&'v Value>);

impl<'v> Part<'v> {
    /// The whole of a value.
    pub fn of(value: &'v Value) -> Part<'v> {
        Part(Some(value))
    }

    /// Whether there is a value, and it is neither unit nor an option without one.
    pub fn is_some(self) -> bool {
        !matches!(self.0, None | Some(Value::Null))
    }

    /// The value itself.
    pub fn value(self) -> Option<&'v Value> {
        self.0
    }

    /// The field of a record, or the entry of a map with texts as keys.
    pub fn field(self, name: &str) -> Part<'v> {
        Part(self.0.and_then(|value| value.field(name)))
    }

    /// The tag of a variant.
    pub fn tag(self) -> Option<&'v str> {
        match self.0 {
            Some(Value::Variant { tag, .. }) => Some(tag),
            _ => None,
        }
    }

    /// What a variant holds, if it is in this arm.
    pub fn arm(self, wanted: &str) -> Part<'v> {
        match self.0 {
            Some(Value::Variant { tag, value }) if tag == wanted => Part(Some(value)),
            _ => Part(None),
        }
    }

    /// The items of a list or a set; none of anything else.
    pub fn items(self) -> impl Iterator<Item = Part<'v>> {
        let items = match self.0 {
            Some(Value::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().map(Part::of)
    }

    /// The entries of a map or a record; none of anything else.
    pub fn entries(self) -> impl Iterator<Item = (Part<'v>, Part<'v>)> {
        let entries = match self.0 {
            Some(Value::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        let part = |(key, value): &'v (Value, Value)| (Part::of(key), Part::of(value));
        entries.iter().map(part)
    }

    /// A number that is not negative; a time, in ns.
    pub fn as_nat(self) -> Option<u64> {
        self.0?.as_nat()
    }

    /// A number with a sign; a duration, in ns.
    pub fn as_int(self) -> Option<i64> {
        match self.0? {
            Value::Int(number) => Some(*number),
            other => i64::try_from(other.as_nat()?).ok(),
        }
    }

    /// A text; a hash, a uuid or a decimal as it is written.
    pub fn as_text(self) -> Option<&'v str> {
        self.0?.as_text()
    }

    /// A bool.
    pub fn as_bool(self) -> Option<bool> {
        match self.0? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Bytes.
    pub fn as_bytes(self) -> Option<&'v [u8]> {
        match self.0? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// One event through one reducer, whose output fits the documents.
pub struct Step<'r> {
    world: &'r World,
    seen: Seen<'r>,
    step: &'r trace::Step,
    key: OnceCell<Option<Value>>,
    before: OnceCell<Option<Value>>,
    state: OnceCell<Option<Value>>,
    event: OnceCell<Option<Value>>,
    emitted: OnceCell<Vec<Emitted<'r>>>,
    effects: OnceCell<Vec<Asked<'r>>>,
}

/// An event that a step gave out.
pub struct Emitted<'r> {
    /// The name of its schema.
    pub schema: &'r str,
    value: Option<Value>,
}

/// An effect that a step asked for.
pub struct Asked<'r> {
    /// Its kind, as `timer.set`.
    pub kind: &'r str,
    /// Whether the effect gate let it pass.
    pub allowed: bool,
    params: Option<Value>,
}

impl Emitted<'_> {
    /// The event.
    pub fn value(&self) -> Part<'_> {
        Part(self.value.as_ref())
    }
}

impl Asked<'_> {
    /// Its parameters.
    pub fn params(&self) -> Part<'_> {
        Part(self.params.as_ref())
    }
}

impl<'r> Step<'r> {
    pub(super) fn new(world: &'r World, seen: &Seen<'r>, step: &'r trace::Step) -> Step<'r> {
        Step {
            world,
            seen: *seen,
            step,
            key: OnceCell::new(),
            before: OnceCell::new(),
            state: OnceCell::new(),
            event: OnceCell::new(),
            emitted: OnceCell::new(),
            effects: OnceCell::new(),
        }
    }

    fn declared(&self) -> &'r Reducer {
        &self.world.air.reducers[self.step.reducer.index()]
    }

    fn decoded(&self, schema: SchemaId, id: ValueId) -> Option<Value> {
        decoded(self.world, self.seen.trace, schema, id)
    }

    /// The name of the reducer, as the documents have it.
    pub fn reducer(&self) -> &'r str {
        &self.declared().name
    }

    /// The key of its cell, if it is keyed.
    pub fn key(&self) -> Part<'_> {
        let key = || self.decoded(self.declared().key_schema?, self.step.key?);
        Part(self.key.get_or_init(key).as_ref())
    }

    /// The event, as the reducer got it.
    pub fn event(&self) -> Part<'_> {
        let event = || self.decoded(self.step.schema, self.step.event);
        Part(self.event.get_or_init(event).as_ref())
    }

    /// The state before it.
    pub fn before(&self) -> Part<'_> {
        let before = || self.decoded(self.declared().state, self.step.before?);
        Part(self.before.get_or_init(before).as_ref())
    }

    /// The state after it.
    pub fn state(&self) -> Part<'_> {
        let state = || self.decoded(self.declared().state, self.step.after?);
        Part(self.state.get_or_init(state).as_ref())
    }

    /// Whether the state is another than before.
    pub fn changed(&self) -> bool {
        !self.step.is_unchanged()
    }

    /// The events that it gave out, in order.
    pub fn emitted(&self) -> &[Emitted<'r>] {
        self.emitted.get_or_init(|| {
            let events = self.seen.trace.emitted_in(&self.step.emitted).iter();
            let events = events.map(|event| Emitted {
                schema: self.world.air.schemas.name(event.schema),
                value: self.decoded(event.schema, event.value),
            });
            events.collect()
        })
    }

    /// The effects that it asked for, in order.
    pub fn effects(&self) -> &[Asked<'r>] {
        self.effects.get_or_init(|| {
            let intents = self.seen.trace.intents_in(&self.step.intents).iter();
            let intents = intents.map(|intent| {
                let effect = &self.world.air.effects[intent.effect.index()];
                Asked {
                    kind: &effect.kind,
                    allowed: intent.allowed,
                    params: self.decoded(effect.params, intent.params),
                }
            });
            intents.collect()
        })
    }

    /// Virtual time, in ns.
    pub fn now_ns(&self) -> u64 {
        self.seen.turn.at_ns
    }

    /// The turn of the run, from 0.
    pub fn turn(&self) -> usize {
        self.seen.index
    }

    /// The state after it and the event, for a person.
    pub(super) fn told(&self) -> String {
        let json = |schema, id| words::value_json(self.world, schema, self.seen.trace.bytes(id));
        let state = self.step.after.map_or("no state".to_owned(), |id| {
            words::fields(&json(self.declared().state, id))
        });
        let event = json(self.step.schema, self.step.event);
        let event = words::event(self.world, self.step.schema, &event);
        let [state, event] = [state, event].map(|text| words::clip(&text, MOST_CHARS));
        format!("{state} after {event}")
    }
}

/// How much is told of a value.
const MOST_CHARS: usize = 160;

/// The cells of all reducers at the end of a run. A reducer without a key has one.
pub struct Cells<'r>(Vec<CellAtEnd<'r>>);

/// A cell at the end of a run.
pub struct CellAtEnd<'r> {
    world: &'r World,
    declared: &'r Reducer,
    key: Option<Value>,
    state: Option<Value>,
}

impl<'r> CellAtEnd<'r> {
    /// The name of its reducer, as the documents have it.
    pub fn reducer(&self) -> &'r str {
        &self.declared.name
    }

    /// Its key, if its reducer is keyed.
    pub fn key(&self) -> Part<'_> {
        Part(self.key.as_ref())
    }

    /// Its state.
    pub fn state(&self) -> Part<'_> {
        Part(self.state.as_ref())
    }

    /// The cell, for a person.
    fn told(&self) -> String {
        let json = |schema, value| self.world.air.schemas.value_to_json(schema, value);
        let state = self.state.as_ref();
        let state = state.map(|state| words::fields(&json(self.declared.state, state)));
        let state = state.unwrap_or_else(|| "no state".to_owned());
        let key = self.declared.key_schema.zip(self.key.as_ref());
        let name = sim_kernel::local_name(&self.declared.name);
        match key {
            Some((schema, key)) => format!("{name} {}: {state}", json(schema, key)),
            None => format!("{name}: {state}"),
        }
    }
}

impl<'r> Cells<'r> {
    /// In the order in which they had their first event.
    pub(super) fn of(world: &'r World, trace: &Trace) -> Cells<'r> {
        let mut places = BTreeMap::new();
        let mut last: Vec<&trace::Step> = Vec::new();
        for step in &trace.steps {
            let place = *places.entry((step.reducer, step.key)).or_insert(last.len());
            match last.get_mut(place) {
                Some(known) => *known = step,
                None => last.push(step),
            }
        }
        let cells = last.into_iter().map(|step| {
            let declared = &world.air.reducers[step.reducer.index()];
            let value = |schema, id| decoded(world, trace, schema, id);
            let key = declared.key_schema.zip(step.key);
            CellAtEnd {
                world,
                declared,
                key: key.and_then(|(schema, key)| value(schema, key)),
                state: step.after.and_then(|state| value(declared.state, state)),
            }
        });
        Cells(cells.collect())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &CellAtEnd<'r>> {
        self.0.iter()
    }

    /// Those of a reducer.
    pub fn of_reducer(&self, name: &str) -> impl Iterator<Item = &CellAtEnd<'r>> {
        self.iter().filter(move |cell| cell.reducer() == name)
    }

    /// All of them, for a person.
    pub(super) fn told(&self) -> String {
        let cells = self.iter().map(CellAtEnd::told);
        words::clip(&cells.collect::<Vec<_>>().join("; "), 2 * MOST_CHARS)
    }
}

fn decoded(world: &World, trace: &Trace, schema: SchemaId, id: ValueId) -> Option<Value> {
    world.air.schemas.decode(schema, trace.bytes(id)).ok()
}
