//! A step by itself, in a run and in a campaign.

use std::hint::black_box;

use sim::host::{Code, Instance, Output};

use super::null;
use super::raw::{Bound, Raw, template};
use super::rounds::{Contender, Figures, compare};
use super::subject::{Subject, load};

/// Whose steps are taken by themselves.
const SEEDS: u64 = 256;
/// How often they are taken in a round.
const REPEATS: usize = 4;
/// One in so many of them is taken on an instance of its own.
const STEPS_PER_FRESH: usize = 16;
/// Those of `sim run` without arguments.
const SEEDS_CAMPAIGN: u64 = 10_000;
const ROUNDS: usize = 15;
/// Of what takes little time.
const SHORT_ROUNDS: usize = 151;

pub fn measure(subject: &Subject) {
    let inputs = subject.inputs(SEEDS);
    let mut guest = instance(subject.code());
    bare(&inputs, &mut guest);
    println!();
    around(subject, &inputs, &mut guest);
}

/// The bare guest, prepared envelopes on one instance.
fn guest<'a>(guest: &'a mut Instance, inputs: &'a [Vec<u8>]) -> Contender<'a> {
    Contender::new("bare guest: prepared envelopes, one instance", || {
        (0..REPEATS).map(|_| take(guest, inputs)).sum()
    })
}

/// What of the bare guest's step is the host's.
fn bare(inputs: &[Vec<u8>], bare_guest: &mut Instance) {
    let mut null = instance(&load(&null::reducer(retry_world::WASM, inputs)));
    let contenders = vec![
        Contender::new("null guest: the same bytes in and out", || {
            (0..REPEATS).map(|_| take(&mut null, inputs)).sum()
        }),
        guest(bare_guest, inputs),
    ];
    let figures = compare(SHORT_ROUNDS, contenders);
    println!("one core                                           steps/s   ns a step   of null");
    for each in &figures {
        let (rate, ns) = (each.rate(), each.best_ns());
        let slower = figures[0].times(each);
        println!("{:<48} {rate:>9.0}   {ns:>9.0}   {slower:>7.2}", each.name);
    }
}

/// What a step costs with all that surrounds it, beside the bare guest and fresh instances.
fn around(subject: &Subject, inputs: &[Vec<u8>], bare_guest: &mut Instance) {
    let few = &inputs[..inputs.len() / STEPS_PER_FRESH];
    let code = subject.code();
    let template = template(retry_world::WASM, Bound::Fuel);
    let mut runner = subject.runner();
    let contenders = vec![
        guest(bare_guest, inputs),
        Contender::new("a store and an instance for every step, pooled", || {
            let steps = few.iter().map(std::slice::from_ref);
            steps.map(|step| take(&mut instance(code), step)).sum()
        }),
        Contender::new("the same, as the engine makes them by default", || {
            for input in few {
                black_box(Raw::new(&template, Bound::Fuel).step(input));
            }
            few.len() as u64
        }),
        Contender::new("simulation: whole runs, nothing sampled", || {
            // Or it would know every value from the round before.
            runner.renew().expect("there is room for an instance");
            let mut steps = 0;
            subject.run_seeds(&mut runner, SEEDS, |runner| {
                steps += runner.trace.steps.len() as u64;
            });
            steps
        }),
        Contender::new("campaign, `sim run --no-memo`", || {
            subject.campaign(SEEDS_CAMPAIGN, 1, false).steps
        }),
        Contender::new("campaign, `sim run`", || {
            subject.campaign(SEEDS_CAMPAIGN, 1, true).steps
        }),
    ];
    print(&compare(ROUNDS, contenders));
}

fn instance(code: &Code) -> Instance {
    code.instance().expect("there is room for an instance")
}

fn take(instance: &mut Instance, inputs: &[Vec<u8>]) -> u64 {
    let mut output = Output::default();
    for input in inputs {
        let taken = instance.step_encoded(input, &mut output);
        taken.expect("the step succeeds");
        black_box(&output);
    }
    inputs.len() as u64
}

fn print(figures: &[Figures]) {
    let [guest, pooled, default, ..] = figures else {
        unreachable!("there are these three, and more");
    };
    println!(
        "one core                                           steps/s   ns a step   of guest   of pooled   of default"
    );
    for each in figures {
        println!(
            "{:<48} {:>9.0}   {:>9.0}   {:>8.2}   {:>9.2}   {:>10.2}",
            each.name,
            each.rate(),
            each.best_ns(),
            each.times(guest),
            each.times(pooled),
            each.times(default)
        );
    }
}
