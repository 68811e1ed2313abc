//! What a step answered, decoded from its output envelope.
//!
//! The envelope is copied out of the guest's memory into a buffer that keeps its room, so that
//! reading it allocates nothing once that has grown. What the bytes mean is not looked at, nor
//! whether they are canonical.

use std::{fmt, mem};

use super::StepError;
use super::reader::{Field, Reader, Span};

const ENVELOPE: [Field; 4] = [
    required("state"),
    optional("domain_events"),
    optional("effects"),
    optional("ann"),
];
const EVENT: [Field; 3] = [required("schema"), required("value"), optional("key")];
const EFFECT: [Field; 4] = [
    required("kind"),
    required("params_cbor"),
    optional("cap_slot"),
    optional("idempotency_key"),
];

const fn required(name: &'static str) -> Field {
    Field {
        name,
        required: true,
    }
}

const fn optional(name: &'static str) -> Field {
    Field {
        name,
        required: false,
    }
}

/// What a step answered. Made once, handed to every step; empty before the first one and after
/// an error. Two are equal if they say the same, in whatever order their envelopes did.
#[derive(Clone, Default)]
pub struct Output {
    /// The envelope, and behind it what had come in chunks.
    bytes: Vec<u8>,
    joined: Vec<u8>,
    state: Option<Span>,
    events: Vec<EventSpans>,
    effects: Vec<EffectSpans>,
    annotations: Option<Span>,
}

/// A domain event that the reducer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutEvent<'a> {
    /// The name of its schema; whether there is one was not looked at.
    pub schema: &'a str,
    /// Its value, as the reducer encoded it.
    pub value: &'a [u8],
    /// The key that the reducer gave with it, if any.
    pub key: Option<&'a [u8]>,
}

/// An effect that the reducer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutEffect<'a> {
    /// Its kind, such as `timer.set`.
    pub kind: &'a str,
    /// Its parameters, as the reducer encoded them.
    pub params: &'a [u8],
    /// The slot whose grant it asks for it by; the default one if absent.
    pub cap_slot: Option<&'a str>,
    /// What tells it from another of the same parameters, if anything.
    pub idempotency_key: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
struct EventSpans {
    schema: Span,
    value: Span,
    key: Option<Span>,
}

#[derive(Clone, Copy)]
struct EffectSpans {
    kind: Span,
    params: Span,
    cap_slot: Option<Span>,
    idempotency_key: Option<Span>,
}

impl Output {
    /// The state after the step; `None` if the reducer answered null.
    #[inline]
    pub fn state(&self) -> Option<&[u8]> {
        self.state.map(|span| self.bytes(span))
    }

    /// In the order of the reducer.
    pub fn events(&self) -> impl ExactSizeIterator<Item = OutEvent<'_>> {
        self.events.iter().map(|event| OutEvent {
            schema: self.text(event.schema),
            value: self.bytes(event.value),
            key: event.key.map(|span| self.bytes(span)),
        })
    }

    /// In the order of the reducer.
    pub fn effects(&self) -> impl ExactSizeIterator<Item = OutEffect<'_>> {
        self.effects.iter().map(|effect| OutEffect {
            kind: self.text(effect.kind),
            params: self.bytes(effect.params),
            cap_slot: effect.cap_slot.map(|span| self.text(span)),
            idempotency_key: effect.idempotency_key.map(|span| self.bytes(span)),
        })
    }

    /// `None` if there are none, or null.
    #[inline]
    pub fn annotations(&self) -> Option<&[u8]> {
        self.annotations.map(|span| self.bytes(span))
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.joined.clear();
        self.state = None;
        self.events.clear();
        self.effects.clear();
        self.annotations = None;
    }

    /// Replaces what `self` holds by what `envelope` says; on an error, by nothing.
    pub(super) fn decode(&mut self, envelope: &[u8]) -> Result<(), StepError> {
        self.clear();
        let (mut bytes, mut joined) = (mem::take(&mut self.bytes), mem::take(&mut self.joined));
        bytes.extend_from_slice(envelope);
        let decoded = self.read(&mut Reader::new(&bytes, &mut joined));
        bytes.extend_from_slice(&joined);
        (self.bytes, self.joined) = (bytes, joined);
        if decoded.is_err() {
            self.clear();
        }
        decoded
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), StepError> {
        reader.map(&ENVELOPE, |reader, field| {
            match field {
                "state" => self.state = reader.bytes_or_null()?,
                "domain_events" => reader.array(|reader| self.read_event(reader))?,
                "effects" => reader.array(|reader| self.read_effect(reader))?,
                _ => self.annotations = reader.bytes_or_null()?,
            }
            Ok(())
        })?;
        reader.end()
    }

    fn read_event(&mut self, reader: &mut Reader<'_>) -> Result<(), StepError> {
        let mut event = EventSpans {
            schema: Span::EMPTY,
            value: Span::EMPTY,
            key: None,
        };
        reader.map(&EVENT, |reader, field| {
            match field {
                "schema" => event.schema = reader.text()?,
                "value" => event.value = reader.bytes()?,
                _ => event.key = Some(reader.bytes()?),
            }
            Ok(())
        })?;
        self.events.push(event);
        Ok(())
    }

    fn read_effect(&mut self, reader: &mut Reader<'_>) -> Result<(), StepError> {
        let mut effect = EffectSpans {
            kind: Span::EMPTY,
            params: Span::EMPTY,
            cap_slot: None,
            idempotency_key: None,
        };
        reader.map(&EFFECT, |reader, field| {
            match field {
                "kind" => effect.kind = reader.text()?,
                "params_cbor" => effect.params = reader.bytes()?,
                "cap_slot" => effect.cap_slot = Some(reader.text()?),
                _ => effect.idempotency_key = Some(reader.bytes()?),
            }
            Ok(())
        })?;
        self.effects.push(effect);
        Ok(())
    }

    #[inline]
    fn bytes(&self, span: Span) -> &[u8] {
        &self.bytes[span.start..span.end]
    }

    #[inline]
    fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.bytes(span)).expect("it was text when it was read")
    }
}

impl PartialEq for Output {
    fn eq(&self, other: &Output) -> bool {
        self.state() == other.state()
            && self.events().eq(other.events())
            && self.effects().eq(other.effects())
            && self.annotations() == other.annotations()
    }
}

impl Eq for Output {}

impl fmt::Debug for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Output")
            .field("state", &self.state())
            .field("events", &self.events().collect::<Vec<_>>())
            .field("effects", &self.effects().collect::<Vec<_>>())
            .field("annotations", &self.annotations())
            .finish()
    }
}
