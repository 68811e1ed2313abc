//! The workload of the retry machine: what its clients send and how its work ends.

pub mod wire;

use crate::air::canonical::Text;
use crate::air::{Air, EffectId, Hash, ReducerId, SchemaId, Schemas, Type};
use crate::random::{Ratio, Stream};
use crate::scenario::{Depth, Request};
use crate::trace::{Answer, Status};
use crate::workload::{Scene, Small, Stray, Workload, sample, texts};
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
    /// None if this is not a retry world: the two schemas, in the shape that is known, and a reducer
    /// over them. Its state is its own matter.
    pub fn of(air: &Air) -> Option<Retry> {
        let retry = Retry::by_name(air)?;
        retry.misfit().is_none().then_some(retry)
    }

    /// The same, whatever the shape of the schemas.
    pub(super) fn by_name(air: &Air) -> Option<Retry> {
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

    /// What of the schemas is not as the machine's requests, answers and invariants need it.
    pub(super) fn misfit(&self) -> Option<String> {
        let schemas = &self.schemas;
        let Type::Variant(event) = schemas.resolve(schemas.ty(self.event)) else {
            return Some(format!("`{EVENT}` is no variant"));
        };
        let tags: Vec<&str> = event.arms().iter().map(|arm| arm.tag.as_str()).collect();
        if tags != TAGS {
            return Some(format!("`{EVENT}` has the arms {}", tags.join(", ")));
        }
        let shapes = SHAPES.iter().filter_map(|(tag, fields)| {
            let ty = &event.arm(tag)?.ty;
            Some((ty, fields))
        });
        let requested = schemas.ty(self.requested);
        let mut shapes = shapes.chain([(requested, &REQUESTED_FIELDS)]);
        shapes.find_map(|(ty, fields)| misfit_of(schemas, ty, fields))
    }
}

/// The arms of the event, in canonical order.
const TAGS: [&str; 4] = ["ok", "err", "start", "timer"];

/// A field by name and type.
type Fields = &'static [(&'static str, Type)];

/// The fields of what the arms carry, in canonical order. A timer's are built in.
const SHAPES: [(&str, Fields); 3] = [
    (
        "start",
        &[
            ("now_ns", Type::Nat),
            ("req_id", Type::Text),
            ("payload", Type::Text),
            ("max_attempts", Type::Nat),
            ("base_delay_ms", Type::Nat),
        ],
    ),
    ("ok", &[("req_id", Type::Text)]),
    (
        "err",
        &[
            ("req_id", Type::Text),
            ("message", Type::Text),
            ("transient", Type::Bool),
        ],
    ),
];
const REQUESTED_FIELDS: Fields = &[("req_id", Type::Text), ("payload", Type::Text)];

/// The first field that is not as it should be.
fn misfit_of(schemas: &Schemas, ty: &Type, fields: &Fields) -> Option<String> {
    let name = schemas.describe(ty);
    let Type::Record(record) = schemas.resolve(ty) else {
        return Some(format!("{name} is no record"));
    };
    let unknown = record.fields().iter().find(|field| {
        let mut known = fields.iter();
        !known.any(|(name, ty)| field.name == *name && schemas.resolve(&field.ty) == ty)
    });
    if let Some(field) = unknown {
        let ty = schemas.describe(&field.ty);
        return Some(format!("{name} has a field `{}` of {ty}", field.name));
    }
    let lacks = |name: &str| record.field(name).is_none();
    let missing = fields.iter().find(|(name, _)| lacks(name));
    missing.map(|(field, _)| format!("{name} has no field `{field}`"))
}

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

const PAYLOADS: [&str; 5] = ["do_work", "", "p", "na\u{ef}ve \u{1f980}\u{0}", " \n"];
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
    let plain = &PAYLOADS[..3];
    match is_extreme {
        true if stream.chance(LONGEST) => texts::long(texts::LONGEST_BYTES),
        true if stream.below(2) == 0 => texts::long(texts::length(stream)),
        true if stream.below(3) == 0 => (*stream.pick(&texts::SPEAKING).unwrap_or(&"")).to_owned(),
        true => (*stream.pick(&PAYLOADS).unwrap_or(&"")).to_owned(),
        false => (*stream.pick(plain).unwrap_or(&"")).to_owned(),
    }
}

impl Workload for Retry {
    fn name(&self) -> &'static str {
        "retry"
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
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
                schema: self.event,
                value,
            }
        });
        requests.collect()
    }

    /// Requests that are alike but for their ids; then one thing varied at a time, of the first
    /// request and of the one after it; and a request that goes deep.
    fn scenes(&self, small: &Small) -> Vec<Scene> {
        let mut scenes = vec![self.scene(small, "requests that are alike", &[])];
        let few = Small {
            requests: 1,
            max_attempts: small.max_attempts.min(FEW_ATTEMPTS),
            ..*small
        };
        let long = texts::long(300);
        for variation in Variation::of_one(&long) {
            scenes.push(self.scene(&few, &variation.says(), &[(0, variation)]));
        }
        if small.requests > 1 {
            let few = Small { requests: 2, ..few };
            for variation in Variation::of_the_next() {
                let says = format!("the next request with {}", variation.says());
                scenes.push(self.scene(&few, &says, &[(1, variation)]));
            }
        }
        let deep = Small {
            requests: 1,
            max_attempts: DEEP_SCENE_ATTEMPTS,
            base_delay_ms: 1,
        };
        scenes.push(Scene {
            only: Some(Answer::Transient),
            ..self.scene(
                &deep,
                &format!("{DEEP_SCENE_ATTEMPTS} attempts that all fail"),
                &[],
            )
        });
        scenes
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

    /// Of a stranger: every answer, and a timer; an ok without an id. Of each request: an ok with an
    /// id that is nearly its own, and the timers of its first two waits, set or not.
    fn stale(&self, requests: &[Request]) -> Vec<Stray> {
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
                let own = start.req_id.as_str();
                for near in [own.to_uppercase(), format!("{own} "), format!("{own}0")] {
                    if near != own {
                        let req_id = near.as_str().into();
                        events.push(wire::encode(&Event::Ok { req_id }));
                    }
                }
                events.push(timer(start.req_id, first_ns));
                events.push(timer(start.req_id, timer_ns(&start, 1)));
            }
        }
        events.dedup();
        events
            .into_iter()
            .map(|event| self.as_stray(event))
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
        let Some(Requested { req_id, payload }) = wire::requested(input) else {
            return false;
        };
        let transient = match answer {
            Answer::Silence => return false,
            Answer::Ok => {
                wire::append(out, &Event::Ok { req_id });
                return true;
            }
            Answer::Transient => true,
            Answer::Terminal => false,
        };
        // Work that is asked for something odd complains of it: so messages are odd as well.
        let is_plain = PAYLOADS[..3].contains(&payload.as_str());
        let message = Some(payload).filter(|_| !is_plain);
        wire::append_err(out, req_id, message, transient);
        true
    }

    fn stray(&self, requests: &[Request], stream: &mut Stream) -> Option<Stray> {
        let known =
            stream
                .pick(requests)
                .and_then(|request| match wire::event(&request.value)? {
                    Event::Start(start) => Some(start),
                    _ => None,
                })?;
        let near;
        let req_id = match stream.below(4) {
            0 | 1 => known.req_id,
            2 => STRANGER.into(),
            _ => {
                near = texts::near(known.req_id.as_str(), stream);
                near.as_str().into()
            }
        };
        let bytes = match stream.below(9) {
            0 | 1 => wire::encode(&Event::Ok { req_id }),
            number @ 2..=4 => {
                let message = match stream.below(4) {
                    0 => texts::long(texts::length_within(256, stream)),
                    1 => (*stream.pick(&texts::SPEAKING).unwrap_or(&"")).to_owned(),
                    2 => String::new(),
                    _ => "try again".to_owned(),
                };
                let mut event = Vec::new();
                let message = Some(message.as_str().into());
                wire::append_err(&mut event, req_id, message, number < 4);
                event
            }
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
        Some(self.as_stray(bytes))
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

/// Attempts of a request in a small world in which something is varied.
const FEW_ATTEMPTS: u64 = 2;
/// And in the one that goes deep: past the widths at which a shift wraps.
const DEEP_SCENE_ATTEMPTS: u64 = 70;

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

impl Retry {
    fn as_stray(&self, value: Vec<u8>) -> Stray {
        Stray {
            schema: self.event,
            value,
            cell: None,
        }
    }

    /// A small world of requests that are as usual but for these variations, by the request's place.
    fn scene(&self, small: &Small, says: &str, variations: &[(u32, Variation<'_>)]) -> Scene {
        let requests = (0..small.requests).map(|index| {
            let name = format!("r{}", index + 1);
            let mut start = StartWork {
                req_id: name.as_str().into(),
                payload: "p".into(),
                max_attempts: small.max_attempts,
                base_delay_ms: small.base_delay_ms,
                now_ns: 0,
            };
            let of_this = variations.iter().filter(|(of, _)| *of == index);
            of_this.for_each(|(_, variation)| variation.apply(&mut start));
            Request {
                value: wire::encode(&Event::Start(start)),
                name,
                schema: self.event,
            }
        });
        Scene {
            varied: says.to_owned(),
            requests: requests.collect(),
            starts: small.requests,
            only: None,
        }
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
        arm: Some("timer"),
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
