//! What a value of CBOR is read as.
//!
//! Owns the types that a schema's fields may have in a reducer. Borrows from the input and
//! allocates nothing. The reader takes any order of keys and any width of heads; what has another
//! type, or more than its schema says, is refused.

use core::marker::PhantomData;

use crate::Refusal;
use crate::cbor::{Read, Reader};

/// A type that is read from CBOR. [`record!`](crate::record!) and [`variant!`](crate::variant!)
/// make such types.
///
/// | in AIR | here |
/// | --- | --- |
/// | `nat` | `u64` |
/// | `int`, `time`, `duration` | `i64` |
/// | `bool` | `bool` |
/// | `text`, `hash`, `uuid`, `dec128` | `&str` |
/// | `bytes` | `&[u8]` |
/// | `unit` | `()` |
/// | `option` | [`Option`] |
/// | `list`, `set` | [`List`] |
/// | `map` | [`Map`] |
pub trait Decode<'a>: Sized {
    /// Reads a value.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal>;

    /// What a field is that is not there; `None` if it must be.
    fn absent() -> Option<Self> {
        None
    }
}

/// Reads a whole document.
pub(crate) fn decode<'a, T: Decode<'a>>(
    document: &'a [u8],
    name: &'static &'static str,
) -> Result<T, Refusal> {
    let mut reader = Reader::new(document);
    let value = T::decode(&mut reader).and_then(|value| reader.finish().map(|()| value));
    value.map_err(|refusal| refusal.within(name))
}

impl Decode<'_> for u64 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        reader.nat()
    }
}

impl Decode<'_> for i64 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        reader.int()
    }
}

impl Decode<'_> for bool {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        reader.boolean()
    }
}

impl<'a> Decode<'a> for &'a str {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        reader.str()
    }
}

impl<'a> Decode<'a> for &'a [u8] {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        reader.bytes()
    }
}

impl Decode<'_> for () {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        if reader.null() {
            Ok(())
        } else {
            Err(Refusal::expected("null", reader.first()))
        }
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        if reader.null() {
            Ok(None)
        } else {
            T::decode(reader).map(Some)
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A list or a set, as it lies in the input. It is read again whenever it is gone through.
///
/// ```
/// use sdk::{Items, List};
///
/// sdk::record! {
///     struct Queue<'a> { jobs: List<'a, &'a str> }
/// }
///
/// fn step(input: &sdk::Input, output: &mut sdk::Output) -> Result<(), sdk::Refusal> {
///     let queue: Queue = input.state()?.unwrap_or(Queue { jobs: List::default() });
///     let job: &str = input.event()?;
///     sdk::record! {
///         struct Longer<J> { jobs: J }
///     }
///     output.state(&Longer { jobs: Items(queue.jobs.iter().chain([job])) });
///     Ok(())
/// }
///
/// let answer = sdk::testing::first(&"paint").step(step)?.then(&"dry").step(step)?;
/// let queue: Queue = answer.state()?.expect("there is one");
/// assert!(queue.jobs.iter().eq(["paint", "dry"]));
/// # Ok::<(), sdk::Refusal>(())
/// ```
pub struct List<'a, T> {
    count: u64,
    items: Reader<'a>,
    of: PhantomData<T>,
}

impl<'a, T: Decode<'a>> List<'a, T> {
    /// How many items there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The items, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + Clone + use<'a, T> {
        let mut left = 0..self.count;
        let mut items = self.items;
        core::iter::from_fn(move || {
            left.next()?;
            T::decode(&mut items).ok()
        })
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for List<'a, T> {
    /// All items are read, so that nothing is refused later.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        let count = reader.items()?;
        let items = *reader;
        for _ in 0..count {
            T::decode(reader)?;
        }
        Ok(List::of(count, items))
    }
}

impl<'a, T> List<'a, T> {
    fn of(count: u64, items: Reader<'a>) -> Self {
        let of = PhantomData;
        List { count, items, of }
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        List::of(0, Reader::new(&[]))
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

/// A map, as it lies in the input. It is read again whenever it is gone through.
pub struct Map<'a, K, V> {
    pairs: List<'a, Pair<K, V>>,
}

/// A key and its value.
struct Pair<K, V>(K, V);

impl<'a, K: Decode<'a>, V: Decode<'a>> Decode<'a> for Pair<K, V> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        Ok(Pair(K::decode(reader)?, V::decode(reader)?))
    }
}

impl<'a, K: Decode<'a>, V: Decode<'a>> Map<'a, K, V> {
    /// How many pairs there are.
    pub fn count(&self) -> u64 {
        self.pairs.count()
    }

    /// Keys and values, in the order of the input.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)> + Clone + use<'a, K, V> {
        self.pairs.iter().map(|Pair(key, value)| (key, value))
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<V>
    where
        K: PartialEq,
    {
        self.iter()
            .find(|(other, _)| other == key)
            .map(|(_, value)| value)
    }
}

impl<'a, K: Decode<'a>, V: Decode<'a>> Decode<'a> for Map<'a, K, V> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        let count = reader.pairs(0)?;
        let items = *reader;
        for _ in 0..count {
            Pair::<K, V>::decode(reader)?;
        }
        let pairs = List::of(count, items);
        Ok(Map { pairs })
    }
}

impl<K, V> Default for Map<'_, K, V> {
    fn default() -> Self {
        let pairs = List::default();
        Map { pairs }
    }
}

impl<K, V> Clone for Map<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Map<'_, K, V> {}
