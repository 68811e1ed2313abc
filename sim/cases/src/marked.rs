//! The fields of a case's values that do not matter to its failure: `"any"` beside a value.
//!
//! Replays ignore them, and they are no part of what a case is known by.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use sim_record::marks::Marks;

use super::{Case, CaseError};

impl Case {
    /// The same case, with these fields marked in place of those that were. What a mark is of must
    /// be there.
    pub fn with_marks(mut self, marks: &Marks) -> Case {
        for (index, request) in self.requests.iter_mut().enumerate() {
            request.any = marks.requests.get(&index).cloned();
        }
        for (index, entry) in self.schedule.iter_mut().enumerate() {
            entry.any = marks.schedule.get(&index).cloned();
        }
        self
    }

    /// The fields that are marked.
    pub fn marks(&self) -> Marks {
        let requests = self.requests.iter().map(|request| &request.any);
        let schedule = self.schedule.iter().map(|entry| &entry.any);
        Marks {
            requests: requests.enumerate().filter_map(marked).collect(),
            schedule: schedule.enumerate().filter_map(marked).collect(),
        }
    }

    /// Whether what is marked is there.
    pub(super) fn check_marks(&self) -> Result<(), CaseError> {
        for (index, request) in self.requests.iter().enumerate() {
            let pointer = format!("/requests/{index}");
            check(request.any.as_deref(), Some(&request.value), &pointer)?;
        }
        for (index, entry) in self.schedule.iter().enumerate() {
            let pointer = format!("/schedule/{index}");
            check(entry.any.as_deref(), entry.value.as_ref(), &pointer)?;
        }
        Ok(())
    }
}

fn marked((index, any): (usize, &Option<Vec<String>>)) -> Option<(usize, Vec<String>)> {
    Some((index, any.clone()?))
}

fn check(any: Option<&[String]>, value: Option<&Json>, pointer: &str) -> Result<(), CaseError> {
    let Some(any) = any else {
        return Ok(());
    };
    let wrong =
        |at: String, what: String| Err(CaseError::content(format!("{pointer}/any{at}"), what));
    let Some(value) = value else {
        return wrong(String::new(), "`any` without a `value`".to_owned());
    };
    if any.is_empty() {
        return wrong(
            String::new(),
            "nothing is named: leave `any` out".to_owned(),
        );
    }
    let mut known = BTreeSet::new();
    for (index, place) in any.iter().enumerate() {
        let at = format!("/{index}");
        if !known.insert(place) {
            return wrong(at, format!("`{place}` is here twice"));
        }
        match value.pointer(place) {
            None => return wrong(at, format!("the value has no field `{place}`")),
            Some(part) if !is_field(part) => {
                return wrong(at, format!("`{place}` has fields of its own: name those"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether nothing is in it. An arm that carries nothing is an object with its tag.
fn is_field(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.values().all(Json::is_null) && members.len() <= 1,
        _ => true,
    }
}
