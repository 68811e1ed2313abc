//! A key: what decides how a run goes on, written down so that equal situations give equal bytes.
//!
//! A row of words, fingerprints of values, and multisets. Of a multiset it holds the sum of the
//! fingerprints of its elements, so nothing has to be put in order. Two situations are taken for
//! one when XXH3 over their rows agrees in 128 bits.
//!
//! With a [`Symmetry`] two situations are also one if exchanging ids makes them equal. What has ids
//! is noted beside the row, and put in when the permutation is known: that by which the row comes
//! out least, among those that put the ids in order. Ids are ordered by all that is said of each,
//! where it is marked and the others are not told apart, so that mostly one permutation is left.

use twox_hash::XxHash3_128;

use super::symmetry::Bytes;
use super::{MOST_ALIKE, Symmetry, Trace, ValueId};

/// A row of bytes that is written part by part, and its fingerprint.
#[derive(Default)]
pub struct Key {
    row: Vec<u8>,
    symmetry: Option<Box<Symmetry>>,
    /// Where fingerprints of what has ids belong.
    gaps: Vec<(usize, Row)>,
    /// Elements that have ids, each with the place of its multiset's sum.
    elements: Vec<(usize, u64, [Print; 2])>,
    /// Fingerprints of bytes that have ids and are no values, as in the rows of the symmetry.
    prints: Vec<u128>,
    masks: Vec<u8>,
    filled: Vec<u8>,
}

/// An element of a multiset: a number, and up to two things more.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    number: u64,
    parts: [Part; 2],
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Fixed(u128),
    Value(ValueId),
    Own(Row),
}

/// Where fingerprints are: of a value with ids, or of bytes of the key's own.
#[derive(Clone, Copy, Debug)]
enum Row {
    OfValue(usize),
    Own(usize),
}

#[derive(Clone, Copy, Debug)]
enum Print {
    Fixed(u128),
    Of(Row),
}

impl Element {
    /// A number alone.
    #[inline]
    pub fn new(number: u64) -> Element {
        Element {
            number,
            parts: [Part::Fixed(0); 2],
        }
    }

    /// With a value, or none.
    #[inline]
    pub fn and(self, value: Option<ValueId>) -> Element {
        self.with(value.map_or(Part::Fixed(0), Part::Value))
    }

    /// With the fingerprint of something that has no ids.
    #[inline]
    pub fn and_print(self, print: u128) -> Element {
        self.with(Part::Fixed(print))
    }

    /// What comes second is asked for last.
    #[inline]
    fn with(self, part: Part) -> Element {
        let [_, last] = self.parts;
        Element {
            number: self.number,
            parts: [last, part],
        }
    }
}

impl Key {
    /// A key by which situations are one, too, if exchanging ids makes them so.
    pub fn with(symmetry: Option<Symmetry>) -> Key {
        Key {
            symmetry: symmetry.map(Box::new),
            ..Key::default()
        }
    }

    /// What it knows of ids.
    #[inline]
    pub fn symmetry(&self) -> Option<&Symmetry> {
        self.symmetry.as_deref()
    }

    /// Takes up the values that are new: before what has them is written.
    #[inline]
    pub fn update(&mut self, trace: &mut Trace) {
        if let Some(symmetry) = &mut self.symmetry {
            symmetry.update(&mut trace.values);
        }
    }

    /// Begins anew, and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.row.clear();
        self.gaps.clear();
        self.elements.clear();
        self.prints.clear();
        self.masks.clear();
    }

    /// Appends a number.
    #[inline]
    pub fn word(&mut self, word: u64) -> &mut Key {
        self.row.extend_from_slice(&word.to_le_bytes());
        self
    }

    /// Appends the fingerprint of a value, whatever its id is.
    #[inline]
    pub fn value(&mut self, trace: &Trace, id: ValueId) -> &mut Key {
        match self.print_of(trace, Part::Value(id)) {
            Print::Fixed(print) => self.print(print),
            Print::Of(row) => self.gap(row),
        }
    }

    /// Appends bytes with their length, so that no two rows run into each other. No ids are looked
    /// for in them.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Key {
        self.word(bytes.len() as u64);
        self.row.extend_from_slice(bytes);
        self
    }

    /// Appends a text.
    #[inline]
    pub fn text(&mut self, text: &[u8]) -> &mut Key {
        match self.own(Bytes::Text(text)) {
            None => self.bytes(text),
            Some(row) => self.word(text.len() as u64).gap(row),
        }
    }

    /// Appends a row of items of canonical CBOR; what is none counts as text.
    #[inline]
    pub fn items(&mut self, items: &[u8]) -> &mut Key {
        match self.own(Bytes::Items(items)) {
            None => self.bytes(items),
            Some(row) => self.word(items.len() as u64).gap(row),
        }
    }

    /// An element with a text.
    pub fn with_text(&mut self, element: Element, text: &[u8]) -> Element {
        self.with_bytes(element, Bytes::Text(text))
    }

    /// An element with a row of items of canonical CBOR.
    pub fn with_items(&mut self, element: Element, items: &[u8]) -> Element {
        self.with_bytes(element, Bytes::Items(items))
    }

    fn with_bytes(&mut self, element: Element, bytes: Bytes<'_>) -> Element {
        element.with(match self.own(bytes) {
            None => Part::Fixed(XxHash3_128::oneshot(bytes.plain())),
            Some(row) => Part::Own(row),
        })
    }

    fn own(&mut self, bytes: Bytes<'_>) -> Option<Row> {
        let symmetry = self.symmetry.as_ref()?;
        let mask = symmetry.prints_of_bytes(bytes, &mut self.prints)?;
        self.masks.push(mask);
        Some(Row::Own(self.masks.len() - 1))
    }

    /// Elements in any order.
    #[inline]
    pub fn set(&mut self, trace: &Trace, elements: impl Iterator<Item = Element>) -> &mut Key {
        let place = self.row.len() + size_of::<u64>();
        let (mut count, mut sum) = (0, 0_u128);
        for Element { number, parts } in elements {
            count += 1;
            match parts.map(|part| self.print_of(trace, part)) {
                [Print::Fixed(one), Print::Fixed(other)] => {
                    sum = sum.wrapping_add(fingerprint_of(number, [one, other]));
                }
                prints => self.elements.push((place, number, prints)),
            }
        }
        self.word(count).print(sum)
    }

    #[inline]
    fn print_of(&self, trace: &Trace, part: Part) -> Print {
        match part {
            Part::Fixed(print) => Print::Fixed(print),
            Part::Own(row) => Print::Of(row),
            Part::Value(id) => match self.symmetry.as_ref().and_then(|it| it.row(id)) {
                Some(row) => Print::Of(Row::OfValue(row)),
                None => Print::Fixed(trace.values.fingerprint(id)),
            },
        }
    }

    #[inline]
    fn gap(&mut self, row: Row) -> &mut Key {
        self.gaps.push((self.row.len(), row));
        self.print(0)
    }

    #[inline]
    fn print(&mut self, print: u128) -> &mut Key {
        self.row.extend_from_slice(&print.to_le_bytes());
        self
    }

    /// The fingerprint of all that was written.
    #[inline]
    pub fn fingerprint(&self) -> u128 {
        XxHash3_128::oneshot(&self.row)
    }

    /// The fingerprint of all that was written, whichever of the first `count` ids is which: the
    /// others stay as they are.
    pub fn canonical(&mut self, count: usize) -> u128 {
        let Some(symmetry) = self.symmetry.take() else {
            return self.fingerprint();
        };
        let least = match count {
            0 | 1 => self.filled(&symmetry, 0),
            _ => self.least(&symmetry, count),
        };
        self.symmetry = Some(symmetry);
        least
    }

    /// The least fingerprint by the permutations that put ids in the order of what is said of them.
    fn least(&mut self, symmetry: &Symmetry, count: usize) -> u128 {
        let said = self.said_of(symmetry);
        let mut order: [usize; MOST_ALIKE] = std::array::from_fn(|id| id);
        order[..count].sort_unstable_by_key(|id| said[*id]);
        let is_clear = order[..count]
            .windows(2)
            .all(|pair| said[pair[0]] != said[pair[1]]);
        if is_clear {
            let mut to = [0; MOST_ALIKE];
            for (place, id) in order.iter().enumerate() {
                to[*id] = place;
            }
            return self.filled(symmetry, place_of(&to[..symmetry.count()]));
        }
        let mut least = u128::MAX;
        for (place, permutation) in symmetry.permutations().iter().enumerate() {
            let mut ordered = [0; MOST_ALIKE];
            let mut stays = true;
            for (from, to) in permutation.to.iter().enumerate() {
                ordered[*to] = said[from];
                stays &= from < count || from == *to;
            }
            if stays && ordered[..count].is_sorted() {
                least = least.min(self.filled(symmetry, place));
            }
        }
        least
    }

    /// The fingerprint of all that was written, as it is by a permutation.
    pub fn permuted(&mut self, place: usize) -> u128 {
        let Some(symmetry) = self.symmetry.take() else {
            return self.fingerprint();
        };
        let print = self.filled(&symmetry, place);
        self.symmetry = Some(symmetry);
        print
    }

    /// A fingerprint of all that is said of each id: a quick one, for where two have the same both
    /// orders are tried. Ids of which nothing is said are put in any order: none shows.
    fn said_of(&self, symmetry: &Symmetry) -> [u64; MOST_ALIKE] {
        const IS_THERE: u64 = 1 << 63;
        let mut said: [u64; MOST_ALIKE] = std::array::from_fn(|id| id as u64);
        let first = symmetry.permutations().len();
        let mut say = |mask: u8, number: u64, rows: [Print; 2]| {
            let mut left = mask;
            while left != 0 {
                let id = left.trailing_zeros() as usize;
                left &= left - 1;
                let prints = rows.map(|print| self.at(symmetry, print, first + id) as u64);
                let known = match said[id] & IS_THERE {
                    0 => 0,
                    _ => said[id],
                };
                said[id] = known.wrapping_add(mixed(number, prints)) | IS_THERE;
            }
        };
        for (place, row) in &self.gaps {
            let mask = self.mask(symmetry, Print::Of(*row));
            say(mask, *place as u64, [Print::Of(*row), Print::Fixed(0)]);
        }
        for (place, number, prints) in &self.elements {
            let mask = prints.map(|print| self.mask(symmetry, print));
            let number = number ^ (*place as u64) << 48;
            say(mask[0] | mask[1], number, *prints);
        }
        said
    }

    #[inline]
    fn mask(&self, symmetry: &Symmetry, print: Print) -> u8 {
        match print {
            Print::Fixed(_) => 0,
            Print::Of(Row::OfValue(row)) => symmetry.mask_of(row),
            Print::Of(Row::Own(row)) => self.masks[row],
        }
    }

    #[inline]
    fn prints<'s>(&'s self, symmetry: &'s Symmetry, row: Row) -> &'s [u128] {
        match row {
            Row::OfValue(row) => symmetry.prints_of(row),
            Row::Own(row) => &self.prints[row * symmetry.width()..][..symmetry.width()],
        }
    }

    #[inline]
    fn at(&self, symmetry: &Symmetry, print: Print, which: usize) -> u128 {
        match print {
            Print::Fixed(print) => print,
            Print::Of(row) => self.prints(symmetry, row)[which],
        }
    }

    /// The row with everything in its place, by a permutation.
    fn filled(&mut self, symmetry: &Symmetry, permutation: usize) -> u128 {
        let mut filled = std::mem::take(&mut self.filled);
        filled.clear();
        filled.extend_from_slice(&self.row);
        for (place, row) in &self.gaps {
            add(
                &mut filled,
                *place,
                self.prints(symmetry, *row)[permutation],
            );
        }
        for (place, number, prints) in &self.elements {
            let prints = prints.map(|print| self.at(symmetry, print, permutation));
            add(&mut filled, *place, fingerprint_of(*number, prints));
        }
        let print = XxHash3_128::oneshot(&filled);
        self.filled = filled;
        print
    }
}

/// The place of a permutation among all, which come in the order of their numbers.
#[inline]
fn place_of(to: &[usize]) -> usize {
    let mut place = 0;
    for (at, one) in to.iter().enumerate() {
        let less = to[at + 1..].iter().filter(|other| *other < one).count();
        place = place * (to.len() - at) + less;
    }
    place
}

/// Adds to the fingerprint at a place.
#[inline]
fn add(row: &mut [u8], place: usize, print: u128) {
    if let Some(bytes) = row[place..].first_chunk_mut::<16>() {
        *bytes = u128::from_le_bytes(*bytes)
            .wrapping_add(print)
            .to_le_bytes();
    }
}

#[inline]
fn fingerprint_of(number: u64, prints: [u128; 2]) -> u128 {
    let mut element = [0; 40];
    element[..8].copy_from_slice(&number.to_le_bytes());
    element[8..24].copy_from_slice(&prints[0].to_le_bytes());
    element[24..].copy_from_slice(&prints[1].to_le_bytes());
    XxHash3_128::oneshot(&element)
}

/// A number of all three, by multiplications alone.
#[inline]
fn mixed(number: u64, [one, other]: [u64; 2]) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (number ^ one.rotate_left(32)).wrapping_mul(SPREAD) ^ other;
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(SPREAD);
    mixed ^ mixed >> 32
}
