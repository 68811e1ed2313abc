//! Where everything of a space-time diagram is drawn: lanes beside each other, time downwards, a
//! row for each turn with its decision at the right. Lengths are in pixels of a page that is not
//! scaled.

use std::ops::Range;

use serde::Serialize;

use super::curve::{CURVE, Curve};
use crate::timeline::{self, Arrow, Bar, Place, Timeline, TimelineTurn};
use crate::turns;
use crate::why::Why;
use crate::words;
use sim_air::printable;

const ROW: usize = 26;
/// The names of the lanes.
const HEAD: usize = 34;
/// Where the lanes begin: left of them are the number and the time of a turn.
const LANES: usize = 128;
const LANE: usize = 92;
const SLOT: usize = 22;
/// From the last lane to the decisions.
const GAP: usize = 44;
/// About the width of a character.
const CHAR: usize = 7;
const DECISION_CHARS: usize = 72;
const STATE_CHARS: usize = 96;

#[derive(Serialize)]
pub(super) struct Diagram {
    width: usize,
    height: usize,
    head: usize,
    row: usize,
    /// Where decisions begin.
    words: usize,
    lanes: Vec<Lane>,
    rows: Vec<Row>,
    lines: Vec<Line>,
    bars: Vec<Drawn>,
    dots: Vec<Dot>,
    liveness: Option<usize>,
    curve: Option<Curve>,
}

#[derive(Serialize)]
struct Lane {
    x: usize,
    name: String,
}

#[derive(Serialize)]
struct Row {
    index: usize,
    /// The middle of the row.
    y: usize,
    time: String,
    decision: String,
    faults: String,
    state: String,
    violated: String,
    is_crash: bool,
}

/// An arrow.
#[derive(Serialize)]
struct Line {
    x1: usize,
    y1: usize,
    x2: usize,
    y2: usize,
    text: String,
    is_fault: bool,
    is_lost: bool,
}

/// A bar, and where something in it moved.
#[derive(Serialize)]
struct Drawn {
    x: usize,
    y: usize,
    height: usize,
    text: String,
    is_plan: bool,
    /// Where it moved.
    moves: Vec<usize>,
    /// It was there at the end.
    is_open: bool,
}

/// A mark on a lane. `look` is `changed`, `same`, `refused` or `record`.
#[derive(Serialize)]
struct Dot {
    x: usize,
    y: usize,
    look: &'static str,
    text: String,
}

/// Where the lanes are.
struct Lanes {
    reducers: usize,
    plan_slots: usize,
    timer_slots: usize,
}

impl Lanes {
    fn of(timeline: &Timeline) -> Lanes {
        let slots = |of: fn(&Place) -> Option<usize>| {
            let slots = timeline.bars.iter().filter_map(|bar| of(&bar.place));
            slots.max().map_or(1, |last| last + 1)
        };
        Lanes {
            reducers: timeline.reducers.len(),
            plan_slots: slots(|place| match place {
                Place::Plan(slot) => Some(*slot),
                _ => None,
            }),
            timer_slots: slots(|place| match place {
                Place::Timer(slot) => Some(*slot),
                _ => None,
            }),
        }
    }

    fn x(&self, place: Place) -> usize {
        let client = LANES + 24;
        let reducers = client + 74;
        let plans = reducers + self.reducers * LANE;
        let timers = plans + self.plan_slots * SLOT + 60;
        match place {
            Place::Client => client,
            Place::Reducer(index) => reducers + index * LANE,
            Place::Lost => reducers + (self.reducers - 1) * LANE + LANE / 2,
            Place::Plan(slot) => plans + slot * SLOT,
            Place::Timer(slot) => timers + slot * SLOT,
            Place::Journal => timers + self.timer_slots * SLOT + 50,
        }
    }
}

impl Diagram {
    /// With a curve beside the turns, if it is known why they fail.
    pub fn of(timeline: &Timeline, shown: Range<usize>, why: Option<&Why<'_>>) -> Diagram {
        let lanes = Lanes::of(timeline);
        let first = shown.start;
        let y = |turn: usize| HEAD + turn.saturating_sub(first) * ROW + ROW / 2;
        let turns = timeline.turns[shown.clone()].iter().enumerate();
        let rows: Vec<Row> = turns
            .map(|(at, turn)| row(timeline, first + at, turn, y(first + at)))
            .collect();
        let within = |turn: usize| shown.contains(&turn);
        let arrows = timeline.arrows.iter();
        let arrows = arrows.filter(|arrow| within(arrow.to_turn));
        let bars = timeline.bars.iter();
        let bars = bars
            .filter(|bar| bar.to_turn.is_none_or(|to| to >= first) && bar.from_turn < shown.end);
        let curve = lanes.x(Place::Journal) + GAP;
        let words = match why {
            Some(_) => curve + CURVE + GAP,
            None => curve,
        };
        let longest = rows.iter().map(Row::chars).max().unwrap_or(0);
        Diagram {
            width: words + longest * CHAR + 24,
            height: HEAD + shown.len() * ROW + 8,
            head: HEAD,
            row: ROW,
            words,
            lanes: lanes_of(timeline, &lanes),
            lines: arrows.map(|arrow| line(&lanes, arrow, &y)).collect(),
            bars: bars.map(|bar| drawn(&lanes, bar, &shown, &y)).collect(),
            dots: dots(timeline, &lanes, shown.clone(), &y),
            liveness: timeline
                .liveness_from
                .filter(|turn| within(*turn))
                .map(|turn| y(turn) - ROW / 2),
            curve: why.map(|why| Curve::of(why, &shown, curve, |taken| y(taken) - ROW / 2)),
            rows,
        }
    }
}

impl Row {
    fn chars(&self) -> usize {
        let texts = [&self.decision, &self.faults, &self.state, &self.violated];
        texts.map(|text| text.chars().count() + 2).iter().sum()
    }
}

fn lanes_of(timeline: &Timeline, lanes: &Lanes) -> Vec<Lane> {
    let mut named = vec![Lane {
        x: lanes.x(Place::Client),
        name: "client".to_owned(),
    }];
    named.extend(
        timeline
            .reducers
            .iter()
            .enumerate()
            .map(|(index, name)| Lane {
                x: lanes.x(Place::Reducer(index)),
                name: printable(&words::clip(name, 14)),
            }),
    );
    let others = [
        (Place::Plan(0), "plans"),
        (Place::Timer(0), "timers"),
        (Place::Journal, "journal"),
    ];
    named.extend(others.map(|(place, name)| Lane {
        x: lanes.x(place),
        name: name.to_owned(),
    }));
    named
}

fn row(timeline: &Timeline, index: usize, turn: &TimelineTurn, y: usize) -> Row {
    let shown = |text: &str, most| printable(&words::clip(text, most));
    let violated: Vec<&str> = timeline
        .violated_at(index)
        .map(|one| one.invariant.as_str())
        .collect();
    // What work came to is an outcome, and the decision says how a crash went.
    let told = ["work ", "crash ", "recovery "];
    let faults = turn.faults.iter();
    let faults = faults.filter(|fault| !told.iter().any(|begin| fault.starts_with(begin)));
    let mut faults: Vec<&str> = faults.map(|fault| timeline::short(fault)).collect();
    let is_crash = turn.kind == "crash";
    if is_crash {
        faults.insert(0, "crash");
    }
    let state = turns::state(turn);
    Row {
        index,
        y,
        time: turn.time.clone(),
        decision: shown(&turn.decision, DECISION_CHARS),
        faults: faults.join(", "),
        state: match state.as_str() {
            "unchanged" => String::new(),
            state => shown(state, STATE_CHARS),
        },
        violated: violated.join(", "),
        is_crash,
    }
}

fn line(lanes: &Lanes, arrow: &Arrow, y: &impl Fn(usize) -> usize) -> Line {
    let (x1, x2) = (lanes.x(arrow.from), lanes.x(arrow.to));
    Line {
        x1,
        y1: y(arrow.from_turn),
        // The head ends beside what it points at.
        x2: match x1.cmp(&x2) {
            std::cmp::Ordering::Less => x2 - 7,
            std::cmp::Ordering::Equal => x2,
            std::cmp::Ordering::Greater => x2 + 7,
        },
        y2: y(arrow.to_turn),
        text: printable(&arrow.text),
        is_fault: arrow.is_fault,
        is_lost: arrow.to == Place::Lost,
    }
}

fn drawn(lanes: &Lanes, bar: &Bar, shown: &Range<usize>, y: &impl Fn(usize) -> usize) -> Drawn {
    let last = shown.end.saturating_sub(1);
    let from = bar.from_turn.max(shown.start);
    let to = bar.to_turn.unwrap_or(last).min(last);
    Drawn {
        x: lanes.x(bar.place),
        y: y(from),
        height: y(to) - y(from),
        text: printable(&bar.text),
        is_plan: matches!(bar.place, Place::Plan(_)),
        moves: bar
            .moves
            .iter()
            .filter(|(turn, _)| shown.contains(turn))
            .map(|(turn, _)| y(*turn))
            .collect(),
        is_open: bar.to_turn.is_none(),
    }
}

fn dots(
    timeline: &Timeline,
    lanes: &Lanes,
    shown: Range<usize>,
    y: &impl Fn(usize) -> usize,
) -> Vec<Dot> {
    let mut dots = Vec::new();
    for index in shown {
        let turn = &timeline.turns[index];
        for step in &turn.steps {
            let reducer = timeline
                .reducers
                .iter()
                .position(|name| *name == step.reducer);
            let look = match (&step.refused, step.before == step.after) {
                (Some(_), _) => "refused",
                (None, true) => "same",
                (None, false) => "changed",
            };
            dots.push(Dot {
                x: lanes.x(Place::Reducer(reducer.unwrap_or(0))),
                y: y(index),
                look,
                text: String::new(),
            });
        }
        if !turn.journal.is_empty() {
            dots.push(Dot {
                x: lanes.x(Place::Journal),
                y: y(index),
                look: "record",
                text: turn.journal.len().to_string(),
            });
        }
    }
    dots
}
