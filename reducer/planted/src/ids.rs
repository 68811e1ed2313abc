//! Wrong ways to say that two ids are the same, as real systems have them.
//!
//! Owns comparisons of texts and nothing of the machine. None of them allocates.

use sdk::text::Text;

use crate::Bug;

/// How many bytes of an id `ids-cut-to-64-bytes` looks at.
const CUT_BYTES: usize = 64;
/// Letters with their accents: in their composed form, and in others.
const FORMS: [(&str, &str); 3] = [
    ("\u{e9}", "e\u{301}"),
    ("\u{c5}", "A\u{30a}"),
    ("\u{c5}", "\u{212b}"),
];

/// Whether `bug` takes these two for the same id. The same in any case if they are.
pub fn are_same(bug: Bug, one: Text<'_>, other: Text<'_>) -> bool {
    let (mut one_room, mut other_room) = ([0; 8], [0; 8]);
    let (a, b) = (one.bytes(&mut one_room), other.bytes(&mut other_room));
    one == other
        || match bug {
            Bug::IdsWithoutCase => a.eq_ignore_ascii_case(b),
            Bug::IdsByPrefix => {
                let begins = |a: &[u8], b: &[u8]| !a.is_empty() && b.starts_with(a);
                begins(a, b) || begins(b, a)
            }
            Bug::IdsTrimmed => a.trim_ascii() == b.trim_ascii(),
            Bug::IdsInOneForm => units(a).eq(units(b)),
            Bug::IdsCutTo64Bytes => a.len() > CUT_BYTES && a.get(..CUT_BYTES) == b.get(..CUT_BYTES),
            Bug::IdsByHash => hash(a) == hash(b),
            Bug::IdsAsNumbers => number(a).is_some() && number(a) == number(b),
            Bug::IdsUpToNul => until_nul(a).eq(until_nul(b)),
            _ => false,
        }
}

/// The bytes, with accented letters in their composed form.
fn units(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        for (composed, other) in FORMS {
            let forms = [composed.as_bytes(), other.as_bytes()];
            let mut stripped = forms.iter().filter_map(|form| text.strip_prefix(*form));
            if let Some(rest) = stripped.next() {
                text = rest;
                return Some(composed.as_bytes());
            }
        }
        let (first, rest) = text.split_at_checked(1)?;
        text = rest;
        Some(first)
    })
}

/// The hash of a text that has been in wide use since K&R's second edition, by 31.
fn hash(text: &[u8]) -> u32 {
    text.iter().fold(0, |hash: u32, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(*byte))
    })
}

/// A whole number, with zeros before it and nothing but zeros behind its point.
fn number(text: &[u8]) -> Option<u64> {
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or_default());
    if whole.is_empty() || fraction.iter().any(|digit| *digit != b'0') {
        return None;
    }
    whole.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn until_nul(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().take_while(|byte| **byte != 0)
}
