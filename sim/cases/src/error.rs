//! Why something is no case.

use super::FORMAT;

/// What is not a case, or not one of this world.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error("expected a case file, a JSON object with `\"format\": \"{FORMAT}\"`")]
    Format(#[source] serde_json::Error),
    #[error("the format is `{found}`, and this version reads `{FORMAT}`: a newer `sim` wrote it")]
    Newer { found: String },
    #[error("not a case of format `{FORMAT}`")]
    Json(#[source] serde_json::Error),
    #[error("{}: {what}", sim_air::at_pointer(.pointer))]
    Content { pointer: String, what: String },
}

impl CaseError {
    pub(super) fn content(pointer: impl Into<String>, what: impl ToString) -> CaseError {
        CaseError::Content {
            pointer: pointer.into(),
            what: what.to_string(),
        }
    }
}
