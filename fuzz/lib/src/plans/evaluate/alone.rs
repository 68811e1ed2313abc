//! What an expression comes to that refers to nothing, so that it is known without a run.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Class, Evaluator, Scope};
use crate::plans::forms::{DeclaredNames, is_expression};
use crate::plans::value::Val;
use crate::plans::{Notes, Planted};

/// What an expression comes to that refers to nothing that is there.
pub fn alone(expression: &Json) -> Result<Val, Class> {
    let (names, none) = (DeclaredNames::default(), BTreeMap::new());
    let mut evaluator = Evaluator {
        scope: Scope {
            names: &names,
            input: &Val::Null,
            vars: &none,
            steps: &none,
            event: None,
        },
        planted: Planted::Nothing,
        notes: &mut Notes::default(),
    };
    evaluator.evaluate(expression)
}

/// Whether an expression fails whenever it is reached, whatever it refers to, as far as constants
/// alone tell.
pub fn fails_alone(expression: &Json) -> bool {
    if !refers(expression) {
        let is_one = is_expression(expression, &DeclaredNames::default(), false);
        return is_one && alone(expression).is_err();
    }
    if let Some(entries) = expression["map"].as_array() {
        let keys = entries.iter().map(|entry| &entry["key"]);
        let keys: Vec<Val> = keys.filter_map(constant_value).collect();
        let is_again = |index: usize, key: &Val| {
            let before = keys[..index].iter();
            { before }.any(|it| it.cbor() == key.cbor())
        };
        let again = |(index, key): (usize, &Val)| is_again(index, key);
        return keys.iter().enumerate().any(again);
    }
    let divides = matches!(expression["op"].as_str(), Some("div" | "mod"));
    let by = &expression["args"][1];
    divides && matches!(constant_value(by), Some(Val::Number(0, _)))
}

/// What an expression comes to that refers to nothing at all.
fn constant_value(expression: &Json) -> Option<Val> {
    let is_constant =
        !refers(expression) && is_expression(expression, &DeclaredNames::default(), false);
    is_constant.then(|| alone(expression).ok())?
}

fn refers(expression: &Json) -> bool {
    match expression {
        Json::Object(members) => members
            .iter()
            .any(|(word, inner)| word == "ref" || refers(inner)),
        Json::Array(items) => items.iter().any(refers),
        _ => false,
    }
}
