//! The adapter of timers: what a timer is asked, when it is due, and what it says when it fires.

use sim_air::cbor;
use sim_air::cbor::canonical::{Canonical, CanonicalText};

/// The kind of effect.
pub const SET: &str = "timer.set";

/// What a timer was asked to do: `sys/TimerSetParams@1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerSet<'a> {
    /// When it is due, in virtual time.
    pub deliver_at_ns: u64,
    /// Whose it is, if it says so.
    pub key: Option<CanonicalText<'a>>,
}

impl<'a> TimerSet<'a> {
    /// From the canonical parameters of a `timer.set`.
    #[inline]
    pub fn parse(canonical: &'a [u8]) -> Option<TimerSet<'a>> {
        TimerSet::read(&mut Canonical::new(canonical))
    }

    /// Reads canonical parameters; None if they are of another shape.
    #[inline]
    pub fn read(reader: &mut Canonical<'a>) -> Option<TimerSet<'a>> {
        reader.take(b"\xa2\x63key")?;
        let key = match reader.take_null() {
            true => None,
            false => Some(reader.text()?),
        };
        reader.take(b"\x6ddeliver_at_ns")?;
        let deliver_at_ns = reader.nat()?;
        Some(TimerSet { deliver_at_ns, key })
    }
}

/// When a timer with these canonical parameters is to fire.
#[inline]
pub(super) fn due_ns(params: &[u8]) -> Option<u64> {
    TimerSet::parse(params).map(|timer| timer.deliver_at_ns)
}

/// Appends the canonical receipt, `sys/TimerSetReceipt@1`, of a timer with these canonical
/// parameters that fires at a time; None if they are no parameters of one.
pub fn fire(out: &mut Vec<u8>, params: &[u8], at_ns: u64) -> Option<()> {
    timer_receipt(out, TimerSet::parse(params)?.key, at_ns);
    Some(())
}

/// Appends canonical `sys/TimerSetReceipt@1`.
pub fn timer_receipt(out: &mut Vec<u8>, key: Option<CanonicalText<'_>>, delivered_at_ns: u64) {
    timer_record(out, key, "delivered_at_ns", delivered_at_ns);
}

/// Appends canonical `sys/TimerSetParams@1`.
pub fn timer_params(out: &mut Vec<u8>, key: Option<CanonicalText<'_>>, deliver_at_ns: u64) {
    timer_record(out, key, "deliver_at_ns", deliver_at_ns);
}

fn timer_record(out: &mut Vec<u8>, key: Option<CanonicalText<'_>>, name: &str, at_ns: u64) {
    out.extend_from_slice(&cbor::SELF_DESCRIBED);
    cbor::write_head(out, cbor::MAP, 2);
    cbor::write_text(out, "key");
    match key {
        Some(key) => cbor::write_bytes_as_text(out, key.as_bytes()),
        None => out.push(cbor::NULL),
    }
    cbor::write_text(out, name);
    cbor::write_nat(out, at_ns);
}
