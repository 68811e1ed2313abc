//! How fast steps are, each rate beside those that it should be judged by.
//!
//! The unit is the step, one event through the reducer, and what is compared takes the same steps.
//! On a machine that others use too, rates of one minute are not those of the next, so what is
//! compared is measured in turns, for many rounds: the ratio is the median of the rounds' ratios,
//! and the rate beside it that of the best round. That is why the rounds are our own: the libraries
//! for benchmarks measure one thing for seconds before they turn to the next, and on such a machine
//! gave one ratio anything between 0.24 and 0.51.
//!
//! `cargo bench -p sim` measures all, in a minute or two; `cargo bench -p sim -- steps jobs` only
//! these parts.

mod growth;
#[path = "../../tests/support/guest.rs"]
mod guest;
mod leaks;
mod null;
mod parallel;
mod raw;
mod rounds;
mod start;
mod steps;
mod subject;

use std::process::ExitCode;

use subject::Subject;

/// A name, and what measures and prints.
type Part = (&'static str, fn(&Subject));

/// That which looks at the peak of memory is the first, for others need more.
const PARTS: [Part; 6] = [
    ("growth", growth::measure),
    ("steps", steps::measure),
    ("limits", raw::measure),
    ("jobs", parallel::measure),
    ("leaks", leaks::measure),
    ("start", start::measure),
];

fn main() -> ExitCode {
    // Cargo says `--bench`.
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let names = PARTS.map(|(name, _)| name);
    if let Some(unknown) = asked.iter().find(|name| !names.contains(&name.as_str())) {
        eprintln!("no part `{unknown}`; there are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let subject = Subject::retry();
    for (name, measure) in PARTS {
        if asked.is_empty() || asked.iter().any(|wanted| wanted == name) {
            measure(&subject);
            println!();
        }
    }
    ExitCode::SUCCESS
}
