//! Reading assertions from annotations, in any form of CBOR.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use sim_kernel::AssertionKind;

/// So much of the details is shown, in characters.
const MOST_SHOWN: usize = 400;

/// An assertion as it is written.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub kind: AssertionKind,
    pub message: &'a str,
    pub holds: bool,
    /// An item of CBOR.
    details: Option<&'a [u8]>,
}

impl Written<'_> {
    /// What was found where it does not hold.
    pub fn found(&self) -> String {
        let Some(details) = self.details else {
            return "it does not hold".to_owned();
        };
        let text = minicbor::display(details).to_string();
        match text.char_indices().nth(MOST_SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// Goes through the assertions in annotations; none where they are something else.
///
/// # Errors
/// If what is under `assertions` is no list of them.
pub(super) fn each<'a>(
    annotations: &'a [u8],
    mut tell: impl FnMut(&Written<'a>),
) -> Result<(), Error> {
    let mut decoder = Decoder::new(annotations);
    let Some(()) = enter(&mut decoder).ok().flatten() else {
        return Ok(());
    };
    let mut items = Items::of(decoder.array()?);
    while items.has_next(&mut decoder)? {
        tell(&read(&mut decoder)?);
    }
    Ok(())
}

/// Goes to the value of the key `assertions`, if there is one.
fn enter(decoder: &mut Decoder<'_>) -> Result<Option<()>, Error> {
    while decoder.datatype()? == Type::Tag {
        decoder.tag()?;
    }
    if !matches!(decoder.datatype()?, Type::Map | Type::MapIndef) {
        return Ok(None);
    }
    let mut pairs = Items::of(decoder.map()?);
    while pairs.has_next(decoder)? {
        let is_it = decoder.datatype()? == Type::String && decoder.probe().str()? == "assertions";
        decoder.skip()?;
        if is_it {
            return Ok(Some(()));
        }
        decoder.skip()?;
    }
    Ok(None)
}

fn read<'a>(decoder: &mut Decoder<'a>) -> Result<Written<'a>, Error> {
    let (mut kind, mut message, mut holds, mut details) = (None, None, None, None);
    let mut pairs = Items::of(decoder.map()?);
    while pairs.has_next(decoder)? {
        match decoder.str()? {
            "kind" => {
                let name = decoder.str()?;
                let unknown = || Error::message(format!("`{name}` is no kind of assertion"));
                kind = Some(AssertionKind::named(name).ok_or_else(unknown)?);
            }
            "message" => message = Some(decoder.str()?),
            "holds" => holds = Some(decoder.bool()?),
            "details" => {
                let start = decoder.position();
                decoder.skip()?;
                details = Some(&decoder.input()[start..decoder.position()]);
            }
            key => return Err(Error::message(format!("an unknown key: `{key}`"))),
        }
    }
    let missing = |key: &str| Error::message(format!("`{key}` is missing"));
    let kind = kind.ok_or_else(|| missing("kind"))?;
    let holds = match (kind, holds) {
        // To be there is all that it says.
        (AssertionKind::Reachable, None | Some(true)) => true,
        (AssertionKind::Reachable, Some(false)) => {
            return Err(Error::message("what is `reachable` always holds"));
        }
        (_, holds) => holds.ok_or_else(|| missing("holds"))?,
    };
    Ok(Written {
        kind,
        message: message.ok_or_else(|| missing("message"))?,
        holds,
        details,
    })
}

/// How many items are left; None if a break ends them.
struct Items(Option<u64>);

impl Items {
    fn of(count: Option<u64>) -> Items {
        Items(count)
    }

    fn has_next(&mut self, decoder: &mut Decoder<'_>) -> Result<bool, Error> {
        match &mut self.0 {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if decoder.datatype()? == Type::Break => {
                decoder.skip()?;
                Ok(false)
            }
            None => Ok(true),
        }
    }
}
