//! What a page's script shows of each turn. Texts recur from turn to turn, so each is written once
//! and named by its place.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::timeline::{Timeline, TimelineStep, TimelineTurn};
use sim_air::printable;

/// All turns. Numbers are places in `texts` wherever a text is meant.
#[derive(Serialize)]
pub(super) struct Details {
    texts: Vec<String>,
    turns: Vec<TurnDetails>,
    violations: Vec<[usize; 5]>,
}

#[derive(Serialize)]
struct TurnDetails {
    time: usize,
    decision: usize,
    faults: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<usize>,
    /// Reducer and cell, state before and after as JSON, why it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<[Option<usize>; 4]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    out: Vec<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gate: Vec<usize>,
    /// Kinds and texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    journal: Vec<[usize; 2]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flight: Vec<[usize; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    divergence: Option<usize>,
}

#[derive(Default)]
struct Pool {
    texts: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Pool {
    fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.texts.len();
        self.texts.push(printable(text));
        self.places.insert(text.to_owned(), place);
        place
    }
}

impl Details {
    pub fn of(timeline: &Timeline, shown: Range<usize>) -> Details {
        let mut pool = Pool::default();
        let turns = timeline.turns[shown.clone()].iter();
        let turns = turns.map(|turn| told(&mut pool, turn)).collect();
        let violations = timeline.violations.iter();
        let violations = violations.map(|violated| {
            [
                violated.turn.saturating_sub(shown.start),
                pool.place(&violated.invariant),
                pool.place(&violated.says),
                pool.place(&violated.expected),
                pool.place(&violated.found),
            ]
        });
        let violations = violations.collect();
        Details {
            texts: pool.texts,
            turns,
            violations,
        }
    }
}

fn told(pool: &mut Pool, turn: &TimelineTurn) -> TurnDetails {
    let event = turn.event.as_ref();
    TurnDetails {
        time: pool.place(&turn.time),
        decision: pool.place(&turn.decision),
        faults: turn.faults.iter().map(|fault| pool.place(fault)).collect(),
        event: event.map(|event| pool.place(&event.text())),
        steps: turn.steps.iter().map(|step| step_of(pool, step)).collect(),
        out: turn.out.iter().map(|out| pool.place(out)).collect(),
        gate: turn
            .gate
            .iter()
            .map(|gate| {
                let verdict = if gate.allowed { "allowed" } else { "denied" };
                pool.place(&format!(
                    "{verdict}: {} {}, asked by {}, under {}: {}",
                    gate.effect, gate.params, gate.asker, gate.grant, gate.because
                ))
            })
            .collect(),
        journal: turn
            .journal
            .iter()
            .map(|record| [pool.place(record.kind), pool.place(&record.text)])
            .collect(),
        flight: turn
            .flight
            .iter()
            .map(|held| [pool.place(held.kind), pool.place(&held.text)])
            .collect(),
        divergence: turn.divergence.as_ref().map(|what| pool.place(what)),
    }
}

fn step_of(pool: &mut Pool, step: &TimelineStep) -> [Option<usize>; 4] {
    let name = match &step.cell {
        Some(cell) => format!("{} {cell}", step.reducer),
        None => step.reducer.clone(),
    };
    let mut json = |state: &Option<serde_json::Value>| {
        let state = state.as_ref()?;
        Some(pool.place(&state.to_string()))
    };
    let (before, after) = (json(&step.before), json(&step.after));
    let refused = step.refused.as_ref().map(|why| pool.place(why));
    [Some(pool.place(&name)), before, after, refused]
}
