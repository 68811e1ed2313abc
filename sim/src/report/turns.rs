//! A run as a table, a row for each turn: what was decided, what came of it, what is wrong.

use serde_json::Value as Json;

use super::paths::Change;
use super::table::Table;
use super::text::{Look, Text};
use super::timeline::{Event, Step, Timeline, Turn};
use super::words;

/// How much is shown of what an event says, in characters.
const EVENT_CHARS: usize = 100;
/// And of a field of a state.
const FIELD_CHARS: usize = 48;

/// The width of a table where no terminal says otherwise, in columns of characters.
pub const DEFAULT_WIDTH: u16 = 120;

/// The turns from one on. Those that violate something are marked and say what.
pub fn turns(timeline: &Timeline, from: usize, width: u16) -> Text {
    let is_violated = !timeline.violations.is_empty();
    let head = [
        "turn", "time", "decision", "event", "state", "out", "verdict",
    ];
    let mut table = match is_violated {
        true => Table::wrapped(head, width, &[0, 1, 6]),
        false => {
            let [turn, time, decision, event, state, out, _] = head;
            Table::wrapped([turn, time, decision, event, state, out], width, &[0, 1])
        }
    };
    for (index, turn) in timeline.turns.iter().enumerate().skip(from) {
        if timeline.healing_from == Some(index) {
            let head = ["--", "", "faults stop here", "", "", "", ""].map(str::to_owned);
            row(&mut table, is_violated, Look::Faint, head);
        }
        let violated: Vec<&str> = timeline
            .violated_at(index)
            .map(|one| one.invariant)
            .collect();
        let (look, mark) = match violated.is_empty() {
            true => (Look::Plain, ""),
            false => (Look::Bad, ">"),
        };
        let cells = [
            format!("{mark}{index}"),
            turn.time.clone(),
            decision(turn),
            event(turn),
            state(turn),
            turn.out.join("; "),
            violated.join("\n"),
        ];
        row(&mut table, is_violated, look, cells);
    }
    table.text()
}

fn row(table: &mut Table, with_verdict: bool, look: Look, cells: [String; 7]) {
    match with_verdict {
        true => table.row(look, cells),
        false => {
            let [turn, time, decision, event, state, out, _] = cells;
            table.row(look, [turn, time, decision, event, state, out]);
        }
    }
}

/// The decision, and what is odd about it that its own words do not say.
fn decision(turn: &Turn) -> String {
    let odd: Vec<&str> = turn.oddities().collect();
    match odd.is_empty() {
        true => turn.decision.clone(),
        false => format!("{} ({})", turn.decision, odd.join(", ")),
    }
}

fn event(turn: &Turn) -> String {
    let brief = turn.event.as_ref().map_or("", |event| &event.brief);
    words::clip(brief, EVENT_CHARS)
}

/// What changed in the states of the cells that saw the event. Of a new state, what the event does
/// not say itself.
pub fn state(turn: &Turn) -> String {
    let many = turn.steps.len() > 1;
    let steps = turn.steps.iter().map(|step| {
        let change = changes(step, turn.event.as_ref());
        let name = match &step.cell {
            Some(cell) => format!("{} {cell}: ", step.reducer),
            None if many => format!("{}: ", step.reducer),
            None => String::new(),
        };
        name + &change
    });
    let failed = turn.divergence.iter();
    let failed = failed.map(|what| format!("recovery failed: {what}"));
    steps.chain(failed).collect::<Vec<_>>().join("; ")
}

fn changes(step: &Step, event: Option<&Event>) -> String {
    if let Some(why) = &step.refused {
        return format!("refused: {why}");
    }
    let changes = step.changes();
    if changes.is_empty() {
        return "unchanged".to_owned();
    }
    let is_told = |change: &&Change| match (step.before.is_none(), &change.to, event) {
        (true, Some(to), Some(event)) => event.says(&change.path, to),
        _ => false,
    };
    let told = changes.iter().filter(|change| !is_told(change));
    let told: Vec<String> = told.map(change).collect();
    match step.before {
        None => format!("new: {}", told.join(", ")),
        Some(_) => told.join(", "),
    }
}

fn change(change: &Change) -> String {
    let json = |value: &Json| words::clip(&value.to_string(), FIELD_CHARS);
    let text = match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{} → {}", json(from), json(to)),
        (None, Some(to)) => json(to),
        (_, None) => "gone".to_owned(),
    };
    match change.path.is_empty() {
        true => text,
        false => format!("{} {text}", change.path),
    }
}
