//! What makes two failures different that violate the same invariant.
//!
//! A signature says what kind of turn it was that violated something: all that it violates, the
//! event and its arm, how the state changed in kind, what went out, and, where the invariant says
//! so (see [`KnownBy`]), what was found, without its numbers and texts. Two runs with one signature
//! are taken for one failure: what differs only in values, or in how often something happened
//! before, makes no difference.

use std::fmt::{self, Write};

use crate::observer::Violation;
use crate::property::KnownBy;
use sim_air::{Air, SchemaId, Type, Value};
use sim_host::Code;
use sim_kernel::World;
use sim_record::trace::{Choice, Step, Trace, ValueId};
use std::borrow::Cow;

/// How a turn fails. Equal for what is taken for the same failure, and read by people.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Signature {
    /// The names of properties, in the order in which reports list them.
    pub violates: Vec<Cow<'static, str>>,
    /// What happened, in words: `TimerFired: Ordered to Late, ReminderSent`.
    pub what: String,
}

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.violates.join(", "), self.what)
    }
}

impl Signature {
    /// Of violations in a run of which nothing is left.
    pub fn unseen(violations: &[Violation]) -> Signature {
        Signature {
            violates: names(violations),
            what: "not seen again".to_owned(),
        }
    }

    /// Of a turn and all of its violations.
    pub fn of(world: &World, trace: &Trace, violations: &[Violation]) -> Signature {
        let known_by = |violation: &&Violation| violation.property.is_known_by();
        let mut parts = Vec::new();
        let turn = violations
            .first()
            .and_then(|first| trace.turns.get(first.turn));
        let is_of_turn = violations
            .iter()
            .any(|one| matches!(known_by(&one), KnownBy::Turn | KnownBy::Both));
        if let (Some(turn), true) = (turn, is_of_turn) {
            let steps = trace.steps_of(turn).iter();
            parts.extend(steps.map(|step| words(world, trace, step)));
            if turn.steps.is_empty() {
                parts.push(decision(trace, &turn.choice));
            }
        }
        for violation in violations {
            match known_by(&violation) {
                KnownBy::Turn => {}
                KnownBy::Both => parts.push(without_values(place_of_fault(&violation.found))),
                KnownBy::Found => {
                    for text in [&violation.expected, &violation.found] {
                        parts.push(without_values(first_clause(text)));
                    }
                }
                KnownBy::Expected => parts.push(without_values(first_clause(&violation.expected))),
            }
        }
        parts.dedup();
        Signature {
            violates: names(violations),
            what: parts.join("; "),
        }
    }
}

/// What comes after it explains it.
fn first_clause(text: &str) -> &str {
    text.split(';').next().unwrap_or(text)
}

/// What is violated, by name, in the order of reports.
fn names(violations: &[Violation]) -> Vec<Cow<'static, str>> {
    let mut violations: Vec<&Violation> = violations.iter().collect();
    violations.sort_unstable_by_key(|found| found.rank);
    let names = violations.iter().map(|found| found.property.name.clone());
    names.collect()
}

/// What was found, with the place where it was, but where that is chance: fuel ends anywhere in a
/// loop.
fn place_of_fault(found: &str) -> &str {
    let first = found.split(';').next().unwrap_or(found);
    match first.contains("fuel") {
        true => first,
        false => found,
    }
}

/// The kind of a step: `paid: Ordered to Done, ParcelSent`.
fn words(world: &World, trace: &Trace, step: &Step) -> String {
    let air = &world.air;
    let reducer = &air.reducers[step.reducer.index()];
    let mut text = String::new();
    if air.reducers.len() > 1 {
        let _ = write!(text, "{} of ", local(&reducer.name));
    }
    text.push_str(&event_label(air, reducer.event, trace.bytes(step.event)));
    let kinds = Kinds {
        air,
        code: world.code(step.reducer),
        event: reducer.event,
        state: reducer.state,
    };
    let state = |id: Option<ValueId>| id.map(|id| trace.bytes(id));
    let (from, to) = (kinds.of(state(step.before)), kinds.of(state(step.after)));
    let _ = match (from == to, step.is_unchanged()) {
        (_, true) => write!(text, " in {from}, which stays"),
        (true, false) => write!(text, " in {from}"),
        (false, false) => write!(text, ": {from} to {to}"),
    };
    for label in outputs(air, trace, step) {
        let _ = write!(text, ", {label}");
    }
    text
}

/// The kinds of what a step gave out, each once.
fn outputs(air: &Air, trace: &Trace, step: &Step) -> Vec<String> {
    let emitted = trace.emitted_in(&step.emitted).iter();
    let mut labels: Vec<String> = emitted
        .map(|event| event_label(air, event.schema, trace.bytes(event.value)))
        .collect();
    let intents = trace.intents_in(&step.intents).iter();
    labels.extend(intents.map(|intent| air.effects[intent.effect.index()].kind.clone()));
    labels.sort();
    labels.dedup();
    labels
}

/// The arm of an event, or the name of its schema.
fn event_label(air: &Air, schema: SchemaId, bytes: &[u8]) -> String {
    match decoded(air, schema, bytes) {
        Some(Value::Variant { tag, .. }) => tag,
        _ => local(air.schemas.name(schema)).to_owned(),
    }
}

fn decoded(air: &Air, schema: SchemaId, bytes: &[u8]) -> Option<Value> {
    air.schemas.decode(schema, bytes).ok()
}

/// `Counter` of `demo/Counter@1`.
fn local(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split('@').next().unwrap_or(name)
}

/// How deep in a state its kind is looked for.
const KIND_DEPTH: u32 = 3;

/// What is known of the states of a reducer.
struct Kinds<'a> {
    air: &'a Air,
    code: &'a Code,
    event: SchemaId,
    state: SchemaId,
}

/// What counts as a kind beside arms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Besides {
    Nothing,
    /// Bools that are set, and options that are there.
    Flags,
}

impl Kinds<'_> {
    /// The arms that a state is in, and the texts that say as much; where it has none, which of its
    /// bools are set and which of its options are there.
    fn of(&self, state: Option<&[u8]>) -> String {
        let Some(bytes) = state else {
            return "nothing".to_owned();
        };
        let Some(state) = decoded(self.air, self.state, bytes) else {
            return "what is no state".to_owned();
        };
        let ty = self.air.schemas.ty(self.state);
        for besides in [Besides::Nothing, Besides::Flags] {
            let mut kinds = Vec::new();
            self.note((ty, &state), (KIND_DEPTH, "", besides), &mut kinds);
            if !kinds.is_empty() {
                return kinds.join(" ");
            }
        }
        "its state".to_owned()
    }

    fn note(
        &self,
        (ty, value): (&Type, &Value),
        (depth, name, besides): (u32, &str, Besides),
        kinds: &mut Vec<String>,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let schemas = &self.air.schemas;
        match (schemas.resolve(ty), value) {
            (Type::Variant(variant), Value::Variant { tag, value }) => {
                kinds.push(tag.clone());
                if let Some(arm) = variant.arm(tag) {
                    self.note((&arm.ty, value), (depth, tag, besides), kinds);
                }
            }
            (Type::Record(record), value) => {
                for field in record.fields() {
                    if let Some(of) = value.field(&field.name) {
                        let within = (depth, field.name.as_str(), besides);
                        self.note((&field.ty, of), within, kinds);
                    }
                }
            }
            (Type::Text, Value::Text(text)) if self.is_kind(name, text) => {
                kinds.push(text.clone());
            }
            (Type::Bool, Value::Bool(true)) if besides == Besides::Flags => {
                kinds.push(name.to_owned());
            }
            (Type::Option(_), Value::Null) => {}
            (Type::Option(of), value) => {
                if besides == Besides::Flags {
                    kinds.push(name.to_owned());
                }
                self.note((of, value), (depth, name, Besides::Nothing), kinds);
            }
            _ => {}
        }
    }

    /// Whether a text says in what kind of state the reducer is, as an arm does: it is a word that
    /// stands in the code, in a field that no event fills.
    fn is_kind(&self, field: &str, text: &str) -> bool {
        let is_word = (2..=32).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let event = self.air.schemas.ty(self.event);
        is_word && !has_field(self.air, event, field, KIND_DEPTH) && self.code.mentions(text)
    }
}

/// Whether a type has a field of this name.
fn has_field(air: &Air, ty: &Type, name: &str, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match air.schemas.resolve(ty) {
        Type::Record(record) => record
            .fields()
            .iter()
            .any(|field| field.name == name || has_field(air, &field.ty, name, depth)),
        Type::Variant(variant) => {
            let mut arms = variant.arms().iter();
            arms.any(|arm| has_field(air, &arm.ty, name, depth))
        }
        Type::Option(of) => has_field(air, of, name, depth),
        _ => false,
    }
}

/// The kind of a decision that brought no event, and what it was about.
fn decision(trace: &Trace, choice: &Choice) -> String {
    let about = match choice {
        Choice::Step { plan: item, .. }
        | Choice::Receipt { effect: item, .. }
        | Choice::Deliver(item)
        | Choice::Redeliver(item)
        | Choice::Fire { timer: item, .. } => trace.text(item.label),
        Choice::Crash { during, .. } => return format!("crash, {}", decision(trace, during)),
        _ => "",
    };
    format!("{} {about}", choice.verb().name())
        .trim_end()
        .to_owned()
}

/// A text with its numbers and quoted texts left out: what stays says of what kind it is. Numbers
/// within a word and in hex stay: `src/lib.rs:12:5`, `func[3]` and `0x71d` are places.
pub fn without_values(text: &str) -> String {
    let mut kept = String::new();
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                kept.push('…');
                let mut is_escaped = false;
                for inner in chars.by_ref() {
                    if inner == '"' && !is_escaped {
                        break;
                    }
                    is_escaped = inner == '\\' && !is_escaped;
                }
            }
            '0' if chars.peek() == Some(&'x') => kept.push(char),
            '0'..='9' if !(before.is_alphanumeric() || matches!(before, ':' | '[' | '_' | '@')) => {
                kept.push('#');
                while chars.next_if(|next| next.is_alphanumeric()).is_some() {}
            }
            _ => kept.push(char),
        }
        before = char;
    }
    kept
}
