//! What the environment asks for: libFuzzer has the command line for itself.
//!
//! Folders that are not named are the project's: in the current folder, where the sources are, or
//! beside the executable, which is all that fuzzing services have of a project.
//!
//! ```text
//! SIM_FUZZ_WORLD=DIR         the AIR documents [air, or the built-in world]
//! SIM_FUZZ_WASM=[NAME=]FILE  the reducer, whatever the documents pin; several with commas between
//! SIM_FUZZ_EXPECT=WHAT=NAME  what is meant to be so, as `sim run --expect`; several with commas
//! SIM_FUZZ_CASES=DIR         where shrunk cases are written [corpus]
//! SIM_FUZZ_GO_ON=1           a find does not end the process
//! SIM_FUZZ_SEEDS=DIR         cases to start from [corpus]
//! SIM_FUZZ_FEEDBACK=LIST     of blocks, compares, states; or none [all three]
//! SIM_FUZZ_MUTATOR=bytes     libFuzzer's own mutator instead of ours
//! SIM_FUZZ_DECISIONS=N       the longest schedule that our mutator makes [96]
//! ```

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use sim::cli::WorldArguments;

/// Which features libFuzzer is told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feedback {
    /// Blocks of the guest that were entered.
    pub blocks: bool,
    /// How near compares of the guest came to equal, and with what.
    pub compares: bool,
    /// Abstract states, and pairs of decisions.
    pub states: bool,
}

impl Feedback {
    pub const ALL: Feedback = Feedback {
        blocks: true,
        compares: true,
        states: true,
    };
    pub const NONE: Feedback = Feedback {
        blocks: false,
        compares: false,
        states: false,
    };

    /// # Errors
    /// If a word of the list is not known.
    pub fn parse(list: &str) -> Result<Feedback> {
        let mut feedback = Feedback::NONE;
        for word in list.split(',') {
            match word {
                "blocks" => feedback.blocks = true,
                "compares" => feedback.compares = true,
                "states" => feedback.states = true,
                "none" => {}
                _ => bail!(
                    "SIM_FUZZ_FEEDBACK: expected a list of blocks, compares and states, or none; \
                    found `{word}`"
                ),
            }
        }
        Ok(feedback)
    }

    /// Whether the guest has to be instrumented.
    pub fn sees_guest(self) -> bool {
        self.blocks || self.compares
    }
}

/// Where new inputs come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutator {
    /// Ours, which knows what a case is made of.
    Structured,
    /// libFuzzer's, which knows bytes.
    Bytes,
}

/// A folder of the project: in the current folder if it is there, else where the sources are.
pub fn project_folder(name: &str) -> PathBuf {
    let here = PathBuf::from(name);
    if here.is_dir() {
        return here;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    sources.map_or(here, |root| root.join(name))
}

/// A folder of the project, or one beside the executable.
pub fn folder(name: &str) -> PathBuf {
    beside(name).unwrap_or_else(|| project_folder(name))
}

/// A folder beside the executable, where the project has none.
fn beside(name: &str) -> Option<PathBuf> {
    let mut path = env::current_exe().ok()?;
    path.set_file_name(name);
    (!project_folder(name).is_dir() && path.is_dir()).then_some(path)
}

/// All of it.
#[derive(Clone)]
pub struct Settings {
    pub world: WorldArguments,
    pub cases: PathBuf,
    /// What is found is written, and fuzzing goes on.
    pub goes_on: bool,
    pub seeds: PathBuf,
    pub feedback: Feedback,
    pub mutator: Mutator,
    pub most_decisions: usize,
}

/// As long as the default, a schedule has room for anything that the invariants look for.
const MOST_DECISIONS: usize = 96;

/// The parts of a list with commas.
fn listed(text: Option<String>) -> Vec<String> {
    let parts = text.iter().flat_map(|text| text.split(','));
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

impl Settings {
    /// Those of the environment.
    ///
    /// # Errors
    /// If a variable says something that it cannot.
    pub fn of_environment() -> Result<Settings> {
        Settings::of(|name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    /// # Errors
    /// If a variable says something that it cannot.
    pub fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Settings> {
        let named = |name: &str, default: &str| {
            variable(name).map_or_else(|| folder(default), PathBuf::from)
        };
        let text = |name| match variable(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => bail!("{name}: expected UTF-8 text"),
        };
        Ok(Settings {
            world: WorldArguments {
                world: variable("SIM_FUZZ_WORLD")
                    .map(PathBuf::from)
                    .or_else(|| beside("air")),
                wasm: listed(text("SIM_FUZZ_WASM")?),
                expect: listed(text("SIM_FUZZ_EXPECT")?),
                ..WorldArguments::default()
            },
            cases: named("SIM_FUZZ_CASES", "corpus"),
            goes_on: match text("SIM_FUZZ_GO_ON")?.as_deref() {
                None | Some("0") => false,
                Some("1") => true,
                Some(other) => bail!("SIM_FUZZ_GO_ON: expected 0 or 1, found `{other}`"),
            },
            seeds: named("SIM_FUZZ_SEEDS", "corpus"),
            feedback: match text("SIM_FUZZ_FEEDBACK")? {
                None => Feedback::ALL,
                Some(list) => Feedback::parse(&list)?,
            },
            mutator: match text("SIM_FUZZ_MUTATOR")?.as_deref() {
                None | Some("structured") => Mutator::Structured,
                Some("bytes") => Mutator::Bytes,
                Some(other) => {
                    bail!("SIM_FUZZ_MUTATOR: expected `structured` or `bytes`, found `{other}`")
                }
            },
            most_decisions: match text("SIM_FUZZ_DECISIONS")? {
                None => MOST_DECISIONS,
                Some(count) => match count.parse() {
                    Ok(count @ 1..) => count,
                    _ => bail!("SIM_FUZZ_DECISIONS: expected a number from 1, found `{count}`"),
                },
            },
        })
    }
}
