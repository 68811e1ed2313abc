//! Where two values differ: each changed place by its path, however deep.
//!
//! Fields are joined by dots, items are counted in brackets: `lease.holder`, `queue[2].id`. A value
//! that is another kind of thing, such as another arm of a variant, differs as a whole. Knows no
//! schema.

use serde_json::Value as Json;

/// A place where a value changed: None where there was none, or is none any more.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// Empty for the value as a whole.
    pub path: String,
    /// What is there before; None is nothing.
    pub from: Option<Json>,
    /// What is there after.
    pub to: Option<Json>,
}

/// Lists of which more items than this differ are shown as a whole.
const MOST_ITEMS: usize = 8;

/// What is not the same in two values, in order.
pub fn changes(before: &Json, after: &Json) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

/// The fields of a value that was not there before.
pub fn fields(after: &Json) -> Vec<Change> {
    let Json::Object(fields) = after else {
        return vec![change("", None, Some(after))];
    };
    let fields = fields.iter();
    fields
        .map(|(name, value)| change(name, None, Some(value)))
        .collect()
}

fn change(path: &str, from: Option<&Json>, to: Option<&Json>) -> Change {
    Change {
        path: path.to_owned(),
        from: from.cloned(),
        to: to.cloned(),
    }
}

fn compare(path: &str, before: Option<&Json>, after: Option<&Json>, into: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Json::Object(old)), Some(Json::Object(new))) if is_alike(old, new) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let path = match path.is_empty() {
                    true => name.clone(),
                    false => format!("{path}.{name}"),
                };
                compare(&path, old.get(name), new.get(name), into);
            }
        }
        (Some(Json::Array(old)), Some(Json::Array(new))) => {
            let length = old.len().max(new.len());
            let differing = (0..length).filter(|index| old.get(*index) != new.get(*index));
            let differing: Vec<usize> = differing.collect();
            if differing.len() > MOST_ITEMS || differing.len() == length {
                return into.push(change(path, before, after));
            }
            for index in differing {
                let path = format!("{path}[{index}]");
                compare(&path, old.get(index), new.get(index), into);
            }
        }
        _ => into.push(change(path, before, after)),
    }
}

/// Whether two objects can be compared field by field: they share one, or one is empty. A variant
/// is an object with its tag as the only field, and shares none with another arm.
fn is_alike(old: &serde_json::Map<String, Json>, new: &serde_json::Map<String, Json>) -> bool {
    old.is_empty() || new.is_empty() || old.keys().any(|name| new.contains_key(name))
}
