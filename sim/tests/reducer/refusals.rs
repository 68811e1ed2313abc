//! What is not valid is refused by a trap, wherever in the input it is.

use std::collections::BTreeSet;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::host::Output;

use super::inputs::{self, Fields, Node, input, text, waiting};
use super::{Shipped, trial};
use crate::support::code;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("refusals", "every_truncation", every_truncation),
        trial("refusals", "trailing_bytes", trailing_bytes),
        trial("refusals", "fields", fields),
        trial("refusals", "keys_that_are_no_texts", keys_that_are_no_texts),
        trial("refusals", "types", types),
        trial("refusals", "values", values),
        trial("refusals", "arms", arms),
        trial("refusals", "words", words),
    ]
}

/// Each variant of each valid input is refused.
fn all_refused(edit: &impl Fn(&Node) -> Vec<Node>) {
    let mut shipped = Shipped::new();
    let mut tried = 0;
    for input in inputs::all() {
        for (place, other) in input.variants(edit) {
            let output = shipped.step(&other.encode());
            assert_eq!(output, None, "{place}: {other:?}");
            tried += 1;
        }
    }
    assert!(tried > 0, "no input has such a part");
}

fn every_truncation() {
    let mut shipped = Shipped::new();
    for input in inputs::all() {
        let whole = input.encode();
        for length in 0..whole.len() {
            assert_eq!(shipped.step(&whole[..length]), None, "{length} bytes");
        }
    }
    // And of what is inside.
    all_refused(&|node| match node {
        Node::Inside(value) => {
            let whole = value.encode();
            let cuts = 0..whole.len();
            cuts.map(|length| Node::Bytes(whole[..length].to_vec()))
                .collect()
        }
        _ => Vec::new(),
    });
}

fn trailing_bytes() {
    let mut shipped = Shipped::new();
    for input in inputs::all() {
        for more in [&b"\0"[..], b"\xf6", b"\xa0"] {
            assert_eq!(shipped.step(&[&input.encode(), more].concat()), None);
        }
    }
    all_refused(&|node| match node {
        Node::Inside(value) => vec![Node::Bytes([&value.encode()[..], b"\0"].concat())],
        _ => Vec::new(),
    });
}

/// A field too few (unless it may be absent), twice, or unknown.
fn fields() {
    let changed = |node: &Node, change: &dyn Fn(&mut Fields, usize)| {
        let Node::Map(fields) = node else {
            return Vec::new();
        };
        let changed = (0..fields.len()).map(|index| {
            let mut fields = fields.clone();
            change(&mut fields, index);
            Node::Map(fields)
        });
        changed.collect()
    };
    let may_be_absent = ["ctx", "key", "cost_cents"];
    all_refused(&|node| {
        changed(node, &|fields, index| {
            let (name, _) = fields.remove(index);
            if may_be_absent.contains(&name) {
                // An unknown one in its place.
                fields.push(("no such field", Node::Null));
            }
        })
    });
    all_refused(&|node| changed(node, &|fields, index| fields.push(fields[index].clone())));
    all_refused(&|node| {
        changed(node, &|fields, index| {
            fields.insert(0, fields[index].clone())
        })
    });
    all_refused(&|node| changed(node, &|fields, index| fields[index].0 = "no such field"));
    all_refused(&|node| {
        changed(node, &|fields, index| {
            fields.insert(index, ("no such field", Node::Null));
        })
    });
}

/// The head of each key, replaced with each other byte.
fn keys_that_are_no_texts() {
    let mut shipped = Shipped::new();
    for input in inputs::all() {
        let whole = input.encode();
        for key in input.keys() {
            let head = 0x60 | key.len() as u8;
            let written = [&[head], key.as_bytes()].concat();
            let places = whole.windows(written.len()).enumerate();
            for (place, _) in places.filter(|(_, window)| **window == written) {
                for other in (0..=u8::MAX).filter(|other| *other != head) {
                    let mut changed = whole.clone();
                    changed[place] = other;
                    assert_eq!(shipped.step(&changed), None, "{key} after {other:#x}");
                }
            }
        }
    }
}

/// One value of each type, and of each that is never read.
const TYPES: [(&str, &[u8]); 24] = [
    ("number", b"\x07"),
    ("long number", b"\x19\x01\x00"),
    ("negative number", b"\x20"),
    ("bytes", b"\x41x"),
    ("bytes in pieces", b"\x5f\x41x\xff"),
    ("text", b"\x61x"),
    ("text in pieces", b"\x7f\x61x\xff"),
    ("text that is not UTF-8", b"\x61\xff"),
    ("text of 6 that is not UTF-8", b"\x66abc\xffef"),
    ("text of 8 that is not UTF-8", b"\x68abcd\xffefg"),
    (
        "text of 20 that is not UTF-8",
        b"\x74abcdefghij\xfflmnopqrst",
    ),
    (
        "text of 30 that is not UTF-8",
        b"\x78\x1eabcdefghijklmnopqr\xfftuvwxyzabcd",
    ),
    ("array", b"\x80"),
    ("array of one", b"\x81\x01"),
    ("map", b"\xa0"),
    ("map of one", b"\xa1\x61x\x01"),
    ("map in pieces", b"\xbf\xff"),
    ("tagged number", b"\xc1\x07"),
    ("boolean", b"\xf5"),
    ("null", b"\xf6"),
    ("undefined", b"\xf7"),
    ("float", b"\xf9\x3c\x00"),
    ("simple value", b"\xf8\xf5"),
    ("reserved head", b"\x1c"),
];

/// A value of each type in each place: what is accepted is what is listed here. A field with
/// words of its own takes no other text, and one with a value inside takes no other bytes.
fn types() {
    let edit = |node: &Node| match node {
        Node::Raw(_) => Vec::new(),
        _ => TYPES.iter().map(|(_, bytes)| Node::Raw(bytes)).collect(),
    };
    let mut shipped = Shipped::new();
    let mut accepted = BTreeSet::new();
    for input in inputs::all() {
        for (index, (place, other)) in input.variants(&edit).into_iter().enumerate() {
            if shipped.step(&other.encode()).is_some() {
                let (name, _) = TYPES[index % TYPES.len()];
                accepted.insert(format!("{place}: {name}"));
            }
        }
    }
    let accepted: Vec<String> = accepted.into_iter().collect();
    expect![[r#"
        /ctx: bytes
        /event/key: bytes
        /event/key: null
        /event/schema: text
        /event/value/$value/adapter_id: text
        /event/value/$value/base_delay_ms: long number
        /event/value/$value/base_delay_ms: number
        /event/value/$value/cost_cents: long number
        /event/value/$value/cost_cents: null
        /event/value/$value/cost_cents: number
        /event/value/$value/effect_kind: text
        /event/value/$value/max_attempts: long number
        /event/value/$value/max_attempts: number
        /event/value/$value/message: text
        /event/value/$value/now_ns: long number
        /event/value/$value/now_ns: number
        /event/value/$value/payload: text
        /event/value/$value/receipt/delivered_at_ns: long number
        /event/value/$value/receipt/delivered_at_ns: number
        /event/value/$value/receipt/key: null
        /event/value/$value/receipt/key: text
        /event/value/$value/reducer: text
        /event/value/$value/req_id: text
        /event/value/$value/requested/deliver_at_ns: long number
        /event/value/$value/requested/deliver_at_ns: number
        /event/value/$value/requested/key: null
        /event/value/$value/requested/key: text
        /event/value/$value/signature: bytes
        /event/value/$value/status: text
        /event/value/$value/transient: boolean
        /state/anchor_ns: long number
        /state/anchor_ns: number
        /state/attempt: long number
        /state/attempt: number
        /state/base_delay_ms: long number
        /state/base_delay_ms: number
        /state/max_attempts: long number
        /state/max_attempts: number
        /state/payload: text
        /state/req_id: text
        /state: null"#]]
    .assert_eq(&accepted.join("\n"));
}

fn values() {
    let hash = |text: String| Node::Text(text);
    let (zeros, tag) = ("0".repeat(64), "sha256:");
    let hashes = [
        hash(String::new()),
        hash(zeros.clone()),
        hash(format!("{tag}{}", &zeros[1..])),
        hash(format!("{tag}{zeros}0")),
        hash(format!("{tag}{}g", &zeros[1..])),
        hash(format!("{tag}A{}", &zeros[1..])),
        hash(format!("{tag}{}/", &zeros[1..])),
        hash(format!("{tag}{}:", &zeros[1..])),
        hash(format!("{tag}`{}", &zeros[1..])),
        hash(format!("SHA256:{zeros}")),
        hash(format!("sha512:{zeros}")),
    ];
    let words = ["idle", "Asleep", "", "Work", "Workings"].map(text);
    let versions = [0, 2, 24, 256 + 1, u64::MAX].map(Node::Nat);
    all_refused(&|node| match node {
        Node::Text(text) if text.starts_with(tag) => hashes.to_vec(),
        Node::Text(text) if text == "Working" || text == "Backoff" => words.to_vec(),
        // No other number of an input is 1 but an attempt; that is far from its end in each.
        Node::Map(fields) if fields.iter().any(|(key, _)| *key == "version") => versions
            .iter()
            .map(|version| {
                let mut fields = fields.clone();
                fields.retain(|(key, _)| *key != "version");
                fields.push(("version", version.clone()));
                Node::Map(fields)
            })
            .collect(),
        _ => Vec::new(),
    });
}

/// An event is a tag and a value, in whatever order; nothing less, more or else.
fn arms() {
    let field = ("req_id", text("req-123"));
    let value = Node::Map(vec![field.clone()]);
    let (tag, value) = (("$tag", text("ok")), ("$value", value));
    let mut shipped = Shipped::new();
    let mut step = |event: Fields| {
        let input = input(Some(&waiting()), Node::Map(event));
        shipped.step(&input.encode())
    };
    let expected = step(vec![tag.clone(), value.clone()]);
    assert!(expected.is_some());
    assert_eq!(step(vec![value.clone(), tag.clone()]), expected);
    for event in [
        vec![],
        vec![tag.clone()],
        vec![value.clone()],
        vec![tag.clone(), tag.clone()],
        vec![value.clone(), value.clone()],
        vec![tag.clone(), value.clone(), tag.clone()],
        vec![value.clone(), tag.clone(), value.clone()],
        vec![("$tag", text("none")), value.clone()],
        vec![value.clone(), ("$tag", text("none"))],
        vec![("$tag", text("")), value.clone()],
        vec![tag.clone(), field.clone()],
        vec![value.clone(), field.clone()],
        vec![field.clone(), tag.clone()],
        vec![field.clone(), value.clone()],
        vec![value.clone(), ("$tag", Node::Bytes(b"ok".to_vec()))],
        vec![("$value", Node::Map(vec![])), tag.clone()],
    ] {
        assert_eq!(step(event.clone()), None, "{event:?}");
    }
}

/// What the host shows of a refusal: what is wrong, and where.
fn words() {
    let said = |input: &[u8]| {
        let mut instance = code(retry_world::WASM).instance().expect("there is room");
        let answer = instance.step_encoded(input, &mut Output::default());
        let error = answer.expect_err("it is refused").to_string();
        let (what, _) = error.split_once("; in ").expect("it says where");
        format!("{what}\n")
    };
    let valid = inputs::input(Some(&waiting()), inputs::ok("req-123"));
    let Node::Map(fields) = &valid else {
        panic!("an input is a map");
    };
    let twice = Node::Map([&fields[..], &fields[..1]].concat());
    let unknown = Node::Map([&fields[..], &[("x", Node::Null)]].concat());
    let odd = inputs::input(Some(&waiting()), Node::Map(vec![("$tag", text("ok"))]));
    let found = said(&twice.encode())
        + &said(&unknown.encode())
        + &said(&odd.encode())
        + &said(&valid.encode()[..20])
        + &said(&[]);
    expect![[r#"
        reducer panicked: envelope: the field `ctx` is there twice
        reducer panicked: envelope: the field `x` is unknown
        reducer panicked: event.value: an event is a `$tag` and a `$value`
        reducer panicked: event: expected a text, found the end of the input
        reducer panicked: envelope: expected a record, found the end of the input
    "#]]
    .assert_eq(&found);
}
