//! A run as a table, a row for each turn: what was decided, what came of it, what is wrong.

use std::ops::Range;

use serde_json::Value as Json;

use super::marked;
use super::paths::Change;
use super::table::{Lines, Table};
use super::text::{Look, Text};
use super::timeline::{Timeline, TimelineEvent, TimelineStep, TimelineTurn};
use super::words::{self, counted};

/// How much is shown of what an event says, in characters.
const EVENT_CHARS: usize = 100;
/// And of a field of a state.
const FIELD_CHARS: usize = 48;

/// The width of a table where no terminal says otherwise, in columns of characters.
pub const DEFAULT_WIDTH: u16 = 120;

/// Which turns of a run are shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Rows {
    /// All of a run that is not long; of a long one its beginning, its end, and the turns before
    /// a violation.
    #[default]
    Telling,
    /// Every turn.
    All,
    /// So many at the end.
    Last(usize),
    /// Those about a turn: so many before it, and after it.
    Around {
        /// The one in the middle.
        turn: usize,
        /// How many before it, and after it.
        context: usize,
    },
}

impl Rows {
    /// The most turns of a run that is shown whole.
    pub const MOST: usize = 300;
    /// Of a longer one, so many at its beginning and at its end, and before a violation.
    const AT_ENDS: usize = 50;

    /// The turns of such a run, as parts that do not touch.
    fn of(self, timeline: &Timeline) -> Vec<Range<usize>> {
        let count = timeline.turns.len();
        let one = |part: Range<usize>| [part, 0..0, 0..0];
        let parts = match self {
            Rows::Telling if count > Rows::MOST => {
                let first = timeline.violations.first();
                let violated = first.map_or(0..0, |first| {
                    first.turn.saturating_sub(Rows::AT_ENDS)..first.turn + 1
                });
                [0..Rows::AT_ENDS, violated, count - Rows::AT_ENDS..count]
            }
            Rows::Telling | Rows::All => one(0..count),
            Rows::Last(most) => one(count.saturating_sub(most)..count),
            Rows::Around { turn, context } => {
                let end = turn.saturating_add(context).saturating_add(1);
                one(turn.saturating_sub(context)..end)
            }
        };
        let mut apart: Vec<Range<usize>> = Vec::new();
        for part in parts {
            let part = part.start.min(count)..part.end.min(count);
            if part.is_empty() {
                continue;
            }
            match apart.last_mut().filter(|last| last.end >= part.start) {
                Some(last) => last.end = last.end.max(part.end),
                None => apart.push(part),
            }
        }
        apart
    }
}

/// The turns from one on. Those that violate something are marked and say what.
pub fn turns(timeline: &Timeline, from: usize, width: u16) -> Text {
    let all = from..timeline.turns.len();
    parts(timeline, std::slice::from_ref(&all), width).text()
}

/// Some of the turns, and how many are left out.
pub fn rows(timeline: &Timeline, rows: Rows, width: u16) -> Text {
    let shown = rows.of(timeline);
    let mut text = parts(timeline, &shown, width).text();
    let count = timeline.turns.len();
    let left_out = count - shown.iter().map(Range::len).sum::<usize>();
    if left_out > 0 {
        let hint = match rows {
            Rows::Telling => ": --all shows them, --around TURN those about one",
            _ => "",
        };
        let left_out = format!(
            "{left_out} of {} left out{hint}",
            counted(count as u64, "turn")
        );
        text.look(Look::Faint, left_out);
    }
    text
}

/// These turns, with a line between two parts.
fn parts(timeline: &Timeline, shown: &[Range<usize>], width: u16) -> Table {
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
    for (index, part) in shown.iter().enumerate() {
        if index > 0 {
            let left_out = part.start - shown[index - 1].end;
            let left_out = format!("{} left out", counted(left_out as u64, "turn"));
            between(&mut table, is_violated, ("…", left_out));
        }
        for index in part.clone() {
            if timeline.liveness_from == Some(index) {
                let says = "faults stop here".to_owned();
                between(&mut table, is_violated, ("--", says));
            }
            turn_row(&mut table, timeline, index);
        }
    }
    table
}

fn turn_row(table: &mut Table, timeline: &Timeline, index: usize) {
    let turn = &timeline.turns[index];
    let violated: Vec<&str> = timeline
        .violated_at(index)
        .map(|one| one.invariant.as_str())
        .collect();
    let (look, mark) = match violated.is_empty() {
        true => (Look::Plain, ""),
        false => (Look::Bad, ">"),
    };
    let cells = [
        format!("{mark}{index}").into(),
        turn.time.clone().into(),
        decision(turn).into(),
        event(turn).into(),
        state(turn).into(),
        turn.out.join("; ").into(),
        violated.into(),
    ];
    row(table, !timeline.violations.is_empty(), look, cells);
}

/// A row that is no turn.
fn between(table: &mut Table, with_verdict: bool, (mark, says): (&str, String)) {
    let cells = [mark, "", &says, "", "", "", ""];
    let cells = cells.map(|cell| Lines::from(cell.to_owned()));
    row(table, with_verdict, Look::Faint, cells);
}

fn row(table: &mut Table, with_verdict: bool, look: Look, cells: [Lines; 7]) {
    match with_verdict {
        true => table.row(look, cells),
        false => {
            let [turn, time, decision, event, state, out, _] = cells;
            table.row(look, [turn, time, decision, event, state, out]);
        }
    }
}

/// The decision, and what is odd about it that its own words do not say.
pub fn decision(turn: &TimelineTurn) -> String {
    let odd: Vec<&str> = turn.oddities().collect();
    match odd.is_empty() {
        true => turn.decision.clone(),
        false => format!("{} ({})", turn.decision, odd.join(", ")),
    }
}

fn event(turn: &TimelineTurn) -> String {
    let Some(event) = &turn.event else {
        return String::new();
    };
    words::clip(&event.brief, EVENT_CHARS + marked::room(&event.any))
}

/// What changed in the states of the cells that saw the event. Of a new state, what the event does
/// not say itself.
pub fn state(turn: &TimelineTurn) -> String {
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

fn changes(step: &TimelineStep, event: Option<&TimelineEvent>) -> String {
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
    let json = |value: &Json| words::clip(&words::value(value), FIELD_CHARS);
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
