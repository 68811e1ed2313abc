//! What is valid in whatever form is read the same, and what is written is canonical.

use libtest_mimic::Trial;

use super::inputs::{self, ArgumentBytes, Node, State, TAG, err, input, ok, start, text, timer};
use super::inputs::{waiting, working};
use super::{Shipped, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("forms", "keys_in_any_order", keys_in_any_order),
        trial("forms", "heads_of_any_width", heads_of_any_width),
        trial("forms", "tag_or_none", tag_or_none),
        trial("forms", "options", options),
        trial("forms", "numbers", numbers),
        trial("forms", "texts", texts),
        trial("forms", "phases", phases),
        trial("forms", "backoff", backoff),
        trial("forms", "unchanged_to_the_byte", unchanged_to_the_byte),
    ]
}

/// Every order would be too many: with each rotation, forwards and backwards, each key is first,
/// last and out of turn.
fn keys_in_any_order() {
    let orders = |node: &Node| {
        let Node::Map(fields) = node else {
            return Vec::new();
        };
        let mut orders = Vec::new();
        for turn in 0..fields.len() {
            let mut order = fields.clone();
            order.rotate_left(turn);
            orders.push(Node::Map(order.clone()));
            order.reverse();
            orders.push(Node::Map(order));
        }
        orders
    };
    let mut shipped = Shipped::new();
    for input in inputs::all() {
        let expected = shipped.accepted(&input);
        for (place, other) in input.variants(&orders) {
            assert_eq!(shipped.accepted(&other), expected, "{place}: {other:?}");
            // Twice, so that a value is read before its tag in whatever order it is.
            for (inner, third) in other.variants(&orders) {
                assert_eq!(shipped.accepted(&third), expected, "{place}, {inner}");
            }
        }
    }
}

fn heads_of_any_width() {
    let mut shipped = Shipped::new();
    for input in inputs::all() {
        let expected = shipped.accepted(&input);
        let reversed = input.variants(&|node| match node {
            Node::Map(fields) => vec![Node::Map(fields.iter().rev().cloned().collect())],
            _ => Vec::new(),
        });
        for (place, input) in reversed {
            for width in [1, 2, 4, 8] {
                let wide = shipped.step(&input.encode_wide(ArgumentBytes(width)));
                assert_eq!(wide.as_ref(), Some(&expected), "{width} bytes, {place}");
            }
        }
    }
}

/// The envelope, the state and the event may each begin with the self-describing tag.
fn tag_or_none() {
    let mut shipped = Shipped::new();
    for input in inputs::all() {
        let expected = shipped.accepted(&input);
        let tagged = [&TAG[..], &input.encode()].concat();
        assert_eq!(shipped.step(&tagged).as_ref(), Some(&expected));
        let untagged = input.variants(&|node| match node {
            Node::Inside(value) => vec![Node::Bytes(value.encode())],
            _ => Vec::new(),
        });
        assert!(!untagged.is_empty());
        for (place, input) in untagged {
            assert_eq!(shipped.accepted(&input), expected, "{place}");
        }
    }
}

/// What may be absent may be null, and the other way round.
fn options() {
    let mut shipped = Shipped::new();
    let without = |input: &Node, name: &str, null: bool| {
        let variants = input.variants(&|node| match node {
            Node::Map(fields) => {
                let mut fields = fields.clone();
                let Some(index) = fields.iter().position(|(key, _)| *key == name) else {
                    return Vec::new();
                };
                if null {
                    fields[index].1 = Node::Null;
                } else {
                    fields.remove(index);
                }
                vec![Node::Map(fields)]
            }
            _ => Vec::new(),
        });
        assert!(!variants.is_empty(), "{name}");
        variants
    };
    let fired = input(Some(&waiting()), timer(11_000_000, "req-123"));
    let moved = shipped.accepted(&fired);
    let ignored = shipped.accepted(&input(Some(&waiting()), ok("other")));
    assert_ne!(moved, ignored);
    for (name, null) in [("cost_cents", true), ("cost_cents", false), ("ctx", false)] {
        for (_, input) in without(&fired, name, null) {
            assert_eq!(shipped.accepted(&input), moved, "{name}");
        }
    }
    for null in [true, false] {
        for (place, input) in without(&fired, "key", null) {
            // A timer without a key is another timer; any other key does not matter.
            let is_requested = place.ends_with("/requested");
            let expected = if is_requested { &ignored } else { &moved };
            assert_eq!(&shipped.accepted(&input), expected, "{place}");
        }
    }
}

/// Around each length of a head.
const NUMBERS: [u64; 14] = [
    0,
    1,
    23,
    24,
    25,
    0xff,
    0x100,
    0x101,
    0xffff,
    0x1_0000,
    0xffff_ffff,
    0x1_0000_0000,
    u64::MAX - 1,
    u64::MAX,
];

fn numbers() {
    let mut shipped = Shipped::new();
    for number in NUMBERS {
        for field in 0..3 {
            let mut state = working();
            let fields = [
                &mut state.max_attempts,
                &mut state.base_delay_ms,
                &mut state.anchor_ns,
            ];
            *fields.into_iter().nth(field).expect("there are three") = number;
            let first = shipped.accepted(&input(None, start(&state)));
            assert_eq!(first.state(), Some(&state.bytes()[..]), "{number}");
        }
        let state = State {
            attempt: number,
            ..working()
        };
        let done = shipped.accepted(&input(Some(&state), ok("req-123")));
        let expected = State {
            pc: "Done",
            ..state
        };
        assert_eq!(done.state(), Some(&expected.bytes()[..]), "{number}");
    }
}

fn texts() {
    let mut shipped = Shipped::new();
    for length in [0, 1, 22, 23, 24, 25, 255, 256, 257, 65_535, 65_536, 100_000] {
        for payload in ["x".repeat(length), "\u{e9}".repeat(length / 2)] {
            let state = State {
                req_id: payload.chars().rev().collect(),
                payload,
                ..working()
            };
            let output = shipped.accepted(&input(None, start(&state)));
            assert_eq!(output.state(), Some(&state.bytes()[..]), "{length} bytes");
            let requested = Node::Map(vec![
                ("req_id", text(&state.req_id)),
                ("payload", text(&state.payload)),
            ]);
            let requested = [&TAG[..], &requested.encode()].concat();
            let event = output.events().next().expect("work is asked for");
            assert_eq!(event.schema, "demo/WorkRequested@1");
            assert_eq!(event.value, requested, "{length} bytes");
            assert_eq!((output.events().len(), output.effects().len()), (1, 0));
        }
    }
}

/// Each word for a phase is read and means what it says: what happens to an ok and to a start.
fn phases() {
    let mut shipped = Shipped::new();
    let next = State {
        req_id: "next".to_owned(),
        ..working()
    };
    for (pc, ends, starts) in [
        ("Idle", false, true),
        ("Working", true, false),
        ("Backoff", true, false),
        ("Done", false, true),
        ("Failed", false, true),
    ] {
        let state = State { pc, ..waiting() };
        let done = State {
            pc: "Done",
            ..waiting()
        };
        let answered = shipped.accepted(&input(Some(&state), ok("req-123")));
        let expected = if ends { &done } else { &state };
        assert_eq!(answered.state(), Some(&expected.bytes()[..]), "{pc}");
        let started = shipped.accepted(&input(Some(&state), start(&next)));
        let expected = if starts { &next } else { &state };
        assert_eq!(started.state(), Some(&expected.bytes()[..]), "{pc}");
    }
}

/// The formula at attempts that no run gets to, from 0 to the end of numbers.
fn backoff() {
    let mut shipped = Shipped::new();
    for attempt in [0, 1, 2, 63, 64, 65, 66, 128, 129, u64::MAX - 1] {
        for base_delay_ms in [0, 1, 10, u64::MAX] {
            let state = State {
                attempt,
                base_delay_ms,
                max_attempts: u64::MAX,
                ..working()
            };
            let exponent = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
            let factor = 1_u64.checked_shl(exponent).unwrap_or(u64::MAX);
            let wait_ms = u128::from(base_delay_ms).saturating_mul(u128::from(factor));
            let due_ns = wait_ms.saturating_mul(1_000_000).saturating_add(1_000_000);
            let due_ns = u64::try_from(due_ns).unwrap_or(u64::MAX);
            let params = Node::Map(vec![
                ("key", text("req-123")),
                ("deliver_at_ns", Node::Nat(due_ns)),
            ]);
            let params = [&TAG[..], &params.encode()].concat();
            let output = shipped.accepted(&input(Some(&state), err("req-123")));
            let effect = output.effects().next().expect("a timer is asked for");
            assert_eq!(
                (effect.kind, effect.cap_slot),
                ("timer.set", Some("default"))
            );
            assert_eq!(
                effect.params, params,
                "attempt {attempt}, {base_delay_ms} ms"
            );
            assert_eq!((output.events().len(), output.effects().len()), (0, 1));
        }
    }
}

/// A state in a form of its own comes back as it was when its event is ignored.
fn unchanged_to_the_byte() {
    let mut shipped = Shipped::new();
    let Node::Map(mut fields) = waiting().node() else {
        unreachable!("a state is a map");
    };
    fields.reverse();
    let reversed = Node::Map(fields);
    for width in [0, 1, 2, 4, 8] {
        let state = reversed.encode_wide(ArgumentBytes(width));
        let input = input(Some(&waiting()), ok("other")).variants(&|node| match node {
            Node::Inside(value) if **value == waiting().node() => vec![Node::Bytes(state.clone())],
            _ => Vec::new(),
        });
        let [(_, input)] = &input[..] else {
            panic!("an input has one state");
        };
        assert_eq!(shipped.accepted(input).state(), Some(&state[..]));
    }
    assert_eq!(shipped.accepted(&input(None, ok("other"))).state(), None);
}
