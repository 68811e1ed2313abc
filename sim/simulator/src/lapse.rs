//! How far time goes on while nothing else happens, and how late a timer is.
//!
//! A world without timers sees time only in the events that tell it. What depends on time shows
//! only where it goes on by the right amount. So it goes on by a whole unit; by a part of one, such
//! as half a window; to an instant that a state or an event names, such as an expiry; or by a span
//! that the code compares with. Instants and spans are also missed by a nanosecond, to either side.

use minicbor::Decoder;
use minicbor::data::Token;
use smallvec::SmallVec;

use sim_record::random::Stream;
use sim_record::trace::Trace;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Nobody waits for what is further away.
const FURTHEST: u64 = 3_650 * DAY;

/// By which time goes on. The short ones come more often: a long one passes all that is under way.
const UNITS: [u64; 8] = [
    1,
    MILLISECOND,
    MILLISECOND,
    SECOND,
    SECOND,
    MINUTE,
    HOUR,
    DAY,
];

/// In which states and events count time.
const COUNTED_IN: [u64; 3] = [1, MILLISECOND, SECOND];

/// So many steps back are looked at.
const RECENT: usize = 4;

/// At most so many numbers of a value are looked at.
const MOST_NUMBERS: usize = 32;

type Times = SmallVec<[u64; MOST_NUMBERS]>;

/// By how many nanoseconds time goes on from `now_ns`: at least 1. `spans_ns` are those that the
/// world is known to count with.
pub fn draw(stream: &mut Stream, trace: &Trace, now_ns: u64, spans_ns: &[u64]) -> u64 {
    let unit = stream.pick(&UNITS).copied().unwrap_or(1);
    let span = match stream.below(4) {
        0 => None,
        1 => Some(1 + stream.word() % unit),
        2 => named(stream, trace, now_ns),
        _ => known(stream, trace, now_ns, spans_ns),
    };
    span.unwrap_or(unit)
}

/// To an instant that a recent step tells of, or by a span of time that it does.
fn named(stream: &mut Stream, trace: &Trace, now_ns: u64) -> Option<u64> {
    let times = told(stream, trace)?;
    let since_ns = [0, now_ns][stream.below(2) as usize];
    let spans = times.iter().filter_map(|time| time.checked_sub(since_ns));
    let spans: Times = spans.filter(|span| *span <= FURTHEST).collect();
    let span = *stream.pick(&spans)?;
    beside(stream, span)
}

/// By a span that the world counts with: from an earlier time that a recent step tells of, or from
/// now.
fn known(stream: &mut Stream, trace: &Trace, now_ns: u64, spans_ns: &[u64]) -> Option<u64> {
    let span = *stream.pick(spans_ns)?;
    let times = told(stream, trace)?;
    let earlier = times.iter().filter(|time| **time <= now_ns);
    let ends = earlier.filter_map(|time| time.checked_add(span)?.checked_sub(now_ns));
    let ends: Times = ends.filter(|span| *span > 0).collect();
    let end = stream.pick(&ends).copied().unwrap_or(span);
    beside(stream, end)
}

/// The span, a nanosecond less or more, or up to a second more.
fn beside(stream: &mut Stream, span: u64) -> Option<u64> {
    let more = match stream.below(4) {
        3 => stream.word() % SECOND,
        more => more.into(),
    };
    let span = span.checked_add(more)?.checked_sub(1)?;
    (span > 0).then_some(span)
}

/// The times that the numbers in the state or the event of a recent step may be, in ns.
fn told(stream: &mut Stream, trace: &Trace) -> Option<Times> {
    let recent = trace.steps.len().min(RECENT);
    let back = stream.below(recent.max(1) as u32) as usize;
    let step = trace.steps.get(trace.steps.len().checked_sub(1 + back)?)?;
    let value = match (stream.below(2), step.after) {
        (0, Some(state)) => state,
        _ => step.event,
    };
    let numbers = numbers(trace.bytes(value));
    let times = COUNTED_IN
        .iter()
        .flat_map(|unit| numbers.iter().filter_map(|it| it.checked_mul(*unit)));
    Some(times.collect())
}

/// The numbers of a value, which may be any bytes.
fn numbers(bytes: &[u8]) -> Times {
    let mut found = Times::new();
    for token in Decoder::new(bytes).tokens().map_while(Result::ok) {
        found.extend(match token {
            Token::U8(number) => Some(number.into()),
            Token::U16(number) => Some(number.into()),
            Token::U32(number) => Some(number.into()),
            Token::U64(number) => Some(number),
            _ => None,
        });
        if found.len() == MOST_NUMBERS {
            break;
        }
    }
    found
}
