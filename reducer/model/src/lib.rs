//! The model of the retry world: what its clients send, how its work ends, and what must hold.
//!
//! A guest of the harness, and an example of a model that is written in Rust. [`model`] makes one
//! for a world that has the retry machine's schemas, whatever reducer is behind them.
//!
//! # Choices that a reader may wonder at
//!
//! - `retry_waits` also says that the awaited timer ends the wait in that very step, whatever its
//!   status. As liveness alone, a machine deaf to `error` was found in few seeds, and late.
//! - `contract_kept` says all that is due of the retry machine, and is asked last: a narrower
//!   invariant gives a finding a better name. What a state says is judged only where the model can
//!   read it, since a state is private to its reducer.

#![warn(missing_docs)]

mod draw;
mod fit;
mod properties;
mod scenes;
pub mod wire;

pub use fit::{Misfit, Retry, model};
pub use scenes::{BASE_DELAY_MS, MAX_ATTEMPTS, SIZES, small};
use std::borrow::Cow;

use sim_air::cbor::canonical::CanonicalText;
use sim_air::{EffectId, Hash, PlanId, SchemaId};
use sim_kernel::adapters::timer::SET as TIMER_SET;
use sim_kernel::{Receipt, TimerSet, World, receipt_event, timer_params, timer_receipt};
use sim_model::{Model, Scene, Size, Small, Spurious, Watch, sample, texts};
use sim_record::random::Stream;
use sim_record::scenario::{Depth, Request};
use sim_record::trace::{Answer, Answers, Often, Outcome, Status};
use wire::{Event, Requested, StartWork};

impl Model for Retry {
    fn name(&self) -> &str {
        "retry"
    }

    fn watches<'w>(&self, _: &'w World) -> Vec<Watch<'w>> {
        vec![properties::watch(self.clone())]
    }

    fn sizes(&self) -> &'static [Size] {
        &scenes::SIZES
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        draw::requests(self.event, stream, depth)
    }

    fn scenes(&self, small: &Small) -> Vec<Scene> {
        scenes::all(self.event, small)
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

    /// Of a stranger: every answer, and a timer; an ok without an id. Of each request: an ok with
    /// an id that is nearly its own, and the timers of its first two waits, set or not.
    fn few_spurious(&self, requests: &[Request]) -> Vec<Spurious> {
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
            .map(|event| self.as_spurious(event))
            .collect()
    }

    fn correlation<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<Cow<'a, str>> {
        if schema == self.requested {
            return wire::requested(value).map(|requested| requested.req_id.as_str().into());
        }
        if schema != self.event {
            return None;
        }
        let req_id = match wire::event(value)? {
            Event::Start(start) => Some(start.req_id),
            Event::Ok { req_id } | Event::Err { req_id, .. } => Some(req_id),
            Event::Timer(timer) => timer.key,
        };
        req_id.map(|req_id| req_id.as_str().into())
    }

    fn effect_correlation<'a>(&self, _: EffectId, params: &'a [u8]) -> Option<Cow<'a, str>> {
        let timer = TimerSet::parse(params)?;
        timer.key.map(|key| key.as_str().into())
    }

    /// Mostly transient errors, or there would be little to retry; the terminal one may be off.
    fn answers(&self) -> Answers {
        let transient = Outcome::new("transient").given(Often::MOSTLY);
        Answers::new([
            Outcome::new("ok"),
            transient.going_on(),
            Outcome::new("terminal").given(Often::RARELY),
        ])
    }

    fn knows_answers(&self, _: PlanId, raised: SchemaId, input: SchemaId) -> bool {
        raised == self.event && input == self.requested
    }

    fn answer(&self, _: PlanId, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        let Some(Requested { req_id, payload }) = wire::requested(input) else {
            return false;
        };
        if answer == OK {
            wire::append(out, &Event::Ok { req_id });
            return true;
        }
        let transient = answer == TRANSIENT;
        // Work that is asked for something odd complains of it: so messages are odd as well.
        let message = Some(payload).filter(|payload| !draw::is_plain(payload.as_str()));
        wire::append_err(out, req_id, message, transient);
        true
    }

    fn spurious(&self, requests: &[Request], stream: &mut Stream) -> Option<Spurious> {
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
            // A timer that was never set, near those that may have been: one attempt early or late.
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
        Some(self.as_spurious(bytes))
    }

    /// Which request is where, and at which attempt, counted up to eight.
    fn abstract_state(&self, requests: &[Request], state: &[u8]) -> u64 {
        const MANY_ATTEMPTS: u64 = 8;
        let Some(state) = wire::state(state) else {
            return 0;
        };
        let is_its = |request: &Request| {
            self.correlation(request.schema, &request.value).as_deref()
                == Some(state.req_id.as_str())
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

impl Retry {
    fn as_spurious(&self, value: Vec<u8>) -> Spurious {
        Spurious {
            schema: self.event,
            value,
            cell: None,
        }
    }
}

/// The answers to work, by their places.
const OK: Answer = Answer::PLAIN;
const TRANSIENT: Answer = Answer::nth(1);

/// A request that is never started.
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
fn timer(req_id: CanonicalText<'_>, deliver_at_ns: u64) -> Vec<u8> {
    let small = || Vec::with_capacity(64);
    let (mut requested, mut receipt, mut out) = (small(), small(), Vec::new());
    timer_params(&mut requested, Some(req_id), deliver_at_ns);
    timer_receipt(&mut receipt, Some(req_id), deliver_at_ns);
    let fired = Receipt {
        arm: Some("timer"),
        intent_hash: &Hash::ZERO,
        reducer: "demo/RetrySM@1",
        effect_kind: TIMER_SET,
        status: Status::Ok,
        requested: &requested,
        receipt: &receipt,
    };
    receipt_event(&mut out, &fired);
    out
}
