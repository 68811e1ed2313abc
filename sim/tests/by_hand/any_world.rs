//! What must hold in every run of any world.

use libtest_mimic::Trial;
use sim::air::PlanId;
use sim::model::generic::Generic;
use sim::trace::{
    Asker, Choice, CrashPoint, Fault, GateRule, Intent, Record, Recovery, Scrutiny, Step, ValueId,
};

use super::{HandMade, Pen, assert_holds, assert_violated, check};
use crate::support::{retry_world, trial};

/// Writes the last turns of a trace.
type End = fn(&mut Writer);

/// A property, traces of which it says that they hold, and some that violate it and nothing else.
type Row = (&'static str, &'static [End], &'static [End]);

const ROWS: [Row; 6] = [
    (
        "conforms",
        &[Writer::idle],
        &[|writer| {
            let (expected, found) = ("at most one effect".to_owned(), "2".to_owned());
            writer.refused(Fault::Nonconforming { expected, found });
        }],
    ),
    (
        "bounded",
        // A leak that is not forbidden is advice.
        &[Writer::idle, |writer| {
            writer.scrutinised(Scrutiny::Leaks("64 KiB a step".into()));
        }],
        &[|writer| {
            let (what, brief) = ("it trapped".to_owned(), "trap".to_owned());
            writer.refused(Fault::Stopped { what, brief });
        }],
    ),
    (
        "pure",
        &[|writer| writer.scrutinised(Scrutiny::Passed)],
        &[|writer| {
            writer.scrutinised(Scrutiny::differs("a fresh instance", "another state"));
        }],
    ),
    (
        "replays",
        &[Writer::crash, |writer| {
            writer.crash();
            writer.step_from(0);
        }],
        &[
            |writer| {
                writer.pen.trace.note_divergence("another intent");
                writer.crash();
            },
            // The last step before the crash left another state.
            |writer| {
                writer.crash();
                writer.step_from(1);
            },
        ],
    ),
    (
        "intents_granted",
        &[|writer| writer.asks(None, true)],
        &[
            |writer| writer.asks(Some(GateRule::Expired), true),
            |writer| writer.asks(None, false),
            // That the plan ends for it is told by this property alone.
            |writer| writer.plan_ends(Some("the effect was denied"), true),
        ],
    ),
    (
        "plans_succeed",
        &[|writer| writer.plan_ends(None, false)],
        &[|writer| writer.plan_ends(Some("a guard is no bool"), false)],
    ),
];

pub fn trials() -> Vec<Trial> {
    let rows = ROWS.iter().map(|row| {
        let name = format!("by_hand::any_world::{}", row.0);
        trial(name, || judged(row))
    });
    let declared = "by_hand::any_world::what_is_declared".to_owned();
    rows.chain([trial(declared, what_is_declared)]).collect()
}

fn judged((property, holding, violating): &Row) {
    let world = retry_world();
    let model = Generic::of(world);
    for write in *holding {
        let mut writer = Writer::begin();
        write(&mut writer);
        let said = check(world, &model, &mut writer.pen.trace);
        assert_holds(property, &said);
    }
    for write in *violating {
        let mut writer = Writer::begin();
        write(&mut writer);
        let said = check(world, &model, &mut writer.pen.trace);
        assert_violated(property, writer.pen.trace.turns.len(), &said);
    }
}

/// What the author of a world declares to be meant violates nothing, and a leak that is forbidden
/// does.
fn what_is_declared() {
    let mut world = crate::support::planted_world(0);
    let declared = ["denied=timer.set", "plan-error=WorkPlan"];
    for text in declared {
        world.expect(text).expect("the documents have it");
    }
    world.expected.forbids_leaks = true;
    let model = Generic::of(&world);
    let mut writer = Writer::begin();
    writer.asks(Some(GateRule::Expired), true);
    writer.plan_ends(Some("a guard is no bool"), false);
    let said = check(&world, &model, &mut writer.pen.trace);
    assert_eq!(said.violated, []);
    writer.scrutinised(Scrutiny::Leaks("64 KiB a step".into()));
    let said = check(&world, &model, &mut writer.pen.trace);
    assert_violated("bounded", writer.pen.trace.turns.len(), &said);
}

struct Writer {
    pen: Pen<'static>,
    states: [ValueId; 2],
    event: ValueId,
}

impl Writer {
    /// A trace of one turn, whose step left the first state.
    fn begin() -> Writer {
        let mut pen = Pen::new(retry_world());
        let event = pen.value("demo/RetryEvent@1", r#"{"ok":{"req_id":"r1"}}"#);
        let states = ["r1", "r2"].map(|id| {
            let json = format!(
                r#"{{"pc":"Idle","attempt":0,"max_attempts":0,"base_delay_ms":0,"anchor_ns":0,
                    "payload":"","req_id":"{id}"}}"#
            );
            pen.value("demo/RetryState@1", &json)
        });
        let mut writer = Writer { pen, states, event };
        writer.idle();
        writer
    }

    fn step(&mut self) -> Step {
        let state = self.states[0];
        self.pen.step("demo/RetryEvent@1", self.event, Some(state))
    }

    fn turn_of(&mut self, step: Step) {
        self.pen.turn(HandMade {
            steps: vec![step],
            ..HandMade::default()
        });
    }

    /// A step that changes nothing.
    fn idle(&mut self) {
        let step = self.step();
        self.turn_of(step);
    }

    fn refused(&mut self, fault: Fault) {
        let step = Step {
            fault: Some(Box::new(fault)),
            ..self.step()
        };
        self.turn_of(step);
    }

    fn scrutinised(&mut self, scrutiny: Scrutiny) {
        let step = Step {
            scrutiny,
            ..self.step()
        };
        self.turn_of(step);
    }

    fn step_from(&mut self, state: usize) {
        let before = Some(self.states[state]);
        let step = Step {
            before,
            after: before,
            ..self.step()
        };
        self.turn_of(step);
    }

    /// A crash before an event is in the journal: no step is taken.
    fn crash(&mut self) {
        self.pen.turn(HandMade {
            choice: Choice::Crash {
                point: CrashPoint::BeforeAppend,
                recovery: Recovery::Journal,
                during: Box::new(Choice::Start { request: 0 }),
            },
            ..HandMade::default()
        });
    }

    fn intent(&mut self, allowed: bool) -> Intent {
        let json = r#"{"deliver_at_ns":1,"key":"r1"}"#;
        let params = self.pen.value("sys/TimerSetParams@1", json);
        self.pen.intent("timer.set", params, allowed)
    }

    /// A step that asks for a timer, which the grant and the policy let pass or not.
    fn asks(&mut self, denied_by: Option<GateRule>, policy_allows: bool) {
        let allowed = denied_by.is_none() && policy_allows;
        let intent = self.intent(allowed);
        let decision = Record::CapDecision {
            intent: intent.hash,
            denied_by,
        };
        let step = self.step();
        self.pen.turn(HandMade {
            steps: vec![step],
            intents: vec![intent],
            journal: vec![decision],
            ..HandMade::default()
        });
    }

    /// An instance of the world's plan ends, perhaps since an effect of its own was denied.
    fn plan_ends(&mut self, error: Option<&str>, is_denied: bool) {
        let (plan, instance) = (PlanId::new(0), 1);
        let mut turn = HandMade {
            journal: vec![Record::PlanEnded {
                plan,
                instance,
                error: error.map(Into::into),
            }],
            ..HandMade::default()
        };
        if is_denied {
            let intent = Intent {
                asker: Asker::Plan { plan, instance },
                ..self.intent(false)
            };
            turn.intents.push(intent);
        }
        self.pen.turn(turn);
    }
}
