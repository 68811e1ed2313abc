//! What a step costs, in fuel: what the kernel writes is read in a straight line, and not by the
//! general reader, which would give the same answer for more.

use libtest_mimic::Trial;
use sim::host::{Code, Limits, Output, default_cache_dir};

use super::inputs::{ArgumentBytes, err, ok, start, timer, usual, waiting, working};
use super::trial;

pub fn trials() -> Vec<Trial> {
    vec![trial(
        "cost",
        "usual_inputs_cost_little",
        usual_inputs_cost_little,
    )]
}

/// The engine looks at the fuel where a loop or a function begins, the last time when the dearest
/// of these steps has spent 1,000; in the general reader the cheapest has spent 7,400.
const FUEL: u64 = 1_500;

fn usual_inputs_cost_little() {
    let (working, waiting) = (working(), waiting());
    let inputs = [
        ("a start", usual(None, start(&working))),
        ("a second start", usual(Some(&working), start(&working))),
        ("an ok", usual(Some(&working), ok("req-123"))),
        ("a spurious ok", usual(Some(&working), ok("stranger"))),
        ("an err", usual(Some(&working), err("req-123"))),
        ("a spurious err", usual(Some(&waiting), err("req-123"))),
        (
            "a timer",
            usual(Some(&waiting), timer(11_000_000, "req-123")),
        ),
        (
            "a spurious timer",
            usual(Some(&waiting), timer(1, "req-123")),
        ),
    ];
    for (name, input) in inputs {
        assert!(passes(&input.encode(), FUEL), "{name}");
        // Longer heads are as valid, and not usual: what is asked above can be missed.
        let unusual = input.encode_wide(ArgumentBytes(1));
        assert!(!passes(&unusual, FUEL), "{name}, unusual");
        let enough = Limits::default().fuel_per_step;
        assert!(passes(&unusual, enough), "{name}, unusual, with enough");
    }
}

/// Whether a step needs no more fuel.
fn passes(input: &[u8], fuel_per_step: u64) -> bool {
    let limits = Limits {
        fuel_per_step,
        ..Limits::default()
    };
    let code = Code::load(retry_world::WASM, limits, default_cache_dir().as_deref());
    let code = code.expect("it takes no fuel to make an instance");
    let mut instance = code.instance().expect("there is room for an instance");
    instance.step_encoded(input, &mut Output::default()).is_ok()
}
