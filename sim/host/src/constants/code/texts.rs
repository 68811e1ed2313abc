//! Texts that are in instructions, put together from their pieces.
//!
//! Where a text is compared or stored, optimisers have it in pieces of 8, 4, 2 and 1 bytes:
//! `load; const; xor; load; const; xor; or` for all of it. Pieces that lie side by side in the
//! guest's memory are joined here.

use super::{Constant, Walk, WalkState};
use crate::constants::{cbor_texts, insert, is_in_a_word};

/// The longest text that is put together, in bytes.
const JOINED_BYTES_MAX: usize = 256;

/// Bytes that lie side by side, as far as is known.
pub(super) struct Joined {
    is_stored: bool,
    /// Where the first one lies, from a pointer that nothing is known of.
    begin: i64,
    bytes: Vec<u8>,
}

impl Walk {
    /// A piece of which the first byte is the highest, as where it matters which of two texts comes
    /// first.
    pub(super) fn turned_text(&mut self, place: &mut WalkState, constant: Constant) {
        let mut bytes = constant.value.to_be_bytes().to_vec();
        if !constant.is_wide {
            bytes.drain(..4);
        }
        let is_turned = place.turned_at + 2 >= constant.at;
        if let Some((_, from, loaded)) = place.load
            && is_turned
            && loaded == bytes.len()
        {
            self.piece(place, false, from, &bytes);
        }
    }

    /// The last byte of such a text: its difference is the answer.
    pub(super) fn last_byte(&mut self, place: &mut WalkState, constant: Constant) {
        let byte = constant
            .value
            .checked_neg()
            .and_then(|it| u8::try_from(it).ok());
        let load = place
            .load
            .filter(|(at, _, bytes)| at + 1 == constant.at && *bytes == 1);
        if let (Some(byte), Some((_, from, _))) = (byte, load)
            && is_in_a_word(byte)
            && let Some(joined) = &mut place.joined
            && joined.begin.checked_add_unsigned(joined.bytes.len() as u64) == Some(from)
        {
            joined.bytes.push(byte);
        }
    }

    /// A text that was cut out of what was loaded: three to eight bytes, and zeros.
    pub(super) fn masked_text(&mut self, constant: Constant) {
        let bytes = constant.value.to_le_bytes();
        let length = bytes.iter().position(|byte| *byte == 0);
        let (text, rest) = bytes.split_at(length.unwrap_or(bytes.len()));
        let is_text = text.len() > 2 && text.iter().copied().all(is_in_a_word);
        if is_text && rest.iter().all(|byte| *byte == 0) {
            self.text(text.to_vec());
        }
    }

    fn text(&mut self, bytes: Vec<u8>) {
        if let Ok(text) = String::from_utf8(bytes) {
            for item in cbor_texts(&text) {
                insert(&mut self.texts, item.to_owned());
            }
            insert(&mut self.texts, text);
        }
    }

    /// A piece of a text, if it is one: it goes on with what was there, or begins anew.
    pub(super) fn piece(
        &mut self,
        place: &mut WalkState,
        is_stored: bool,
        at: i64,
        bytes: &[u8],
    ) -> bool {
        if !bytes.iter().copied().all(is_in_a_word) {
            self.end_text(place);
            return false;
        }
        if let Some(joined) = &mut place.joined
            && joined.is_stored == is_stored
            && at > joined.begin
            && let Ok(known) = usize::try_from(at - joined.begin)
            && let Some(overlap) = joined.bytes.get(known..)
            && overlap.len() < bytes.len()
            && bytes.starts_with(overlap)
            && known + bytes.len() <= JOINED_BYTES_MAX
        {
            let rest = overlap.len();
            joined.bytes.extend_from_slice(&bytes[rest..]);
            return true;
        }
        self.end_text(place);
        place.joined = Some(Joined {
            is_stored,
            begin: at,
            bytes: bytes.to_vec(),
        });
        true
    }

    pub(super) fn end_text(&mut self, place: &mut WalkState) {
        if let Some(joined) = place.joined.take().filter(|joined| joined.bytes.len() > 1) {
            self.text(joined.bytes);
        }
    }
}
