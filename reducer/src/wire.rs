//! The wire form: from an input envelope to state and event, and from a reaction to an output.
//!
//! Owns the names of fields, tags and schemas, and what is schema-valid. Decides nothing: what
//! an event does is the machine's business. Keys are read in any order and written in canonical
//! order, state and values with the self-describing tag, so that what leaves here is already
//! what the host keeps.
//!
//! There are two ways to read, of which this file knows one thing: whether keys come in order. The
//! usual form is read by [`sdk::straight`], and whatever that leaves by [`sdk::cbor::Reader`].
//!
//! Written by hand, after measuring (wasmtime 48 with fuel, one core of a small shared machine; the
//! mean of the steps of 256 seeds, the least of 300 rounds that took turns in one process, ±5 %;
//! three host calls, that is two `alloc` and a `step`, both copies and the host's own reading of
//! the output included, 0.27 µs of which a guest needs too that gives the same outputs and does
//! nothing for them):
//! | codec | a step | of it the guest's own | wasm |
//! |---|---|---|---|
//! | this one | 0.41 µs | 0.14 µs | 41 KB |
//! | this one, for an input of another form | 1.51 µs, 3.7× | 1.22 µs, 9× | 41 KB |
//! | the one before it, of one way to read | 1.04 µs, 2.5× | 0.77 µs, 5.6× | 41 KB |
//!
//! Since then refusals have words, for which the wasm is 27 KB larger: a step in the usual form
//! takes as long as before, to one in a hundred of all that the simulator does for it.
//!
//! Before that, on five events, a step with cbor4ii 1.2 took 1.5 times as long as with the one
//! before, and with minicbor 2.3 1.7 times. Fuel is a tenth of a step; of the one before it was a
//! fifth.

use sdk::cbor::{Read, Sink};
use sdk::record::{named, needed};
use sdk::text::{is_hash, word, word_bytes};
use sdk::{Refusal, fields, option};

use crate::machine::{
    Event, Phase, Reaction, Request, Start, State, Timer, TimerSet, WorkRequested,
};

/// The only version of the envelope.
const VERSION: u64 = 1;
/// The schema of the domain event that asks for work.
pub const WORK_REQUESTED: &str = "demo/WorkRequested@1";
/// The effect that asks for a timer.
pub const TIMER_SET: &str = "timer.set";
/// The capability slot that timers are asked from.
pub const TIMER_SLOT: &str = "default";

/// What an input envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    /// As it came, for the way back; `None` on the very first step.
    pub state_bytes: Option<&'a [u8]>,
    pub state: Option<State<'a>>,
    pub event: Event<'a>,
}

/// Reads and checks all of an input envelope.
#[inline(always)]
pub fn decode<'a, R: Read<'a>>(mut reader: R) -> Result<Input<'a>, R::Refusal> {
    let envelope = &mut reader;
    fields!(envelope: R, {
        b"event" => event = decode_routed(envelope)?,
        b"state" => state = option!(envelope, decode_stored(envelope)?),
        b"version" => version = envelope.nat()?,
    } rare {
        // None is declared; one that comes all the same is not looked at.
        b"ctx" => context = envelope.bytes()?,
    });
    reader.finish()?;
    if needed(version, "version")? != VERSION {
        return Err(Refusal::because("only version 1 of the envelope is known").into());
    }
    let (state_bytes, state) = needed(state, "state")?.unzip();
    Ok(Input {
        state_bytes,
        state,
        event: needed(event, "event")?,
    })
}

/// The event, out of `{schema, value, key?}`. There is only one schema that the world may route
/// here, so its name tells nothing new.
#[inline(always)]
fn decode_routed<'a, R: Read<'a>>(reader: &mut R) -> Result<Event<'a>, R::Refusal> {
    fields!(reader: R, {
        b"value" => event = decode_enclosed(reader)?,
        b"schema" => schema = reader.skip_text()?,
    } rare {
        b"key" => cell_key = option!(reader, reader.bytes()?),
    });
    needed(schema, "schema")?;
    Ok(needed(event, "event")?)
}

#[inline(always)]
fn decode_enclosed<'a, R: Read<'a>>(reader: &mut R) -> Result<Event<'a>, R::Refusal> {
    let (_, mut document) = reader.document()?;
    let event = decode_event(&mut document)?;
    reader.end(document)?;
    Ok(event)
}

/// The state, and its bytes as they came.
#[inline(always)]
fn decode_stored<'a, R: Read<'a>>(reader: &mut R) -> Result<(&'a [u8], State<'a>), R::Refusal> {
    let (bytes, mut document) = reader.document()?;
    let state = decode_state(&mut document)?;
    reader.end(document)?;
    Ok((bytes, state))
}

/// Reads and checks a state record.
#[inline(always)]
pub fn decode_state<'a, R: Read<'a>>(reader: &mut R) -> Result<State<'a>, R::Refusal> {
    fields!(reader: R, {
        b"pc" => pc = phase_of(reader.word()?)?,
        b"req_id" => req_id = reader.text()?,
        b"attempt" => attempt = reader.nat()?,
        b"payload" => payload = reader.text()?,
        b"anchor_ns" => anchor_ns = reader.nat()?,
        b"max_attempts" => max_attempts = reader.nat()?,
        b"base_delay_ms" => base_delay_ms = reader.nat()?,
    });
    Ok(State {
        phase: needed(pc, "pc")?,
        attempt: needed(attempt, "attempt")?,
        max_attempts: needed(max_attempts, "max_attempts")?,
        base_delay_ms: needed(base_delay_ms, "base_delay_ms")?,
        anchor_ns: needed(anchor_ns, "anchor_ns")?,
        payload: needed(payload, "payload")?,
        req_id: needed(req_id, "req_id")?,
    })
}

/// Reads and checks an event: `{"$tag": text, "$value": record}`.
#[inline(always)]
pub fn decode_event<'a, R: Read<'a>>(reader: &mut R) -> Result<Event<'a>, R::Refusal> {
    match reader.pairs(2)? {
        2 => {}
        _ => return Err(Refusal::because("an event is a `$tag` and a `$value`").into()),
    }
    if !R::IN_ORDER {
        return decode_event_of_any_order(reader);
    }
    reader.key(b"$tag")?;
    let tag = reader.word()?;
    reader.key(b"$value")?;
    decode_arm(tag, reader)
}

#[inline(always)]
fn decode_event_of_any_order<'a, R: Read<'a>>(reader: &mut R) -> Result<Event<'a>, R::Refusal> {
    // The record can't be read before its tag is known.
    let (tag, mut value);
    match reader.text_bytes()? {
        b"$tag" => {
            tag = reader.word()?;
            reader.key(b"$value")?;
            value = *reader;
            named(&"$value", || reader.skip())?;
        }
        b"$value" => {
            value = *reader;
            named(&"$value", || reader.skip())?;
            reader.key(b"$tag")?;
            tag = reader.word()?;
        }
        other => return Err(Refusal::unknown_field(other).into()),
    }
    named(&"$value", || decode_arm(tag, &mut value))
}

#[inline(always)]
fn decode_arm<'a, R: Read<'a>>(tag: u64, reader: &mut R) -> Result<Event<'a>, R::Refusal> {
    const START: u64 = word(b"start");
    const OK: u64 = word(b"ok");
    const ERR: u64 = word(b"err");
    const TIMER: u64 = word(b"timer");
    match tag {
        START => decode_start(reader).map(Event::Start),
        OK => decode_ok(reader),
        ERR => decode_err(reader),
        TIMER => decode_timer(reader).map(Event::Timer),
        _ => Err(Refusal::because("the `$tag` is not one of those of the event").into()),
    }
}

#[inline(always)]
fn decode_start<'a, R: Read<'a>>(reader: &mut R) -> Result<Start<'a>, R::Refusal> {
    fields!(reader: R, {
        b"now_ns" => now_ns = reader.nat()?,
        b"req_id" => req_id = reader.text()?,
        b"payload" => payload = reader.text()?,
        b"max_attempts" => max_attempts = reader.nat()?,
        b"base_delay_ms" => base_delay_ms = reader.nat()?,
    });
    Ok(Start {
        req_id: needed(req_id, "req_id")?,
        payload: needed(payload, "payload")?,
        max_attempts: needed(max_attempts, "max_attempts")?,
        base_delay_ms: needed(base_delay_ms, "base_delay_ms")?,
        now_ns: needed(now_ns, "now_ns")?,
    })
}

#[inline(always)]
fn decode_ok<'a, R: Read<'a>>(reader: &mut R) -> Result<Event<'a>, R::Refusal> {
    fields!(reader: R, {
        b"req_id" => req_id = reader.text()?,
    });
    Ok(Event::Ok {
        req_id: needed(req_id, "req_id")?,
    })
}

#[inline(always)]
fn decode_err<'a, R: Read<'a>>(reader: &mut R) -> Result<Event<'a>, R::Refusal> {
    fields!(reader: R, {
        b"req_id" => req_id = reader.text()?,
        b"message" => message = reader.skip_text()?,
        b"transient" => transient = reader.boolean()?,
    });
    needed(message, "message")?;
    Ok(Event::Err {
        req_id: needed(req_id, "req_id")?,
        transient: needed(transient, "transient")?,
    })
}

/// `sys/TimerFired@1`. All of it is checked, and little of it kept.
#[inline(always)]
fn decode_timer<'a, R: Read<'a>>(reader: &mut R) -> Result<Timer<'a>, R::Refusal> {
    fields!(reader: R, {
        b"status" => status = reader.text()?,
        b"receipt" => receipt = check_receipt(reader)?,
        b"reducer" => reducer = reader.skip_text()?,
        b"requested" => requested = decode_requested(reader)?,
        b"signature" => signature = reader.bytes()?,
        b"adapter_id" => adapter_id = reader.skip_text()?,
        b"cost_cents" => cost_cents = option!(reader, reader.nat()?),
        b"effect_kind" => effect_kind = reader.skip_text()?,
        b"intent_hash" => intent_hash = check_hash(reader.text_of()?)?,
    });
    // `cost_cents` is an option: it may be absent.
    needed(intent_hash, "intent_hash")?;
    needed(reducer, "reducer")?;
    needed(effect_kind, "effect_kind")?;
    needed(adapter_id, "adapter_id")?;
    needed(receipt, "receipt")?;
    needed(signature, "signature")?;
    Ok(Timer {
        requested: needed(requested, "requested")?,
        status: needed(status, "status")?,
    })
}

/// `sys/TimerSetParams@1`.
#[inline(always)]
fn decode_requested<'a, R: Read<'a>>(reader: &mut R) -> Result<TimerSet<'a>, R::Refusal> {
    fields!(reader: R, {
        b"key" => key = option!(reader, reader.text()?),
        b"deliver_at_ns" => deliver_at_ns = reader.nat()?,
    });
    Ok(TimerSet {
        deliver_at_ns: needed(deliver_at_ns, "deliver_at_ns")?,
        key: key.flatten(),
    })
}

/// `sys/TimerSetReceipt@1`, which is checked and not kept.
#[inline(always)]
fn check_receipt<'a, R: Read<'a>>(reader: &mut R) -> Result<(), R::Refusal> {
    fields!(reader: R, {
        b"key" => key = option!(reader, reader.text()?),
        b"delivered_at_ns" => delivered_at_ns = reader.nat()?,
    });
    needed(delivered_at_ns, "delivered_at_ns")?;
    Ok(())
}

#[inline(always)]
fn check_hash(text: &[u8; 71]) -> Result<(), Refusal> {
    if is_hash(text) {
        Ok(())
    } else {
        Err(Refusal::because(
            "expected `sha256:` and 64 digits from 0 to f",
        ))
    }
}

const IDLE: u64 = word(b"Idle");
const WORKING: u64 = word(b"Working");
const BACKOFF: u64 = word(b"Backoff");
const DONE: u64 = word(b"Done");
const FAILED: u64 = word(b"Failed");

/// Each phase in the place that the lowest three bits of its first letter tell; no two share one.
static PHASES: [(u64, Phase); 8] = {
    let mut places = [(IDLE, Phase::Idle); 8];
    let phases = [
        (IDLE, Phase::Idle),
        (WORKING, Phase::Working),
        (BACKOFF, Phase::Backoff),
        (DONE, Phase::Done),
        (FAILED, Phase::Failed),
    ];
    let mut index = 0;
    while index < phases.len() {
        places[phase_place(phases[index].0)] = phases[index];
        index += 1;
    }
    places
};

#[inline(always)]
const fn phase_place(name: u64) -> usize {
    (name >> 8) as usize % 8
}

/// By a table: which phase it is can't be foretold, so that branches would be taken wrongly.
#[inline(always)]
fn phase_of(name: u64) -> Result<Phase, Refusal> {
    match PHASES[phase_place(name)] {
        (known, phase) if known == name => Ok(phase),
        _ => Err(Refusal::because("the phase is unknown")),
    }
}

#[inline(always)]
fn phase_name(phase: Phase) -> u64 {
    match phase {
        Phase::Idle => IDLE,
        Phase::Working => WORKING,
        Phase::Backoff => BACKOFF,
        Phase::Done => DONE,
        Phase::Failed => FAILED,
    }
}

/// Writes the output envelope and returns its length. `state_bytes` is the state as it came in:
/// what an ignored event leaves as it is, to the byte.
#[inline(always)]
pub fn encode(
    state_bytes: Option<&[u8]>,
    reaction: &Reaction<'_>,
    mut out: impl Sink,
) -> Result<usize, Refusal> {
    match reaction {
        Reaction::Ignored => {
            out.map(1);
            put_unchanged_state(&mut out, state_bytes);
        }
        Reaction::Moved(state, request) => {
            out.map(1 + u64::from(request.is_some()));
            put_state(&mut out, state);
            match request {
                None => {}
                Some(Request::Work(work)) => {
                    out.literal(b"\x6ddomain_events\x81");
                    put_work(&mut out, work);
                }
                Some(Request::Timer(timer)) => {
                    out.literal(b"\x67effects\x81");
                    put_timer(&mut out, TIMER_SET, timer);
                }
            }
        }
    }
    out.finish()
}

/// The field `state` of an output, with the bytes that came in.
#[inline(always)]
pub fn put_unchanged_state(out: &mut impl Sink, state_bytes: Option<&[u8]>) {
    out.literal(b"\x65state");
    match state_bytes {
        Some(bytes) => out.bytes(bytes),
        None => out.null(),
    }
}

/// The field `state` of an output, with a new state.
#[inline(always)]
pub fn put_state(out: &mut impl Sink, state: &State<'_>) {
    out.literal(b"\x65state");
    let record = out.open();
    encode_state(out, state);
    out.close(record);
}

/// An item of `domain_events`.
#[inline(always)]
pub fn put_work(out: &mut impl Sink, work: &WorkRequested<'_>) {
    out.literal(b"\xa2\x65value");
    let record = out.open();
    out.literal(b"\xd9\xd9\xf7\xa2\x66req_id");
    out.text(work.req_id);
    out.literal(b"\x67payload");
    out.text(work.payload);
    out.close(record);
    out.literal(b"\x66schema");
    out.text(WORK_REQUESTED);
}

/// An item of `effects`, of the effect kind given.
#[inline(always)]
pub fn put_timer(out: &mut impl Sink, kind: &str, timer: &TimerSet<'_>) {
    out.literal(b"\xa3\x64kind");
    out.text(kind);
    out.literal(b"\x68cap_slot");
    out.text(TIMER_SLOT);
    out.literal(b"\x6bparams_cbor");
    let record = out.open();
    out.literal(b"\xd9\xd9\xf7\xa2\x63key");
    match timer.key {
        Some(key) => out.text(key),
        None => out.null(),
    }
    out.literal(b"\x6ddeliver_at_ns");
    out.nat(timer.deliver_at_ns);
    out.close(record);
}

/// A state record, as canonical bytes.
#[inline(always)]
pub fn encode_state(out: &mut impl Sink, state: &State<'_>) {
    out.literal(b"\xd9\xd9\xf7\xa7\x62pc");
    let phase = phase_name(state.phase);
    out.word(phase, word_bytes(phase));
    out.literal(b"\x66req_id");
    out.text(state.req_id);
    out.literal(b"\x67attempt");
    out.nat(state.attempt);
    out.literal(b"\x67payload");
    out.text(state.payload);
    out.literal(b"\x69anchor_ns");
    out.nat(state.anchor_ns);
    out.literal(b"\x6cmax_attempts");
    out.nat(state.max_attempts);
    out.literal(b"\x6dbase_delay_ms");
    out.nat(state.base_delay_ms);
}
