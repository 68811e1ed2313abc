//! Decisions, values and times in words: the one place that says how they read.

use std::fmt::Write;

use serde_json::Value as Json;

use super::marked;
use sim_air::{SchemaId, Type};
use sim_kernel::World;
use sim_record::scenario::Decision;
use sim_record::trace::Status;

/// How much is shown of a value that a decision brings, in characters.
const VALUE_CHARS: usize = 64;

/// Virtual time: whole milliseconds as such, anything else in ns.
pub fn time(at_ns: u64) -> String {
    match at_ns {
        0 => "0".to_owned(),
        u64::MAX => "end of time".to_owned(),
        at_ns if at_ns % 1_000_000 == 0 => format!("{} ms", at_ns / 1_000_000),
        at_ns => format!("{at_ns} ns"),
    }
}

/// A decision in words: its verb, what it is about, and how. `any` are the fields of its value that
/// do not matter.
pub fn decision(world: &World, decision: &Decision, any: &[String]) -> String {
    let verb = decision.verb().name();
    match decision {
        Decision::Start { request } => format!("{verb} {request}"),
        Decision::Step {
            plan,
            answer: Some(answer),
        } => format!("{verb} {plan}: {answer}"),
        Decision::Receipt {
            effect,
            answer,
            value,
        } => match value {
            None => format!("{verb} {effect}: {answer}"),
            Some(bytes) => {
                let receipt = receipt(world, &effect.label, bytes, any);
                format!("{verb} {effect}: {receipt}")
            }
        },
        Decision::Fire {
            timer,
            at_ns,
            status,
            twice,
            value,
        } => {
            let mut text = format!("{verb} {timer}");
            if let Some(at_ns) = at_ns {
                let _ = write!(text, " at {}", time(*at_ns));
            }
            if *status != Status::Ok {
                let _ = write!(text, ", {}", status.name());
            }
            if *twice {
                text.push_str(", may fire again");
            }
            if let Some(bytes) = value {
                let _ = write!(text, ": {}", receipt(world, &timer.label, bytes, any));
            }
            text
        }
        Decision::Inject { schema, value, .. } => {
            let value = value_json(world, *schema, value);
            let text = match (arm(world, *schema, &value), local_name(world, *schema)) {
                (Some((tag, inner)), _) => {
                    format!(
                        "{tag} {}",
                        brief(inner, None, (&marked::below("", tag), any))
                    )
                }
                (None, name) => format!("{name} {}", brief(&value, None, ("", any))),
            };
            let most_chars = VALUE_CHARS + marked::room(any);
            format!("{verb} {}", clip(text.trim_end(), most_chars))
        }
        Decision::Advance { to_ns } => format!("{verb} to {}", time(*to_ns)),
        Decision::Crash {
            point,
            recovery,
            during,
        } => {
            let point = point.name().replace('_', " ");
            let during = self::decision(world, during, any);
            format!("{during}, {verb} {point}, recover from {}", recovery.name())
        }
        plain => match plain.item() {
            Some(item) => format!("{verb} {item}"),
            None => verb.to_owned(),
        },
    }
}

/// The largest value that is shown, in canonical bytes. As JSON in memory it may take forty times
/// as much.
const MOST_SHOWN_BYTES: usize = 64 << 10;

/// A value as JSON; a text that says so if it does not fit its schema, or is too large to show.
pub fn value_json(world: &World, schema: SchemaId, bytes: &[u8]) -> Json {
    let schemas = &world.air.schemas;
    if bytes.len() > MOST_SHOWN_BYTES {
        return Json::String(format!(
            "a value of {} bytes, too large to show",
            bytes.len()
        ));
    }
    match schemas.decode(schema, bytes) {
        Ok(value) => schemas.value_to_json(schema, &value),
        Err(_) => Json::String("what does not fit its schema".to_owned()),
    }
}

/// A value without the quotes and braces of its outermost level: `ok {"id":"r1"}` for a
/// variant, `id "r1", payload "p"` for a record.
pub fn fields(of: &Json) -> String {
    marked_fields(of, &[])
}

/// The same, with the fields marked that do not matter.
fn marked_fields(of: &Json, any: &[String]) -> String {
    match of {
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, of)| match any.is_empty() {
                true => format!("{name} {}", value(of)),
                false => format!("{name} {}", marked::json(of, &marked::below("", name), any)),
            });
            fields.collect::<Vec<_>>().join(", ")
        }
        other => marked::json(other, "", any),
    }
}

/// A value of a field: a variant that carries nothing is its tag.
pub fn value(value: &Json) -> String {
    tag(value).map_or_else(|| value.to_string(), str::to_owned)
}

/// The tag of a variant that carries nothing.
fn tag(value: &Json) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let (tag, value) = fields.iter().next()?;
    value.is_null().then_some(tag)
}

/// What an event says beside its name and its request, which the decision has said: the fields
/// within its arm, if it is a variant. `any` are those that do not matter.
pub fn event_brief(
    world: &World,
    schema: SchemaId,
    value: &Json,
    (correlation, any): (Option<&str>, &[String]),
) -> String {
    match arm(world, schema, value) {
        Some((tag, inner)) => brief(inner, correlation, (&marked::below("", tag), any)),
        None => brief(value, correlation, ("", any)),
    }
}

/// The arm of a variant, and what is in it.
fn arm<'a>(world: &World, schema: SchemaId, value: &'a Json) -> Option<(&'a str, &'a Json)> {
    let schemas = &world.air.schemas;
    match (schemas.resolve(schemas.ty(schema)), value) {
        (Type::Variant(_), Json::Object(arms)) => {
            arms.iter().next().map(|(tag, inner)| (tag.as_str(), inner))
        }
        _ => None,
    }
}

/// Fields of a value that has more are left out where they are empty.
const MANY_FIELDS: usize = 6;

/// A value's fields for a reader who knows the schema: those of records within it beside its own,
/// without hashes and what is not there, and without the request that has been named. With the
/// pointer of the value, and the fields that do not matter.
fn brief(value: &Json, correlation: Option<&str>, (at, any): (&str, &[String])) -> String {
    let mut fields = Vec::new();
    leaves("", at, value, &mut fields);
    let is_long = fields.len() > MANY_FIELDS;
    let is_told = |value: &Json| match value {
        Json::Null => false,
        Json::String(text) => {
            !(text.starts_with("sha256:")
                || is_long && text.is_empty()
                || Some(text.as_str()) == correlation)
        }
        _ => true,
    };
    let told = fields.iter().filter(|field| is_told(field.value));
    let told = told.map(|Field { name, at, value }| {
        let text = format!("{name} {}", marked::json(value, at, any));
        text.trim_start().to_owned()
    });
    told.collect::<Vec<_>>().join(", ")
}

/// A field of a value that is shown as one.
struct Field<'a> {
    name: &'a str,
    /// The pointer to it.
    at: String,
    value: &'a Json,
}

fn leaves<'a>(name: &'a str, at: &str, value: &'a Json, into: &mut Vec<Field<'a>>) {
    match value {
        Json::Object(fields) => fields.iter().for_each(|(name, value)| {
            leaves(name, &marked::below(at, name), value, into);
        }),
        value => into.push(Field {
            name,
            at: at.to_owned(),
            value,
        }),
    }
}

/// An event with the name of its schema.
pub fn event(world: &World, schema: SchemaId, value: &Json) -> String {
    format!("{} {}", local_name(world, schema), fields(value))
}

/// A receipt of an effect that goes by this label.
fn receipt(world: &World, label: &str, bytes: &[u8], any: &[String]) -> String {
    match world.air.receipt_of(label) {
        Some(schema) => {
            let text = marked_fields(&value_json(world, schema, bytes), any);
            clip(&text, VALUE_CHARS + marked::room(any))
        }
        None => "a receipt".to_owned(),
    }
}

fn local_name(world: &World, schema: SchemaId) -> &str {
    sim_kernel::local_name(world.air.schemas.name(schema))
}

/// So many of something: `1 seed`, `2 seeds`.
pub fn counted(count: impl Into<u64>, one: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

/// The beginning of a text that is longer than so many characters.
pub fn clip(text: &str, most_chars: usize) -> String {
    match text.char_indices().nth(most_chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
