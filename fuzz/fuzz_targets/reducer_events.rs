//! `cargo fuzz run reducer_events`: cases, run by the simulator and judged by the invariants.
#![no_main]

mod host;

use std::cell::RefCell;

use libfuzzer_sys::{Corpus, fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};
use sim_fuzz::reducer_events::{Ending, Subject, Target};
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

fn sow() -> anyhow::Result<()> {
    seeds::sow(std::env::args_os(), &Settings::of_environment()?.seeds)
}

/// Bad settings are no finding.
fn or_exit<T>(result: anyhow::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        std::process::exit(2)
    })
}

fuzz_target!(init: or_exit(sow()), |data: &[u8]| -> Corpus {
    let run = |target: &RefCell<Target>| target.borrow_mut().run(data, &mut std::io::stderr());
    let ending = or_exit(TARGET.with(run));
    host::forget();
    match ending {
        Ending::NotACase => Corpus::Reject,
        Ending::Holds => Corpus::Keep,
        Ending::Violates(name) => panic!("violated {name}"),
        Ending::NotRepeatable(name) => panic!("violated {name}, and not on fresh instances"),
    }
});

/// Changes bytes as libFuzzer does; they may become a few more.
fn mutate_bytes(bytes: &mut Vec<u8>) {
    const MORE: usize = 8;
    let length = bytes.len();
    bytes.resize(length + MORE, 0);
    let length = fuzzer_mutate(bytes, length, length + MORE);
    bytes.truncate(length);
}

/// Puts a text where libFuzzer wants it; None if there is no text, or no room.
fn put(text: Option<String>, out: &mut [u8], room: usize) -> Option<usize> {
    let text = text.filter(|text| text.len() <= room)?;
    out[..text.len()].copy_from_slice(text.as_bytes());
    Some(text.len())
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mutated = TARGET.with(|target| {
        let data = &data[..size];
        target.borrow_mut().mutate(data, seed, &mut mutate_bytes)
    });
    let mutated = or_exit(mutated);
    put(mutated, data, max_size).unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});

fuzz_crossover!(|data: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    let crossed = TARGET.with(|target| {
        target
            .borrow_mut()
            .cross(data, other, seed, &mut mutate_bytes)
    });
    let room = out.len();
    put(or_exit(crossed), out, room).unwrap_or(0)
});
