//! A reducer's steps on the host, for its tests.
//!
//! Owns what a host would do around a step: an envelope goes in, and the one that comes out is
//! taken apart. Never judges what a step does.

use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use crate::cbor::{Buffer, Read, Reader, Sink};
use crate::decode::{Decode, decode};
use crate::encode::Encode;
use crate::{Input, Output, Refusal, first_space_bytes, run};

/// What a step is given. Begun by [`first`] and [`given`], ended by [`Given::step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    state: Option<Vec<u8>>,
    event: Vec<u8>,
    schema: String,
    key: Option<Vec<u8>>,
    context: Option<Vec<u8>>,
}

/// An event, and no state yet.
pub fn first(event: &(impl Encode + ?Sized)) -> Given {
    Given {
        state: None,
        event: encoded(event),
        schema: "test/Event@1".to_string(),
        key: None,
        context: None,
    }
}

/// A state and an event.
pub fn given(state: &(impl Encode + ?Sized), event: &(impl Encode + ?Sized)) -> Given {
    Given {
        state: Some(encoded(state)),
        ..first(event)
    }
}

impl Given {
    /// The same with an event of that schema.
    #[must_use]
    pub fn schema(self, schema: &str) -> Given {
        Given {
            schema: schema.to_string(),
            ..self
        }
    }

    /// The same for the cell of that key.
    #[must_use]
    pub fn key(self, key: &[u8]) -> Given {
        Given {
            key: Some(key.to_vec()),
            ..self
        }
    }

    /// The same with a context.
    #[must_use]
    pub fn context(self, context: &(impl Encode + ?Sized)) -> Given {
        Given {
            context: Some(encoded(context)),
            ..self
        }
    }

    /// The input envelope, as a host writes it.
    pub fn envelope(&self) -> Vec<u8> {
        let field = |name: &str, write: &dyn Fn(&mut Buffer<'_>)| {
            written(|out| {
                out.text(name);
                write(out);
            })
        };
        let optional = |name: &str, bytes: &Option<Vec<u8>>| {
            let bytes = bytes.as_ref();
            bytes.map_or_else(Vec::new, |bytes| field(name, &|out| out.bytes(bytes)))
        };
        let event = [
            written(|out| out.map(2 + u64::from(self.key.is_some()))),
            field("value", &|out| out.bytes(&self.event)),
            field("schema", &|out| out.text(&*self.schema)),
            optional("key", &self.key),
        ];
        let parts = [
            written(|out| out.map(3 + u64::from(self.context.is_some()))),
            field("version", &|out| out.nat(1)),
            field("state", &|out| match &self.state {
                Some(bytes) => out.bytes(bytes),
                None => out.null(),
            }),
            field("event", &|out| out.put(&event.concat())),
            optional("ctx", &self.context),
        ];
        parts.concat()
    }

    /// Takes the step.
    ///
    /// # Errors
    /// The reducer's refusal, or what is wrong with what it gave out.
    pub fn step(
        &self,
        step: impl Fn(&Input<'_>, &mut Output<'_>) -> Result<(), Refusal>,
    ) -> Result<Answer, Refusal> {
        let envelope = self.envelope();
        let mut space = vec![0; first_space_bytes(envelope.len())];
        loop {
            match run(&step, &envelope, &mut space) {
                Err(refusal) if refusal.is_output_too_long() => space.resize(2 * space.len(), 0),
                Err(refusal) => return Err(refusal),
                Ok(length) => {
                    let output = space.get(..length).unwrap_or_default();
                    return answer(&mut Reader::new(output), self);
                }
            }
        }
    }
}

/// What a step gave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    given: Given,
    state: Option<Vec<u8>>,
    /// The events, in order.
    pub events: Vec<Event>,
    /// The effects, in order.
    pub effects: Vec<Effect>,
    /// What it asserted, in order.
    pub assertions: Vec<Assertion>,
}

/// What a step asserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// `always`, `sometimes` or `reachable`.
    pub kind: String,
    /// By which it is known.
    pub message: String,
    /// Whether the condition held.
    pub holds: bool,
}

/// An event that a step gave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The name of its schema.
    pub schema: String,
    /// The cell that it is for.
    pub key: Option<Vec<u8>>,
    value: Vec<u8>,
}

/// An effect that a step asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Its kind.
    pub kind: String,
    /// The slot that it is asked from.
    pub slot: String,
    /// What it is the same as others by.
    pub idempotency_key: Option<Vec<u8>>,
    params: Vec<u8>,
}

impl Answer {
    /// The state, read as a `T`; `None` if there is none.
    ///
    /// # Errors
    /// If it is something else.
    pub fn state<'a, T: Decode<'a>>(&'a self) -> Result<Option<T>, Refusal> {
        let bytes = self.state.as_deref();
        bytes.map(|bytes| decode(bytes, &"state")).transpose()
    }

    /// Whether the state is the same as before, to the byte, and nothing else was given out.
    pub fn is_ignored(&self) -> bool {
        self.state == self.given.state && self.events.is_empty() && self.effects.is_empty()
    }

    /// The next step, with another event.
    #[must_use]
    pub fn then(self, event: &(impl Encode + ?Sized)) -> Given {
        Given {
            state: self.state,
            event: encoded(event),
            ..self.given
        }
    }
}

impl Event {
    /// What it holds, read as a `T`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn value<'a, T: Decode<'a>>(&'a self) -> Result<T, Refusal> {
        decode(&self.value, &"value")
    }
}

impl Effect {
    /// What is asked for, read as a `T`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn params<'a, T: Decode<'a>>(&'a self) -> Result<T, Refusal> {
        decode(&self.params, &"params_cbor")
    }
}

/// A value as a document.
pub fn encoded(value: &(impl Encode + ?Sized)) -> Vec<u8> {
    written(|out| {
        out.self_described();
        value.encode(out);
    })
}

/// A document, read as a `T`.
///
/// # Errors
/// If it is something else.
pub fn decoded<'a, T: Decode<'a>>(document: &'a [u8]) -> Result<T, Refusal> {
    decode(document, &"value")
}

fn written(write: impl Fn(&mut Buffer<'_>)) -> Vec<u8> {
    let mut space = vec![0; 64];
    loop {
        let mut out = Buffer::new(&mut space);
        write(&mut out);
        match out.finish() {
            Ok(length) => {
                space.truncate(length);
                return space;
            }
            Err(_) => space.resize(2 * space.len(), 0),
        }
    }
}

/// Takes an output envelope apart.
fn answer(reader: &mut Reader<'_>, given: &Given) -> Result<Answer, Refusal> {
    let mut answer = Answer {
        given: given.clone(),
        state: None,
        events: Vec::new(),
        effects: Vec::new(),
        assertions: Vec::new(),
    };
    for _ in 0..reader.pairs(1)? {
        match reader.str()? {
            "state" => answer.state = Option::<&[u8]>::decode(reader)?.map(<[u8]>::to_vec),
            "domain_events" => {
                for _ in 0..reader.items()? {
                    let item = Emitted::decode(reader)?;
                    answer.events.push(item.into());
                }
            }
            "effects" => {
                for _ in 0..reader.items()? {
                    let item = Asked::decode(reader)?;
                    answer.effects.push(item.into());
                }
            }
            "ann" => answer.assertions = assertions(&mut Reader::new(reader.bytes()?))?,
            other => return Err(Refusal::unknown_field(other.as_bytes())),
        }
    }
    reader.finish()?;
    Ok(answer)
}

/// Takes annotations apart: what a step asserted is all that they hold.
fn assertions(reader: &mut Reader<'_>) -> Result<Vec<Assertion>, Refusal> {
    let mut assertions = Vec::new();
    for _ in 0..reader.pairs(1)? {
        reader.str()?;
        for _ in 0..reader.items()? {
            let (mut kind, mut message, mut holds) = ("", "", false);
            for _ in 0..reader.pairs(4)? {
                match reader.str()? {
                    "kind" => kind = reader.str()?,
                    "message" => message = reader.str()?,
                    "holds" => holds = reader.boolean()?,
                    _ => reader.skip()?,
                }
            }
            let (kind, message) = (kind.to_string(), message.to_string());
            assertions.push(Assertion {
                kind,
                message,
                holds,
            });
        }
    }
    Ok(assertions)
}

crate::record! {
    struct Emitted<'a> { schema: &'a str, value: &'a [u8], key: Option<&'a [u8]> }
}

crate::record! {
    struct Asked<'a> {
        kind: &'a str,
        cap_slot: &'a str,
        params_cbor: &'a [u8],
        idempotency_key: Option<&'a [u8]>,
    }
}

impl From<Emitted<'_>> for Event {
    fn from(item: Emitted<'_>) -> Event {
        Event {
            schema: item.schema.to_string(),
            key: item.key.map(<[u8]>::to_vec),
            value: item.value.to_vec(),
        }
    }
}

impl From<Asked<'_>> for Effect {
    fn from(item: Asked<'_>) -> Effect {
        Effect {
            kind: item.kind.to_string(),
            slot: item.cap_slot.to_string(),
            idempotency_key: item.idempotency_key.map(<[u8]>::to_vec),
            params: item.params_cbor.to_vec(),
        }
    }
}
