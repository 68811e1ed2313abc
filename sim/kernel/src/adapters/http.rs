//! The adapter of HTTP: an answer is a status.

use super::set_field;
use sim_air::Value;
use sim_record::random::Stream;

/// The kind of effect.
pub const REQUEST: &str = "http.request";

/// Statuses that clients tend to tell apart.
const STATUSES: [i64; 14] = [
    200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 409, 429, 500, 504,
];

/// Every status that there may be.
const ALL_STATUSES: std::ops::Range<i64> = 100..600;

/// The statuses that stand for answers, by their names; for any other, the first.
const ANSWERS: [(&str, i64); 3] = [("ok", 200), ("transient", 503), ("terminal", 404)];

pub(super) fn complete(receipt: &mut Value, answer: &str) {
    let known = ANSWERS.iter().find(|(name, _)| *name == answer);
    let (_, status) = known.unwrap_or(&ANSWERS[0]);
    set_field(receipt, "status", Value::Int(*status));
}

/// Mostly a status that clients tell apart or the world mentions, else any.
pub(super) fn vary(receipt: &mut Value, numbers: &[u64], stream: &mut Stream) -> Option<()> {
    let known = numbers.iter().filter_map(|number| {
        let status = i64::try_from(*number).ok()?;
        ALL_STATUSES.contains(&status).then_some(status)
    });
    let statuses: Vec<i64> = STATUSES.into_iter().chain(known).collect();
    let status = match stream.below(4) {
        0 => ALL_STATUSES.start + i64::from(stream.below(500)),
        _ => *stream.pick(&statuses)?,
    };
    set_field(receipt, "status", Value::Int(status));
    Some(())
}
