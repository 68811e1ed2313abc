//! The constants of a binary: found in what compilers make of them, and within bounds.

use libtest_mimic::Trial;
use sim::host::{CONSTANTS_MAX, Code, Constants, Limits, TEXT_BYTES_MAX};

use super::{assemble, trial};
use crate::support::guest::built;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("constants", "of_rust", of_rust),
        trial(
            "constants",
            "of_the_shipped_reducer",
            of_the_shipped_reducer,
        ),
        trial("constants", "compared_texts", compared_texts),
        trial(
            "constants",
            "stored_and_copied_texts",
            stored_and_copied_texts,
        ),
        trial("constants", "texts_in_data", texts_in_data),
        trial("constants", "texts_of_cbor", texts_of_cbor),
        trial(
            "constants",
            "texts_of_two_bytes_a_character",
            texts_of_two_bytes_a_character,
        ),
        trial("constants", "mentions", mentions),
        trial("constants", "numbers", numbers),
        trial("constants", "libraries", libraries),
        trial("constants", "bounds", bounds),
        trial("constants", "preference", preference),
        trial(
            "constants",
            "cached_and_instrumented",
            cached_and_instrumented,
        ),
        trial("constants", "every_truncation", every_truncation),
    ]
}

fn of(fields: &str) -> Constants {
    Constants::of(&assemble(&format!("(module (memory 1) {fields})")))
}

fn assert_texts(constants: &Constants, expected: &[&str]) {
    for text in expected {
        let is_there = constants.texts().iter().any(|found| found == text);
        assert!(is_there, "{text:?} in {:?}", constants.texts());
    }
}

/// What is written in the source is found in what the usual ways to build make of it.
fn of_rust() {
    let stripped = "-Cstrip=symbols";
    for flags in [
        &["-g"][..],
        &["-O"],
        &["-Copt-level=3", stripped],
        &["-Copt-level=s", stripped],
        &["-Copt-level=z", "-Ccodegen-units=1", stripped],
    ] {
        let constants = Constants::of(&built("constants", flags));
        assert_texts(
            &constants,
            &[
                "ok",
                "err",
                "start",
                "timer",
                "cancel",
                "approved",
                "rejected_by_an_admin",
                "Idle",
                "Working",
                "Done",
                "timer.set",
                "okay",
                "https://api.example.com/v1/jobs",
                "a known tag",
            ],
        );
        let names: Vec<&str> = constants.schema_names().collect();
        assert_eq!(
            names,
            ["demo/RetryEvent@1", "demo/WorkRequested@1"],
            "{flags:?}"
        );
        for number in [86_400_000, 200, 404, 500, -17] {
            let numbers = constants.numbers();
            assert!(
                numbers.contains(&number),
                "{number} in {numbers:?}, {flags:?}"
            );
        }
        // A bound may be the last one inside or the first one outside.
        for bound in [1_700_000_000_000_000_000, 600] {
            let near = |it: &&i128| (bound - 1..=bound).contains(*it);
            let numbers = constants.numbers();
            assert!(
                numbers.iter().any(|it| near(&it)),
                "{bound} in {numbers:?}, {flags:?}"
            );
        }
        for text in [
            "demo/RetryEvent@1",
            "demo/WorkRequested@1",
            "api.example.com",
            "cancel",
        ] {
            assert!(constants.mentions(text), "{text} {flags:?}");
        }
        for text in [
            "demo/WorkRequested@2",
            "demo/Other@1",
            "other.example.com",
            "",
        ] {
            assert!(!constants.mentions(text), "{text} {flags:?}");
        }
    }
}

/// It reads its envelope by words that are masked, and has what it writes ready as CBOR.
fn of_the_shipped_reducer() {
    let constants = Constants::of(retry_world::WASM);
    assert_eq!(
        constants.schema_names().collect::<Vec<_>>(),
        ["demo/WorkRequested@1"]
    );
    assert_texts(
        &constants,
        &[
            "start",
            "ok",
            "err",
            "timer",
            "Idle",
            "Working",
            "Backoff",
            "Done",
            "Failed",
            "timer.set",
            "max_attempts",
            "base_delay_ms",
            "anchor_ns",
            "status",
            "default",
        ],
    );
}

/// `load; const; xor` for each piece, and what is loaded from where.
fn compared(pieces: &[(&str, u32, &str)]) -> String {
    let pieces: String = pieces
        .iter()
        .map(|(ty, offset, text)| {
            let mut bytes = [0; 8];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            let (wide, load) = match text.len() {
                1 => (ty, "load8_u"),
                2 => (ty, "load16_u"),
                4 if *ty == "i64" => (ty, "load32_u"),
                _ => (ty, "load"),
            };
            let value = match *wide {
                "i32" => u64::from(u32::from_le_bytes(bytes[..4].try_into().expect("four"))),
                _ => u64::from_le_bytes(bytes),
            };
            format!(
                "({ty}.{load} offset={offset} (local.get 0)) ({ty}.const {value}) {ty}.xor drop "
            )
        })
        .collect();
    format!("(func (param i32) {pieces})")
}

fn compared_texts() {
    // Pieces side by side, and a last one that overlaps.
    let long = [
        ("i64", 0, "demo/Wor"),
        ("i64", 8, "kRequest"),
        ("i32", 16, "ed@1"),
        ("i64", 0, "abcdefgh"),
        ("i64", 3, "defghijk"),
        ("i32", 0, "time"),
        ("i32", 4, "r"),
        ("i32", 0, "ok"),
        ("i64", 0, "star"),
        ("i64", 4, "ted"),
    ];
    let constants = of(&compared(&long[..9]));
    assert_eq!(
        constants.texts(),
        ["abcdefghijk", "demo/WorkRequested@1", "ok", "star", "timer"]
    );
    // Something else that does not go on where a text ended, nor agrees with it.
    let others = [
        ("i64", 0, "demo/Wor"),
        ("i64", 9, "kRequest"),
        ("i64", 0, "abcdefgh"),
        ("i64", 3, "xyzghijk"),
    ];
    let constants = of(&compared(&others));
    assert_eq!(
        constants.texts(),
        ["abcdefgh", "demo/Wor", "kRequest", "xyzghijk"]
    );
    // Where a pointer leads is what it was before the branch.
    let constants = of("(func (param i32) (local i32)
            (block
                (br_if 0 (i32.xor (i32.load (local.get 0)) (i32.const 0x72617473)))
                (br_if 0 (i32.xor
                    (i32.load8_u (local.tee 1 (i32.add (local.get 0) (i32.const 4))))
                    (i32.const 0x74)))
                (local.set 1 (i32.const 3))
                (br 0))
            (drop (i32.xor (i32.load (local.get 0)) (i32.const 0x656d6974)))
            (drop (i32.xor (i32.load8_u (local.get 1)) (i32.const 0x72))))");
    assert_eq!(constants.texts(), ["start", "timer"]);
    // The first byte is the highest, and the last one is subtracted.
    let constants = of("(func (param i32) (local i64)
            (local.set 1 (i64.load (local.get 0)))
            (drop (i64.ne
                (i64.or (local.get 1) (local.get 1)) (i64.const 0x617070726f766564)))
            (drop (i32.add (i32.load8_u offset=8 (local.get 0)) (i32.const -33)))
            (drop (i32.add (i32.load8_u offset=8 (local.get 0)) (i32.const -49)))
            (drop (i32.add (i32.load8_u offset=11 (local.get 0)) (i32.const -50))))");
    assert_texts(&constants, &["approved1"]);
    // Cut out of eight bytes, as text is with its head.
    let constants = of("(func (param i64) (result i32)
            (i64.eq (i64.and (local.get 0) (i64.const 0xffffff)) (i64.const 0x6b6f62)))");
    assert_eq!(constants.texts(), ["bok", "ok"]);
}

fn stored_and_copied_texts() {
    let constants = of(r#"(data (i32.const 1000) "beforedemo/Thing@12after")
        (func (param i32)
            (i64.store (local.get 0) (i64.const 0x6465766f72707061))
            (i32.store offset=8 (local.get 0) (i32.const 0x2f642e61))
            (i32.store16 offset=100 (local.get 0) (i32.const 0x6b6f)))
        (func (param i32)
            (i64.store offset=5 (local.get 0) (i64.load offset=1011 (i32.const 0)))
            (i64.store (local.get 0) (i64.load offset=1006 (i32.const 0))))"#);
    assert_texts(&constants, &["approveda.d/", "ok", "demo/Thing@12"]);
    // With a hole in it, it is none.
    let constants = of(r#"(data (i32.const 1000) "beforedemo/Thing@12after")
        (func (param i32)
            (i64.store offset=9 (local.get 0) (i64.load offset=1015 (i32.const 0)))
            (i64.store (local.get 0) (i64.load offset=1006 (i32.const 0))))"#);
    assert_texts(&constants, &["beforedemo/Thing@12after"]);
    assert!(!constants.texts().iter().any(|text| text == "demo/Thing@12"));
}

fn texts_in_data() {
    // Cut at bytes that cannot be printed, where a pointer leads, and where a pointer and a length
    // say so: in instructions, or in data.
    let constants = of(r#"(data (i32.const 1000) "one\00two\ffthree\0afour")
        (data (i32.const 2000) "IdleWorkingBackoffFailed")
        (data (i32.const 3000) "\d0\07\00\00\d4\07\00\00\01\02")
        (data (i32.const 4000) "\db\07\00\00\07\00\00\00")
        (data (i32.const 6000) "\89\13\00\00\04\00\00\00") (data (i32.const 5000) "somewhere")
        (data "passive \c3\a4\c3\b6\c3\bc")
        (func (param i32) (call 0 (i32.const 2002)) (call 1 (i32.const 2018) (i32.const 6)))
        (func (param i32 i32))"#);
    assert_texts(
        &constants,
        &[
            "one",
            "two",
            "three",
            "four",
            "Id",
            "Working",
            "Backoff",
            "Failed",
            "passive äöü",
            "omew",
        ],
    );
    let constants =
        of(r#"(data (i32.const 8) "{\"status\":\"active\",\"at\":\"https://a.b/c?d\"}")"#);
    assert_texts(&constants, &["status", "active", "https://a.b/c"]);
}

fn texts_of_cbor() {
    let constants = of(
        r#"(data (i32.const 8) "\a2fschematdemo/WorkRequested@1evalue")
        (data (i32.const 80) "\a1freq_idfschemademo/Other@1")
        (data (i32.const 160) "tdemo/WorkRequested@2")
        (data (i32.const 240) "edited")"#,
    );
    assert_texts(&constants, &["schema", "value", "req_id", "edited"]);
    let names: Vec<&str> = constants.schema_names().collect();
    assert_eq!(
        names,
        [
            "demo/Other@1",
            "demo/WorkRequested@1",
            "demo/WorkRequested@2"
        ]
    );
}

fn texts_of_two_bytes_a_character() {
    let wide: String = "demo/Thing@1"
        .chars()
        .map(|char| format!("{char}\\00"))
        .collect();
    let constants = of(&format!(
        r#"(data (i32.const 7) "\18\00\00\00{wide}\01\00")"#
    ));
    assert_eq!(
        constants.schema_names().collect::<Vec<_>>(),
        ["demo/Thing@1"]
    );
    assert!(constants.mentions("demo/Thing@1") && !constants.mentions("demo/Thing@2"));
}

fn mentions() {
    let constants = of(&format!(
        r#"(data (i32.const 0) "ab\00cd") (data (i32.const 5) "ef") (data (i32.const 9) "{}") {}"#,
        "long ".repeat(100),
        compared(&[("i64", 0, "approved")]),
    ));
    // Longer than is told, but there.
    assert!(
        !constants
            .texts()
            .iter()
            .any(|text| text.starts_with("long"))
    );
    assert!(constants.mentions(&"long ".repeat(50)));
    for text in ["ab", "b\0c", "cd", "approved", "prove"] {
        assert!(constants.mentions(text), "{text:?}");
    }
    // Two segments are two things.
    for text in ["cdef", "ba", "approve!", ""] {
        assert!(!constants.mentions(text), "{text:?}");
    }
}

fn numbers() {
    let compare = |ty: &str, op: &str, value: i64| {
        of(&format!(
            "(func (param {ty}) (result i32) ({ty}.{op} (local.get 0) ({ty}.const {value})))"
        ))
        .numbers()
        .to_vec()
    };
    assert_eq!(compare("i32", "eq", 86_400), [86_400]);
    assert_eq!(compare("i32", "eq", -17), [-17, 0xffff_ffef]);
    assert_eq!(compare("i32", "lt_s", -17), [-17]);
    assert_eq!(compare("i32", "ge_u", -17), [0xffff_ffef]);
    assert_eq!(compare("i64", "gt_u", -1), [i128::from(u64::MAX)]);
    assert_eq!(
        compare("i64", "ne", i64::MIN),
        [i128::from(i64::MIN), 1 << 63]
    );
    assert_eq!(compare("i64", "add", 5), [0_i128; 0]);
    // The constant first.
    let constants = of("(func (param i32) (result i32) (i32.lt_u (i32.const 9) (local.get 0)))");
    assert_eq!(constants.numbers(), [9]);
    // A range, and a table of labels.
    let constants = of("(func (param i32) (result i32)
        (i32.lt_u (i32.add (local.get 0) (i32.const -500)) (i32.const 100)))");
    assert_eq!(constants.numbers(), [100, 500, 600]);
    let constants = of("(func (param i32)
        (block (block (block
            (br_table 0 1 2 0 1 2 (i32.add (local.get 0) (i32.const -40)))))))");
    assert_eq!(constants.numbers(), [40, 41, 43, 44, 45]);
}

/// Of a function that is known to be of the language's own, nothing counts.
fn libraries() {
    let function = |name: &str| {
        let name = format!(r#"(@name "{name}")"#);
        of(&format!(
            "(func {name} (param i32) (result i32) (i32.eq (local.get 0) (i32.const 1000)))"
        ))
    };
    assert_eq!(
        function("_ZN4demo4step17h0123456789abcdefE").numbers(),
        [1000]
    );
    assert_eq!(
        function("_ZN4core3fmt5write17h0123456789abcdefE").numbers(),
        [0_i128; 0]
    );
}

fn bounds() {
    let words: String = (0..20_000)
        .map(|index| format!("word{index}\\00"))
        .collect();
    let compares: String = (0..20_000)
        .map(|index| format!("(drop (i32.eq (local.get 0) (i32.const {})))", index * 7))
        .collect();
    let long = "x".repeat(1000);
    let wasm = assemble(&format!(
        r#"(module (memory 10) (func (param i32) {compares})
        (data (i32.const 0) "{words}\00{long}"))"#
    ));
    let constants = Constants::of(&wasm);
    assert_eq!(constants.texts().len(), CONSTANTS_MAX);
    assert_eq!(constants.numbers().len(), CONSTANTS_MAX);
    assert!(constants.texts().is_sorted() && constants.numbers().is_sorted());
    assert!(
        constants
            .texts()
            .iter()
            .all(|text| text.len() <= TEXT_BYTES_MAX)
    );
    let again = Constants::of(&wasm);
    assert_eq!(constants.texts(), again.texts());
    assert_eq!(constants.numbers(), again.numbers());
}

/// Of too many the names of schemas stay, wherever they are, then what is in instructions.
fn preference() {
    let words: String = (0..500).map(|index| format!("w{index}\\00")).collect();
    let constants = of(&format!(
        r#"(data (i32.const 0) "{words}\00a sentence\00demo/Thing@1\00http://host\00identifier")
        {} (func (param i64) (drop (i64.eq (local.get 0) (i64.const 0x7fffffffffffffff)))
            (drop (i64.eq (local.get 0) (i64.const -5))))"#,
        compared(&[("i64", 0, "compared")]),
    ));
    assert_texts(
        &constants,
        &["demo/Thing@1", "http://host", "compared", "w100"],
    );
    let texts = constants.texts();
    for text in ["a sentence", "identifier"] {
        assert!(!texts.iter().any(|found| found == text), "{text}");
    }
    let compares: String = (0..600)
        .map(|index| format!("(drop (i64.eq (local.get 0) (i64.const {index})))"))
        .collect();
    let constants = of(&format!(
        "(func (param i64) {compares} (drop (i64.eq (local.get 0) (i64.const -5)))
            (drop (i64.eq (local.get 0) (i64.const 0x7fffffffffffffff))))"
    ));
    let numbers = constants.numbers();
    let most = [-5, 256, 400, i128::from(i64::MAX), i128::from(u64::MAX) - 4];
    assert!(
        most.iter().all(|number| numbers.contains(number)),
        "{numbers:?}"
    );
    assert!(!numbers.contains(&3), "{numbers:?}");
}

/// What runs is not what is looked at.
fn cached_and_instrumented() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let wasm = retry_world::WASM;
    let expected = Constants::of(wasm);
    for load in [Code::load, Code::load, Code::load_instrumented] {
        let code = load(wasm, Limits::default(), Some(folder.path()));
        let code = code.expect("the reducer that ships is one");
        assert_eq!(code.constants().texts(), expected.texts());
        assert_eq!(code.constants().numbers(), expected.numbers());
        assert!(code.constants().mentions("demo/WorkRequested@1"));
    }
}

/// What cannot be read has fewer, and nothing panics.
fn every_truncation() {
    let wasm = assemble(&format!(
        r#"(module (memory 1) {} (data (i32.const 0) "one\00two") (data (i32.const -1) "end"))"#,
        compared(&[("i64", 0, "approved"), ("i32", 8, "r")])
    ));
    let mut told = Vec::new();
    for end in 0..=wasm.len() {
        told.push(Constants::of(&wasm[..end]).texts().len());
    }
    assert_eq!((told[0], told[wasm.len()]), (0, 4));
    for index in 0..wasm.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut changed = wasm.clone();
            changed[index] = value;
            let _ = Constants::of(&changed);
        }
    }
}
