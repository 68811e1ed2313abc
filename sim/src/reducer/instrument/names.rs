//! What the functions of a module are called. A name section is only for people: one that is
//! malformed names less, and is never an error.

use std::collections::BTreeMap;

use wasmparser::{CustomSectionReader, Export, ExternalKind, KnownCustom, Name};

use super::super::error::excerpt;

/// Names by function index. The first one that is told counts.
#[derive(Default)]
pub(super) struct Names {
    exports: BTreeMap<u32, String>,
    section: BTreeMap<u32, String>,
}

impl Names {
    pub fn exported(&mut self, export: &Export<'_>) {
        if export.kind == ExternalKind::Func {
            let name = self.exports.entry(export.index);
            name.or_insert_with(|| excerpt(export.name));
        }
    }

    /// Takes what it can of a custom section, if that is the one with names.
    pub fn section(&mut self, section: &CustomSectionReader<'_>) {
        let KnownCustom::Name(subsections) = section.as_known() else {
            return;
        };
        for subsection in subsections {
            let Ok(Name::Function(names)) = subsection else {
                continue;
            };
            for naming in names.into_iter().flatten() {
                let name = self.section.entry(naming.index);
                name.or_insert_with(|| excerpt(naming.name));
            }
        }
    }

    /// A name for each of so many functions.
    pub fn of(&self, functions: usize) -> Vec<String> {
        (0..functions)
            .map(|index| {
                let known = u32::try_from(index).ok().and_then(|index| {
                    let named = self.section.get(&index);
                    named.or_else(|| self.exports.get(&index))
                });
                known.cloned().unwrap_or_else(|| format!("func[{index}]"))
            })
            .collect()
    }
}
