//! The target `air_documents`: one text is loaded as a whole world, and pinned.
//!
//! Verifies that neither panics, and then of what is refused that the report is the same twice and
//! names places that are there ([`refused`]), of what is accepted that it is the same world however
//! it is written ([`accepted`]), and of its schemas that values survive every form ([`values`]).
//! libFuzzer's limits on time and memory verify that it ends. Does not verify that what is
//! accepted should be: that is what the tests of `sim::air` are for.

mod accepted;
mod refused;
pub mod values;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use sim::air::{self, Air, Diagnostic, Diagnostics, Hash, Source};

use crate::json::{Layout, Tree};
use crate::seeds::{self, Sown};
use crate::settings::folder;

/// Every source of an input has this name, so that a world of many compares with that of one.
const FILE: &str = "input.air.json";

/// Folders that hold a world each, and one that holds such folders.
const WORLDS: [&str; 4] = ["air", "fuzz/deep/air", "fuzz/worlds/types", "sim/tests/air"];
const MORE_WORLDS: &str = "sim/tests/fixtures/worlds";
/// What runs have found to be worth going on from.
const KEPT: &str = "fuzz/seeds/air_documents";

/// What is under test. A test puts faults in.
#[derive(Clone, Copy)]
pub struct Subject {
    pub load: fn(&[Source]) -> Result<Air, Diagnostics>,
    pub pin: fn(&Source, &str, Hash) -> Result<String, Diagnostics>,
    /// What of a report is shown.
    pub show: fn(&Diagnostic) -> String,
    /// Writes what must be the same again.
    pub write: fn(&Tree, Layout) -> String,
    pub codec: values::Codec,
}

impl Subject {
    pub const SHIPPED: Subject = Subject {
        load: air::load,
        pin: air::pin,
        show: Diagnostic::to_string,
        write: Tree::write,
        codec: values::Codec::SHIPPED,
    };
}

/// What an input turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Not UTF-8, or not JSON.
    NotJson,
    Refused,
    Accepted,
}

/// Checks all that must hold of an input.
///
/// # Errors
/// What does not hold.
pub fn run(data: &[u8], subject: &Subject) -> Result<Ending> {
    let Ok(text) = std::str::from_utf8(data) else {
        return Ok(Ending::NotJson);
    };
    let source = source(text);
    let tree = Tree::read(text);
    let tree = tree.as_ref().ok();
    pins_of_anything(subject, &source, tree)?;
    match (subject.load)(std::slice::from_ref(&source)) {
        Err(diagnostics) => {
            let again = (subject.load)(std::slice::from_ref(&source)).err();
            ensure!(
                again.as_ref() == Some(&diagnostics),
                "refused in two ways:\n{diagnostics}\nand then:\n{again:?}"
            );
            refused::check(subject, &diagnostics, &source, tree)?;
            Ok(match tree {
                Some(_) => Ending::Refused,
                None => Ending::NotJson,
            })
        }
        Ok(air) => {
            let tree = tree.context("accepted, and not JSON to another reader")?;
            accepted::check(subject, &source, tree, &air)?;
            values::check(&subject.codec, &air.schemas, text)?;
            Ok(Ending::Accepted)
        }
    }
}

fn source(text: impl Into<String>) -> Source {
    Source {
        file: FILE.to_owned(),
        text: text.into(),
    }
}

/// The documents that a text holds.
fn documents(tree: &Tree) -> Vec<Tree> {
    tree.clone().into_elements()
}

/// Pinning asks for less than loading does: whatever the text, it is refused with a place or done
/// once and for all.
fn pins_of_anything(subject: &Subject, source: &Source, tree: Option<&Tree>) -> Result<()> {
    let documents = tree.map(documents).unwrap_or_default();
    let modules = documents
        .iter()
        .filter(|document| document.text("$kind") == Some("defmodule"));
    let named = modules.filter_map(|module| module.text("name"));
    // What is built in is not there to be pinned, and callers know.
    let name = named.into_iter().find(|name| !name.starts_with("sys/"));
    let name = name.unwrap_or("demo/Nobody@1");
    match (subject.pin)(source, name, Hash::of(b"a wasm")) {
        Err(diagnostics) => refused::check(subject, &diagnostics, source, tree),
        Ok(pinned) => accepted::pinned_stays(subject, &pinned, name, Hash::of(b"a wasm")),
    }
}

/// The worlds of the project as one text each, their documents one by one, and what was kept.
///
/// # Errors
/// If a file cannot be read or is not JSON.
pub fn seeds() -> Result<Vec<Sown>> {
    let mut folders = Vec::from(WORLDS.map(folder));
    let more = folder(MORE_WORLDS);
    let cannot = || format!("cannot read the folder {}", more.display());
    for entry in std::fs::read_dir(&more).with_context(cannot)? {
        folders.push(entry.with_context(cannot)?.path());
    }
    folders.sort();
    let mut found = Vec::new();
    for (index, path) in folders.iter().enumerate() {
        found.extend(world(index, path)?);
    }
    found.extend(seeds::files(&folder(KEPT))?);
    Ok(found)
}

/// A world as one array of documents, and each of its files.
fn world(index: usize, folder: &Path) -> Result<Vec<Sown>> {
    let mut whole = Vec::new();
    let mut found = Vec::new();
    for source in sim::cli::sources(folder)? {
        let tree = Tree::read(&source.text).with_context(|| source.file.clone())?;
        whole.extend(tree.into_elements());
        let file = Path::new(&source.file).file_name().unwrap_or_default();
        let name = format!("{index}-{}", file.to_string_lossy());
        found.push(Sown::new(name, source.text));
    }
    let whole = Tree::Array(whole).write(Layout::Lines);
    found.push(Sown::new(format!("{index}-world.air.json"), whole));
    Ok(found)
}
