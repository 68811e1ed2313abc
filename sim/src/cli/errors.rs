//! Errors as a person reads them: what is wrong, the chain of causes, and what to do about it.

use std::fmt::Write;

use super::{Exit, explore, shard};
use crate::worlds::Misfit;
use sim_air::{Diagnostics, printable, printable_lines};
use sim_peers::PeersError;
use sim_search::campaign::MergeError;
use sim_search::explore::CheckpointError;
use sim_shards::FolderError;

/// An error that says what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct Hinted {
    what: String,
    hint: String,
}

impl Hinted {
    /// As an error that more may be said about.
    #[expect(clippy::new_ret_no_self, reason = "it is only ever a cause")]
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        let (what, hint) = (what.into(), hint.into());
        anyhow::Error::new(Hinted { what, hint })
    }
}

/// `error: …`, the chain of causes, numbered, and hints. What a cause quotes is part of its line,
/// whatever it holds.
pub(crate) fn error_text(error: &anyhow::Error) -> String {
    let mut out = String::new();
    let mut hints = Vec::new();
    for (index, cause) in error.chain().enumerate() {
        let text = match cause.downcast_ref::<Diagnostics>() {
            // It has a line for each place, which are printable as they are.
            Some(diagnostics) => printable_lines(&diagnostics.to_string()),
            None => printable(&cause.to_string()),
        };
        let _ = match index {
            0 => writeln!(out, "error: {text}"),
            _ => writeln!(out, "  {index}: {text}"),
        };
        hints.extend(hint(cause));
    }
    for hint in hints {
        let _ = writeln!(out, "hint: {}", printable(hint));
    }
    out
}

fn hint<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    let hinted = cause.downcast_ref::<Hinted>();
    let misfit = cause.downcast_ref::<Misfit>();
    let folder = cause.downcast_ref::<FolderError>();
    let checkpoint = cause.downcast_ref::<CheckpointError>();
    let peers = cause.downcast_ref::<PeersError>();
    hinted
        .map(|it| it.hint.as_str())
        .or_else(|| misfit.map(Misfit::hint))
        .or_else(|| folder.and_then(shard::hint))
        .or_else(|| checkpoint.and_then(explore::checkpoint_hint))
        .or_else(|| peers.and_then(explore::peers_hint))
}

/// How a command ends that has this error: bad input, but where two results of the same seeds are
/// not the same.
pub(super) fn exit_of(error: &anyhow::Error) -> Exit {
    let contradicts = |cause: &(dyn std::error::Error + 'static)| {
        let folder = cause.downcast_ref::<FolderError>();
        let merged = cause.downcast_ref::<MergeError<FolderError>>();
        matches!(folder, Some(FolderError::Contradiction(..)))
            || matches!(merged, Some(MergeError::Differs { .. }))
    };
    let is_interrupted = |cause: &(dyn std::error::Error + 'static)| {
        let merged = cause.downcast_ref::<MergeError<FolderError>>();
        matches!(merged, Some(MergeError::Interrupted))
    };
    match (
        error.chain().any(contradicts),
        error.chain().any(is_interrupted),
    ) {
        (true, _) => Exit::Nondeterminism,
        (false, true) => Exit::Interrupted,
        (false, false) => Exit::BadInput,
    }
}
