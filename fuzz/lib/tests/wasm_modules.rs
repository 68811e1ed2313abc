//! The target `wasm_modules`: what it tries, and that it notices a host that is at fault.

use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sim::reducer::{Code, Limits, LoadError, StepError, instrumented};
use sim_fuzz::wasm_modules::behaviour::{Behaviour, STEPS};
use sim_fuzz::wasm_modules::make::{KINDS, Maker};
use sim_fuzz::wasm_modules::{Ending, Subject, kept, limits, run, seeds};

fn tried(wasm: &[u8]) -> Ending {
    run(wasm, &Subject::SHIPPED).unwrap_or_else(|error| panic!("{error:#}"))
}

/// Pseudo-random inputs of one kind.
fn inputs(kind: u8, count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |seed| {
        let mut input = vec![kind; 600];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut input[1..]);
        input
    })
}

#[test]
fn seeds_are_what_they_say() {
    let all = Ending::Stepped {
        answered: STEPS.len(),
    };
    let kept = kept().expect("they can be assembled");
    assert!(kept.len() >= 2);
    for wasm in &kept {
        assert_eq!(tried(wasm), all);
    }
    // The retry machine refuses what is none of its events.
    assert_eq!(tried(sim::RETRY_SM), Ending::Stepped { answered: 2 });
    let maker = Maker::new().expect("what is kept can be read");
    for seed in seeds().expect("they can be read") {
        let wasm = maker.wasm(&seed.content);
        tried(&wasm.unwrap_or_else(|| panic!("{} makes nothing", seed.name)));
    }
}

/// Enough of what is made gets as far as a step, and every way to fail comes about.
#[test]
fn modules_are_varied() {
    let maker = Maker::new().expect("what is kept can be read");
    let mut stepped = Vec::new();
    let mut kinds = [0; 5];
    let inputs = KINDS.iter().flat_map(|(kind, _)| {
        // The shipped reducer takes long to compile.
        let count = if *kind == b'r' { 4 } else { 80 };
        inputs(*kind, count).map(move |input| (*kind, input))
    });
    for (kind, input) in inputs {
        let Some(wasm) = maker.wasm(&input) else {
            continue;
        };
        let is_stepped = tried(&wasm) != Ending::Refused;
        stepped.push((kind, is_stepped));
        if !is_stepped {
            continue;
        }
        let code = Code::load(&wasm, limits(), None).expect("it was stepped");
        let behaviour = Behaviour::of(&code).expect("it holds");
        kinds[0] += behaviour.answered();
        for failure in behaviour.failures() {
            match failure {
                StepError::Trap { .. } => kinds[1] += 1,
                StepError::OutOfFuel { .. } => kinds[2] += 1,
                StepError::BadPointer { .. } => kinds[3] += 1,
                StepError::BadEnvelope { .. } | StepError::OutputTooLong { .. } => kinds[4] += 1,
                _ => {}
            }
        }
    }
    for (kind, _) in KINDS {
        let of_kind = stepped.iter().filter(|(of, _)| of == kind);
        let (count, stepped) = of_kind.fold((0, 0), |(count, stepped), (_, it)| {
            (count + 1, stepped + usize::from(*it))
        });
        let percent = if *kind == b'o' { 5 } else { 40 };
        assert!(
            stepped * 100 >= count * percent && count > 0,
            "{}: {stepped} of {count}",
            char::from(*kind)
        );
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
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
fn said(subject: Subject) -> String {
    let rich = &kept().expect("they can be assembled")[1];
    match run(rich, &subject) {
        Ok(ending) => panic!("not noticed: {ending:?}"),
        Err(error) => format!("{error:#}"),
    }
}

const SHIPPED: Subject = Subject::SHIPPED;

/// A module that is refused, whatever it is.
fn refuse(name: &str) -> LoadError {
    LoadError::Imports {
        imports: vec![name.to_owned()],
    }
}

#[test]
fn a_host_at_fault_is_noticed() {
    fn other(_: &[u8], limits: Limits, cache: Option<&Path>) -> Result<Code, LoadError> {
        Code::load_instrumented(&kept().expect("they are there")[0], limits, cache)
    }
    let told = said(Subject {
        load_instrumented: other,
        ..SHIPPED
    });
    assert!(told.starts_with("step 0: Output"), "{told}");

    let told = said(Subject {
        load_instrumented: |_, _, _| Err(refuse("a")),
        ..SHIPPED
    });
    assert!(told.contains("for another reason"), "{told}");

    let told = said(Subject {
        rewrite: |_| instrumented(b"no module"),
        ..SHIPPED
    });
    assert!(told.contains("not rewritten"), "{told}");

    let told = said(Subject {
        load: |_, _, _| {
            Err(LoadError::Engine {
                reason: "\x1b[2J".to_owned(),
            })
        },
        ..SHIPPED
    });
    assert!(told.contains("a message with"), "{told}");

    fn changing(_: &[u8], _: Limits, _: Option<&Path>) -> Result<Code, LoadError> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static CALLS: AtomicU32 = AtomicU32::new(0);
        Err(refuse(&CALLS.fetch_add(1, Ordering::Relaxed).to_string()))
    }
    let told = said(Subject {
        load: changing,
        ..SHIPPED
    });
    assert!(told.contains("then as"), "{told}");
}

/// Two instances that do not answer alike, and a step that comes after a difference in fuel.
#[test]
fn behaviours_are_compared_step_by_step() {
    let kept = kept().expect("they can be assembled");
    let behaviours: Vec<Behaviour> = kept
        .iter()
        .map(|wasm| {
            let code = Code::load(wasm, limits(), None).expect("it is a reducer");
            Behaviour::of(&code).expect("it holds")
        })
        .collect();
    let error = behaviours[0].is_repeated(&behaviours[1]);
    let error = error.expect_err("they differ").to_string();
    assert!(
        error.starts_with("step 0 on two fresh instances"),
        "{error}"
    );
    let starved = Limits {
        fuel_per_step: 100,
        ..limits()
    };
    let code = Code::load(&kept[1], starved, None).expect("it is a reducer");
    let starved = Behaviour::of(&code).expect("it holds");
    assert_eq!(starved.answered(), 0);
    assert!(starved.is_that_of(&behaviours[1]).is_ok());
    assert!(starved.is_repeated(&behaviours[1]).is_err());
}
