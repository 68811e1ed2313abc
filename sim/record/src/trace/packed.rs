//! Numbers and ids in few bytes: what the explorer keeps of a state that it has yet to expand.
//!
//! Numbers are unsigned LEB128, seven bits a byte, since nearly all are small. What is packed is
//! read back in the same order, by the same version: this is no format. Ids are those of the
//! process that packed; another one says which its own are for them.

use std::borrow::Cow;

use super::{IntentHash, Name, Renaming, Symmetry, ValueId};

/// Packs, at the end of a buffer.
pub struct Packer<'a> {
    out: &'a mut Vec<u8>,
}

/// Unpacks.
#[derive(Clone, Copy)]
pub struct Unpacker<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What ids of the process that packed are here; None if it was this one.
    ids: Option<&'a [ValueId]>,
    /// Ids are exchanged while it reads.
    as_by: Option<(&'a Symmetry, usize)>,
}

impl<'a> Packer<'a> {
    /// Appends to what is in the buffer.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> Packer<'a> {
        Packer { out }
    }

    /// Appends any number: a byte for those below 128, at most ten.
    #[inline]
    pub fn number(&mut self, mut number: u64) -> &mut Self {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
        self
    }

    /// Bytes as they are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// Bytes with their number before them.
    #[inline]
    pub fn row(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len()).bytes(bytes)
    }

    /// A number that means something in this process only.
    #[inline]
    fn id(&mut self, number: usize) -> &mut Self {
        self.count(number)
    }

    /// Appends a count or an index.
    #[inline]
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.number(count as u64)
    }

    /// Appends a bool.
    #[inline]
    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.number(flag.into())
    }

    /// Appends the id of a value.
    #[inline]
    pub fn value(&mut self, id: ValueId) -> &mut Self {
        self.id(id.index())
    }

    /// Appends the id of a value, or that there is none.
    #[inline]
    pub fn optional_value(&mut self, id: Option<ValueId>) -> &mut Self {
        self.id(id.map_or(0, |id| id.index() + 1))
    }

    /// Appends the id of a text.
    #[inline]
    pub fn name(&mut self, Name(id): Name) -> &mut Self {
        self.value(id)
    }

    /// Appends the id of a text, or that there is none.
    #[inline]
    pub fn optional_name(&mut self, name: Option<Name>) -> &mut Self {
        self.optional_value(name.map(|Name(id)| id))
    }

    /// Appends what names an intent.
    #[inline]
    pub fn intent(&mut self, IntentHash(id): IntentHash) -> &mut Self {
        self.value(id)
    }
}

impl<'a> Unpacker<'a> {
    /// Reads from the beginning. Every method panics where the bytes end before it has read all.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Unpacker<'a> {
        Unpacker {
            bytes,
            at: 0,
            ids: None,
            as_by: None,
        }
    }

    /// Reads what another process packed from here on, whose ids are these here.
    pub fn of_another(self, ids: &'a [ValueId]) -> Unpacker<'a> {
        Unpacker {
            ids: Some(ids),
            ..self
        }
    }

    /// Reads what was packed as it is by the permutation of that place: values and texts are
    /// renamed, see [`Symmetry`].
    pub fn permuted(self, symmetry: &'a Symmetry, permutation: usize) -> Unpacker<'a> {
        Unpacker {
            as_by: Some((symmetry, permutation)),
            ..self
        }
    }

    /// The id of the value that the process that packed had at that place.
    #[inline]
    fn id(&self, index: usize) -> ValueId {
        match self.ids {
            None => ValueId::new(index),
            Some(ids) => ids[index],
        }
    }

    /// Whether all was read.
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// So many bytes as they are.
    #[inline]
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        self.at += count;
        &self.bytes[self.at - count..self.at]
    }

    /// How what is packed is renamed, if it is.
    pub fn renaming(&self) -> Option<&'a Renaming> {
        let (symmetry, place) = self.as_by?;
        symmetry.permutations().get(place).map(|it| &it.renaming)
    }

    /// A value as it is by the permutation that this reads by.
    #[inline]
    pub fn renamed(&self, id: ValueId) -> ValueId {
        match self.as_by {
            None => id,
            Some((symmetry, permutation)) => symmetry.renamed(id, permutation),
        }
    }

    /// The same of what names an intent.
    #[inline]
    pub fn renamed_intent(&self, IntentHash(id): IntentHash) -> IntentHash {
        IntentHash(self.renamed(id))
    }

    /// The same of a name.
    #[inline]
    pub fn renamed_name(&self, Name(id): Name) -> Name {
        Name(self.renamed(id))
    }

    /// What `read` reads, as it was packed: with no ids exchanged.
    pub fn as_packed<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let as_by = self.as_by.take();
        let read = read(self);
        self.as_by = as_by;
        read
    }

    /// Reads what [`Packer::row`] wrote as one text.
    pub fn text(&mut self) -> Cow<'a, [u8]> {
        let text = self.row();
        let renamed = self.renaming().and_then(|it| it.text(text));
        renamed.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The same as a row of items of canonical CBOR. What is none is renamed as one text.
    pub fn items(&mut self) -> Cow<'a, [u8]> {
        let items = self.row();
        let renamed = self.renaming().and_then(|it| it.items(items));
        renamed.map_or(Cow::Borrowed(items), Cow::Owned)
    }

    /// Reads what [`Packer::number`] wrote.
    #[inline]
    pub fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.bytes[self.at];
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
    }

    /// A byte as it is.
    #[inline]
    pub fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes[self.at - 1]
    }

    /// Reads what [`Packer::row`] wrote, whatever ids are in it: see [`Unpacker::text`].
    #[inline]
    pub fn row(&mut self) -> &'a [u8] {
        let count = self.count();
        self.bytes(count)
    }

    /// Reads a number that is known to have been a `u32`.
    #[inline]
    pub fn small(&mut self) -> u32 {
        self.number() as u32
    }

    /// Reads what [`Packer::count`] wrote.
    #[inline]
    pub fn count(&mut self) -> usize {
        self.number() as usize
    }

    /// Reads what [`Packer::flag`] wrote.
    #[inline]
    pub fn flag(&mut self) -> bool {
        self.number() == 1
    }

    /// Reads what [`Packer::value`] wrote.
    #[inline]
    pub fn value(&mut self) -> ValueId {
        let index = self.count();
        self.renamed(self.id(index))
    }

    /// Reads what [`Packer::optional_value`] wrote.
    #[inline]
    pub fn optional_value(&mut self) -> Option<ValueId> {
        let index = self.count().checked_sub(1)?;
        Some(self.renamed(self.id(index)))
    }

    /// Reads what [`Packer::name`] wrote.
    #[inline]
    pub fn name(&mut self) -> Name {
        Name(self.value())
    }

    /// Reads what [`Packer::optional_name`] wrote.
    #[inline]
    pub fn optional_name(&mut self) -> Option<Name> {
        self.optional_value().map(Name)
    }

    /// Reads what [`Packer::intent`] wrote.
    #[inline]
    pub fn intent(&mut self) -> IntentHash {
        IntentHash(self.value())
    }
}
