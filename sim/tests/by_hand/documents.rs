//! What the documents of any world ask to be seen, in a world that has one of each: each is reached
//! by a trace that is written for it, and by no shorter one.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use libtest_mimic::Trial;
use sim::air::{self, EffectId, PlanId, Source};
use sim::kernel::World;
use sim::model::Properties;
use sim::model::generic::Generic;
use sim::trace::{Choice, EdgeTaken, Emitted, Record, Status, Step, ValueId};

use super::{HandMade, Pen, Said, check, timer_event};
use crate::support::{code, trial};

/// A light that is set, and a plan that tells what it was before, in one of two ways.
const DOCUMENTS: &str = r#"[
  {"$kind": "defschema", "name": "l/Set@1", "type": {"record": {"on": {"bool": {}}}}},
  {"$kind": "defschema", "name": "l/Event@1", "type": {"variant": {
    "set": {"ref": "l/Set@1"}, "timer": {"ref": "sys/TimerFired@1"}}}},
  {"$kind": "defschema", "name": "l/Light@1", "type": {"variant": {
    "on": {"unit": {}}, "off": {"unit": {}}}}},
  {"$kind": "defschema", "name": "l/State@1", "type": {"record": {
    "light": {"ref": "l/Light@1"}}}},
  {"$kind": "defmodule", "name": "l/Machine@1", "module_kind": "reducer",
    "abi": {"reducer": {"state": "l/State@1", "event": "l/Event@1",
      "effects_emitted": ["timer.set"], "cap_slots": {"default": "timer"}}}},
  {"$kind": "defplan", "name": "l/Plan@1", "input": "l/Set@1",
    "steps": [
      {"id": "ask", "op": "assign", "bind": {"as": "on"}, "expr": {"ref": "@plan.input.on"}},
      {"id": "end", "op": "end"}],
    "locals": {"on": "l/Bool@1"},
    "edges": [{"from": "ask", "to": "end", "when": {"ref": "@var:on"}}]},
  {"$kind": "defschema", "name": "l/Bool@1", "type": {"bool": {}}},
  {"$kind": "defcap", "name": "l/timer@1", "cap_type": "timer", "schema": {"record": {}}},
  {"$kind": "defpolicy", "name": "l/policy@1", "rules": [{"when": {}, "decision": "allow"}]},
  {"$kind": "manifest", "air_version": "1",
    "schemas": [{"name": "l/Set@1"}, {"name": "l/Event@1"}, {"name": "l/Light@1"},
      {"name": "l/State@1"}, {"name": "l/Bool@1"}],
    "modules": [{"name": "l/Machine@1"}], "plans": [{"name": "l/Plan@1"}],
    "effects": [{"name": "sys/timer.set@1"}],
    "caps": [{"name": "l/timer@1"}], "policies": [{"name": "l/policy@1"}],
    "defaults": {"policy": "l/policy@1", "cap_grants": [
      {"name": "tick", "cap": "l/timer@1", "params": {"record": {}}}]},
    "module_bindings": {"l/Machine@1": {"slots": {"default": "tick"}}},
    "routing": {"events": [{"event": "l/Event@1", "reducer": "l/Machine@1"}]},
    "triggers": [{"event": "l/Set@1", "plan": "l/Plan@1"}]}]"#;

/// What a turn has in it, and all that it reaches.
type Row = (
    &'static str,
    fn(&mut Writer) -> HandMade,
    &'static [&'static str],
);

const ROWS: [Row; 16] = [
    (
        "a_step_that_does_nothing",
        |writer| writer.is_set("off", "off"),
        &["delivered set", "stepped"],
    ),
    (
        "a_state_changes",
        |writer| writer.is_set("off", "on"),
        &[
            "something_changed",
            "delivered set",
            "accepted set",
            "stepped",
            "state light = on",
        ],
    ),
    (
        "a_state_changes_back",
        |writer| writer.is_set("on", "off"),
        &[
            "something_changed",
            "delivered set",
            "accepted set",
            "stepped",
            "state light = off",
        ],
    ),
    (
        "a_timer_is_heard",
        |writer| {
            let event = writer.timer();
            writer.hears(event, "off", "off")
        },
        &["delivered timer", "stepped"],
    ),
    (
        "a_timer_changes_something",
        |writer| {
            let event = writer.timer();
            writer.hears(event, "off", "on")
        },
        &[
            "something_changed",
            "delivered timer",
            "accepted timer",
            "stepped",
            "state light = on",
        ],
    ),
    (
        "an_event_goes_out",
        Writer::emits,
        &[
            "something_changed",
            "delivered set",
            "accepted set",
            "stepped",
        ],
    ),
    (
        "an_effect_is_asked_for",
        Writer::asks,
        &[
            "something_changed",
            "delivered set",
            "accepted set",
            "stepped",
            "asked timer.set",
        ],
    ),
    (
        "a_receipt_is_ok",
        |writer| writer.answered(Status::Ok),
        &["answered timer.set ok"],
    ),
    (
        "a_receipt_is_an_error",
        |writer| writer.answered(Status::Error),
        &["answered timer.set error"],
    ),
    (
        "a_receipt_is_late",
        |writer| writer.answered(Status::Timeout),
        &["answered timer.set timeout"],
    ),
    (
        "a_plan_starts",
        Writer::starts_plan,
        &["delivered Set", "accepted Set", "started Plan"],
    ),
    ("a_plan_takes_a_step", |_| plan_steps(0), &["ran Plan/ask"]),
    (
        "a_plan_takes_its_last_step",
        |_| plan_steps(1),
        &["ran Plan/end"],
    ),
    ("a_plan_ends", |_| plan_ends(None), &["ended Plan"]),
    (
        "an_edge_is_taken",
        |writer| writer.edge(true),
        &["taken Plan/ask -> end"],
    ),
    (
        "an_edge_is_not_taken",
        |writer| writer.edge(false),
        &["not taken Plan/ask -> end"],
    ),
];

pub fn trials() -> Vec<Trial> {
    let rows = ROWS.iter().map(|row| {
        let name = format!("by_hand::documents::{}", row.0);
        trial(name, || reaches(row))
    });
    let others: [(&str, fn()); 3] = [
        ("all_are_reached", all_are_reached),
        ("a_plan_that_fails_has_not_ended", fails),
        ("after_a_spurious_event_nothing_counts", spurious),
    ];
    let others = others.into_iter();
    let others = others.map(|(name, test)| trial(format!("by_hand::documents::{name}"), test));
    rows.chain(others).collect()
}

/// The turn reaches exactly that.
fn reaches((_, turn, expected): &Row) {
    let mut writer = Writer::begin();
    let turn = turn(&mut writer);
    writer.pen.turn(turn);
    let said = writer.said();
    assert_eq!(said.violated, []);
    assert_eq!(said.reached, *expected);
}

/// The rows leave out no property that the documents make.
fn all_are_reached() {
    let rows = ROWS.iter().flat_map(|(_, _, reached)| reached.iter());
    let reached: BTreeSet<String> = rows.map(|name| (*name).to_owned()).collect();
    let properties = Properties::of(world(), &Generic::of(world()));
    let listed = properties.sometimes();
    let listed: BTreeSet<String> = listed.map(|(_, it, _)| it.name.to_string()).collect();
    assert_eq!(reached, listed);
}

fn fails() {
    let mut writer = Writer::begin();
    writer.pen.turn(plan_ends(Some("a guard is no bool")));
    assert_eq!(writer.said().reached, Vec::<String>::new());
}

/// An event that only the world itself sends, and has not sent, moved something: what follows may
/// come of it.
fn spurious() {
    for (after, is_moved) in [("on", true), ("off", false)] {
        let mut writer = Writer::begin();
        let value = writer.timer();
        let schema = writer.pen.schema(EVENT);
        let turn = HandMade {
            choice: Choice::Inject {
                schema,
                value,
                cell: None,
            },
            ..writer.hears(value, "off", after)
        };
        writer.pen.turn(turn);
        assert_eq!(writer.said().reached, Vec::<String>::new());
        let turn = writer.starts_plan();
        writer.pen.turn(turn);
        assert_eq!(writer.said().reached.is_empty(), is_moved);
    }
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let source = Source {
            file: "world.air.json".to_owned(),
            text: DOCUMENTS.to_owned(),
        };
        let air = air::load(&[source]).unwrap_or_else(|error| panic!("{error}"));
        // It takes no step here.
        World::new(air, vec![code(retry_world::WASM)])
    })
}

const EVENT: &str = "l/Event@1";

struct Writer {
    pen: Pen<'static>,
}

impl Writer {
    fn begin() -> Writer {
        Writer {
            pen: Pen::new(world()),
        }
    }

    fn said(&mut self) -> Said {
        check(world(), &Generic::of(world()), &mut self.pen.trace)
    }

    fn light(&mut self, state: &str) -> ValueId {
        let json = format!(r#"{{"light":{{"{state}":null}}}}"#);
        self.pen.value("l/State@1", &json)
    }

    fn set(&mut self) -> ValueId {
        self.pen.value(EVENT, r#"{"set":{"on":true}}"#)
    }

    fn timer(&mut self) -> ValueId {
        self.pen.value(EVENT, &timer_event("timer", "r1", 1))
    }

    /// An event arrives, and a step takes the state from one light to another.
    fn hears(&mut self, event: ValueId, before: &str, after: &str) -> HandMade {
        let (before, after) = (self.light(before), self.light(after));
        let step = Step {
            after: Some(after),
            ..self.pen.step(EVENT, event, Some(before))
        };
        let record = Record::DomainEvent {
            schema: step.schema,
            value: event,
            at_ns: 0,
            cell: None,
        };
        HandMade {
            steps: vec![step],
            journal: vec![record],
            ..HandMade::default()
        }
    }

    fn is_set(&mut self, before: &str, after: &str) -> HandMade {
        let event = self.set();
        self.hears(event, before, after)
    }

    fn emits(&mut self) -> HandMade {
        let value = self.pen.value("l/Set@1", r#"{"on":true}"#);
        let schema = self.pen.schema("l/Set@1");
        HandMade {
            emitted: vec![Emitted { schema, value }],
            ..self.is_set("off", "off")
        }
    }

    fn asks(&mut self) -> HandMade {
        let json = r#"{"deliver_at_ns":1,"key":null}"#;
        let params = self.pen.value("sys/TimerSetParams@1", json);
        HandMade {
            intents: vec![self.pen.intent("timer.set", params, true)],
            ..self.is_set("off", "off")
        }
    }

    fn answered(&mut self, status: Status) -> HandMade {
        let json = r#"{"delivered_at_ns":1,"key":null}"#;
        let receipt = self.pen.value("sys/TimerSetReceipt@1", json);
        let record = Record::EffectReceipt {
            effect: EffectId::new(0),
            params: receipt,
            plan: None,
            intent: self.pen.intent("timer.set", receipt, true).hash,
            cell: None,
            status,
            receipt,
        };
        of_record(record)
    }

    fn starts_plan(&mut self) -> HandMade {
        of_record(Record::DomainEvent {
            schema: self.pen.schema("l/Set@1"),
            value: self.pen.value("l/Set@1", r#"{"on":true}"#),
            at_ns: 0,
            cell: None,
        })
    }

    fn edge(&mut self, taken: bool) -> HandMade {
        self.pen.trace.edges.push(EdgeTaken {
            plan: PlanId::new(0),
            edge: 0,
            taken,
        });
        HandMade::default()
    }
}

fn of_record(record: Record) -> HandMade {
    HandMade {
        journal: vec![record],
        ..HandMade::default()
    }
}

fn plan_steps(step: u32) -> HandMade {
    of_record(Record::PlanStep {
        plan: PlanId::new(0),
        instance: 1,
        step,
        replaced: false,
        at_ns: 0,
    })
}

fn plan_ends(error: Option<&str>) -> HandMade {
    of_record(Record::PlanEnded {
        plan: PlanId::new(0),
        instance: 1,
        error: error.map(Into::into),
    })
}
