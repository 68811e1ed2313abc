//! The retry machine's values, read from and written to canonical CBOR without a copy.
//!
//! Only what workload and invariants need is read. Input is canonical and fits its schema, so a
//! reader that finds something else answers None.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// The tag with which canonical CBOR begins.
const SELF_DESCRIBED: [u8; 3] = [0xd9, 0xd9, 0xf7];

/// `demo/StartWork@1`. Delays in ms, the anchor in ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StartWork<'a> {
    pub req_id: &'a str,
    pub payload: &'a str,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
    pub now_ns: u64,
}

/// `demo/RetryEvent@1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    Start(StartWork<'a>),
    Ok { req_id: &'a str },
    Err { req_id: &'a str, transient: bool },
    Timer(Timer<'a>),
}

/// What a timer was asked to do: the parameters of `timer.set`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timer<'a> {
    pub deliver_at_ns: u64,
    pub key: Option<&'a str>,
}

/// `demo/WorkRequested@1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requested<'a> {
    pub req_id: &'a str,
    pub payload: &'a str,
}

/// Where a request stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pc {
    Idle,
    Working,
    Backoff,
    Done,
    Failed,
}

impl Pc {
    pub fn name(self) -> &'static str {
        match self {
            Pc::Idle => "Idle",
            Pc::Working => "Working",
            Pc::Backoff => "Backoff",
            Pc::Done => "Done",
            Pc::Failed => "Failed",
        }
    }

    fn parse(text: &str) -> Option<Pc> {
        [Pc::Idle, Pc::Working, Pc::Backoff, Pc::Done, Pc::Failed]
            .into_iter()
            .find(|pc| pc.name() == text)
    }

    pub fn is_end(self) -> bool {
        matches!(self, Pc::Done | Pc::Failed)
    }
}

/// `demo/RetryState@1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State<'a> {
    pub pc: Pc,
    pub attempt: u64,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
    pub anchor_ns: u64,
    pub payload: &'a str,
    pub req_id: &'a str,
}

/// Reads a record: `field` gets each name and reads its value.
fn record<'a>(
    decoder: &mut Decoder<'a>,
    mut field: impl FnMut(&str, &mut Decoder<'a>) -> Option<()>,
) -> Option<()> {
    let count = decoder.map().ok()??;
    for _ in 0..count {
        let name = decoder.str().ok()?;
        field(name, decoder)?;
    }
    Some(())
}

fn open(canonical: &[u8]) -> Decoder<'_> {
    Decoder::new(canonical.strip_prefix(&SELF_DESCRIBED).unwrap_or(canonical))
}

pub fn event(canonical: &[u8]) -> Option<Event<'_>> {
    let mut decoder = open(canonical);
    decoder.map().ok()?;
    decoder.str().ok()?;
    let tag = decoder.str().ok()?;
    decoder.str().ok()?;
    match tag {
        "start" => start(&mut decoder).map(Event::Start),
        "ok" | "err" => {
            let (mut req_id, mut transient) = (None, false);
            record(&mut decoder, |name, decoder| {
                match name {
                    "req_id" => req_id = Some(decoder.str().ok()?),
                    "transient" => transient = decoder.bool().ok()?,
                    _ => decoder.skip().ok()?,
                }
                Some(())
            })?;
            let req_id = req_id?;
            Some(if tag == "ok" {
                Event::Ok { req_id }
            } else {
                Event::Err { req_id, transient }
            })
        }
        "timer" => {
            let mut requested = None;
            record(&mut decoder, |name, decoder| {
                match name {
                    "requested" => requested = Some(timer(decoder)?),
                    _ => decoder.skip().ok()?,
                }
                Some(())
            })?;
            requested.map(Event::Timer)
        }
        _ => None,
    }
}

fn start<'a>(decoder: &mut Decoder<'a>) -> Option<StartWork<'a>> {
    let mut start = StartWork {
        req_id: "",
        payload: "",
        max_attempts: 0,
        base_delay_ms: 0,
        now_ns: 0,
    };
    record(decoder, |name, decoder| {
        match name {
            "req_id" => start.req_id = decoder.str().ok()?,
            "payload" => start.payload = decoder.str().ok()?,
            "max_attempts" => start.max_attempts = decoder.u64().ok()?,
            "base_delay_ms" => start.base_delay_ms = decoder.u64().ok()?,
            "now_ns" => start.now_ns = decoder.u64().ok()?,
            _ => decoder.skip().ok()?,
        }
        Some(())
    })?;
    Some(start)
}

fn timer<'a>(decoder: &mut Decoder<'a>) -> Option<Timer<'a>> {
    let mut timer = Timer {
        deliver_at_ns: 0,
        key: None,
    };
    record(decoder, |name, decoder| {
        match name {
            "deliver_at_ns" => timer.deliver_at_ns = decoder.u64().ok()?,
            "key" if decoder.datatype().ok()? == Type::Null => decoder.null().ok()?,
            "key" => timer.key = Some(decoder.str().ok()?),
            _ => decoder.skip().ok()?,
        }
        Some(())
    })?;
    Some(timer)
}

/// The parameters of a `timer.set`.
pub fn timer_params(canonical: &[u8]) -> Option<Timer<'_>> {
    timer(&mut open(canonical))
}

pub fn requested(canonical: &[u8]) -> Option<Requested<'_>> {
    let mut requested = Requested {
        req_id: "",
        payload: "",
    };
    record(&mut open(canonical), |name, decoder| {
        match name {
            "req_id" => requested.req_id = decoder.str().ok()?,
            "payload" => requested.payload = decoder.str().ok()?,
            _ => decoder.skip().ok()?,
        }
        Some(())
    })?;
    Some(requested)
}

/// A state. None as well for a `pc` that the machine does not have.
pub fn state(canonical: &[u8]) -> Option<State<'_>> {
    let mut pc = None;
    let mut state = State {
        pc: Pc::Idle,
        attempt: 0,
        max_attempts: 0,
        base_delay_ms: 0,
        anchor_ns: 0,
        payload: "",
        req_id: "",
    };
    record(&mut open(canonical), |name, decoder| {
        match name {
            "pc" => pc = Some(Pc::parse(decoder.str().ok()?)?),
            "attempt" => state.attempt = decoder.u64().ok()?,
            "max_attempts" => state.max_attempts = decoder.u64().ok()?,
            "base_delay_ms" => state.base_delay_ms = decoder.u64().ok()?,
            "anchor_ns" => state.anchor_ns = decoder.u64().ok()?,
            "payload" => state.payload = decoder.str().ok()?,
            "req_id" => state.req_id = decoder.str().ok()?,
            _ => decoder.skip().ok()?,
        }
        Some(())
    })?;
    Some(State { pc: pc?, ..state })
}

/// The canonical bytes of a start, an ok or an err. A timer's event is the kernel's to write.
pub fn encode(event: &Event<'_>) -> Vec<u8> {
    let mut out = SELF_DESCRIBED.to_vec();
    write(&mut out, event).expect("a Vec takes every write");
    out
}

/// Fields in canonical order: shorter names first, then bytewise.
fn write(
    out: &mut Vec<u8>,
    event: &Event<'_>,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    let mut encoder = Encoder::new(out);
    encoder.map(2)?.str("$tag")?;
    match event {
        Event::Start(start) => {
            encoder.str("start")?.str("$value")?.map(5)?;
            encoder
                .str("now_ns")?
                .u64(start.now_ns)?
                .str("req_id")?
                .str(start.req_id)?;
            encoder.str("payload")?.str(start.payload)?;
            encoder.str("max_attempts")?.u64(start.max_attempts)?;
            encoder.str("base_delay_ms")?.u64(start.base_delay_ms)?;
        }
        Event::Ok { req_id } => {
            encoder
                .str("ok")?
                .str("$value")?
                .map(1)?
                .str("req_id")?
                .str(req_id)?;
        }
        Event::Err { req_id, transient } => {
            let message = if *transient { "try again" } else { "give up" };
            encoder
                .str("err")?
                .str("$value")?
                .map(3)?
                .str("req_id")?
                .str(req_id)?;
            encoder
                .str("message")?
                .str(message)?
                .str("transient")?
                .bool(*transient)?;
        }
        Event::Timer(_) => unreachable!("receipt events are written by the kernel"),
    }
    Ok(())
}
