//! A `sim.toml`, read: one format, no unknown keys. What names mean is not looked at here.

use std::collections::BTreeMap;

use schemars::Schema;

use crate::trouble::Troubles;
use crate::written::{Campaign, Explore, FORMAT, Origin, Root};
use sim_air::Diagnostics;

/// A `sim.toml`, strictly read.
#[derive(Clone, Debug)]
pub struct File {
    /// What messages call it.
    pub name: String,
    /// As it is written.
    pub text: String,
    pub(crate) root: Root,
}

/// Where the wasm of a module comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wasm {
    /// A file, from the folder of `sim.toml`.
    File(String),
    /// A cargo package.
    Package {
        /// Its folder, from that of `sim.toml`.
        folder: String,
        /// The features with which it is built.
        features: Vec<String>,
    },
}

impl Wasm {
    fn of(origin: Origin<'_>) -> Option<Wasm> {
        let file = origin.wasm.map(|file| Wasm::File(file.to_owned()));
        let package = origin.package.map(|folder| Wasm::Package {
            folder: folder.to_owned(),
            features: origin.features(),
        });
        file.or(package)
    }
}

/// Tells what the reader of TOML says in the words of other problems.
fn refuse(troubles: &mut Troubles<'_>, at: usize, message: &str) {
    if let Some((name, known)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, expected "))
    {
        // The names that there are stand between quotes.
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        troubles.unknown(at, "key", name, known);
    } else if message == "missing field `format`" {
        let trouble = troubles.add(at, "the file does not say its `format`");
        trouble.expected(format!("format = {FORMAT:?}, as its first line"));
    } else if message.ends_with("untagged enum Fault") {
        let trouble = troubles.add(at, "a kind of fault is on or off");
        trouble.expected("true or false; `spurious` may be a text or a list of events, too");
    } else {
        let number = ["expected u64", "expected u32", "expected u8"];
        let number = number.into_iter().find(|number| message.ends_with(number));
        let what = number.and_then(|number| message.strip_suffix(number));
        troubles.add(
            at,
            what.map_or_else(
                || message.to_owned(),
                |what| format!("{what}expected a whole number that is not too large"),
            ),
        );
    }
}

/// Each reducer has its wasm from one place, and a package is built in one way: another would have
/// the same file.
fn check_wasm(root: &Root, troubles: &mut Troubles<'_>) {
    let reducers = root.reducers.iter();
    let reducers = reducers.map(|(name, it)| (name, it.span().start, it.get_ref().origin()));
    let monitors = root.monitors.iter();
    let monitors = monitors.map(|(name, it)| (name, it.span().start, it.get_ref().origin()));
    let mut built: BTreeMap<&str, (&str, Vec<String>)> = BTreeMap::new();
    for (module, at, origin) in reducers.chain(monitors) {
        if origin.wasm.is_some() == origin.package.is_some() {
            let message = format!("`{module}` needs a `wasm` or a `package`, one of them");
            troubles.add(at, message);
        }
        let Some(package) = origin.package else {
            if let Some(features) = origin.features {
                let what = format!("`{module}`: features are those of a `package`");
                troubles.add(features.span().start, what);
            }
            continue;
        };
        let features = origin.features();
        let (first, known) = built
            .entry(package)
            .or_insert_with(|| (module, features.clone()));
        if *known != features {
            let what = format!("`{module}` and `{first}` are of one package, with other features");
            let hint = "a package is built once: give both the same features";
            troubles.add(at, what).hint(hint);
        }
    }
}

impl File {
    /// Reads the text of a `sim.toml`; `name` is what messages call it.
    ///
    /// # Errors
    /// If it is not TOML, has keys that this version does not know, or is of another format.
    pub fn parse(name: &str, text: &str) -> Result<File, Diagnostics> {
        let mut troubles = Troubles::new(name, text);
        let root: Root = match toml::from_str(text) {
            Ok(root) => root,
            Err(error) => {
                let start = error.span().map_or(0, |span| span.start);
                let message = error.message().lines().next().unwrap_or_default();
                refuse(&mut troubles, start, message);
                troubles.done()?;
                unreachable!("there is one");
            }
        };
        if root.format.get_ref() != FORMAT {
            let found = root.format.get_ref();
            let trouble = troubles.add(root.format.span().start, format!("format `{found}`"));
            trouble.expected(format!("`{FORMAT}`"));
        }
        check_wasm(&root, &mut troubles);
        troubles.done()?;
        Ok(File {
            name: name.to_owned(),
            text: text.to_owned(),
            root,
        })
    }

    /// The JSON Schema of the format, for editors.
    pub fn schema() -> Schema {
        schemars::schema_for!(Root)
    }

    /// The folder of the documents, from that of the file.
    pub fn documents(&self) -> Option<&str> {
        self.root.documents.as_deref()
    }

    /// Where the wasm of each module comes from, by the name of the module.
    pub fn wasm(&self) -> impl Iterator<Item = (&str, Wasm)> {
        self.root.reducers.iter().filter_map(|(name, given)| {
            let given = given.get_ref();
            Some((name.as_str(), Wasm::of(given.origin())?))
        })
    }

    /// Where the wasm of each monitor comes from, by its name, in the order of the names.
    pub fn monitors(&self) -> impl Iterator<Item = (&str, Wasm)> {
        self.root.monitors.iter().filter_map(|(name, given)| {
            let given = given.get_ref();
            Some((name.as_str(), Wasm::of(given.origin())?))
        })
    }

    /// What is meant to be so, as `--expect` takes it.
    pub fn expect(&self) -> impl Iterator<Item = &str> {
        self.root.expect.iter().map(|text| text.get_ref().as_str())
    }

    /// Defaults of campaigns.
    pub fn campaign(&self) -> &Campaign {
        &self.root.campaign
    }

    /// Defaults of the explorer.
    pub fn explore(&self) -> &Explore {
        &self.root.explore
    }

    /// How much it says, in words.
    pub fn says(&self) -> String {
        let root = &self.root;
        let counts = [
            (root.clients.len(), "client"),
            (root.answers.len(), "kind of work answered"),
            (root.counters.len(), "counter"),
            (root.properties.len(), "property"),
            (root.monitors.len(), "monitor"),
            (root.assertions.count(), "assertion"),
        ];
        // Most files have neither, and need not hear of them.
        let counts = counts
            .into_iter()
            .filter(|(count, one)| *count > 0 || !["monitor", "assertion"].contains(one));
        let words = counts.map(|(count, one)| match (count, one) {
            (1, _) => format!("1 {one}"),
            (_, "property") => format!("{count} properties"),
            (_, "kind of work answered") => format!("{count} kinds of work answered"),
            _ => format!("{count} {one}s"),
        });
        words.collect::<Vec<String>>().join(", ")
    }
}
