//! What a campaign saw, in figures. Says nothing of time: it is the same for any number of jobs.

use super::table::Table;
use super::text::{Look, Text};
use super::words::counted;
use sim_kernel::{World, local_name};
use sim_model::{Asked, OF_ANY_WORLD};
use sim_record::scenario::Verb;
use sim_search::campaign::{Sometimes, Summary};

/// So many `sometimes` of the documents are listed one by one at most.
const MOST_LISTED: usize = 60;

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
    if summary.long_runs > 0 {
        let runs = counted(summary.long_runs, "run");
        text.line(format!(
            "{runs} had faults for as many turns as they may, and came to rest then"
        ));
    }
    match summary.cut_runs {
        0 => {}
        1 => text.line("1 run was cut short by a bound"),
        runs => text.line(format!("{runs} runs were cut short by a bound")),
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
    text.append(sometimes(summary));
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
    if world.expected.is_restless && summary.restless_runs == 0 {
        text.line("note: --expect restless never came true: every run came to rest");
    }
    let mut tell = |what: &str, name: &str, seen: &str| {
        let of = summary.sometimes.iter().filter(|one| {
            let rest = one.property.name.strip_prefix(seen);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        });
        let least = of.map(|one| one.runs).min().unwrap_or(0);
        if least > 0 {
            let runs = counted(least, "run");
            text.line(format!(
                "note: --expect {what}={name} never came true: {seen} in {runs}"
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

/// What was seen, and what never was. Beside the `sometimes` of a model, of those of the documents
/// only what was never seen is listed.
fn sometimes(summary: &Summary) -> Text {
    let mut text = Text::default();
    let all = summary.sometimes.iter();
    let (model, documents): (Vec<_>, Vec<_>) = all.partition(|one| one.property.is_of_model);
    let line = |one: &&Sometimes| (one.property.name.clone(), one.runs);
    if !model.is_empty() {
        counts(&mut text, "sometimes", model.iter().map(line));
    }
    let seen = documents.iter().filter(|one| one.runs > 0);
    let (seen, all) = (seen.count(), documents.len());
    let head = format!("sometimes, of the documents: {seen} of {all} seen");
    if model.is_empty() && all <= MOST_LISTED {
        counts(&mut text, &head, documents.iter().map(line));
    } else {
        text.look(Look::Head, head);
        let never = documents.iter().filter(|one| one.runs == 0);
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
        let asked = format!("(some must be seen only in campaigns of {least} seeds or more)");
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
