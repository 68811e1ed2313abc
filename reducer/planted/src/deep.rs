//! A second machine, whose bugs lie too deep for random orderings: what guided fuzzing must find.
//!
//! It is three locks, and every event turns all of them. A wrong event shuts a lock again.
//! - `magic`: four kinds of event in order, then a `push` of one number of 32 bits, which nothing
//!   is compared with before. Who knows what was compared finds it.
//! - `order`: five events in order, kind and number both. They stand in a table and are too small
//!   to stand out among the numbers that are compared, and no step reaches code that others don't:
//!   only the state shows how far the lock is.
//! - `token`: three kinds in order, then a `push` with 12 bits right, give out a token, and an
//!   `open`, whatever comes before it, takes it back.
//!
//! Owns the machine `demo/Deep@1` with its wire form. The locks turn alike with any bug: a bug is
//! what comes of opening one. Its documents are in `fuzz/deep/air`, and a case for each bug in
//! `fuzz/deep/cases`.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sdk::Refusal;
use sdk::cbor::{Buffer, Read, Reader, Sink};

/// What is wrong when a lock opens; its number selects it, as that of [`crate::Bug`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Deep {
    /// Nothing: locks open, and shut again.
    None = 100,
    /// The step that opens `magic` traps.
    Magic = 101,
    /// The step that opens `order` asks for an effect that the module does not declare.
    Order = 102,
    /// The token is kept in the instance's memory: an `open` after a crash traps, if a snapshot
    /// that was taken while the token was out keeps it from being given out anew.
    Crash = 103,
}

/// The number and the name of each deep bug, in order; 100, the machine without one, is not among
/// them.
pub const DEEP: &[(u8, &str)] = &[(101, "magic"), (102, "order"), (103, "crash")];

impl Deep {
    /// The bug of that number, 100 being none.
    pub fn from_number(number: u8) -> Option<Deep> {
        match number {
            100 => Some(Deep::None),
            101 => Some(Deep::Magic),
            102 => Some(Deep::Order),
            103 => Some(Deep::Crash),
            _ => None,
        }
    }
}

/// The kinds of event, in the order of their schema.
const KINDS: [&[u8]; 8] = [
    b"start", b"push", b"pull", b"turn", b"lift", b"tap", b"hold", b"open",
];
const START: u8 = 0;
const PUSH: u8 = 1;
const PULL: u8 = 2;
const TURN: u8 = 3;
const LIFT: u8 = 4;
const TAP: u8 = 5;
const HOLD: u8 = 6;
const OPEN: u8 = 7;

/// The kinds that come before the number.
const MAGIC_KINDS: [u8; 4] = [START, TURN, LIFT, TURN];
const MAGIC: u64 = 0x5eed_cafe;

/// So many numbers are different to `order`.
const ORDER_NUMBERS: u8 = 16;
const ORDER: [u8; 5] = [
    symbol(LIFT, 2),
    symbol(PULL, 10),
    symbol(TURN, 1),
    symbol(TAP, 8),
    symbol(PULL, 0),
];

/// The kinds that come before the number with the right bits.
const TOKEN_KINDS: [u8; 3] = [PULL, TAP, HOLD];
const TOKEN_MASK: u64 = 0xfff;
const TOKEN_BITS: u64 = 0xa5c;
/// Where the token is out.
const TOKEN_OUT: u8 = TOKEN_KINDS.len() as u8 + 1;

/// In the state a place is a letter, from that of a lock that is shut to that of the last place of
/// any lock.
const SHUT: u8 = b'a';
const LAST_LETTER: u8 = b'e';

const fn symbol(kind: u8, number: u64) -> u8 {
    kind * ORDER_NUMBERS + (number % ORDER_NUMBERS as u64) as u8
}

/// An event: an index into [`KINDS`], and its number.
#[derive(Clone, Copy)]
struct Event {
    kind: u8,
    number: u64,
}

/// How far each lock is; 0 is shut.
#[derive(Clone, Copy, Default)]
struct Locks {
    magic: u8,
    order: u8,
    token: u8,
}

/// Which locks an event opened.
#[derive(Clone, Copy)]
struct Opened {
    magic: bool,
    order: bool,
    token: bool,
}

/// One step with `bug`: reads the input envelope, writes the output envelope at the beginning of
/// `space`, and returns its length.
pub fn step(bug: Deep, input: &[u8], space: &mut [u8]) -> Result<usize, Refusal> {
    let (before, event) = decode(input)?;
    let (after, opened) = turn(before, event);
    if bug == Deep::Magic && opened.magic {
        return Err(Refusal::because("a planted trap"));
    }
    if bug == Deep::Crash && !token_is_there(before, after, opened) {
        return Err(Refusal::because("a planted trap"));
    }
    encode(after, bug == Deep::Order && opened.order, space)
}

fn turn(locks: Locks, event: Event) -> (Locks, Opened) {
    let (magic, magic_opened) = turn_magic(locks.magic, event);
    let (order, order_opened) = turn_order(locks.order, event);
    let (token, token_opened) = turn_token(locks.token, event);
    let opened = Opened {
        magic: magic_opened,
        order: order_opened,
        token: token_opened,
    };
    let locks = Locks {
        magic,
        order,
        token,
    };
    (locks, opened)
}

fn turn_magic(place: u8, event: Event) -> (u8, bool) {
    match MAGIC_KINDS.get(usize::from(place)) {
        Some(kind) => (on_if(place, event.kind == *kind), false),
        None if event.kind == PUSH => (0, is_magic(event.number)),
        None => (0, false),
    }
}

/// A function of its own, so that the compiler does not compare before the other events came.
#[inline(never)]
fn is_magic(number: u64) -> bool {
    number == MAGIC
}

fn turn_order(place: u8, event: Event) -> (u8, bool) {
    let awaited = ORDER.get(usize::from(place)).copied();
    let place = on_if(place, awaited == Some(symbol(event.kind, event.number)));
    let opened = usize::from(place) == ORDER.len();
    (place * u8::from(!opened), opened)
}

fn turn_token(place: u8, event: Event) -> (u8, bool) {
    if place == TOKEN_OUT {
        let opened = event.kind == OPEN;
        return (place * u8::from(!opened), opened);
    }
    let right = match TOKEN_KINDS.get(usize::from(place)) {
        Some(kind) => event.kind == *kind,
        None => event.kind == PUSH && has_token_bits(event.number),
    };
    (on_if(place, right), false)
}

/// A function of its own, for the same reason as [`is_magic`].
#[inline(never)]
fn has_token_bits(number: u64) -> bool {
    number & TOKEN_MASK == TOKEN_BITS
}

/// The next place, or the first. Not a branch: it would show which of the two it is.
fn on_if(place: u8, right: bool) -> u8 {
    (place + 1) * u8::from(right)
}

/// Gives the token out and takes it back, by way of the instance's memory. False if it should be
/// there and isn't.
fn token_is_there(before: Locks, after: Locks, opened: Opened) -> bool {
    static TOKEN: AtomicBool = AtomicBool::new(false);
    if before.token < TOKEN_OUT && after.token == TOKEN_OUT {
        TOKEN.store(true, Relaxed);
    }
    if !opened.token {
        return true;
    }
    let was_there = TOKEN.load(Relaxed);
    TOKEN.store(false, Relaxed);
    was_there
}

/// Reads the input envelope; without a state all locks are shut. Unknown fields are passed over.
fn decode(envelope: &[u8]) -> Result<(Locks, Event), Refusal> {
    let mut reader = Reader::new(envelope);
    let (mut locks, mut event) = (Locks::default(), None);
    for _ in 0..reader.pairs(3)? {
        match reader.text_bytes()? {
            b"state" => {
                if !reader.null() {
                    locks = decode_state(reader.bytes()?)?;
                }
            }
            b"event" => event = decode_routed(&mut reader)?,
            _ => reader.skip()?,
        }
    }
    reader.finish()?;
    Ok((locks, event.ok_or(Refusal::missing("event"))?))
}

/// The event out of `{schema, value, key?}`.
fn decode_routed(reader: &mut Reader<'_>) -> Result<Option<Event>, Refusal> {
    let mut event = None;
    for _ in 0..reader.pairs(2)? {
        match reader.text_bytes()? {
            b"value" => event = Some(decode_event(reader.bytes()?)?),
            _ => reader.skip()?,
        }
    }
    Ok(event)
}

/// `{"$tag": text, "$value": {"number": nat}}`, in canonical order.
fn decode_event(bytes: &[u8]) -> Result<Event, Refusal> {
    let mut reader = Reader::new(bytes);
    expect_pairs(&mut reader, 2)?;
    reader.key(b"$tag")?;
    let tag = reader.text_bytes()?;
    let kind = KINDS.iter().position(|known| *known == tag);
    reader.key(b"$value")?;
    expect_pairs(&mut reader, 1)?;
    reader.key(b"number")?;
    let number = reader.nat()?;
    reader.finish()?;
    Ok(Event {
        kind: kind.ok_or(Refusal::unknown_tag(tag))? as u8,
        number,
    })
}

fn expect_pairs(reader: &mut Reader<'_>, expected: usize) -> Result<(), Refusal> {
    if reader.pairs(expected)? == expected as u64 {
        Ok(())
    } else {
        Err(Refusal::because("a record has another number of fields"))
    }
}

fn decode_state(bytes: &[u8]) -> Result<Locks, Refusal> {
    let mut reader = Reader::new(bytes);
    let mut locks = Locks::default();
    for _ in 0..reader.pairs(3)? {
        let lock = match reader.text_bytes()? {
            b"magic" => &mut locks.magic,
            b"order" => &mut locks.order,
            b"token" => &mut locks.token,
            other => return Err(Refusal::unknown_field(other)),
        };
        *lock = decode_place(reader.text_bytes()?)?;
    }
    reader.finish()?;
    Ok(locks)
}

fn decode_place(text: &[u8]) -> Result<u8, Refusal> {
    match text {
        [letter @ SHUT..=LAST_LETTER] => Ok(letter - SHUT),
        _ => Err(Refusal::because("a place is a letter from a to e")),
    }
}

fn encode(locks: Locks, with_effect: bool, space: &mut [u8]) -> Result<usize, Refusal> {
    let mut out = Buffer::new(space);
    out.map(1 + u64::from(with_effect));
    out.text("state");
    let record = out.open();
    encode_state(&mut out, locks);
    out.close(record);
    if with_effect {
        out.text("effects");
        out.array(1);
        out.map(2);
        out.text("kind");
        out.text("blob.put");
        out.text("params_cbor");
        out.bytes(&[]);
    }
    out.finish()
}

fn encode_state(out: &mut impl Sink, locks: Locks) {
    out.self_described();
    out.map(3);
    for (name, place) in [
        ("magic", locks.magic),
        ("order", locks.order),
        ("token", locks.token),
    ] {
        out.text(name);
        // The head of a text of one byte, and the letter.
        out.put(&[0x61, SHUT + place]);
    }
}
