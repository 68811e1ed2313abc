//! Why something is no case.

use super::FORMAT;

/// What is not a case, or not one of this world.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// It is no JSON object with a format.
    #[error("expected a case file, a JSON object with `\"format\": \"{FORMAT}\"`")]
    Format(#[source] serde_json::Error),
    /// Its format is a later one.
    #[error("the format is `{found}`, and this version reads `{FORMAT}`: a newer `sim` wrote it")]
    Newer {
        /// The format that it says.
        found: String,
    },
    /// A field is not as the format has it.
    #[error("not a case of format `{FORMAT}`")]
    Json(#[source] serde_json::Error),
    /// What it says does not go together, or not with the world.
    #[error("{}: {what}", sim_air::at_pointer(.pointer))]
    Content {
        /// Where: a JSON pointer.
        pointer: String,
        /// What was expected there.
        what: String,
    },
}

impl CaseError {
    pub(super) fn content(pointer: impl Into<String>, what: impl ToString) -> CaseError {
        CaseError::Content {
            pointer: pointer.into(),
            what: what.to_string(),
        }
    }
}
