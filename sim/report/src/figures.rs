//! The figures of a campaign as its last event has them, in JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use sim_record::scenario::Verb;
use sim_search::campaign::Summary;

/// Of a campaign: what was run, and what it reached. In the order of the names in JSON.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Figures {
    /// Runs that ended at a bound.
    bounded_runs: u64,
    /// Of each kind, how many.
    decisions: BTreeMap<String, u64>,
    /// Over those of all runs.
    digest: String,
    /// Of each kind, how many.
    faults: BTreeMap<String, u64>,
    /// Of each `sometimes` property of this world, runs that saw it.
    #[serde(rename = "goals")]
    sometimes: BTreeMap<String, u64>,
    /// Of each that is about this world, how runs were judged.
    invariants: BTreeMap<String, Judged>,
    /// As many failures were found as were asked for.
    is_cut_short: bool,
    /// It was stopped.
    is_interrupted: bool,
    /// What was seen of each reducer that loses memory.
    leaks: Vec<String>,
    /// Seeds whose results are missing, each from the first up to, not including, the last: of
    /// `sim merge`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_seeds: Vec<[u64; 2]>,
    /// The `sometimes` properties that a campaign of this size must see and no run saw.
    #[serde(rename = "missed_goals")]
    missed: Vec<String>,
    /// How many were run.
    seeds: u64,
    /// In all.
    steps: u64,
    /// In all.
    turns: u64,
}

/// In how many runs an invariant held, said nothing, or was violated.
#[derive(Serialize, JsonSchema)]
struct Judged {
    /// It held.
    holds: u64,
    /// Nothing of the run was about it.
    not_applicable: u64,
    /// It was violated.
    violated: u64,
}

/// Nothing, if it was no campaign.
pub(crate) fn serialize<S: Serializer>(
    summary: &Option<&Summary>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Some(summary) = summary else {
        return BTreeMap::<String, u64>::new().serialize(serializer);
    };
    let counts = |names: &mut dyn Iterator<Item = &str>, counts: &[u64]| {
        let pairs = names.zip(counts);
        pairs
            .map(|(name, count)| (name.to_owned(), *count))
            .collect()
    };
    let judged = summary.judged.iter().map(|one| {
        let judged = Judged {
            holds: one.holds,
            not_applicable: one.not_applicable,
            violated: one.violated,
        };
        (one.property.name.to_string(), judged)
    });
    let missed = summary.missed().into_iter();
    let sometimes: Vec<u64> = summary.sometimes.iter().map(|one| one.runs).collect();
    let faults = summary.faults.iter();
    let mut names = summary.sometimes.iter().map(|one| &*one.property.name);
    let figures = Figures {
        bounded_runs: summary.bounded_runs,
        decisions: counts(
            &mut Verb::ALL.into_iter().map(Verb::name),
            &summary.decisions,
        ),
        digest: summary.digest.to_string(),
        faults: faults
            .map(|(name, count)| (name.to_string(), *count))
            .collect(),
        sometimes: counts(&mut names, &sometimes),
        invariants: judged.collect(),
        is_cut_short: summary.cut_short,
        is_interrupted: summary.interrupted,
        leaks: summary.leaks.values().cloned().collect(),
        missing_seeds: summary
            .missing
            .iter()
            .map(|seeds| [seeds.start, seeds.end])
            .collect(),
        missed: missed.map(|property| property.name.to_string()).collect(),
        seeds: summary.seeds,
        steps: summary.steps,
        turns: summary.turns,
    };
    figures.serialize(serializer)
}
