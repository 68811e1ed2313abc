//! Reading the fields of an object: known ones only, of the right form, each problem at its place.

use std::collections::BTreeSet;

use crate::hash::Hash;
use crate::json::{Json, Later, Member};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::patterns::Pattern;
use crate::text::quote::quote;

/// An object all of whose fields are known.
pub struct Fields<'a> {
    /// What the object is, for messages.
    what: &'static str,
    file: usize,
    place: SourcePlace,
    members: &'a [Member],
}

impl<'a> Fields<'a> {
    /// The object's fields; those that are not allowed are reported and left out of sight.
    pub fn of(
        later: Later<'a>,
        what: &'static str,
        allowed: &[&'static str],
        problems: &mut Problems,
    ) -> Option<Fields<'a>> {
        let Later { node, file } = later;
        let Json::Object(members) = &node.json else {
            let article = if what.starts_with(['a', 'e', 'i']) {
                "an"
            } else {
                "a"
            };
            let message = format!("{article} {what} is an object, not {}", node.describe());
            problems.push(Problem::new(later.place(), message));
            return None;
        };
        for member in members {
            if !allowed.contains(&member.key.as_str()) && member.key != "$kind" {
                let place = SourcePlace {
                    file,
                    offset: member.start,
                };
                let message = format!("{what} has no field {}", quote(&member.key));
                let problem = Problem::new(place, message)
                    .expected(format!("one of {}", allowed.join(", ")))
                    .maybe_hint(problems.suggest(&member.key, allowed.iter().copied()));
                problems.push(problem);
            } else if member.key == "$kind" && !what.starts_with("def") && what != "manifest" {
                let place = SourcePlace {
                    file,
                    offset: member.start,
                };
                problems.push(Problem::new(place, format!("{what} has no field `$kind`")));
            }
        }
        Some(Fields {
            what,
            file,
            place: later.place(),
            members,
        })
    }

    pub fn place(&self) -> SourcePlace {
        self.place
    }

    pub fn get(&self, name: &str) -> Option<Later<'a>> {
        let member = self.members.iter().find(|member| member.key == name)?;
        Some(Later {
            node: &member.node,
            file: self.file,
        })
    }

    pub fn required(&self, name: &str, problems: &mut Problems) -> Option<Later<'a>> {
        let found = self.get(name);
        if found.is_none() {
            let message = format!("{} lacks the field `{name}`", self.what);
            problems.push(Problem::new(self.place, message));
        }
        found
    }

    /// A required text of the pattern.
    pub fn text(
        &self,
        name: &str,
        pattern: Pattern,
        problems: &mut Problems,
    ) -> Option<At<String>> {
        text(self.required(name, problems)?, pattern, problems)
    }

    /// A text of the pattern that may be absent. The outer option: whether all is well.
    pub fn optional_text(
        &self,
        name: &str,
        pattern: Pattern,
        problems: &mut Problems,
    ) -> Option<Option<At<String>>> {
        match self.get(name) {
            Some(later) => text(later, pattern, problems).map(Some),
            None => Some(None),
        }
    }

    /// A hash that may be absent. All zeros mean the same as none, and so do the beginnings of a
    /// hash that was never filled in, which are warned of.
    pub fn hash(&self, name: &str, problems: &mut Problems) -> Option<Option<At<Hash>>> {
        let Some(later) = self.get(name) else {
            return Some(None);
        };
        if let Some(empty @ ("" | "sha256:")) = later.node.as_text() {
            let message = match empty {
                "" => "an empty hash counts as none".to_owned(),
                _ => format!("{} alone is no hash, and counts as none", quote(empty)),
            };
            let problem = Problem::warning(later.place(), message);
            problems.push(problem.hint(format!("leave `{name}` out, or give all of it")));
            return Some(None);
        }
        let text = text(later, Pattern::Free, problems)?;
        match text.it.parse::<Hash>() {
            Ok(Hash::ZERO) => Some(None),
            Ok(it) => Some(Some(At {
                it,
                place: text.place,
            })),
            Err(error) => {
                let message = format!("{} is not a hash", quote(&text.it));
                let expected = error.to_string().replace("expected ", "");
                problems.push(Problem::new(text.place, message).expected(expected));
                None
            }
        }
    }

    /// The items of an array; none if it is absent.
    pub fn items(&self, name: &str, problems: &mut Problems) -> Vec<Later<'a>> {
        self.get(name)
            .map_or_else(Vec::new, |later| items(later, name, problems))
    }

    /// An array of different texts of the pattern; none if it is absent.
    pub fn texts(&self, name: &str, pattern: Pattern, problems: &mut Problems) -> Vec<At<String>> {
        let mut seen = BTreeSet::new();
        let mut texts = Vec::new();
        for later in self.items(name, problems) {
            let Some(text) = text(later, pattern, problems) else {
                continue;
            };
            if !seen.insert(text.it.clone()) {
                let message = format!("{} is listed twice in `{name}`", quote(&text.it));
                problems.push(Problem::new(text.place, message));
            }
            texts.push(text);
        }
        texts
    }

    /// The members of an object whose names have the pattern; none if it is absent.
    pub fn named(
        &self,
        name: &str,
        pattern: Pattern,
        problems: &mut Problems,
    ) -> Vec<(At<String>, Later<'a>)> {
        self.get(name)
            .map_or_else(Vec::new, |later| named(later, pattern, problems))
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&'static str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let later = self.required(name, problems)?;
        let text = later.node.as_text().unwrap_or_default();
        let found = choices
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, it)| *it);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let message = format!("`{name}` is {}", later.node.describe());
            let problem = Problem::new(later.place(), message)
                .expected(format!("one of {}", words.join(", ")))
                .maybe_hint(problems.suggest(text, words));
            problems.push(problem);
        }
        found
    }
}

pub fn text(later: Later<'_>, pattern: Pattern, problems: &mut Problems) -> Option<At<String>> {
    match later.node.as_text() {
        Some(text) if pattern.matches(text) => Some(At {
            it: text.to_owned(),
            place: later.place(),
        }),
        _ => {
            let message = format!("{} does not do here", later.node.describe());
            problems.push(Problem::new(later.place(), message).expected(pattern.expected()));
            None
        }
    }
}

pub fn items<'a>(later: Later<'a>, what: &str, problems: &mut Problems) -> Vec<Later<'a>> {
    let Json::Array(items) = &later.node.json else {
        let message = format!("`{what}` is an array, not {}", later.node.describe());
        problems.push(Problem::new(later.place(), message));
        return Vec::new();
    };
    items
        .iter()
        .map(|node| Later {
            node,
            file: later.file,
        })
        .collect()
}

pub fn named<'a>(
    later: Later<'a>,
    pattern: Pattern,
    problems: &mut Problems,
) -> Vec<(At<String>, Later<'a>)> {
    let Json::Object(members) = &later.node.json else {
        let message = format!(
            "an object with names belongs here, not {}",
            later.node.describe()
        );
        problems.push(Problem::new(later.place(), message));
        return Vec::new();
    };
    let mut list = Vec::with_capacity(members.len());
    for member in members {
        let place = SourcePlace {
            file: later.file,
            offset: member.start,
        };
        if pattern.matches(&member.key) {
            let name = At {
                it: member.key.clone(),
                place,
            };
            list.push((
                name,
                Later {
                    node: &member.node,
                    file: later.file,
                },
            ));
        } else {
            let message = format!("{} does not do as a name here", quote(&member.key));
            problems.push(Problem::new(place, message).expected(pattern.expected()));
        }
    }
    list
}
