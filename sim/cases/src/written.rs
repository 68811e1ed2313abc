//! What a decision in a case file may hold, by its keys: what is read, and the JSON Schema of it.
//! The comments here are what an editor shows.

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::strict;
use sim_record::scenario::Verb;
use sim_record::trace::{CrashPoint, Recovery, Status};

/// The only thing that advances.
pub(crate) const CLOCK: &str = "clock";
/// The only thing that is written down.
pub(crate) const KERNEL: &str = "kernel";

/// Makes the struct of an entry: every field is optional, and left out where it is not given.
macro_rules! entry {
    ($($(#[$how:meta])* $field:ident: $type:ty;)*) => {
        /// A decision: one verb, and what it needs.
        #[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        #[schemars(rename = "Decision", transform = one_verb)]
        pub(crate) struct Entry {
            $(
                $(#[$how])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }
    };
}

// In the order in which they are written. A verb's field is called as the verb.
entry! {
    /// Virtual time, in milliseconds.
    at_ms: u64;
    /// Virtual time, in nanoseconds.
    at_ns: u64;
    /// Sends the event of a request, by the request's name.
    start: String;
    /// Delivers a message in flight.
    deliver: String;
    /// Puts a second copy of a message in flight.
    duplicate: String;
    /// Takes a message out of flight.
    drop: String;
    /// Delivers a message that was dropped.
    redeliver: String;
    /// Lets a plan take its next step.
    step: String;
    /// Answers an effect of a plan.
    receipt: String;
    /// Fires a timer, or answers another effect of a reducer.
    fire: String;
    /// Sends a spurious event of this schema.
    inject: String;
    /// Lets virtual time go on.
    #[serde(deserialize_with = "clock")]
    #[schemars(schema_with = "only_clock")]
    advance: String;
    /// Has the kernel write down all that it knows.
    #[serde(deserialize_with = "kernel")]
    #[schemars(schema_with = "only_kernel")]
    snapshot: String;
    /// The correlation of the thing in flight.
    // By the name that files have had for it from the first version on.
    #[serde(rename = "req_id")]
    correlation: String;
    /// Which of those that are alike, from 1, the oldest.
    #[schemars(range(min = 1))]
    nth: u32;
    /// By name, one of those that the world's model lists.
    answer: String;
    /// Of the receipt; `ok` if left out.
    #[schemars(schema_with = "statuses")]
    status: Status;
    /// The timer stays in flight, to fire again.
    twice: bool;
    /// Of a spurious event, or the receipt itself.
    #[serde(deserialize_with = "strict::some_value")]
    #[schemars(with = "serde_json::Value")]
    value: serde_json::Value;
    /// Fields of the value that do not matter to the failure, as JSON pointers: it fails in the
    /// same way with other values there, one field at a time. A replay ignores it.
    any: Vec<String>;
    /// The key of the cell that a spurious event goes to.
    #[serde(deserialize_with = "strict::some_value")]
    #[schemars(with = "serde_json::Value")]
    cell: serde_json::Value;
    /// The kernel dies meanwhile.
    #[schemars(schema_with = "crash_points")]
    crash: CrashPoint;
    /// What it is rebuilt from; `journal` if left out.
    #[schemars(schema_with = "recoveries")]
    recover: Recovery;
}

type Generator = schemars::SchemaGenerator;

fn only_clock(_: &mut Generator) -> Schema {
    json_schema!({ "const": CLOCK })
}

fn only_kernel(_: &mut Generator) -> Schema {
    json_schema!({ "const": KERNEL })
}

fn statuses(_: &mut Generator) -> Schema {
    json_schema!({ "enum": Status::ALL.map(Status::name) })
}

fn crash_points(_: &mut Generator) -> Schema {
    json_schema!({ "enum": CrashPoint::ALL.map(CrashPoint::name) })
}

fn recoveries(_: &mut Generator) -> Schema {
    json_schema!({ "enum": Recovery::ALL.map(Recovery::name) })
}

/// A decision has one verb, beside which a crash may stand.
fn one_verb(schema: &mut Schema) {
    let verbs = Verb::ALL.into_iter().filter(|verb| *verb != Verb::Crash);
    let verbs = verbs.map(|verb| json!({ "required": [verb.name()] }));
    schema.insert("oneOf".to_owned(), verbs.collect());
}

fn clock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Clock {
        Clock,
    }
    let clock = Option::deserialize(deserializer)?;
    Ok(clock.map(|Clock::Clock| CLOCK.to_owned()))
}

fn kernel<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kernel {
        Kernel,
    }
    let kernel = Option::deserialize(deserializer)?;
    Ok(kernel.map(|Kernel::Kernel| KERNEL.to_owned()))
}
