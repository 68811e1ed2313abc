//! The retry machine's values, read from and written to canonical CBOR without a copy.
//!
//! Only what workload and invariants need is read. Input is canonical and fits its schema, so a
//! reader that finds something else answers None.

use minicbor::Decoder;
use minicbor::data::Type;

use crate::air::cbor;

/// Room for an event with short texts.
const EVENT_BYTES: usize = 128;
/// The heads of short texts and small maps: RFC 8949 section 3.1, major types 3 and 5.
const TEXT: u8 = 0x60;
const MAP: u8 = 0xa0;

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

/// Canonical bytes behind their tag. Names come in canonical order, so each is compared with the
/// one that must be there, as bytes, and never decoded.
struct Reader<'a>(Decoder<'a>);

impl<'a> Reader<'a> {
    fn new(canonical: &'a [u8]) -> Reader<'a> {
        let item = canonical
            .strip_prefix(&cbor::SELF_DESCRIBED)
            .unwrap_or(canonical);
        Reader(Decoder::new(item))
    }

    /// Goes past exactly these bytes.
    fn take(&mut self, bytes: &[u8]) -> Option<()> {
        let start = self.0.position();
        let found = self.0.input().get(start..)?.starts_with(bytes);
        found.then(|| self.0.set_position(start + bytes.len()))
    }

    /// Goes past a name of at most 23 bytes.
    fn name(&mut self, name: &str) -> Option<()> {
        self.take(&[TEXT | name.len() as u8])?;
        self.take(name.as_bytes())
    }

    fn text(&mut self, name: &str) -> Option<&'a str> {
        self.name(name)?;
        self.0.str().ok()
    }

    fn nat(&mut self, name: &str) -> Option<u64> {
        self.name(name)?;
        self.0.u64().ok()
    }

    fn skip(&mut self, name: &str) -> Option<()> {
        self.name(name)?;
        self.0.skip().ok()
    }

    fn record(&mut self, fields: u8) -> Option<()> {
        self.take(&[MAP | fields])
    }

    fn start(&mut self) -> Option<StartWork<'a>> {
        self.record(5)?;
        Some(StartWork {
            now_ns: self.nat("now_ns")?,
            req_id: self.text("req_id")?,
            payload: self.text("payload")?,
            max_attempts: self.nat("max_attempts")?,
            base_delay_ms: self.nat("base_delay_ms")?,
        })
    }

    fn ok(&mut self) -> Option<Event<'a>> {
        self.record(1)?;
        let req_id = self.text("req_id")?;
        Some(Event::Ok { req_id })
    }

    fn err(&mut self) -> Option<Event<'a>> {
        self.record(3)?;
        let req_id = self.text("req_id")?;
        self.skip("message")?;
        self.name("transient")?;
        let transient = self.0.bool().ok()?;
        Some(Event::Err { req_id, transient })
    }

    fn timer_fired(&mut self) -> Option<Event<'a>> {
        self.record(9)?;
        self.skip("status")?;
        self.skip("receipt")?;
        self.skip("reducer")?;
        self.name("requested")?;
        self.timer().map(Event::Timer)
    }

    fn timer(&mut self) -> Option<Timer<'a>> {
        self.record(2)?;
        self.name("key")?;
        let key = match self.0.datatype().ok()? {
            Type::Null => self.0.null().ok().map(|()| None)?,
            _ => Some(self.0.str().ok()?),
        };
        Some(Timer {
            key,
            deliver_at_ns: self.nat("deliver_at_ns")?,
        })
    }
}

pub fn event(canonical: &[u8]) -> Option<Event<'_>> {
    let mut reader = Reader::new(canonical);
    reader.record(2)?;
    let tag = reader.text("$tag")?;
    reader.name("$value")?;
    match tag {
        "start" => reader.start().map(Event::Start),
        "ok" => reader.ok(),
        "err" => reader.err(),
        "timer" => reader.timer_fired(),
        _ => None,
    }
}

/// The parameters of a `timer.set`.
pub fn timer_params(canonical: &[u8]) -> Option<Timer<'_>> {
    Reader::new(canonical).timer()
}

pub fn requested(canonical: &[u8]) -> Option<Requested<'_>> {
    let mut reader = Reader::new(canonical);
    reader.record(2)?;
    Some(Requested {
        req_id: reader.text("req_id")?,
        payload: reader.text("payload")?,
    })
}

/// A state. None as well for a `pc` that the machine does not have.
pub fn state(canonical: &[u8]) -> Option<State<'_>> {
    let mut reader = Reader::new(canonical);
    reader.record(7)?;
    Some(State {
        pc: Pc::parse(reader.text("pc")?)?,
        req_id: reader.text("req_id")?,
        attempt: reader.nat("attempt")?,
        payload: reader.text("payload")?,
        anchor_ns: reader.nat("anchor_ns")?,
        max_attempts: reader.nat("max_attempts")?,
        base_delay_ms: reader.nat("base_delay_ms")?,
    })
}

/// The canonical bytes of a start, an ok or an err. A timer's event is the kernel's to write.
pub fn encode(event: &Event<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(EVENT_BYTES);
    append(&mut out, event);
    out
}

/// As [`encode`], into a buffer that is there. Fields in canonical order.
pub fn append(out: &mut Vec<u8>, event: &Event<'_>) {
    let tag = match event {
        Event::Start(_) => "start",
        Event::Ok { .. } => "ok",
        Event::Err { .. } => "err",
        Event::Timer(_) => unreachable!("receipt events are written by the kernel"),
    };
    out.extend_from_slice(&cbor::SELF_DESCRIBED);
    cbor::write_head(out, cbor::MAP, 2);
    out.extend_from_slice(cbor::TAG_KEY);
    cbor::write_text(out, tag);
    out.extend_from_slice(cbor::VALUE_KEY);
    match event {
        Event::Start(start) => append_start(out, start),
        Event::Err { req_id, transient } => {
            let message = if *transient { "try again" } else { "give up" };
            cbor::write_head(out, cbor::MAP, 3);
            append_text(out, "req_id", req_id);
            append_text(out, "message", message);
            cbor::write_text(out, "transient");
            out.push(cbor::boolean(*transient));
        }
        Event::Ok { req_id } => {
            cbor::write_head(out, cbor::MAP, 1);
            append_text(out, "req_id", req_id);
        }
        Event::Timer(_) => {}
    }
}

fn append_start(out: &mut Vec<u8>, start: &StartWork<'_>) {
    cbor::write_head(out, cbor::MAP, 5);
    append_nat(out, "now_ns", start.now_ns);
    append_text(out, "req_id", start.req_id);
    append_text(out, "payload", start.payload);
    append_nat(out, "max_attempts", start.max_attempts);
    append_nat(out, "base_delay_ms", start.base_delay_ms);
}

fn append_text(out: &mut Vec<u8>, name: &str, value: &str) {
    cbor::write_text(out, name);
    cbor::write_text(out, value);
}

fn append_nat(out: &mut Vec<u8>, name: &str, value: u64) {
    cbor::write_text(out, name);
    cbor::write_nat(out, value);
}
