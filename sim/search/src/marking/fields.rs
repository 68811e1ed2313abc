//! The fields of a value by its schema, and another value in the place of one.

use std::fmt::Display;

use sim_air::{Schemas, Type, Value};

/// What nothing is in, of a value.
pub(super) struct Field<'a> {
    /// Where it is, as a JSON pointer into the plain spelling.
    pub pointer: String,
    /// The way that leads there.
    pub way: Vec<Step>,
    /// May be left out: an option.
    pub is_optional: bool,
    /// Of an option, that of what is in it.
    pub ty: &'a Type,
    /// What is there.
    pub value: Value,
}

/// A step into a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Into an item of a list or set.
    Item(usize),
    /// Into what an entry of a record or map holds, by its key.
    Entry(Value),
    /// Into the arm of a variant.
    Arm(String),
}

/// Every field of a value. What a variant is as a whole is no field of it; within it, an arm that
/// carries nothing is one.
pub(super) fn fields<'a>(schemas: &'a Schemas, ty: &'a Type, value: &Value) -> Vec<Field<'a>> {
    let mut walk = Walk {
        schemas,
        way: Vec::new(),
        fields: Vec::new(),
    };
    walk.value(ty, value, "", false);
    walk.fields
}

struct Walk<'a> {
    schemas: &'a Schemas,
    way: Vec<Step>,
    fields: Vec<Field<'a>>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, ty: &'a Type, value: &Value, pointer: &str, is_optional: bool) {
        let ty = self.schemas.resolve(ty);
        match (ty, value) {
            (Type::Option(some), value) => self.value(some, value, pointer, true),
            (Type::Unit, _) => {}
            (Type::Variant(variant), Value::Variant { tag, value: inner })
                if **inner != Value::Null =>
            {
                if let Some(arm) = variant.arm(tag) {
                    let step = Step::Arm(tag.clone());
                    self.within(step, &arm.ty, inner, below(pointer, tag));
                }
            }
            // What an event is stays.
            (Type::Variant(_), _) if self.way.is_empty() => {}
            (Type::Record(record), Value::Map(entries)) => {
                for (key, value) in entries {
                    let name = key.as_text().unwrap_or_default();
                    if let Some(field) = record.field(name) {
                        let step = Step::Entry(key.clone());
                        self.within(step, &field.ty, value, below(pointer, name));
                    }
                }
            }
            (Type::Map(map), Value::Map(entries)) if !entries.is_empty() => {
                let has_texts = matches!(self.schemas.resolve(&map.key), Type::Text);
                for (index, (key, value)) in entries.iter().enumerate() {
                    let pointer = match key.as_text().filter(|_| has_texts) {
                        Some(name) => below(pointer, name),
                        None => below(&below(pointer, index), 1),
                    };
                    self.within(Step::Entry(key.clone()), &map.value, value, pointer);
                }
            }
            (Type::List(item) | Type::Set(item), Value::List(items)) if !items.is_empty() => {
                for (index, value) in items.iter().enumerate() {
                    self.within(Step::Item(index), item, value, below(pointer, index));
                }
            }
            (ty, value) => self.fields.push(Field {
                pointer: pointer.to_owned(),
                way: self.way.clone(),
                is_optional,
                ty,
                value: value.clone(),
            }),
        }
    }

    fn within(&mut self, step: Step, ty: &'a Type, value: &Value, pointer: String) {
        self.way.push(step);
        self.value(ty, value, &pointer, false);
        self.way.pop();
    }
}

/// The place of a part, by its name or number.
fn below(pointer: &str, part: impl Display) -> String {
    let part = part.to_string().replace('~', "~0").replace('/', "~1");
    format!("{pointer}/{part}")
}

/// What is at the end of a way, if the value has it.
pub(super) fn at<'v>(value: &'v Value, way: &[Step]) -> Option<&'v Value> {
    let Some((step, rest)) = way.split_first() else {
        return Some(value);
    };
    let part = match (step, value) {
        (Step::Item(index), Value::List(items)) => items.get(*index)?,
        (Step::Entry(key), Value::Map(entries)) => {
            let mut entries = entries.iter();
            &entries.find(|(known, _)| known == key)?.1
        }
        (Step::Arm(arm), Value::Variant { tag, value }) if tag == arm => value,
        _ => return None,
    };
    at(part, rest)
}

/// The same value with something else at the end of a way.
pub(super) fn with(value: &Value, way: &[Step], other: &Value) -> Value {
    let Some((step, rest)) = way.split_first() else {
        return other.clone();
    };
    let mut changed = value.clone();
    match (step, &mut changed) {
        (Step::Item(index), Value::List(items)) => {
            if let Some(item) = items.get_mut(*index) {
                *item = with(item, rest, other);
            }
        }
        (Step::Entry(key), Value::Map(entries)) => {
            let mut entries = entries.iter_mut();
            if let Some((_, part)) = entries.find(|(known, _)| known == key) {
                *part = with(part, rest, other);
            }
        }
        (Step::Arm(arm), Value::Variant { tag, value }) if tag == arm => {
            **value = with(value, rest, other);
        }
        _ => {}
    }
    changed
}
