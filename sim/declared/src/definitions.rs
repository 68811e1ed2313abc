//! `[define]`: read, named, put in an order in which each comes after what it uses.

use std::collections::{BTreeSet, VecDeque};

use cel::parser::Expression;

use crate::condition::{self, is_variable};
use crate::expand::{Definition, Definitions};
use crate::file::File;
use crate::looks;
use crate::moments;
use crate::trouble::Troubles;

/// The most definitions of a file.
const MOST: usize = 1_000;

/// A definition whose names have not been replaced.
struct Raw<'a> {
    name: &'a str,
    at: usize,
    expression: Expression,
    /// Other definitions that it names.
    names: Vec<&'a str>,
}

/// Reads what a file defines. What the names in it mean is seen where they are used.
pub(crate) fn read<'a>(file: &'a File, troubles: &mut Troubles<'a>) -> Definitions {
    let define = &file.root.define;
    let mut definitions = Definitions::default();
    let mut raw = Vec::new();
    if define.len() > MOST {
        let at = define.values().map(|source| source.span().start).min();
        let what = format!("more than {MOST} definitions: {}", define.len());
        troubles.add(at.unwrap_or_default(), what);
        return definitions;
    }
    for (name, source) in define {
        let at = source.span().start;
        if let Some(hint) = forbidden(file, name) {
            let what = format!("a definition cannot be called `{name}`");
            troubles.add(at, what).hint(hint);
        }
        match condition::read(source.get_ref()) {
            Ok(expression) => {
                let reads = looks::variables_of(&expression);
                let names = define.keys().map(String::as_str);
                raw.push(Raw {
                    name,
                    at,
                    expression,
                    names: names
                        .filter(|known| reads.iter().any(|it| it == known))
                        .collect(),
                });
            }
            Err(what) => {
                troubles.add(at, format!("`{name}`: {what}"));
                definitions.add_broken(name);
            }
        }
    }
    order(raw, &mut definitions, troubles);
    definitions
}

/// Why a definition cannot have a name.
fn forbidden(file: &File, name: &str) -> Option<&'static str> {
    if moments::is_taken(name) || ["params", "input"].contains(&name) {
        return Some("conditions have a variable of that name");
    }
    if file.root.counters.contains_key(name) {
        return Some("a counter has that name");
    }
    (!is_variable(name)).then_some("a name is letters, digits and `_`, and no word of CEL")
}

/// Adds each after what it uses. What is left uses itself, or what does.
fn order(mut raw: Vec<Raw<'_>>, definitions: &mut Definitions, troubles: &mut Troubles<'_>) {
    raw.sort_by_key(|one| one.at);
    loop {
        let names: Vec<&str> = raw.iter().map(|one| one.name).collect();
        let waits = |one: &Raw<'_>| one.names.iter().any(|name| names.contains(name));
        let (waiting, ready): (Vec<_>, Vec<_>) = raw.into_iter().partition(|one| waits(one));
        raw = waiting;
        if ready.is_empty() {
            break;
        }
        for one in ready {
            let mut expression = one.expression;
            match definitions.expand(&mut expression) {
                Ok(uses) => definitions.add(Definition {
                    name: one.name.to_owned(),
                    reads: looks::variables_of(&expression),
                    expression,
                    uses,
                }),
                Err(what) => {
                    troubles.add(one.at, format!("`{}`: {what}", one.name));
                    definitions.add_broken(one.name);
                }
            }
        }
    }
    for one in &raw {
        definitions.add_broken(one.name);
        if let Some(circle) = circle(one, &raw) {
            let what = format!("`{}` is defined by itself: {circle}", one.name);
            troubles.add(one.at, what);
        }
    }
}

/// The shortest way from a definition back to itself, if it is the first on that way in the file.
fn circle(from: &Raw<'_>, raw: &[Raw<'_>]) -> Option<String> {
    let mut ways = VecDeque::from([vec![from.name]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let last = raw.iter().find(|one| Some(&one.name) == way.last())?;
        for name in &last.names {
            let way = [&way[..], &[*name]].concat();
            if *name == from.name {
                return Some(way.join(", "));
            }
            let is_later = raw.iter().any(|one| one.name == *name && one.at > from.at);
            if is_later && seen.insert(*name) {
                ways.push_back(way);
            }
        }
    }
    None
}
