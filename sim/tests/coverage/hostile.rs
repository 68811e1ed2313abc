//! Mutated binaries: the rewriting never panics, and what is a reducer still answers alike.

use libtest_mimic::Trial;
use sim::host::{Code, LoadError, instrumented};
use sim::random::{Component, Seed, Stream};

use super::constructs::CONSTRUCTS;
use super::{give, guest, small, trial};

/// Mutants of each binary, where only the rewriting is tried.
const MUTANTS: u32 = 2_000;
/// Those that are compiled too, of each construct.
const COMPILED: u32 = 60;

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let seed = seed.unwrap_or(Seed(0));
    let shipped = trial("hostile", "shipped", move || {
        each_mutant(retry_world::WASM, seed, MUTANTS, |mutant| {
            let _ = instrumented(mutant);
        });
    });
    let constructs = CONSTRUCTS.iter().map(|(name, fields)| {
        trial("hostile", name, move || {
            let wasm = guest(fields);
            each_mutant(&wasm, seed, MUTANTS, |mutant| {
                let _ = instrumented(mutant);
            });
            let mut accepted = 0;
            each_mutant(&wasm, seed, COMPILED, |mutant| {
                accepted += u32::from(answers_alike(mutant));
            });
            assert!(accepted > 0, "no mutant was a reducer");
        })
    });
    [shipped].into_iter().chain(constructs).collect()
}

/// One to three bytes are others, or gone, or twice there.
fn each_mutant(wasm: &[u8], seed: Seed, count: u32, mut test: impl FnMut(&[u8])) {
    let mut stream = Stream::new(seed, Component::Samples);
    for _ in 0..count {
        let mut mutant = wasm.to_vec();
        for _ in 0..=stream.below(3) {
            let at = stream.below(mutant.len() as u32) as usize;
            match stream.below(8) {
                0 => drop(mutant.remove(at)),
                1 => mutant.insert(at, mutant[at]),
                2 => mutant[at] ^= 1 << stream.below(8),
                _ => mutant[at] = stream.below(256) as u8,
            }
        }
        test(&mutant);
    }
}

/// Whether a mutant is a reducer; then it answers alike.
fn answers_alike(wasm: &[u8]) -> bool {
    let plain = Code::load(wasm, small(), None);
    let with = Code::load_instrumented(wasm, small(), None);
    let (plain, with) = match (plain, with) {
        (Ok(plain), Ok(with)) => (plain, with),
        (Err(expected), Err(found)) => {
            assert_eq!(expected.to_string(), found.to_string());
            return false;
        }
        (Ok(_), Err(LoadError::Instrument { reason })) => panic!("refused: {reason}"),
        _ => panic!("one is refused, the other is not"),
    };
    let mut plain = plain.instance().expect("an instance can be made");
    let mut with = with.instance().expect("an instance can be made");
    for number in [0, 1, 7, 21, 300, u64::MAX] {
        let (expected, found) = (give(&mut plain, number), give(&mut with, number));
        assert_eq!(expected, found, "{number}");
    }
    true
}
