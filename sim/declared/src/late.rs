//! How long ago a message was sent that comes now.

use sim_record::random::Stream;

/// In nanoseconds: a nanosecond, a millisecond, a second, a minute, an hour, a day.
const UNITS_NS: [u64; 6] = [
    1,
    1_000_000,
    1_000_000_000,
    60_000_000_000,
    3_600_000_000_000,
    86_400_000_000_000,
];

/// So many nanoseconds ago: often none, else a unit or a part of one.
pub(crate) fn draw(stream: &mut Stream) -> u64 {
    let unit = stream.pick(&UNITS_NS).copied().unwrap_or(1);
    match stream.below(4) {
        0 => unit,
        1 => 1 + stream.word() % unit,
        _ => 0,
    }
}
