//! From documents to a world: every check that needs more than one document.
//!
//! Each step goes on as far as it can after a problem, so that one load tells all there is to
//! tell. Checks on types and values wait until every schema is sound: on broken types they would
//! report nothing but echoes. Nothing here reads JSON itself, and nothing else makes an `Air`.

mod capabilities;
mod enforcers;
mod events;
mod gate;
mod index;
mod modules;
mod plans;
mod policies;
mod reach;
mod routing;
mod schemas;

use self::index::Index;
use crate::air::{Air, DocumentInfo};
use crate::builtins;
use crate::documents::{self, Body, Document};
use crate::json::file::{File, locate};
use crate::problems::diagnostic::{Diagnostics, Source, Warnings};
use crate::problems::list::Problems;
use crate::problems::problem::{Problem, SourcePlace};

/// The most files, and the most bytes of text, of one world.
const MAX_FILES: usize = 1024;
const MAX_TOTAL_SIZE: usize = 32 << 20;

/// Reads and checks a world. All problems are reported together, in order of file and position;
/// warnings alone refuse nothing and come with the world ([`Air::warnings`]).
///
/// A source holds one document or an array of them. A world has one manifest among them.
///
/// # Errors
///
/// If anything refuses the world: what, where, what was expected, and what to do next.
///
/// ```
/// use sim_air::{Source, load};
///
/// let text = r#"{"$kind": "defschema", "name": "demo/Point@1",
///   "type": {"record": {"x": "int"}}}"#;
/// let source = Source { file: "point.air.json".to_owned(), text: text.to_owned() };
/// let problems = load(&[source]).unwrap_err();
/// assert_eq!(
///     problems.list[1].to_string(),
///     "a type is an object with one field, not the text `int`\n  \
///        at point.air.json:2:28 (/type/record/x)\n  \
///        hint: for example {\"text\":{}}",
/// );
/// ```
pub fn load(sources: &[Source]) -> Result<Air, Diagnostics> {
    let mut problems = Problems::default();
    let size = sources
        .iter()
        .map(|source| source.text.len())
        .fold(0, usize::saturating_add);
    let small = sources.len() <= MAX_FILES && size <= MAX_TOTAL_SIZE;
    if !small {
        let message = format!("more than {MAX_FILES} files or {MAX_TOTAL_SIZE} bytes");
        problems.push(Problem::new(SourcePlace { file: 1, offset: 0 }, message));
    }
    let mut files = vec![File::read(0, builtins::FILE, builtins::TEXT, &mut problems)];
    for (index, source) in sources.iter().enumerate().take(MAX_FILES) {
        let text = if small { &source.text } else { "null" };
        files.push(File::read(index + 1, &source.file, text, &mut problems));
    }
    let mut documents = Vec::new();
    if small {
        for (index, file) in files.iter().enumerate() {
            documents.extend(documents::read(index, file, &mut problems));
        }
    }
    let air = if small {
        assemble(&documents, &files, &mut problems)
    } else {
        None
    };
    let warnings = problems.into_report(|place| locate(&files, place))?;
    let air = air.ok_or_else(Diagnostics::default)?;
    Ok(Air { warnings, ..air })
}

fn assemble(documents: &[Document], files: &[File], problems: &mut Problems) -> Option<Air> {
    let index = Index::new(documents, problems);
    let (manifest_document, manifest) = sole_manifest(documents, files, problems)?;
    let world = index.listed(manifest, problems);
    let (mut schemas, sound) = schemas::link(&world, problems);
    let capabilities =
        capabilities::check(&world, manifest, &mut schemas, (files, sound), problems);
    let reducers = modules::check(
        &world,
        manifest,
        &schemas,
        &capabilities,
        sound,
        files,
        problems,
    );
    let routes = routing::routes(&world, manifest, &schemas, &reducers, sound, problems);
    let starts = routing::starts(&world, manifest, &schemas, sound, problems);
    let plans = plans::check(&world, &schemas, &capabilities, &starts, sound, problems);
    let policy = policies::check(&world, manifest, &capabilities, problems);
    capabilities::secrets(&world, &capabilities, problems);
    if problems.has_errors() {
        return None;
    }
    let air = Air {
        manifest_hash: index.manifest_hash(manifest_document),
        reducers: reducers.list,
        plans,
        effects: capabilities.effects,
        caps: capabilities.caps,
        grants: capabilities.grants,
        enforcers: capabilities.enforcers,
        policy,
        routes,
        triggers: starts.triggers,
        documents: documents
            .iter()
            .filter(|it| it.file > 0)
            .map(|it| info(it, files))
            .collect(),
        schemas,
        warnings: Warnings::default(),
    };
    gate::check(&world, manifest, &air, problems);
    reach::check(&world, &air, problems);
    Some(air)
}

fn info(document: &Document, files: &[File]) -> DocumentInfo {
    DocumentInfo {
        kind: document.kind.to_owned(),
        name: document.name.it.clone(),
        hash: document.hash,
        file: files
            .get(document.file)
            .map(|file| file.name.clone())
            .unwrap_or_default(),
    }
}

type ManifestDocument<'d, 'a> = (&'d Document<'a>, &'d documents::Manifest<'a>);

fn sole_manifest<'d, 'a>(
    documents: &'d [Document<'a>],
    files: &[File],
    problems: &mut Problems,
) -> Option<ManifestDocument<'d, 'a>> {
    let mut manifests = documents
        .iter()
        .filter_map(|document| match &document.body {
            Body::Manifest(manifest) => Some((document, manifest)),
            _ => None,
        });
    let first = manifests.next();
    for (document, _) in manifests {
        let place = SourcePlace {
            file: document.file,
            offset: document.node.start,
        };
        problems.push(Problem::new(place, "a second manifest; a world has one"));
    }
    let unread = files.iter().any(|file| file.root.is_none());
    let broken = files
        .iter()
        .filter_map(|file| file.root.as_ref())
        .any(documents::has_manifest);
    if first.is_none() && !unread && !broken {
        let problem = Problem::new(
            SourcePlace {
                file: files.len().min(2) - 1,
                offset: 0,
            },
            "no manifest",
        )
        .expected("one document with `\"$kind\": \"manifest\"` among the files")
        .hint("the documents of a world are loaded together, from one folder");
        problems.push(problem);
    }
    first
}
