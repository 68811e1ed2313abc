//! What a `sim.toml` may hold, by its keys: what is read, and the JSON Schema of it. The comments
//! here are what an editor shows.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use serde_json::json;
use toml::{Spanned, Value};

use sim_record::scenario::Knob;
use sim_record::trace::Status;

/// The format that this version reads.
pub(crate) const FORMAT: &str = "sim/1";

/// Things by name, with the place where each stands.
pub(crate) type Named<T> = BTreeMap<String, Spanned<T>>;

/// What the author of a world declares of it, beside its documents.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "sim.toml")]
pub(crate) struct Root {
    /// The version of the format.
    #[schemars(schema_with = "format")]
    pub format: Spanned<String>,
    /// The folder of the documents, from that of this file; itself if left out.
    pub documents: Option<String>,
    /// What is meant to be so, as `--expect` takes it: `denied=KIND`, `restless`, and so on.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub expect: Vec<Spanned<String>>,
    /// Where the wasm of each reducer comes from, by its name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, ReducerFile>")]
    pub reducers: Named<ReducerFile>,
    /// What clients send. If one is declared, nothing else is sent.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Client>")]
    pub clients: Named<Client>,
    /// How work is answered, by the kind of the effect or the name of the plan. The first answer
    /// is the plain one.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<AnswerFile>>")]
    pub answers: Named<Vec<Spanned<AnswerFile>>>,
    /// By what a service knows work again, by the kind of the effect or the name of the plan: an
    /// expression over `params` or `input`. All work with the same key is answered as the first
    /// was.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub same: Named<String>,
    /// Whose an event or an effect is: the path to where that stands, by schema, arm or kind.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub correlation: Named<String>,
    /// Names for expressions that recur: in each condition the name stands for the expression.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub define: Named<String>,
    /// What is remembered for each correlation, for conditions.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Counter>")]
    pub counters: Named<Counter>,
    /// What must hold.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, PropertyFile>")]
    pub properties: Named<PropertyFile>,
    /// What reducers assert in their annotations, by its messages: each is missed where it is never
    /// asserted.
    #[serde(default)]
    pub assertions: AssertionsFile,
    /// Properties that are reducers themselves: they see each turn of a run as an event.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, MonitorFile>")]
    pub monitors: Named<MonitorFile>,
    /// Reducers with one thing wrong, which `sim selftest` must find.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BugFile>")]
    pub bugs: Named<BugFile>,
    /// Which faults there are: a kind that is `false` never is one.
    #[serde(default)]
    #[schemars(schema_with = "faults")]
    pub faults: BTreeMap<String, Spanned<Fault>>,
    /// Defaults of `sim run`.
    #[serde(default)]
    pub campaign: Campaign,
    /// Defaults of `sim explore`.
    #[serde(default)]
    pub explore: Explore,
}

/// Where the wasm of a reducer comes from: a file, or a package.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(&["wasm", "package"])))]
pub(crate) struct ReducerFile {
    /// A wasm file, from the folder of this file.
    pub wasm: Option<String>,
    /// The folder of a cargo package, which is built when its sources change.
    pub package: Option<String>,
    /// Features of the package with which it is built.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub features: Option<Spanned<Vec<String>>>,
}

/// What is said of where wasm comes from.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub wasm: Option<&'a str>,
    pub package: Option<&'a str>,
    pub features: Option<&'a Spanned<Vec<String>>>,
}

impl ReducerFile {
    pub fn origin(&self) -> Origin<'_> {
        Origin {
            wasm: self.wasm.as_deref(),
            package: self.package.as_deref(),
            features: self.features.as_ref(),
        }
    }
}

impl Origin<'_> {
    /// Each once, in order.
    pub fn features(&self) -> Vec<String> {
        let features = self.features.iter().flat_map(|features| features.get_ref());
        let features: BTreeSet<&String> = features.collect();
        features.into_iter().cloned().collect()
    }
}

/// One kind of event that comes from outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// The schema of the event.
    #[schemars(with = "String")]
    pub event: Spanned<String>,
    /// The arm, if the schema is a variant.
    #[schemars(with = "Option<String>")]
    pub arm: Option<Spanned<String>>,
    /// What its fields are. One that is left out is drawn by its schema. A value is itself, or
    /// `{ fresh = "NAME" }`, `{ known = "NAME" }`, `{ any = "NAME" }`, `{ range = [1, 9] }`,
    /// `{ one_of = [1, 2] }`, `{ text = "word" }`, `{ now = true }`, `{ now = "late" }`.
    #[schemars(with = "Option<serde_json::Value>")]
    pub fields: Option<Spanned<Value>>,
    /// How often, relative to the other clients; 10 if left out, 0 is never.
    pub weight: Option<u32>,
    /// The most of them in one run.
    pub most: Option<u32>,
}

/// One answer to work.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerFile {
    /// As schedules and reports call it.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Fields of the receipt; the others are as plain as the schema allows.
    #[schemars(with = "Option<serde_json::Value>")]
    pub receipt: Option<Spanned<Value>>,
    /// The event, of a plan that awaits nothing.
    #[schemars(with = "Option<serde_json::Value>")]
    pub raises: Option<Spanned<Value>>,
    /// The status of the receipt, of a reducer's effect.
    #[serde(default)]
    #[schemars(schema_with = "status")]
    pub status: Option<Spanned<String>>,
    /// How often, about; 10 if left out.
    pub weight: Option<u32>,
    /// A condition over `params` or `input`: only then.
    #[schemars(with = "Option<String>")]
    pub when: Option<Spanned<String>>,
    /// With this answer what asked goes on asking.
    #[serde(default)]
    pub goes_on: bool,
}

/// A number or a value that is kept for each correlation, from the beginning of a run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(&["count", "sum", "first", "last", "max"])))]
pub(crate) struct Counter {
    /// A condition: one more whenever it is true.
    #[schemars(with = "Option<String>")]
    pub count: Option<Spanned<String>>,
    /// A number that is added.
    #[schemars(with = "Option<String>")]
    pub sum: Option<Spanned<String>>,
    /// A number, a text or a bool: the first is kept.
    #[schemars(with = "Option<String>")]
    pub first: Option<Spanned<String>>,
    /// A number, a text or a bool: the last is kept.
    #[schemars(with = "Option<String>")]
    pub last: Option<Spanned<String>>,
    /// A number: the largest is kept.
    #[schemars(with = "Option<String>")]
    pub max: Option<Spanned<String>>,
    /// A condition: only then.
    #[schemars(with = "Option<String>")]
    pub when: Option<Spanned<String>>,
    /// A condition: then it begins anew.
    #[schemars(with = "Option<String>")]
    pub reset: Option<Spanned<String>>,
    /// Whose it is, instead of the correlation.
    #[schemars(with = "Option<String>")]
    pub by: Option<Spanned<String>>,
    /// The reducer that is meant, where there are several.
    #[schemars(with = "Option<String>")]
    pub of: Option<Spanned<String>>,
}

/// What must hold, or must be seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(
    &["always", "never", "sometimes", "eventually", "at_most_once", "absorbing"]
)))]
pub(crate) struct PropertyFile {
    /// A condition that is true at every such moment.
    #[schemars(with = "Option<String>")]
    pub always: Option<Spanned<String>>,
    /// A condition that is true at none.
    #[schemars(with = "Option<String>")]
    pub never: Option<Spanned<String>>,
    /// A condition that is true at one, in a campaign.
    #[schemars(with = "Option<String>")]
    pub sometimes: Option<Spanned<String>>,
    /// A condition that is true at the end, when faults have stopped and nothing is in flight.
    #[schemars(with = "Option<String>")]
    pub eventually: Option<Spanned<String>>,
    /// A condition that is true once at most, for each correlation or `by`.
    #[schemars(with = "Option<String>")]
    pub at_most_once: Option<Spanned<String>>,
    /// A condition over `state`: once it is true, no step changes that state.
    #[schemars(with = "Option<String>")]
    pub absorbing: Option<Spanned<String>>,
    /// The sentence for reports.
    pub says: Option<String>,
    /// A condition: judged only then.
    #[schemars(with = "Option<String>")]
    pub when: Option<Spanned<String>>,
    /// With `absorbing`: a condition over the step by which it may go on.
    #[schemars(with = "Option<String>")]
    pub unless: Option<Spanned<String>>,
    /// For whom `at_most_once` counts, instead of the correlation.
    #[schemars(with = "Option<String>")]
    pub by: Option<Spanned<String>>,
    /// The reducer that is meant, where there are several.
    #[schemars(with = "Option<String>")]
    pub of: Option<Spanned<String>>,
}

/// A planted bug: how the reducers with it come about, and what must find it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(&["wasm", "features"])))]
pub(crate) struct BugFile {
    /// What is wrong, in a sentence.
    pub says: Option<String>,
    /// Features with which the packages of the reducers are built, beside their own.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub features: Option<Spanned<Vec<String>>>,
    /// Wasm files by the names of reducers, from the folder of this file.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub wasm: Option<Named<String>>,
    /// The properties that are about it: to violate one of them is to find it.
    #[schemars(with = "Vec<String>")]
    pub found_by: Spanned<Vec<String>>,
}

/// What reducers assert in their annotations.
#[derive(Clone, Default, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssertionsFile {
    /// Conditions that hold each time, and are asserted at least once in a campaign.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub always: Vec<Spanned<String>>,
    /// Conditions that hold at least once in a campaign.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub sometimes: Vec<Spanned<String>>,
    /// Places that are reached at least once in a campaign.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub reachable: Vec<Spanned<String>>,
}

impl AssertionsFile {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.always.len() + self.sometimes.len() + self.reachable.len()
    }
}

/// A property that is a reducer: its wasm, from a file or a package.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(&["wasm", "package"])))]
pub(crate) struct MonitorFile {
    /// A wasm file, from the folder of this file.
    pub wasm: Option<String>,
    /// The folder of a cargo package, which is built when its sources change.
    pub package: Option<String>,
    /// Features of the package with which it is built.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub features: Option<Spanned<Vec<String>>>,
    /// The sentence for reports.
    pub says: Option<String>,
    /// What it tells of when it is reached, by name: each must be, in a campaign.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub reaches: Vec<Spanned<String>>,
}

impl MonitorFile {
    pub fn origin(&self) -> Origin<'_> {
        Origin {
            wasm: self.wasm.as_deref(),
            package: self.package.as_deref(),
            features: self.features.as_ref(),
        }
    }
}

/// What is said of a kind of fault: on or off, or which spurious events there are.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Fault {
    Is(bool),
    Spurious(String),
    SpuriousOf(Vec<String>),
}

/// Defaults of campaigns.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// How many seeds.
    pub seeds: Option<u64>,
    /// The most requests of a run of usual depth.
    pub requests: Option<u32>,
}

/// Defaults of the explorer.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explore {
    /// Requests that may be started.
    pub requests: Option<u32>,
    /// Messages and timers that are sent twice.
    pub duplicates: Option<u8>,
    /// Messages that are dropped.
    pub drops: Option<u8>,
    /// Spurious events, and second starts.
    pub spurious: Option<u8>,
    /// Crashes.
    pub crashes: Option<u8>,
    /// So many different events of each client at most.
    pub values: Option<u32>,
}

fn format(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "const": FORMAT })
}

fn status(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "enum": Status::ALL.map(Status::name) })
}

/// Each is on or off. Of spurious events it may be said which there are.
fn faults(_: &mut schemars::SchemaGenerator) -> Schema {
    let kinds = Knob::ALL.into_iter().filter(|knob| *knob != Knob::Spurious);
    let kinds = kinds.map(|knob| (knob.name().to_owned(), json!({ "type": "boolean" })));
    let spurious = json!({ "anyOf": [
        { "type": "boolean" },
        { "enum": ["clients", "all", "none"] },
        { "type": "array", "items": { "type": "string" } },
    ] });
    let properties = kinds.chain([("spurious".to_owned(), spurious)]);
    json_schema!({
        "type": "object",
        "properties": properties.collect::<serde_json::Map<_, _>>(),
        "additionalProperties": false,
    })
}

/// One of these keys, and only one.
fn one_of(keys: &[&str]) -> serde_json::Value {
    keys.iter()
        .map(|key| json!({ "required": [key] }))
        .collect()
}
