//! Why a run ended. Decides nothing: who ends a run says so.

use serde::{Deserialize, Serialize};

/// Why a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The chooser had nothing more to decide.
    Finished,
    /// The observer had seen enough.
    Stopped,
    /// The turns of its scenario's bounds were over.
    TurnBound,
    /// The trace takes more bytes than it may.
    TraceBound,
    /// More is in flight than may be.
    FlightBound,
    /// More has gone through steps than may.
    WorkBound,
    /// The liveness phase did not come to an end.
    LivenessBound,
    /// It was asked to stop. What was violated until then is violated; of all else nothing is
    /// known. Such a run has not held, and whoever counts runs leaves it out.
    Interrupted,
}

impl End {
    /// The bound that ended the run before it came to its end, in words.
    pub fn cut_by(self) -> Option<&'static str> {
        match self {
            End::TraceBound => Some("bytes that a trace may hold"),
            End::FlightBound => Some("things that may be in flight"),
            End::WorkBound => Some("bytes that may go through steps"),
            End::LivenessBound => Some("turns that its liveness phase may take"),
            End::Finished | End::Stopped | End::TurnBound | End::Interrupted => None,
        }
    }

    /// Whether a bound ended the run.
    pub fn is_bound(self) -> bool {
        self.cut_by().is_some() || self == End::TurnBound
    }
}
