//! The target `wasm_modules`: a binary is loaded as a reducer, and takes steps if it is one.
//!
//! Verifies that the host refuses or survives: that a refusal is the same twice and safe to print;
//! that a reducer gives the same answers on each fresh instance, within its limits; and that its
//! instrumented form gives them too ([`behaviour`]). libFuzzer's limits on time and memory verify
//! that it ends and stays small. [`make`] says what binaries are made of inputs.
//! Does not verify that an answer is right: that is what the tests of `sim::host` are for.

pub mod behaviour;
mod grown;
pub mod make;
mod mutated;
mod wrapped;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use sim::host::{Code, Limits, LoadError, Sites, instrumented};

use crate::seeds::{self, Sown};
use crate::settings::folder;
use behaviour::Behaviour;

/// Modules to start from, as text, and inputs that runs have found to be worth going on from.
const KEPT: &str = "fuzz/seeds/wasm_modules";

/// The most characters of a refusal.
const MOST_TOLD: usize = 16 << 10;

/// How a binary becomes code.
type Load = fn(&[u8], Limits, Option<&Path>) -> Result<Code, LoadError>;
/// How a binary is rewritten.
type Rewrite = fn(&[u8]) -> Result<(Vec<u8>, Sites), LoadError>;

/// What is under test. A test puts faults in.
#[derive(Clone, Copy)]
pub struct Subject {
    pub load: Load,
    pub load_instrumented: Load,
    pub rewrite: Rewrite,
}

impl Subject {
    pub const SHIPPED: Subject = Subject {
        load: Code::load,
        load_instrumented: Code::load_instrumented,
        rewrite: instrumented,
    };
}

/// What a binary turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    Refused,
    /// A reducer; so many of the [`behaviour::STEPS`] were answered.
    Stepped {
        answered: usize,
    },
}

/// So small that a module comes to each of its limits at once.
pub fn limits() -> Limits {
    Limits {
        fuel_per_step: 100_000,
        memory_bytes: 24 << 16,
        table_elements: 256,
        output_bytes: 1 << 12,
        wasm_bytes: 1 << 18,
    }
}

/// The kept modules and the shipped reducer, as binaries, and an input of each other kind.
///
/// # Errors
/// If a file cannot be read, or is not a module.
pub fn seeds() -> Result<Vec<Sown>> {
    let mut found = Vec::new();
    for seed in seeds::files(&folder(KEPT))? {
        found.push(match seed.name.strip_suffix(".wat") {
            Some(name) => Sown::new(format!("{name}.wasm"), assembled(&seed)?),
            None => seed,
        });
    }
    for (kind, name) in make::KINDS {
        found.push(Sown::new(*name, vec![*kind; 64]));
    }
    Ok(found)
}

/// The modules that are kept as text, by name.
///
/// # Errors
/// As [`seeds()`].
pub fn kept() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut kept = BTreeMap::new();
    for seed in seeds::files(&folder(KEPT))? {
        if let Some(name) = seed.name.strip_suffix(".wat") {
            kept.insert(name.to_owned(), assembled(&seed)?);
        }
    }
    Ok(kept)
}

fn assembled(seed: &Sown) -> Result<Vec<u8>> {
    wat::parse_bytes(&seed.content)
        .map(Vec::from)
        .with_context(|| seed.name.clone())
}

/// Checks all that must hold of a binary.
///
/// # Errors
/// What does not hold.
pub fn run(wasm: &[u8], subject: &Subject) -> Result<Ending> {
    // It is asked only for what loads, and must survive anything.
    let rewritten = (subject.rewrite)(wasm);
    let code = match (subject.load)(wasm, limits(), None) {
        Ok(code) => code,
        Err(error) => {
            let again = (subject.load)(wasm, limits(), None).err();
            refused(&error, again.as_ref()).context("refused by the host")?;
            return Ok(Ending::Refused);
        }
    };
    let behaviour = Behaviour::of(&code)?;
    behaviour.is_repeated(&Behaviour::of(&code)?)?;
    behaviour.is_repeated(&Behaviour::after_another(&code)?)?;
    match (subject.load_instrumented)(wasm, limits(), None) {
        Err(error) => {
            let again = (subject.load_instrumented)(wasm, limits(), None).err();
            refused(&error, again.as_ref()).context("refused by the instruments")?;
            ensure!(
                may_be_refused(&error),
                "what loads is refused for another reason when it is instrumented: {error}"
            );
        }
        Ok(instrumented) => {
            ensure!(rewritten.is_ok(), "loaded instrumented, and not rewritten");
            let counted = Behaviour::of(&instrumented)?;
            counted.is_counted_in(wasm.len())?;
            behaviour.is_that_of(&counted)?;
        }
    }
    Ok(Ending::Stepped {
        answered: behaviour.answered(),
    })
}

/// Whether that is why a reducer can't be instrumented: it has all there is of something, or the
/// instruments spend more than a start may.
fn may_be_refused(error: &LoadError) -> bool {
    const REASONS: [&str; 4] = [
        "an export named",
        "locals",
        "units of fuel",
        "stack exhausted",
    ];
    match error {
        LoadError::Instrument { reason } => REASONS.iter().any(|it| reason.contains(it)),
        _ => false,
    }
}

fn refused(error: &LoadError, again: Option<&LoadError>) -> Result<()> {
    let text = told(error);
    match again {
        None => bail!("once, and not the next time: {text}"),
        Some(again) => ensure!(
            text == told(again),
            "as `{text}`, then as `{}`",
            told(again)
        ),
    }
    printable(&text)
}

fn told(error: &LoadError) -> String {
    format!("{:#}", anyhow::anyhow!("{error}"))
}

/// What a guest says is for a person to read: no control characters, and not too much.
fn printable(text: &str) -> Result<()> {
    let odd = text.chars().find(|it| it.is_control() && *it != '\n');
    ensure!(odd.is_none(), "a message with {odd:?}: {text:?}");
    let length = text.chars().count();
    ensure!(length <= MOST_TOLD, "a message of {length} characters");
    Ok(())
}
