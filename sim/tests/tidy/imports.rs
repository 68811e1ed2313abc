//! Which modules of a crate name which others, read from its sources; and the circles among them.
//!
//! A path counts wherever it stands: in a `use`, in an expression, in a type. Only paths that begin
//! with `crate`, `super` or `self` lead to other modules of the crate, since nothing else is in
//! scope without a `use`. A name that the crate's root takes from a module and shows again counts
//! as that module's. What the root defines itself is nobody's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::tokens::{Token, tokens};

/// Who names whom, by the names of the crate's top-level modules, and the first place where.
#[derive(Default)]
pub struct Imports {
    edges: BTreeMap<(String, String), String>,
}

/// Reads the crate whose root is `lib.rs` or `main.rs` in the folder `src`.
pub fn of(src: &Path) -> Imports {
    let files = rust_files(src);
    let modules: BTreeSet<String> = files.iter().filter_map(|it| top(src, it)).collect();
    let shown = shown_by_root(src, &modules);
    let mut imports = Imports::default();
    for file in &files {
        let Some(from) = top(src, file) else { continue };
        let at = module_path(src, file);
        let text = fs::read_to_string(file).expect("it can be read");
        let short = file.strip_prefix(src).expect("it is in it").display();
        for (line, path) in paths(&text) {
            let Some(first) = first_in_crate(&at, &path) else {
                continue;
            };
            let to = match modules.contains(first) {
                true => Some(first.to_owned()),
                false => shown.get(first).cloned(),
            };
            if let Some(to) = to.filter(|to| *to != from) {
                let place = format!("{short}:{line}");
                imports.edges.entry((from.clone(), to)).or_insert(place);
            }
        }
    }
    imports
}

impl Imports {
    /// The circles, each with the places that close it, in words.
    pub fn circles(&self) -> Vec<String> {
        let mut told: BTreeSet<&str> = BTreeSet::new();
        let mut circles = Vec::new();
        for (from, _) in self.edges.keys() {
            if !told.insert(from) {
                continue;
            }
            let circle: BTreeSet<&str> = { self.reachable(from).into_iter() }
                .filter(|to| self.reachable(to).contains(from.as_str()))
                .collect();
            if circle.is_empty() {
                continue;
            }
            told.extend(&circle);
            let is_within = |module: &String| circle.contains(module.as_str());
            let edges = self.edges.iter();
            let edges = edges.filter(|((from, to), _)| is_within(from) && is_within(to));
            let edges: Vec<String> = edges
                .map(|((from, to), place)| format!("    {from} -> {to}, as in {place}"))
                .collect();
            let names: Vec<&str> = circle.into_iter().collect();
            circles.push(format!("{}:\n{}", names.join(", "), edges.join("\n")));
        }
        circles
    }

    /// What a module comes to by one import or more.
    fn reachable<'i>(&'i self, from: &'i str) -> BTreeSet<&'i str> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            let edges = self.edges.keys().filter(|(from, _)| from == module);
            open.extend(edges.filter_map(|(_, to)| found.insert(&**to).then_some(&**to)));
        }
        found
    }
}

/// Every file of Rust in a folder, in order.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            match path.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|it| it == "rs") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files
}

/// The path of the module that is in a file: `a/mod.rs` is `a`, and so is `a.rs`.
fn module_path(src: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(src).expect("it is in it");
    let names = relative.with_extension("");
    let names = names.iter().map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.pop_if(|name| matches!(name.as_str(), "mod" | "lib" | "main"));
    names
}

/// The top-level module that a file belongs to; none for the root, and for what is beside it.
fn top(src: &Path, file: &Path) -> Option<String> {
    let path = module_path(src, file);
    path.into_iter().next().filter(|name| name != "bin")
}

/// The names that the root takes from modules and shows again.
fn shown_by_root(src: &Path, modules: &BTreeSet<String>) -> BTreeMap<String, String> {
    let roots = ["lib.rs", "main.rs"].map(|name| src.join(name));
    let root = roots
        .into_iter()
        .find_map(|path| fs::read_to_string(path).ok());
    let tokens = tokens(&root.expect("a crate has a root"));
    let uses = tokens.iter().enumerate().filter(|(_, it)| it.text == "use");
    let mut shown = BTreeMap::new();
    for (at, _) in uses {
        let mut paths = Vec::new();
        tree(&tokens, at + 1, &[], &mut paths);
        for path in paths {
            let mut names = path
                .iter()
                .filter(|name| *name != "self" && *name != "crate");
            let (first, last) = (names.next(), names.next_back());
            if let (Some(first), Some(last)) = (first, last)
                && modules.contains(first)
            {
                shown.insert(last.clone(), first.clone());
            }
        }
    }
    shown
}

/// The first name of a path as the crate's root sees it; `at` is the module that it stands in.
fn first_in_crate<'p>(at: &'p [String], path: &'p [String]) -> Option<&'p str> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let rest = match path.first()?.as_str() {
        "crate" => return path.get(1).map(String::as_str),
        "self" => at,
        _ => at.get(..at.len().checked_sub(ups)?)?,
    };
    let first = rest.first().or_else(|| path.get(ups.max(1)))?;
    Some(first)
}

/// The paths from `crate`, `super` or `self` in a source, each with its line.
fn paths(source: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |token| &token.text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let begins = matches!(token.text.as_str(), "crate" | "super" | "self")
            && text(at + 1) == "::"
            && (at == 0 || text(at - 1) != "::" && text(at - 1) != "in");
        if begins {
            let mut paths = Vec::new();
            tree(&tokens, at, &[], &mut paths);
            found.extend(paths.into_iter().map(|path| (token.line, path)));
        }
    }
    found
}

/// The paths of a tree such as `a::{b::c, d}` that begins at a token; gives where it ends.
fn tree(tokens: &[Token], mut at: usize, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let text = |at: usize| tokens.get(at).map_or("", |token| &token.text);
    loop {
        if text(at) == "{" {
            at += 1;
            while !matches!(text(at), "}" | "") {
                at = tree(tokens, at, &path, paths);
                at += usize::from(text(at) == ",");
            }
            return at + 1;
        }
        path.push(text(at).to_owned());
        at += 1;
        if text(at) != "::" {
            if text(at) == "as" {
                path.push(text(at + 1).to_owned());
                at += 2;
            }
            paths.push(path);
            return at;
        }
        at += 1;
    }
}
