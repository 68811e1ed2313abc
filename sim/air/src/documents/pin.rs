//! Pinning: writing the hash of a wasm binary into its `defmodule`, and touching nothing else.

use crate::builtins;
use crate::hash::Hash;
use crate::json::file::{File, locate};
use crate::json::{Json, Node};
use crate::problems::diagnostic::{Diagnostics, Source};
use crate::problems::list::Problems;
use crate::problems::problem::{Problem, SourcePlace};
use crate::text::quote::quote;

/// The text with the module's `wasm_hash` set, or put in after its name if there was none.
/// Every other byte stays. The file need not pass other checks.
///
/// # Errors
///
/// If the source is no JSON, or has not exactly one `defmodule` of that name.
///
/// ```
/// use sim_air::{Hash, Source, pin};
///
/// let text = r#"{ "$kind": "defmodule", "name": "demo/M@1" }"#;
/// let source = Source { file: "m.air.json".to_owned(), text: text.to_owned() };
/// let pinned = pin(&source, "demo/M@1", Hash::of(b"wasm"))?;
/// assert!(pinned.contains(r#""name": "demo/M@1", "wasm_hash": "sha256:"#));
/// # Ok::<(), sim_air::Diagnostics>(())
/// ```
pub fn pin(source: &Source, module: &str, hash: Hash) -> Result<String, Diagnostics> {
    let mut problems = Problems::default();
    let file = File::read(0, &source.file, &source.text, &mut problems);
    let edit = match &file.root {
        Some(root) if !problems.has_errors() => problems.keep(edit(root, module, hash)),
        _ => None,
    };
    problems.into_report(|place| locate(std::slice::from_ref(&file), place))?;
    let (start, end, insert) = edit.ok_or(Diagnostics::default())?;
    let mut text = source.text.clone();
    text.replace_range(start..end, &insert);
    Ok(text)
}

/// The bytes to replace, and what by.
fn edit(root: &Node, module: &str, hash: Hash) -> Result<(usize, usize, String), Problem> {
    assert!(!module.starts_with(builtins::RESERVED));
    let nodes = match &root.json {
        Json::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(root),
    };
    let is =
        |node: &Node, key: &str, text: &str| node.member(key).and_then(Node::as_text) == Some(text);
    let mut found = nodes
        .iter()
        .filter(|it| is(it, "$kind", "defmodule") && is(it, "name", module));
    let place = |node: &Node| SourcePlace {
        file: 0,
        offset: node.start,
    };
    let Some(document) = found.next() else {
        let message = format!("no defmodule with the name {}", quote(module));
        return Err(Problem::new(place(root), message));
    };
    if let Some(second) = found.next() {
        let message = format!("a second defmodule with the name {}", quote(module));
        return Err(Problem::new(place(second), message));
    }
    if let Some(old) = document.member("wasm_hash") {
        return Ok((old.start, old.end, format!("\"{hash}\"")));
    }
    // `name` is there, since the document was found by it.
    let after = document
        .member("name")
        .map_or(document.start, |name| name.end);
    Ok((after, after, format!(", \"wasm_hash\": \"{hash}\"")))
}
