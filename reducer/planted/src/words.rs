//! The same machine with a state in other words: lawful, as only the reducer reads its state.
//!
//! `pc` has other words, and `attempt` another number. Owns the translation of bytes, in place,
//! which is why words are as long as those that they stand for. Decides nothing.

/// Shipped, and foreign, each with its head.
const WORDS: [(&[u8], &[u8]); 5] = [
    (b"\x64Idle", b"\x64Rest"),
    (b"\x67Working", b"\x67Running"),
    (b"\x67Backoff", b"\x67Waiting"),
    (b"\x64Done", b"\x64Good"),
    (b"\x66Failed", b"\x66Lapsed"),
];
const PC: &[u8] = b"\x62pc";
const ATTEMPT: &[u8] = b"\x67attempt";

/// Translates the states in some bytes, there if they are shipped and back if they are foreign. In
/// one pass, for payloads are long.
pub fn translate(bytes: &mut [u8]) {
    for at in 0..bytes.len() {
        let Some(rest) = bytes.get_mut(at..) else {
            return;
        };
        match rest.first() {
            Some(0x62) => {
                if let Some(word) = after(rest, PC) {
                    swap(word);
                }
            }
            Some(0x67) => {
                if let Some(number) = after(rest, ATTEMPT) {
                    flip(number);
                }
            }
            _ => {}
        }
    }
}

fn after<'a>(bytes: &'a mut [u8], key: &[u8]) -> Option<&'a mut [u8]> {
    let (head, rest) = bytes.split_at_mut_checked(key.len())?;
    (head == key).then_some(rest)
}

/// A word for the one that stands for it.
fn swap(bytes: &mut [u8]) {
    for (one, other) in WORDS {
        let Some(place) = bytes.get_mut(..one.len()) else {
            continue;
        };
        if *place == *one {
            return place.copy_from_slice(other);
        }
        if *place == *other {
            return place.copy_from_slice(one);
        }
    }
}

/// A number for the one beside it. An even number and the odd one above it have heads of the same
/// length.
fn flip(bytes: &mut [u8]) {
    let width = match bytes.first() {
        Some(0x18) => 1,
        Some(0x19) => 2,
        Some(0x1a) => 4,
        Some(0x1b) => 8,
        _ => 0,
    };
    if let Some(last) = bytes.get_mut(width) {
        *last ^= 1;
    }
}
