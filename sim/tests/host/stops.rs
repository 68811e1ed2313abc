//! Where a guest was when it stopped and what it said last, with guests that lie about both.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::host::{Code, Limits, Output, StepError};

use super::{
    INPUT, assemble, first_step, guest, guest_text, refusal, small, step_then_answer, trial,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("stops", "functions", functions),
        trial("stops", "functions_without_names", functions_without_names),
        trial("stops", "many_functions", many_functions),
        trial("stops", "names_of_every_kind", names_of_every_kind),
        trial("stops", "recursion", recursion),
        trial("stops", "instrumented", instrumented),
        trial(
            "stops",
            "instrumented_without_fuel",
            instrumented_without_fuel,
        ),
        trial("stops", "used_and_fresh", used_and_fresh),
        trial("stops", "message", message),
        trial("stops", "message_that_is_none", message_that_is_none),
        trial(
            "stops",
            "message_only_of_who_stops_itself",
            message_only_of_who_stops_itself,
        ),
        trial("stops", "records", records),
        trial("stops", "records_that_contradict", records_that_contradict),
        trial(
            "stops",
            "every_changed_byte_of_a_record",
            every_changed_byte_of_a_record,
        ),
    ]
}

fn refusals(bodies: &[&str]) -> String {
    bodies
        .iter()
        .map(|body| refusal(&guest(body)) + "\n")
        .collect()
}

fn functions() {
    let inner = |body: &str| {
        format!(
            "(func $inner {body}) (func $outer (call $inner)) {}",
            step_then_answer("(call $outer)")
        )
    };
    let found = refusals(&[
        &inner("unreachable"),
        &inner("(drop (i32.load (i32.const -4)))"),
        &inner("(drop (memory.grow (i32.const 100)))"),
        &inner("(loop (br 0))"),
        // Called through a table.
        &format!(
            "(table funcref (elem $inner)) (func $inner unreachable) {}",
            step_then_answer("(call_indirect (i32.const 0))")
        ),
    ]);
    expect![[r#"
        reducer trapped: wasm `unreachable` instruction executed; in inner < outer < step
        reducer trapped: out of bounds memory access; in inner < outer < step
        reducer asked for 6619136 bytes of memory, its limit is 1048576; in inner < outer < step
        reducer used up its 100000 units of fuel; in inner < outer < step; raise the fuel per step, or look for a loop
        reducer trapped: wasm `unreachable` instruction executed; in inner < step
    "#]].assert_eq(&found);
    let alloc = r#"(module (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
        (func (export "step") (param i32 i32 i32)))"#;
    let alloc = Code::load(&assemble(alloc), small(), None).expect("the fixture is a reducer");
    expect!["reducer trapped: integer divide by zero; in alloc"].assert_eq(&refusal(&alloc));
}

fn functions_without_names() {
    let body = format!(
        "(func unreachable) (func (call 1)) {}",
        step_then_answer("(call 2)")
    );
    let code = guest(&body);
    expect!["reducer trapped: wasm `unreachable` instruction executed; in func[1] at 0x4c < func[2] at 0x50 < step"].assert_eq(&refusal(&code));
    // Where it says, there is what it says.
    let wasm = assemble(&guest_text(&body));
    let StepError::Trap { stack, .. } = first_step(&code).expect_err("it traps") else {
        panic!("it traps");
    };
    let bytes: Vec<u8> = stack.functions()[..2]
        .iter()
        .map(|told| {
            let (_, offset) = told.split_once(" at 0x").expect("it has an offset");
            wasm[usize::from_str_radix(offset, 16).expect("it is a number")]
        })
        .collect();
    const UNREACHABLE_THEN_CALL: [u8; 2] = [0x00, 0x10];
    assert_eq!(bytes, UNREACHABLE_THEN_CALL);
}

/// Eight are named; one that calls itself is named once.
fn many_functions() {
    let chain = |count: u32| {
        let calls: String = (1..count)
            .map(|index| format!("(func $f{index} (call $f{}))", index - 1))
            .collect();
        format!(
            "(func $f0 (param) unreachable) {calls} {}",
            step_then_answer(&format!("(call $f{})", count - 1))
        )
    };
    let itself = format!(
        "(func $down (param i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call $down (i32.sub (local.get 0) (i32.const 1))))
        {}",
        step_then_answer("(call $down (i32.const 20))")
    );
    let deeper = itself.replace("(i32.const 20)", "(i32.const 200)");
    expect![[r#"
        reducer trapped: wasm `unreachable` instruction executed; in f0 < f1 < f2 < f3 < f4 < f5 < f6 < step
        reducer trapped: wasm `unreachable` instruction executed; in f0 < f1 < f2 < f3 < f4 < f5 < f6 < f7 < …
        reducer trapped: wasm `unreachable` instruction executed; in down < step
        reducer trapped: wasm `unreachable` instruction executed; in down < …
    "#]].assert_eq(&refusals(&[&chain(7), &chain(8), &itself, &deeper]));
}

fn names_of_every_kind() {
    let named = |name: &str| {
        format!(
            r#"(func $inner (@name "{name}") unreachable) {}"#,
            step_then_answer("(call $inner)")
        )
    };
    let long = "long".repeat(100);
    // Each part stands for the whole before it.
    let bomb = format!("_RINvC1a1b{}E", "TB2_B2_B2_B2_B2_E".repeat(50));
    let found = refusals(&[
        &named("_ZN4demo7machine6on_err17h0123456789abcdefE"),
        &named("_RNvNtCs4fqI2P2rA04_4demo7machine6on_err"),
        &named("_ZN4core9panicking9panic_fmt17h0123456789abcdefE"),
        &named("_ZN12_GLOBAL__N_15Class6methodEv"),
        &named(r"\u{1b}[31mred\n\u{202e}"),
        &named(&long),
        &named(&bomb),
        &named(""),
    ]);
    expect![[r#"
        reducer trapped: wasm `unreachable` instruction executed; in demo::machine::on_err < step
        reducer trapped: wasm `unreachable` instruction executed; in demo::machine::on_err < step
        reducer trapped: wasm `unreachable` instruction executed; in step
        reducer trapped: wasm `unreachable` instruction executed; in _ZN12_GLOBAL__N_15Class6methodEv < step
        reducer trapped: wasm `unreachable` instruction executed; in \u{1b}[31mred\n\u{202e} < step
        reducer trapped: wasm `unreachable` instruction executed; in longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong… < step
        reducer trapped: wasm `unreachable` instruction executed; in a::b::<(a, a, a, a, a), (a, a, a, a, a), (a, a, a, a, a), (a, a, a, a, a), (a, a… < step
        reducer trapped: wasm `unreachable` instruction executed; in func[1] at 0x4b < step
    "#]].assert_eq(&found);
}

/// The functions that recur, whichever was the last one, and however deep it went.
fn recursion() {
    let recursive = |leaf: &str| {
        format!(
            "(func $odd (param i32) (result i32)
                (i32.add (call $leaf) (call $even (i32.add (local.get 0) (i32.const 1)))))
            (func $leaf (result i32) {leaf})
            (func $even (param i32) (result i32)
                (local i64 i64 i64) (i32.mul (local.get 0) (call $odd (local.get 0))))
            {}",
            step_then_answer("(drop (call $odd (i32.const 0)))")
        )
    };
    // So many values that live across a call that the leaf needs most of the stack, and is the
    // first that lacks it.
    let (values, sums): (String, String) = (0..500)
        .map(|index| (format!("(i64.load (i32.const {index}))"), "(i64.add)"))
        .unzip();
    let large =
        format!("{values} (drop (memory.grow (i32.const 0))) (i64.const 0) {sums} (i32.wrap_i64)");
    let limits = Limits {
        fuel_per_step: 50_000_000,
        ..small()
    };
    let found: String = ["(i32.const 1)", &large]
        .iter()
        .map(|leaf| {
            let wasm = assemble(&guest_text(&recursive(leaf)));
            let code = Code::load(&wasm, limits.clone(), None).expect("it is a reducer");
            refusal(&code) + "\n"
        })
        .collect();
    expect![[r#"
        reducer trapped: call stack exhausted by the recursion of odd, even
        reducer trapped: call stack exhausted by the recursion of odd, even
    "#]]
    .assert_eq(&found);
}

/// Instruments change where everything lies, and nothing that is told.
fn instrumented() {
    let bodies = [
        "(loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1)))
            (i32.const 100)))) (call 1)",
        "(if (i32.eq (local.get 0) (i32.const 7)) (then nop)) (drop (i32.load (i32.const -4)))",
        "(drop (i32.div_u (local.get 0) (local.get 0)))",
        "(drop (memory.grow (i32.const 100)))",
        "(if (i32.eqz (local.get 0)) (then (call 1)))",
    ];
    for body in bodies {
        let wasm = assemble(&guest_text(&format!(
            "(func (unreachable)) (func (local i32) {body}) {}",
            step_then_answer("(call 2)")
        )));
        let [plain, counted] = [Code::load, Code::load_instrumented]
            .map(|load| load(&wasm, small(), None).expect("the fixture is a reducer"))
            .map(|code| first_step(&code).expect_err("it traps"));
        assert_eq!(plain, counted);
        assert!(plain.to_string().contains("func[2] at 0x"), "{plain}");
    }
}

/// What instruments add is no function of the guest's, wherever the fuel runs out.
fn instrumented_without_fuel() {
    let wasm = assemble(&guest_text(&format!(
        "(func $loop (loop (br_if 0 (i32.ne (i32.const 1000) (i32.const 2000))))) {}",
        step_then_answer("(call $loop)")
    )));
    for fuel_per_step in 300..400 {
        let limits = Limits {
            fuel_per_step,
            ..small()
        };
        let code = Code::load_instrumented(&wasm, limits, None).expect("it is a reducer");
        let error = first_step(&code).expect_err("it has no end");
        let StepError::OutOfFuel { stack, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(stack.functions(), ["loop", "step"], "{fuel_per_step}");
    }
}

fn used_and_fresh() {
    let code = guest(&step_then_answer(
        "(if (i32.gt_u (local.get 1) (i32.const 100)) (then unreachable))",
    ));
    let (mut used, mut output) = (code.instance().expect("fresh"), Output::default());
    used.step(&INPUT, &mut output).expect("it is short");
    let errors = [101, 200].map(|length| {
        let long = vec![0; length];
        used.step_encoded(&long, &mut output)
            .expect_err("it is long")
    });
    assert_eq!(errors[0], errors[1]);
}

/// A guest that says, and stops as told: its words are at 16, its text at 8192.
fn saying(text: &[u8], length: u32, stop: &str) -> String {
    let words = [8192_u32.to_le_bytes(), length.to_le_bytes()].concat();
    format!(
        r#"(global (export "trap_message") i32 (i32.const 16))
        (data (i32.const 16) "{}")
        (data (i32.const 8192) "{}")
        (func (export "step") (param i32 i32) (result i32 i32)
            {stop} (i32.const 0) (i32.const 0))"#,
        escaped(&words),
        escaped(text)
    )
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

fn message() {
    let say = |text: &str| saying(text.as_bytes(), text.len() as u32, "unreachable");
    let long = "many words ".repeat(500);
    // What is longer than is read ends inside of a character.
    let wide = format!("x{}", "ä".repeat(4000));
    let found = refusals(&[
        &say("the attempt counts"),
        &say("panicked at src/machine.rs:12:3:\nthe attempt counts"),
        &say("  two\n\n  lines\twith \u{1b}[31mcolour and \u{202e}order\n"),
        &say(&long),
        &say(&wide),
        &saying(b"a loop in the handler", 21, "(loop (br 0))"),
    ]);
    expect![[r#"
        reducer panicked: the attempt counts; in step
        reducer panicked at src/machine.rs:12:3: the attempt counts; in step
        reducer panicked: two lines\twith \u{1b}[31mcolour and \u{202e}order; in step
        reducer panicked: many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many words many…; in step
        reducer panicked: xäääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää…; in step
        reducer panicked: a loop in the handler; in step
    "#]]
    .assert_eq(&found);
}

fn message_that_is_none() {
    let text = saying(b"text", 4, "unreachable");
    let words = escaped(&[8192_u32.to_le_bytes(), 4_u32.to_le_bytes()].concat());
    let with = |pointer: u32, length: u32| {
        let other = [pointer.to_le_bytes(), length.to_le_bytes()].concat();
        text.replace(&words, &escaped(&other))
    };
    let found = refusals(&[
        // No text.
        &saying(b"", 0, "unreachable"),
        &saying(b" \n", 2, "unreachable"),
        &saying(b"\xff\xfe\xfdt", 4, "unreachable"),
        &saying(b"a\0b", 3, "unreachable"),
        // Words or text outside of the memory, or not aligned.
        &with(0xffff_ffff, 4),
        &with(65_533, 4),
        &with(8192, 0xffff_ffff),
        &text.replace("i32.const 16))", "i32.const 65532))"),
        &text.replace("i32.const 16))", "i32.const -1))"),
        &text.replace("i32.const 16))", "i32.const 18))"),
        // Something else of that name.
        &text.replace("i32 (i32.const 16))", "i64 (i64.const 16))"),
        r#"(func (export "trap_message")) (func (export "step") (param i32 i32 i32) unreachable)"#,
    ]);
    let none = "reducer trapped: wasm `unreachable` instruction executed; in step\n";
    assert_eq!(found, none.repeat(12));
    assert!(refusal(&guest(&text)).contains("panicked: text"));
}

/// Text may be left there from before: it counts where a guest gives up, nowhere else.
fn message_only_of_who_stops_itself() {
    let found = refusals(&[
        &saying(b"text", 4, "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        &saying(b"text", 4, "(drop (memory.grow (i32.const 100)))"),
        &saying(b"text", 4, "(drop (i32.load (i32.const -4)))"),
    ]);
    expect![[r#"
        reducer trapped: integer divide by zero; in step
        reducer asked for 6619136 bytes of memory, its limit is 1048576; in step
        reducer trapped: out of bounds memory access; in step
    "#]]
    .assert_eq(&found);
    assert!(!found.contains("text"));
}

/// What Rust has on its stack when it panics, made by hand: the record at 2048, what it refers to
/// behind it.
struct Record {
    /// Pointers to message and place, and the flags.
    head: [u32; 3],
    /// At 2064: `core::fmt::Arguments`.
    arguments: [u32; 6],
    /// At 2096: path, its length, line and column.
    location: [u32; 4],
    path: &'static str,
    /// At 2224.
    text: &'static [u8],
}

const RECORD: Record = Record {
    head: [2064, 2096, 1],
    arguments: [2224, 2 * 9 + 1, 0, 0, 0, 0],
    location: [2128, 10, 42, 7],
    path: "src/lib.rs",
    text: b"it failed",
};

impl Record {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 256];
        let mut put = |at: usize, part: &[u8]| {
            let end = bytes.len().max(at - 2048 + part.len());
            bytes.resize(end, 0);
            bytes[at - 2048..][..part.len()].copy_from_slice(part);
        };
        let words = |words: &[u32]| words.iter().flat_map(|it| it.to_le_bytes()).collect();
        let (head, arguments, location): (Vec<u8>, Vec<u8>, Vec<u8>) = (
            words(&self.head),
            words(&self.arguments),
            words(&self.location),
        );
        put(2048, &head);
        put(2064, &arguments);
        put(2096, &location);
        put(2128, self.path.as_bytes());
        put(2224, self.text);
        bytes
    }

    fn code(&self) -> Code {
        stopping_with(&self.bytes(), 2048)
    }
}

fn stopping_with(bytes: &[u8], at: u32) -> Code {
    guest(&format!(
        r#"(data (i32.const {at}) "{}") (func (export "step") (param i32 i32 i32) unreachable)"#,
        escaped(bytes)
    ))
}

fn records() {
    let with = |change: fn(&mut Record)| {
        let mut record = RECORD;
        change(&mut record);
        record
    };
    let told = [
        RECORD,
        // Values of which nothing is known, one of them in hexadecimal.
        with(|record| {
            record.arguments = [2224, 2184, 0, 0, 0, 0];
            record.text = b"\x04len \xc0\x05, at \xc1\x00\x00\x00\x00\0";
        }),
        // The older form, with a text between pieces.
        with(|record| {
            record.arguments = [2224, 2, 2240, 1, 0, 0];
            record.text = b"\xd0\x08\0\0\x02\0\0\0\xd4\x08\0\0\x02\0\0\0\xc8\x08\0\0\x07\0\0\0\
                \xd2\x08\0\0\x02\0\0\0a b c!";
        }),
        with(|record| record.arguments[..2].copy_from_slice(&[1, 1])),
    ];
    let found: String = told
        .iter()
        .map(|record| refusal(&record.code()) + "\n")
        .collect();
    expect![[r#"
        reducer panicked at src/lib.rs:42:7: it failed; in step
        reducer panicked at src/lib.rs:42:7: len …, at …; in step
        reducer panicked at src/lib.rs:42:7: a b c!; in step
        reducer panicked at src/lib.rs:42:7; in step
    "#]]
    .assert_eq(&found);
    let doubtful = [
        with(|record| record.head[0] = 0),
        with(|record| record.head[0] = 60_000),
        with(|record| record.head[1] = 2098),
        with(|record| record.head[1] = u32::MAX),
        with(|record| record.head[2] = 2),
        with(|record| record.head[2] = 0x0500),
        with(|record| record.location[0] = u32::MAX - 3),
        with(|record| record.location[1] = 9),
        with(|record| record.location[1] = u32::MAX),
        with(|record| record.location[2] = 0),
        with(|record| record.location[2] = 1 << 30),
        with(|record| record.location[3] = 0),
        with(|record| record.location[3] = 1 << 30),
        with(|record| record.path = "src\0lib.rs"),
        with(|record| record.path = "src\nlib.rs"),
        with(|record| record.arguments[0] = u32::MAX),
        with(|record| record.arguments[1] = u32::MAX),
        with(|record| record.arguments[1] = 1),
        with(|record| record.text = b"it\0failed"),
        with(|record| record.text = b"it\xfffailed"),
        // A template without an end, and one of a kind that there is not.
        with(|record| {
            record.arguments[1] = 2184;
            record.text = b"\x7fa";
        }),
        with(|record| {
            record.arguments[1] = 2184;
            record.text = b"\x90a\0";
        }),
        // An argument that lies nowhere.
        with(|record| {
            record.arguments[1] = 65_536;
            record.text = b"\x01a\xc0\0";
        }),
    ];
    let none = "reducer trapped: wasm `unreachable` instruction executed; in step";
    for (index, record) in doubtful.iter().enumerate() {
        assert_eq!(refusal(&record.code()), none, "{index}");
    }
}

/// Of two places, one is wrong; the same place twice is one.
fn records_that_contradict() {
    let twice = |other: &Record| {
        let mut bytes = RECORD.bytes();
        // It refers to what the first one does, but for the place.
        let mut second = other.bytes();
        second[4..8].copy_from_slice(&(RECORD.head[1] + 256).to_le_bytes());
        bytes.extend_from_slice(&second);
        refusal(&stopping_with(&bytes, 2048))
    };
    let other = Record {
        location: [2128, 10, 43, 7],
        ..RECORD
    };
    let expected = refusal(&RECORD.code());
    assert_eq!(twice(&RECORD), expected);
    assert!(!twice(&other).contains("panicked"));
}

/// Whatever is there, the host goes on, and what it says can be printed.
fn every_changed_byte_of_a_record() {
    let mut whole = RECORD;
    whole.arguments = [2224, 2184, 0, 0, 0, 0];
    whole.text = b"\x04len \xc0\x05, at \xc0\0";
    let whole = whole.bytes();
    let mut told = 0;
    for index in (0..8).chain(16..64).chain(80..96).chain(176..200) {
        for value in [0, 1, 0x7f, 0x80, 0xc0, 0xff] {
            let mut bytes = whole.clone();
            bytes[index] = value;
            let text = refusal(&stopping_with(&bytes, 2048));
            assert!(!text.contains(char::is_control), "{text:?}");
            told += usize::from(text.contains("panicked"));
        }
    }
    assert!(told > 0, "a byte that matters to nobody leaves it as it is");
}
