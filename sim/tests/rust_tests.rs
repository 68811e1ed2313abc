//! Campaigns in tests of one's own: what they find, what they say, what they refuse.
//!
//! The tests of `docs/rust-tests.md` are built as those of a crate that has this library, and run on
//! the counter as it ships and on one without its limit.

pub mod built;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use counter_model::Counter;
use expect_test::expect;
use libtest_mimic::Trial;
use sim::cli::Exit;
use sim::model::generic::Generic;
use sim::testing::{self, Test};
use tempfile::TempDir;

use crate::examples;
use crate::support::{root, trial};

pub fn trials() -> Vec<Trial> {
    let trials: [(&str, fn()); 9] = [
        ("what_holds", what_holds),
        ("a_planted_bug", a_planted_bug),
        ("each_kind_of_property", each_kind),
        ("each_kind_of_answer", each_answer),
        ("never_seen", never_seen),
        ("a_model", a_model),
        ("refusals", refusals),
        ("models_are_passed_on_whole", passed_on_whole),
        ("the_page", built::the_page),
    ];
    let trials = trials.into_iter();
    trials
        .map(|(name, test)| trial(format!("rust_tests::{name}"), test))
        .collect()
}

/// The counter as it ships.
fn shipped() -> &'static [u8] {
    static WASM: OnceLock<Vec<u8>> = OnceLock::new();
    WASM.get_or_init(|| examples::wasm_of(&source()))
}

/// The counter without its limit.
fn limitless() -> &'static [u8] {
    static WASM: OnceLock<Vec<u8>> = OnceLock::new();
    WASM.get_or_init(|| examples::wasm_of(&source().replace(".min(LIMIT)", "")))
}

fn source() -> String {
    fs::read_to_string(root("examples/counter/src/lib.rs")).expect("it is there")
}

/// A test of the counter, with a folder for its cases.
fn counter(wasm: &[u8]) -> (Test, TempDir) {
    let place = tempfile::tempdir().expect("there is room for a folder");
    let test = testing::world(root("examples/counter/air"))
        .wasm_bytes("counter/Counter@1", wasm)
        .cases(place.path())
        .seeds(0..100);
    (test, place)
}

fn limited(test: Test) -> Test {
    test.always("limited", "the total is at most 100", |step| {
        step.state().field("total").as_nat() <= Some(100)
    })
}

fn list(place: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.path()).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths.collect()
}

fn what_holds() {
    let (test, place) = counter(shipped());
    let test = limited(test).sometimes("full", "the total was 100", |step| {
        step.changed() && step.state().field("total").as_nat() == Some(100)
    });
    let report = test.check();
    let text = report.to_string();
    assert!(text.contains("limited"), "{text}");
    assert!(text.contains("full"), "{text}");
    assert!(text.ends_with("everything holds\n"), "{text}");
    assert_eq!(list(&place), Vec::<PathBuf>::new());
}

/// What the panic of a failing test says, the case that it names, and what becomes of that: it is
/// replayed with the property, and without it by the command.
fn a_planted_bug() {
    let (test, place) = counter(limitless());
    let text = panic_of(move || {
        limited(test).most_failures(1).check();
    });
    let cases = list(&place);
    let [case] = &cases[..] else {
        panic!("{cases:?}: {text}");
    };
    let text = text.replace(&place.path().display().to_string(), "DIR");
    let text = text.replace(&root("").display().to_string(), "ROOT/");
    expect![[r#"
        violation: seed 2
          seen in 25 runs
          limited at turn 1: the total is at most 100
            expected the total is at most 100
            found    total 101 after Event increment {"by":101}
          faults: ok 3, transient 38, stray 40, start_early 20, timer_late 10, timer_twice 40, timer_status 20
        turn  time  decision  event   state          out  verdict
        0     0     start e2          new: total 0
        >1    0     start e1  by 101  total 0 → 101       limited
        case:   DIR/limited-16161f7e1e8e.json
        replay: sim replay DIR/limited-16161f7e1e8e.json --world ROOT/examples/counter/air --wasm counter/Counter@1=Counter.wasm
        shrunk from 2 decisions to 2 in 119 attempts

    "#]].assert_eq(&text);
    let (test, _place) = counter(limitless());
    let text = fs::read_to_string(case).expect("it is there");
    let again = panic_of({
        let text = text.clone();
        move || {
            limited(test).check_case(&text);
        }
    });
    assert!(again.contains("violates limited"), "{again}");
    let (test, _place) = counter(shipped());
    limited(test).check_case(&text);
    commands_judge_it_not(&place, case);
    // Without the property nobody judges it.
    let (test, _place) = counter(shipped());
    let refused = panic_of(move || {
        test.check_case(&text);
    });
    expect![[r#"
        error: the case of this test violated `limited`, which is no property of this test: add it
    "#]]
    .assert_eq(&refused);
}

/// The commands take the case, and say that its property is none of theirs.
fn commands_judge_it_not(place: &TempDir, case: &Path) {
    fs::write(place.path().join("limitless.wasm"), limitless()).expect("it can be written");
    let sim = |command: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_sim"))
            .arg(command)
            .arg(case)
            .arg("--world")
            .arg(root("examples/counter/air"))
            .args(["--wasm", "limitless.wasm"])
            .current_dir(place.path())
            .env_remove("GITHUB_ACTIONS")
            .output()
            .expect("the command can be run");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let says = "nothing here asks for limited: a test of one's own does, or another world";
    let (code, said) = sim("replay");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(says), "{said}");
    let (code, said) = sim("shrink");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("hint: nothing here asks for limited"),
        "{said}"
    );
}

/// Each kind of property is violated by the counter without its limit, and holds of the one that
/// ships.
fn each_kind() {
    type Add = fn(Test) -> Test;
    let kinds: [(&str, Add); 3] = [
        ("limited", limited),
        ("counts", |test| {
            test.remembering("counts", "it counts", |counted: &mut u64, step| {
                let by = step.event().arm("increment").field("by").as_nat();
                *counted = by.map_or(0, |by| counted.saturating_add(by).min(100));
                step.state().field("total").as_nat() == Some(*counted)
            })
        }),
        ("ends", |test| {
            test.eventually("ends", "it ends at 100 or below", |cells| {
                let mut totals = cells.of_reducer("counter/Counter@1");
                totals.all(|cell| cell.state().field("total").as_nat() <= Some(100))
            })
        }),
    ];
    for (name, add) in kinds {
        let (test, place) = counter(limitless());
        let report = add(test).run().expect("it runs");
        assert_eq!(report.exit(), Exit::Violation, "{name}");
        let failures = report.failures();
        assert!(failures[0].signature.starts_with(name), "{failures:?}");
        assert!(report.to_string().contains(name), "{report}");
        assert_eq!(list(&place).len(), failures.len(), "{name}");
        let (test, _place) = counter(shipped());
        let report = add(test).check().to_string();
        let mut lines = report.lines();
        let line = lines.find(|line| line.trim_start().starts_with(name));
        let holds = line.and_then(|line| line.split_whitespace().nth(1));
        assert!(holds.is_some_and(|holds| holds != "0"), "{name}: {report}");
    }
}

/// An assertion, an error and an option say what is wrong, or that there is nothing to say.
fn each_answer() {
    let (test, _place) = counter(limitless());
    let report = test
        .most_failures(10)
        .always("asserts", "it asserts", |step| {
            assert!(
                step.state().field("total").as_nat() <= Some(100),
                "too much"
            );
        })
        .always("errs", "it says why", |step| {
            match step.state().field("total").as_nat() {
                Some(total @ 101..) => Err(format!("{total} is too much")),
                _ => Ok(()),
            }
        })
        .always("silent", "it says nothing", |_| None::<bool>)
        .run();
    let text = report.expect("it runs").to_string();
    assert!(
        text.contains("found    too much (sim/tests/rust_tests.rs:"),
        "{text}"
    );
    assert!(text.contains("is too much; total "), "{text}");
    assert!(!text.contains("silent at"), "{text}");
    let (test, _place) = counter(shipped());
    let test = test.always("silent", "it says nothing", |_| None::<bool>);
    let text = test.check().to_string();
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with("silent"));
    let figures: Vec<&str> = line.expect("it is listed").split_whitespace().collect();
    assert_eq!(figures[1..], ["0", "100", "0"], "{text}");
}

fn never_seen() {
    let (test, _place) = counter(shipped());
    let test = test.sometimes("vast", "the total was 1,000", |step| {
        step.state().field("total").as_nat() == Some(1_000)
    });
    let report = test.run().expect("it runs");
    assert_eq!(report.exit(), Exit::NeverSeen);
    let text = report.to_string();
    assert!(
        text.contains("never seen: vast: the total was 1,000"),
        "{text}"
    );
}

/// A model's clients and properties are those of the test.
fn a_model() {
    let with_model = |wasm| {
        let (test, place) = counter(wasm);
        let model =
            |world: &sim::kernel::World| Counter::of(&world.air).expect("it is a counter's world");
        (test.model(model), place)
    };
    let (test, _place) = with_model(limitless());
    let report = limited(test).run().expect("it runs");
    let signature = &report.failures()[0].signature;
    assert!(
        signature.starts_with("counts, announces, limited"),
        "{signature}"
    );
    let (test, _place) = with_model(shipped());
    let text = test.check().to_string();
    assert!(text.contains("limit_reached"), "{text}");
}

fn refusals() {
    let air = || root("examples/counter/air");
    let mut said = String::new();
    let mut refused = |test: Test| {
        let error = test.run().expect_err("it is refused");
        let text = format!("{error:#}\n");
        said.push_str(&text.replace(&root("").display().to_string(), "ROOT/"));
    };
    refused(testing::world("nowhere"));
    refused(testing::world(air()));
    refused(testing::world(air()).wasm("nothing.wasm"));
    refused(testing::world(air()).wasm_bytes("counter/Other@1", b""));
    refused(counter(b"no wasm").0);
    refused(counter(shipped()).0.seeds(7..7));
    refused(limited(limited(counter(shipped()).0)));
    refused(
        counter(shipped())
            .0
            .always("a/b", "it has a name", |_| true),
    );
    refused(counter(shipped()).0.expect("unaccepted=nothing"));
    refused(counter(shipped()).0.cases("/dev/null/cases"));
    let here = std::env::current_dir().expect("there is one");
    let said = said.replace(&here.display().to_string(), "HERE");
    expect![[r#"
        the world of this test, from HERE: cannot read the world's folder nowhere: No such file or directory (os error 2)
        the world of this test, from HERE: no wasm for the reducer `counter/Counter@1`: say which with `--wasm FILE`
        no nothing.wasm in HERE: build it before the test: cargo build --release --target wasm32-unknown-unknown
        the world of this test, from HERE: `--wasm counter/Other@1=the bytes of counter/Other@1`: there is no module `counter/Other@1`: expected one of counter/Counter@1
        the world of this test, from HERE: the bytes of counter/Counter@1: not a valid core wasm module: expected it to begin with `\0asm`; text format must be assembled first
        nothing runs: the range of seeds is empty
        `limited` is the name of two properties of this world: those that any world has, and those of its model, have theirs
        `a/b` names a property, and with it files: expected 1 to 64 letters, digits, `_` and `-`
        the world of this test, from HERE: `--expect`: `unaccepted=nothing`: the documents have no `nothing`: increment, reset
        cases cannot be written: name a folder by `cases`: cannot write in /dev/null/cases: not a directory
    "#]].assert_eq(&said);
    let text = panic_of(|| {
        counter(shipped()).0.model(Generic::of).check_case("{}");
    });
    assert!(text.contains("error: the case of this test"), "{text}");
}

/// A function that is added to models, and not to the one that passes them on, would fall back to
/// what it does where a model says nothing.
fn passed_on_whole() {
    let functions = |file: &str, from: &str| -> BTreeSet<String> {
        let text = fs::read_to_string(root(file)).expect("it is there");
        let (_, text) = text.split_once(from).expect("it is in it");
        let (text, _) = text.split_once("\n}\n").expect("it ends");
        let lines = text.lines().filter_map(|line| line.strip_prefix("    fn "));
        let names = lines.filter_map(|line| line.split(['(', '<']).next());
        names.map(str::to_owned).collect()
    };
    let asked = functions("sim/model/src/model.rs", "pub trait Model");
    let passed = functions("sim/src/testing/model.rs", "impl Model for");
    assert!(asked.len() > 15, "{asked:?}");
    assert_eq!(asked, passed);
}

/// What a test says when it panics.
fn panic_of(test: impl FnOnce() + Send + 'static) -> String {
    let panicked = std::thread::spawn(test).join();
    let said = panicked.expect_err("it panics");
    let said = said.downcast::<String>().expect("it says something");
    *said
}
