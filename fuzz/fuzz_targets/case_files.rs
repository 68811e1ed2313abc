//! `cargo fuzz run case_files`: texts, read as cases and bound to worlds; nothing is run.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};
use sim::air::Air;
use sim_fuzz::case_files::{self, Ending, Subject};
use sim_fuzz::glue::{self, or_exit, put};
use sim_fuzz::{mutate_json::Mutator, seeds};

thread_local! {
    static WORLDS: Vec<Air> = or_exit(case_files::worlds());
    static MUTATOR: Mutator = Mutator::of(&or_exit(case_files::seeds()));
}

fuzz_target!(
    init: or_exit(seeds::sow(std::env::args_os(), case_files::seeds)),
    |data: &[u8]| -> Corpus {
        match WORLDS.with(|worlds| case_files::run(data, worlds, &Subject::SHIPPED)) {
            Ok(Ending::NotJson) => Corpus::Reject,
            Ok(Ending::Refused | Ending::Case | Ending::Bound) => Corpus::Keep,
            Err(broken) => panic!("{broken:#}"),
        }
    }
);

fn mutate_bytes(bytes: &mut Vec<u8>) {
    glue::mutate_bytes(bytes, fuzzer_mutate);
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mutated = MUTATOR.with(|it| it.mutate(&data[..size], seed, &mut mutate_bytes));
    put(mutated, data, max_size).unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});

fuzz_crossover!(|data: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    let crossed = MUTATOR.with(|it| it.cross(data, other, seed, &mut mutate_bytes));
    let room = out.len();
    put(crossed, out, room).unwrap_or(0)
});
