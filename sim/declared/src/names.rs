//! Names of what is asked of runs: each is there once, or a report would speak of two things.

use std::collections::BTreeMap;

use crate::assertions;
use crate::file::File;
use crate::trouble::Troubles;

/// The property that counters can be kept.
pub(crate) const COUNTERS: &str = "counters";

/// What the name of a property ends in that says whether another was judged, or a counter counted.
const TAKEN: [&str; 2] = [" judged", " counted"];

/// Finds names that are there twice, or are those of what must hold in any world.
pub(crate) fn check<'a>(file: &'a File, troubles: &mut Troubles<'a>) {
    let root = &file.root;
    let properties = root.properties.iter();
    let properties = properties.map(|(name, property)| (name, property.span().start));
    let monitors = root.monitors.iter();
    let monitors = monitors.map(|(name, monitor)| (name, monitor.span().start));
    let asserted = assertions::listed(file);
    let asserted = asserted.map(|(_, message)| (message.get_ref(), message.span().start));
    let mut known = BTreeMap::new();
    for (name, at) in properties.chain(monitors).chain(asserted) {
        if name.trim().is_empty() || TAKEN.iter().any(|end| name.ends_with(end)) {
            let what = match name.is_empty() {
                true => "a name is empty".to_owned(),
                false => format!("`{name}` is no name of a property"),
            };
            let hint = "a word or two; reports add ` judged` and ` counted` to names";
            troubles.add(at, what).hint(hint);
        } else if sim_model::is_of_any_world(name) || name == COUNTERS {
            let trouble = troubles.add(at, format!("`{name}` is what any world must hold"));
            trouble.hint("call it otherwise: reports would speak of two things by one name");
        } else if known.insert(name, at).is_some() {
            let trouble = troubles.add(at, format!("`{name}` is there twice"));
            trouble.hint("properties, monitors and assertions share their names");
        }
    }
}
