//! What is said of a case that was to fail and does not: why that may be, and what to do.

use std::io::Write;
use std::path::Path;

use anyhow::Result;

use super::errors::Hinted;
use super::input::Loaded;
use super::{Exit, replay, terminal};
use sim_cases::{Case, CaseVerdict, WorldHashes, store};

/// A case that does not fail on a world, and what cannot be done with it.
pub(super) struct DoesNotFail<'a> {
    pub path: &'a Path,
    pub case: &'a Case,
    pub loaded: &'a Loaded,
    /// What is said of a property that nothing here asks for.
    pub not_asked: Option<String>,
    /// `nothing to shrink`.
    pub nothing: &'a str,
    /// `shrink`.
    pub verb: &'a str,
}

impl DoesNotFail<'_> {
    /// What to do about it. A case that failed on this very wasm shows that a step is not a
    /// function of its input, which is told as such.
    ///
    /// # Errors
    /// If it is a case to do nothing with, as it always is otherwise.
    pub fn told(self) -> Result<Exit> {
        let DoesNotFail {
            case, loaded, verb, ..
        } = self;
        let hint = match &case.verdict {
            _ if self.not_asked.is_some() => self.not_asked.unwrap_or_default(),
            None => format!("it is an input of the fuzzer: {verb} one that fails"),
            Some(CaseVerdict::Holds) => {
                format!("it held when it was written, too: {verb} one that fails")
            }
            Some(CaseVerdict::Violated(_)) if store::is_edited(self.path, case) => {
                format!("it was edited since it was found: {verb} one that fails")
            }
            Some(CaseVerdict::Violated(_)) if case.is_of(&loaded.world) => {
                writeln!(terminal::out(), "not deterministic: {}", replay::HELD)?;
                return Ok(Exit::Nondeterminism);
            }
            Some(CaseVerdict::Violated(name))
                if WorldHashes::of(&loaded.world).reducers == case.world.reducers =>
            {
                format!(
                    "it violated {name} with other documents or another sim.toml: \
                    replay it to see what changed"
                )
            }
            Some(CaseVerdict::Violated(name)) => format!(
                "it violated {name} on another reducer: give that one with `--wasm FILE`, \
                or replay it to see what changed"
            ),
        };
        let what = format!("it does not fail on this world: {}", self.nothing);
        Err(Hinted::new(what, hint).context(self.path.display().to_string()))
    }
}
