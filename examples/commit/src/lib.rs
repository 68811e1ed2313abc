//! Two-phase commit. A transaction has two branches, and either both commit or both abort.
//!
//! One wasm holds both reducers. The schema of an event says which of them takes the step.

#![cfg_attr(target_arch = "wasm32", no_std)]

pub mod coordinator;
pub mod participant;

use sdk::sys::{TIMER_SET, TimerFired, TimerSet};
use sdk::{Input, Output, Refusal};

sdk::export!(step);

sdk::record! {
    /// `commit/Prepare@1`: the coordinator asks a branch whether it can commit.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Prepare<'a> {
        pub tx: &'a str,
        pub branch: &'a str,
        pub until_ns: u64,
    }
}

sdk::record! {
    /// `commit/Voted@1`: the branch answers. After a yes it must be able to commit and to abort.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Voted<'a> {
        pub tx: &'a str,
        pub branch: &'a str,
        pub yes: bool,
    }
}

sdk::record! {
    /// `commit/Decided@1`: the coordinator tells a branch its decision.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Decided<'a> {
        pub tx: &'a str,
        pub branch: &'a str,
        pub commit: bool,
    }
}

/// One step of either reducer, a pure function of state and event.
pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    match input.schema() {
        coordinator::EVENT => coordinator::step(input, output),
        participant::EVENT => participant::step(input, output),
        _ => Err(Refusal::because("the schema is of neither reducer")),
    }
}

/// Whether the timer that was set for a deadline has fired, at that time or later. If it fired
/// early or failed, it is set again. Other timers are ignored.
fn is_over(fired: &TimerFired, until_ns: u64, output: &mut Output) -> bool {
    if fired.requested.deliver_at_ns != until_ns {
        return false;
    }
    let is_over = fired.status == "ok" && fired.receipt.delivered_at_ns >= until_ns;
    if !is_over {
        output.effect(TIMER_SET, "default", &fired.requested);
    }
    is_over
}

fn set_timer(output: &mut Output, deliver_at_ns: u64, key: &str) {
    let key = Some(key);
    output.effect(TIMER_SET, "default", &TimerSet { deliver_at_ns, key });
}
