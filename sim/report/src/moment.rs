//! One turn of a run, in full.

use super::paths::Change;
use super::text::{Look, Text};
use super::timeline::{Timeline, TimelineStep, TimelineTurn};
use super::words;

/// All that is known of a turn; the turn is one of the timeline's.
pub fn told(timeline: &Timeline, index: usize) -> Text {
    let turn = &timeline.turns[index];
    let mut text = Text::default();
    let last = timeline.turns.len() - 1;
    let head = format!("turn {index} of {last}   {}   {}", turn.time, turn.decision);
    text.look(Look::Head, head);
    if timeline.liveness_from.is_some_and(|from| index >= from) {
        text.look(Look::Faint, "faults have stopped");
    }
    if !turn.faults.is_empty() {
        text.look(Look::Faint, turn.faults.join(", "));
    }
    for violated in timeline.violated_at(index) {
        text.line("");
        text.look(
            Look::Bad,
            format!("VIOLATED {}: {}", violated.invariant, violated.says),
        );
        text.line(format!("  expected {}", violated.expected));
        text.line(format!("  found    {}", violated.found));
    }
    if let Some(event) = &turn.event {
        section(&mut text, "event", [event.text()]);
    }
    turn.steps.iter().for_each(|step| state(&mut text, step));
    if let Some(what) = &turn.divergence {
        text.look(Look::Bad, format!("recovery failed: {what}"));
    }
    section(&mut text, "out", turn.out.iter().cloned());
    section(&mut text, "gate", gate(turn));
    let records = turn.journal.iter();
    section(
        &mut text,
        "journal",
        records.map(|record| format!("{} {}", record.kind, record.text)),
    );
    let held = turn.flight.iter();
    section(
        &mut text,
        "in flight",
        held.map(|held| format!("{} {}", held.kind, held.text)),
    );
    text
}

fn gate(turn: &TimelineTurn) -> impl Iterator<Item = String> {
    turn.gate.iter().map(|gate| {
        let verdict = if gate.allowed { "allowed" } else { "DENIED" };
        let (effect, asker, grant) = (&gate.effect, &gate.asker, &gate.grant);
        format!("{verdict} {effect} of {asker} by {grant}: {}", gate.because)
    })
}

/// The whole state, changed fields marked with what they were.
fn state(text: &mut Text, step: &TimelineStep) {
    let cell = step
        .cell
        .as_ref()
        .map_or(String::new(), |cell| format!(" {cell}"));
    text.line("");
    text.look(Look::Head, format!("state of {}{cell}", step.reducer));
    if let Some(why) = &step.refused {
        text.look(Look::Bad, format!("  refused: {why}"));
    }
    let changes = step.changes();
    match &step.after {
        Some(serde_json::Value::Object(fields)) => {
            for (name, value) in fields {
                let mut of_field = changes
                    .iter()
                    .filter(|change| is_in(change, name))
                    .peekable();
                if of_field.peek().is_none() {
                    text.line(format!("    {name} {}", words::value(value)));
                }
                for change in of_field {
                    let Change { path, from, to } = change;
                    let to = to.as_ref().map_or("gone".to_owned(), words::value);
                    let line = match from {
                        None => format!("  + {path} {to}"),
                        Some(from) => format!("  * {path} {} → {to}", words::value(from)),
                    };
                    text.look(Look::Head, line);
                }
            }
        }
        Some(other) => text.line(format!("    {other}")),
        None => text.line("    none"),
    }
    if changes.is_empty() {
        text.look(Look::Faint, "    unchanged");
    }
}

/// Whether a change is that of a field, or lies within it.
fn is_in(change: &Change, field: &str) -> bool {
    let rest = change.path.strip_prefix(field);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn section(text: &mut Text, head: &str, lines: impl IntoIterator<Item = String>) {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_none() {
        return;
    }
    text.line("");
    text.look(Look::Head, head);
    lines.for_each(|line| text.line(format!("  {line}")));
}
