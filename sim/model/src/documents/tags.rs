//! The tags of variants that may stand in a state, and those that do, by their paths.

use sim_air::{Air, Type, Value};

/// At most so many tags of a reducer's state become properties, at most so deep.
const MOST_TAGS: usize = 256;
const TAG_DEPTH: usize = 12;

/// At most so many parts of a type are looked at: refs can make a small document a vast type.
const MOST_PARTS: usize = 10_000;

/// Every tag that may stand in a value of the type, with the path to it: `lease.holder = Some`.
pub(super) fn tags_of_type(air: &Air, ty: &Type) -> Vec<String> {
    let mut tags = Tags {
        air,
        found: Vec::new(),
        parts_left: MOST_PARTS,
    };
    tags.look(ty, "", TAG_DEPTH);
    tags.found.truncate(MOST_TAGS);
    tags.found
}

struct Tags<'a> {
    air: &'a Air,
    found: Vec<String>,
    parts_left: usize,
}

impl Tags<'_> {
    fn look(&mut self, ty: &Type, path: &str, depth: usize) {
        if depth == 0 || self.found.len() >= MOST_TAGS || self.parts_left == 0 {
            return;
        }
        self.parts_left -= 1;
        let depth = depth - 1;
        let air = self.air;
        match air.schemas.resolve(ty) {
            Type::Variant(variant) => {
                for arm in variant.arms() {
                    self.found.push(tag_at(path, &arm.tag));
                    self.look(&arm.ty, path, depth);
                }
            }
            Type::Record(record) => {
                for field in record.fields() {
                    let path = field_at(path, &field.name);
                    self.look(&field.ty, &path, depth);
                }
            }
            Type::Option(inner) | Type::List(inner) | Type::Set(inner) => {
                self.look(inner, path, depth);
            }
            Type::Map(map) => self.look(&map.value, path, depth),
            _ => {}
        }
    }
}

/// Every tag in a value of the type, with the same paths.
pub(super) fn tags_of_value(
    air: &Air,
    ty: &Type,
    value: &Value,
    path: &str,
    note: &mut impl FnMut(&str),
) {
    match (air.schemas.resolve(ty), value) {
        (Type::Variant(variant), Value::Variant { tag, value }) => {
            note(&tag_at(path, tag));
            if let Some(arm) = variant.arm(tag) {
                tags_of_value(air, &arm.ty, value, path, note);
            }
        }
        (Type::Record(record), value) => {
            for field in record.fields() {
                if let Some(inner) = value.field(&field.name) {
                    let path = field_at(path, &field.name);
                    tags_of_value(air, &field.ty, inner, &path, note);
                }
            }
        }
        (Type::List(inner) | Type::Set(inner), Value::List(items)) => {
            for item in items {
                tags_of_value(air, inner, item, path, note);
            }
        }
        (Type::Map(map), Value::Map(entries)) => {
            for (_, value) in entries {
                tags_of_value(air, &map.value, value, path, note);
            }
        }
        (Type::Option(_), Value::Null) => {}
        (Type::Option(inner), value) => tags_of_value(air, inner, value, path, note),
        _ => {}
    }
}

fn field_at(path: &str, name: &str) -> String {
    match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    }
}

fn tag_at(path: &str, tag: &str) -> String {
    match path.is_empty() {
        true => tag.to_owned(),
        false => format!("{path} = {tag}"),
    }
}
