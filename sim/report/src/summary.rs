//! What a campaign saw, in figures. Says nothing of time: it is the same for any number of jobs.

use super::table::Table;
use super::text::{Look, Text};
use super::words::counted;
use sim_kernel::{World, local_name};
use sim_model::invariants::{self, Asked, Goal};
use sim_record::scenario::Verb;
use sim_search::campaign::{FAULTS, Summary};

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
        FAULTS.iter().copied().zip(summary.faults),
    );
    text.append(invariants_of(summary));
    if !invariants::have_model(&summary.judged_by) {
        text.line(invariants::OF_ANY_WORLD);
    }
    text.line("");
    text.append(goals(summary));
    for (reducer, what) in &summary.leaks {
        let name = &world.air.reducers[reducer.index()].name;
        text.line(format!(
            "advice: {name} loses memory: {what}; a fresh one takes its place in time (--leaks deny \
             makes it a violation)"
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
        let of = summary.goals.iter().filter(|(goal, _)| {
            let rest = goal.name.strip_prefix(goals);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        });
        let least = of.map(|(_, count)| *count).min().unwrap_or(0);
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
    for &index in &summary.judged_by {
        let violated = summary.violated[index];
        let look = if violated > 0 { Look::Bad } else { Look::Plain };
        let cells = [
            invariants::ALL[index].name.to_owned(),
            summary.holds[index].to_string(),
            summary.not_applicable[index].to_string(),
            violated.to_string(),
        ];
        table.row(look, cells);
    }
    table.text()
}

/// What was reached, and what never was. Beside the goals of a model, of those of the documents only
/// what was never reached is told one by one.
fn goals(summary: &Summary) -> Text {
    let mut text = Text::default();
    let all = summary.goals.iter();
    let (model, told): (Vec<_>, Vec<_>) = all.partition(|(goal, _)| goal.is_of_model);
    let line = |(goal, count): &&(Goal, u64)| (goal.name.clone(), *count);
    if !model.is_empty() {
        counts(&mut text, "goals", model.iter().map(line));
    }
    let reached = told.iter().filter(|(_, count)| *count > 0);
    let (reached, all) = (reached.count(), told.len());
    let head = format!("goals of the documents: {reached} of {all} reached");
    if model.is_empty() && all <= FEW_GOALS {
        counts(&mut text, &head, told.iter().map(line));
    } else {
        text.look(Look::Head, head);
        let never = told.iter().filter(|(_, count)| *count == 0);
        for (goal, _) in never {
            text.line(format!("  never: {}", goal.says));
        }
        text.line("");
    }
    let not_yet = summary
        .goals
        .iter()
        .filter_map(|(goal, _)| match goal.asked {
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
