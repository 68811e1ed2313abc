//! What is in flight after a turn, in words.

use super::Held;
use crate::words;
use sim_record::scenario::ItemName;
use sim_record::trace::{Item, Trace};
use sim_simulator::{Flight, InFlight, item};

/// So many things of each kind are shown.
const MOST_HELD: usize = 32;

pub(super) fn name(trace: &Trace, item: &Item) -> ItemName {
    ItemName {
        label: trace.text(item.label).to_owned(),
        correlation: item.correlation.map(|name| trace.text(name).to_owned()),
        nth: item.nth,
    }
}

pub(super) fn name_of<T>(trace: &Trace, list: &[InFlight<T>], index: usize) -> String {
    name(trace, &item(list, index)).to_string()
}

/// What is in flight, in words: as much as anyone would read.
pub(super) fn held(trace: &Trace, flight: &Flight) -> Vec<Held> {
    let Flight {
        messages,
        dropped,
        timers,
        pending,
        plans,
        ..
    } = flight;
    let mut held = Vec::new();
    for (index, message) in messages.iter().enumerate().take(MOST_HELD) {
        let copy = if message.body.copy { ", a copy" } else { "" };
        held.push(("message", name_of(trace, messages, index) + copy));
    }
    for index in 0..dropped.len().min(MOST_HELD) {
        held.push(("dropped", name_of(trace, dropped, index)));
    }
    for (index, timer) in timers.iter().enumerate().take(MOST_HELD) {
        let name = name_of(trace, timers, index);
        let again = if timer.body.copy { ", again" } else { "" };
        let due = words::time(timer.due_ns);
        held.push(("timer", format!("{name}, due {due}{again}")));
    }
    for (index, pending) in pending.iter().enumerate().take(MOST_HELD) {
        let silent = if pending.body.silent { ", silent" } else { "" };
        held.push(("effect", name_of(trace, &flight.pending, index) + silent));
    }
    for (index, plan) in plans.iter().enumerate().take(MOST_HELD) {
        let stands = match plan.body.next_step {
            _ if plan.body.silent => ", silent",
            None => ", waits",
            Some(_) => "",
        };
        held.push(("plan", name_of(trace, plans, index) + stands));
    }
    let further = flight.count() - held.len();
    if further > 0 {
        held.push(("and", format!("{further} more")));
    }
    let held = held.into_iter();
    held.map(|(kind, text)| Held { kind, text }).collect()
}
