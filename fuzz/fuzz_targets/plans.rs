//! `cargo fuzz run plans`: expressions and plans, held against a reference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sim_fuzz::glue::or_exit;
use sim_fuzz::{plans, seeds};

fn sow() -> anyhow::Result<()> {
    seeds::sow(std::env::args_os(), plans::seeds)
}

// The counters of this binary stay as they are: here the host is what is to be explored.
fuzz_target!(init: or_exit(sow()), |data: &[u8]| {
    plans::run(data);
});
