//! The clock, for how long others may take. Nothing that is explored depends on it.

use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "others take real time to come")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
