//! Cases: runs worth keeping, as files that anyone can read and replay.
//!
//! [`Case`] is what a file says, strictly read and written the same way every time; [`Case::bind`]
//! makes it a scenario of a world. [`store`] writes files and is the only part that does I/O.

#![warn(missing_docs)]

mod entry;
mod error;
pub mod files;
mod found_by;
mod marked;
pub mod store;
mod strict;
mod written;

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};

pub use error::CaseError;
pub use found_by::{FoundBy, WorldHashes};
use sim_air::{Air, Hash};
use sim_kernel::World;
use sim_record::marks::Marks;
use sim_record::scenario::{Bounds, Decision, Knob, PlanMode, Request, Scenario, answer_of_weight};
use sim_record::trace::Digest;
use sim_record::trace::{Answers, SILENCE};
use written::Entry;

/// The format that this version reads and writes.
pub const FORMAT: &str = "sim-case/1";
/// The largest case file that is read.
pub const MOST_BYTES: u64 = 16 << 20;

/// A case file: what may be requested, and the decisions of the environment in order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "sim case")]
pub struct Case {
    /// The version of the format.
    #[schemars(schema_with = "format")]
    pub format: String,
    /// What the case is about, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What found it.
    pub found_by: FoundBy,
    /// What it was found on. A replay says where that differs.
    pub world: WorldHashes,
    /// Where they are not the ordinary ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    /// What clients may send, any number of times.
    #[serde(deserialize_with = "strict::few::<_, _, { Bounds::MOST_REQUESTS }>")]
    pub requests: Vec<CaseRequest>,
    /// The decisions, in order. One that is not possible is skipped.
    #[serde(deserialize_with = "strict::few::<_, _, { Bounds::MOST_DECISIONS }>")]
    schedule: Vec<Entry>,
    /// Absent, like the digest, from a case that nobody has judged yet: an input of the fuzzer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<CaseVerdict>,
    /// The digest of the trace when it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Options that change what the decisions mean. Absent where they are the ordinary ones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where the answers of plans come from, if it is not the ordinary way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans: Option<CasePlans>,
    /// The most turns of a replay, before its liveness phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// A liveness phase follows the schedule: faults stop until nothing is left to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heal: bool,
}

/// Where the answers of plans come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CasePlans {
    /// Plans run to the letter.
    AsWritten,
}

/// An event that a client may send.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseRequest {
    /// What the schedule calls it; unique in the case.
    pub name: String,
    /// The name of its schema.
    pub schema: String,
    /// In the plain spelling of AIR values.
    #[serde(deserialize_with = "strict::value")]
    pub value: serde_json::Value,
    /// Fields of the value that do not matter to the failure, as JSON pointers: it fails in the
    /// same way with other values there, one field at a time. A replay ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<String>>,
}

/// What the invariants said when the case was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseVerdict {
    /// None was violated.
    Holds,
    /// The name of the invariant.
    Violated(String),
}

fn format(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "const": FORMAT })
}

/// All that a case holds beside its scenario.
pub struct Found {
    /// What the case is about, for a person.
    pub about: Option<String>,
    /// What found it.
    pub found_by: FoundBy,
    /// What it was found on.
    pub world: WorldHashes,
    /// What the invariants said, and the digest of the run; None before it was run.
    pub judged: Option<(CaseVerdict, Digest)>,
}

impl Case {
    /// The case of a scenario whose schedule has been taken from a run.
    pub fn new(air: &Air, scenario: &Scenario, found: Found) -> Case {
        let requests = scenario
            .requests
            .iter()
            .map(|request| CaseRequest::new(air, request));
        let schedule = scenario
            .schedule
            .iter()
            .map(|decision| Entry::new(air, decision));
        let plans = (scenario.plans == PlanMode::AsWritten).then_some(CasePlans::AsWritten);
        let turns = scenario.bounds.turns;
        let turns = (turns != Bounds::default().turns).then_some(turns);
        let heal = scenario.liveness;
        let options = Options { plans, turns, heal };
        let (verdict, digest) = found.judged.unzip();
        Case {
            format: FORMAT.to_owned(),
            about: found.about,
            found_by: found.found_by,
            world: found.world,
            options: (plans.is_some() || turns.is_some() || heal).then_some(options),
            requests: requests.collect(),
            schedule: schedule.collect(),
            verdict,
            digest: digest.map(|digest| digest.to_string()),
        }
    }

    /// The JSON Schema of the format, for editors.
    pub fn schema() -> Schema {
        schemars::schema_for!(Case)
    }

    /// Reads a case. Unknown fields, unknown decisions and newer formats are errors.
    pub fn parse(text: &str) -> Result<Case, CaseError> {
        #[derive(Deserialize)]
        struct Probe {
            format: String,
        }
        let probe: Probe = serde_json::from_str(text).map_err(CaseError::Format)?;
        if probe.format != FORMAT {
            return Err(CaseError::Newer {
                found: probe.format,
            });
        }
        let case: Case = serde_json::from_str(text).map_err(CaseError::Json)?;
        let mut names = BTreeSet::new();
        for (index, request) in case.requests.iter().enumerate() {
            if !names.insert(&request.name) {
                let what = format!("a second request named `{}`", request.name);
                return Err(CaseError::content(format!("/requests/{index}/name"), what));
            }
        }
        case.check_marks()?;
        Ok(case)
    }

    /// One field a line, one request or decision a line.
    pub fn to_text(&self) -> String {
        let requests: Vec<String> = self.requests.iter().map(json).collect();
        let schedule: Vec<String> = self.schedule.iter().map(json).collect();
        self.to_text_with(&requests, &schedule)
    }

    /// The text of a case that has these lines in place of its requests and its schedule: for who
    /// writes many that differ in little. The lines are those of [`request_line`] and
    /// [`decision_line`].
    pub fn to_text_with<L: AsRef<str>>(&self, requests: &[L], schedule: &[L]) -> String {
        let mut text = String::from("{");
        let mut field = |name: &str, value: &str| {
            text.push_str(if text.len() > 1 { ",\n  \"" } else { "\n  \"" });
            text.push_str(name);
            text.push_str("\": ");
            text.push_str(value);
        };
        field("format", &json(&self.format));
        if let Some(about) = &self.about {
            field("about", &json(about));
        }
        field("found_by", &json(&self.found_by));
        field("world", &json(&self.world));
        if let Some(options) = &self.options {
            field("options", &json(options));
        }
        field("requests", &list(requests));
        field("schedule", &list(schedule));
        if let Some(verdict) = &self.verdict {
            field("verdict", &json(verdict));
        }
        if let Some(digest) = &self.digest {
            field("digest", &json(digest));
        }
        text.push_str("\n}\n");
        text
    }

    /// Whether the world's work has the answers that the case names; [`Case::bind`] does not ask.
    ///
    /// # Errors
    /// If it lacks one: its place, and those that it has.
    pub fn check_answers(&self, answers: &Answers) -> Result<(), CaseError> {
        let known = || {
            let names = answers.outcomes().iter().map(|outcome| &*outcome.name);
            let names: Vec<&str> = names.chain([SILENCE]).collect();
            names.join(", ")
        };
        let unknown = |name: &str| answers.named(name).is_none();
        for (index, entry) in self.schedule.iter().enumerate() {
            if let Some(name) = entry.answer().filter(|name| unknown(name)) {
                let what = format!("no answer `{name}`: this world's work has {}", known());
                return Err(CaseError::content(
                    format!("/schedule/{index}/answer"),
                    what,
                ));
            }
        }
        let mix = self.found_by.faults.iter().flat_map(|mix| mix.keys());
        let mut mix = mix.filter(|name| Knob::named(name).is_none());
        match mix.find(|name| unknown(answer_of_weight(name))) {
            None => Ok(()),
            Some(name) => {
                let pointer = format!("/found_by/faults/{name}");
                let what = format!("no such fault, and no such answer: {}", known());
                Err(CaseError::content(pointer, what))
            }
        }
    }

    /// The scenario that the case is in a world.
    pub fn bind(&self, air: &Air) -> Result<Scenario, CaseError> {
        let requests = self.requests.iter().enumerate().map(|(index, request)| {
            let pointer = format!("/requests/{index}");
            let schema = entry::schema(air, &request.schema, &pointer)?;
            let value = entry::value_from_json(air, schema, &request.value, &pointer)?;
            Ok(Request {
                name: request.name.clone(),
                schema,
                value,
            })
        });
        let schedule = self
            .schedule
            .iter()
            .enumerate()
            .map(|(index, entry)| entry.decision(air, &format!("/schedule/{index}")));
        let options = self.options.as_ref();
        let mut bounds = Bounds::default();
        if let Some(turns) = options.and_then(|options| options.turns) {
            if turns > Bounds::MOST_TURNS {
                let what = format!(
                    "expected at most {} turns, found {turns}",
                    Bounds::MOST_TURNS
                );
                return Err(CaseError::content("/options/turns", what));
            }
            bounds.turns = turns;
        }
        // The bound is for who draws; what is written down is followed to its end.
        let decisions = u32::try_from(self.schedule.len()).unwrap_or(u32::MAX);
        bounds.turns = bounds.turns.max(decisions);
        let plans = match options.and_then(|options| options.plans) {
            Some(CasePlans::AsWritten) => PlanMode::AsWritten,
            None => PlanMode::Answered,
        };
        Ok(Scenario {
            requests: requests.collect::<Result<_, CaseError>>()?,
            plans,
            bounds,
            liveness: options.is_some_and(|options| options.heal),
            faults: self.found_by.mix()?,
            schedule: schedule.collect::<Result<_, CaseError>>()?,
        })
    }

    /// How many decisions it holds.
    pub fn decision_count(&self) -> usize {
        self.schedule.len()
    }

    /// Whether it was found on the documents and the wasm of a world.
    pub fn is_of(&self, world: &World) -> bool {
        self.world == WorldHashes::of(world)
    }

    /// What was found, whoever found it and on whatever wasm: the hash of verdict, options,
    /// requests and schedule, as their lines in a file. What is marked in them is no part of it.
    pub fn identity(&self) -> Hash {
        let (verdict, options) = (json(&self.verdict), json(&self.options));
        let plain = self.clone().with_marks(&Marks::default());
        let requests = plain.requests.iter().map(json);
        let schedule = plain.schedule.iter().map(json);
        let lines = [verdict, options]
            .into_iter()
            .chain(requests)
            .chain(schedule);
        let lines: Vec<String> = lines.collect();
        Hash::of(lines.join("\n").as_bytes())
    }

    /// Whether another case is of the same run, with the same verdict, whatever is marked.
    pub fn is_the_same(&self, other: &Case) -> bool {
        let plain = |case: &Case| case.clone().with_marks(&Marks::default());
        let (one, other) = (plain(self), plain(other));
        one.verdict == other.verdict
            && one.options == other.options
            && one.requests == other.requests
            && one.schedule == other.schedule
    }
}

impl CaseRequest {
    fn new(air: &Air, request: &Request) -> CaseRequest {
        CaseRequest {
            name: request.name.clone(),
            schema: air.schemas.name(request.schema).to_owned(),
            value: entry::value_to_json(air, request.schema, &request.value),
            any: None,
        }
    }
}

/// A request as [`Case::to_text`] writes it.
pub fn request_line(air: &Air, request: &Request) -> String {
    json(&CaseRequest::new(air, request))
}

/// A decision as [`Case::to_text`] writes it.
pub fn decision_line(air: &Air, decision: &Decision) -> String {
    json(&Entry::new(air, decision))
}

fn list<L: AsRef<str>>(lines: &[L]) -> String {
    let mut text = String::from("[");
    for (index, line) in lines.iter().enumerate() {
        text.push_str(if index > 0 { ",\n    " } else { "\n    " });
        text.push_str(line.as_ref());
    }
    text.push_str(if lines.is_empty() { "]" } else { "\n  ]" });
    text
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("cases hold nothing that JSON cannot")
}
