//! The same machine with a state in other words: lawful, for nobody but a reducer reads its state.
//!
//! `pc` has other words, and `attempt` another number. Owns the translation of bytes, in place, which
//! is why words are as long as those that they stand for. Decides nothing.

/// Shipped, and foreign.
const WORDS: [(&[u8], &[u8]); 5] = [
    (b"\x62pc\x64Idle", b"\x62pc\x64Rest"),
    (b"\x62pc\x67Working", b"\x62pc\x67Running"),
    (b"\x62pc\x67Backoff", b"\x62pc\x67Waiting"),
    (b"\x62pc\x64Done", b"\x62pc\x64Good"),
    (b"\x62pc\x66Failed", b"\x62pc\x66Lapsed"),
];
const ATTEMPT: &[u8] = b"\x67attempt";

/// Translates the states in some bytes, there if they are shipped and back if they are foreign.
pub fn translate(bytes: &mut [u8]) {
    for (shipped, foreign) in WORDS {
        replace(bytes, shipped, foreign);
    }
    // An even number and the odd one above it have heads of the same length.
    let mut at = 0;
    while let Some(found) = find(bytes, at, ATTEMPT) {
        at = found + ATTEMPT.len();
        let width = match bytes.get(at) {
            Some(0x18) => 1,
            Some(0x19) => 2,
            Some(0x1a) => 4,
            Some(0x1b) => 8,
            _ => 0,
        };
        if let Some(last) = bytes.get_mut(at + width) {
            *last ^= 1;
        }
    }
}

/// Each for the other.
fn replace(bytes: &mut [u8], one: &[u8], other: &[u8]) {
    for (from, to) in [(one, other), (other, one)] {
        if let Some(at) = find(bytes, 0, from) {
            if let Some(place) = bytes.get_mut(at..at + to.len()) {
                place.copy_from_slice(to);
            }
            return;
        }
    }
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let place = rest
        .windows(wanted.len())
        .position(|window| window == wanted);
    place.map(|place| from + place)
}
