//! What a campaign saw, in figures. Says nothing of time: it is the same for any number of jobs.

use super::table::Table;
use super::text::{Look, Text};
use super::words::counted;
use sim_kernel::{World, local_name};
use sim_model::{Asked, OF_ANY_WORLD};
use sim_record::scenario::Verb;
use sim_search::campaign::{Sometimes, Summary};

/// Goals that were reached are told one by one if there are no more than so many.
const FEW_GOALS: usize = 60;

/// The figures of a campaign.
pub fn summary(world: &World, summary: &Summary) -> Text {
    let mut text = Text::default();
    let reducers = world.air.reducers.iter();
    let names: Vec<&str> = reducers.map(|reducer| reducer.name.as_str()).collect();
    text.line(format!(
        "{}, {}, {} through {}",
        counted(summary.seeds, "seed"),
        counted(summary.turns, "turn"),
        counted(summary.steps, "step"),
        names.join(", ")
    ));
    match summary.bounded_runs {
        0 => {}
        1 => text.line("1 run ended at a bound, not by itself"),
        runs => text.line(format!("{runs} runs ended at a bound, not by themselves")),
    }
    text.line("");
    counts(
        &mut text,
        "decisions",
        Verb::ALL.map(Verb::name).into_iter().zip(summary.decisions),
    );
    counts(
        &mut text,
        "faults",
        summary.faults.iter().map(|(name, count)| (&**name, *count)),
    );
    text.append(invariants_of(summary));
    if !summary.has_model() {
        text.line(OF_ANY_WORLD);
    }
    text.line("");
    text.append(goals(summary));
    for (reducer, what) in &summary.leaks {
        let name = &world.air.reducers[reducer.index()].name;
        text.line(format!(
            "advice: {name} loses memory: {what}; a fresh one takes its place in time \
             (--leaks deny makes it a violation)"
        ));
    }
    text.append(needless(world, summary));
    text.look(Look::Faint, format!("digest {}", summary.digest));
    text
}

/// Declarations that something is meant never to happen, which happened.
fn needless(world: &World, summary: &Summary) -> Text {
    let mut text = Text::default();
    let mut tell = |what: &str, name: &str, goals: &str| {
        let of = summary.sometimes.iter().filter(|one| {
            let rest = one.property.name.strip_prefix(goals);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        });
        let least = of.map(|one| one.runs).min().unwrap_or(0);
        if least > 0 {
            let runs = counted(least, "run");
            text.line(format!(
                "note: --expect {what}={name} never came true: {goals} in {runs}"
            ));
        }
    };
    for plan in &world.air.plans {
        if world.expected.unstarted(&plan.name) {
            let name = local_name(&plan.name);
            tell("unstarted", name, &format!("started {name}"));
        }
    }
    for arm in world.arms.all() {
        let label = arm.label(&world.air);
        if world.expected.unaccepted(label) {
            let of = world.arms.name(&world.air, arm);
            tell("unaccepted", label, &format!("accepted {of}"));
        }
    }
    text
}

fn invariants_of(summary: &Summary) -> Text {
    let head = ["invariant", "holds", "not applicable", "violated"];
    let mut table = Table::new(head).align_right(&[1, 2, 3]);
    for one in &summary.judged {
        let look = match one.violated {
            0 => Look::Plain,
            _ => Look::Bad,
        };
        let cells = [
            one.property.name.to_string(),
            one.holds.to_string(),
            one.not_applicable.to_string(),
            one.violated.to_string(),
        ];
        table.row(look, cells);
    }
    table.text()
}

/// What was reached, and what never was. Beside the goals of a model, of those of the documents
/// only what was never reached is told one by one.
fn goals(summary: &Summary) -> Text {
    let mut text = Text::default();
    let all = summary.sometimes.iter();
    let (model, told): (Vec<_>, Vec<_>) = all.partition(|one| one.property.is_of_model);
    let line = |one: &&Sometimes| (one.property.name.clone(), one.runs);
    if !model.is_empty() {
        counts(&mut text, "goals", model.iter().map(line));
    }
    let reached = told.iter().filter(|one| one.runs > 0);
    let (reached, all) = (reached.count(), told.len());
    let head = format!("goals of the documents: {reached} of {all} reached");
    if model.is_empty() && all <= FEW_GOALS {
        counts(&mut text, &head, told.iter().map(line));
    } else {
        text.look(Look::Head, head);
        let never = told.iter().filter(|one| one.runs == 0);
        for one in never {
            text.line(format!("  never: {}", one.property.says));
        }
        text.line("");
    }
    let not_yet = summary.sometimes.iter().filter_map(|one| match one.asked {
        Asked::From(least) if summary.seeds < least => Some(least),
        _ => None,
    });
    if let Some(least) = not_yet.max() {
        let asked = format!("(some goals are asked only of campaigns of {least} seeds or more)");
        text.look(Look::Faint, asked);
    }
    text
}

fn counts<N: std::fmt::Display>(
    text: &mut Text,
    head: &str,
    pairs: impl Iterator<Item = (N, u64)>,
) {
    text.look(Look::Head, head);
    let mut table = Table::new(["", ""]).align_right(&[1]);
    for (name, count) in pairs {
        table.row(Look::Plain, [format!("  {name}"), count.to_string()]);
    }
    text.append(table.body());
    text.line("");
}
