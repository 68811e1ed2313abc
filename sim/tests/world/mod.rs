//! What the kernel does with events, plans, effects and its journal, seen from outside: a schedule
//! goes in, and the trace tells.

mod context;
mod ends;
mod enforcers;
mod gate;
mod keyed;
mod plans;
mod receipts;
mod recovery;
mod routes;
mod turns;

use std::fmt::Write;

use libtest_mimic::Trial;
use sim::air::{self, Air, Source};
use sim::campaign::{Checked, Runner};
use sim::cases::Case;
use sim::kernel::World;
use sim::models;
use sim::random::Seed;
use sim::scenario::Scenario;
use sim::trace::{Record, Trace};

use crate::support::code;

pub use context::world as world_with_context;
pub use enforcers::with_context as world_whose_enforcer_has_a_context;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    [
        plans::trials(),
        context::trials(),
        ends::trials(),
        gate::trials(),
        keyed::trials(),
        receipts::trials(),
        recovery::trials(seed),
        enforcers::trials(),
        routes::trials(),
        turns::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const START: &str = r#"{"name":"r1","schema":"demo/RetryEvent@1","value":{"start":{"req_id":"r1",
    "payload":"p","max_attempts":3,"base_delay_ms":10,"now_ns":0}}}"#;

/// A trial named `world::subject::test`; it fails by panicking.
fn trial(subject: &str, name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    crate::support::trial(format!("world::{subject}::{name}"), test)
}

/// The small world of the documents' tests, with pieces of its text replaced.
fn small_world(edits: &[(&str, &str)], wasm: &[u8]) -> World {
    let air = air::load(&edited(edits)).unwrap_or_else(|error| panic!("{error}"));
    World::new(air, vec![code(wasm)])
}

/// The same as it is.
pub fn base_world() -> World {
    small_world(&[], &constant_reducer())
}

/// The documents of such a world.
fn edited(edits: &[(&str, &str)]) -> Vec<Source> {
    let mut text = include_str!("../air/base.air.json").to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the world has no {from}");
        text = text.replacen(from, to, 1);
    }
    let file = "world.air.json".to_owned();
    vec![Source { file, text }]
}

/// A reducer that answers every event with the state `{count: 1, last: null}` and nothing else.
fn constant_reducer() -> Vec<u8> {
    reducer_answering(b"\xa1\x65state\x48\xa1\x65count\x01")
}

/// A reducer that answers every event with these bytes.
fn reducer_answering(output: &[u8]) -> Vec<u8> {
    let data: String = output.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(module (memory (export "memory") 1) (data (i32.const 64) "{data}")
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "step") (param i32 i32) (result i32 i32)
                (i32.const 64) (i32.const {})))"#,
        output.len()
    );
    wat::parse_str(text).expect("the fixture is well-formed")
}

/// A scenario whose schedule is given as the lines of a case.
fn scenario(world: &World, requests: &str, schedule: &str) -> Scenario {
    let text = format!(
        r#"{{"format":"sim-case/1","found_by":{{"driver":"hand"}},
            "world":{{"manifest":"","reducers":{{}}}},"requests":[{requests}],
            "schedule":[{schedule}],"verdict":"holds","digest":""}}"#
    );
    let case = Case::parse(&text).unwrap_or_else(|error| panic!("{error:?}"));
    case.bind(&world.air)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Follows a schedule, given as the lines of a case; all of it must be possible.
fn follow(world: &World, requests: &str, schedule: &str) -> (Trace, Checked) {
    let scenario = scenario(world, requests, schedule);
    let model = models::of(world);
    let mut runner = Runner::new(world, &*model).expect("the reducer can be run");
    let checked = runner.replay(&scenario);
    assert!(
        checked.skipped.is_empty(),
        "not possible: decisions {:?}",
        checked.skipped
    );
    (runner.trace.clone(), checked)
}

/// The journal, a line a record: what a person would ask of it.
fn journal(air: &Air, trace: &Trace) -> String {
    let json = |schema, span| match air.schemas.decode(schema, trace.bytes(span)) {
        Ok(value) => air.schemas.value_to_json(schema, &value).to_string(),
        Err(error) => error.to_string(),
    };
    let mut out = String::new();
    for record in &trace.journal {
        let _ = match record {
            Record::Manifest { .. } => writeln!(out, "manifest"),
            Record::DomainEvent {
                schema,
                value,
                at_ns,
                ..
            } => {
                let name = air.schemas.name(*schema);
                writeln!(
                    out,
                    "domain_event {name} {} at {at_ns}",
                    json(*schema, *value)
                )
            }
            Record::EffectIntent { effect, .. } => {
                writeln!(out, "effect_intent {}", air.effects[effect.index()].kind)
            }
            Record::CapDecision { denied_by, .. } => {
                writeln!(
                    out,
                    "cap_decision {}",
                    denied_by.map_or("allow".into(), |rule| rule.says(trace))
                )
            }
            Record::PolicyDecision { rule, allowed, .. } => {
                writeln!(out, "policy_decision rule {rule:?} allow {allowed}")
            }
            Record::EffectReceipt { status, .. } => {
                writeln!(out, "effect_receipt {}", status.name())
            }
            Record::PlanStep { plan, step, .. } => {
                let steps = &air.plans[plan.index()].steps;
                writeln!(out, "plan_step {}", steps[*step as usize].id)
            }
            Record::PlanResult { plan, result, .. } => {
                let schema = air.plans[plan.index()]
                    .output
                    .expect("a result has a schema");
                writeln!(out, "plan_result {}", json(schema, *result))
            }
            Record::PlanEnded { error, .. } => {
                writeln!(out, "plan_ended {}", error.as_deref().unwrap_or("well"))
            }
            Record::Snapshot { .. } => writeln!(out, "snapshot"),
        };
    }
    out
}
