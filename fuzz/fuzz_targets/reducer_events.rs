//! `cargo fuzz run reducer_events`: cases, run by the simulator and judged by the invariants.
#![no_main]

mod host;

use std::cell::RefCell;

use libfuzzer_sys::{Corpus, fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};
use sim_fuzz::glue::{self, or_exit, put};
use sim_fuzz::reducer_events::{self, Ending, Subject, Target};
use sim_fuzz::{seeds, settings::Settings};

thread_local! {
    // The engine is made here, inside the first call, and not when libFuzzer is initialised: it
    // would take libFuzzer's place as the one who handles crashes.
    static TARGET: RefCell<Target<'static>> = RefCell::new(or_exit(target()));
}

fn target() -> anyhow::Result<Target<'static>> {
    let subject = Box::leak(Box::new(Subject::load(Settings::of_environment()?)?));
    Target::new(subject)
}

fn goes_on() -> bool {
    TARGET.with(|target| target.borrow().goes_on())
}

fn sow() -> anyhow::Result<()> {
    let settings = Settings::of_environment()?;
    seeds::sow(std::env::args_os(), || reducer_events::seeds(&settings))
}

fuzz_target!(init: or_exit(sow()), |data: &[u8]| -> Corpus {
    let run = |target: &RefCell<Target>| target.borrow_mut().run(data, &mut std::io::stderr());
    let ending = or_exit(TARGET.with(run));
    host::forget();
    match ending {
        Ending::NotACase => Corpus::Reject,
        Ending::Holds => Corpus::Keep,
        // It is on disk. An input that fails is no place to search on from.
        Ending::Violates(_) if goes_on() => Corpus::Reject,
        Ending::Violates(name) => panic!("violated {name}"),
        Ending::NotRepeatable(name) => panic!("violated {name}, and not on fresh instances"),
    }
});

fn mutate_bytes(bytes: &mut Vec<u8>) {
    glue::mutate_bytes(bytes, fuzzer_mutate);
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mutated = TARGET.with(|target| {
        let data = &data[..size];
        let mut target = target.borrow_mut();
        target.mutate(data, max_size, seed, &mut mutate_bytes)
    });
    put(or_exit(mutated), data, max_size).unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});

fuzz_crossover!(|data: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    let room = out.len();
    let crossed = TARGET.with(|target| {
        let mut target = target.borrow_mut();
        target.cross(data, other, room, seed, &mut mutate_bytes)
    });
    put(or_exit(crossed), out, room).unwrap_or(0)
});
