//! The properties of the retry machine: a line a turn.
//!
//! A line has an event, the state afterwards, and what goes out, with `|` between them. Without a
//! state it stays as it is. Times are in ms. A request is `r1`, of 3 attempts with a base of 10 ms,
//! unless a line says otherwise: `start id=r2 max_attempts=0`.

use std::collections::BTreeMap;

use libtest_mimic::Trial;
use retry_model::Retry;
use sim::models;
use sim::trace::{Emitted, End, Intent, Trace, ValueId};

use super::{HandMade, Pen, Said, assert_holds, assert_violated, check, timer_event};
use crate::support::{retry_world, trial};

/// A property, traces of which it says that they hold, and some that violate it and nothing else.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const ROWS: [Row; 9] = [
    (
        "attempts_bounded",
        &[
            "start max_attempts=2 | Working 1 | work
             err                  | Backoff 1 | timer 10
             timer 10             | Working 2 | work
             err                  | Failed 2",
            "start max_attempts=0 | Working 1 | work
             err                  | Failed 1",
        ],
        &[
            "start max_attempts=1 | Working 1 | work
             err                  | Backoff 1 | timer 10",
            "start | Working 1 | work
             err   | Backoff 2 | timer 10",
        ],
    ),
    (
        "backoff_exact",
        &["start    | Working 1 | work
           err      | Backoff 1 | timer 10
           timer 10 | Working 2 | work
           err      | Backoff 2 | timer 20"],
        &[
            "start | Working 1 | work
             err   | Backoff 1 | timer 11",
            "start    | Working 1 | work
             err      | Backoff 1 | timer 10
             timer 10 | Working 2 | work
             err      | Backoff 2 | timer 10",
        ],
    ),
    (
        "retry_waits",
        &["start    | Working 1 | work
           err      | Backoff 1 | timer 10
           timer 10 | Working 2 | work"],
        &[
            "start | Working 1 | work
             err   | Working 2 | work",
            "start    | Working 1 | work
             err      | Backoff 1 | timer 10
             timer 10",
        ],
    ),
    (
        "terminal_absorbing",
        &[
            "start | Working 1 | work
             ok    | Done 1
             err
             timer 10
             start",
            "start | Working 1 | work
             fatal | Failed 1
             ok",
        ],
        &[
            "start | Working 1 | work
             ok    | Done 1
             err   | Backoff 1",
            "start | Working 1 | work
             ok    | Done 1
             ok    |           | timer 10",
        ],
    ),
    (
        "outcome_justified",
        &["start    | Working 1 | work
           err      | Backoff 1 | timer 10
           timer 10 | Working 2 | work
           ok       | Done 2"],
        &[
            "start | Working 1 | work
             err   | Failed 1",
            "start | Working 1 | work
             ok    | Failed 1",
            "start | Working 1 | work
             fatal | Done 1",
        ],
    ),
    (
        "one_timer",
        &["start    | Working 1 | work
           err      | Backoff 1 | timer 10
           timer 10 | Working 2 | work
           err      | Backoff 2 | timer 20"],
        &[
            "start | Working 1 | work
             err   | Backoff 1 | timer 10 id=r2",
            "start | Working 1 | work
             err   | Backoff 1 | timer 10
             ok    | Done 1    | timer 20",
        ],
    ),
    (
        "intent_faithful",
        &["start payload=q id=r2 | Working 1 | work"],
        &[
            "start | Working 1 | work payload=q",
            "start | Working 1 | work id=r2",
            "start | Working 1 base_delay_ms=11 | work",
            "start | Working 1 anchor_ns=1 | work",
            "start | Working 1 | work
             err   | Backoff 1 payload=q | timer 10",
        ],
    ),
    (
        "stale_ignored",
        &["ok
           start    | Working 1 | work
           ok id=r2
           start id=r2
           timer 10
           err      | Backoff 1 | timer 10
           err
           timer 11
           timer 10 id=r2"],
        &[
            "start    | Working 1 | work
             ok id=r2 | Backoff 1",
            "start    | Working 1 | work
             err      | Backoff 1 | timer 10
             timer 11 | Working 1",
            "start    | Working 1 | work
             timer 10 |           | timer 10",
        ],
    ),
    (
        "contract_kept",
        &["start | Working 1 | work
           ok    | Done 1"],
        &[
            "start | Working 1 | work
             ok",
            "start | Working 1 | work
             fatal | Failed 1 | timer 10",
            "start | Working 1 | work
             err   | Backoff 1",
        ],
    ),
];

/// What must happen sometimes, with a trace that ends where it does.
const REACHED: [(&str, &str); 13] = [
    (
        "done_first_try",
        "start | Working 1 | work
         ok    | Done 1",
    ),
    (
        "done_after_retry",
        "start    | Working 1 | work
         err      | Backoff 1 | timer 10
         timer 10 | Working 2 | work
         ok       | Done 2",
    ),
    (
        "done_in_backoff",
        "start | Working 1 | work
         err   | Backoff 1 | timer 10
         ok    | Done 1",
    ),
    (
        "failed_at_once",
        "start | Working 1 | work
         fatal | Failed 1",
    ),
    (
        "failed_by_exhaustion",
        "start max_attempts=1 | Working 1 | work
         err                  | Failed 1",
    ),
    (
        "failed_without_retry",
        "start max_attempts=0 | Working 1 | work
         err                  | Failed 1",
    ),
    (
        "next_request",
        "start       | Working 1 | work
         ok          | Done 1
         start id=r2 | Working 1 | work",
    ),
    (
        "second_start_ignored",
        "start | Working 1 | work
         start id=r2",
    ),
    (
        "restart_ignored",
        "start | Working 1 | work
         ok    | Done 1
         start",
    ),
    (
        "end_absorbs",
        "start | Working 1 | work
         ok    | Done 1
         ok",
    ),
    (
        "stray_ignored",
        "start | Working 1 | work
         ok id=stranger",
    ),
    (
        "delay_saturated",
        "start base_delay_ms=18446744073709551615 | Working 1 | work
         err                                      | Backoff 1 | timer max",
    ),
    (
        "near_case",
        "start | Working 1 | work
         ok id=R1",
    ),
];

pub fn trials() -> Vec<Trial> {
    let rows = ROWS.iter().map(|row| {
        let name = format!("by_hand::retry::{}", row.0);
        trial(name, || judged(row))
    });
    let mut trials: Vec<Trial> = rows.collect();
    trials.push(trial("by_hand::retry::converges".to_owned(), converges));
    trials.push(trial("by_hand::retry::sometimes".to_owned(), sometimes));
    trials
}

fn judged((property, holding, violating): &Row) {
    for lines in *holding {
        assert_holds(property, &said(lines, Stays::InFlight));
    }
    for lines in *violating {
        assert_violated(
            property,
            lines.lines().count(),
            &said(lines, Stays::InFlight),
        );
    }
}

fn converges() {
    let half = "start | Working 1 | work
                err   | Backoff 1 | timer 10";
    let whole = format!("{half}\nok | Done 1");
    assert_holds("converges", &said(&whole, Stays::Nothing));
    assert_violated("converges", 2, &said(half, Stays::Nothing));
    // As long as something is in flight, or another bound ended the run, nothing is known.
    for stays in [Stays::InFlight, Stays::InFlightAtBound(End::TurnBound)] {
        let said = said(half, stays);
        assert_eq!(said.violated, []);
        assert!(!said.applied.iter().any(|name| name == "converges"));
    }
    // Of a request that had its last attempt, the bound of the liveness phase tells.
    let last = "start max_attempts=1 | Working 1 | work
                ok id=r2
                ok id=r2
                ok id=r2";
    let stays = Stays::InFlightAtBound(End::LivenessBound);
    assert_violated("converges", 4, &said(last, stays));
}

/// The last line of a trace reaches it, and not one before.
fn sometimes() {
    for (name, lines) in REACHED {
        let reaches = |lines: &str| {
            let said = said(lines, Stays::InFlight);
            assert_eq!(said.violated, [], "{name}");
            said.reached.iter().any(|reached| reached == name)
        };
        assert!(reaches(lines), "{name} is not reached by\n{lines}");
        let (before, _) = lines.rsplit_once('\n').expect("it has two lines");
        assert!(!reaches(before), "{name} is reached by\n{before}");
    }
}

/// What is left in flight when the run ends.
#[derive(Clone, Copy)]
enum Stays {
    Nothing,
    InFlight,
    /// The whole run was without faults, and ended so.
    InFlightAtBound(End),
}

fn said(lines: &str, stays: Stays) -> Said {
    let world = retry_world();
    let mut trace = trace_of(lines);
    match stays {
        Stays::Nothing => trace.is_quiescent = true,
        Stays::InFlight => {}
        Stays::InFlightAtBound(end) => {
            trace.liveness_from = Some(0);
            trace.end = Some(end);
        }
    }
    check(world, &*models::of(world), &mut trace)
}

/// The trace that is written in these lines.
fn trace_of(lines: &str) -> Trace {
    let world = retry_world();
    assert!(Retry::of(&world.air).is_some(), "it is a retry world");
    let mut writer = Writer {
        pen: Pen::new(world),
        request: fields(""),
        state: None,
    };
    lines.lines().for_each(|line| writer.line(line));
    writer.pen.trace
}

type Fields = BTreeMap<String, String>;

/// The fields of a request of which a text such as `start id=r2` says what is not as usual.
fn fields(text: &str) -> Fields {
    let usual = "id=r1 payload=p max_attempts=3 base_delay_ms=10 anchor_ns=0";
    with(&with(&Fields::new(), usual), text)
}

/// The same fields, but for those that the text names.
fn with(fields: &Fields, text: &str) -> Fields {
    let given = text.split_whitespace().filter_map(|it| it.split_once('='));
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    fields.clone().into_iter().chain(given).collect()
}

struct Writer {
    pen: Pen<'static>,
    /// The fields of the last start that changed the state.
    request: Fields,
    state: Option<ValueId>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        let mut parts = line.split('|').map(str::trim);
        let mut part = || parts.next().unwrap_or_default();
        let (event, state, outputs) = (part(), part(), part());
        if event.starts_with("start") && !state.is_empty() {
            self.request = fields(event);
        }
        let event = self.event(event);
        let mut step = self.pen.step("demo/RetryEvent@1", event, self.state);
        if !state.is_empty() {
            self.state = Some(self.state(state));
            step.after = self.state;
        }
        let mut turn = HandMade {
            steps: vec![step],
            ..HandMade::default()
        };
        for output in outputs.split(',').filter(|output| !output.is_empty()) {
            match output.trim().strip_prefix("timer ") {
                Some(timer) => turn.intents.push(self.timer(timer)),
                None => turn.emitted.push(self.work(output)),
            }
        }
        self.pen.turn(turn);
    }

    /// An event: `start`, `ok`, `err`, `fatal` or `timer 10`.
    fn event(&mut self, text: &str) -> ValueId {
        let all = fields(text);
        let id = &all["id"];
        let mut words = text.split_whitespace();
        let json = match words.next().unwrap_or_default() {
            "start" => format!(
                r#"{{"start":{{"req_id":"{id}","payload":"{}","max_attempts":{},
                    "base_delay_ms":{},"now_ns":{}}}}}"#,
                all["payload"], all["max_attempts"], all["base_delay_ms"], all["anchor_ns"]
            ),
            "ok" => format!(r#"{{"ok":{{"req_id":"{id}"}}}}"#),
            word @ ("err" | "fatal") => format!(
                r#"{{"err":{{"req_id":"{id}","message":"m","transient":{}}}}}"#,
                word == "err"
            ),
            "timer" => {
                let at_ns = time_ns(words.next().expect("a timer has a time"));
                timer_event("timer", id, at_ns)
            }
            other => panic!("{other} is no event"),
        };
        self.pen.value("demo/RetryEvent@1", &json)
    }

    /// A state of the request under way: `Working 1`.
    fn state(&mut self, text: &str) -> ValueId {
        let all = with(&self.request, text);
        let mut words = text.split_whitespace();
        let (pc, attempt) = (words.next(), words.next());
        let json = format!(
            r#"{{"pc":"{}","attempt":{},"max_attempts":{},"base_delay_ms":{},"anchor_ns":{},
                "payload":"{}","req_id":"{}"}}"#,
            pc.expect("a state has a name"),
            attempt.expect("a state has an attempt"),
            all["max_attempts"],
            all["base_delay_ms"],
            all["anchor_ns"],
            all["payload"],
            all["id"]
        );
        self.pen.value("demo/RetryState@1", &json)
    }

    /// `work` of the request under way.
    fn work(&mut self, text: &str) -> Emitted {
        let all = with(&self.request, text);
        let (id, payload) = (&all["id"], &all["payload"]);
        let json = format!(r#"{{"req_id":"{id}","payload":"{payload}"}}"#);
        let schema = "demo/WorkRequested@1";
        Emitted {
            schema: self.pen.schema(schema),
            value: self.pen.value(schema, &json),
        }
    }

    /// A timer for a time, such as `10` or `10 id=r2`.
    fn timer(&mut self, text: &str) -> Intent {
        let time = text.split_whitespace().next().expect("a timer has a time");
        let id = &with(&self.request, text)["id"];
        let json = format!(r#"{{"deliver_at_ns":{},"key":"{id}"}}"#, time_ns(time));
        let params = self.pen.value("sys/TimerSetParams@1", &json);
        self.pen.intent("timer.set", params, true)
    }
}

/// Of a time in ms; `max` is the end of time.
fn time_ns(text: &str) -> u64 {
    match text {
        "max" => u64::MAX,
        _ => text.parse::<u64>().expect("it is a number") * 1_000_000,
    }
}
