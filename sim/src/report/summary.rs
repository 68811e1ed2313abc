//! What a campaign saw, in figures. Says nothing of time: it is the same for any number of jobs.

use super::table::Table;
use super::text::{Look, Text};
use crate::campaign::{FAULTS, SEEDS_FOR_GOALS, Summary};
use crate::invariants::{self, GOALS};
use crate::scenario::Decision;
use crate::world::World;

/// The figures of a campaign. `retry` says that the world is that of the retry machine.
pub fn summary(world: &World, retry: bool, summary: &Summary) -> Text {
    let mut text = Text::default();
    let reducers = world.air.reducers.iter();
    let names: Vec<&str> = reducers.map(|reducer| reducer.name.as_str()).collect();
    text.line(format!(
        "{} seeds, {} turns, {} steps through {}",
        summary.seeds,
        summary.turns,
        summary.steps,
        names.join(", ")
    ));
    if summary.bounded_runs > 0 {
        let runs = summary.bounded_runs;
        text.line(format!("{runs} runs ended at a bound, not by themselves"));
    }
    text.line("");
    counts(
        &mut text,
        "decisions",
        Decision::KINDS.iter().copied().zip(summary.decisions),
    );
    counts(
        &mut text,
        "faults",
        FAULTS.iter().copied().zip(summary.faults),
    );
    text.append(invariants_of(retry, summary));
    text.line("");
    if retry {
        let names = GOALS.iter().map(|(name, _)| *name);
        counts(&mut text, "goals", names.zip(summary.goals));
        if summary.seeds < SEEDS_FOR_GOALS {
            let asked =
                format!("(goals are asked of campaigns of {SEEDS_FOR_GOALS} seeds or more)");
            text.look(Look::Faint, asked);
        }
    }
    text.look(Look::Faint, format!("digest {}", summary.digest));
    text
}

fn invariants_of(retry: bool, summary: &Summary) -> Text {
    let head = ["invariant", "holds", "not applicable", "violated"];
    let mut table = Table::new(head).align_right(&[1, 2, 3]);
    for (index, invariant) in invariants::ALL.iter().enumerate() {
        if retry || !invariant.retry_only {
            let violated = summary.violated[index];
            let look = if violated > 0 { Look::Bad } else { Look::Plain };
            let cells = [
                invariant.name.to_owned(),
                summary.holds[index].to_string(),
                summary.not_applicable[index].to_string(),
                violated.to_string(),
            ];
            table.row(look, cells);
        }
    }
    table.text()
}

fn counts<'a>(text: &mut Text, head: &str, pairs: impl Iterator<Item = (&'a str, u64)>) {
    text.look(Look::Head, head);
    let mut table = Table::new(["", ""]).align_right(&[1]);
    for (name, count) in pairs {
        table.row(Look::Plain, [format!("  {name}"), count.to_string()]);
    }
    text.append(table.body());
    text.line("");
}
