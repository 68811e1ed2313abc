//! The requests of a seed: what their fields are drawn from, and how often from the far ends.

use crate::wire::{self, Event, StartWork};
use sim_air::SchemaId;
use sim_model::texts;
use sim_record::random::{Ratio, Stream};
use sim_record::scenario::{Depth, Request};

/// Values of the fields of a start: the plain ones first, then those from the ends of ranges.
const MAX_ATTEMPTS: Values = Values {
    plain: &[3, 3, 2, 4, 1, 5],
    extreme: &[0, 8, 64, u32::MAX as u64 + 1, u64::MAX],
};
const BASE_DELAYS_MS: Values = Values {
    plain: &[10, 100, 1, 250],
    extreme: &[
        0,
        1_000,
        u32::MAX as u64,
        1 << 32,
        u64::MAX / 1_000_000,
        u64::MAX / 1_000_000 + 1,
        u64::MAX,
    ],
};
/// 2^53 + 1 is the first integer that a double does not hold.
const ANCHORS_NS: Values = Values {
    plain: &[1_000_000],
    extreme: &[
        0,
        1,
        (1 << 53) + 1,
        1_700_000_000_000_000_000,
        i64::MAX as u64,
        1 << 63,
        u64::MAX - 1,
        u64::MAX,
    ],
};
/// Limits that go deep: past the widths at which a shift by the attempt wraps.
const DEEP_ATTEMPTS: [u64; 4] = [u64::MAX, 100, 70, 40];
/// And past what a byte holds.
const DEEPEST_ATTEMPTS: [u64; 3] = [u64::MAX, 300, 257];

/// The first ones are plain.
const PAYLOADS: [&str; 5] = ["do_work", "", "p", "na\u{ef}ve \u{1f980}\u{0}", " \n"];
const PLAIN_PAYLOADS: usize = 3;
/// The longest payload is rare: all that keeps it costs as much as a run without.
const LONGEST: Ratio = Ratio::new(1, 64);

/// One request in this many has numbers from the far end of its ranges.
const EXTREME: Ratio = Ratio::new(1, 4);
/// Of those, so many numbers are of any size.
const ANY_NUMBER: Ratio = Ratio::new(1, 4);
/// One seed in this many has ids that are nearly equal, one in the next many an empty one.
const NEAR_IDS: Ratio = Ratio::new(1, 3);
const EMPTY_ID: Ratio = Ratio::new(1, 16);
const MOST_REQUESTS: u32 = 3;

/// Values that a field has.
struct Values {
    plain: &'static [u64],
    extreme: &'static [u64],
}

impl Values {
    fn draw(&self, stream: &mut Stream, is_extreme: bool) -> u64 {
        if is_extreme && stream.chance(ANY_NUMBER) {
            return stream.word() >> stream.below(64);
        }
        let among = match is_extreme {
            true => self.plain.len() + self.extreme.len(),
            false => self.plain.len(),
        };
        let index = stream.below(among as u32) as usize;
        let extreme = || self.extreme[index - self.plain.len()];
        self.plain.get(index).copied().unwrap_or_else(extreme)
    }
}

/// The ids of the requests of a seed, each of them different.
fn ids(stream: &mut Stream, count: usize) -> Vec<String> {
    let mut ids: Vec<String> = (1..=count).map(|number| format!("r{number}")).collect();
    if stream.chance(NEAR_IDS) {
        let family = texts::family(stream);
        for (id, near) in ids.iter_mut().zip(family) {
            *id = near;
        }
        // Some families have two members only.
        if count == 3 && ids[2] == ids[1] {
            ids[2] = "r3".to_owned();
        }
    }
    if stream.chance(EMPTY_ID) {
        let index = stream.below(count as u32) as usize;
        ids[index].clear();
    }
    ids
}

fn payload(stream: &mut Stream, is_extreme: bool) -> String {
    let plain = &PAYLOADS[..PLAIN_PAYLOADS];
    match is_extreme {
        true if stream.chance(LONGEST) => texts::long(texts::LONGEST_BYTES),
        true if stream.below(2) == 0 => texts::long(texts::length(stream)),
        true if stream.below(3) == 0 => (*stream.pick(&texts::SPEAKING).unwrap_or(&"")).to_owned(),
        true => (*stream.pick(&PAYLOADS).unwrap_or(&"")).to_owned(),
        false => (*stream.pick(plain).unwrap_or(&"")).to_owned(),
    }
}

/// Whether a payload is one of those that most requests have.
pub(super) fn is_plain(payload: &str) -> bool {
    PAYLOADS[..PLAIN_PAYLOADS].contains(&payload)
}

/// The requests of one seed.
pub(super) fn requests(event: SchemaId, stream: &mut Stream, depth: Depth) -> Vec<Request> {
    let count = 1 + stream.below(MOST_REQUESTS);
    let ids = ids(stream, count as usize);
    let requests = ids.iter().enumerate().map(|(index, req_id)| {
        let is_extreme = stream.chance(EXTREME);
        let mut start = StartWork {
            max_attempts: MAX_ATTEMPTS.draw(stream, is_extreme),
            base_delay_ms: BASE_DELAYS_MS.draw(stream, is_extreme),
            now_ns: ANCHORS_NS.draw(stream, is_extreme),
            payload: "".into(),
            req_id: req_id.as_str().into(),
        };
        let payload = payload(stream, is_extreme);
        start.payload = payload.as_str().into();
        let limits = match depth {
            Depth::Usual => &[][..],
            Depth::Deep => &DEEP_ATTEMPTS,
            Depth::Deepest => &DEEPEST_ATTEMPTS,
        };
        if let Some(limit) = stream.pick(limits) {
            start.max_attempts = *limit;
        }
        let value = wire::encode(&Event::Start(start));
        Request {
            name: format!("r{}", index + 1),
            schema: event,
            value,
        }
    });
    requests.collect()
}
