//! The turns of a case as a table, each with what comes if chance takes over after it, and without
//! its decision.

use super::interval::percent;
use super::{After, Why, WhyDecision};
use crate::table::Table;
use crate::text::{Look, Text};

/// The length of a bar that stands for all continuations.
const BAR: u64 = 12;

/// What the last columns say.
pub(super) const LEGEND: &str = "without: what comes of it with the decision left out; instead: how \
    many others, possible there, keep the failure";

/// A row for the beginning, and one for each turn.
pub(super) fn table(why: &Why<'_>, width: u16) -> Text {
    let of = format!("of {} fail", why.continuations);
    let head = [
        "turn",
        "decision",
        &of,
        "95 %",
        "",
        "schedules",
        "without",
        "instead",
    ];
    let mut table = match why.counted.is_some() {
        true => Table::wrapped(head, width, &[0, 2, 3, 4, 5, 7]),
        false => {
            let [turn, decision, of, interval, bar, _, without, instead] = head;
            let head = [turn, decision, of, interval, bar, without, instead];
            Table::wrapped(head, width, &[0, 2, 3, 4, 6])
        }
    };
    for after in &why.after {
        let decision = after.taken.checked_sub(1);
        let decision = decision.and_then(|turn| why.decisions.get(turn));
        row(&mut table, why, after, decision);
    }
    table.text()
}

fn row(table: &mut Table, why: &Why<'_>, after: &After, decision: Option<&WhyDecision>) {
    let is_last = after.taken + 1 == why.after.len() && !why.is_in_liveness;
    let look = match decision {
        Some(_) if is_last => Look::Bad,
        Some(decision) if decision.can_be_changed() => Look::Faint,
        _ => Look::Plain,
    };
    let turn = match decision {
        None => "start".to_owned(),
        Some(decision) if is_last => format!(">{}", decision.turn),
        Some(decision) => decision.turn.to_string(),
    };
    let words = decision.map_or(String::new(), |it| it.decision.clone());
    let interval = format!("{}–{}", percent(after.low), percent(after.high));
    let schedules = after.schedules;
    let schedules = schedules.map(|it| format!("{} of {} fail", it.failing, it.all));
    let without = decision.map_or(String::new(), |it| it.without.clone());
    let failing = after.failing.to_string();
    let bar = bar(after.failing, why.continuations);
    let instead = decision.map_or(String::new(), instead);
    match schedules {
        Some(schedules) => {
            let cells = [
                turn, words, failing, interval, bar, schedules, without, instead,
            ];
            table.row(look, cells);
        }
        None => {
            let cells = [turn, words, failing, interval, bar, without, instead];
            table.row(look, cells);
        }
    }
}

fn instead(decision: &WhyDecision) -> String {
    match decision.instead.len() {
        0 => String::new(),
        tried => format!("{} of {tried} fail", decision.keeping()),
    }
}

/// A bar as long as the share; what is not 0 is seen.
fn bar(some: u32, all: u32) -> String {
    let length = (u64::from(some) * BAR).div_ceil(u64::from(all.max(1)));
    "█".repeat(length as usize)
}
