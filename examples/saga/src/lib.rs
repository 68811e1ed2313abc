//! An order: its stock is reserved, then it is charged, then shipped. If anything goes wrong
//! before it ships, or takes too long, it is cancelled, which undoes what was done.
//!
//! Each state asks for one piece of work, and a plan does it over HTTP. Work that failed is asked
//! for again: its answer may have got lost, so a request is always made under the same key.

#![cfg_attr(target_arch = "wasm32", no_std)]

use sdk::sys::{TIMER_SET, TimerFired, TimerSet};
use sdk::{Input, Output, Refusal};

sdk::export!(step);

/// An order that takes longer to be paid is cancelled.
pub const TIMEOUT_NS: u64 = 60_000_000_000;

/// An order that failed so often in a row before it was paid is cancelled.
pub const MOST_ATTEMPTS: u64 = 3;

sdk::variant! {
    /// `saga/Event@1`: what a client asks for, what plans answer, and the timeout.
    #[derive(Clone, Copy, Debug)]
    pub enum Event<'a> {
        Place { order_id: &'a str, amount: u64, now_ns: u64 } = "place",
        Reserved { order_id: &'a str } = "reserved",
        SoldOut { order_id: &'a str } = "sold_out",
        Charged { order_id: &'a str } = "charged",
        Declined { order_id: &'a str } = "declined",
        Shipped { order_id: &'a str } = "shipped",
        Cancelled { order_id: &'a str } = "cancelled",
        Failed { order_id: &'a str } = "failed",
        Timer(TimerFired<'a>) = "timer",
    }
}

sdk::variant! {
    /// Where an order is: what it waits for, or how it ended.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Status { Reserving, Charging, Shipping, Cancelling, Shipped, Cancelled }
}

sdk::record! {
    /// `saga/Order@1`: what is kept of an order.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Order<'a> {
        pub order_id: &'a str,
        pub amount: u64,
        pub status: Status,
        pub attempt: u64,
    }
}

sdk::record! {
    /// What starts a plan that needs to know no more than the order.
    #[derive(Debug, PartialEq)]
    pub struct Requested<'a> {
        pub order_id: &'a str,
    }
}

sdk::record! {
    /// `saga/ChargeRequested@1`: starts the plan that charges. All of it are texts.
    #[derive(Debug, PartialEq)]
    pub struct ChargeRequested<T> {
        pub order_id: T,
        pub amount: T,
        pub key: T,
    }
}

/// One step: a pure function of state and event.
pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    let before: Option<Order> = input.state()?;
    let event = input.event()?;
    let after = match (before, event) {
        (Some(order), event) => order.after(&event),
        (
            None,
            Event::Place {
                order_id,
                amount,
                now_ns,
            },
        ) => {
            let timeout = TimerSet {
                deliver_at_ns: now_ns.saturating_add(TIMEOUT_NS),
                key: Some(order_id),
            };
            output.effect(TIMER_SET, "default", &timeout);
            let status = Status::Reserving;
            Some(Order {
                order_id,
                amount,
                status,
                attempt: 1,
            })
        }
        (None, _) => None,
    };
    // What an order does not wait for comes too late, or a second time, and is ignored.
    if let Some(order) = after {
        order.request(output);
        order.assert(output);
        output.state(&order);
    }
    Ok(())
}

impl Order<'_> {
    /// The order after an event; `None` if it does not wait for that.
    fn after(self, event: &Event) -> Option<Self> {
        use Status::{Cancelled, Cancelling, Charging, Reserving, Shipped, Shipping};
        let status = match (self.status, event) {
            (Reserving, Event::Reserved { .. }) => Charging,
            (Charging, Event::Charged { .. }) => Shipping,
            (Shipping, Event::Shipped { .. }) => Shipped,
            (Cancelling, Event::Cancelled { .. }) => Cancelled,
            // Nothing has been reserved yet, or so it seems.
            (Reserving, Event::Timer(_)) if cfg!(feature = "forget-compensation") => Cancelled,
            (Reserving | Charging, Event::Timer(_)) => Cancelling,
            (Reserving, Event::SoldOut { .. }) | (Charging, Event::Declined { .. }) => Cancelling,
            (_, Event::Failed { .. }) => return self.after_failure(),
            _ => return None,
        };
        Some(Self {
            status,
            attempt: 1,
            ..self
        })
    }

    /// The order asks once more, or gives up while it can.
    fn after_failure(self) -> Option<Self> {
        let (status, attempt) = match self.status {
            Status::Shipped | Status::Cancelled => return None,
            Status::Reserving | Status::Charging if self.attempt >= MOST_ATTEMPTS => {
                (Status::Cancelling, 1)
            }
            status => (status, self.attempt.saturating_add(1)),
        };
        Some(Self {
            status,
            attempt,
            ..self
        })
    }

    /// What must be so, said where it is known best. `sim.toml` lists these messages.
    fn assert(&self, output: &mut Output) {
        let can_give_up = matches!(self.status, Status::Reserving | Status::Charging);
        let is_patient = self.attempt <= MOST_ATTEMPTS;
        output.always(
            !can_give_up || is_patient,
            "an order that can give up asks three times at most",
            &self.attempt,
        );
        output.sometimes(
            can_give_up && self.attempt == MOST_ATTEMPTS,
            "an order asks for the last time",
            self.order_id,
        );
    }

    /// Asks for the work that the order waits for now.
    fn request(&self, output: &mut Output) {
        let order_id = self.order_id;
        match self.status {
            Status::Reserving => output.event("saga/ReserveRequested@1", &Requested { order_id }),
            Status::Charging => {
                // An order is charged once, however often that is asked for.
                let charge = if cfg!(feature = "charge-twice") {
                    self.attempt
                } else {
                    1
                };
                let request = ChargeRequested {
                    order_id: format_args!("{order_id}"),
                    amount: format_args!("{}", self.amount),
                    key: format_args!("charge {charge} of {order_id}"),
                };
                output.event("saga/ChargeRequested@1", &request);
            }
            Status::Shipping => output.event("saga/ShipRequested@1", &Requested { order_id }),
            Status::Cancelling => output.event("saga/CancelRequested@1", &Requested { order_id }),
            Status::Shipped | Status::Cancelled => {}
        }
    }
}
