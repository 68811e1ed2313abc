//! A ticket that a buyer holds for a while. If it is paid in time it is sold, otherwise freed.

#![cfg_attr(target_arch = "wasm32", no_std)]

use sdk::sys::{TIMER_SET, TimerFired, TimerSet};
use sdk::{Input, Output, Refusal};

sdk::export!(step);

/// How long a ticket is held.
pub const HELD_NS: u64 = 600_000_000_000;

sdk::variant! {
    /// `ticket/Event@1`: requests of buyers, and the timer.
    #[derive(Debug)]
    pub enum Event<'a> {
        Hold { ticket: &'a str, buyer: &'a str, now_ns: u64 } = "hold",
        Pay { ticket: &'a str, buyer: &'a str } = "pay",
        Cancel { ticket: &'a str, buyer: &'a str } = "cancel",
        Timer(TimerFired<'a>) = "timer",
    }
}

sdk::record! {
    /// `ticket/State@1`. A ticket that nobody holds has no state.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct State<'a> {
        pub buyer: &'a str,
        pub until_ns: u64,
        pub paid: bool,
    }
}

sdk::record! {
    /// `ticket/Sold@1`: emitted when a ticket is paid.
    #[derive(Debug, PartialEq)]
    pub struct Sold<'a> {
        pub ticket: &'a str,
        pub buyer: &'a str,
    }
}

/// One step, a pure function of state and event. A step without output keeps the state.
pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    let before: Option<State> = input.state()?;
    let held = before.filter(|state| !state.paid);
    let held_by = |buyer: &str| held.filter(|state| state.buyer == buyer);
    match input.event()? {
        Event::Hold {
            ticket,
            buyer,
            now_ns,
        } if before.is_none() => {
            let until_ns = now_ns.saturating_add(HELD_NS);
            output.state(&State {
                buyer,
                until_ns,
                paid: false,
            });
            set_timer(output, until_ns, Some(ticket));
        }
        Event::Pay { ticket, buyer } => {
            if let Some(state) = held_by(buyer) {
                output.state(&State {
                    paid: true,
                    ..state
                });
                output.event("ticket/Sold@1", &Sold { ticket, buyer });
            }
        }
        Event::Cancel { buyer, .. } if held_by(buyer).is_some() => output.delete_state(),
        Event::Timer(fired) => {
            if let Some(state) = held {
                on_timer(&state, &fired, output);
            }
        }
        _ => {}
    }
    Ok(())
}

/// A timer may fire early, late, twice, or for an earlier hold. Only the one of this hold counts,
/// and if it fired early or failed it is set again.
fn on_timer(held: &State, fired: &TimerFired, output: &mut Output) {
    let due = fired.requested.deliver_at_ns;
    if due != held.until_ns {
        return;
    }
    match fired.status == "ok" && fired.receipt.delivered_at_ns >= due {
        true => output.delete_state(),
        false => set_timer(output, due, fired.requested.key),
    }
}

fn set_timer(output: &mut Output, deliver_at_ns: u64, key: Option<&str>) {
    output.effect(TIMER_SET, "default", &TimerSet { deliver_at_ns, key });
}

#[cfg(test)]
mod tests {
    use sdk::testing::first;

    use super::*;

    #[test]
    fn what_is_held_can_be_bought_once() -> Result<(), Refusal> {
        let (ticket, buyer) = ("a1", "ann");
        let held = first(&Event::Hold {
            ticket,
            buyer,
            now_ns: 0,
        })
        .step(step)?;
        assert_eq!(held.effects[0].kind, TIMER_SET);
        let sold = held.then(&Event::Pay { ticket, buyer }).step(step)?;
        assert_eq!(sold.events[0].value(), Ok(Sold { ticket, buyer }));
        let again = sold.then(&Event::Pay { ticket, buyer }).step(step)?;
        assert!(again.is_ignored());
        Ok(())
    }
}
