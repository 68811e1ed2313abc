//! The tests of `sim`: one target, whose every trial has a name, and whose seeds can be chosen.
//!
//! `cargo test -p sim` runs every seeded trial over a range of seeds; with `-- --seed N` the same
//! trials run, each with that seed alone. Beside `--seed` the arguments are libtest's. Where the
//! runner keeps arguments to itself, as cargo-nextest does, `SIM_SEED` says the same.

mod air;
mod answers;
mod bugs;
mod build;
mod by_hand;
mod checkpoints;
mod cli;
mod corpus;
mod coverage;
mod declared;
mod deep;
mod docs;
mod enabled;
mod endless;
mod examples;
mod explore;
mod first_campaign;
mod foreign;
mod generic;
mod host;
mod marks;
mod mermaid;
mod pages;
mod readings;
mod reduce;
mod reducer;
mod rust_tests;
mod seeds;
mod shrink;
mod streams;
mod support;
mod symmetry;
mod tidy;
mod together;
mod trace;
mod why;
mod world;

use libtest_mimic::{Arguments, Trial};
use sim::random::Seed;

/// Says the seed where no argument can.
const SEED_VARIABLE: &str = "SIM_SEED";

fn main() {
    let (seed, arguments) = match arguments(std::env::args().collect()) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("error: {message}");
            std::process::exit(2);
        }
    };
    libtest_mimic::run(&Arguments::from_iter(arguments), trials(seed)).exit();
}

fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let number = seed.map(|seed| seed.0);
    [
        air::trials(number),
        host::trials(),
        pages::trials(seed),
        readings::trials(),
        reduce::trials(),
        reducer::trials(),
        seeds::trials(seed),
        shrink::trials(),
        answers::trials(),
        bugs::trials(seed),
        build::trials(),
        by_hand::trials(),
        checkpoints::trials(),
        cli::trials(),
        corpus::trials(),
        coverage::trials(seed),
        declared::trials(),
        deep::trials(seed),
        docs::trials(),
        enabled::trials(seed),
        endless::trials(),
        examples::trials(),
        explore::trials(),
        symmetry::trials(),
        vec![support::trial("first_campaign".to_owned(), || {
            first_campaign::main().expect("the world can be run");
        })],
        foreign::trials(),
        marks::trials(),
        mermaid::trials(),
        rust_tests::trials(),
        generic::trials(seed),
        streams::trials(number),
        tidy::trials(),
        together::trials(),
        trace::trials(number),
        why::trials(),
        world::trials(seed),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Takes `--seed` out of the arguments; the rest is the library's.
fn arguments(given: Vec<String>) -> Result<(Option<Seed>, Vec<String>), String> {
    let mut seed = std::env::var(SEED_VARIABLE).ok();
    let mut rest = Vec::new();
    let mut given = given.into_iter();
    while let Some(argument) = given.next() {
        if argument == "--seed" {
            seed = Some(given.next().ok_or("`--seed` needs a seed after it")?);
        } else if let Some(text) = argument.strip_prefix("--seed=") {
            seed = Some(text.to_owned());
        } else {
            rest.push(argument);
        }
    }
    let parse = |text: &String| text.parse().map_err(|error| format!("`{text}`: {error}"));
    Ok((seed.as_ref().map(parse).transpose()?, rest))
}
