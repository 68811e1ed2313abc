//! Values with their fields marked: which of them do not matter to a failure.

use serde_json::Value as Json;

/// What is written behind a field with which the failure is the same whatever it holds.
pub const MARK: &str = " (any)";

/// What tables with marks have below them.
pub const LEGEND: &str = "(any): the failure is the same with other values there, one at a time";

/// A value as JSON, each field marked that is named by its pointer; `at` is the value's own.
pub fn json(value: &Json, at: &str, any: &[String]) -> String {
    if any.is_empty() {
        return value.to_string();
    }
    let mark = match any.iter().any(|place| place == at) {
        true => MARK,
        false => "",
    };
    let text = match value {
        Json::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(index, item)| json(item, &below(at, &index.to_string()), any));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        Json::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                let member = json(member, &below(at, name), any);
                format!("{}:{member}", Json::from(name.as_str()))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    };
    text + mark
}

/// The pointer of a member or item.
pub fn below(at: &str, part: &str) -> String {
    format!("{at}/{}", part.replace('~', "~0").replace('/', "~1"))
}

/// How much longer a text may be for its marks, in characters.
pub fn room(any: &[String]) -> usize {
    any.len() * MARK.len()
}
