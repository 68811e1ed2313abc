//! The retry machine's values, read from and written to canonical CBOR without a copy.
//!
//! Only what the model needs is read. Input is canonical and fits its schema, so a
//! reader that finds something else answers None.

use sim_air::cbor;
use sim_air::cbor::canonical::{Canonical, CanonicalText, TextRange};
use sim_kernel::TimerSet;

/// Room for an event with short texts.
const EVENT_BYTES: usize = 128;

/// `demo/StartWork@1`. Delays in ms, the anchor in ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StartWork<'a> {
    /// The request that it starts.
    pub req_id: CanonicalText<'a>,
    /// What the work is given.
    pub payload: CanonicalText<'a>,
    /// How often work may be asked for; 0 counts as 1.
    pub max_attempts: u64,
    /// The first wait; each later one is twice as long.
    pub base_delay_ms: u64,
    /// The anchor: all waits are counted from it.
    pub now_ns: u64,
}

/// `demo/RetryEvent@1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A client starts a request.
    Start(StartWork<'a>),
    /// The work is done.
    Ok {
        /// Of which request.
        req_id: CanonicalText<'a>,
    },
    /// The work failed.
    Err {
        /// Of which request.
        req_id: CanonicalText<'a>,
        /// Whether it may be tried again.
        transient: bool,
    },
    /// A timer has ended, and this is what it was asked for by.
    Timer(TimerSet<'a>),
}

/// `demo/WorkRequested@1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requested<'a> {
    /// The request that the work is for.
    pub req_id: CanonicalText<'a>,
    /// What the work is given.
    pub payload: CanonicalText<'a>,
}

/// Where a request stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Pc {
    /// No request yet.
    #[default]
    Idle,
    /// Work was asked for.
    Working,
    /// Work failed, and a timer is awaited.
    Backoff,
    /// Ended by an ok.
    Done,
    /// Ended by an error.
    Failed,
}

impl Pc {
    /// In the order of a request's life.
    pub const ALL: [Pc; 5] = [Pc::Idle, Pc::Working, Pc::Backoff, Pc::Done, Pc::Failed];

    /// As the state has it.
    pub fn name(self) -> &'static str {
        match self {
            Pc::Idle => "Idle",
            Pc::Working => "Working",
            Pc::Backoff => "Backoff",
            Pc::Done => "Done",
            Pc::Failed => "Failed",
        }
    }

    fn parse(text: &[u8]) -> Option<Pc> {
        Some(match text {
            b"Idle" => Pc::Idle,
            b"Working" => Pc::Working,
            b"Backoff" => Pc::Backoff,
            b"Done" => Pc::Done,
            b"Failed" => Pc::Failed,
            _ => return None,
        })
    }

    /// Whether the request has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Pc::Done | Pc::Failed)
    }
}

/// `demo/RetryState@1`, with texts or with the places where they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State<T> {
    /// Where the request stands.
    pub pc: Pc,
    /// How often work was asked for.
    pub attempt: u64,
    /// As the start had it.
    pub max_attempts: u64,
    /// As the start had it.
    pub base_delay_ms: u64,
    /// The start's `now_ns`.
    pub anchor_ns: u64,
    /// As the start had it.
    pub payload: T,
    /// The request under way, or the last one.
    pub req_id: T,
}

impl<T> State<T> {
    fn map<U>(self, text: impl Fn(T) -> U) -> State<U> {
        State {
            pc: self.pc,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            base_delay_ms: self.base_delay_ms,
            anchor_ns: self.anchor_ns,
            payload: text(self.payload),
            req_id: text(self.req_id),
        }
    }
}

impl State<CanonicalText<'_>> {
    /// What can be kept of a state when its bytes can't.
    pub fn places_in(self, canonical: &[u8]) -> State<TextRange> {
        self.map(|text| text.place_in(canonical))
    }
}

impl State<TextRange> {
    /// The state again, of the same bytes.
    pub fn in_bytes(self, canonical: &[u8]) -> State<CanonicalText<'_>> {
        self.map(|place| CanonicalText::at(place, canonical))
    }
}

/// An event of the reducer. None if it is none.
pub fn event(canonical: &[u8]) -> Option<Event<'_>> {
    let mut reader = Canonical::new(canonical);
    reader.take(b"\xa2\x64$tag")?;
    let tag = reader.text()?;
    reader.take(b"\x66$value")?;
    match tag.as_bytes() {
        b"start" => start(&mut reader).map(Event::Start),
        b"ok" => {
            reader.take(b"\xa1\x66req_id")?;
            let req_id = reader.text()?;
            Some(Event::Ok { req_id })
        }
        b"err" => {
            reader.take(b"\xa3\x66req_id")?;
            let req_id = reader.text()?;
            reader.take(b"\x67message")?;
            reader.text()?;
            reader.take(b"\x69transient")?;
            let transient = reader.boolean()?;
            Some(Event::Err { req_id, transient })
        }
        b"timer" => fired(&mut reader).map(Event::Timer),
        _ => None,
    }
}

fn start<'a>(reader: &mut Canonical<'a>) -> Option<StartWork<'a>> {
    reader.take(b"\xa5\x66now_ns")?;
    let now_ns = reader.nat()?;
    reader.take(b"\x66req_id")?;
    let req_id = reader.text()?;
    reader.take(b"\x67payload")?;
    let payload = reader.text()?;
    reader.take(b"\x6cmax_attempts")?;
    let max_attempts = reader.nat()?;
    reader.take(b"\x6dbase_delay_ms")?;
    let base_delay_ms = reader.nat()?;
    Some(StartWork {
        req_id,
        payload,
        max_attempts,
        base_delay_ms,
        now_ns,
    })
}

/// `sys/TimerFired@1`, as far as what was requested.
fn fired<'a>(reader: &mut Canonical<'a>) -> Option<TimerSet<'a>> {
    reader.take(b"\xa9\x66status")?;
    reader.text()?;
    reader.take(b"\x67receipt\xa2\x63key")?;
    if !reader.take_null() {
        reader.text()?;
    }
    reader.take(b"\x6fdelivered_at_ns")?;
    reader.nat()?;
    reader.take(b"\x67reducer")?;
    reader.text()?;
    reader.take(b"\x69requested")?;
    TimerSet::read(reader)
}

/// What work was asked for. None if it is no such event.
pub fn requested(canonical: &[u8]) -> Option<Requested<'_>> {
    let mut reader = Canonical::new(canonical);
    reader.take(b"\xa2\x66req_id")?;
    let req_id = reader.text()?;
    reader.take(b"\x67payload")?;
    let payload = reader.text()?;
    Some(Requested { req_id, payload })
}

/// A state. None as well for a `pc` that the machine does not have.
pub fn state(canonical: &[u8]) -> Option<State<CanonicalText<'_>>> {
    let mut reader = Canonical::new(canonical);
    reader.take(b"\xa7\x62pc")?;
    let pc = Pc::parse(reader.text()?.as_bytes())?;
    reader.take(b"\x66req_id")?;
    let req_id = reader.text()?;
    reader.take(b"\x67attempt")?;
    let attempt = reader.nat()?;
    reader.take(b"\x67payload")?;
    let payload = reader.text()?;
    reader.take(b"\x69anchor_ns")?;
    let anchor_ns = reader.nat()?;
    reader.take(b"\x6cmax_attempts")?;
    let max_attempts = reader.nat()?;
    reader.take(b"\x6dbase_delay_ms")?;
    let base_delay_ms = reader.nat()?;
    Some(State {
        pc,
        attempt,
        max_attempts,
        base_delay_ms,
        anchor_ns,
        payload,
        req_id,
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
        Event::Err { req_id, transient } => append_error(out, *req_id, None, *transient),
        Event::Ok { req_id } => {
            cbor::write_head(out, cbor::MAP, 1);
            append_text(out, "req_id", *req_id);
        }
        Event::Timer(_) => {}
    }
}

/// An error with a message of its own, or the plain one.
pub fn append_err(
    out: &mut Vec<u8>,
    req_id: CanonicalText<'_>,
    message: Option<CanonicalText<'_>>,
    transient: bool,
) {
    out.extend_from_slice(&cbor::SELF_DESCRIBED);
    cbor::write_head(out, cbor::MAP, 2);
    out.extend_from_slice(cbor::TAG_KEY);
    cbor::write_text(out, "err");
    out.extend_from_slice(cbor::VALUE_KEY);
    append_error(out, req_id, message, transient);
}

fn append_error(
    out: &mut Vec<u8>,
    req_id: CanonicalText<'_>,
    message: Option<CanonicalText<'_>>,
    transient: bool,
) {
    let plain = if transient { "try again" } else { "give up" };
    cbor::write_head(out, cbor::MAP, 3);
    append_text(out, "req_id", req_id);
    append_text(out, "message", message.unwrap_or(plain.into()));
    cbor::write_text(out, "transient");
    out.push(cbor::boolean(transient));
}

fn append_start(out: &mut Vec<u8>, start: &StartWork<'_>) {
    cbor::write_head(out, cbor::MAP, 5);
    append_nat(out, "now_ns", start.now_ns);
    append_text(out, "req_id", start.req_id);
    append_text(out, "payload", start.payload);
    append_nat(out, "max_attempts", start.max_attempts);
    append_nat(out, "base_delay_ms", start.base_delay_ms);
}

fn append_text(out: &mut Vec<u8>, name: &str, value: CanonicalText<'_>) {
    cbor::write_text(out, name);
    cbor::write_bytes_as_text(out, value.as_bytes());
}

fn append_nat(out: &mut Vec<u8>, name: &str, value: u64) {
    cbor::write_text(out, name);
    cbor::write_nat(out, value);
}
