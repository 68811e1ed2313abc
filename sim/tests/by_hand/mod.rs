//! Each property on traces that are written by hand: one that holds, and one that is violated at
//! its last turn, and there alone. No reducer takes a step here.

mod any_world;
mod documents;
mod retry;

use libtest_mimic::Trial;
use sim::air::{EffectId, GrantId, Hash, ReducerId, SchemaId};
use sim::kernel::World;
use sim::model::{Checker, Model};
use sim::trace::{
    Asker, Choice, Emitted, End, Intent, Record, Remark, Scrutiny, Step, Trace, ValueId,
};

pub fn trials() -> Vec<Trial> {
    let mut trials = any_world::trials();
    trials.extend(documents::trials());
    trials.extend(retry::trials());
    trials
}

/// A trace under way.
struct Pen<'w> {
    world: &'w World,
    trace: Trace,
}

impl<'w> Pen<'w> {
    fn new(world: &'w World) -> Pen<'w> {
        Pen {
            world,
            trace: Trace::default(),
        }
    }

    /// The schema of that name.
    fn schema(&self, name: &str) -> SchemaId {
        let schema = self.world.air.schemas.find(name);
        schema.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// A value of a schema, stored in its canonical form.
    fn value(&mut self, schema: &str, json: &str) -> ValueId {
        let id = self.schema(schema);
        let schemas = &self.world.air.schemas;
        let parsed = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}"));
        let value = schemas.value_from_json(id, &parsed);
        let value = value.unwrap_or_else(|error| panic!("{json}: {error:?}"));
        let bytes = schemas.encode(id, &value).expect("it fits its schema");
        self.trace.store(&bytes)
    }

    /// A step that does nothing. It is no part of a turn yet.
    fn step(&mut self, schema: &str, event: ValueId, state: Option<ValueId>) -> Step {
        let schema = self.schema(schema);
        Step {
            reducer: ReducerId::new(0),
            key: None,
            schema,
            event,
            before: state,
            after: state,
            emitted: 0..0,
            intents: 0..0,
            annotations: None,
            fault: None,
            scrutiny: Scrutiny::None,
        }
    }

    /// An effect of the world's first reducer, by the place of its kind among the world's.
    fn intent(&mut self, kind: &str, params: ValueId, allowed: bool) -> Intent {
        let air = &self.world.air;
        let place = air.effects.iter().position(|effect| effect.kind == kind);
        let reducer = ReducerId::new(0);
        let hash = Hash::of(self.trace.bytes(params));
        Intent {
            effect: EffectId::new(place.expect("the world has it")),
            params,
            grant: GrantId::new(0),
            hash: self.trace.values.intent(&hash),
            asker: Asker::Reducer { reducer, key: None },
            input: None,
            allowed,
        }
    }

    /// A turn with these in it, as if all that went out had come of its last step.
    fn turn(&mut self, turn: HandMade) {
        let mark = self.trace.mark();
        self.trace.emitted.extend(turn.emitted);
        self.trace.intents.extend(turn.intents);
        self.trace.journal.extend(turn.journal);
        let (emitted, intents) = (self.trace.mark_emitted(), self.trace.mark_intents());
        let count = turn.steps.len();
        for (index, mut step) in turn.steps.into_iter().enumerate() {
            if index + 1 == count {
                step.emitted = mark.emitted..emitted;
                step.intents = mark.intents..intents;
            }
            self.trace.steps.push(step);
        }
        self.trace
            .end_turn(turn.at_ns, turn.choice, turn.remark, mark);
    }
}

/// What a turn is made of.
struct HandMade {
    at_ns: u64,
    choice: Choice,
    remark: Remark,
    steps: Vec<Step>,
    emitted: Vec<Emitted>,
    intents: Vec<Intent>,
    journal: Vec<Record>,
}

impl Default for HandMade {
    fn default() -> HandMade {
        HandMade {
            at_ns: 0,
            choice: Choice::Start { request: 0 },
            remark: Remark::default(),
            steps: Vec::new(),
            emitted: Vec::new(),
            intents: Vec::new(),
            journal: Vec::new(),
        }
    }
}

/// A timer that has fired when it was due, as the event of an arm.
fn timer_event(arm: &str, key: &str, at_ns: u64) -> String {
    let zeros = "0".repeat(64);
    format!(
        r#"{{"{arm}":{{"intent_hash":"sha256:{zeros}","reducer":"demo/RetrySM@1",
            "effect_kind":"timer.set","adapter_id":"timer","status":"ok",
            "requested":{{"deliver_at_ns":{at_ns},"key":"{key}"}},
            "receipt":{{"delivered_at_ns":{at_ns},"key":"{key}"}},
            "cost_cents":0,"signature":""}}}}"#
    )
}

/// What is said of a trace.
struct Said {
    /// Those that are violated, each with its turn.
    violated: Vec<(String, usize)>,
    /// Those that must hold and had something to say.
    applied: Vec<String>,
    /// What was reached.
    reached: Vec<String>,
}

fn check(world: &World, model: &dyn Model, trace: &mut Trace) -> Said {
    let mut checker = Checker::new(world, model);
    checker.reset();
    checker.observe(trace);
    trace.end = trace.end.or(Some(End::Finished));
    checker.finish(trace);
    let properties = checker.properties();
    let name = |rank: usize| properties.get(rank).name.to_string();
    let ranks = || 0..properties.count();
    let violations = checker.violations().iter();
    Said {
        violated: violations
            .map(|found| (found.name().to_owned(), found.turn))
            .collect(),
        applied: ranks()
            .filter(|rank| checker.applied()[*rank])
            .map(name)
            .collect(),
        reached: ranks()
            .filter(|rank| checker.reached().contains(*rank))
            .map(name)
            .collect(),
    }
}

/// The property had something to say of the trace, and nothing is violated.
fn assert_holds(property: &str, said: &Said) {
    assert_eq!(said.violated, [], "{property}");
    assert!(
        said.applied.iter().any(|name| name == property),
        "{property} says nothing of a trace that is written for it"
    );
}

/// The property is violated at the last turn, and nothing else is.
fn assert_violated(property: &str, turns: usize, said: &Said) {
    assert_eq!(said.violated, [(property.to_owned(), turns - 1)]);
}
