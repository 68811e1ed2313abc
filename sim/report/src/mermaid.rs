//! A run as a sequence diagram in [Mermaid](https://mermaid.js.org), which pull requests show:
//! lanes for clients, cells, plans, and timers and other adapters, a message for each arrow of the
//! timeline, in the turn in which it arrived.
//!
//! What comes from documents and cases is escaped: it cannot end a line, a block or the diagram.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

use crate::timeline::{Arrow, Place, Timeline, TimelineStep, TimelineTurn};
use crate::turns;
use crate::words::{self, counted};
use sim_air::printable;

/// How each diagram begins.
pub const BEGIN: &str = "sequenceDiagram";
/// The most turns that are shown: those up to the first violation, or the first ones. What shows
/// such diagrams takes 50,000 characters and 500 messages.
const MOST_TURNS: usize = 100;
/// How much is shown of a text.
const MOST_CHARS: usize = 80;
/// Behind the turn that is wrong.
const RED: &str = "rgba(255, 0, 0, 0.12)";

/// A lane, in the order in which they stand.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Client,
    /// A reducer by its id, and the key of the cell.
    Cell(usize, Option<String>),
    Plan(usize),
    Timer(usize),
    Journal,
    Lost,
}

/// The run as a diagram, which ends with a line break.
pub fn diagram(timeline: &Timeline) -> String {
    let shown = shown(timeline);
    let lanes = Lanes::of(timeline, &shown);
    let mut out = format!("{BEGIN}\n");
    for (index, name) in lanes.0.values().enumerate() {
        let _ = writeln!(out, "    participant p{index} as {}", escaped(name));
    }
    if shown.start > 0 {
        let before = counted(shown.start as u64, "turn");
        lanes.note_all(&mut out, &format!("{before} before"));
    }
    if shown.is_empty() {
        lanes.note_all(&mut out, "nothing ran");
    }
    for index in shown.clone() {
        if timeline.liveness_from == Some(index) {
            lanes.note_all(&mut out, "faults stop here");
        }
        turn(&mut out, timeline, &lanes, index);
    }
    let after = timeline.turns.len() - shown.end;
    if after > 0 {
        let after = counted(after as u64, "turn");
        lanes.note_all(&mut out, &format!("{after} more"));
    }
    out
}

fn shown(timeline: &Timeline) -> Range<usize> {
    let count = timeline.turns.len();
    let first = timeline.violations.first();
    let end = first.map_or(MOST_TURNS, |first| first.turn + 1).min(count);
    match count > MOST_TURNS {
        true => end.saturating_sub(MOST_TURNS)..end,
        false => 0..count,
    }
}

/// The lanes that are in use, and their names.
struct Lanes(BTreeMap<Lane, String>);

impl Lanes {
    fn of(timeline: &Timeline, shown: &Range<usize>) -> Lanes {
        let mut used = BTreeSet::new();
        for arrow in arrows(timeline, shown) {
            used.insert(from(timeline, arrow));
            used.extend(to(timeline, arrow));
        }
        for index in shown.clone() {
            used.extend(moved(timeline, index));
            let steps = timeline.turns[index].steps.iter();
            used.extend(steps.map(|step| cell(timeline, &step.reducer, &step.cell)));
        }
        if used.is_empty() {
            used.insert(Lane::Client);
        }
        let mut names = BTreeMap::new();
        for lane in used {
            let name = name(timeline, &lane);
            // Two slots may hold what is called the same.
            let taken = |name: &str| names.values().any(|known| known == name);
            let numbered = (2..).map(|number| format!("{name} {number}"));
            let mut candidates = std::iter::once(name.clone()).chain(numbered);
            let free = candidates.find(|candidate| !taken(candidate));
            names.insert(lane, free.unwrap_or(name));
        }
        Lanes(names)
    }

    fn id(&self, lane: &Lane) -> String {
        let place = self.0.keys().position(|known| known == lane);
        format!("p{}", place.unwrap_or(0))
    }

    fn note(&self, out: &mut String, lane: &Lane, text: &str) {
        let _ = writeln!(out, "    Note over {}: {}", self.id(lane), escaped(text));
    }

    fn note_all(&self, out: &mut String, text: &str) {
        let over = match self.0.len() {
            1 => "p0".to_owned(),
            count => format!("p0,p{}", count - 1),
        };
        let _ = writeln!(out, "    Note over {over}: {}", escaped(text));
    }
}

fn arrows<'t>(timeline: &'t Timeline, shown: &Range<usize>) -> impl Iterator<Item = &'t Arrow> {
    let arrows = timeline.arrows.iter();
    arrows.filter(move |arrow| shown.contains(&arrow.to_turn))
}

/// Where an arrow begins.
fn from(timeline: &Timeline, arrow: &Arrow) -> Lane {
    let lanes = lanes(timeline, arrow.from, arrow.from_turn);
    lanes.into_iter().next().unwrap_or(Lane::Journal)
}

/// Where it ends: in each cell that saw the event.
fn to(timeline: &Timeline, arrow: &Arrow) -> Vec<Lane> {
    lanes(timeline, arrow.to, arrow.to_turn)
}

fn lanes(timeline: &Timeline, place: Place, turn: usize) -> Vec<Lane> {
    let index = match place {
        Place::Reducer(index) => index,
        Place::Client => return vec![Lane::Client],
        Place::Plan(slot) => return vec![Lane::Plan(slot)],
        Place::Timer(slot) => return vec![Lane::Timer(slot)],
        Place::Journal => return vec![Lane::Journal],
        Place::Lost => return vec![Lane::Lost],
    };
    let name = timeline.reducers.get(index);
    let steps = timeline.turns.get(turn).map_or(&[][..], |turn| &turn.steps);
    let steps = steps.iter().filter(|step| Some(&step.reducer) == name);
    let mut lanes: Vec<Lane> = Vec::new();
    for step in steps {
        let lane = Lane::Cell(index, step.cell.clone());
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    // What came of a turn of long ago may be left out.
    if lanes.is_empty() {
        lanes.push(Lane::Cell(index, None));
    }
    lanes
}

fn cell(timeline: &Timeline, reducer: &str, key: &Option<String>) -> Lane {
    let mut reducers = timeline.reducers.iter();
    let index = reducers.position(|name| name == reducer);
    Lane::Cell(index.unwrap_or(0), key.clone())
}

fn name(timeline: &Timeline, lane: &Lane) -> String {
    let of_slot = |place: Place| {
        let bars = timeline.bars.iter().filter(|bar| bar.place == place);
        let mut kinds: Vec<&str> = Vec::new();
        for bar in bars {
            let kind = bar.text.split([' ', ',']).next().unwrap_or(&bar.text);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds.join(", ")
    };
    let name = match lane {
        Lane::Client => "client".to_owned(),
        Lane::Cell(index, key) => {
            let name = timeline.reducers.get(*index).map_or("", String::as_str);
            match key {
                Some(key) => format!("{name} {key}"),
                None => name.to_owned(),
            }
        }
        Lane::Plan(slot) => of_slot(Place::Plan(*slot)),
        Lane::Timer(slot) => of_slot(Place::Timer(*slot)),
        Lane::Journal => "journal".to_owned(),
        Lane::Lost => "lost".to_owned(),
    };
    match name.trim().is_empty() {
        true => "nameless".to_owned(),
        false => words::clip(&name, 32),
    }
}

/// The plan or timer that moved in a turn.
fn moved(timeline: &Timeline, turn: usize) -> Option<Lane> {
    let mut bars = timeline.bars.iter();
    let bar = bars.find(|bar| bar.moves.iter().any(|(at, _)| *at == turn))?;
    lanes(timeline, bar.place, turn).into_iter().next()
}

/// A turn: what arrived, what it changed, what was asked for, what is wrong.
fn turn(out: &mut String, timeline: &Timeline, lanes: &Lanes, index: usize) {
    let turn = &timeline.turns[index];
    let is_violated = timeline.violated_at(index).next().is_some();
    if is_violated {
        let _ = writeln!(out, "    rect {RED}");
    }
    let (asked, arrived): (Vec<&Arrow>, Vec<&Arrow>) =
        arrows(timeline, &(index..index + 1)).partition(|arrow| is_asked(arrow));
    let decision = format!("{index} {}", turns::decision(turn));
    match (arrived.is_empty(), moved(timeline, index)) {
        (false, _) => {}
        (true, Some(lane)) => lanes.note(out, &lane, &decision),
        (true, None) => lanes.note_all(out, &decision),
    }
    for (place, arrow) in arrived.into_iter().enumerate() {
        let mut text = match place {
            0 => decision.clone(),
            _ => arrow.text.clone(),
        };
        if arrow.from_turn < index {
            let _ = write!(text, ", sent in {}", arrow.from_turn);
        }
        message(out, timeline, lanes, (arrow, &text));
    }
    changes(out, timeline, lanes, turn);
    for arrow in asked {
        let mut bars = timeline.bars.iter();
        let bar = bars.find(|bar| bar.place == arrow.to && bar.from_turn == index);
        let text = bar.map_or(&arrow.text, |bar| &bar.text);
        message(out, timeline, lanes, (arrow, text));
    }
    for violated in timeline.violated_at(index) {
        lanes.note_all(out, &format!("violates {}", violated.invariant));
        for (what, text) in [("expected", &violated.expected), ("found", &violated.found)] {
            lanes.note_all(out, &format!("{what} {text}"));
        }
    }
    if is_violated {
        out.push_str("    end\n");
    }
}

/// What changed in each cell that saw the event.
fn changes(out: &mut String, timeline: &Timeline, lanes: &Lanes, turn: &TimelineTurn) {
    for step in &turn.steps {
        let alone = TimelineTurn {
            event: turn.event.clone(),
            steps: vec![TimelineStep {
                cell: None,
                ..step.clone()
            }],
            ..TimelineTurn::default()
        };
        let state = turns::state(&alone);
        if state != "unchanged" {
            lanes.note(out, &cell(timeline, &step.reducer, &step.cell), &state);
        }
    }
    if let Some(what) = &turn.divergence {
        lanes.note_all(out, &format!("recovery failed: {what}"));
    }
}

/// Whether it leads to a timer or another adapter, of which the decision says nothing.
fn is_asked(arrow: &Arrow) -> bool {
    matches!(arrow.to, Place::Timer(_))
}

fn message(out: &mut String, timeline: &Timeline, lanes: &Lanes, (arrow, text): (&Arrow, &str)) {
    let line = match (arrow.to, arrow.is_fault) {
        (Place::Lost, _) => "-x",
        (_, true) => "-->>",
        (_, false) => "->>",
    };
    let from = lanes.id(&from(timeline, arrow));
    for to in to(timeline, arrow) {
        let to = lanes.id(&to);
        let _ = writeln!(out, "    {from}{line}{to}: {}", escaped(text));
    }
}

/// A text as one line in which nothing means anything to Mermaid: what is no letter, digit, blank
/// or plain mark is written by its number, and so is the beginning of the word that ends a block.
fn escaped(text: &str) -> String {
    let text = printable(&words::clip(text, MOST_CHARS));
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, char) in text.char_indices() {
        let begins_end = !before.is_alphanumeric() && {
            let mut rest = text[at..].chars();
            let word: String = rest.by_ref().take(3).collect();
            word.eq_ignore_ascii_case("end") && !rest.next().is_some_and(char::is_alphanumeric)
        };
        let is_plain = char.is_alphanumeric() || " .,_()/=→…".contains(char);
        match is_plain && !begins_end {
            true => out.push(char),
            false => {
                let _ = write!(out, "#{};", u32::from(char));
            }
        }
        before = char;
    }
    out
}
