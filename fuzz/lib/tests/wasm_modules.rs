//! The target `wasm_modules`: what it tries, and that it notices a host that is at fault.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sim::host::{Code, Limits, LoadError, StepError, instrumented};
use sim_fuzz::wasm_modules::behaviour::{Behaviour, STEPS};
use sim_fuzz::wasm_modules::make::{KINDS, Maker};
use sim_fuzz::wasm_modules::{Ending, Subject, kept, limits, run, seeds};

const SHIPPED: Subject = Subject::SHIPPED;

fn tried(wasm: &[u8]) -> Ending {
    run(wasm, &SHIPPED).unwrap_or_else(|error| panic!("{error:#}"))
}

fn kept_module(name: &str) -> Vec<u8> {
    let mut kept = kept().expect("they can be assembled");
    kept.remove(name).expect("there is one of this name")
}

fn loaded(name: &str) -> Code {
    Code::load(&kept_module(name), limits(), None).expect("it is a reducer")
}

fn behaviour(code: &Code) -> Behaviour {
    Behaviour::of(code).expect("it holds")
}

/// What kind of failure an error is, by the name of its variant.
fn kind_of(error: &StepError) -> String {
    let shown = format!("{error:?}");
    shown
        .split([' ', '{'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn seeds_are_what_they_say() {
    let limits_met = ["MemoryLimit", "TableLimit", "OutputTooLong", "BadPointer"];
    let shown: [(&str, &[&str]); 3] = [
        ("area", &[]),
        ("greedy", &limits_met),
        // It has to do with each byte of a long input.
        ("rich", &["OutOfFuel"]),
    ];
    for (name, expected) in shown {
        let behaviour = behaviour(&loaded(name));
        let failures: Vec<String> = behaviour.failures().map(kind_of).collect();
        assert_eq!(failures, expected, "{name}");
        let answered = STEPS - expected.len();
        assert_eq!(tried(&kept_module(name)), Ending::Stepped { answered });
    }
    // The retry machine refuses what is none of its events.
    assert_eq!(tried(retry_world::WASM), Ending::Stepped { answered: 2 });
    let maker = Maker::new().expect("what is kept can be read");
    for seed in seeds().expect("they can be read") {
        let wasm = maker.wasm(&seed.content);
        tried(&wasm.unwrap_or_else(|| panic!("{} makes nothing", seed.name)));
    }
}

/// Pseudo-random inputs of one kind.
fn inputs(kind: u8, count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |seed| {
        let mut input = vec![kind; 600];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut input[1..]);
        input
    })
}

/// Enough of what is made gets as far as a step, and every way to fail comes about.
#[test]
fn modules_are_varied() {
    let maker = Maker::new().expect("what is kept can be read");
    let mut failures: BTreeMap<String, u32> = BTreeMap::new();
    let mut answered = 0;
    for (kind, name) in KINDS {
        // The shipped reducer takes long to compile.
        let (count, least) = match *name {
            "shipped" => (3, 1),
            "smith-odd" => (40, 4),
            _ => (40, 16),
        };
        let mut stepped = 0;
        for input in inputs(*kind, count) {
            let wasm = maker.wasm(&input).expect("it is long enough");
            if tried(&wasm) == Ending::Refused {
                continue;
            }
            stepped += 1;
            let code = Code::load(&wasm, limits(), None).expect("it was stepped");
            let behaviour = behaviour(&code);
            answered += behaviour.answered();
            for failure in behaviour.failures() {
                *failures.entry(kind_of(failure)).or_default() += 1;
            }
        }
        assert!(stepped >= least, "{name}: {stepped} of {count}");
    }
    assert!(answered > 0);
    let found: Vec<&str> = failures.keys().map(String::as_str).collect();
    let expected = [
        "BadEnvelope",
        "BadPointer",
        "MemoryLimit",
        "OutOfFuel",
        "OutputTooLong",
        "Panic",
        "StackExhausted",
        "TableLimit",
        "Trap",
    ];
    assert_eq!(found, expected, "{failures:?}");
}

#[test]
fn no_bytes_are_no_module() {
    let maker = Maker::new().expect("what is kept can be read");
    assert!(maker.wasm(b"").is_none());
    for wasm in [
        &b"\0asm"[..],
        b"\0asm\x01\0\0\0",
        b"\0asm\x0d\0\x01\0",
        b"text",
    ] {
        assert_eq!(tried(wasm), Ending::Refused);
    }
}

/// What is said of a kept module when a part of the host is at fault.
fn said(module: &str, subject: Subject) -> String {
    match run(&kept_module(module), &subject) {
        Ok(ending) => panic!("not noticed: {ending:?}"),
        Err(error) => format!("{error:#}"),
    }
}

/// A refusal for an import of this name.
fn refusal(name: &str) -> LoadError {
    LoadError::Imports {
        imports: vec![name.to_owned()],
    }
}

fn generous(wasm: &[u8], _: Limits, _: Option<&Path>) -> Result<Code, LoadError> {
    let limits = Limits {
        memory_bytes: 64 << 20,
        output_bytes: 1 << 20,
        table_elements: 1 << 16,
        ..limits()
    };
    Code::load(wasm, limits, None)
}

fn instrumented_area(_: &[u8], limits: Limits, _: Option<&Path>) -> Result<Code, LoadError> {
    Code::load_instrumented(&kept_module("area"), limits, None)
}

fn changing(_: &[u8], _: Limits, _: Option<&Path>) -> Result<Code, LoadError> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    Err(refusal(&CALLS.fetch_add(1, Relaxed).to_string()))
}

fn raw(_: &[u8], _: Limits, _: Option<&Path>) -> Result<Code, LoadError> {
    let reason = "\x1b[2J".to_owned();
    Err(LoadError::Engine { reason })
}

fn endless(_: &[u8], _: Limits, _: Option<&Path>) -> Result<Code, LoadError> {
    let reason = "very ".repeat(10_000);
    Err(LoadError::Engine { reason })
}

fn once(wasm: &[u8], limits: Limits, _: Option<&Path>) -> Result<Code, LoadError> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    match CALLS.fetch_add(1, Relaxed) {
        0 => Err(refusal("a")),
        _ => Code::load(wasm, limits, None),
    }
}

#[test]
fn a_host_at_fault_is_noticed() {
    let with = |load| Subject { load, ..SHIPPED };
    let told = said("rich", with(changing));
    assert!(told.contains("then as"), "{told}");
    let told = said("rich", with(once));
    assert!(told.contains("once, and not the next time"), "{told}");
    let told = said("rich", with(raw));
    assert!(told.contains("a message with"), "{told}");
    let told = said("rich", with(endless));
    assert!(told.contains("a message of 50"), "{told}");
    let told = said("greedy", with(generous));
    assert!(told.contains("bytes of memory, the limit is"), "{told}");
}

#[test]
fn instruments_at_fault_are_noticed() {
    let with = |load_instrumented| Subject {
        load_instrumented,
        ..SHIPPED
    };
    let told = said("rich", with(instrumented_area));
    assert!(told.starts_with("step 0, alone: Output"), "{told}");
    let told = said("rich", with(Code::load));
    assert!(told.contains("nothing to count"), "{told}");
    let told = said("rich", with(|_, _, _| Err(refusal("a"))));
    assert!(told.contains("for another reason"), "{told}");
    let told = said(
        "rich",
        with(|_, _, _| {
            let reason = "rewritten, it is refused: not a valid module".to_owned();
            Err(LoadError::Instrument { reason })
        }),
    );
    assert!(told.contains("for another reason"), "{told}");
    let told = said(
        "rich",
        Subject {
            rewrite: |_| instrumented(b"no module"),
            ..SHIPPED
        },
    );
    assert!(told.contains("not rewritten"), "{told}");
}

/// An instance that was not renewed answers by what it remembers, if it does.
#[test]
fn what_an_instance_remembers_is_noticed() {
    for (name, remembers) in [("area", true), ("greedy", false)] {
        let code = loaded(name);
        let fresh = behaviour(&code);
        let mut instance = code.instance().expect("one can be made");
        let mut used = || Behaviour::on(&code, &mut instance).expect("it holds");
        assert!(fresh.is_repeated(&used()).is_ok());
        // The last step of `greedy` fails, so that its next row begins on a fresh instance.
        assert_eq!(fresh.is_repeated(&used()).is_err(), remembers, "{name}");
    }
}

#[test]
fn rows_are_compared_step_by_step() {
    let (rich, area) = (behaviour(&loaded("rich")), behaviour(&loaded("area")));
    let error = rich
        .is_repeated(&area)
        .expect_err("they differ")
        .to_string();
    assert!(error.starts_with("step 0 of two rows: Output"), "{error}");
    // What comes of less fuel says nothing.
    let starved = Limits {
        fuel_per_step: 100,
        ..limits()
    };
    let starved = Code::load(&kept_module("rich"), starved, None).expect("it is a reducer");
    let starved = behaviour(&starved);
    assert!(starved.failures().all(|it| kind_of(it) == "OutOfFuel"));
    let with = Code::load_instrumented(&kept_module("rich"), limits(), None);
    let with = behaviour(&with.expect("it can be instrumented"));
    starved.is_that_of(&with).expect("nothing compares");
    rich.is_that_of(&with).expect("it is the same");
    let error = area.is_that_of(&with).expect_err("they differ").to_string();
    assert!(error.starts_with("step 0, alone"), "{error}");
}

/// Sites lie in the binary.
#[test]
fn sites_of_another_binary_are_noticed() {
    let wasm = kept_module("rich");
    let code = Code::load_instrumented(&wasm, limits(), None).expect("it can be instrumented");
    let counted = behaviour(&code);
    counted.is_counted_in(wasm.len()).expect("it is");
    let error = counted
        .is_counted_in(100)
        .expect_err("it is not")
        .to_string();
    assert!(error.contains("which is not there"), "{error}");
}
