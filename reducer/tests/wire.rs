//! The wire form: known bytes, every order of keys, and what is refused.

use retry_sm::machine::{Event, Phase, Start, State, Timer, TimerSet};
use retry_sm::{step, wire};
use sdk::cbor::{Read, Reader, Sink};
use sdk::straight::{Page, Unusual, Window};
use sdk::text::Text;
use sdk::{Envelope, Refusal, first_space_bytes};

/// `start`, as in the ABI's description, byte for byte.
const START_HEX: &str = "d9d9f7a2642474616765737461727466\
    2476616c7565a5666e6f775f6e731a000f4240667265715f6964677265712d313233\
    677061796c6f616467646f5f776f726b6c6d61785f617474656d707473036d626173655f64656c61795f6d730a";

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn open(&mut self) -> usize {
        self.0.len()
    }

    fn close(&mut self, start: usize) {
        let value = self.0.split_off(start);
        self.bytes(&value);
    }

    fn finish(self) -> Result<usize, Refusal> {
        Ok(self.0.len())
    }
}

fn encoded(write: impl FnOnce(&mut Bytes)) -> Vec<u8> {
    let mut out = Bytes::default();
    write(&mut out);
    out.0
}

fn nat(value: u64) -> Vec<u8> {
    encoded(|out| out.nat(value))
}

fn text(value: &str) -> Vec<u8> {
    encoded(|out| out.text(value))
}

fn bytes(value: &[u8]) -> Vec<u8> {
    encoded(|out| out.bytes(value))
}

fn null() -> Vec<u8> {
    encoded(Bytes::null)
}

/// A map of encoded values, with its keys in the order given.
fn record(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    encoded(|out| {
        out.map(fields.len() as u64);
        for (key, value) in fields {
            out.text(*key);
            out.put(value);
        }
    })
}

/// Every order would be too many: each rotation, forwards and backwards, is enough to have each
/// key first, last and out of turn.
fn orders<'a>(fields: &[(&'a str, Vec<u8>)]) -> Vec<Vec<(&'a str, Vec<u8>)>> {
    let mut orders = Vec::new();
    for turn in 0..fields.len() {
        let mut order = fields.to_vec();
        order.rotate_left(turn);
        orders.push(order.clone());
        order.reverse();
        orders.push(order);
    }
    orders
}

fn envelope(state: Option<&[u8]>, event: &[u8]) -> Vec<u8> {
    let event = record(&[
        ("schema", text("demo/RetryEvent@1")),
        ("value", bytes(event)),
    ]);
    let state = state.map_or_else(null, bytes);
    record(&[("version", nat(1)), ("state", state), ("event", event)])
}

fn arm(tag: &str, value: Vec<u8>) -> Vec<u8> {
    record(&[("$tag", text(tag)), ("$value", value)])
}

fn ok(req_id: &str) -> Vec<u8> {
    arm("ok", record(&[("req_id", text(req_id))]))
}

fn err(req_id: &str, transient: bool) -> Vec<u8> {
    let transient = vec![0xf4 + u8::from(transient)];
    let fields = [
        ("req_id", text(req_id)),
        ("message", text("no")),
        ("transient", transient),
    ];
    arm("err", record(&fields))
}

fn timer_fields(deliver_at_ns: u64, key: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let requested = [("key", key.clone()), ("deliver_at_ns", nat(deliver_at_ns))];
    let receipt = [("key", key), ("delivered_at_ns", nat(deliver_at_ns))];
    vec![
        ("status", text("ok")),
        ("receipt", record(&receipt)),
        ("reducer", text("demo/RetrySM@1")),
        ("requested", record(&requested)),
        ("signature", bytes(&[7; 64])),
        ("adapter_id", text("timer.sim")),
        ("cost_cents", null()),
        ("effect_kind", text("timer.set")),
        ("intent_hash", text(&format!("sha256:{}", "0f".repeat(32)))),
    ]
}

fn timer(deliver_at_ns: u64, req_id: &str) -> Vec<u8> {
    arm("timer", record(&timer_fields(deliver_at_ns, text(req_id))))
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    hex.as_bytes()
        .chunks(2)
        .map(|pair| (digit(pair[0]) << 4) | digit(pair[1]))
        .collect()
}

const STATE: State<'static> = State {
    phase: Phase::Backoff,
    attempt: 1,
    max_attempts: 3,
    base_delay_ms: 10,
    anchor_ns: 1_000_000,
    payload: Text::new("do_work"),
    req_id: Text::new("req-123"),
};

fn state_bytes(state: &State<'_>) -> Vec<u8> {
    encoded(|out| wire::encode_state(out, state))
}

fn run(state: Option<&[u8]>, event: &[u8]) -> Result<Vec<u8>, Refusal> {
    answer(&envelope(state, event))
}

/// The output, which is the same if more than the input may be read, whatever that is.
fn answer(input: &[u8]) -> Result<Vec<u8>, Refusal> {
    let bound = first_space_bytes(input.len());
    let alone = within(input, input.len(), bound);
    for following in [0, 0x60, 0xff] {
        let mut memory = input.to_vec();
        memory.resize(input.len() + size_of::<Window>(), following);
        let space_bytes = bound.max(size_of::<Page>());
        assert!(within(&memory, input.len(), space_bytes) == alone);
    }
    alone
}

fn within(memory: &[u8], length: usize, space_bytes: usize) -> Result<Vec<u8>, Refusal> {
    let mut space = vec![0xaa; space_bytes];
    let length = step(Envelope::within(memory, length), &mut space)?;
    space.truncate(length);
    Ok(space)
}

/// Whether an input is read the fast way.
fn is_usual(input: &[u8]) -> bool {
    let mut memory = input.to_vec();
    memory.resize(input.len() + size_of::<Window>(), 0);
    let mut space = vec![0; size_of::<Page>()];
    let straight = Envelope::within(&memory, input.len()).straight(&mut space);
    let (reader, _) = straight.expect("there is enough");
    match wire::decode(reader) {
        Ok(input_read) => {
            assert_eq!(wire::decode(Reader::new(input)), Ok(input_read));
            true
        }
        Err(Unusual) => false,
    }
}

fn decode_state(bytes: &[u8]) -> Result<State<'_>, Refusal> {
    let mut reader = Reader::new(bytes);
    let state = wire::decode_state(&mut reader)?;
    reader.finish().map(|()| state)
}

fn decode_event(bytes: &[u8]) -> Result<Event<'_>, Refusal> {
    let mut reader = Reader::new(bytes);
    let event = wire::decode_event(&mut reader)?;
    reader.finish().map(|()| event)
}

fn output(state: &[u8], rest: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut fields = vec![("state", bytes(state))];
    fields.extend_from_slice(rest);
    record(&fields)
}

fn tagged(bytes: &[u8]) -> Vec<u8> {
    [&[0xd9, 0xd9, 0xf7], bytes].concat()
}

fn work_requested(payload: &str) -> (&'static str, Vec<u8>) {
    let value = tagged(&record(&[
        ("req_id", text("req-123")),
        ("payload", text(payload)),
    ]));
    let item = record(&[
        ("value", bytes(&value)),
        ("schema", text("demo/WorkRequested@1")),
    ]);
    ("domain_events", [&[0x81], item.as_slice()].concat())
}

#[test]
fn the_start_of_the_abi_is_read_and_answered() {
    let event = unhex(START_HEX);
    assert_eq!(event.len(), 95);
    let start = Start {
        req_id: Text::new("req-123"),
        payload: Text::new("do_work"),
        max_attempts: 3,
        base_delay_ms: 10,
        now_ns: 1_000_000,
    };
    assert_eq!(decode_event(&event), Ok(Event::Start(start)));
    let state = state_bytes(&State {
        phase: Phase::Working,
        ..STATE
    });
    assert_eq!(
        run(None, &event),
        Ok(output(&state, &[work_requested("do_work")]))
    );
}

/// An envelope as our host writes it: all keys in canonical order.
fn usual(state: Option<&State<'_>>, event: &[u8]) -> Vec<u8> {
    let event = record(&[
        ("value", bytes(&tagged(event))),
        ("schema", text("demo/RetryEvent@1")),
    ]);
    let state = state.map_or_else(null, |state| bytes(&state_bytes(state)));
    record(&[("event", event), ("state", state), ("version", nat(1))])
}

fn start_of(payload: &str, number: u64) -> Vec<u8> {
    let fields = [
        ("now_ns", nat(number)),
        ("req_id", text("req-123")),
        ("payload", text(payload)),
        ("max_attempts", nat(number)),
        ("base_delay_ms", nat(number)),
    ];
    arm("start", record(&fields))
}

#[test]
fn what_our_host_writes_is_read_the_fast_way() {
    for event in [
        start_of("do_work", 3),
        ok("req-123"),
        err("req-123", true),
        err("req-123", false),
        timer(11_000_000, "req-123"),
        arm("timer", record(&timer_fields(5, null()))),
    ] {
        for state in [None, Some(&STATE)] {
            let input = usual(state, &event);
            assert!(is_usual(&input));
            assert!(answer(&input).is_ok());
            // Any other form is read as well, but not so fast.
            let state = state.map(state_bytes);
            assert!(!is_usual(&envelope(state.as_deref(), &event)));
        }
    }
}

/// Around each length of a head, and of a word.
#[test]
fn texts_and_numbers_of_any_length_are_answered_alike() {
    for length in (0..=35).chain([255, 256, 700, 1_000, 1_024, 2_000]) {
        for letter in ["x", "\u{e9}", "\u{20ac}", "\u{1f980}"] {
            let payload = letter.repeat(length / letter.len());
            let input = usual(None, &start_of(&payload, 3));
            assert_eq!(is_usual(&input), length < 900, "{length} bytes");
            assert!(answer(&input).is_ok());
            let (last, _) = payload.char_indices().next_back().unwrap_or_default();
            let mut cut = input.clone();
            if let Some(at) = find(&input, payload.as_bytes()) {
                cut[at + last] = 0xff;
            }
            assert_eq!(answer(&cut).is_err(), length >= letter.len());
        }
    }
    for number in [
        0,
        23,
        24,
        0xff,
        0x100,
        0xffff,
        0x1_0000,
        0xffff_ffff,
        1 << 32,
        u64::MAX,
    ] {
        let input = usual(Some(&STATE), &start_of("p", number));
        assert!(is_usual(&input) && answer(&input).is_ok(), "{number}");
        let fired = usual(Some(&STATE), &timer(number, "req-123"));
        assert!(is_usual(&fired) && answer(&fired).is_ok(), "{number}");
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let part = (!part.is_empty()).then_some(part)?;
    bytes.windows(part.len()).position(|window| window == part)
}

#[test]
fn a_request_runs_to_its_end() {
    let working = state_bytes(&State {
        phase: Phase::Working,
        ..STATE
    });
    let backoff = state_bytes(&STATE);
    let params = record(&[("key", text("req-123")), ("deliver_at_ns", nat(11_000_000))]);
    let effect = record(&[
        ("kind", text("timer.set")),
        ("cap_slot", text("default")),
        ("params_cbor", bytes(&tagged(&params))),
    ]);
    let effects = ("effects", [&[0x81], effect.as_slice()].concat());
    assert_eq!(
        run(Some(&working), &err("req-123", true)),
        Ok(output(&backoff, &[effects]))
    );
    let again = state_bytes(&State {
        phase: Phase::Working,
        attempt: 2,
        ..STATE
    });
    let fired = timer(11_000_000, "req-123");
    assert_eq!(
        run(Some(&backoff), &fired),
        Ok(output(&again, &[work_requested("do_work")]))
    );
    let done = state_bytes(&State {
        phase: Phase::Done,
        attempt: 2,
        ..STATE
    });
    assert_eq!(run(Some(&again), &ok("req-123")), Ok(output(&done, &[])));
}

#[test]
fn an_ignored_event_gives_back_the_state_as_it_came() {
    assert_eq!(run(None, &ok("req-123")), Ok(record(&[("state", null())])));
    let declaration_order = record(&[
        ("pc", text("Backoff")),
        ("attempt", nat(1)),
        ("max_attempts", nat(3)),
        ("base_delay_ms", nat(10)),
        ("anchor_ns", nat(1_000_000)),
        ("payload", text("do_work")),
        ("req_id", text("req-123")),
    ]);
    for state in [declaration_order, state_bytes(&STATE)] {
        assert_eq!(decode_state(&state), Ok(STATE));
        assert_eq!(run(Some(&state), &ok("other")), Ok(output(&state, &[])));
    }
}

#[test]
fn states_survive_the_round_trip() {
    for phase in [
        Phase::Idle,
        Phase::Working,
        Phase::Backoff,
        Phase::Done,
        Phase::Failed,
    ] {
        for number in [
            0,
            23,
            24,
            255,
            256,
            65535,
            65536,
            u64::from(u32::MAX),
            1 << 32,
            u64::MAX,
        ] {
            let state = State {
                phase,
                attempt: number,
                anchor_ns: number,
                req_id: Text::new(""),
                ..STATE
            };
            assert_eq!(decode_state(&state_bytes(&state)), Ok(state));
        }
    }
}

#[test]
fn keys_come_in_any_order() {
    let state = [
        ("pc", text("Backoff")),
        ("req_id", text("req-123")),
        ("attempt", nat(1)),
        ("payload", text("do_work")),
        ("anchor_ns", nat(1_000_000)),
        ("max_attempts", nat(3)),
        ("base_delay_ms", nat(10)),
    ];
    for order in orders(&state) {
        assert_eq!(decode_state(&record(&order)), Ok(STATE));
    }
    let requested = TimerSet {
        deliver_at_ns: 5,
        key: Some(Text::new("r")),
    };
    for order in orders(&timer_fields(5, text("r"))) {
        let expected = Ok(Event::Timer(Timer {
            requested,
            status: Text::new("ok"),
        }));
        assert_eq!(decode_event(&arm("timer", record(&order))), expected);
        let value_first = record(&[("$value", record(&order)), ("$tag", text("timer"))]);
        assert_eq!(decode_event(&tagged(&value_first)), expected);
    }
    let event = [
        ("schema", text("s")),
        ("value", bytes(&ok("r"))),
        ("key", bytes(b"cell")),
    ];
    for event in orders(&event) {
        let fields = [
            ("version", nat(1)),
            ("state", null()),
            ("event", record(&event)),
            ("ctx", bytes(b"context")),
        ];
        for order in orders(&fields) {
            let envelope = record(&order);
            let event = wire::decode(Reader::new(&envelope)).map(|input| input.event);
            let req_id = Text::new("r");
            assert_eq!(event, Ok(Event::Ok { req_id }));
        }
    }
}

#[test]
fn options_may_be_null_or_absent() {
    let null_key = timer_fields(5, null());
    let mut absent = null_key.clone();
    absent.retain(|(key, _)| *key != "cost_cents");
    for (key, value) in &mut absent {
        match *key {
            "requested" => *value = record(&[("deliver_at_ns", nat(5))]),
            "receipt" => *value = record(&[("delivered_at_ns", nat(5))]),
            _ => {}
        }
    }
    let requested = TimerSet {
        deliver_at_ns: 5,
        key: None,
    };
    for fields in [null_key, absent] {
        let expected = Ok(Event::Timer(Timer {
            requested,
            status: Text::new("ok"),
        }));
        assert_eq!(decode_event(&arm("timer", record(&fields))), expected);
    }
}

#[test]
fn each_field_is_needed_once_and_no_other() {
    let fields = timer_fields(5, text("r"));
    for (index, (key, value)) in fields.iter().enumerate() {
        let mut missing = fields.clone();
        missing.remove(index);
        let mut twice = fields.clone();
        twice.push((key, value.clone()));
        let mut unknown = fields.clone();
        unknown[index].0 = "unknown";
        let check = |fields: &[_]| {
            let event = arm("timer", record(fields));
            decode_event(&event).expect_err("it is refused").to_string()
        };
        if *key != "cost_cents" {
            let expected = format!("$value: the field `{key}` is missing");
            assert_eq!(check(&missing), expected);
        }
        let expected = format!("$value: the field `{key}` is there twice");
        assert_eq!(check(&twice), expected);
        let expected = "$value: the field `unknown` is unknown";
        assert_eq!(check(&unknown), expected);
    }
}

#[test]
fn malformed_values_are_refused() {
    let ok_of = |value: Vec<u8>| arm("ok", record(&[("req_id", value)]));
    let mut fields = timer_fields(5, text("r"));
    fields[8].1 = text("sha256:0F");
    let endless_text = vec![0x7b, 255, 255, 255, 255, 255, 255, 255, 255];
    let endless_map = vec![0xbb, 255, 255, 255, 255, 255, 255, 255, 255];
    let events = [
        arm("none", record(&[])),
        ok_of(nat(1)),
        ok_of(vec![0x61, 0xff]),
        ok_of(vec![0x7f, 0x61, b'r', 0xff]),
        ok_of(endless_text),
        [ok("r"), vec![0]].concat(),
        vec![],
        endless_map,
        arm("timer", record(&fields)),
    ];
    let refusals = events.map(|event| decode_event(&event).expect_err("it is refused").to_string());
    let expected = "\
$value: the `$tag` is not one of those of the event
$value.req_id: expected a text, found a number
$value.req_id: a text is not UTF-8
$value: expected a value, found a value of unknown length
$value: the input ends inside a value
envelope: bytes follow the value
envelope: expected a record, found the end of the input
an event is a `$tag` and a `$value`
$value.intent_hash: the text has another length than is allowed";
    assert_eq!(refusals.join("\n"), expected);
}

#[test]
fn a_refusal_names_the_place() {
    let event = record(&[("schema", text("s")), ("value", bytes(&ok("r")))]);
    let fields = [("version", nat(2)), ("state", null()), ("event", event)];
    let twice = [fields[0].clone(), fields[0].clone()];
    let phase = record(&[("pc", text("Asleep"))]);
    let answers = [
        answer(&record(&fields)),
        answer(&record(&twice)),
        run(Some(&[]), &ok("r")),
        run(Some(&phase), &ok("r")),
        run(None, &arm("ok", record(&[("req_id", nat(1))]))),
    ];
    let refusals = answers.map(|answer| answer.expect_err("it is refused").to_string());
    let expected = "\
only version 1 of the envelope is known
envelope: the field `version` is there twice
state: expected a record, found the end of the input
state.pc: the phase is unknown
event.value.$value.req_id: expected a text, found a number";
    assert_eq!(refusals.join("\n"), expected);
}

/// Every input cut short is refused, and none with a changed byte panics or overruns.
#[test]
fn garbage_is_refused_without_panic() {
    let state = state_bytes(&STATE);
    for event in [
        unhex(START_HEX),
        ok("r"),
        err("r", true),
        timer(11_000_000, "req-123"),
    ] {
        for input in [envelope(Some(&state), &event), usual(Some(&STATE), &event)] {
            for length in 0..input.len() {
                assert!(answer(&input[..length]).is_err(), "{length} bytes");
            }
            for index in 0..input.len() {
                for bit in 0..8 {
                    let mut changed = input.clone();
                    changed[index] ^= 1 << bit;
                    assert_ne!(answer(&changed), Err(Refusal::output_too_long()));
                }
            }
        }
    }
}

#[test]
fn long_payloads_fit_and_short_space_is_refused() {
    let payload = "x".repeat(1 << 20);
    let numbers = State {
        attempt: u64::MAX,
        max_attempts: u64::MAX,
        ..STATE
    };
    let numbers = State {
        base_delay_ms: u64::MAX,
        anchor_ns: u64::MAX,
        ..numbers
    };
    for payload in ["", payload.as_str()] {
        let state = State {
            payload: Text::new(payload),
            ..numbers
        };
        let input = envelope(Some(&state_bytes(&state)), &timer(u64::MAX, "req-123"));
        let length = answer(&input).expect("enough space").len();
        assert!(length > 2 * payload.len());
        let short = within(&input, input.len(), length - 1);
        assert_eq!(short, Err(Refusal::output_too_long()));
    }
}
