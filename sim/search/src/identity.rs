//! What decides a result, as JSON: where two differ, for a message.

use serde_json::{Map, Value};

/// Where two objects differ first: the name of the field, with those it is in before it, and what
/// each of the two has there.
pub fn difference(mine: &Map<String, Value>, theirs: &Map<String, Value>) -> Option<[String; 3]> {
    let names = mine
        .keys()
        .chain(theirs.keys().filter(|name| !mine.contains_key(*name)));
    for name in names {
        let [mine, theirs] = [mine, theirs].map(|of| of.get(name).unwrap_or(&Value::Null));
        if let (Value::Object(mine), Value::Object(theirs)) = (mine, theirs) {
            if let Some([within, mine, theirs]) = difference(mine, theirs) {
                return Some([format!("{name} {within}"), mine, theirs]);
            }
        } else if mine != theirs {
            return Some([name.clone(), mine.to_string(), theirs.to_string()]);
        }
    }
    None
}
