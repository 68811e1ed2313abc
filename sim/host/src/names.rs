//! What the functions of a module are called, for people: by its name section, else by an export,
//! else `func[N]`.
//!
//! A name section that is malformed names less, and is never an error. Names that rustc has mangled
//! are made readable when they are asked for; those of other compilers stay as they are.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use wasmparser::{CustomSectionReader, Export, ExternalKind, KnownCustom, Name, NameSectionReader};

use super::excerpt::excerpt;

/// Names by function index, as the module has them. The first one that is given counts.
#[derive(Default)]
pub(super) struct FunctionNames {
    exports: BTreeMap<u32, String>,
    section: BTreeMap<u32, String>,
}

impl FunctionNames {
    pub fn exported(&mut self, export: &Export<'_>) {
        if export.kind == ExternalKind::Func {
            let name = self.exports.entry(export.index);
            name.or_insert_with(|| export.name.to_owned());
        }
    }

    /// Takes what it can of a custom section, if that is the one with names.
    pub fn section(&mut self, section: &CustomSectionReader<'_>) {
        if let KnownCustom::Name(subsections) = section.as_known() {
            self.subsections(subsections);
        }
    }

    fn subsections(&mut self, subsections: NameSectionReader<'_>) {
        for subsection in subsections {
            let Ok(Name::Function(names)) = subsection else {
                continue;
            };
            for naming in names.into_iter().flatten() {
                let name = self.section.entry(naming.index);
                name.or_insert_with(|| naming.name.to_owned());
            }
        }
    }

    /// Whether the function has a name.
    pub fn knows(&self, function: u32) -> bool {
        self.raw(function).is_some()
    }

    /// The name of a function, readable, in full but for one that is very long; not yet safe to
    /// print.
    pub fn full(&self, function: u32) -> String {
        match self.raw(function) {
            Some(raw) => demangled(raw),
            None => format!("func[{function}]"),
        }
    }

    /// The name of a function, readable, short and safe to print.
    pub fn of(&self, function: u32) -> String {
        excerpt(&self.full(function))
    }

    /// Whether the function belongs to a language's own libraries, if it has a name.
    pub fn is_of_a_library(&self, function: u32) -> bool {
        is_of_a_library(&self.full(function))
    }

    fn raw(&self, function: u32) -> Option<&String> {
        let named = self.section.get(&function);
        let exported = || self.exports.get(&function);
        named.filter(|name| !name.is_empty()).or_else(exported)
    }
}

/// How much of a name is made readable, in bytes: a mangled name can stand for a much longer one.
const DEMANGLED_BYTES_MAX: usize = 1024;

fn demangled(raw: &str) -> String {
    let mut name = Bounded(String::new());
    // Cut short, it fails, and what it wrote until then is the name.
    let _ = match rustc_demangle::try_demangle(raw) {
        Ok(readable) => write!(name, "{readable:#}"),
        Err(_) => name.write_str(raw),
    };
    name.0
}

/// Takes a bounded text, and stops who writes more.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = DEMANGLED_BYTES_MAX - self.0.len();
        let end = text.floor_char_boundary(room);
        self.0.push_str(&text[..end]);
        if end < text.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// How the names begin of functions that belong to a language, not to who wrote the reducer: of
/// Rust's libraries with the ways into a panic, and of AssemblyScript's.
const LIBRARIES: [&str; 14] = [
    "__rust",
    "alloc::",
    "<alloc::",
    "core::",
    "<core::",
    "dlmalloc::",
    "<dlmalloc::",
    "panic_abort::",
    "rust_begin_unwind",
    "rust_oom",
    "rust_panic",
    "std::",
    "<std::",
    "~lib/",
];

/// The same of C, in full.
const FUNCTIONS_OF_C: [&str; 2] = ["abort", "__assert_fail"];

fn is_of_a_library(name: &str) -> bool {
    LIBRARIES.iter().any(|begin| name.starts_with(begin)) || FUNCTIONS_OF_C.contains(&name)
}
