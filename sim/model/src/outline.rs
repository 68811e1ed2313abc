//! The outline of a state: what a reader would say of it at a glance, as a number.
//!
//! Small numbers, short texts and the shape count as they are; large numbers by their order of
//! magnitude, long texts and bytes by that of their length. States that differ only in what is
//! left out have the same outline.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;
use sim_record::trace::Key;

/// Numbers below this count as they are.
const SMALL: u64 = 16;
/// Texts up to this length count as they are, in bytes.
const SHORT_BYTES: usize = 16;
/// Of a large state, so many items count.
const MOST_ITEMS: usize = 256;

/// The outline of canonical bytes.
pub(super) fn of(state: &[u8]) -> u64 {
    let mut outline = Outline::default();
    let mut decoder = Decoder::new(state);
    for _ in 0..MOST_ITEMS {
        // It ends where the bytes do.
        if outline.add_item(&mut decoder).is_err() {
            break;
        }
    }
    outline.0.fingerprint() as u64
}

#[derive(Default)]
struct Outline(Key);

impl Outline {
    fn add(&mut self, word: u64) {
        self.0.word(word);
    }

    fn add_number(&mut self, number: u64) {
        self.add(if number < SMALL {
            number
        } else {
            SMALL + u64::from(number.ilog2())
        });
    }

    /// Adds the head of the next item, and what it holds if that is not items.
    fn add_item(&mut self, decoder: &mut Decoder<'_>) -> Result<(), Error> {
        match decoder.datatype()? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => self.add_number(decoder.u64()?),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
                self.add(u64::MAX);
                self.add_number(decoder.i64()?.unsigned_abs());
            }
            Type::Bytes => self.add_number(decoder.bytes()?.len() as u64),
            Type::String => {
                let text = decoder.str()?;
                self.add_number(text.len() as u64);
                if text.len() <= SHORT_BYTES {
                    text.bytes().for_each(|byte| self.add(byte.into()));
                }
            }
            Type::Array => self.add_number(decoder.array()?.unwrap_or(0)),
            Type::Map => self.add_number(decoder.map()?.unwrap_or(0)),
            Type::Tag => self.add_number(decoder.tag()?.as_u64()),
            Type::Bool => self.add(1 + u64::from(decoder.bool()?)),
            _ => {
                self.add(0);
                decoder.skip()?;
            }
        }
        Ok(())
    }
}
