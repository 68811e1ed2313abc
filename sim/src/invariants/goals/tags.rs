//! The tags of variants that may stand in a state, and those that do, by their paths.

use crate::air::{Air, Type, Value};

/// At most so many tags of a reducer's state become goals, at most so deep.
const MOST_TAGS: usize = 256;
pub(super) const TAG_DEPTH: usize = 12;

/// Every tag that may stand in a value of the type, with the path to it: `lease.holder = Some`.
pub(super) fn tags_of_type(
    air: &Air,
    ty: &Type,
    path: &str,
    depth: usize,
    found: &mut Vec<String>,
) {
    if depth == 0 || found.len() >= MOST_TAGS {
        return;
    }
    let depth = depth - 1;
    match air.schemas.resolve(ty) {
        Type::Variant(variant) => {
            for arm in variant.arms() {
                found.push(tag_at(path, &arm.tag));
                tags_of_type(air, &arm.ty, path, depth, found);
            }
        }
        Type::Record(record) => {
            for field in record.fields() {
                let path = field_at(path, &field.name);
                tags_of_type(air, &field.ty, &path, depth, found);
            }
        }
        Type::Option(inner) | Type::List(inner) | Type::Set(inner) => {
            tags_of_type(air, inner, path, depth, found);
        }
        Type::Map(map) => tags_of_type(air, &map.value, path, depth, found),
        _ => {}
    }
    found.truncate(MOST_TAGS);
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
