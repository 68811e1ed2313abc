//! Tests of `sim::air`: one module per boundary.

mod expressions;
mod generate;
mod pinning;
mod refusals;
mod table;
mod values;
mod vast;
mod vectors;
mod warnings;
mod worlds;

use libtest_mimic::Trial;
use sim::air::Source;

/// Every test; what is random in them comes from the seed, 0 if there is none.
pub fn trials(seed: Option<u64>) -> Vec<Trial> {
    let seed = seed.unwrap_or(0);
    let mut trials = vectors::trials();
    trials.extend(values::trials(seed));
    trials.extend(expressions::trials(seed));
    trials.extend(worlds::trials(seed));
    trials.extend(refusals::trials());
    trials.extend(warnings::trials());
    trials.extend(table::trials());
    trials.extend(vast::trials());
    trials.extend(pinning::trials());
    trials
}

/// A test that fails by panicking.
fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(format!("air::{}", name.into()), || {
        test();
        Ok(())
    })
}

/// A small world that uses most of the format.
const BASE: &str = include_str!("base.air.json");

fn base() -> Vec<Source> {
    source(BASE)
}

fn source(text: &str) -> Vec<Source> {
    vec![Source {
        file: "world.air.json".to_owned(),
        text: text.to_owned(),
    }]
}

/// A piece of text, and what takes its place.
type Edit<'e> = (&'e str, &'e str);

/// The base world with pieces of text replaced; each must be there.
fn edited(edits: &[Edit]) -> Vec<Source> {
    let mut text = BASE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the base world has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    source(&text)
}
