//! `cargo fuzz run wasm_modules`: wasm binaries of every kind, loaded and stepped as reducers.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use sim_fuzz::glue::or_exit;
use sim_fuzz::seeds;
use sim_fuzz::wasm_modules::{self, Subject, make::Maker};

thread_local! {
    static MAKER: Maker = or_exit(Maker::new());
}

fuzz_target!(
    init: or_exit(seeds::sow(std::env::args_os(), wasm_modules::seeds)),
    |data: &[u8]| -> Corpus {
        MAKER.with(|maker| match maker.wasm(data) {
            None => Corpus::Reject,
            Some(wasm) => match wasm_modules::run(&wasm, &Subject::SHIPPED) {
                Ok(_) => Corpus::Keep,
                Err(broken) => panic!("{broken:#}"),
            },
        })
    }
);
