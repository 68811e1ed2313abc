//! Texts in data segments, cut where the code or other data says that one begins or ends.
//!
//! Rust and C put literals side by side, without anything in between for Rust. Where a pointer
//! leads into a text, another one begins; pointer and length together are a whole one. Texts that a
//! reducer has ready as CBOR have a head of one byte, which is most often a letter.

use std::collections::BTreeSet;
use std::ops::Range;

use wasmparser::{DataKind, Operator};

use super::code::Walk;
use super::{Evidence, Pattern, cbor_texts, insert, is_in_a_word};

/// The longest text that a pointer and a length may mean, in bytes.
const WHOLE_BYTES_MAX: u32 = 1024;

/// Data with the address where it lies, if that is known; in order of it.
#[derive(Default)]
pub(super) struct Data<'w> {
    segments: Vec<(Option<u32>, &'w [u8])>,
}

/// Texts, and what speaks for each.
type TextsFound = BTreeSet<(String, Evidence)>;

impl<'w> Data<'w> {
    pub fn add(&mut self, segment: &wasmparser::Data<'w>) {
        let address = match &segment.kind {
            DataKind::Active { offset_expr, .. } => {
                match offset_expr.get_operators_reader().read() {
                    Ok(Operator::I32Const { value }) => Some(value.cast_unsigned()),
                    _ => None,
                }
            }
            DataKind::Passive => None,
        };
        self.segments.push((address, segment.data));
    }

    /// Puts them in order of their addresses, once all are there.
    pub fn sort(&mut self) {
        self.segments.sort_by_key(|(address, _)| *address);
    }

    /// All of it, with something in between that belongs to no text.
    pub fn bytes(&self) -> Vec<u8> {
        let parts: Vec<&[u8]> = self.segments.iter().map(|(_, data)| *data).collect();
        parts.join(&0)
    }

    /// The texts, by what the code says of them.
    pub fn texts(&self, walk: &Walk) -> TextsFound {
        let mut found = TextsFound::new();
        let mut begins = walk.pointers.clone();
        for (pointer, length) in &walk.near {
            if let Some(text) = self.whole(*pointer, *length) {
                note(&mut found, text, Evidence::Whole);
            }
        }
        for (pointer, length) in walk.pairs.iter().copied().chain(self.pairs()) {
            if let Some(text) = self.whole(pointer, length) {
                note(&mut found, text, Evidence::Whole);
                insert(&mut begins, pointer);
                insert(&mut begins, pointer.saturating_add(length));
            }
        }
        for word in self.words().flatten() {
            let word = u32::from_le_bytes(*word);
            if self.at(word).is_some() {
                insert(&mut begins, word);
            }
        }
        for (address, data) in &self.segments {
            for run in runs(data) {
                let mut from = run.start;
                for cut in cuts(*address, &run, &begins) {
                    piece(&data[from..cut], &mut found);
                    from = cut;
                }
                piece(&data[from..run.end], &mut found);
            }
            for text in wide_texts(data) {
                note(&mut found, &text, Evidence::Whole);
            }
        }
        found
    }

    /// The aligned words of each segment.
    fn words(&self) -> impl Iterator<Item = &'w [[u8; 4]]> {
        self.segments.iter().map(|(address, data)| {
            let skip = address.map_or(0, |address| address.wrapping_neg() as usize % 4);
            data.get(skip..).unwrap_or_default().as_chunks().0
        })
    }

    /// Two words of the data that may be a pointer and a length.
    fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        let pairs = self.words().flat_map(|words| words.windows(2));
        pairs.map(|pair| (u32::from_le_bytes(pair[0]), u32::from_le_bytes(pair[1])))
    }

    /// The data from an address on.
    fn at(&self, address: u32) -> Option<&'w [u8]> {
        let behind = self
            .segments
            .partition_point(|(at, _)| *at <= Some(address));
        let (begin, data) = self.segments.get(behind.checked_sub(1)?)?;
        let rest = data.get((address - (*begin)?) as usize..);
        rest.filter(|rest| !rest.is_empty())
    }

    fn whole(&self, pointer: u32, length: u32) -> Option<&'w str> {
        if !(2..=WHOLE_BYTES_MAX).contains(&length) {
            return None;
        }
        let behind = self
            .segments
            .partition_point(|(at, _)| *at <= Some(pointer));
        let (address, data) = self.segments.get(behind.checked_sub(1)?)?;
        let at = (pointer - (*address)?) as usize;
        let bytes = data.get(at..)?.get(..length as usize)?;
        let text = std::str::from_utf8(bytes).ok()?;
        text.chars().all(is_printable).then_some(text)
    }
}

/// Where in a run another text begins, in bytes of the segment.
fn cuts(
    address: Option<u32>,
    run: &Range<usize>,
    begins: &BTreeSet<u32>,
) -> impl Iterator<Item = usize> {
    let at = |place: usize| u32::try_from(place).ok()?.checked_add(address?);
    let addresses = at(run.start + 1).zip(at(run.end));
    let range = addresses.map(|(first, end)| begins.range(first..end));
    let to_place = move |begin: &u32| (begin - address.unwrap_or(0)) as usize;
    range.into_iter().flatten().map(to_place)
}

/// What is printable without a break.
fn runs(data: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    for chunk in data.utf8_chunks() {
        let mut begin = at;
        for (index, char) in chunk.valid().char_indices() {
            if !is_printable(char) {
                runs.push(begin..at + index);
                begin = at + index + char.len_utf8();
            }
        }
        runs.push(begin..at + chunk.valid().len());
        at += chunk.valid().len() + chunk.invalid().len();
    }
    runs.retain(|run| run.len() > 1);
    runs
}

/// Texts of two bytes a character, as AssemblyScript has them: those that would be ASCII.
fn wide_texts(data: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut text = String::new();
    let mut rest = data;
    while let Some((&[low, high], behind)) = rest.split_first_chunk() {
        let is_wide = high == 0 && (low == b' ' || low.is_ascii_graphic());
        match is_wide {
            true => text.push(char::from(low)),
            false if text.len() > 1 => texts.push(std::mem::take(&mut text)),
            false => text.clear(),
        }
        // Where there is none, one may begin at the next byte.
        rest = if is_wide { behind } else { &rest[1..] };
    }
    texts.extend((text.len() > 1).then_some(text));
    texts
}

fn is_printable(char: char) -> bool {
    !char.is_control()
}

fn piece(bytes: &[u8], found: &mut TextsFound) {
    // A pointer may lead into the middle of a character: then it is none to a text.
    if let Ok(text) = std::str::from_utf8(bytes) {
        note(found, text, Evidence::Piece);
    }
}

fn note(found: &mut TextsFound, text: &str, evidence: Evidence) {
    let items = cbor_texts(text);
    for item in &items {
        insert(found, ((*item).to_owned(), evidence));
    }
    // With its head, the name of a schema would look like another one.
    let is_name = |text: &&str| Pattern::Name.matches(text);
    if is_name(&text) && items.iter().any(is_name) {
        return;
    }
    let whole = text.trim();
    if evidence != Evidence::Piece || whole.len() > 3 || Pattern::Identifier.matches(whole) {
        insert(found, (whole.to_owned(), evidence));
    }
    // The words of a template; of a sentence only what is surely a name.
    let is_sentence = text.contains(' ');
    let words = whole.split(|char: char| !char.is_ascii() || !is_in_a_word(char as u8));
    for word in words {
        if !is_sentence || Pattern::Name.matches(word) || word.contains("://") {
            insert(found, (word.to_owned(), evidence));
        }
    }
}
