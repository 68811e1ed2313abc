//! The workload of the retry machine: what its clients send and how its work ends.

pub mod wire;

use crate::air::canonical::Text;
use crate::air::{Air, EffectId, Hash, ReducerId, SchemaId, Schemas};
use crate::random::{Ratio, Stream};
use crate::scenario::Request;
use crate::trace::{Answer, Status};
use crate::workload::{Small, Workload, sample};
use crate::world::{Receipt, TimerSet, receipt_event, timer_params, timer_receipt};
use wire::{Event, Requested, StartWork};

/// The reducer's event schema, by which a world is known to be a retry world.
const EVENT: &str = "demo/RetryEvent@1";
const REQUESTED: &str = "demo/WorkRequested@1";

/// The schemas and the reducer of a retry world.
#[derive(Clone, Debug)]
pub struct Retry {
    pub event: SchemaId,
    pub requested: SchemaId,
    pub reducer: ReducerId,
    /// `timer.set`, if the world has it.
    pub timer: Option<EffectId>,
    schemas: Schemas,
}

impl Retry {
    /// None if this is not a retry world: the two schemas and a reducer over them. Its state is its
    /// own matter.
    pub fn of(air: &Air) -> Option<Retry> {
        let event = air.schemas.find(EVENT)?;
        let requested = air.schemas.find(REQUESTED)?;
        let mut routes = air.routes.iter();
        let route = routes.find(|route| route.event == event && route.key_field.is_none())?;
        let timer = air.effects.iter().position(|it| it.kind == "timer.set");
        Some(Retry {
            event,
            requested,
            reducer: route.reducer,
            timer: timer.map(EffectId::new),
            schemas: air.schemas.clone(),
        })
    }
}

const MAX_ATTEMPTS: [u64; 9] = [3, 3, 2, 4, 1, 5, 0, 8, u64::MAX];
const BASE_DELAYS_MS: [u64; 9] = [
    10,
    100,
    1,
    250,
    0,
    1_000,
    u32::MAX as u64,
    u64::MAX / 1_000_000,
    u64::MAX,
];
const ANCHORS_NS: [u64; 6] = [
    1_000_000,
    0,
    1,
    1_700_000_000_000_000_000,
    u64::MAX - 1,
    u64::MAX,
];
const PAYLOADS: [&str; 5] = ["do_work", "", "p", "na\u{ef}ve \u{1f980}\u{0}", LONG];
const LONG: &str = "a payload of more than two hundred and fifty-six bytes, so that its length \
    needs a head of three bytes in CBOR and any buffer that was made for short texts only has to \
    show what it does: the quick brown fox jumps over the lazy dog, and then it does so again, \
    and again, until somebody counts.";
/// One request in this many has numbers from the far end of its ranges.
const EXTREME: Ratio = Ratio::new(1, 4);
const MOST_REQUESTS: u32 = 3;

impl Workload for Retry {
    fn name(&self) -> &'static str {
        "retry"
    }

    fn requests(&self, stream: &mut Stream) -> Vec<Request> {
        let count = 1 + stream.below(MOST_REQUESTS);
        let empty_id = stream
            .chance(Ratio::new(1, 16))
            .then(|| stream.below(count));
        let requests = (0..count).map(|index| {
            let name = format!("r{}", index + 1);
            let extreme = stream.chance(EXTREME);
            let mut pick = |values: &[u64], plain: usize| {
                let among = if extreme { values } else { &values[..plain] };
                *stream.pick(among).unwrap_or(&1)
            };
            let start = StartWork {
                max_attempts: pick(&MAX_ATTEMPTS, 6),
                base_delay_ms: pick(&BASE_DELAYS_MS, 4),
                now_ns: pick(&ANCHORS_NS, 1),
                payload: stream
                    .pick(&PAYLOADS[..if extreme { 5 } else { 3 }])
                    .map_or("", |payload| payload)
                    .into(),
                req_id: if empty_id == Some(index) { "" } else { &name }.into(),
            };
            let value = wire::encode(&Event::Start(start));
            Request {
                name,
                schema: self.event,
                value,
            }
        });
        requests.collect()
    }

    fn small_requests(&self, small: &Small) -> Vec<Request> {
        let requests = (1..=small.requests).map(|number| {
            let name = format!("r{number}");
            let start = StartWork {
                req_id: name.as_str().into(),
                payload: "p".into(),
                max_attempts: small.max_attempts,
                base_delay_ms: small.base_delay_ms,
                now_ns: 0,
            };
            let value = wire::encode(&Event::Start(start));
            Request {
                name,
                schema: self.event,
                value,
            }
        });
        requests.collect()
    }

    fn are_alike(&self, requests: &[Request]) -> bool {
        let anonymous: Vec<_> = requests
            .iter()
            .map(|request| match wire::event(&request.value) {
                Some(Event::Start(start)) => Some(StartWork {
                    req_id: "".into(),
                    ..start
                }),
                _ => None,
            })
            .collect();
        anonymous
            .windows(2)
            .all(|pair| pair[0].is_some() && pair[0] == pair[1])
    }

    /// Of a stranger: every answer, and a timer; an ok without an id. Of each request: the timer of its first wait and
    /// that of its second, set or not.
    fn stale(&self, requests: &[Request]) -> Vec<(SchemaId, Vec<u8>)> {
        let stranger = STRANGER.into();
        let mut events = vec![
            wire::encode(&Event::Ok { req_id: stranger }),
            wire::encode(&Event::Ok { req_id: "".into() }),
        ];
        for transient in [true, false] {
            let req_id = stranger;
            events.push(wire::encode(&Event::Err { req_id, transient }));
        }
        for (index, request) in requests.iter().enumerate() {
            if let Some(Event::Start(start)) = wire::event(&request.value) {
                let first_ns = timer_ns(&start, 0);
                if index == 0 {
                    events.push(timer(stranger, first_ns));
                }
                events.push(timer(start.req_id, first_ns));
                events.push(timer(start.req_id, timer_ns(&start, 1)));
            }
        }
        events.dedup();
        events
            .into_iter()
            .map(|event| (self.event, event))
            .collect()
    }

    fn req_id<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<&'a str> {
        if schema == self.requested {
            return wire::requested(value).map(|requested| requested.req_id.as_str());
        }
        if schema != self.event {
            return None;
        }
        let req_id = match wire::event(value)? {
            Event::Start(start) => Some(start.req_id),
            Event::Ok { req_id } | Event::Err { req_id, .. } => Some(req_id),
            Event::Timer(timer) => timer.key,
        };
        req_id.map(Text::as_str)
    }

    fn effect_req_id<'a>(&self, kind: &str, params: &'a [u8]) -> Option<&'a str> {
        if kind == "timer.set" {
            TimerSet::parse(params)?.key.map(Text::as_str)
        } else {
            None
        }
    }

    fn knows_answers(&self, raised: SchemaId, input: SchemaId) -> bool {
        raised == self.event && input == self.requested
    }

    fn answer(&self, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        let Some(Requested { req_id, .. }) = wire::requested(input) else {
            return false;
        };
        let event = match answer {
            Answer::Silence => return false,
            Answer::Ok => Event::Ok { req_id },
            Answer::Transient => Event::Err {
                req_id,
                transient: true,
            },
            Answer::Terminal => Event::Err {
                req_id,
                transient: false,
            },
        };
        wire::append(out, &event);
        true
    }

    fn stray(&self, requests: &[Request], stream: &mut Stream) -> Option<(SchemaId, Vec<u8>)> {
        let known =
            stream
                .pick(requests)
                .and_then(|request| match wire::event(&request.value)? {
                    Event::Start(start) => Some(start),
                    _ => None,
                })?;
        let req_id = if stream.chance(Ratio::new(1, 2)) {
            known.req_id
        } else {
            STRANGER.into()
        };
        let bytes = match stream.below(9) {
            0 | 1 => wire::encode(&Event::Ok { req_id }),
            2 | 3 => wire::encode(&Event::Err {
                req_id,
                transient: true,
            }),
            4 => wire::encode(&Event::Err {
                req_id,
                transient: false,
            }),
            // A timer that nobody set, near those that may have been: one attempt early or late.
            5 | 6 => {
                let exponent = stream.below(4);
                let deliver_at_ns =
                    timer_ns(&known, exponent).saturating_add(u64::from(stream.below(2)));
                timer(req_id, deliver_at_ns)
            }
            7 => wire::encode(&Event::Start(StartWork {
                req_id,
                payload: "a second start".into(),
                max_attempts: u64::from(stream.below(6)),
                ..known
            })),
            _ => {
                let ty = self.schemas.ty(self.event);
                let event = sample::arbitrary(&self.schemas, ty, stream);
                self.schemas.encode(self.event, &event).ok()?
            }
        };
        Some((self.event, bytes))
    }

    /// Which request is where, and at which attempt, counted up to eight.
    fn abstract_state(&self, requests: &[Request], state: &[u8]) -> u64 {
        const MANY_ATTEMPTS: u64 = 8;
        let Some(state) = wire::state(state) else {
            return 0;
        };
        let is_its = |request: &Request| {
            self.req_id(request.schema, &request.value) == Some(state.req_id.as_str())
        };
        let whose = requests.iter().position(is_its);
        let whose = whose.map_or(0, |index| index as u64 + 1);
        let attempt = state.attempt.min(MANY_ATTEMPTS);
        let is_last = u64::from(state.attempt >= state.max_attempts.max(1));
        whose << 8 | attempt << 4 | is_last << 3 | state.pc as u64
    }

    /// `max_attempts` 0 counts as 1, which is more than a reader of a case should have to know.
    fn plain_number(&self, field: &str) -> u64 {
        u64::from(field == "max_attempts")
    }
}

/// A request that nobody starts.
const STRANGER: &str = "stranger";

/// When the wait after `exponent` others ends.
fn timer_ns(start: &StartWork<'_>, exponent: u32) -> u64 {
    let waited_ns = start
        .base_delay_ms
        .saturating_mul(1 << exponent)
        .saturating_mul(1_000_000);
    start.now_ns.saturating_add(waited_ns)
}

/// A `sys/TimerFired@1` in its arm, as if a timer of `req_id` had fired when it was due.
fn timer(req_id: Text<'_>, deliver_at_ns: u64) -> Vec<u8> {
    let small = || Vec::with_capacity(64);
    let (mut requested, mut receipt, mut out) = (small(), small(), Vec::new());
    timer_params(&mut requested, Some(req_id), deliver_at_ns);
    timer_receipt(&mut receipt, Some(req_id), deliver_at_ns);
    let fired = Receipt {
        arm: "timer",
        intent_hash: &Hash::ZERO,
        reducer: "demo/RetrySM@1",
        effect_kind: "timer.set",
        status: Status::Ok,
        requested: &requested,
        receipt: &receipt,
    };
    receipt_event(&mut out, &fired);
    out
}
