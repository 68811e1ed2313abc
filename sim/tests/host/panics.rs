//! Panics of real guests: Rust, built by the compiler at hand in the ways that people build it.
//!
//! How a panic lies in memory is the standard library's own affair, so this is where it shows if
//! another compiler has another way. Made-up memories are tried in `stops`.

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use sim::host::{Code, Limits, Output};

use super::trial;
use crate::support::guest::built;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("panics", "debug", debug),
        trial("panics", "release", release),
        trial("panics", "small_and_stripped", small_and_stripped),
        trial("panics", "without_std", without_std),
        trial("panics", "a_handler_that_loops", a_handler_that_loops),
        trial(
            "panics",
            "a_message_that_is_left_out",
            a_message_that_is_left_out,
        ),
        trial(
            "panics",
            "a_message_that_is_left_in_place",
            a_message_that_is_left_in_place,
        ),
    ]
}

const WAYS: u8 = 17;

/// What each way to stop is told as; the same if coverage is counted.
fn told(flags: &[&str], expected: &Expect) {
    let wasm = built("panics", flags);
    let limits = Limits {
        fuel_per_step: 1_000_000,
        ..Limits::default()
    };
    let codes = [Code::load, Code::load_instrumented]
        .map(|load| load(&wasm, limits.clone(), None).expect("the fixture is a reducer"));
    let mut found = String::new();
    for way in 0..WAYS {
        let [error, instrumented] = codes.each_ref().map(|code| {
            let mut instance = code.instance().expect("fresh");
            let answer = instance.step_encoded(&[way, 1, 2], &mut Output::default());
            answer.expect_err("it stops")
        });
        assert_eq!(error, instrumented);
        found += &format!("{error}\n");
    }
    expected.assert_eq(&found);
}

fn debug() {
    told(
        &["-g"],
        &expect![[r#"
            reducer panicked at panics.rs:43:14: a plain text; in panics::stop (panics.rs:43) < step (panics.rs:35)
            reducer panicked at panics.rs:44:14: way 1 of "two\nlines"; in panics::stop (panics.rs:44) < step (panics.rs:35)
            reducer panicked at panics.rs:45:19: called `Option::unwrap()` on a `None` value; in panics::stop < step (panics.rs:35)
            reducer panicked at panics.rs:46:19: the request is known; in panics::stop (panics.rs:46) < step (panics.rs:35)
            reducer panicked at panics.rs:47:23: called `Result::unwrap()` on an `Err` value: …; in panics::stop < step (panics.rs:35)
            reducer panicked at panics.rs:48:23: the state can be read: …; in panics::stop (panics.rs:48) < step (panics.rs:35)
            reducer panicked at panics.rs:49:14: index out of bounds: the len is 3 but the index is 16; in panics::stop (panics.rs:49) < step (panics.rs:35)
            reducer panicked at panics.rs:50:19: range end index 7 out of range for slice of length 3; in panics::stop < step (panics.rs:35)
            reducer panicked at panics.rs:51:14: attempt to subtract with overflow; in panics::stop (panics.rs:51) < step (panics.rs:35)
            reducer panicked at panics.rs:52:14: internal error: entered unreachable code; in panics::stop (panics.rs:52) < step (panics.rs:35)
            reducer panicked at panics.rs:53:15: internal error: entered unreachable code: in state 3; in panics::stop (panics.rs:53) < step (panics.rs:35)
            reducer panicked at panics.rs:55:13: assertion failed: way == 12; in panics::stop (panics.rs:55) < step (panics.rs:35)
            reducer panicked at panics.rs:59:13: assertion `left == right` failed: … left: … right: …; in panics::stop (panics.rs:59) < step (panics.rs:35)
            reducer panicked at panics.rs:62:15: not yet implemented; in panics::stop (panics.rs:62) < step (panics.rs:35)
            reducer panicked at panics.rs:63:15: attempt to divide by zero; in panics::stop (panics.rs:63) < step (panics.rs:35)
            reducer panicked at panics.rs:64:15; in panics::stop (panics.rs:64) < step (panics.rs:35)
            reducer trapped: wasm `unreachable` instruction executed; in panics::stop (panics.rs:65) < step (panics.rs:35)
        "#]],
    );
}

fn release() {
    told(
        &["-O", "-Coverflow-checks"],
        &expect![[r#"
            reducer panicked at panics.rs:43:14: a plain text; in panics::stop < step
            reducer panicked at panics.rs:44:14: way 1 of "two\nlines"; in panics::stop < step
            reducer panicked at panics.rs:45:19: called `Option::unwrap()` on a `None` value; in panics::stop < step
            reducer panicked at panics.rs:46:19: the request is known; in panics::stop < step
            reducer panicked at panics.rs:47:23: called `Result::unwrap()` on an `Err` value: …; in panics::stop < step
            reducer panicked at panics.rs:48:23: the state can be read: …; in panics::stop < step
            reducer panicked at panics.rs:49:14: index out of bounds: the len is 3 but the index is 16; in panics::stop < step
            reducer panicked at panics.rs:50:19: range end index 7 out of range for slice of length 3; in panics::stop < step
            reducer panicked at panics.rs:51:14: attempt to subtract with overflow; in panics::stop < step
            reducer panicked at panics.rs:52:14: internal error: entered unreachable code; in panics::stop < step
            reducer panicked at panics.rs:53:15: internal error: entered unreachable code: in state 3; in panics::stop < step
            reducer panicked at panics.rs:55:13: assertion failed: way == 12; in panics::stop < step
            reducer panicked at panics.rs:59:13: assertion `left == right` failed: … left: … right: …; in panics::stop < step
            reducer panicked at panics.rs:62:15: not yet implemented; in panics::stop < step
            reducer panicked at panics.rs:63:15: attempt to divide by zero; in panics::stop < step
            reducer panicked at panics.rs:64:15; in panics::stop < step
            reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        "#]],
    );
}

/// Nothing has a name, and of values only texts are known.
fn small_and_stripped() {
    let flags = [
        "-Copt-level=s",
        "-Clto",
        "-Ccodegen-units=1",
        "-Cstrip=symbols",
    ];
    told(
        &flags,
        &expect![[r#"
            reducer panicked at panics.rs:43:14: a plain text; in step
            reducer panicked at panics.rs:44:14: way … of two lines; in step
            reducer panicked at panics.rs:45:19: called `Option::unwrap()` on a `None` value; in step
            reducer panicked at panics.rs:46:19: the request is known; in step
            reducer panicked at panics.rs:47:23: called `Result::unwrap()` on an `Err` value: …; in step
            reducer panicked at panics.rs:48:23: the state can be read: …; in step
            reducer panicked at panics.rs:49:14: index out of bounds: the len is … but the index is …; in step
            reducer panicked at panics.rs:50:19: range end index … out of range for slice of length …; in step
            output envelope, at its top (byte 0): expected a map, found the end of the envelope
            reducer panicked at panics.rs:52:14: internal error: entered unreachable code; in step
            reducer panicked at panics.rs:53:15: internal error: entered unreachable code: in state …; in step
            reducer panicked at panics.rs:55:13: assertion failed: way == 12; in step
            reducer panicked at panics.rs:59:13: assertion `left == right` failed: … left: … right: …; in step
            reducer panicked at panics.rs:62:15: not yet implemented; in step
            reducer panicked at panics.rs:63:15: attempt to divide by zero; in step
            reducer panicked at panics.rs:64:15; in step
            reducer trapped: wasm `unreachable` instruction executed; in func[2] at 0x3a7 < step
        "#]],
    );
}

fn without_std() {
    told(
        &["-O", "--cfg=bare"],
        &expect![[r#"
            reducer panicked at panics.rs:43:14: a plain text; in panics::stop < step
            reducer panicked at panics.rs:44:14: way 1 of "two\nlines"; in panics::stop < step
            reducer panicked at panics.rs:45:19: called `Option::unwrap()` on a `None` value; in panics::stop < step
            reducer panicked at panics.rs:46:19: the request is known; in panics::stop < step
            reducer panicked at panics.rs:47:23: called `Result::unwrap()` on an `Err` value: …; in panics::stop < step
            reducer panicked at panics.rs:48:23: the state can be read: …; in panics::stop < step
            reducer panicked at panics.rs:49:14: index out of bounds: the len is 3 but the index is 16; in panics::stop < step
            reducer panicked at panics.rs:50:19: range end index 7 out of range for slice of length 3; in panics::stop < step
            output envelope, at its top (byte 0): expected a map, found the end of the envelope
            reducer panicked at panics.rs:52:14: internal error: entered unreachable code; in panics::stop < step
            reducer panicked at panics.rs:53:15: internal error: entered unreachable code: in state 3; in panics::stop < step
            reducer panicked at panics.rs:55:13: assertion failed: way == 12; in panics::stop < step
            reducer panicked at panics.rs:59:13: assertion `left == right` failed: … left: … right: …; in panics::stop < step
            reducer panicked at panics.rs:62:15: not yet implemented; in panics::stop < step
            reducer panicked at panics.rs:63:15: attempt to divide by zero; in panics::stop < step
            reducer panicked at panics.rs:64:15; in panics::stop < step
            reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        "#]],
    );
}

/// All fuel is spent in the handler, and that is not what went wrong.
fn a_handler_that_loops() {
    told(
        &["-O", "--cfg=bare", "--cfg=looping"],
        &expect![[r#"
            reducer panicked at panics.rs:43:14: a plain text; in panics::stop < step
            reducer panicked at panics.rs:44:14: way 1 of "two\nlines"; in panics::stop < step
            reducer panicked at panics.rs:45:19: called `Option::unwrap()` on a `None` value; in panics::stop < step
            reducer panicked at panics.rs:46:19: the request is known; in panics::stop < step
            reducer panicked at panics.rs:47:23: called `Result::unwrap()` on an `Err` value: …; in panics::stop < step
            reducer panicked at panics.rs:48:23: the state can be read: …; in panics::stop < step
            reducer panicked at panics.rs:49:14: index out of bounds: the len is 3 but the index is 16; in panics::stop < step
            reducer panicked at panics.rs:50:19: range end index 7 out of range for slice of length 3; in panics::stop < step
            output envelope, at its top (byte 0): expected a map, found the end of the envelope
            reducer panicked at panics.rs:52:14: internal error: entered unreachable code; in panics::stop < step
            reducer panicked at panics.rs:53:15: internal error: entered unreachable code: in state 3; in panics::stop < step
            reducer panicked at panics.rs:55:13: assertion failed: way == 12; in panics::stop < step
            reducer panicked at panics.rs:59:13: assertion `left == right` failed: … left: … right: …; in panics::stop < step
            reducer panicked at panics.rs:62:15: not yet implemented; in panics::stop < step
            reducer panicked at panics.rs:63:15: attempt to divide by zero; in panics::stop < step
            reducer panicked at panics.rs:64:15; in panics::stop < step
            reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        "#]],
    );
}

/// A handler that looks at nothing: the linker leaves out what is not looked at.
fn a_message_that_is_left_out() {
    told(
        &SMALLEST,
        &expect![[r#"
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        output envelope, at its top (byte 0): expected a map, found the end of the envelope
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
    "#]],
    );
}

/// The same, but for a line that leaves the message where it is looked for. There is no text where
/// one has to be made first.
fn a_message_that_is_left_in_place() {
    told(
        &[&SMALLEST[..], &["--cfg=saying"]].concat(),
        &expect![[r#"
        reducer panicked: a plain text; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer panicked: called `Option::unwrap()` on a `None` value; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        output envelope, at its top (byte 0): expected a map, found the end of the envelope
        reducer panicked: internal error: entered unreachable code; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer panicked: assertion failed: way == 12; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer panicked: not yet implemented; in panics::stop < step
        reducer panicked: attempt to divide by zero; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
        reducer trapped: wasm `unreachable` instruction executed; in panics::stop < step
    "#]],
    );
}

const SMALLEST: [&str; 4] = ["-O", "--cfg=bare", "-Clto", "-Ccodegen-units=1"];
