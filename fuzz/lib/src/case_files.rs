//! The target `case_files`: one text is read as a case, written again, and bound to worlds.
//!
//! Verifies that nothing panics, that what is refused is refused the same way twice, that what is
//! read is the same case however it is written, and that what binds to a world is a scenario whose
//! case binds to that scenario. Nothing is run, and no wasm is loaded. Does not verify what a
//! decision means.

use anyhow::{Context, Result, ensure};
use sim::air::{self, Air};
use sim::cases::{Case, CaseError, Found, FoundBy};
use sim::scenario::Scenario;

use crate::input;
use crate::json::{Layout, Tree};
use crate::seeds::{self, Sown};
use crate::settings::folder;

/// The worlds that cases are bound to.
const WORLDS: [&str; 4] = [
    "air",
    "fuzz/deep/air",
    "fuzz/worlds/types",
    "sim/tests/fixtures/worlds/http",
];
/// Cases to start from; the last folder is for what runs have found to be worth going on from.
const CASES: [&str; 3] = ["corpus", "fuzz/deep/cases", "fuzz/seeds/case_files"];

/// What is under test. A test puts faults in.
#[derive(Clone, Copy)]
pub struct Subject {
    pub parse: fn(&str) -> Result<Case, CaseError>,
    pub to_text: fn(&Case) -> String,
    pub bind: fn(&Case, &Air) -> Result<Scenario, CaseError>,
    pub new: fn(&Air, &Scenario, Found) -> Case,
    /// Writes what must be the same again.
    pub write: fn(&Tree, Layout) -> String,
}

impl Subject {
    pub const SHIPPED: Subject = Subject {
        parse: Case::parse,
        to_text: Case::to_text,
        bind: Case::bind,
        new: Case::new,
        write: Tree::write,
    };
}

/// What an input turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Not UTF-8, or not JSON.
    NotJson,
    Refused,
    /// A case of none of the worlds.
    Case,
    /// A case of one world or more.
    Bound,
}

/// The worlds that cases are bound to, without their wasm.
///
/// # Errors
/// If documents cannot be read, or are not a world.
pub fn worlds() -> Result<Vec<Air>> {
    let load = |name: &str| Ok(air::load(&sim::cli::sources(&folder(name))?)?);
    WORLDS.into_iter().map(load).collect()
}

/// The cases of the project, and one with nothing in it.
///
/// # Errors
/// If a file cannot be read.
pub fn seeds() -> Result<Vec<Sown>> {
    let mut found = vec![Sown::new("empty.json", input::EMPTY)];
    for name in CASES {
        found.extend(seeds::files(&folder(name))?);
    }
    found.retain(|seed| seed.name.ends_with(".json"));
    Ok(found)
}

/// Checks all that must hold of an input.
///
/// # Errors
/// What does not hold.
pub fn run(data: &[u8], worlds: &[Air], subject: &Subject) -> Result<Ending> {
    let Ok(text) = std::str::from_utf8(data) else {
        return Ok(Ending::NotJson);
    };
    let tree = Tree::read(text);
    let case = match (subject.parse)(text) {
        Ok(case) => case,
        Err(error) => {
            refused_again(&error, (subject.parse)(text).err())?;
            return Ok(match tree {
                Ok(_) => Ending::Refused,
                Err(_) => Ending::NotJson,
            });
        }
    };
    let tree = tree.context("a case, and not JSON to another reader")?;
    rewritten(subject, &case, &tree)?;
    let mut ending = Ending::Case;
    for air in worlds {
        match (subject.bind)(&case, air) {
            Err(error) => refused_again(&error, (subject.bind)(&case, air).err())?,
            Ok(scenario) => {
                bound(subject, air, &case, &scenario)?;
                ending = Ending::Bound;
            }
        }
    }
    Ok(ending)
}

fn refused_again(error: &CaseError, again: Option<CaseError>) -> Result<()> {
    // With its causes: they say where.
    let (error, again) = (format!("{error:?}"), again.map(|it| format!("{it:?}")));
    ensure!(
        again.as_ref() == Some(&error),
        "refused in two ways: {error}, and then {again:?}"
    );
    Ok(())
}

/// The layout of a case means nothing, and the case's own layout stays.
fn rewritten(subject: &Subject, case: &Case, tree: &Tree) -> Result<()> {
    let text = (subject.to_text)(case);
    let own = (subject.parse)(&text).context("written again, it is no case")?;
    ensure!(own == *case, "written again, it is another case:\n{text}");
    ensure!(
        (subject.to_text)(&own) == text,
        "written a third time, its text is another:\n{text}"
    );
    for layout in Layout::ALL {
        let text = (subject.write)(tree, layout);
        let read = (subject.parse)(&text).with_context(|| format!("{layout:?}, it is no case"))?;
        ensure!(
            read == *case,
            "{layout:?}, it is another case:\n{read:?}\n{case:?}"
        );
    }
    Ok(())
}

/// A scenario written as a case is that scenario.
fn bound(subject: &Subject, air: &Air, case: &Case, scenario: &Scenario) -> Result<()> {
    let found_by = match case.found_by.seed {
        Some(seed) => FoundBy::seed(seed, scenario),
        None => case.found_by.clone(),
    };
    let found = Found {
        about: case.about.clone(),
        found_by,
        world: case.world.clone(),
        judged: None,
    };
    let text = (subject.to_text)(&(subject.new)(air, scenario, found));
    let again = (subject.parse)(&text).context("its scenario, written, is no case")?;
    let again = (subject.bind)(&again, air).context("its scenario, written, does not bind")?;
    ensure!(
        again == *scenario,
        "its scenario, written, is another:\n{text}\n{scenario:?}\n{again:?}"
    );
    Ok(())
}
