//! The small worlds that are explored: one in which all requests are alike, those in which one
//! thing is varied, and one that goes deep.

use crate::TRANSIENT;
use crate::wire::{self, Event, StartWork};
use sim_air::SchemaId;
use sim_model::{Scene, Size, Small, texts};
use sim_record::scenario::Request;

/// How many attempts each request may have.
pub const MAX_ATTEMPTS: Size = Size {
    name: "max-attempts",
    says: "Attempts that each may have",
    usual: 3,
    most: 1_000,
    counts: Some(("attempt", "attempts")),
};
/// The wait after the first attempt.
pub const BASE_DELAY_MS: Size = Size {
    name: "base-delay-ms",
    says: "The wait after the first attempt",
    usual: 10,
    most: u64::MAX,
    counts: None,
};
/// By what its small worlds are made larger.
pub const SIZES: [Size; 2] = [MAX_ATTEMPTS, BASE_DELAY_MS];

/// Attempts of a request in a small world in which something is varied.
const FEW_ATTEMPTS: u64 = 2;
/// And in the one that goes deep: past the widths at which a shift wraps.
const DEEP_SCENE_ATTEMPTS: u64 = 70;

/// A small world of requests like these.
pub fn small(requests: u32, max_attempts: u64, base_delay_ms: u64) -> Small {
    let small = Small {
        requests,
        ..Small::default()
    };
    small
        .with(&MAX_ATTEMPTS, max_attempts)
        .with(&BASE_DELAY_MS, base_delay_ms)
}

/// One thing about a request that is not as usual.
#[derive(Clone, Copy)]
enum Variation<'a> {
    ReqId(&'a str),
    Payload(&'a str),
    MaxAttempts(u64),
    BaseDelayMs(u64),
    NowNs(u64),
}

impl<'a> Variation<'a> {
    /// A few values that matter of each field.
    fn of_one(long: &'a str) -> Vec<Variation<'a>> {
        vec![
            Variation::MaxAttempts(0),
            Variation::MaxAttempts(1),
            Variation::BaseDelayMs(0),
            Variation::BaseDelayMs(u64::MAX),
            Variation::NowNs((1 << 53) + 1),
            Variation::NowNs(u64::MAX),
            Variation::Payload(""),
            Variation::Payload(long),
            Variation::Payload("{\"a:b\": 'c\\d'}"),
            Variation::ReqId("a:b\"c\\d"),
            Variation::ReqId(""),
            Variation::ReqId(long),
        ]
    }

    /// Of a request after the first: ids that sort before it or are nearly its own, other data.
    fn of_the_next() -> Vec<Variation<'a>> {
        vec![
            Variation::ReqId("R1"),
            Variation::ReqId("a"),
            Variation::ReqId("r1 "),
            Variation::ReqId(""),
            Variation::Payload("q"),
            Variation::Payload(""),
            Variation::MaxAttempts(1),
            Variation::MaxAttempts(0),
            Variation::BaseDelayMs(7),
            Variation::BaseDelayMs(0),
            Variation::NowNs(5),
        ]
    }

    fn apply(self, start: &mut StartWork<'a>) {
        match self {
            Variation::ReqId(req_id) => start.req_id = req_id.into(),
            Variation::Payload(payload) => start.payload = payload.into(),
            Variation::MaxAttempts(attempts) => start.max_attempts = attempts,
            Variation::BaseDelayMs(delay_ms) => start.base_delay_ms = delay_ms,
            Variation::NowNs(now_ns) => start.now_ns = now_ns,
        }
    }

    fn says(self) -> String {
        let text = |text: &str| match text.len() {
            0..=16 => format!("{text:?}"),
            bytes => format!("of {bytes} bytes"),
        };
        match self {
            Variation::ReqId(req_id) => format!("req_id {}", text(req_id)),
            Variation::Payload(payload) => format!("payload {}", text(payload)),
            Variation::MaxAttempts(attempts) => format!("max_attempts {attempts}"),
            Variation::BaseDelayMs(delay_ms) => format!("base_delay_ms {delay_ms}"),
            Variation::NowNs(now_ns) => format!("now_ns {now_ns}"),
        }
    }
}

/// How many requests there are, and what each is like.
struct Usual {
    requests: u32,
    max_attempts: u64,
    base_delay_ms: u64,
}

/// Requests that are alike but for their ids; then one thing varied at a time, of the first request
/// and of the one after it; and a request that goes deep.
pub(super) fn all(event: SchemaId, small: &Small) -> Vec<Scene> {
    let usual = Usual {
        requests: small.requests,
        max_attempts: small.get(&MAX_ATTEMPTS),
        base_delay_ms: small.get(&BASE_DELAY_MS),
    };
    let mut scenes = vec![scene(event, &usual, "requests that are alike", &[])];
    let few = Usual {
        requests: 1,
        max_attempts: usual.max_attempts.min(FEW_ATTEMPTS),
        ..usual
    };
    let long = texts::long(300);
    for variation in Variation::of_one(&long) {
        scenes.push(scene(event, &few, &variation.says(), &[(0, variation)]));
    }
    if usual.requests > 1 {
        let few = Usual { requests: 2, ..few };
        for variation in Variation::of_the_next() {
            let says = format!("the next request with {}", variation.says());
            scenes.push(scene(event, &few, &says, &[(1, variation)]));
        }
    }
    let deep = Usual {
        requests: 1,
        max_attempts: DEEP_SCENE_ATTEMPTS,
        base_delay_ms: 1,
    };
    scenes.push(Scene {
        only: Some(TRANSIENT),
        ..scene(
            event,
            &deep,
            &format!("{DEEP_SCENE_ATTEMPTS} attempts that all fail"),
            &[],
        )
    });
    scenes
}

/// A small world of requests that are as usual but for these variations, by the request's place.
fn scene(event: SchemaId, usual: &Usual, says: &str, variations: &[(u32, Variation<'_>)]) -> Scene {
    let requests = (0..usual.requests).map(|index| {
        let name = format!("r{}", index + 1);
        let mut start = StartWork {
            req_id: name.as_str().into(),
            payload: "p".into(),
            max_attempts: usual.max_attempts,
            base_delay_ms: usual.base_delay_ms,
            now_ns: 0,
        };
        let of_this = variations.iter().filter(|(of, _)| *of == index);
        of_this.for_each(|(_, variation)| variation.apply(&mut start));
        Request {
            value: wire::encode(&Event::Start(start)),
            name,
            schema: event,
        }
    });
    Scene {
        varied: says.to_owned(),
        requests: requests.collect(),
        starts: usual.requests,
        only: None,
    }
}
