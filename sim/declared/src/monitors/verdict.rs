//! What a monitor says: events of the schema `sim/Verdict@1`.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

/// The schema of the events that a monitor gives out.
pub(super) const VERDICT: &str = "sim/Verdict@1";

/// What was expected there, for who finds something else.
pub(super) const EXPECTED: &str =
    "holds, violated with `expected` and `found`, or reached with a name";

/// So many characters of a text are shown.
const MOST_SHOWN: usize = 400;

/// What a monitor found.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It had something to say, and held.
    Holds,
    /// What was expected and what was found.
    Violated(String, String),
    /// What was reached, by its name.
    Reached(String),
}

impl Verdict {
    /// Reads one: a variant in CBOR, in any form that it may have.
    pub fn read(bytes: &[u8]) -> Result<Verdict, Error> {
        let mut decoder = Decoder::new(bytes);
        if decoder.datatype()? == Type::Tag {
            decoder.tag()?;
        }
        let (mut tag, mut value) = (None, None);
        let pairs = decoder
            .map()?
            .ok_or_else(|| Error::message("its length is open"))?;
        for _ in 0..pairs {
            match decoder.str()? {
                "$tag" => tag = Some(decoder.str()?),
                "$value" => {
                    value = Some(decoder.position());
                    decoder.skip()?;
                }
                _ => return Err(Error::message("an unknown key")),
            }
        }
        if decoder.position() != bytes.len() {
            return Err(Error::message("something after its end"));
        }
        let value = value.map(|at| Decoder::new(&bytes[at..]));
        match (tag, value) {
            (Some("holds"), None) => Ok(Verdict::Holds),
            (Some("holds"), Some(mut value)) => {
                // A unit, or a record without fields.
                match value.datatype()? {
                    Type::Null => Ok(Verdict::Holds),
                    _ if value.map()? == Some(0) => Ok(Verdict::Holds),
                    _ => Err(Error::message("`holds` has no value")),
                }
            }
            (Some("reached"), Some(mut value)) => Ok(Verdict::Reached(value.str()?.to_owned())),
            (Some("violated"), Some(value)) => violated(value),
            _ => Err(Error::message("another arm, or one without its value")),
        }
    }
}

fn violated(mut value: Decoder<'_>) -> Result<Verdict, Error> {
    let (mut expected, mut found) = (None, None);
    let pairs = value
        .map()?
        .ok_or_else(|| Error::message("its length is open"))?;
    for _ in 0..pairs {
        match value.str()? {
            "expected" => expected = Some(words(&mut value)?),
            "found" => found = Some(words(&mut value)?),
            _ => return Err(Error::message("an unknown key of `violated`")),
        }
    }
    let missing = || Error::message("`violated` has `expected` and `found`");
    let (expected, found) = expected.zip(found).ok_or_else(missing)?;
    Ok(Verdict::Violated(expected, found))
}

/// A text as it is, and anything else in the diagnostic notation of CBOR.
fn words(decoder: &mut Decoder<'_>) -> Result<String, Error> {
    if decoder.datatype()? == Type::String {
        return Ok(shown(decoder.str()?));
    }
    let start = decoder.position();
    decoder.skip()?;
    let item = &decoder.input()[start..decoder.position()];
    Ok(shown(&minicbor::display(item).to_string()))
}

/// A text, cut short if it is long.
fn shown(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
