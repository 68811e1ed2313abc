//! Documents by kind and name; the lists of the manifest; hashes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Plain, json};

use crate::builtins::LATE;
use crate::documents::{Document, LISTS, Manifest};
use crate::hash::Hash;
use crate::json::canonical::canonical_cbor;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem};
use crate::text::quote::quote;

pub struct Index<'d, 'a> {
    documents: &'d [Document<'a>],
    by_name: BTreeMap<(&'static str, &'d str), &'d Document<'a>>,
}

/// The documents that make the world, by kind: the built-in ones, those of the manifest, and what
/// was built in late.
pub struct WorldDocuments<'d, 'a> {
    documents: BTreeMap<&'static str, Vec<&'d Document<'a>>>,
    /// Kind and name of what the manifest lists, built in or not.
    listed: BTreeSet<(&'static str, &'d str)>,
}

/// The list of the manifest that holds documents of a kind.
fn list_of(kind: &str) -> &'static str {
    let list = LISTS.iter().find(|(_, of)| *of == kind);
    list.map_or("", |(list, _)| list)
}

impl<'d, 'a> WorldDocuments<'d, 'a> {
    pub fn of_kind(&self, kind: &str) -> &[&'d Document<'a>] {
        self.documents.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Whether the manifest lists the document: what is built in is known without that.
    pub fn lists(&self, document: &Document) -> bool {
        let name = document.name.it.as_str();
        self.listed.contains(&(document.kind, name))
    }

    pub fn names(&self, kind: &str) -> impl Iterator<Item = &'d str> {
        self.of_kind(kind)
            .iter()
            .map(|document| document.name.it.as_str())
    }

    /// The position of a document among those of its kind; reports a name that is not known.
    pub fn find(&self, kind: &str, name: &At<String>, problems: &mut Problems) -> Option<usize> {
        let found = self.names(kind).position(|known| known == name.it);
        if found.is_none() {
            problems.push_unknown(kind, name, self.names(kind));
        }
        found
    }
}

impl<'d, 'a> Index<'d, 'a> {
    pub fn new(documents: &'d [Document<'a>], problems: &mut Problems) -> Index<'d, 'a> {
        let mut by_name = BTreeMap::new();
        for document in documents
            .iter()
            .filter(|document| document.kind != "manifest")
        {
            let key = (document.kind, document.name.it.as_str());
            if by_name.entry(key).or_insert(document).name.place != document.name.place {
                let name = quote(&document.name.it);
                let message = format!("a second {} with the name {name}", document.kind);
                problems.push(Problem::new(document.name.place, message));
            }
        }
        Index { documents, by_name }
    }

    /// Follows the lists of the manifest. A hash that is another than the document's is warned of
    /// and counts as none, as AgentOS has it.
    pub fn listed(&self, manifest: &Manifest, problems: &mut Problems) -> WorldDocuments<'d, 'a> {
        let mut world: BTreeMap<&'static str, Vec<&Document>> = BTreeMap::new();
        let built_in = self.documents.iter().filter(|document| document.file == 0);
        let (late, early): (Vec<_>, Vec<_>) =
            built_in.partition(|document| LATE.contains(&document.name.it.as_str()));
        for document in early {
            world.entry(document.kind).or_default().push(document);
        }
        let entries = manifest.entries.iter();
        let named: BTreeSet<_> = entries.map(|it| (it.kind, it.name.it.as_str())).collect();
        self.report_unlisted(&named, problems);
        let mut seen = BTreeSet::new();
        for entry in &manifest.entries {
            let name = &entry.name;
            let found = self.by_name.get(&(entry.kind, name.it.as_str()));
            let Some(document) = found.copied() else {
                let known = self.by_name.keys().filter(|(kind, _)| *kind == entry.kind);
                problems.push_unknown(entry.kind, name, known.map(|(_, name)| *name));
                continue;
            };
            if !seen.insert((document.kind, document.name.it.as_str())) {
                let message = format!("{} is listed twice", quote(&name.it));
                problems.push(Problem::new(name.place, message));
                continue;
            }
            if let Some(hash) = entry.hash.as_ref().filter(|hash| hash.it != document.hash) {
                let message = format!("the hash is not that of {}", quote(&name.it));
                let hint = match document.file {
                    0 => "what is built in here is written otherwise; leave `hash` out",
                    _ => "leave `hash` out while the document still changes",
                };
                let problem = Problem::warning(hash.place, message);
                problems.push(problem.expected(document.hash.to_string()).hint(hint));
            }
            if document.file > 0 {
                world.entry(document.kind).or_default().push(document);
            }
        }
        for document in late {
            world.entry(document.kind).or_default().push(document);
        }
        WorldDocuments {
            documents: world,
            listed: seen,
        }
    }

    /// Warns of documents that are no part of the world.
    fn report_unlisted(&self, named: &BTreeSet<(&'static str, &str)>, problems: &mut Problems) {
        for document in self
            .documents
            .iter()
            .filter(|it| it.file > 0 && it.kind != "manifest")
        {
            if !named.contains(&(document.kind, document.name.it.as_str())) {
                let list = list_of(document.kind);
                let message = format!("{} is not in the manifest", quote(&document.name.it));
                let problem = Problem::warning(document.name.place, message);
                problems.push(problem.hint(format!("add it to `{list}`, or remove the document")));
                problems.push_unlisted(document.kind, &document.name.it);
            }
        }
    }

    /// The hash of the manifest with every hash in its lists filled in.
    pub fn manifest_hash(&self, document: &Document) -> Hash {
        let mut plain = document.node.to_plain();
        for (list, kind) in LISTS {
            let entries = plain.get_mut(list).and_then(Plain::as_array_mut);
            for entry in entries.into_iter().flatten() {
                let name = entry
                    .get("name")
                    .and_then(Plain::as_str)
                    .unwrap_or_default();
                let hash = self
                    .by_name
                    .get(&(kind, name))
                    .map(|document| document.hash);
                if let (Some(hash), Some(entry)) = (hash, entry.as_object_mut()) {
                    entry.insert("hash".to_owned(), json!(hash.to_string()));
                }
            }
        }
        Hash::of(&canonical_cbor(&plain))
    }
}
