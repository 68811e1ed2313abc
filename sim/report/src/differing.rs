//! How two versions differ, in words: the kind, the decisions that lead there, and what each side
//! has in the turn that is not the same.

use super::paths;
use super::text::{Look, Text};
use super::words::{self, clip, counted};
use serde_json::Value as Json;
use sim_kernel::World;
use sim_model::Violation;
use sim_record::scenario::Scenario;
use sim_record::trace::{Fault, Step, Trace};
use sim_search::diff::{DifferenceKind, Outgoing, Side};

/// The most turns that are shown of a run: the last ones.
const MOST_TURNS: usize = 40;
/// And of places in a state.
const MOST_PATHS: usize = 4;
/// How much is shown of what goes out, and of a request, in characters.
const OUT_CHARS: usize = 160;
/// And of a place in a state.
const PLACE_CHARS: usize = 40;

/// A run on one side.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The world of that version.
    pub world: &'a World,
    /// What happened.
    pub trace: &'a Trace,
    /// What was violated.
    pub violations: &'a [Violation],
}

/// A kind of difference in a sentence.
pub fn kind(kind: &DifferenceKind) -> String {
    match kind {
        DifferenceKind::Possible { on, verb } => {
            let verb = verb.name();
            format!("a decision is possible in the {on} version alone: {verb}")
        }
        DifferenceKind::Refused { by, reducer } => {
            format!("the {by} version alone refuses a step of {reducer}")
        }
        DifferenceKind::Events(out) => outgoing("emits", "event", out),
        DifferenceKind::Effects(out) => outgoing("asks for", "effect", out),
        DifferenceKind::Violated { by, property } => {
            format!("the {by} version alone violates {property}")
        }
        DifferenceKind::State { reducer } => format!("only a state differs, of {reducer}"),
    }
}

fn outgoing(verb: &str, what: &str, out: &Outgoing) -> String {
    match out {
        Outgoing::More(name) => format!("the new version {verb} one {what} more: {name}"),
        Outgoing::Less(name) => format!("the new version {verb} one {what} less: {name}"),
        Outgoing::Other { old, new, fields } if old == new => {
            let fields = match fields.is_empty() {
                true => String::new(),
                false => format!(", in {}", fields.join(", ")),
            };
            format!("the new version {verb} another {what} of the same name: {new}{fields}")
        }
        Outgoing::Other { old, new, .. } => {
            format!("the new version {verb} another {what}: {new}, in place of {old}")
        }
        Outgoing::Order => format!("the new version {verb} the same {what}s in another order"),
    }
}

/// The turns of the old version up to the one that differs, and what both sides have there.
pub fn run(
    text: &mut Text,
    scenario: &Scenario,
    sides: [Shown<'_>; 2],
    at: (&DifferenceKind, usize),
) {
    let (kind, turn) = at;
    let [old, new] = sides;
    for request in &scenario.requests {
        let value = words::value_json(old.world, request.schema, &request.value);
        let event = words::event(old.world, request.schema, &value);
        text.line(format!("  {}: {}", request.name, clip(&event, OUT_CHARS)));
    }
    // Where a decision is possible on one side alone, the other may have ended before it.
    let longer = match old.trace.turns.len() > turn {
        true => old,
        false => new,
    };
    let first = (turn + 1).saturating_sub(MOST_TURNS);
    if first > 0 {
        let before = counted(first as u64, "turn");
        text.look(Look::Faint, format!("  … {before} before"));
    }
    let turns = longer.trace.turns.iter().enumerate();
    for (index, one) in turns.take(turn + 1).skip(first) {
        let decision = scenario.decision(longer.trace, &one.choice);
        let decision = words::decision(old.world, &decision, &[]);
        let time = words::time(one.at_ns);
        let (mark, look) = match index == turn {
            true => (">", Look::Bad),
            false => (" ", Look::Plain),
        };
        text.look(
            look,
            format!("{mark} turn {index}, time {time}: {decision}"),
        );
    }
    let lines = match kind {
        DifferenceKind::State { .. } => states(sides, turn),
        _ => [out(old, scenario, turn), out(new, scenario, turn)],
    };
    for (side, lines) in [Side::Old, Side::New].iter().zip(lines) {
        for line in lines {
            text.line(format!("    {side}: {}", clip(&line, OUT_CHARS)));
        }
    }
}

/// What goes out of a turn, and what is wrong with it.
fn out(of: Shown<'_>, scenario: &Scenario, turn: usize) -> Vec<String> {
    let Shown { world, trace, .. } = of;
    let Some(one) = trace.turns.get(turn) else {
        return vec!["takes no decision".to_owned()];
    };
    let mut lines = Vec::new();
    let json = |schema, value| words::value_json(world, schema, trace.bytes(value));
    for fault in trace
        .steps_of(one)
        .iter()
        .filter_map(|step| step.fault.as_deref())
    {
        lines.push(match fault {
            Fault::Stopped { brief, .. } => format!("refuses: {brief}"),
            Fault::Nonconforming { expected, found } => {
                format!("refuses: expected {expected}, found {found}")
            }
        });
    }
    for event in trace.emitted_in(&one.emitted) {
        let value = json(event.schema, event.value);
        lines.push(format!(
            "event {}",
            words::event(world, event.schema, &value)
        ));
    }
    for intent in trace.intents_in(&one.intents) {
        let effect = &world.air.effects[intent.effect.index()];
        let denied = match intent.allowed {
            true => "",
            false => ", denied",
        };
        let params = words::fields(&json(effect.params, intent.params));
        lines.push(format!("effect {} {params}{denied}", effect.kind));
    }
    for it in of.violations.iter().filter(|it| it.turn == turn) {
        let (expected, found) = (&it.expected, &it.found);
        lines.push(format!(
            "violates {}: expected {expected}, found {found}",
            it.name()
        ));
    }
    if lines.is_empty() {
        let decision = scenario.decision(trace, &one.choice);
        let decision = words::decision(world, &decision, &[]);
        lines.push(format!("nothing goes out of {decision}"));
    }
    lines
}

/// Where the first state that differs is not the same.
fn states(sides: [Shown<'_>; 2], turn: usize) -> [Vec<String>; 2] {
    let steps = sides.map(|of| {
        let turn = of.trace.turns.get(turn);
        turn.map_or(&[][..], |turn| of.trace.steps_of(turn))
    });
    let state = |of: Shown<'_>, step: &Step| {
        let schema = of.world.air.reducers[step.reducer.index()].state;
        let json = |id| words::value_json(of.world, schema, of.trace.bytes(id));
        step.after.map_or(Json::Null, json)
    };
    let [old, new] = sides;
    let mut pairs = steps[0].iter().zip(steps[1]);
    let changes = pairs.find_map(|(a, b)| {
        let (a, b) = (state(old, a), state(new, b));
        (a != b).then(|| paths::changes(&a, &b))
    });
    let changes = changes.unwrap_or_default();
    let shown = changes.iter().take(MOST_PATHS);
    let lines = shown.map(|change| {
        let of = |value: &Option<Json>| {
            let value = value.as_ref().map_or("nothing".to_owned(), Json::to_string);
            let path = match change.path.is_empty() {
                true => "the state",
                false => &change.path,
            };
            format!("{path} {}", clip(&value, PLACE_CHARS))
        };
        (of(&change.from), of(&change.to))
    });
    let (old, new) = lines.unzip();
    [old, new]
}
