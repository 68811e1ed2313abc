//! Why a plan instance ended before its end, in words that name the step or the guard.

use sim_air::EvalError;

/// Why an instance ended before its end.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    #[error("step `{step}`: {cause}")]
    Step { step: String, cause: EvalError },
    #[error("the guard from `{from}` to `{to}`: {cause}")]
    Guard {
        from: String,
        to: String,
        cause: EvalError,
    },
    #[error("the guard from `{from}` to `{to}` is not a bool")]
    GuardType { from: String, to: String },
    #[error("invariant {index} is false after step `{step}`")]
    Invariant { index: usize, step: String },
    #[error("invariant {index} after step `{step}`: {cause}")]
    InvariantFailed {
        index: usize,
        step: String,
        cause: EvalError,
    },
    #[error("step `{step}`: the idempotency key is neither bytes nor text")]
    Key { step: String },
    #[error("step `{step}`: {what}")]
    Refused { step: String, what: String },
}
