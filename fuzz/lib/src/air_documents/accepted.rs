//! What must hold of a world: its text may be written otherwise, and its modules pinned.

use anyhow::{Context, Result, anyhow, ensure};
use sim::air::{Air, Diagnostic, Hash, Severity, Source, canonical_cbor};

use super::{Subject, documents, refused, source};
use crate::json::{Layout, Tree};

/// Longer texts are not written with every character escaped: they would be too long to read.
const MOST_TO_ESCAPE: usize = 1 << 20;

/// Checks a world against the same world written otherwise, in one source and in many.
pub fn check(subject: &Subject, first: &Source, tree: &Tree, air: &Air) -> Result<()> {
    refused::list(subject, &air.warnings.list, first, Some(tree))?;
    let is_warning = |it: &Diagnostic| it.severity == Severity::Warning;
    ensure!(
        air.warnings.list.iter().all(is_warning),
        "a world with errors is taken"
    );
    let world = describe(air.clone());
    let same = |what: &str, sources: &[Source]| same(subject, &world, what, sources);
    for layout in Layout::ALL {
        if layout != Layout::Escaped || first.text.len() <= MOST_TO_ESCAPE {
            same(
                &format!("{layout:?}"),
                &[source((subject.write)(tree, layout))],
            )?;
        }
    }
    for (what, wanted) in [("with comments", true), ("without comments", false)] {
        let tree = tree.with_comments(wanted);
        same(what, &[source((subject.write)(&tree, Layout::Compact))])?;
    }
    let mut documents = documents(tree);
    let apart = documents
        .iter()
        .map(|document| source((subject.write)(document, Layout::Compact)));
    let mut apart: Vec<Source> = apart.collect();
    same("each document in a file", &apart)?;
    apart.reverse();
    same("each in a file, the last first", &apart)?;
    documents.reverse();
    let backwards = (subject.write)(&Tree::Array(documents), Layout::Compact);
    same("the last document first", &[source(backwards)])?;
    hashes(tree, air)?;
    pins(subject, first, air)
}

/// All that a world is, in whatever order its documents came. What it is warned of, without the
/// places; of too many warnings, which are shown depends on the order.
fn describe(mut air: Air) -> String {
    air.documents
        .sort_by(|left, right| (&left.kind, &left.name).cmp(&(&right.kind, &right.name)));
    let warnings = std::mem::take(&mut air.warnings);
    let mut said: Vec<_> = match warnings.hidden_count {
        0 => warnings.list.iter().collect(),
        _ => Vec::new(),
    };
    said.sort_by(|left, right| {
        let text = |it: &Diagnostic| (it.message.clone(), it.expected.clone(), it.hint.clone());
        text(left).cmp(&text(right))
    });
    let said = said.iter().map(|it| (&it.message, &it.expected, &it.hint));
    let said: Vec<_> = said.collect();
    format!("{air:?}, {} warnings: {said:?}", warnings.count())
}

fn same(subject: &Subject, world: &str, what: &str, sources: &[Source]) -> Result<()> {
    let air = (subject.load)(sources).map_err(|error| anyhow!("{what}, it is refused: {error}"))?;
    let found = describe(air);
    ensure!(
        found == world,
        "{what}, it is another world:\n{world}\n{found}"
    );
    Ok(())
}

/// The hash of a document is that of its JSON, comments aside.
fn hashes(tree: &Tree, air: &Air) -> Result<()> {
    for (document, info) in documents(tree).iter().zip(&air.documents) {
        let text = document.with_comments(false).write(Layout::Compact);
        let plain = serde_json::from_str(&text).context("a document is JSON")?;
        let hash = Hash::of(&canonical_cbor(&plain));
        ensure!(
            hash == info.hash,
            "the hash of {} `{}` is {}, and that of its JSON {hash}",
            info.kind,
            info.name,
            info.hash
        );
    }
    Ok(())
}

/// A pinned world is the same world, but for the hash, and for what it is warned of: the manifest
/// may pin the document.
fn pins(subject: &Subject, first: &Source, air: &Air) -> Result<()> {
    for reducer in &air.reducers {
        let name = &reducer.name;
        let hash = reducer.wasm_hash.unwrap_or(Hash::of(b"another wasm"));
        let pinned = (subject.pin)(first, name, hash)
            .map_err(|error| anyhow!("cannot pin `{name}`: {error}"))?;
        pinned_stays(subject, &pinned, name, hash)?;
        let found = (subject.load)(&[source(pinned)]);
        let found = found.map_err(|error| anyhow!("once `{name}` is pinned: {error}"))?;
        let expected = expected_once_pinned(air, &found, name, hash);
        ensure!(
            describe(found) == describe(expected),
            "once `{name}` is pinned it is another world"
        );
    }
    Ok(())
}

/// What differs in a world by a pin: the reducer's own hash, and those of its document and of the
/// manifest, which are as they are found to be.
fn expected_once_pinned(air: &Air, found: &Air, name: &str, hash: Hash) -> Air {
    let mut expected = air.clone();
    expected.warnings = found.warnings.clone();
    for reducer in expected.reducers.iter_mut().filter(|it| it.name == name) {
        if reducer.wasm_hash != Some(hash) {
            reducer.wasm_hash = Some(hash);
            expected.manifest_hash = found.manifest_hash;
            for (document, found) in expected.documents.iter_mut().zip(&found.documents) {
                if document.kind == "defmodule" && document.name == name {
                    document.hash = found.hash;
                }
            }
        }
    }
    expected
}

/// A text with a pin in it: the same pin changes nothing, and another one that is taken back
/// leaves no trace.
pub fn pinned_stays(subject: &Subject, pinned: &str, name: &str, hash: Hash) -> Result<()> {
    let pin = |text: &str, hash| {
        (subject.pin)(&source(text), name, hash)
            .map_err(|error| anyhow!("cannot pin `{name}` a second time: {error}"))
    };
    ensure!(
        pin(pinned, hash)? == pinned,
        "the same pin for `{name}` changes the text"
    );
    let other = Hash::of(b"some other wasm");
    ensure!(
        pin(&pin(pinned, other)?, hash)? == pinned,
        "a pin of `{name}` that is taken back changes the text"
    );
    Ok(())
}
