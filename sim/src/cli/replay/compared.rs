//! What is not as it was when a case was written, and not as it is with the reducer that is built
//! in.

use sim_cases::{Case, CaseVerdict, WorldHashes};
use sim_kernel::World;
use sim_model::Properties;
use sim_record::trace::{Difference, Step, Trace};
use sim_report::{paths, words};
use sim_search::campaign::Checked;

/// Where the states differ, if it is they that differ: what the run has, and what the built-in
/// reducer has.
pub(super) fn state_paths(
    world: &World,
    (run, reference): (&Trace, &Trace),
    at: &Difference,
) -> String {
    const MOST_PATHS: usize = 4;
    if at.field != "state" {
        return String::new();
    }
    let steps = [run, reference].map(|trace| trace.steps_of(&trace.turns[at.turn]).to_vec());
    let [run_steps, reference_steps] = &steps;
    let mut pairs = run_steps.iter().zip(reference_steps);
    let state = |trace: &Trace, step: &Step| {
        let schema = world.air.reducers[step.reducer.index()].state;
        let state = step
            .after
            .map(|id| words::value_json(world, schema, trace.bytes(id)));
        state.unwrap_or_default()
    };
    let found = pairs.find_map(|(one, other)| {
        let (one, other) = (state(run, one), state(reference, other));
        (one != other).then(|| paths::changes(&other, &one))
    });
    let shown = found.iter().flatten().take(MOST_PATHS).map(|change| {
        let json = |value: &Option<serde_json::Value>| {
            value.as_ref().map_or("nothing".to_owned(), |value| {
                words::clip(&value.to_string(), 40)
            })
        };
        let path = match change.path.is_empty() {
            true => "the state",
            false => &change.path,
        };
        format!(
            "{path} is {} here, {} there",
            json(&change.to),
            json(&change.from)
        )
    });
    let shown: Vec<String> = shown.collect();
    match shown.is_empty() {
        true => String::new(),
        false => format!(": {}", shown.join("; ")),
    }
}

/// What is said of a case that violated what nothing here asks for: a property of a test, or of
/// another model.
pub fn not_asked(case: &Case, properties: &Properties) -> Option<String> {
    match &case.verdict {
        Some(CaseVerdict::Violated(name)) if properties.find(name).is_none() => Some(format!(
            "nothing here asks for {name}: a test of one's own does, or another world"
        )),
        _ => None,
    }
}

/// Whether `sim.toml` is another: what it asks for may be, too.
fn declared(case: &Case, now: &WorldHashes) -> Option<String> {
    match (&case.world.declared, &now.declared) {
        (then, now) if then == now => None,
        (Some(then), Some(now)) => Some(format!("sim.toml was {then} and is {now}")),
        (Some(_), None) => Some("this case was written beside a sim.toml, and none is here".into()),
        (None, _) => Some("no sim.toml was there when the case was written".into()),
    }
}

/// What is not as it was when the case was written.
pub(super) fn changes(
    case: &Case,
    world: &World,
    properties: &Properties,
    checked: &Checked,
) -> Vec<String> {
    let mut changes = Vec::new();
    let now = WorldHashes::of(world);
    // A person who writes a case need not say on what.
    let says_world = !case.world.manifest.is_empty() || !case.world.reducers.is_empty();
    for (name, hash) in now.reducers.iter().filter(|_| says_world) {
        match case.world.reducers.get(name) {
            Some(then) if then == hash => {}
            Some(then) => changes.push(format!("{name} was {then} and is {hash}")),
            None => changes.push(format!("{name} was not in the world of this case")),
        }
    }
    if says_world && case.world.manifest != now.manifest {
        changes.push(format!(
            "the manifest was {} and is {}",
            case.world.manifest, now.manifest
        ));
    }
    changes.extend(declared(case, &now).filter(|_| says_world));
    for (name, hash) in now.monitors.iter().filter(|_| says_world) {
        match case.world.monitors.get(name) {
            Some(then) if then != hash => {
                changes.push(format!("the monitor {name} was {then} and is {hash}"));
            }
            // Where there was none, sim.toml was another, which is said.
            _ => {}
        }
    }
    if let Some(bound) = world.cut_by(checked.end) {
        changes.push(format!("incomplete: it was ended by the bound of {bound}"));
    }
    let verdict = match checked.violations.first() {
        None => CaseVerdict::Holds,
        Some(violation) => CaseVerdict::Violated(violation.name().to_owned()),
    };
    let text = |verdict: &CaseVerdict| match verdict {
        CaseVerdict::Holds => "it held".to_owned(),
        CaseVerdict::Violated(name) => format!("it violated {name}"),
    };
    // One of several in a turn is as good as the first of them.
    let is_same = |then: &CaseVerdict| match then {
        CaseVerdict::Holds => *then == verdict,
        CaseVerdict::Violated(name) => checked.violations.iter().any(|now| now.name() == name),
    };
    if let Some(then) = case.verdict.as_ref().filter(|then| !is_same(then)) {
        changes.push(format!("when the case was written, {}", text(then)));
        changes.extend(not_asked(case, properties));
    }
    let digest = checked.digest.to_string();
    if let Some(then) = case.digest.as_ref().filter(|then| **then != digest) {
        changes.push(format!("the digest was {then}"));
    }
    changes
}
