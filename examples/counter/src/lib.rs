//! A counter that stops at a limit, and says so once.

#![cfg_attr(target_arch = "wasm32", no_std)]

use sdk::{Input, Output, Refusal};

sdk::export!(step);

/// The most that is counted.
pub const LIMIT: u64 = 100;

sdk::variant! {
    /// `counter/Event@1`: what a client may ask for.
    #[derive(Debug)]
    pub enum Event {
        Increment { by: u64 } = "increment",
        Reset {} = "reset",
    }
}

sdk::record! {
    /// `counter/State@1`: what is kept from step to step.
    #[derive(Debug, Default, PartialEq)]
    pub struct State {
        pub total: u64,
    }
}

sdk::record! {
    /// `counter/LimitReached@1`: what others hear.
    #[derive(Debug, PartialEq)]
    pub struct LimitReached {
        pub limit: u64,
    }
}

/// One step: a pure function of state and event.
pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    let before: State = input.state()?.unwrap_or_default();
    let total = match input.event()? {
        Event::Increment { by } => before.total.saturating_add(by).min(LIMIT),
        Event::Reset {} => 0,
    };
    if total == LIMIT && before.total < LIMIT {
        output.event("counter/LimitReached@1", &LimitReached { limit: LIMIT });
    }
    output.state(&State { total });
    Ok(())
}
