//! Requests that are alike but for their ids, and what values become when their ids are exchanged.
//!
//! Scalarsets (Ip and Dill, 1996) in the words of this harness: a permutation of the ids renames
//! every value. What a value becomes is found out once for each permutation, and is an id of the
//! same table from then on. Hashes of intents are renamed by what they were taken over, as the
//! table keeps it. Beside permutations there is, of each id, the value in which that one is marked
//! and all others are one: by these, requests are put in an order (see [`Key`](super::Key)).

use super::{Renaming, ValueId, Values};
use sim_air::Hash;
use twox_hash::XxHash3_128;

/// More ids have more permutations than are worth going through.
pub const MOST_ALIKE: usize = 4;

/// What permutations of ids do to the values of a table.
#[derive(Clone, Debug)]
pub struct Symmetry {
    count: usize,
    permutations: Vec<Permutation>,
    /// By id: it and all others marked, and it alone.
    marked: Vec<Renaming>,
    alone: Vec<Renaming>,
    /// By value: the place of its row, from 1; 0 of one without ids.
    rows: Vec<u32>,
    /// Which ids a row has, a bit each.
    masks: Vec<u8>,
    /// What becomes of it, by permutation.
    becomes: Vec<ValueId>,
    /// The fingerprints of that, and then of the value with each id marked.
    prints: Vec<u128>,
}

/// A permutation of the ids.
#[derive(Clone, Debug)]
pub struct Permutation {
    /// By the place of an id, the place of the one that it becomes.
    pub to: Vec<usize>,
    /// What becomes of bytes.
    pub renaming: Renaming,
}

impl Symmetry {
    /// Of ids, each with other texts that change with it: all of one length, none overlapping
    /// another. None if they are not so, or fewer than two, or more than [`MOST_ALIKE`].
    pub fn of(ids: &[Vec<Vec<u8>>]) -> Option<Symmetry> {
        if !(2..=MOST_ALIKE).contains(&ids.len()) || !are_apart(ids) {
            return None;
        }
        let from_to = |from: usize, to: usize| {
            let pairs = ids[from].iter().cloned().zip(ids[to].iter().cloned());
            pairs.collect::<Vec<_>>()
        };
        let permutations = permutations(ids.len()).into_iter().map(|to| {
            let pairs = to.iter().enumerate();
            let pairs = pairs.flat_map(|(from, to)| from_to(from, *to));
            let renaming = Renaming::new(pairs.collect());
            Permutation { to, renaming }
        });
        let length = ids[0][0].len();
        // No text has these bytes.
        let as_marked = |marked: usize, place: usize| {
            let first = if place == marked { 0xf8 } else { 0xf9 };
            let texts = ids[place].iter().zip(0..);
            let pairs = texts.map(move |(text, which)| {
                let mut to = vec![first; length];
                to[length - 1] = 0xfa + which;
                (text.clone(), to)
            });
            pairs.collect::<Vec<_>>()
        };
        let places = || 0..ids.len();
        let marked = places()
            .map(|marked| Renaming::new(places().flat_map(|it| as_marked(marked, it)).collect()));
        let alone = places().map(|place| Renaming::new(as_marked(place, place)));
        Some(Symmetry {
            count: ids.len(),
            permutations: permutations.collect(),
            marked: marked.collect(),
            alone: alone.collect(),
            rows: Vec::new(),
            masks: Vec::new(),
            becomes: Vec::new(),
            prints: Vec::new(),
        })
    }

    /// How many ids there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The permutations; the first one changes nothing.
    pub fn permutations(&self) -> &[Permutation] {
        &self.permutations
    }

    /// What is held.
    pub fn held_bytes(&self) -> usize {
        self.rows.len() * size_of::<u32>()
            + self.masks.len()
            + self.becomes.len() * size_of::<ValueId>()
            + self.prints.len() * size_of::<u128>()
    }

    /// Takes up the values that are new in a table.
    #[inline]
    pub fn update(&mut self, values: &mut Values) {
        while self.rows.len() < values.count() {
            let row = self.row_of(ValueId::new(self.rows.len()), values);
            self.rows.push(row);
        }
    }

    fn row_of(&mut self, id: ValueId, values: &mut Values) -> u32 {
        let preimage = values.preimage(id);
        let bytes = values.bytes(preimage.unwrap_or(id));
        let mask = self.mask(|renaming| renaming.value(bytes).is_some());
        if mask == 0 {
            return 0;
        }
        let bytes = bytes.to_vec();
        let renamed = |renaming: &Renaming| renaming.value(&bytes);
        for permutation in &self.permutations {
            let becomes = match (renamed(&permutation.renaming), preimage) {
                (None, _) => id,
                (Some(bytes), None) => values.intern(&bytes),
                (Some(bytes), Some(_)) => values.intent_over(&Hash::of(&bytes), &bytes).id(),
            };
            self.becomes.push(becomes);
            self.prints.push(values.fingerprint(becomes));
        }
        for marked in &self.marked {
            let bytes = renamed(marked);
            let bytes = bytes.as_deref().unwrap_or_default();
            self.prints.push(XxHash3_128::oneshot(bytes));
        }
        self.masks.push(mask);
        self.masks.len() as u32
    }

    /// Which ids are there, by whether renaming one of them changes something.
    fn mask(&self, changes: impl Fn(&Renaming) -> bool) -> u8 {
        let alone = self.alone.iter().zip(0..);
        alone.fold(0, |mask, (it, place)| mask | u8::from(changes(it)) << place)
    }

    /// What a value becomes.
    #[inline]
    pub fn renamed(&self, id: ValueId, permutation: usize) -> ValueId {
        match self.row(id) {
            None => id,
            Some(row) => self.becomes[row * self.permutations.len() + permutation],
        }
    }

    /// The row of a value that has ids.
    #[inline]
    pub(super) fn row(&self, id: ValueId) -> Option<usize> {
        let row = self.rows.get(id.index()).copied().unwrap_or(0);
        (row as usize).checked_sub(1)
    }

    #[inline]
    pub(super) fn mask_of(&self, row: usize) -> u8 {
        self.masks[row]
    }

    /// Of a row: fingerprints by permutation, then by marked id.
    #[inline]
    pub(super) fn prints_of(&self, row: usize) -> &[u128] {
        let width = self.width();
        &self.prints[row * width..(row + 1) * width]
    }

    #[inline]
    pub(super) fn width(&self) -> usize {
        self.permutations.len() + self.count
    }

    /// The same of bytes that are no value, and which ids they have. None if they have none.
    pub(super) fn prints_of_bytes(&self, bytes: Bytes<'_>, out: &mut Vec<u128>) -> Option<u8> {
        let mask = self.mask(|renaming| bytes.renamed(renaming).is_some());
        if mask == 0 {
            return None;
        }
        let permutations = self.permutations.iter().map(|it| &it.renaming);
        for renaming in permutations.chain(&self.marked) {
            let renamed = bytes.renamed(renaming);
            let renamed = renamed.as_deref().unwrap_or(bytes.plain());
            out.push(XxHash3_128::oneshot(renamed));
        }
        Some(mask)
    }
}

/// Bytes that are not in a table, and what they are.
#[derive(Clone, Copy)]
pub(super) enum Bytes<'a> {
    Text(&'a [u8]),
    /// A row of items of canonical CBOR.
    Items(&'a [u8]),
}

impl<'a> Bytes<'a> {
    pub fn plain(self) -> &'a [u8] {
        let (Bytes::Text(bytes) | Bytes::Items(bytes)) = self;
        bytes
    }

    pub fn renamed(self, renaming: &Renaming) -> Option<Vec<u8>> {
        match self {
            Bytes::Text(bytes) => renaming.text(bytes),
            Bytes::Items(bytes) => renaming.items(bytes),
        }
    }
}

/// All permutations of so many, the one that changes nothing first.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        let longer = all.iter().flat_map(|begun: &Vec<usize>| {
            let next = (0..count).filter(|next| !begun.contains(next));
            next.map(|next| [begun.as_slice(), &[next]].concat())
        });
        all = longer.collect();
    }
    all
}

/// Whether texts are of one length, different, and never begin within one another.
fn are_apart(ids: &[Vec<Vec<u8>>]) -> bool {
    let all: Vec<&[u8]> = ids.iter().flatten().map(Vec::as_slice).collect();
    let length = all.first().map_or(0, |first| first.len());
    let is_even = ids.iter().all(|texts| texts.len() == ids[0].len());
    let is_long = length > 0 && all.iter().all(|text| text.len() == length);
    let overlap =
        |one: &[u8], other: &[u8]| (1..length).any(|at| one[at..] == other[..length - at]);
    let mut pairs = all.iter().enumerate().flat_map(|(place, one)| {
        let others = all.iter().enumerate();
        others.map(move |(other_place, other)| (place == other_place, *one, *other))
    });
    is_even
        && is_long
        && pairs.all(|(is_same, one, other)| !overlap(one, other) && (is_same || one != other))
}
