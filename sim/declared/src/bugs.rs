//! Planted bugs of a world: where the wasm that has them comes from, and what must find them.

use std::collections::BTreeSet;

use crate::assertions;
use crate::file::{File, Wasm};
use crate::trouble::Troubles;
use crate::written::BugFile;
use sim_air::Air;

/// A planted bug, as a file declares it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bug {
    /// Its name.
    pub name: String,
    /// What is wrong, in a sentence; empty if nothing is said.
    pub says: String,
    /// Where the wasm of the reducers that have it comes from, by their names.
    pub reducers: Vec<(String, Wasm)>,
    /// The properties that are about it.
    pub found_by: Vec<String>,
}

impl File {
    /// The bugs that are planted in the world, in the order of their names.
    pub fn bugs(&self) -> impl Iterator<Item = Bug> {
        self.root.bugs.iter().map(|(name, bug)| {
            let bug = bug.get_ref();
            Bug {
                name: name.clone(),
                says: bug.says.clone().unwrap_or_default(),
                reducers: self.reducers_of(bug),
                found_by: bug.found_by.get_ref().clone(),
            }
        })
    }

    /// Those that a bug names, or those whose package is built with its features.
    fn reducers_of(&self, bug: &BugFile) -> Vec<(String, Wasm)> {
        if let Some(files) = &bug.wasm {
            let of_file = |(name, file): (&String, &toml::Spanned<String>)| {
                (name.clone(), Wasm::File(file.get_ref().clone()))
            };
            return files.iter().map(of_file).collect();
        }
        let more = bug.features.iter().flat_map(|features| features.get_ref());
        let more: Vec<&String> = more.collect();
        let of_package = |(name, wasm): (&str, Wasm)| match wasm {
            Wasm::File(_) => None,
            Wasm::Package { folder, features } => {
                let all: BTreeSet<&String> = features.iter().chain(more.iter().copied()).collect();
                let features = all.into_iter().cloned().collect();
                Some((name.to_owned(), Wasm::Package { folder, features }))
            }
        };
        self.wasm().filter_map(of_package).collect()
    }
}

/// Finds what cannot be had, or found.
pub(crate) fn check<'a>(file: &'a File, air: &'a Air, troubles: &mut Troubles<'a>) {
    for (name, bug) in &file.root.bugs {
        let (at, bug) = (bug.span().start, bug.get_ref());
        if bug.wasm.is_some() == bug.features.is_some() {
            let message = format!("the bug `{name}` needs `features` or `wasm`, one of them");
            troubles.add(at, message);
        } else if let Some(files) = &bug.wasm {
            let reducers: Vec<&str> = air.reducers.iter().map(|it| it.name.as_str()).collect();
            for (reducer, wasm) in files {
                if !reducers.contains(&reducer.as_str()) {
                    troubles.unknown(wasm.span().start, "reducer", reducer, reducers.clone());
                }
            }
        }
        let is_said = bug.wasm.is_some() != bug.features.is_some();
        if is_said && file.reducers_of(bug).is_empty() {
            let message = format!("the bug `{name}` is in no reducer");
            let hint = "`features` are those of a `package` of `[reducers]`; or name `wasm` files";
            troubles.add(at, message).hint(hint);
        }
        let found_by = &bug.found_by;
        if found_by.get_ref().is_empty() {
            let message = format!("the bug `{name}` is found by nothing");
            troubles.add(found_by.span().start, message);
        }
        for property in found_by.get_ref() {
            let declared = names(file);
            if !sim_model::is_of_any_world(property) && !declared.contains(&property.as_str()) {
                troubles.unknown(found_by.span().start, "property", property, declared);
            }
        }
    }
}

/// What a file itself asks of runs.
fn names(file: &File) -> Vec<&str> {
    let root = &file.root;
    let asserted = assertions::listed(file).map(|(_, message)| message.get_ref().as_str());
    let properties = root.properties.keys().chain(root.monitors.keys());
    properties.map(String::as_str).chain(asserted).collect()
}
