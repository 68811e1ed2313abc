//! Results as text for people. Readers of results only: nothing is run or judged here.

pub mod coverage;
mod table;

use std::fmt::Write;
use std::path::Path;

use crate::air::SchemaId;
use crate::campaign::{FAULTS, Failure, SEEDS_FOR_GOALS, Summary};
use crate::corpus::FoundBy;
use crate::invariants::{self, GOALS, Violation};
use crate::scenario::{Decision, ItemName, Scenario};
use crate::selftest;
use crate::trace::{Digest, Fault, Status, Step, Trace, ValueId};
use crate::world::World;
use table::Table;

/// How much is shown of a value, in characters.
const VALUE_CHARS: usize = 64;
/// Turns before a violation that are shown with it.
const TURNS_BEFORE: usize = 6;

/// The summary of a campaign. Says nothing of time: it is the same for any number of jobs.
pub fn summary(world: &World, retry: bool, summary: &Summary) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!(
        "{} seeds, {} turns, {} steps through {}",
        summary.seeds,
        summary.turns,
        summary.steps,
        world
            .air
            .reducers
            .iter()
            .map(|reducer| reducer.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    ));
    if summary.bounded_runs > 0 {
        line(format!(
            "{} runs ended at a bound, not by themselves",
            summary.bounded_runs
        ));
    }
    line(String::new());
    line("decisions".to_owned());
    line(counts(
        Decision::KINDS.iter().copied().zip(summary.decisions),
    ));
    line("faults".to_owned());
    line(counts(FAULTS.iter().copied().zip(summary.faults)));
    let mut table = Table::new(["invariant", "holds", "not applicable", "violated"]);
    for (index, invariant) in invariants::ALL.iter().enumerate() {
        if retry || !invariant.retry_only {
            table.row([
                invariant.name.to_owned(),
                summary.holds[index].to_string(),
                summary.not_applicable[index].to_string(),
                summary.violated[index].to_string(),
            ]);
        }
    }
    line(table.to_text());
    if retry {
        line("goals".to_owned());
        line(counts(
            GOALS.iter().map(|(name, _)| *name).zip(summary.goals),
        ));
        if summary.seeds < SEEDS_FOR_GOALS {
            line(format!(
                "(goals are asked of campaigns of {SEEDS_FOR_GOALS} seeds or more)"
            ));
        }
    }
    line(format!("digest {}", summary.digest));
    out
}

/// What came of the planted bugs: a line for each, and each invariant that found it.
pub fn planted(results: &[selftest::Searched]) -> String {
    let mut table = Table::new(["bug", "seeds", "invariant", "starts", "shortest", "shrunk"]);
    for result in results {
        let median = result.median();
        let mut bug = result.name.to_owned();
        let mut seeds = median.map_or("missed".to_owned(), |seeds| seeds.to_string());
        if result.found.is_empty() {
            let nothing = ["", "", "", ""].map(str::to_owned);
            let [invariant, starts, shortest, shrunk] = nothing;
            table.row([
                bug.clone(),
                seeds.clone(),
                invariant,
                starts,
                shortest,
                shrunk,
            ]);
        }
        for found in &result.found {
            let shrunk = match (found.shrunk.first(), found.shrunk.last()) {
                (Some(first), Some(last)) if first == last => first.to_string(),
                (Some(first), Some(last)) => format!("{first} to {last}"),
                _ => "-".to_owned(),
            };
            table.row([
                std::mem::take(&mut bug),
                std::mem::take(&mut seeds),
                invariants::ALL[found.invariant].name.to_owned(),
                found.starts.to_string(),
                found
                    .explored
                    .map_or("-".to_owned(), |depth| depth.to_string()),
                shrunk,
            ]);
        }
    }
    table.to_text()
}

fn counts<'a>(pairs: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut table = Table::new(["", ""]);
    for (name, count) in pairs {
        table.row([format!("  {name}"), count.to_string()]);
    }
    table.body()
}

/// A run that violated something, whatever found it.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    pub found_by: FoundBy,
    /// The violations of the first bad turn.
    pub violations: Vec<Violation>,
    pub digest: Digest,
    /// The scenario with the decisions of the run.
    pub scenario: Scenario,
}

impl From<&Failure> for Finding {
    fn from(failure: &Failure) -> Finding {
        Finding {
            found_by: FoundBy::seed(failure.seed.0, &failure.scenario),
            violations: failure.violations.clone(),
            digest: failure.digest,
            scenario: failure.scenario.clone(),
        }
    }
}

/// A finding: what was violated, the turns that led there, and how to see it again.
pub fn finding(
    world: &World,
    finding: &Finding,
    trace: &Trace,
    case: &Path,
    replay: &str,
) -> String {
    let mut out = format!("violation: {}\n", finding.found_by);
    out.push_str(&violations(&finding.violations));
    let Some(first) = finding.violations.first() else {
        return out;
    };
    if let Some(faults) = &finding.scenario.faults {
        let on = faults
            .on()
            .map(|(knob, number)| format!("{} {number}", knob.name()));
        let _ = writeln!(out, "  faults: {}", on.collect::<Vec<_>>().join(", "));
    }
    let from = first.turn.saturating_sub(TURNS_BEFORE);
    if from > 0 {
        let _ = writeln!(out, "  … {from} turns before");
    }
    out.push_str(&turns(
        world,
        &finding.scenario,
        trace,
        from,
        &finding.violations,
    ));
    let _ = writeln!(out, "case:   {}", case.display());
    let _ = writeln!(out, "replay: {replay}");
    out
}

/// What was violated, expected and found.
pub fn violations(violations: &[Violation]) -> String {
    let mut out = String::new();
    for violation in violations {
        let says = invariants::ALL[violation.invariant].says;
        let _ = writeln!(
            out,
            "  {} at turn {}: {says}",
            violation.name(),
            violation.turn
        );
        let _ = writeln!(out, "    expected {}", violation.expected);
        let _ = writeln!(out, "    found    {}", violation.found);
    }
    out
}

/// A run as a table, from a turn on. Turns with a violation are marked.
pub fn turns(
    world: &World,
    scenario: &Scenario,
    trace: &Trace,
    from: usize,
    violations: &[Violation],
) -> String {
    let mut table = Table::new(["turn", "time", "decision", "state", "out"]);
    for (index, turn) in trace.turns.iter().enumerate().skip(from) {
        if trace.healing_from == Some(index) {
            table.row(["", "", "(faults stop here)", "", ""].map(str::to_owned));
        }
        let bad: Vec<&str> = violations
            .iter()
            .filter(|violation| violation.turn == index)
            .map(Violation::name)
            .collect();
        let marker = if bad.is_empty() { ' ' } else { '>' };
        let decision = scenario.decision(trace, &turn.choice);
        let mut state: Vec<String> = Vec::new();
        let mut emitted: Vec<String> = Vec::new();
        for step in trace.steps_of(turn) {
            state.push(match step.fault.as_deref() {
                Some(Fault::Stopped { what }) => format!("refused: {what}"),
                Some(Fault::Nonconforming { expected, found }) => {
                    format!("refused: expected {expected}, found {found}")
                }
                None => state_change(world, trace, step),
            });
        }
        for event in trace.emitted_in(&turn.emitted) {
            emitted.push(event_text(world, trace, event.schema, event.value));
        }
        for intent in trace.intents_in(&turn.intents) {
            let effect = &world.air.effects[intent.effect.index()];
            let denied = if intent.allowed { "" } else { " (denied)" };
            let params = event_text(world, trace, effect.params, intent.params);
            emitted.push(format!("{} {params}{denied}", effect.kind));
        }
        if let Some(what) = &turn.divergence {
            state.push(format!("recovery failed: {what}"));
        }
        if !bad.is_empty() {
            emitted.push(format!("VIOLATED {}", bad.join(", ")));
        }
        table.row([
            format!("{marker}{index}"),
            time(turn.at_ns),
            decision_text(world, &decision),
            state.join("; "),
            emitted.join("; "),
        ]);
    }
    table.to_text()
}

/// Virtual time: whole milliseconds as such, anything else in ns.
fn time(at_ns: u64) -> String {
    match at_ns {
        0 => "0".to_owned(),
        u64::MAX => "end of time".to_owned(),
        at_ns if at_ns % 1_000_000 == 0 => format!("{} ms", at_ns / 1_000_000),
        at_ns => format!("{at_ns} ns"),
    }
}

/// A decision in words.
pub fn decision_text(world: &World, decision: &Decision) -> String {
    let with = |verb: &str, item: &ItemName| format!("{verb} {item}");
    match decision {
        Decision::Start { request } => format!("start {request}"),
        Decision::Deliver(item) => with("deliver", item),
        Decision::Duplicate(item) => with("duplicate", item),
        Decision::Drop(item) => with("drop", item),
        Decision::Redeliver(item) => with("redeliver", item),
        Decision::Step { plan, answer: None } => with("step", plan),
        Decision::Step {
            plan,
            answer: Some(answer),
        } => {
            format!("step {plan}: {}", answer.name())
        }
        Decision::Receipt { effect, answer } => format!("receipt {effect}: {}", answer.name()),
        Decision::Fire {
            timer,
            at_ns,
            status,
            twice,
        } => {
            let mut text = format!("fire {timer}");
            if let Some(at_ns) = at_ns {
                let _ = write!(text, " at {}", time(*at_ns));
            }
            if *status != Status::Ok {
                let _ = write!(text, ", {}", status.name());
            }
            if *twice {
                text.push_str(", may fire again");
            }
            text
        }
        Decision::Inject { schema, value } => {
            let text = value_text(world, *schema, value);
            format!("inject {}", clip(&text, VALUE_CHARS))
        }
        Decision::Advance { to_ns } => format!("advance to {}", time(*to_ns)),
        Decision::Snapshot => "snapshot".to_owned(),
        Decision::Crash {
            point,
            recovery,
            during,
        } => {
            let point = point.name().replace('_', " ");
            let during = decision_text(world, during);
            format!("{during}, crash {point}, recover from {}", recovery.name())
        }
    }
}

fn event_text(world: &World, trace: &Trace, schema: SchemaId, value: ValueId) -> String {
    let name = world.air.schemas.name(schema);
    let local = name.split_once('/').map_or(name, |(_, local)| local);
    let local = local.split_once('@').map_or(local, |(local, _)| local);
    let text = value_text(world, schema, trace.bytes(value));
    format!("{local} {}", clip(&text, VALUE_CHARS))
}

/// A value in JSON without the quotes and braces of its outermost level: `err {"req_id":"r1"}` for
/// a variant, `req_id "r1", payload "p"` for a record.
fn value_text(world: &World, schema: SchemaId, bytes: &[u8]) -> String {
    use serde_json::Value::Object;
    let schemas = &world.air.schemas;
    let Ok(value) = schemas.decode(schema, bytes) else {
        return "what does not fit its schema".to_owned();
    };
    match schemas.value_to_json(schema, &value) {
        Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} {value}"));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The beginning of a text that is longer than so many characters.
fn clip(text: &str, most_chars: usize) -> String {
    match text.char_indices().nth(most_chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What a step changed in its cell's state: the fields, from and to.
fn state_change(world: &World, trace: &Trace, step: &Step) -> String {
    let schema = world.air.reducers[step.reducer.index()].state;
    let schemas = &world.air.schemas;
    let json = |id: Option<ValueId>| {
        let value = schemas.decode(schema, trace.bytes(id?)).ok()?;
        Some(schemas.value_to_json(schema, &value))
    };
    let (before, after) = (json(step.before), json(step.after));
    if before == after {
        return "unchanged".to_owned();
    }
    use serde_json::Value::Object;
    match (&before, &after) {
        (Some(Object(before)), Some(Object(after))) => {
            let changed = after
                .iter()
                .filter(|(name, value)| before.get(*name) != Some(value));
            let fields = changed.map(|(name, value)| {
                format!("{name} {} → {value}", before.get(name).unwrap_or_default())
            });
            fields.collect::<Vec<_>>().join(", ")
        }
        (None, Some(_)) => {
            let bytes = step.after.map_or(&[][..], |id| trace.bytes(id));
            format!(
                "new: {}",
                clip(&value_text(world, schema, bytes), VALUE_CHARS)
            )
        }
        (_, None) => "gone".to_owned(),
        (Some(before), Some(after)) => format!("{before} → {after}"),
    }
}
