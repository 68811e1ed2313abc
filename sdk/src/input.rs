//! What a step is given.
//!
//! Owns the names in the input envelope. Never knows what is in a state or an event: they are read
//! as what the reducer says they are.

use crate::Refusal;
use crate::cbor::{Read, Reader};
use crate::decode::{Decode, decode};
use crate::record::needed;

/// The only version of the envelope.
const VERSION: u64 = 1;

/// What a step is given: the state, an event, and what the host says about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    state: Option<&'a [u8]>,
    event: &'a [u8],
    schema: &'a str,
    key: Option<&'a [u8]>,
    context: Option<&'a [u8]>,
}

impl<'a> Input<'a> {
    /// Reads an input envelope.
    pub fn read(envelope: &'a [u8]) -> Result<Input<'a>, Refusal> {
        let reader = &mut Reader::new(envelope);
        let input = read_envelope(reader)?;
        reader.finish()?;
        Ok(input)
    }

    /// The state, read as a `T`; `None` on the very first step.
    pub fn state<T: Decode<'a>>(&self) -> Result<Option<T>, Refusal> {
        self.state.map(|bytes| decode(bytes, &"state")).transpose()
    }

    /// The event, read as a `T`.
    pub fn event<T: Decode<'a>>(&self) -> Result<T, Refusal> {
        decode(self.event, &"event")
    }

    /// The context, read as a `T`, which is usually [`ReducerContext`](crate::sys::ReducerContext);
    /// `None` if the module declares none.
    pub fn context<T: Decode<'a>>(&self) -> Result<Option<T>, Refusal> {
        self.context.map(|bytes| decode(bytes, &"ctx")).transpose()
    }

    /// The name of the event's schema.
    pub fn schema(&self) -> &'a str {
        self.schema
    }

    /// The key of the cell whose state this is, if the reducer is keyed.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key
    }

    /// The state as it came.
    pub(crate) fn state_bytes(&self) -> Option<&'a [u8]> {
        self.state
    }
}

fn read_envelope<'a, R: Read<'a, Refusal = Refusal>>(reader: &mut R) -> Result<Input<'a>, Refusal> {
    crate::fields!(reader: R, {
        b"event" => event = read_event(reader)?,
        b"state" => state = crate::option!(reader, reader.bytes()?),
        b"version" => version = reader.nat()?,
    } rare {
        b"ctx" => context = crate::option!(reader, reader.bytes()?),
    });
    if needed(version, "version")? != VERSION {
        return Err(Refusal::because("only version 1 of the envelope is known"));
    }
    let (event, schema, key) = needed(event, "event")?;
    Ok(Input {
        state: needed(state, "state")?,
        event,
        schema,
        key,
        context: context.flatten(),
    })
}

/// Value, schema and key of an event.
type Routed<'a> = (&'a [u8], &'a str, Option<&'a [u8]>);

fn read_event<'a, R: Read<'a, Refusal = Refusal>>(reader: &mut R) -> Result<Routed<'a>, Refusal> {
    crate::fields!(reader: R, {
        b"value" => value = reader.bytes()?,
        b"schema" => schema = reader.text_bytes()?,
    } rare {
        b"key" => key = crate::option!(reader, reader.bytes()?),
    });
    let schema = core::str::from_utf8(needed(schema, "schema")?);
    let schema = schema.map_err(|_| Refusal::malformed("the schema's name is not UTF-8"))?;
    Ok((needed(value, "value")?, schema, key.flatten()))
}
