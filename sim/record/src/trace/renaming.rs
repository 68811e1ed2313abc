//! Ids exchanged for others wherever they occur in bytes.
//!
//! Ids of equal length that do not overlap: what is renamed is as long as before, and the renaming
//! can be undone by its inverse, so that two different values never become one. In canonical CBOR
//! texts are renamed, and byte strings that are text; numbers, and bytes that are none, stay.
//! Knows no schema: a set of ids comes out in another order than a schema asks for, and a hash
//! stays that of other bytes. Who uses this finds that out by comparing runs.

use sim_air::cbor;

/// What is replaced, and by what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Renaming {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    length: usize,
}

impl Renaming {
    /// Replaces the first of each pair by the second. All are of one length, and none of the
    /// first ones begins within another.
    pub fn new(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Renaming {
        let length = pairs.first().map_or(1, |(from, _)| from.len().max(1));
        let pairs = pairs.into_iter().filter(|(from, to)| from != to).collect();
        Renaming { pairs, length }
    }

    /// Renames what is canonical CBOR as such, and all else as one text; None if nothing changes.
    pub fn value(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match bytes.starts_with(&cbor::SELF_DESCRIBED) {
            true => self.items(bytes),
            false => self.text(bytes),
        }
    }

    /// A row of items of canonical CBOR. What turns out to be none is renamed as one text.
    pub fn items(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        // Most values have no id in them.
        self.find(bytes)?;
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            match self.item(&bytes[at..], &mut out) {
                Some(size) => at += size,
                None => return self.text(bytes),
            }
        }
        (out != bytes).then_some(out)
    }

    /// Wherever an id occurs.
    pub fn text(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.find(bytes)?;
        let mut out = bytes.to_vec();
        self.in_place(&mut out);
        Some(out)
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let windows = bytes.windows(self.length);
        let is_id = |window: &[u8]| self.pairs.iter().any(|(from, _)| from == window);
        windows.clone().position(is_id)
    }

    fn in_place(&self, bytes: &mut [u8]) {
        let mut at = 0;
        while let Some(window) = bytes.get_mut(at..at + self.length) {
            match self.pairs.iter().find(|(from, _)| from == window) {
                Some((_, to)) => {
                    window.copy_from_slice(to);
                    at += self.length;
                }
                None => at += 1,
            }
        }
    }

    /// Appends the first item as it is renamed, and says how long it was.
    fn item(&self, bytes: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let first = *bytes.first()?;
        let size = match first & 31 {
            info @ 24..=27 => 1 + (1 << (info - 24)),
            0..=23 => 1,
            _ => return None,
        };
        let head = bytes.get(..size)?;
        let argument = match size {
            1 => u64::from(first & 31),
            _ => head[1..]
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        };
        let count = usize::try_from(argument).ok()?;
        let start = out.len();
        out.extend_from_slice(head);
        match first >> 5 {
            major @ (cbor::BYTES | cbor::TEXT) => {
                let body = bytes.get(size..size.checked_add(count)?)?;
                out.extend_from_slice(body);
                if major == cbor::TEXT || std::str::from_utf8(body).is_ok() {
                    self.in_place(&mut out[start + size..]);
                }
                Some(size + count)
            }
            cbor::ARRAY => self.row(bytes, size, count, out),
            cbor::TAG => self.row(bytes, size, 1, out),
            cbor::MAP => self.map(bytes, size, count, out),
            _ => Some(size),
        }
    }

    fn row(&self, bytes: &[u8], from: usize, count: usize, out: &mut Vec<u8>) -> Option<usize> {
        let mut at = from;
        for _ in 0..count {
            at += self.item(bytes.get(at..)?, out)?;
        }
        Some(at)
    }

    /// The entries come out in the order of their keys as these are now.
    fn map(&self, bytes: &[u8], from: usize, count: usize, out: &mut Vec<u8>) -> Option<usize> {
        let (start, mut at) = (out.len(), from);
        let mut entries = Vec::new();
        for _ in 0..count {
            let entry = out.len();
            at += self.item(bytes.get(at..)?, out)?;
            let key_end = out.len();
            at += self.item(bytes.get(at..)?, out)?;
            entries.push((entry, key_end, out.len()));
        }
        let is_sorted = entries.is_sorted_by_key(|(entry, key_end, _)| &out[*entry..*key_end]);
        if !is_sorted {
            let all = out.split_off(start);
            let part = |from: usize, to: usize| &all[from - start..to - start];
            entries.sort_by_key(|(entry, key_end, _)| part(*entry, *key_end));
            for (entry, _, end) in &entries {
                out.extend_from_slice(part(*entry, *end));
            }
        }
        Some(at)
    }
}
